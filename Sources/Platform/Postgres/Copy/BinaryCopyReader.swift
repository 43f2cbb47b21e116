/// Reads one row of a binary COPY, column by column in order; what it lends is libpq's memory and ends with the row.
///
/// A binary COPY does not say its types: each reader trusts the caller for the type and checks the length. Reading more columns
/// than there are throws ``PostgresError`` with code `.protocolViolation`; a NULL where none was expected `.badValue`.
@safe public struct BinaryCopyReader: ~Copyable {
  private let data: UnsafeRawBufferPointer
  private var offset = 0
  private var columnsLeft = 0
  private(set) var sawTrailer = false

  init(_ data: UnsafeRawBufferPointer) {
    unsafe self.data = data
  }

  /// The columns of this row not yet read.
  public var remainingColumns: Int { columnsLeft }

  /// Reads a value of any type; `nil` for NULL.
  public mutating func optionalValue<T: PostgresValue>(_ type: T.Type = T.self) throws(PostgresError) -> T? {
    guard let length = try field() else { return nil }
    defer { offset += length }
    return try T(binary: unsafe column(length).bytes, type: T.postgresType.oid)
  }

  /// Reads a value of any type.
  public mutating func value<T: PostgresValue>(_ type: T.Type = T.self) throws(PostgresError) -> T {
    guard let value = try optionalValue(T.self) else { throw Self.null }
    return value
  }

  /// Reads an array that may hold NULLs; `nil` for NULL.
  public mutating func optionalArrayWithNulls<T: PostgresValue>(of type: T.Type = T.self) throws(PostgresError) -> [T?]? {
    guard let length = try field() else { return nil }
    defer { offset += length }
    return try ArrayBinary.decode(unsafe column(length).bytes, of: T.self)
  }

  /// Reads an array that may hold NULLs.
  public mutating func arrayWithNulls<T: PostgresValue>(of type: T.Type = T.self) throws(PostgresError) -> [T?] {
    guard let values = try optionalArrayWithNulls(of: T.self) else { throw Self.null }
    return values
  }

  /// Reads an array; a NULL within is an error.
  public mutating func array<T: PostgresValue>(of type: T.Type = T.self) throws(PostgresError) -> [T] {
    try ArrayBinary.withoutNulls(try arrayWithNulls(of: T.self))
  }

  /// Lends the column's bytes without copying them; for text they are UTF-8, not yet checked.
  public mutating func withBytes<R>(_ body: (RawSpan) throws -> R) throws -> R {
    guard let length = try field() else { throw Self.null }
    defer { offset += length }
    return try body(unsafe column(length).bytes)
  }

  /// Lends the column's text as UTF-8, checked, without copying it.
  public mutating func withUTF8<R>(_ body: (borrowing UTF8Span) throws -> R) throws -> R {
    guard let length = try field() else { throw Self.null }
    defer { offset += length }
    let bytes = unsafe Span<UInt8>(_bytes: column(length).bytes)
    guard let text = try? UTF8Span(validating: bytes) else {
      throw PostgresError(.protocolViolation, "a text value is not valid UTF-8")
    }
    return try body(text)
  }

  /// Lends the column's text as UTF-8 without copying or checking it; `nil` for NULL, of which the body is not told.
  ///
  /// For columns of type text, which the server keeps valid (the database and the connection are UTF8): where rows come by the
  /// million, a `String` for each would be most of the work.
  public mutating func withText<R>(_ body: (Span<UInt8>) -> R) throws(PostgresError) -> R? {
    guard let length = try field() else { return nil }
    defer { offset += length }
    return unsafe body(Span<UInt8>(_bytes: column(length).bytes))
  }

  /// Passes over a column.
  public mutating func skip() throws(PostgresError) {
    if let length = try field() { offset += length }
  }

  /// The bytes of the column that begins at the offset.
  private func column(_ length: Int) -> UnsafeRawBufferPointer {
    unsafe UnsafeRawBufferPointer(rebasing: data[offset..<offset + length])
  }

  private static var null: PostgresError { PostgresError(.badValue, "NULL where a value was expected, in a COPY") }

  /// The length of the next column, standing before its bytes; `nil` for NULL.
  private mutating func field() throws(PostgresError) -> Int? {
    guard columnsLeft > 0 else {
      throw PostgresError(.protocolViolation, "a row of a COPY has fewer columns than were read")
    }
    columnsLeft -= 1
    let length = Int(try unsafe data.bytes.bigEndian(Int32.self, at: offset))
    offset += 4
    guard length >= 0 else { return nil }
    let available = unsafe data.count - offset
    guard length <= available else { throw PostgresError(.protocolViolation, "a column of a COPY ends after its row") }
    return length
  }

