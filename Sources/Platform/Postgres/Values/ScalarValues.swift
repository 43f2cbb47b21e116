import Glibc

extension Bool: PostgresValue {
  /// `boolean`.
  public static var postgresType: PostgresType { .bool }
  /// Appends one byte, 0 or 1.
  public func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) { bytes.append(self ? 1 : 0) }
  /// Reads `boolean`.
  public init(binary: RawSpan, type: UInt32) throws(PostgresError) {
    guard type == PostgresType.bool.oid else { throw Self.mismatch(type) }
    self = try binary.integer(UInt8.self) != 0
  }
}

extension Int16: PostgresValue {
  /// `smallint`.
  public static var postgresType: PostgresType { .int2 }
  /// Appends two bytes, most significant first.
  public func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) { bytes.append(bigEndian: self) }
  /// Reads `smallint`.
  public init(binary: RawSpan, type: UInt32) throws(PostgresError) {
    guard type == PostgresType.int2.oid else { throw Self.mismatch(type) }
    self = try binary.integer(Int16.self)
  }
}

extension Int32: PostgresValue {
  /// `integer`.
  public static var postgresType: PostgresType { .int4 }
  /// Appends four bytes, most significant first.
  public func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) { bytes.append(bigEndian: self) }
  /// Reads `integer` or `smallint`.
  public init(binary: RawSpan, type: UInt32) throws(PostgresError) {
    switch type {
    case PostgresType.int4.oid: self = try binary.integer(Int32.self)
    case PostgresType.int2.oid: self = Int32(try binary.integer(Int16.self))
    default: throw Self.mismatch(type)
    }
  }
}

extension Int64: PostgresValue {
  /// `bigint`.
  public static var postgresType: PostgresType { .int8 }
  /// Appends eight bytes, most significant first.
  public func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) { bytes.append(bigEndian: self) }
  /// Reads `bigint`, `integer` or `smallint`.
  public init(binary: RawSpan, type: UInt32) throws(PostgresError) {
    switch type {
    case PostgresType.int8.oid: self = try binary.integer(Int64.self)
    case PostgresType.int4.oid: self = Int64(try binary.integer(Int32.self))
    case PostgresType.int2.oid: self = Int64(try binary.integer(Int16.self))
    default: throw Self.mismatch(type)
    }
  }
}

extension Int: PostgresValue {
  /// `bigint`.
  public static var postgresType: PostgresType { .int8 }
  /// Appends eight bytes, most significant first.
  public func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) { bytes.append(bigEndian: Int64(self)) }
  /// Reads `bigint`, `integer` or `smallint`.
  public init(binary: RawSpan, type: UInt32) throws(PostgresError) {
    self = Int(try Int64(binary: binary, type: type))
  }
}

extension Double: PostgresValue {
  /// `double precision`.
  public static var postgresType: PostgresType { .float8 }
  /// Appends eight bytes, IEEE 754, most significant first.
  public func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) { bytes.append(bigEndian: bitPattern) }
  /// Reads `double precision`.
  public init(binary: RawSpan, type: UInt32) throws(PostgresError) {
    guard type == PostgresType.float8.oid else { throw Self.mismatch(type) }
    self = Double(bitPattern: try binary.integer(UInt64.self))
  }
}

extension String: PostgresValue {
  /// `text`; for a `json` column cast the parameter (`\(body)::json`).
  public static var postgresType: PostgresType { .text }
  /// Appends the UTF-8 bytes.
  ///
  /// - Throws: ``PostgresError`` with code `.badValue` if the string contains NUL, which PostgreSQL's text cannot hold.
  public func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) {
    guard !containsNUL else { throw PostgresError(.badValue, "text with a NUL character (U+0000) cannot be stored") }
    bytes.append(contentsOf: utf8)
  }
  /// Reads `text`, `varchar`, `char(n)`, `name`, `json` or `jsonb`; UTF-8 is checked strictly.
  public init(binary: RawSpan, type: UInt32) throws(PostgresError) {
    if PostgresType.textual.contains(type) {
      self = try binary.text()
    } else if type == PostgresType.jsonb.oid {
      self = try JSONText(binary: binary, type: type).text
    } else {
      throw Self.mismatch(type)
    }
  }

  /// True if U+0000 occurs, which ends a C string and which PostgreSQL's text cannot hold.
  var containsNUL: Bool {
    let found = unsafe utf8.withContiguousStorageIfAvailable { storage in
      guard let base = storage.baseAddress else { return false }
      return unsafe memchr(base, 0, storage.count) != nil
    }
    return found ?? utf8.contains(0)
  }
}

extension Array: PostgresValue where Element == UInt8 {
  /// `bytea`.
  public static var postgresType: PostgresType { .bytea }
  /// Appends the bytes as they are.
  public func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) { bytes.append(contentsOf: self) }
  /// Reads `bytea`.
  public init(binary: RawSpan, type: UInt32) throws(PostgresError) {
    guard type == PostgresType.bytea.oid else { throw PostgresError(.badValue, "a column of type OID \(type) is not bytea") }
    self = binary.bytes()
  }
}
