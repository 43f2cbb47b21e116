import Governance
import JSON

/// Who may become a role, as its trust policy says.
extension TrailReader {
  /// What a trust gives.
  static let assuming = Permission(actions: ["identity:assume"])

  /// The scope that is exactly one identity.
  static func scope(becoming identity: String) -> String { "identity/\(identity)" }

  /// Whether a statement lets somebody become the role; tags and source identities alone do not.
  static func assumes(_ action: String) -> Bool {
    action == "*" || action.hasPrefix("sts:AssumeRole")
      || (action.hasSuffix("*") && "sts:AssumeRole".hasPrefix(action.dropLast()))
  }

  /// The trust of a role as a document in place of the one before.
  ///
  /// Where a part of it cannot be said exactly, or takes something away, what the rest gives is conditional on a word that
  /// nobody says: neither given nor left out.
  func trust(_ role: String, _ value: JSONValue?, _ account: String) -> TrailStep {
    let (document, written) = document(value, in: account)
    var slot = TrailSlot(
      role: TrailWords.id(role, "trust"), permissions: [Self.assuming], document: written, parts: [])
    slot.document.problem = nil
    let count = document?.statements.reduce(0) { $0 + $1.principals.count } ?? 0
    guard let document, count <= TrailLimits.grantsPerDocument else {
      slot.document.problem = written.problem ?? "the document names too many principals"
      // Anybody may become it, for all that is known, on a condition that nobody fulfils unsaid.
      slot.parts = [part(slot, role, .identity(TrailWords.everyone), Self.unsaid)]
      return .puts(slot)
    }
    let takes = document.statements.contains { $0.effect == .deny }
    for statement in document.statements where statement.effect == .allow {
      if let problem = statement.problem { slot.document.problem = problem }
      let actions = statement.actions
      guard actions.contains(where: Self.assumes) || statement.problem != nil else { continue }
      let isOpen = takes || statement.problem != nil
      let principals = statement.principals.isEmpty && isOpen ? [.everyone] : statement.principals
      for named in principals {
        let (principal, own) = principal(named, statement.effect, account)
        let conditions = [statement.condition, own].compactMap { $0 } + (isOpen ? [Self.unsaid] : [])
        slot.parts.append(part(slot, role, principal, Self.all(conditions)))
      }
    }
    if takes { slot.document.problem = slot.document.problem ?? "a statement denies, which makes the others conditional" }
    return .puts(slot)
  }

  private func part(_ slot: TrailSlot, _ role: String, _ principal: Entity, _ condition: JSONValue?) -> TrailSlot.Part {
    TrailSlot.Part(
      role: slot.role, permissions: slot.permissions, principal: principal, scope: Self.scope(becoming: role),
      condition: condition)
  }

  /// A condition that nothing is known about.
  static let unsaid: JSONValue = ["Bool": ["request.attribute.aws:permitted_by_whole_document": ["true"]]]

  /// All conditions in one: the members of the same operator side by side.
  ///
  /// Two demands on one key of one operator would be lost; then the condition is one that cannot be read, and so neither
  /// fulfilled nor denied.
  static func all(_ conditions: [JSONValue]) -> JSONValue? {
    guard var joined = conditions.first?.objectValue else { return .none }
    for other in conditions.dropFirst() {
      for operation in other.objectValue ?? JSONObject() {
        var keys = joined[operation.name]?.objectValue ?? JSONObject()
        for key in operation.value.objectValue ?? JSONObject() where !keys.append(key.name, key.value) {
          return .object(["all_of": .array(conditions)])
        }
        joined[operation.name] = .object(keys)
      }
    }
    return .object(joined)
  }
}
