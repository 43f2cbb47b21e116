/// Names one grant: an assignment by its id, a membership by its group and its member.
///
/// What a review decides item by item, and what an ending and its fulfilment are about.
public enum GrantName: Hashable, Sendable {
  case assignment(String)
  case membership(group: String, member: Entity)

  /// The grant that a fact is; nil for a fact that is none.
  public init?(_ fact: Fact) {
    switch fact {
    case .assignment(let id): self = .assignment(id)
    case .membership(let group, let member): self = .membership(group: group, member: member)
    default: return nil
    }
  }

  /// The grant.
  public var fact: Fact {
    switch self {
    case .assignment(let id): .assignment(id: id)
    case .membership(let group, let member): .membership(group: group, member: member)
    }
  }

  /// `assignment` or `membership`.
  public var kind: String {
    switch self {
    case .assignment: "assignment"
    case .membership: "membership"
    }
  }

  /// The assignment's id; nil of a membership.
  public var assignment: String? { if case .assignment(let id) = self { id } else { nil } }

  /// The group of a membership; nil of an assignment.
  public var group: String? { if case .membership(let group, _) = self { group } else { nil } }

  /// Equal exactly if the bytes of their names are.
  public static func == (a: GrantName, b: GrantName) -> Bool { a.fact == b.fact }

  /// Reads what ``text`` gives, and nothing else.
  public init?(text: String) {
    guard let entity = Self.tail(of: text, "assignment:") else {
      guard let pair = Self.tail(of: text, "membership:"), let blank = pair.utf8.firstIndex(of: UInt8(ascii: " ")),
        let member = Entity(text: String(pair[pair.utf8.index(after: blank)...]))
      else { return nil }
      self = .membership(group: Self.unescaped(pair.utf8[..<blank]), member: member)
      guard self.text.isExactly(text) else { return nil }
      return
    }
    self = .assignment(entity)
  }

  private static func tail(of text: String, _ prefix: String) -> String? {
    guard text.utf8.starts(with: prefix.utf8) else { return nil }
    return String(decoding: text.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
  }

  /// `assignment:ID` or `membership:GROUP KIND:ID`, in the group's id a blank as %20 and a percent sign as %25.
  public var text: String {
    switch self {
    case .assignment(let id): "assignment:" + id
    case .membership(let group, let member):
      "membership:" + Self.escaped(group) + " " + member.description
    }
  }

  // By bytes: a combining mark after a blank would make one Character of both.
  private static func escaped(_ text: String) -> String {
    let bytes = text.utf8.flatMap { byte in
      switch byte {
      case UInt8(ascii: "%"): Array("%25".utf8)
      case UInt8(ascii: " "): Array("%20".utf8)
      default: [byte]
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func unescaped(_ text: Substring.UTF8View) -> String {
    var bytes: [UInt8] = []
    var rest = Array(text)[...]
    while let byte = rest.popFirst() {
      let isBlank = byte == UInt8(ascii: "%") && rest.starts(with: "20".utf8)
      let isPercent = byte == UInt8(ascii: "%") && rest.starts(with: "25".utf8)
      bytes.append(isBlank ? UInt8(ascii: " ") : byte)
      if isBlank || isPercent { rest = rest.dropFirst(2) }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
