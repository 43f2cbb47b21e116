import Cryptography
import Governance
import JSON

extension TrailWords {
  /// An id within the limits of ids: without control characters, and where it is too long cut and told apart by its digest.
  static func fitted(_ text: String) -> String {
    let clean = printable(text)
    if clean.utf8.count == text.utf8.count, clean.utf8.count <= Limits.identifierBytes, !clean.isEmpty { return clean }
    let mark = "~" + SHA256.digest(Array(text.utf8)).hexadecimal.prefix(digestCharacters)
    return shortened(clean, to: Limits.identifierBytes - mark.utf8.count) + mark
  }

  /// Characters of a digest that tell two cut texts apart: chance makes none the same.
  private static let digestCharacters = 32

  /// What a text holds where it is an object written as a text, as some who hand trails on do; else the value itself.
  static func unpacked(_ value: JSONValue) -> JSONValue {
    guard case .string(let text) = value, text.utf8.first == UInt8(ascii: "{") else { return value }
    let inside = try? JSONValue(parsing: Array(text.utf8), limits: TrailFiles.limits)
    return inside.flatMap { $0.objectValue == nil ? nil : $0 } ?? value
  }

  /// The text without control characters, NUL among them, which no id and no column can hold.
  static func printable(_ text: String) -> String {
    if !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) { return text }
    return String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
  }

  /// The longest beginning of whole scalars within so many bytes.
  static func shortened(_ text: String, to limit: Int) -> String {
    if text.utf8.count <= limit { return text }
    var view = String.UnicodeScalarView()
    var bytes = 0
    for scalar in text.unicodeScalars {
      bytes += UTF8.width(scalar)
      if bytes > limit { break }
      view.append(scalar)
    }
    return String(view)
  }
}
