/// The object identifiers of a PostgreSQL type and of its array type (`pg_type.oid`; fixed for built-in types).
public struct PostgresType: Hashable, Sendable {
  /// The type itself.
  public let oid: UInt32
  /// The type of arrays of it.
  public let array: UInt32

  static let bool = PostgresType(oid: 16, array: 1000)
  static let bytea = PostgresType(oid: 17, array: 1001)
  static let int8 = PostgresType(oid: 20, array: 1016)
  static let int2 = PostgresType(oid: 21, array: 1005)
  static let int4 = PostgresType(oid: 23, array: 1007)
  static let text = PostgresType(oid: 25, array: 1009)
  static let float8 = PostgresType(oid: 701, array: 1022)
  static let timestamptz = PostgresType(oid: 1184, array: 1185)
  static let uuid = PostgresType(oid: 2950, array: 2951)
  static let jsonb = PostgresType(oid: 3802, array: 3807)
  static let tstzrange = PostgresType(oid: 3910, array: 3911)

  static let json: UInt32 = 114
  /// Types whose binary form is their text: "char" is left out, it is one byte of no encoding.
  static let textual: Set<UInt32> = [25, 19 /* name */, 1043 /* varchar */, 1042 /* bpchar */, 705 /* unknown */, json]
}

/// A value that PostgreSQL can hold, in PostgreSQL's binary format (`typsend` and `typreceive`).
public protocol PostgresValue: Sendable {
  /// The type that a parameter of this Swift type is declared with.
  static var postgresType: PostgresType { get }
  /// Appends the binary form, without its length.
  ///
  /// - Throws: ``PostgresError`` with code `.badValue` if PostgreSQL cannot hold the value.
  func appendBinary(to bytes: inout [UInt8]) throws(PostgresError)
  /// Reads the binary form of a value whose type the server said is `type`.
  ///
  /// - Throws: ``PostgresError`` with code `.badValue` if the type is another or the value does not fit,
  ///   `.protocolViolation` if the bytes are malformed.
  init(binary: RawSpan, type: UInt32) throws(PostgresError)
}

extension PostgresValue {
  static func mismatch(_ type: UInt32) -> PostgresError {
    PostgresError(.badValue, "a column of type OID \(type) cannot be read as \(Self.self); cast it in the query")
  }
}

/// PostgreSQL refuses a field of 1 GiB or more (`MaxAllocSize`); said here, the sender is not sent half a message.
let maximumFieldBytes = 0x3fff_ffff - 1

extension [UInt8] {
  /// Appends an integer in network byte order.
  @inline(__always)
  mutating func append<I: FixedWidthInteger>(bigEndian value: I) {
    unsafe Swift::withUnsafeBytes(of: value.bigEndian) { unsafe append(contentsOf: $0) }
  }

  /// Appends a field: four bytes of length, then the value; a length of −1 is NULL.
  mutating func appendField<T: PostgresValue>(_ value: T?) throws(PostgresError) {
    guard let value else { return append(bigEndian: Int32(-1)) }
    let start = count
    append(bigEndian: Int32(0))
    try value.appendBinary(to: &self)
    let length = count - start - 4
    guard length <= maximumFieldBytes else {
      throw PostgresError(.badValue, "a value of \(length) bytes is over the limit of \(maximumFieldBytes)")
    }
    overwrite(at: start, bigEndian: Int32(length))
  }

  /// Replaces four bytes written earlier.
  @inline(__always)
  mutating func overwrite(at offset: Int, bigEndian value: Int32) {
    let bits = UInt32(bitPattern: value)
    self[offset] = UInt8(truncatingIfNeeded: bits >> 24)
    self[offset + 1] = UInt8(truncatingIfNeeded: bits >> 16)
    self[offset + 2] = UInt8(truncatingIfNeeded: bits >> 8)
    self[offset + 3] = UInt8(truncatingIfNeeded: bits)
  }
}

extension RawSpan {
  /// Reads an integer in network byte order at an offset.
  @inline(__always)
  func bigEndian<I: FixedWidthInteger & BitwiseCopyable>(_ type: I.Type, at offset: Int) throws(PostgresError) -> I {
    guard offset >= 0, offset <= byteCount - MemoryLayout<I>.size else {
      throw PostgresError(.protocolViolation, "a binary value of \(byteCount) bytes ends too early")
    }
    return I(bigEndian: unsafe unsafeLoadUnaligned(fromByteOffset: offset, as: I.self))
  }

  /// Reads an integer that must fill the span.
  @inline(__always)
  func integer<I: FixedWidthInteger & BitwiseCopyable>(_ type: I.Type) throws(PostgresError) -> I {
    guard byteCount == MemoryLayout<I>.size else {
      throw PostgresError(.protocolViolation, "a binary integer has \(byteCount) bytes instead of \(MemoryLayout<I>.size)")
    }
    return I(bigEndian: unsafe unsafeLoadUnaligned(as: I.self))
  }

  /// Decodes the span as UTF-8, strictly.
  func text() throws(PostgresError) -> String {
    let decoded = unsafe withUnsafeBytes { unsafe String(validating: $0, as: UTF8.self) }
    guard let decoded else { throw PostgresError(.protocolViolation, "a text value is not valid UTF-8") }
    return decoded
  }

  /// Copies the bytes.
  func bytes() -> [UInt8] {
    unsafe withUnsafeBytes { unsafe [UInt8]($0) }
  }
}
