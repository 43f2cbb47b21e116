/// Why and where a text was refused as JSON; it never carries the text itself.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong.
  public enum Kind: Hashable, Sendable {
    /// The text has more bytes than allowed.
    case tooLong(maximumBytes: Int)
    /// Arrays and objects are nested deeper than allowed.
    case tooDeep(maximumDepth: Int)
    /// The text ends inside a value.
    case unexpectedEnd
    /// A byte that cannot stand here; `expected` says what can.
    case unexpected(expected: String)
    /// Something follows the value.
    case trailingContent
    /// The text begins with a byte order mark.
    case byteOrderMark
    /// The bytes are not UTF-8.
    case invalidUTF8
    /// A control character stands unescaped in a string.
    case controlCharacter
    /// An escape that JSON does not have.
    case invalidEscape
    /// Half of a surrogate pair stands alone.
    case loneSurrogate
    /// A string holds U+0000, which PostgreSQL's text cannot.
    case nulCharacter
    /// An object has two members of the same name.
    case duplicateName
    /// A number that JSON's grammar does not have, such as `01`, `+1` or `.5`.
    case invalidNumber
    /// An integer that a double cannot keep (all up to 2^53 - 1 can be kept), or a number beyond a double.
    case numberOutOfRange
  }

  /// What is wrong.
  public let kind: Kind

  /// The number of bytes before the place, counted from 0.
  public let byteOffset: Int

  /// The line, counted from 1.
  public let line: Int

  /// The character in the line, counted from 1 in Unicode scalars.
  public let column: Int

  /// The value in which it happened, as a JSON pointer (RFC 6901); empty for the whole document.
  public let pointer: String

  init(_ kind: Kind, at byteOffset: Int, in bytes: [UInt8]) {
    self.kind = kind
    self.byteOffset = byteOffset
    pointer = ""
    var (line, column) = (1, 1)
    for byte in bytes.prefix(byteOffset) {
      if byte == UInt8(ascii: "\n") {
        (line, column) = (line + 1, 1)
      } else if byte & 0b1100_0000 != 0b1000_0000 {
        column += 1
      }
    }
    (self.line, self.column) = (line, column)
  }

  private init(_ inner: JSONError, inside token: String) {
    (kind, byteOffset, line, column) = (inner.kind, inner.byteOffset, inner.line, inner.column)
    pointer = JSONPointer.child(token, of: JSONPointer.root) + inner.pointer
  }

  /// The same error seen from the array or object around it.
  func inside(_ token: String) -> JSONError { JSONError(self, inside: token) }

  /// The place and the reason in one line: `line 3, column 7 (/items/2): a name appears twice in an object`.
  public var description: String {
    "line \(line), column \(column)\(pointer.isEmpty ? "" : " (\(pointer))"): \(reason)"
  }

  /// The reason without the place.
  public var reason: String {
    switch kind {
    case .tooLong(let maximumBytes): "the text is longer than \(maximumBytes) bytes"
    case .tooDeep(let maximumDepth): "arrays and objects are nested deeper than \(maximumDepth) levels"
    case .unexpectedEnd: "the text ends inside a value"
    case .unexpected(let expected): "expected \(expected)"
    case .trailingContent: "something follows the value"
    case .byteOrderMark: "the text begins with a byte order mark"
    case .invalidUTF8: "the text is not UTF-8"
    case .controlCharacter: "a control character in a string must be escaped"
    case .invalidEscape: "an escape that JSON does not have"
    case .loneSurrogate: "half of a surrogate pair stands alone"
    case .nulCharacter: "the character U+0000 cannot be stored"
    case .duplicateName: "a name appears twice in an object"
    case .invalidNumber: "a number in a form that JSON does not have"
    case .numberOutOfRange: "a number too large to be kept exactly; send it as a string"
    }
  }
}