  // MARK: The stream around the rows

  /// Passes over the signature, the flags and the header's extension.
  mutating func skipHeader() throws(PostgresError) {
    let signature: [UInt8] = [0x50, 0x47, 0x43, 0x4f, 0x50, 0x59, 0x0a, 0xff, 0x0d, 0x0a, 0x00]
    guard unsafe data.count >= 19, unsafe data.prefix(signature.count).elementsEqual(signature) else {
      throw PostgresError(.protocolViolation, "a binary COPY does not begin with its signature")
    }
    let extensionLength = Int(try unsafe data.bytes.bigEndian(UInt32.self, at: 15))
    guard unsafe extensionLength <= data.count - 19 else {
      throw PostgresError(.protocolViolation, "the header of a binary COPY is too long")
    }
    offset = 19 + extensionLength
  }

  /// Reads the number of columns; false at the end of the message and at the trailer.
  mutating func startRow() throws(PostgresError) -> Bool {
    guard unsafe offset < data.count, !sawTrailer else { return false }
    let columns = try unsafe data.bytes.bigEndian(Int16.self, at: offset)
    offset += 2
    if columns == -1 { sawTrailer = true }
    columnsLeft = max(0, Int(columns))
    return columns >= 0
  }

  mutating func skipRest() throws(PostgresError) {
    while columnsLeft > 0 { try skip() }
  }
}

extension BinaryCopyReader {
  /// Reads a `bigint`.
  public mutating func int64() throws(PostgresError) -> Int64 { try value() }
  /// Reads an `integer`.
  public mutating func int32() throws(PostgresError) -> Int32 { try value() }
  /// Reads a `smallint`.
  public mutating func int16() throws(PostgresError) -> Int16 { try value() }
  /// Reads a `boolean`.
  public mutating func bool() throws(PostgresError) -> Bool { try value() }
  /// Reads a `double precision`.
  public mutating func double() throws(PostgresError) -> Double { try value() }
  /// Reads a `text`, `varchar`, `name` or `json`.
  public mutating func string() throws(PostgresError) -> String { try value() }
  /// Reads a `jsonb`.
  public mutating func json() throws(PostgresError) -> JSONText { try value() }
  /// Reads a `bytea`.
  public mutating func bytes() throws(PostgresError) -> [UInt8] { try value() }
  /// Reads a `timestamptz`.
  public mutating func timestamp() throws(PostgresError) -> Timestamp { try value() }
  /// Reads a `tstzrange`.
  public mutating func range() throws(PostgresError) -> TimestampRange { try value() }
  /// Reads a `uuid`.
  public mutating func uuid() throws(PostgresError) -> UUIDBytes { try value() }

  /// Reads a `bigint`; `nil` for NULL.
  public mutating func optionalInt64() throws(PostgresError) -> Int64? { try optionalValue() }
  /// Reads an `integer`; `nil` for NULL.
  public mutating func optionalInt32() throws(PostgresError) -> Int32? { try optionalValue() }
  /// Reads a `smallint`; `nil` for NULL.
  public mutating func optionalInt16() throws(PostgresError) -> Int16? { try optionalValue() }
  /// Reads a `boolean`; `nil` for NULL.
  public mutating func optionalBool() throws(PostgresError) -> Bool? { try optionalValue() }
  /// Reads a `double precision`; `nil` for NULL.
  public mutating func optionalDouble() throws(PostgresError) -> Double? { try optionalValue() }
  /// Reads a `text`, `varchar`, `name` or `json`; `nil` for NULL.
  public mutating func optionalString() throws(PostgresError) -> String? { try optionalValue() }
  /// Reads a `jsonb`; `nil` for NULL.
  public mutating func optionalJSON() throws(PostgresError) -> JSONText? { try optionalValue() }
  /// Reads a `bytea`; `nil` for NULL.
  public mutating func optionalBytes() throws(PostgresError) -> [UInt8]? { try optionalValue() }
  /// Reads a `timestamptz`; `nil` for NULL.
  public mutating func optionalTimestamp() throws(PostgresError) -> Timestamp? { try optionalValue() }
  /// Reads a `tstzrange`; `nil` for NULL.
  public mutating func optionalRange() throws(PostgresError) -> TimestampRange? { try optionalValue() }
  /// Reads a `uuid`; `nil` for NULL.
  public mutating func optionalUUID() throws(PostgresError) -> UUIDBytes? { try optionalValue() }
}
