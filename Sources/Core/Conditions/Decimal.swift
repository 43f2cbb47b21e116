/// A decimal number of any size, compared exactly.
struct Decimal: Hashable, Sendable, Comparable {
  /// Digits at the most: more is no measured value.
  static let maximumDigits = 100

  private let isNegative: Bool
  /// Digits before the point, without leading zeros.
  private let whole: [UInt8]
  /// Digits after the point, without trailing zeros.
  private let fraction: [UInt8]

  /// Reads `-12.50`; nil for everything else, an exponent too.
  init?(_ text: String) {
    var bytes = Array(text.utf8)[...]
    let isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative { bytes.removeFirst() }
    let parts = bytes.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    guard bytes.count <= Self.maximumDigits, let first = parts.first, !first.isEmpty, parts.count == 1 || !parts[1].isEmpty,
      parts.allSatisfy({ $0.allSatisfy { (0x30...0x39).contains($0) } })
    else { return nil }
    whole = Array(first.drop { $0 == 0x30 })
    var fraction = parts.count == 2 ? Array(parts[1]) : []
    while fraction.last == 0x30 { fraction.removeLast() }
    self.fraction = fraction
    // Minus zero is zero.
    self.isNegative = isNegative && !(whole.isEmpty && fraction.isEmpty)
  }

  static func < (a: Decimal, b: Decimal) -> Bool {
    if a.isNegative != b.isNegative { return a.isNegative }
    return a.isNegative ? b.isSmaller(than: a) : a.isSmaller(than: b)
  }

  /// Compares without the signs.
  private func isSmaller(than other: Decimal) -> Bool {
    if whole.count != other.whole.count { return whole.count < other.whole.count }
    if whole != other.whole { return whole.lexicographicallyPrecedes(other.whole) }
    return fraction.lexicographicallyPrecedes(other.fraction)
  }
}
