/// A version 7 UUID (RFC 9562, section 5.7): a time in milliseconds followed by 74 random bits, so that later ones sort later.
public struct UUIDv7: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The random bytes that one takes.
  public static let randomByteCount = 10

  /// The 16 bytes in the order of the text.
  public let bytes: [UInt8]

  /// Makes the identifier of a time and random bytes; the same input gives the same identifier.
  ///
  /// - Parameters:
  ///   - milliseconds: the time since the Unix epoch.
  ///   - random: ten random bytes, of which six bits are not used. The default is ``SecureRandom``.
  /// - Precondition: `milliseconds` lies in 0 to 2^48 - 1, and `random` has ``randomByteCount`` bytes.
  public init(milliseconds: Int64, random: [UInt8] = SecureRandom.bytes(randomByteCount)) {
    precondition((0..<(1 << 48)).contains(milliseconds), "the time of a UUID is 48 bits of milliseconds since 1970")
    precondition(random.count == Self.randomByteCount, "a UUID takes ten random bytes")
    var bytes: [UInt8] = []
    bytes.reserveCapacity(16)
    for index in 0..<6 { bytes.append(UInt8(truncatingIfNeeded: milliseconds >> (40 - 8 * Int64(index)))) }
    bytes += random
    bytes[6] = 0x70 | bytes[6] & 0x0F  // the version
    bytes[8] = 0x80 | bytes[8] & 0x3F  // the variant
    self.bytes = bytes
  }

  /// Whether the left identifier sorts before the right one, as their bytes and texts do.
  public static func < (left: UUIDv7, right: UUIDv7) -> Bool {
    left.bytes.lexicographicallyPrecedes(right.bytes)
  }

  /// The identifier in lower case, such as `017f22e2-79b0-7cc3-98c4-dc0c0c07398f`.
  public var description: String {
    var text: [UInt8] = []
    text.reserveCapacity(36)
    for (index, byte) in bytes.enumerated() {
      if index == 4 || index == 6 || index == 8 || index == 10 { text.append(UInt8(ascii: "-")) }
      Hexadecimal.append(byte, to: &text)
    }
    return String(decoding: text, as: UTF8.self)
  }
}
