/// A block of IP addresses in CIDR notation (RFC 4632, RFC 4291), or a single address.
struct AddressBlock: Hashable, Sendable {
  /// The first address: 4 bytes or 16.
  let bytes: [UInt8]
  /// Leading bits that all its addresses have in common.
  let prefix: Int

  /// Reads `10.0.0.0/8`, `2001:db8::/32` or a bare address.
  init(_ text: String) throws(AddressError) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let bytes = Self.address(String(parts[0])) else { throw .malformed }
    self.bytes = bytes
    guard parts.count == 2 else {
      prefix = bytes.count * 8
      return
    }
    guard let prefix = Self.number(parts[1], radix: 10, digits: 1...3), prefix <= bytes.count * 8 else { throw .badPrefix }
    self.prefix = prefix
    for bit in prefix..<(bytes.count * 8) where bytes[bit / 8] & (128 >> UInt8(bit % 8)) != 0 { throw .hostBits }
  }

  /// Whether the block has the address; one of another family it never has.
  func contains(_ address: [UInt8]) -> Bool {
    guard address.count == bytes.count else { return false }
    return (0..<prefix).allSatisfy { bit in (address[bit / 8] ^ bytes[bit / 8]) & (128 >> UInt8(bit % 8)) == 0 }
  }

  /// The 4 or 16 bytes of an address; nil where the text is none.
  static func address(_ text: String) -> [UInt8]? { text.contains(":") ? six(text) : four(text) }

  private static func four(_ text: String) -> [UInt8]? {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var bytes: [UInt8] = []
    for part in parts {
      // A leading zero would be octal to some and decimal to others.
      guard let number = number(part, radix: 10, digits: 1...3), number < 256, part.utf8.count == 1 || part.utf8.first != 0x30
      else { return nil }
      bytes.append(UInt8(number))
    }
    return bytes
  }

  private static func six(_ text: String) -> [UInt8]? {
    var text = text
    // The last 32 bits may be written as an IPv4 address (RFC 4291, section 2.2).
    if let colon = text.lastIndex(of: ":"), text[colon...].contains(".") {
      guard let tail = four(String(text[text.index(after: colon)...])) else { return nil }
      let words = [UInt16(tail[0]) << 8 | UInt16(tail[1]), UInt16(tail[2]) << 8 | UInt16(tail[3])]
      text = text[...colon] + words.map { String($0, radix: 16) }.joined(separator: ":")
    }
    let halves = halves(of: text)
    guard let head = words(halves.head), let tail = words(halves.tail ?? "") else { return nil }
    let missing = 8 - head.count - tail.count
    guard halves.tail == nil ? missing == 0 : missing >= 1 else { return nil }
    let all = head + [UInt16](repeating: 0, count: max(0, missing)) + tail
    return all.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
  }

  /// What stands before and after the `::`, of which there may be one.
  private static func halves(of text: String) -> (head: String, tail: String?) {
    let bytes = Array(text.utf8)
    for index in bytes.indices.dropLast() where bytes[index] == 0x3A && bytes[index + 1] == 0x3A {
      return (
        String(decoding: bytes[..<index], as: UTF8.self), String(decoding: bytes[(index + 2)...], as: UTF8.self)
      )
    }
    return (text, nil)
  }

  private static func words(_ text: String) -> [UInt16]? {
    if text.isEmpty { return [] }
    var words: [UInt16] = []
    for part in text.split(separator: ":", omittingEmptySubsequences: false) {
      guard let word = number(part, radix: 16, digits: 1...4) else { return nil }
      words.append(UInt16(word))
    }
    return words.count <= 8 ? words : nil
  }

  private static func number(_ text: Substring, radix: Int, digits: ClosedRange<Int>) -> Int? {
    guard digits.contains(text.utf8.count), text.utf8.first != UInt8(ascii: "+"), text.utf8.first != UInt8(ascii: "-") else {
      return nil
    }
    return Int(text, radix: radix)
  }
}

/// Why a block of addresses is refused; the rest of a sentence that begins with it.
enum AddressError: Error, Hashable, Sendable, CustomStringConvertible {
  case malformed, badPrefix, hostBits

  var description: String {
    switch self {
    case .malformed: "must be an IP address or a block such as 10.0.0.0/8 or 2001:db8::/32"
    case .badPrefix: "has a prefix that is no number of bits of such an address"
    case .hostBits: "has bits set after its prefix: write the first address of the block, or /32 (/128) for one address"
    }
  }
}
