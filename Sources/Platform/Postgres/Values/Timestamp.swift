/// A moment as PostgreSQL's `timestamptz` holds it: microseconds, UTC; without PostgreSQL's two infinities.
public struct Timestamp: Hashable, Comparable, Sendable {
  /// Microseconds since 1970-01-01T00:00:00Z; negative before.
  public var microsecondsSinceUnixEpoch: Int64

  /// A moment, in microseconds since 1970-01-01T00:00:00Z.
  public init(microsecondsSinceUnixEpoch: Int64) {
    self.microsecondsSinceUnixEpoch = microsecondsSinceUnixEpoch
  }

  /// True if the left moment is earlier.
  public static func < (left: Timestamp, right: Timestamp) -> Bool {
    left.microsecondsSinceUnixEpoch < right.microsecondsSinceUnixEpoch
  }

  /// PostgreSQL counts from 2000-01-01T00:00:00Z (`POSTGRES_EPOCH_JDATE`).
  static let microsecondsFromUnixToPostgresEpoch: Int64 = 946_684_800_000_000
}

extension Timestamp: PostgresValue {
  /// `timestamptz`.
  public static var postgresType: PostgresType { .timestamptz }

  /// Appends microseconds since 2000-01-01.
  ///
  /// - Throws: ``PostgresError`` with code `.badValue` for a moment that PostgreSQL would read as an infinity.
  public func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) {
    bytes.append(bigEndian: try postgresMicroseconds())
  }

  /// Reads `timestamptz`; an infinity is refused.
  public init(binary: RawSpan, type: UInt32) throws(PostgresError) {
    guard type == PostgresType.timestamptz.oid else { throw Self.mismatch(type) }
    try self.init(postgresMicroseconds: try binary.integer(Int64.self))
  }

  @inline(__always)
  func postgresMicroseconds() throws(PostgresError) -> Int64 {
    let (value, overflow) = microsecondsSinceUnixEpoch.subtractingReportingOverflow(Self.microsecondsFromUnixToPostgresEpoch)
    guard !overflow, value != .min else {
      throw PostgresError(.badValue, "a moment before PostgreSQL's first timestamp cannot be stored")
    }
    return value
  }

  init(postgresMicroseconds value: Int64) throws(PostgresError) {
    let (moment, overflow) = value.addingReportingOverflow(Self.microsecondsFromUnixToPostgresEpoch)
    guard !overflow, value != .min, value != .max else {
      throw PostgresError(.badValue, "the timestamps -infinity and infinity are not moments")
    }
    self.init(microsecondsSinceUnixEpoch: moment)
  }
}
