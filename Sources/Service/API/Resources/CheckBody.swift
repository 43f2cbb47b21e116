import Governance

extension CheckSubject {
  /// Reads the body of one check in its usual spelling: the three members in any order, without escapes; nil for every other.
  ///
  /// A check is asked in the path of somebody's request, and to build a document of three strings costs as much as to decide.
  /// Whatever is unusual, wrong or has another member is nil here and read in full, which says what is wrong with it.
  init?(usual body: [UInt8]) {
    var reading = UsualBody(bytes: body)
    var (identity, action, resource) = (String?.none, String?.none, String?.none)
    guard reading.accepts("{") else { return nil }
    repeat {
      guard let name = reading.text(), reading.accepts(":"), let value = reading.text() else { return nil }
      switch name {
      case "identity" where identity == nil: identity = value
      case "action" where action == nil: action = value
      case "resource" where resource == nil: resource = value
      default: return nil
      }
    } while reading.accepts(",")
    guard reading.accepts("}"), reading.isAtEnd, let identity, let action, let resource,
      Limits.problem(identifier: identity) == nil, Limits.problem(pattern: action) == nil,
      Limits.problem(path: resource) == nil
    else { return nil }
    self.init(identity: identity, action: action, resource: resource)
  }
}

/// The place reached in a body.
private struct UsualBody {
  let bytes: [UInt8]
  private var index = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// Moves past blanks and a character; false where it does not stand there.
  mutating func accepts(_ character: Unicode.Scalar) -> Bool {
    skipBlanks()
    guard index < bytes.count, bytes[index] == UInt8(ascii: character) else { return false }
    index += 1
    return true
  }

  /// A string without escapes; nil where none stands here.
  mutating func text() -> String? {
    guard accepts("\"") else { return nil }
    let start = index
    while index < bytes.count, bytes[index] >= 0x20, bytes[index] != UInt8(ascii: "\\") {
      if bytes[index] == UInt8(ascii: "\"") {
        defer { index += 1 }
        guard let utf8 = try? UTF8Span(validating: bytes.span.extracting(start..<index)) else { return nil }
        return String(copying: utf8)
      }
      index += 1
    }
    return nil
  }

  /// Whether nothing but blanks is left.
  var isAtEnd: Bool {
    mutating get {
      skipBlanks()
      return index == bytes.count
    }
  }

  private mutating func skipBlanks() {
    while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 0x0A || bytes[index] == 0x0D || bytes[index] == 0x09 {
      index += 1
    }
  }
}
