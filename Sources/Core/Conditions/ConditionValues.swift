import Temporal

/// Dates in conditions: the W3C profile of ISO 8601 (NOTE-datetime), and seconds since 1970.
enum ConditionInstant {
  /// Microseconds since 1970; nil where the text is no date.
  static func read(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    // Four digits are a year; a number has no plus.
    if bytes.count != 4, bytes.first != UInt8(ascii: "+"), let seconds = Int64(text) {
      return Instant(exactly: seconds.multipliedSaturating(by: 1_000_000))?.microseconds
    }
    return (try? Instant(rfc3339: completed(text, bytes)))?.microseconds
  }

  /// The shorter forms name the first instant of their year, month, day or minute, in UTC where no offset is written.
  private static func completed(_ text: String, _ bytes: [UInt8]) -> String {
    switch bytes.count {
    case 4: return text + "-01-01T00:00:00Z"
    case 7: return text + "-01T00:00:00Z"
    case 10: return text + "T00:00:00Z"
    default: break
    }
    // 2024-05-01T09:30Z: without seconds, which alone have a fraction.
    guard bytes.count > 16, "Zz+-".utf8.contains(bytes[16]) else { return text }
    return String(decoding: bytes[..<16], as: UTF8.self) + ":00" + String(decoding: bytes[16...], as: UTF8.self)
  }
}

extension Int64 {
  fileprivate func multipliedSaturating(by factor: Int64) -> Int64 {
    let (product, overflow) = multipliedReportingOverflow(by: factor)
    return overflow ? (self < 0 ? .min : .max) : product
  }
}

/// Amazon resource names: six parts with colons between, of which the last may have colons of its own.
enum ResourceName {
  static let parts = 6

  /// The parts of a name; nil where there are fewer.
  static func split(_ text: String) -> [String]? {
    let parts = text.unicodeScalars.split(separator: ":", maxSplits: Self.parts - 1, omittingEmptySubsequences: false)
    return parts.count == Self.parts ? parts.map { String($0) } : nil
  }
}
