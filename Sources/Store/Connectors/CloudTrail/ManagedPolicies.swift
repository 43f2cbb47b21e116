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
    unsettle(policy)
  }

  mutating func setDefault(_ policy: String, _ version: String) {
    let kept = Fact.existence(.role(Self.role(policy, version)))
    var document = TrailDocument(text: "", problem: "version \(version) is not in the trail")
    if case .role(let value)? = world.value(of: kept, at: at) {
      document = TrailDocument(permissions: value.permissions, text: "", problem: nil)
      if value.permissions == nil { document.problem = "version \(version) is not understood" }
    }
    write(policy, version, document.permissions, Self.attributes(document), at: at)
    unsettle(policy)
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

  mutating func bound(_ identity: String, _ policy: String, at t: Instant) {
    meet(.identity(identity), nil, at: t)
    meet(.role(policy), nil, at: t)
    memory.bound(identity, by: policy)
    emit(
      .policyDefined(
        id: Self.boundary(of: identity), policy: rule(identity, policy, at: t),
        attributes: ["managed_policy": .open(.string(policy))]), at: t)
    unsettled.insert(.identity(identity))
    let entity = Entity.identity(identity)
    let end = world.entries(of: .existence(entity)).first { $0.moment.effective > t && $0.effect == .ends }
    if let end { unbind(entity, at: end.moment.effective) }
  }

  /// A boundary goes with whom it bounds.
  mutating func unbind(_ entity: Entity, at t: Instant) {
    let boundary = Self.boundary(of: entity.id)
    if memory.everBounded.contains(entity), world.exists(.policy(boundary), at: t) { emit(.policyRetired(id: boundary), at: t) }
  }

  /// A boundary follows the policy that it is made of.
  private mutating func unsettle(_ policy: String) {
    for identity in memory.bounded[policy] ?? [] { unsettled.insert(.identity(identity)) }
  }

  /// Makes a boundary what it is by all that is known by now, from the record's instant on: at each moment at which it, the
  /// managed policy behind it or what resources give by name changes.
  mutating func settle(boundaryOf identity: String) {
    let id = Self.boundary(of: identity)
    let existence = Fact.existence(.policy(id))
    let managed = Fact.attribute(.policy(id), name: "managed_policy")
    let policies = Set(
      world.entries(of: managed).compactMap { entry -> Entity? in
        guard case .begins(.attribute(.open(let value)), _) = entry.effect else { return nil }
        return value.stringValue.map { .role($0) }
      })
    var entries = world.entries(of: existence)
    if entries.isEmpty { return }
    for policy in policies { entries += world.entries(of: .existence(policy)) }
    for given in givenByName(identity) { entries += given.entries + world.entries(of: .existence(.role(given.grant.role))) }
    for t in Set(entries.map(\.moment.effective)).union([at]).sorted() where t >= at {
      guard world.exists(.policy(id), at: t), case .attribute(.open(let value))? = world.value(of: managed, at: t),
        let policy = value.stringValue
      else { continue }
      let wanted = rule(identity, policy, at: t)
      if world.value(of: existence, at: t) == .policy(wanted) { continue }
      emit(.policyDefined(id: id, policy: wanted, attributes: ["managed_policy": .open(.string(policy))]), at: t)
    }
  }

  /// What resources' policies give a user by its name: AWS lets that through whatever its boundary says, as long as that denies
  /// nothing.
  private func givenByName(_ identity: String) -> [(id: String, grant: Grant, spans: [Span], entries: [Entry])] {
    guard AmazonName(identity)?.kind == "user" else { return [] }
    return world.assignments(of: .identity(identity)).filter { TrailRoles.resource(of: $0.grant.role) != nil }
  }

  private func rule(_ identity: String, _ policy: String, at t: Instant) -> PolicyDocument {
    var permissions: [Permission]?
    if case .role(let document)? = world.value(of: .existence(.role(policy)), at: t) { permissions = document.permissions }
    let bounds = Boundary(permissions: permissions, of: identity, in: account)
    var named: [Permission] = []
    for given in givenByName(identity) where given.spans.contains(where: { $0.contains(t) }) {
      guard case .role(let document)? = world.value(of: .existence(.role(given.grant.role)), at: t) else { continue }
      named += (document.permissions ?? []).filter { $0.effect == .allow }.map { Boundary.confined($0, to: given.grant.scope) }
    }
    return bounds.policy(letting: named)
  }
}

/// A permission boundary in Tenure's words.
private struct Boundary {
  let identity: String
  private var allowed: [Permission]

  /// One that is not known in all it says allows what it does on a condition that nobody says is met.
  init(permissions: [Permission]?, of identity: String, in account: String) {
    self.identity = identity
    allowed = permissions ?? [Permission(actions: ["*"], condition: TrailReader.unsaid)]
    if allowed.contains(where: { $0.effect == .deny }) {
      allowed = allowed.filter { $0.effect == .allow }.map { permission in
        var permission = permission
        permission.condition = TrailReader.all([permission.condition, TrailReader.unsaid].compactMap { $0 })
        return permission
      }
    }
    guard permissions != nil else { return }
    // Becoming a role is given by its trust, which for a user is a resource's policy too.
    if AmazonName(identity)?.kind == "user" {
      allowed.append(Permission(actions: ["identity:*"], resources: ["identity/*"]))
    } else {
      allowed += allowed.filter { $0.actions.contains(where: TrailReader.assumes) }.map { permission in
        let below = TrailWords.scope(account) + "/"
        let patterns = permission.resources.map { $0.hasPrefix(below) ? "identity/" + $0.dropFirst(below.count) : $0 }
        return Permission(actions: ["identity:*"], resources: patterns, condition: permission.condition)
      }
    }
  }

  func policy(letting named: [Permission]) -> PolicyDocument {
    var items: [JSONValue] = []
    for permission in (allowed + named).prefix(Limits.permissionsPerRole) {
      var item: JSONObject = [
        "actions": .array(permission.actions.map { .string($0) }),
        "resources": .array(permission.resources.map { .string($0) }),
      ]
      if let condition = permission.condition { item["condition"] = condition }
      if !items.contains(.object(item)) { items.append(.object(item)) }
    }
    return PolicyDocument(
      type: .boundary, rule: ["principals": [.string("identity:\(identity)")], "permissions": .array(items)])
  }

  /// What a resource's policy gives, of that resource alone.
  static func confined(_ permission: Permission, to scope: String) -> Permission {
    var permission = permission
    let inside = permission.resources.filter { $0.utf8.elementsEqual(scope.utf8) || $0.hasPrefix(scope + "/") }
    permission.resources = inside.count == permission.resources.count ? inside : [scope, scope + "/*"]
    return permission
  }
}
