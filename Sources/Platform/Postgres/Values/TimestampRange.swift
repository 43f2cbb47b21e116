/// A half-open span of time `[lower, upper)`, as PostgreSQL's `tstzrange` holds it.
public struct TimestampRange: Hashable, Sendable {
  /// The first moment within; `nil` if the range has no beginning.
  public let lower: Timestamp?
  /// The first moment after; `nil` if the range has no end.
  public let upper: Timestamp?
  /// True if no moment is within; then both bounds are `nil`.
  public let isEmpty: Bool

  /// The range that no moment is within.
  public static let empty = TimestampRange()

  private init() {
    lower = nil
    upper = nil
    isEmpty = true
  }

  /// The moments from `lower` up to, not including, `upper`; `nil` leaves that side open.
  ///
  /// Equal bounds give ``empty``, as in PostgreSQL.
  /// - Precondition: `lower` is not after `upper`.
  public init(lower: Timestamp?, upper: Timestamp?) {
    if let lower, let upper {
      precondition(lower <= upper, "a range's lower bound is after its upper bound")
      if lower == upper {
        self = .empty
        return
      }
    }
    self.lower = lower
    self.upper = upper
    isEmpty = false
  }
}

extension TimestampRange: PostgresValue {
  /// `tstzrange`.
  public static var postgresType: PostgresType { .tstzrange }

  /// The flags of PostgreSQL's `rangetypes.h`; exclusive is the absence of inclusive.
  private enum Flag {
    static let empty: UInt8 = 0x01
    static let lowerInclusive: UInt8 = 0x02
    static let upperInclusive: UInt8 = 0x04
    static let lowerUnbounded: UInt8 = 0x08
    static let upperUnbounded: UInt8 = 0x10
  }

  /// Appends a byte of flags, then each bound there is, with its length.
  ///
  /// - Throws: ``PostgresError`` with code `.badValue` for a bound that PostgreSQL would read as an infinity.
  public func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) {
    guard !isEmpty else { return bytes.append(Flag.empty) }
    bytes.append((lower == nil ? Flag.lowerUnbounded : Flag.lowerInclusive) | (upper == nil ? Flag.upperUnbounded : 0))
    if let lower { try bytes.appendField(lower) }
    if let upper { try bytes.appendField(upper) }
  }

  /// Reads `tstzrange`; a range of another form than `[lower, upper)` or with an infinity is refused.
  public init(binary: RawSpan, type: UInt32) throws(PostgresError) {
    guard type == PostgresType.tstzrange.oid else { throw Self.mismatch(type) }
    let flags = try binary.bigEndian(UInt8.self, at: 0)
    guard flags & Flag.empty == 0 else {
      self = .empty
      return
    }
    var offset = 1
    func bound() throws(PostgresError) -> Timestamp {
      guard try binary.bigEndian(Int32.self, at: offset) == 8 else {
        throw PostgresError(.protocolViolation, "a bound of a tstzrange is not eight bytes long")
      }
      let microseconds = try binary.bigEndian(Int64.self, at: offset + 4)
      offset += 12
      return try Timestamp(postgresMicroseconds: microseconds)
    }
    let lower = flags & Flag.lowerUnbounded == 0 ? try bound() : nil
    let upper = flags & Flag.upperUnbounded == 0 ? try bound() : nil
    guard lower == nil || flags & Flag.lowerInclusive != 0, flags & Flag.upperInclusive == 0 else {
      throw PostgresError(.badValue, "a tstzrange is not of the form [lower, upper)")
    }
    if let lower, let upper, lower >= upper {
      throw PostgresError(.protocolViolation, "the lower bound of a tstzrange is not before its upper bound")
    }
    self.init(lower: lower, upper: upper)
  }
}
