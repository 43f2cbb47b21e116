public import JSON

/// A condition: what must be so for a permission, an assignment or a deny to apply.
///
/// An AWS-shaped document, `{OPERATOR: {KEY: VALUE or [VALUE, …]}}`: all operators and all keys must hold, and of a key's values
/// any one (of a negated operator none). Read once when it is written; judged by ``judgement(in:)``.
public struct Condition: Hashable, Sendable {
  /// Comparisons in one condition: what a person can review.
  public static let maximumClauses = 100
  /// Values of one comparison: the addresses of a large company's offices.
  public static let maximumValues = 1_000

  /// Bytes of one value: as long as a path or a pattern may be; a comparison costs as much as its texts are long.
  public static let maximumValueBytes = 1_024

  /// One key compared by one operator.
  struct Clause: Hashable, Sendable {
    let operation: ConditionOperator
    let key: ConditionKey
    let operands: [Operand]
    /// The clause as a document of its own.
    let document: JSONValue
  }

  /// A value that a key is compared with.
  enum Operand: Hashable, Sendable {
    case text(ConditionText)
    case number(Decimal)
    case instant(Int64)
    case truth(Bool)
    case block(AddressBlock)
    case bytes([UInt8])
    /// The parts of an Amazon resource name, split where it is written and not where a variable's value has a colon.
    case resourceName([ConditionText])
  }

  /// The document as it was written.
  public let document: JSONValue
  /// Nil where the document cannot be read: observed elsewhere, in a dialect that is not ours.
  let clauses: [Clause]?

  /// Reads a condition.
  ///
  /// - Parameters:
  ///   - document: an object; an empty one holds always.
  ///   - pointer: where it stands, for errors.
  /// - Throws: `JSONFieldError` at the operator, key or value that is wrong.
  public init(_ document: JSONValue, at pointer: String = JSONPointer.root) throws(JSONFieldError) {
    self.document = document
    clauses = try ConditionReader(pointer: pointer).clauses(of: document)
  }

  /// A condition that was observed, whatever it says: where it cannot be read, it can be neither fulfilled nor denied.
  public init(observed document: JSONValue) {
    self.document = document
    clauses = try? ConditionReader(pointer: JSONPointer.root).clauses(of: document)
  }
}

extension Condition {
  /// Whether it asks anything of the resource, as a key or as a variable.
  public var mentionsResource: Bool {
    (clauses ?? []).contains { clause in
      clause.key.origin == .resource || clause.operands.contains { $0.texts.contains(where: \.mentionsResource) }
    }
  }
}

extension Condition.Operand {
  fileprivate var texts: [ConditionText] {
    switch self {
    case .text(let text): [text]
    case .resourceName(let parts): parts
    case .number, .instant, .truth, .block, .bytes: []
    }
  }
}

extension ConditionText {
  fileprivate var mentionsResource: Bool {
    pieces.contains { piece in
      if case .variable(let key, _) = piece { key.origin == .resource } else { false }
    }
  }
}

/// Reads conditions, and says where one is wrong.
private struct ConditionReader {
  let pointer: String

  func clauses(of document: JSONValue) throws(JSONFieldError) -> [Condition.Clause] {
    guard let operators = document.objectValue else { throw JSONFieldError(pointer: pointer, problem: "must be an object") }
    var clauses: [Condition.Clause] = []
    for member in operators {
      let at = JSONPointer.child(member.name, of: pointer)
      guard let operation = ConditionOperator(member.name) else {
        throw JSONFieldError(
          pointer: at,
          problem: "is not a known operator: there are \(ConditionOperator.names.joined(separator: ", ")), "
            + "each but Null with IfExists behind it and ForAnyValue: or ForAllValues: before it")
      }
      guard let keys = member.value.objectValue, !keys.isEmpty else {
        throw JSONFieldError(pointer: at, problem: "must be an object with at least one key")
      }
      for key in keys {
        clauses.append(try clause(member.name, operation, key.name, key.value, JSONPointer.child(key.name, of: at)))
      }
    }
    guard clauses.count <= Condition.maximumClauses else {
      throw JSONFieldError(pointer: pointer, problem: "must have at most \(Condition.maximumClauses) comparisons")
    }
    return clauses
  }

