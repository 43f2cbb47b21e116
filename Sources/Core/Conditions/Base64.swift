/// Base64 (RFC 4648, section 4), with padding.
enum Base64 {
  private static let padding = UInt8(ascii: "=")

  /// The bytes; nil where the text is no base64: another alphabet, blanks, or padding that is missing or elsewhere.
  static func decode(_ text: String) -> [UInt8]? {
    let encoded = Array(text.utf8)
    guard encoded.count.isMultiple(of: 4) else { return nil }
    let padded = encoded.reversed().prefix { $0 == padding }.count
    guard padded <= 2 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(encoded.count / 4 * 3)
    var bits: UInt32 = 0
    for (index, byte) in encoded.enumerated() {
      let isPadding = index >= encoded.count - padded
      guard let value = isPadding ? 0 : value(of: byte) else { return nil }
      bits = bits << 6 | value
      if index % 4 == 3 { for shift in [16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(shift))) } }
    }
    bytes.removeLast(padded)
    return bytes
  }

  /// The six bits that a character stands for.
  private static func value(of byte: UInt8) -> UInt32? {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
    case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
    case UInt8(ascii: "+"): 62
    case UInt8(ascii: "/"): 63
    default: nil
    }
  }
}
