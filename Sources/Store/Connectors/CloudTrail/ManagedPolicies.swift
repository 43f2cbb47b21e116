import Governance
import JSON
import Temporal

/// Managed policies: a role for each, whose document is that of its default version, and boundaries made of them.
extension TrailPlanner {
  /// A version is kept beside the policy, so that it can become the default later, or have been.
  private static func role(_ policy: String, _ version: String) -> String { TrailWords.fitted("\(policy):\(version)") }

  mutating func define(_ policy: String, _ version: String, _ isDefault: Bool, _ document: TrailDocument) {
    let kept = Self.role(policy, version)
    var attributes = Self.attributes(document)
    attributes["policy"] = .open(.string(policy))
    emit(.roleDefined(id: kept, document: RoleDocument(permissions: document.permissions), attributes: attributes))
    let facts = world.entries(of: .existence(.role(policy))).filter { $0.moment.effective > at }
    let until = facts.first { if case .ends = $0.effect { true } else { false } }?.moment
    if isDefault {
      write(policy, version, document.permissions, Self.attributes(document), at: at)
      takeBackAssumed(policy, facts)
    }
    // Times at which it became the default before its document was known; a later version of that name has its own.
    let again = world.entries(of: .existence(.role(kept))).first { $0.moment.effective > at }?.moment.effective
    for entry in world.entries(of: .attribute(.role(policy), name: "version")) {
      guard case .begins(.attribute(.open(.string(let text))), _) = entry.effect, text.isExactly(version),
        entry.moment.effective > at, again.map({ entry.moment.effective < $0 }) ?? true,
        until.map({ entry.moment < $0 }) ?? true
      else { continue }
      write(policy, version, document.permissions, Self.attributes(document), at: entry.moment.effective)
    }
    rebound(policy, document)
  }

  mutating func setDefault(_ policy: String, _ version: String) {
    let kept = Fact.existence(.role(Self.role(policy, version)))
    var document = TrailDocument(text: "", problem: "version \(version) is not in the trail")
    if case .role(let value)? = world.value(of: kept, at: at) {
      document = TrailDocument(permissions: value.permissions, text: "", problem: nil)
      if value.permissions == nil { document.problem = "version \(version) is not understood" }
    }
    write(policy, version, document.permissions, Self.attributes(document), at: at)
    rebound(policy, document)
  }

  private mutating func write(
    _ policy: String, _ version: String, _ permissions: [Permission]?, _ attributes: [String: AttributeValue], at t: Instant
  ) {
    var attributes = attributes
    attributes["version"] = .open(.string(version))
    attributes["assumed"] = .open(.null)
    emit(.roleDefined(id: policy, document: RoleDocument(permissions: permissions), attributes: attributes), at: t)
  }

  /// Where the policy was met before its creation was known, its document was taken for unknown from then on.
  private mutating func takeBackAssumed(_ policy: String, _ later: [Entry]) {
    let assumed = world.entries(of: .attribute(.role(policy), name: "assumed")).filter { entry in
      if case .begins(.attribute(.open(.bool(true))), _) = entry.effect { true } else { false }
    }
    for entry in later {
      guard case .begins = entry.effect else { return }
      guard assumed.contains(where: { $0.moment == entry.moment }) else { return }
      void(entry.moment.position, "\(policy) is seen to begin")
    }
  }

  // MARK: Boundaries

  static func boundary(of identity: String) -> String { TrailWords.id(identity, "boundary") }

  /// A boundary that is not known in all it says allows what it does on a condition that nobody says is met.
  private static func rule(_ identity: String, _ permissions: [Permission]?) -> PolicyDocument {
    var allowed = permissions ?? [Permission(actions: ["*"], condition: TrailReader.unsaid)]
    if allowed.contains(where: { $0.effect == .deny }) {
      allowed = allowed.filter { $0.effect == .allow }.map { permission in
        var permission = permission
        permission.condition = TrailReader.all([permission.condition, TrailReader.unsaid].compactMap { $0 })
        return permission
      }
    }
    let items = allowed.map { permission in
      var item: JSONObject = [
        "actions": .array(permission.actions.map { .string($0) }),
        "resources": .array(permission.resources.map { .string($0) }),
      ]
      if let condition = permission.condition { item["condition"] = condition }
      return JSONValue.object(item)
    }
    return PolicyDocument(
      type: .boundary, rule: ["principals": [.string("identity:\(identity)")], "permissions": .array(items)])
  }

  mutating func bound(_ identity: String, _ policy: String) {
    meet(.identity(identity), nil)
    meet(.role(policy), nil)
    var permissions: [Permission]?
    if case .role(let document)? = world.value(of: .existence(.role(policy)), at: at) { permissions = document.permissions }
    emit(
      .policyDefined(
        id: Self.boundary(of: identity), policy: Self.rule(identity, permissions),
        attributes: ["managed_policy": .open(.string(policy))]))
    bounded[policy, default: []].insert(identity)
  }

  /// A boundary follows the policy that it is made of.
  private mutating func rebound(_ policy: String, _ document: TrailDocument) {
    for identity in (bounded[policy] ?? []).sorted(by: { $0.precedes($1) }) {
      let id = Self.boundary(of: identity)
      let made = Fact.attribute(.policy(id), name: "managed_policy")
      guard world.exists(.policy(id), at: at), world.value(of: made, at: at) == .attribute(.open(.string(policy))) else {
        continue
      }
      emit(
        .policyDefined(
          id: id, policy: Self.rule(identity, document.permissions), attributes: ["managed_policy": .open(.string(policy))]))
    }
  }
}
