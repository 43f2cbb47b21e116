public import JSON
public import Temporal

/// What a condition comes to.
public enum Judgement: Hashable, Sendable {
  case yes, no
  /// It depends on what is not given with the question; the rest of the condition, without what is settled.
  case open(JSONValue)
  /// It cannot be evaluated: a variable without a value, a value of another kind, a sealed attribute, a dialect not ours.
  case unevaluable
}

/// What a condition is judged in.
public struct ConditionContext {
  /// What is known of a key.
  public enum Finding: Hashable, Sendable {
    /// Its values; none is the same as absent.
    case values([JSONValue])
    case absent
    /// It is not given with the question.
    case open
    /// It is there and cannot be read, such as a sealed attribute.
    case unreadable
  }

  /// The moment that is asked about, never what a client says; nil over a stretch, where what depends on the clock is open.
  public var at: Instant?
  /// The value of a key of the request.
  public var request: (String) -> Finding
  /// An attribute of the identity whose path it is.
  public var identity: (String) -> Finding
  /// An attribute of the resource that is asked about.
  public var resource: (String) -> Finding

  /// A context; by default nothing is known of the request, as in survey questions.
  public init(
    at: Instant?, request: @escaping (String) -> Finding = { _ in .open }, identity: @escaping (String) -> Finding,
    resource: @escaping (String) -> Finding
  ) {
    self.at = at
    self.request = request
    self.identity = identity
    self.resource = resource
  }

  func find(_ key: ConditionKey) -> Finding {
    switch key.origin {
    case .request: request(key.name)
    case .identity: identity(key.name)
    case .resource: resource(key.name)
    case .time(let zone): at.map { .values([time(key.name, zone, at: $0)]) } ?? .open
    }
  }

  private func time(_ name: String, _ zone: Zone, at: Instant) -> JSONValue {
    if name == "now" { return .string(at.description) }
    let clock = zone.civilTime(at: at)
    switch name {
    case "hour": return .integer(Int64(clock.hour))
    case "minute": return .integer(Int64(clock.minute))
    case "weekday": return .integer(Int64(clock.weekday))
    case "day": return .integer(Int64(clock.day))
    case "month": return .integer(Int64(clock.month))
    case "year": return .integer(Int64(clock.year))
    default: return .string(clock.date)
    }
  }
}

extension CivilTime {
  /// The date as `2024-05-01`.
  fileprivate var date: String {
    func padded(_ number: Int, _ digits: Int) -> String {
      let text = String(number)
      return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
  }
}

extension Condition {
  /// What it comes to in a context.
  ///
  /// One comparison that fails settles it; so does, of those that are left, one that cannot be evaluated. O(values × texts).
  public func judgement(in context: ConditionContext) -> Judgement {
    guard let clauses else { return .unevaluable }
    var open: [JSONValue] = []
    var isUnevaluable = false
    for clause in clauses {
      switch clause.outcome(in: context) {
      case .yes: break
      case .no: return .no
      case .open: open.append(clause.document)
      case .unevaluable: isUnevaluable = true
      }
    }
    if isUnevaluable { return .unevaluable }
    return open.isEmpty ? .yes : .open(Self.merged(open))
  }

  /// Comparisons as one document.
  private static func merged(_ documents: [JSONValue]) -> JSONValue {
    var operators: [(name: String, keys: [(String, JSONValue)])] = []
    for document in documents {
      for member in document.objectValue ?? [:] {
        let keys = (member.value.objectValue ?? [:]).map { ($0.name, $0.value) }
        if let place = operators.firstIndex(where: { $0.name == member.name }) {
          operators[place].keys += keys
        } else {
          operators.append((member.name, keys))
        }
      }
    }
    return .object(JSONObject(operators.map { ($0.name, .object(JSONObject($0.keys))) }))
  }
}

/// What one comparison comes to.
enum Outcome {
  case yes, no, open, unevaluable

  init(_ holds: Bool) { self = holds ? .yes : .no }
}

extension Condition.Clause {
  func outcome(in context: ConditionContext) -> Outcome {
    switch context.find(key) {
    case .open: return .open
    case .unreadable: return operation.test == .absence ? absence(isAbsent: false) : .unevaluable
    case .absent: return missing()
    case .values(let values):
      if values.isEmpty { return missing() }
      if operation.test == .absence { return absence(isAbsent: false) }
      return compared(values, context)
    }
  }

  /// Where the key is absent: see AWS's table of missing keys.
  private func missing() -> Outcome {
    if operation.test == .absence { return absence(isAbsent: true) }
    if operation.ifExists { return .yes }
    switch operation.quantifier {
    case .forAll: return .yes
    case .forAny: return .no
    case .single: return Outcome(operation.isNegated)
    }
  }

  private func absence(isAbsent: Bool) -> Outcome {
    Outcome(operands.contains { if case .truth(let wanted) = $0 { wanted == isAbsent } else { false } })
  }

