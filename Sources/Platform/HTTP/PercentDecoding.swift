/// The request's path or query is not percent-encoded UTF-8 (RFC 3986 §2.1), or holds a NUL.
public struct MalformedTarget: Error, Equatable {
  /// Makes the error.
  public init() {}
}

/// Decodes `%HH` and demands UTF-8 without NUL.
///
/// O(length). Text without a percent sign is only copied.
func percentDecoded(_ encoded: Substring) throws(MalformedTarget) -> String {
  guard encoded.utf8.contains(where: { $0 == UInt8(ascii: "%") || $0 == 0 }) else { return String(encoded) }
  var decoded: [UInt8] = []
  decoded.reserveCapacity(encoded.utf8.count)
  var rest = encoded.utf8.makeIterator()
  while let byte = rest.next() {
    guard byte == UInt8(ascii: "%") else {
      decoded.append(byte)
      continue
    }
    guard let high = rest.next().flatMap(hexadecimalDigit), let low = rest.next().flatMap(hexadecimalDigit) else {
      throw MalformedTarget()
    }
    decoded.append(high << 4 | low)
  }
  guard !decoded.contains(0), let text = String(validating: decoded, as: UTF8.self) else { throw MalformedTarget() }
  return text
}

private func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
