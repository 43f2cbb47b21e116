import Cryptography
import Governance
import JSON
import Temporal

/// Where the next page begins: opaque to the caller, bound to the question, fixed to its moment and position.
struct Cursor: Sendable {
  /// Bytes of a cursor's text: the longest id and the rest, in base64.
  static let textBytes = 4096

  var at: Instant?
  var asKnownAt: Int64
  /// The row that the page begins with, or the id or position that it begins after.
  var place: JSONValue

  /// The text that stands for it.
  ///
  /// - Parameter question: the input that it continues.
  func text(for question: String) -> String {
    var object: JSONObject = ["q": .string(question), "k": .integer(asKnownAt), "p": place]
    if let at { object["t"] = .string(at.description) }
    return Base64URL.encode(JSONValue.object(object).canonicalBytes())
  }

  /// Reads the member `cursor`; nil where it is absent.
  static func read(_ reader: inout FieldReader, question: String) throws(JSONFieldError) -> Cursor? {
    guard let text = try reader.optionalString("cursor", maximumBytes: textBytes) else { return nil }
    let refused = reader.error("cursor", "must be a next_cursor of the same question")
    guard let bytes = Base64URL.decode(text), let value = try? JSONValue(parsing: bytes), let k = value["k"]?.integerValue,
      k >= 0, let place = value["p"], value["q"]?.stringValue == question
    else { throw refused }
    var cursor = Cursor(at: nil, asKnownAt: k, place: place)
    if let text = value["t"]?.stringValue {
      guard let at = try? Instant(rfc3339: text) else { throw refused }
      cursor.at = at
    }
    return cursor
  }

  /// What identifies a question: a digest of the path and of the input but for the cursor and the size of the page.
  static func question(_ path: String, _ input: JSONObject) -> String {
    var input = input
    input["cursor"] = nil
    input["limit"] = nil
    let text = path.utf8.map { $0 } + JSONValue.object(input).canonicalBytes()
    return String(SHA256.digest(text).hexadecimal.prefix(questionDigits))
  }

  /// Enough of the digest that two questions are not taken for one by accident.
  private static let questionDigits = 16
}

/// Base64 with the alphabet for URLs and without padding (RFC 4648 section 5).
enum Base64URL {
  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

  static func encode(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    text.reserveCapacity((bytes.count * 4 + 2) / 3)
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      var bits = group.reduce(0) { $0 << 8 | UInt32($1) }
      bits <<= UInt32(8 * (3 - group.count))
      for digit in 0...group.count { text.append(alphabet[Int(bits >> UInt32(18 - 6 * digit) & 63)]) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  /// The bytes, or nil where the text is not what `encode` would have written.
  static func decode(_ text: String) -> [UInt8]? {
    var bytes: [UInt8] = []
    var (bits, count): (UInt32, Int) = (0, 0)
    for character in text.utf8 {
      guard let digit = alphabet.firstIndex(of: character) else { return nil }
      bits = bits << 6 | UInt32(digit)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        bits &= (1 << UInt32(count)) - 1
      }
    }
    return bits == 0 && count < 6 ? bytes : nil
  }
}
