import JSON
import YAML

extension YAMLNode {
  /// The node as JSON: plain `true`, `false`, `null` and whole numbers are what they look like, everything else is a string.
  ///
  /// Stricter than YAML 1.1 on purpose: `yes`, `on`, `0o17`, `007` and dates stay the texts that they are.
  var json: JSONValue {
    switch content {
    case .sequence(let elements): return .array(elements.map(\.json))
    case .mapping(let pairs): return .object(JSONObject(pairs.map { ($0.name, $0.value.json) }))
    case .scalar(let text, let isPlain):
      guard isPlain, tag == nil else { return .string(text) }
      if isPlainNull { return .null }
      if text == "true" || text == "false" { return .bool(text == "true") }
      if let number = Int64(text), String(number) == text { return .integer(number) }
      return .string(text)
    }
  }

  /// The line of what a JSON pointer names, or of the deepest node on the way to it that is there.
  func line(of pointer: String) -> Int {
    var (node, line) = (self, self.line)
    for token in pointer.split(separator: "/", omittingEmptySubsequences: false).dropFirst() {
      let name = JSONPointer.unescaped(token)
      if let pair = node.pairs?.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
        (node, line) = (pair.value, pair.key.line)
      } else if let elements = node.elements, let place = Int(name), elements.indices.contains(place) {
        (node, line) = (elements[place], elements[place].line)
      } else {
        break
      }
    }
    return line
  }
}

extension JSONPointer {
  /// A token of a pointer without its escapes (RFC 6901, section 4).
  fileprivate static func unescaped(_ token: Substring) -> String {
    var (text, isEscape) = ("", false)
    for character in token {
      if isEscape {
        text.append(character == "1" ? "/" : "~")
        isEscape = false
      } else if character == "~" {
        isEscape = true
      } else {
        text.append(character)
      }
    }
    return text
  }
}
