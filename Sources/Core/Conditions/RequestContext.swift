public import JSON

/// What is known of a request, as callers give it: an object of keys without `request.`.
public enum RequestContext {
  /// Members of a context: more than any request has.
  public static let mostMembers = 100

  /// Reads a context: an object of known keys, each with a value of its kind.
  ///
  /// - Throws: `JSONFieldError` with a pointer to the member.
  public static func read(_ value: JSONValue, at pointer: String) throws(JSONFieldError) -> JSONObject {
    guard let object = value.objectValue else { throw JSONFieldError(pointer: pointer, problem: "must be an object") }
    guard object.count <= mostMembers else {
      throw JSONFieldError(pointer: pointer, problem: "must have at most \(mostMembers) members")
    }
    for member in object {
      let at = JSONPointer.child(member.name, of: pointer)
      let key: ConditionKey
      do { key = try ConditionKey("request." + member.name) } catch {
        throw JSONFieldError(pointer: at, problem: "\(error)")
      }
      if let problem = key.problem(with: member.value) { throw JSONFieldError(pointer: at, problem: problem) }
    }
    return object
  }
}

extension ConditionContext.Finding {
  /// A value as JSON has it: null is absent, a list has its members.
  public init(_ value: JSONValue) {
    switch value {
    case .null: self = .absent
    case .array(let items): self = .values(items)
    default: self = .values([value])
    }
  }
}

extension Condition {
  /// Whether the whole text matches a pattern in which `*` is any run of characters and `?` exactly one, as in `StringLike`; a pattern with
  /// variables matches nothing.
  public static func isLike(_ text: String, _ pattern: String) -> Bool {
    guard let pattern = try? ConditionText(pattern, hasWildcards: true) else { return false }
    let isPlain = pattern.pieces.allSatisfy { piece in if case .variable = piece { false } else { true } }
    return isPlain && pattern.matches(text)
  }
}
