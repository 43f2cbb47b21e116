/// An array parameter that is written element by element: a column of rows that one statement takes with `unnest`.
///
/// The elements go into the binary form at once, so that no array of values is made first. An element that PostgreSQL cannot
/// hold is reported when the statement is run.
public struct ArrayColumn: Sendable {
  let type: PostgresType
  /// The elements, each with its length.
  private(set) var elements: [UInt8] = []
  private(set) var hasNull = false
  /// The first element that could not be encoded.
  private(set) var defect: PostgresError?

  /// The number of elements.
  public private(set) var count = 0

  /// A column without elements.
  ///
  /// - Parameters:
  ///   - type: the Swift type of the elements; appending another is a programmer error and traps.
  ///   - capacity: the bytes to reserve. The default is none.
  public init<T: PostgresValue>(of type: T.Type, reserving capacity: Int = 0) {
    self.type = T.postgresType
    elements.reserveCapacity(capacity)
  }

  /// Adds a `bigint`, or NULL for `nil`.
  public mutating func append(_ value: Int64?) { add(value) }
  /// Adds an `integer`, or NULL for `nil`.
  public mutating func append(_ value: Int32?) { add(value) }
  /// Adds a `boolean`, or NULL for `nil`.
  public mutating func append(_ value: Bool?) { add(value) }
  /// Adds a `text`, or NULL for `nil`.
  public mutating func append(_ value: String?) { add(value) }
  /// Adds a `bytea`, or NULL for `nil`.
  public mutating func append(_ value: [UInt8]?) { add(value) }
  /// Adds a `timestamptz`, or NULL for `nil`.
  public mutating func append(_ value: Timestamp?) { add(value) }
  /// Adds a `tstzrange`, or NULL for `nil`.
  public mutating func append(_ value: TimestampRange?) { add(value) }
  /// Adds a `uuid`, or NULL for `nil`.
  public mutating func append(_ value: UUIDBytes?) { add(value) }
  /// Adds a `jsonb`, or NULL for `nil`.
  public mutating func append(_ value: JSONText?) { add(value) }

  @inline(__always)
  private mutating func add<T: PostgresValue>(_ value: T?) {
    precondition(T.postgresType.oid == type.oid, "an element of another type than its column")
    if value == nil { hasNull = true }
    count += 1
    do throws(PostgresError) { try elements.appendField(value) } catch { if defect == nil { defect = error } }
  }

  /// Appends the array's binary form.
  func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) {
    if let defect { throw defect }
    try ArrayBinary.appendHeader(count: count, hasNull: hasNull, element: type, to: &bytes)
    bytes.append(contentsOf: elements)
  }
}
