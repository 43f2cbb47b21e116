/// The sixteen bytes of a `uuid`, without the machinery of Foundation's.
public struct UUIDBytes: Hashable, Sendable, CustomStringConvertible {
  /// The bytes as one number, the first byte the most significant.
  public var value: UInt128

  /// A UUID from its number.
  public init(_ value: UInt128) {
    self.value = value
  }

  /// A UUID from sixteen bytes; `nil` for any other count.
  public init?(_ bytes: some Collection<UInt8>) {
    guard bytes.count == 16 else { return nil }
    value = bytes.reduce(0) { $0 << 8 | UInt128($1) }
  }

  /// A UUID from its text: 32 hexadecimal digits of either case, hyphens between them not looked at; `nil` for any other.
  public init?(text: String) {
    var number: UInt128 = 0
    var digits = 0
    for byte in text.utf8 where byte != UInt8(ascii: "-") {
      let digit: UInt8
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
      default: return nil
      }
      number = number << 4 | UInt128(digit)
      digits += 1
      if digits > 32 { return nil }
    }
    guard digits == 32 else { return nil }
    value = number
  }

  /// The sixteen bytes, in order.
  public var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(bigEndian: value)
    return bytes
  }

  /// Lower-case hexadecimal with hyphens, 36 characters (RFC 9562 §4).
  public var description: String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
      if index == 4 || index == 6 || index == 8 || index == 10 { text.append(UInt8(ascii: "-")) }
      text.append(digits[Int(byte >> 4)])
      text.append(digits[Int(byte & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension UUIDBytes: PostgresValue {
  /// `uuid`.
  public static var postgresType: PostgresType { .uuid }
  /// Appends the sixteen bytes.
  public func appendBinary(to bytes: inout [UInt8]) throws(PostgresError) { bytes.append(bigEndian: value) }
  /// Reads `uuid`.
  public init(binary: RawSpan, type: UInt32) throws(PostgresError) {
    guard type == PostgresType.uuid.oid else { throw Self.mismatch(type) }
    value = try binary.integer(UInt128.self)
  }
}