  private func compared(_ values: [JSONValue], _ context: ConditionContext) -> Outcome {
    let wanted: [Condition.Operand]
    switch resolved(context) {
    case .success(let operands): wanted = operands
    case .failure(let reason): return reason.outcome
    }
    // Several values where one is meant: nobody can say which.
    if operation.quantifier == .single, values.count != 1 { return .unevaluable }
    var isUnevaluable = false
    var hits = 0
    for value in values {
      guard let holds = holds(value, wanted) else {
        isUnevaluable = true
        continue
      }
      if holds { hits += 1 }
      if holds, operation.quantifier == .forAny { return .yes }
      if !holds, operation.quantifier != .forAny { return .no }
    }
    return isUnevaluable ? .unevaluable : Outcome(hits > 0)
  }

  /// Whether one value matches one of the operands, or none of them where the operator is negated; nil where the value is of
  /// another kind.
  private func holds(_ value: JSONValue, _ wanted: [Condition.Operand]) -> Bool? {
    guard let matcher = ValueMatcher(value, operation.test) else { return nil }
    return wanted.contains { matcher.matches($0) } != operation.isNegated
  }

  private struct Unresolved: Error {
    let outcome: Outcome
  }

  /// The operands with their variables replaced.
  private func resolved(_ context: ConditionContext) -> Result<[Condition.Operand], Unresolved> {
    var missing: Outcome?
    func value(_ key: ConditionKey, _ fallback: String?) -> String? {
      // The first variable without a value decides.
      if missing != nil { return nil }
      switch context.find(key) {
      case .open: missing = .open
      case .values(let values) where values.count == 1:
        if let text = values[0].conditionText { return text }
        missing = .unevaluable
      case .absent, .values([]):
        if let fallback { return fallback }
        missing = .unevaluable
      case .values, .unreadable: missing = .unevaluable
      }
      return nil
    }
    var operands: [Condition.Operand] = []
    for operand in self.operands {
      switch operand {
      case .text(let text):
        if let text = text.replacing(value) { operands.append(.text(text)) }
      case .resourceName(let parts): operands.append(.resourceName(parts.compactMap { $0.replacing(value) }))
      default: operands.append(operand)
      }
      if let missing { return .failure(Unresolved(outcome: missing)) }
    }
    return .success(operands)
  }
}

/// One value of a key, read as the operator reads it.
private struct ValueMatcher {
  private enum Reading {
    case text(String, ignoringCase: Bool)
    case number(Decimal, ConditionOperator.Order)
    case instant(Int64, ConditionOperator.Order)
    case bytes([UInt8])
    case address([UInt8])
    case like(String)
    case resourceName(String)
  }

  private let reading: Reading

  /// Nil where the value is of another kind.
  init?(_ value: JSONValue, _ test: ConditionOperator.Test) {
    guard let text = value.conditionText else { return nil }
    switch test {
    case .text(let ignoringCase): reading = .text(text, ignoringCase: ignoringCase)
    case .like: reading = .like(text)
    case .resourceName: reading = .resourceName(text)
    case .truth:
      guard text == "true" || text == "false" else { return nil }
      reading = .text(text, ignoringCase: false)
    case .number(let order):
      guard let number = Decimal(text) else { return nil }
      reading = .number(number, order)
    case .instant(let order):
      guard let instant = ConditionInstant.read(text) else { return nil }
      reading = .instant(instant, order)
    case .binary:
      guard let bytes = Base64.decode(text) else { return nil }
      reading = .bytes(bytes)
    case .address:
      guard let bytes = AddressBlock.address(text) else { return nil }
      reading = .address(bytes)
    case .absence: return nil
    }
  }

  func matches(_ operand: Condition.Operand) -> Bool {
    switch (reading, operand) {
    case (.text(let text, let ignoringCase), .text(let wanted)):
      guard let wanted = wanted.joined else { return false }
      // Byte by byte, for strings are not normalised.
      return ignoringCase
        ? text.lowercased().utf8.elementsEqual(wanted.lowercased().utf8) : text.utf8.elementsEqual(wanted.utf8)
    case (.like(let text), .text(let pattern)): return pattern.matches(text)
    case (.resourceName(let text), .resourceName(let patterns)): return Self.matches(text, patterns)
    case (.number(let number, let order), .number(let wanted)): return Self.compare(number, order, wanted)
    case (.instant(let instant, let order), .instant(let wanted)): return Self.compare(instant, order, wanted)
    case (.bytes(let bytes), .bytes(let wanted)): return bytes == wanted
    case (.address(let address), .block(let block)): return block.contains(address)
    default: return false
    }
  }

  private static func compare<T: Comparable>(_ value: T, _ order: ConditionOperator.Order, _ wanted: T) -> Bool {
    switch order {
    case .equal: value == wanted
    case .less: value < wanted
    case .lessOrEqual: value <= wanted
    case .greater: value > wanted
    case .greaterOrEqual: value >= wanted
    }
  }

  /// Part by part, so that a wildcard never reaches over a colon before the last part.
  private static func matches(_ text: String, _ patterns: [ConditionText]) -> Bool {
    guard let parts = ResourceName.split(text) else { return false }
    return zip(parts, patterns).allSatisfy { $1.matches($0) }
  }
}