  private func clause(
    _ name: String, _ operation: ConditionOperator, _ keyText: String, _ value: JSONValue, _ at: String
  ) throws(JSONFieldError) -> Condition.Clause {
    let key: ConditionKey
    do { key = try ConditionKey(keyText) } catch { throw JSONFieldError(pointer: at, problem: error.description) }
    guard operation.kinds.contains(key.kind) else {
      throw JSONFieldError(pointer: at, problem: "can never match \(name): it is \(key.kind.rawValue)")
    }
    if operation.test == .absence, case .time = key.origin {
      throw JSONFieldError(pointer: at, problem: "can never match Null: every moment has it")
    }
    let values = value.arrayValue ?? [value]
    guard (1...Condition.maximumValues).contains(values.count) else {
      throw JSONFieldError(pointer: at, problem: "must have 1 to \(Condition.maximumValues) values")
    }
    let isList = value.arrayValue != nil
    var operands: [Condition.Operand] = []
    for (index, value) in values.enumerated() {
      operands.append(try operand(value, operation, isList ? JSONPointer.child(index, of: at) : at))
    }
    return Condition.Clause(
      operation: operation, key: key, operands: operands,
      document: .object(JSONObject([(name, .object(JSONObject([(keyText, value)])))])))
  }

  private func operand(
    _ value: JSONValue, _ operation: ConditionOperator, _ at: String
  ) throws(JSONFieldError) -> Condition.Operand {
    func refuse(_ problem: String) -> JSONFieldError { JSONFieldError(pointer: at, problem: problem) }
    guard let text = value.conditionText else { throw refuse("must be a string, an integer or a boolean") }
    guard text.utf8.count <= Condition.maximumValueBytes else {
      throw refuse("must be at most \(Condition.maximumValueBytes) bytes")
    }
    switch operation.test {
    case .text: return .text(try self.text(text, hasWildcards: false, at))
    case .like: return .text(try self.text(text, hasWildcards: true, at))
    case .resourceName:
      guard let parts = try self.text(text, hasWildcards: true, at).parts(ResourceName.parts) else {
        throw refuse("must have six parts with colons between, as arn:aws:s3:::name")
      }
      return .resourceName(parts)
    case .number:
      guard let number = Decimal(text) else { throw refuse("must be a decimal number such as 12 or -0.5") }
      return .number(number)
    case .instant:
      guard let instant = ConditionInstant.read(text) else {
        throw refuse("must be a date such as 2024-05-01, an instant such as 2024-05-01T09:30:00Z, or seconds since 1970")
      }
      return .instant(instant)
    case .truth:
      let pattern = try self.text(text, hasWildcards: false, at)
      guard pattern.plain.map({ $0 == "true" || $0 == "false" }) ?? true else { throw refuse("must be true or false") }
      return .text(pattern)
    case .absence:
      guard text == "true" || text == "false" else { throw refuse("must be true (the key is absent) or false (it is there)") }
      return .truth(text == "true")
    case .binary:
      guard let bytes = Base64.decode(text) else { throw refuse("must be base64") }
      return .bytes(bytes)
    case .address:
      do { return .block(try AddressBlock(text)) } catch { throw refuse(error.description) }
    }
  }

  private func text(_ text: String, hasWildcards: Bool, _ at: String) throws(JSONFieldError) -> ConditionText {
    do { return try ConditionText(text, hasWildcards: hasWildcards) } catch {
      throw JSONFieldError(pointer: at, problem: error.description)
    }
  }
}

extension JSONValue {
  /// A value as the text that conditions compare: strings as they are, integers and booleans as JSON writes them.
  var conditionText: String? {
    switch self {
    case .string(let text): text
    case .integer(let number): String(number)
    case .bool(let bool): bool ? "true" : "false"
    case .null, .number, .array, .object: nil
    }
  }
}
