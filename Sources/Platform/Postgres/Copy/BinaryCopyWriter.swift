/// Writes rows in PostgreSQL's binary COPY format (COPY, "Binary Format"), into a buffer that is sent when it is full.
///
/// Begin each row with ``row(columns:)``, then write its columns in order; each must be of the very type that the table's
/// column has, for a binary COPY converts nothing. Another number of columns than announced is a programmer error and traps.
public struct BinaryCopyWriter: ~Copyable {
  /// Bytes gathered before they are handed to libpq: large enough that calls cost nothing, small enough to stay in a cache.
  static let flushBytes = 256 * 1024

  private let connection: Connection
  private var buffer: [UInt8] = []
  private var columnsLeft = 0

  init(connection: Connection) {
    self.connection = connection
    buffer.reserveCapacity(Self.flushBytes + Self.flushBytes / 4)
    // Signature, flags, length of the header's extension.
    buffer += [0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00, 0, 0, 0, 0, 0, 0, 0, 0]
  }

  /// Begins a row.
  ///
  /// - Throws: ``PostgresError`` if the server refused what was sent before, or the connection was lost.
  public mutating func row(columns: Int) throws(PostgresError) {
    precondition(columnsLeft == 0, "a row was begun with \(columnsLeft) columns of the one before unwritten")
    precondition(columns >= 0 && columns <= Int(Int16.max), "a row of \(columns) columns")
    if buffer.count >= Self.flushBytes { try flush() }
    buffer.append(bigEndian: Int16(columns))
    columnsLeft = columns
  }

  /// Writes a `bigint`, or NULL for `nil`.
  public mutating func write(_ value: Int64?) throws(PostgresError) {
    take()
    guard let value else { return buffer.append(bigEndian: Int32(-1)) }
    buffer.append(bigEndian: Int32(8))
    buffer.append(bigEndian: value)
  }

  /// Writes an `integer`, or NULL for `nil`.
  public mutating func write(_ value: Int32?) throws(PostgresError) {
    take()
    guard let value else { return buffer.append(bigEndian: Int32(-1)) }
    buffer.append(bigEndian: Int32(4))
    buffer.append(bigEndian: value)
  }

  /// Writes a `smallint`, or NULL for `nil`.
  public mutating func write(_ value: Int16?) throws(PostgresError) {
    take()
    guard let value else { return buffer.append(bigEndian: Int32(-1)) }
    buffer.append(bigEndian: Int32(2))
    buffer.append(bigEndian: value)
  }

  /// Writes a `boolean`, or NULL for `nil`.
  public mutating func write(_ value: Bool?) throws(PostgresError) { try field(value) }
  /// Writes a `bigint`, or NULL for `nil`.
  public mutating func write(_ value: Int?) throws(PostgresError) { try write(value.map(Int64.init)) }
  /// Writes a `double precision`, or NULL for `nil`.
  public mutating func write(_ value: Double?) throws(PostgresError) { try field(value) }
  /// Writes a `text`, `varchar`, `name` or `json`, or NULL for `nil`; NUL within is refused.
  public mutating func write(_ value: String?) throws(PostgresError) { try field(value) }
  /// Writes a `bytea`, or NULL for `nil`.
  public mutating func write(_ value: [UInt8]?) throws(PostgresError) { try field(value) }
  /// Writes a `timestamptz`, or NULL for `nil`.
  public mutating func write(_ value: Timestamp?) throws(PostgresError) { try field(value) }
  /// Writes a `tstzrange`, or NULL for `nil`.
  public mutating func write(_ value: TimestampRange?) throws(PostgresError) { try field(value) }
  /// Writes a `uuid`, or NULL for `nil`.
  public mutating func write(_ value: UUIDBytes?) throws(PostgresError) { try field(value) }
  /// Writes a `jsonb`, or NULL for `nil`.
  public mutating func write(_ value: JSONText?) throws(PostgresError) { try field(value) }
  /// Writes NULL.
  public mutating func writeNull() throws(PostgresError) { try write(Int64?.none) }

  /// Writes an array, or NULL for `nil`.
  public mutating func write<T: PostgresValue>(_ values: [T]?) throws(PostgresError) {
    guard let values else { return try writeNull() }
    try array(values.lazy.map(Optional.some))
  }

  /// Writes an array that may hold NULLs, or NULL for `nil`.
  public mutating func write<T: PostgresValue>(_ values: [T?]?) throws(PostgresError) {
    guard let values else { return try writeNull() }
    try array(values)
  }

  private mutating func array<T: PostgresValue>(_ values: some Collection<T?>) throws(PostgresError) {
    take()
    let start = buffer.count
    buffer.append(bigEndian: Int32(0))
    try ArrayBinary.append(values, to: &buffer)
    let length = buffer.count - start - 4
    guard length <= maximumFieldBytes else {
      throw PostgresError(.badValue, "an array of \(length) bytes is over the limit of \(maximumFieldBytes)")
    }
    buffer.overwrite(at: start, bigEndian: Int32(length))
  }

  private mutating func field<T: PostgresValue>(_ value: T?) throws(PostgresError) {
    take()
    try buffer.appendField(value)
  }

  @inline(__always)
  private mutating func take() {
    precondition(columnsLeft > 0, "a column was written beyond those announced for its row")
    columnsLeft -= 1
  }

  private mutating func flush() throws(PostgresError) {
    // libpq counts bytes with 32 bits; fields of nearly a gigabyte can add up to more.
    guard buffer.count <= Int(Int32.max) else {
      throw PostgresError(.badValue, "a row of \(buffer.count) bytes is over the limit of \(Int32.max)")
    }
    try connection.send(copyData: buffer)
    buffer.removeAll(keepingCapacity: true)
  }

  /// Writes the trailer and sends what is left.
  mutating func finish() throws(PostgresError) {
    precondition(columnsLeft == 0, "a COPY ended with \(columnsLeft) columns of its last row unwritten")
    buffer.append(bigEndian: Int16(-1))
    try flush()
  }
}
