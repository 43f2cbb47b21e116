import Governance

/// A pattern over a whole string, case-sensitive: `*` any run of characters including `/`, `?` exactly one.
public struct Pattern: Hashable, Sendable {
  /// The pattern's UTF-8 bytes.
  let bytes: [UInt8]
  /// Whether there is no wildcard in it.
  let isLiteral: Bool

  /// Takes a pattern as it is written.
  public init(_ text: String) {
    bytes = Array(text.utf8)
    isLiteral = !bytes.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") }
  }

  /// Whether the whole text matches.
  public func matches(_ text: String) -> Bool { matches(Array(text.utf8).span) }

  /// Whether the whole text matches.
  ///
  /// O(pattern × text) at worst, linear for at most one `*`.
  func matches(_ text: Swift.Span<UInt8>) -> Bool {
    let pattern = bytes.span
    if isLiteral { return Self.isSame(pattern, text) }
    if pattern.count == 1, pattern[0] == UInt8(ascii: "*") { return true }
    var p = 0
    var s = 0
    var star = -1
    var mark = 0
    while s < text.count {
      if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
        star = p
        mark = s
        p += 1
      } else if p < pattern.count, pattern[p] == UInt8(ascii: "?") {
        s = Self.nextScalar(text, s)
        p += 1
      } else if p < pattern.count, pattern[p] == text[s] {
        p += 1
        s += 1
      } else if star >= 0 {
        mark = Self.nextScalar(text, mark)
        s = mark
        p = star + 1
      } else {
        return false
      }
    }
    while p < pattern.count, pattern[p] == UInt8(ascii: "*") { p += 1 }
    return p == pattern.count
  }

  private static func isSame(_ a: Swift.Span<UInt8>, _ b: Swift.Span<UInt8>) -> Bool {
    guard a.count == b.count else { return false }
    for index in 0..<a.count where a[index] != b[index] { return false }
    return true
  }

  /// Whether one of the patterns matches the whole text.
  static func any(_ patterns: [Pattern], matches text: Swift.Span<UInt8>) -> Bool {
    // Through a span, for a loop over the array would count references to each pattern's bytes.
    let patterns = patterns.span
    for index in 0..<patterns.count where patterns[index].matches(text) { return true }
    return false
  }

  /// Whether some text matches both patterns.
  ///
  /// O(product of their lengths).
  public func overlaps(_ other: Pattern) -> Bool { shape.overlaps(other.shape) }

  /// Whether every text that matches the other pattern is proved to match this one; a few that do are not proved.
  ///
  /// O(product of their lengths).
  public func contains(_ other: Pattern) -> Bool { shape.contains(other.shape) }

  /// The pattern in pieces.
  var shape: PatternShape { PatternShape(String(decoding: bytes, as: UTF8.self)) }

  private static func nextScalar(_ text: Swift.Span<UInt8>, _ index: Int) -> Int {
    var next = index + 1
    while next < text.count, text[next] & 0xC0 == 0x80 { next += 1 }
    return next
  }
}
