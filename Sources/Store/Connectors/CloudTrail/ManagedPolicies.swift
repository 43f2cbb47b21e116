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
  }

  mutating func setDefault(_ policy: String, _ version: String) {
    let kept = Fact.existence(.role(Self.role(policy, version)))
    var document = TrailDocument(text: "", problem: "version \(version) is not in the trail")
    if case .role(let value)? = world.value(of: kept, at: at) {
      document = TrailDocument(permissions: value.permissions, text: "", problem: nil)
      if value.permissions == nil { document.problem = "version \(version) is not understood" }
    }
    let later = world.entries(of: .existence(.role(policy))).filter { $0.moment.effective > at }
    write(policy, version, document.permissions, Self.attributes(document), at: at)
    takeBackAssumed(policy, later)
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
      guard assumed.contains(where: { $0.moment == entry.moment }) else { continue }
      void(entry.moment.position, "\(policy) is seen to begin")
    }
  }

  // MARK: Boundaries

  static func boundary(of identity: String) -> String { TrailWords.id(identity, "boundary") }

  mutating func bound(_ identity: String, _ policy: String, at t: Instant) {
    meet(.identity(identity), nil, at: t)
    meet(.role(policy), nil, at: t)
    memory.everBounded.insert(.identity(identity))
    emit(
      .policyDefined(
        id: Self.boundary(of: identity), policy: rule(identity, policy, at: t),
        attributes: ["managed_policy": .open(.string(policy))]), at: t)
    touched.insert(.identity(identity))
    let entity = Entity.identity(identity)
    let end = world.entries(of: .existence(entity)).first { $0.moment.effective > t && $0.effect == .ends }
    // Whoever takes the name at once has a boundary of its own.
    guard let end = end?.moment.effective, bounding(identity, at: end) != nil,
      !told(of: identity).contains(where: { $0.at.effective == end && $0.policy != nil })
    else { return }
    unbind(entity, at: end)
  }

  /// A boundary goes with whom it bounds.
  mutating func unbind(_ entity: Entity, at t: Instant) {
    if bounding(entity.id, at: t) != nil { emit(.policyRetired(id: Self.boundary(of: entity.id)), at: t) }
  }

  /// What records told of a boundary, in order: which policy it is made of from then on; nil where there is none.
  private func told(of identity: String) -> [(at: Moment, policy: String?)] {
    let id = Self.boundary(of: identity)
    let begun = world.entries(of: .attribute(.policy(id), name: "managed_policy")).compactMap {
      entry -> (at: Moment, policy: String?)? in
      guard case .begins(.attribute(.open(let value)), _) = entry.effect else { return nil }
      return (entry.moment, value.stringValue)
    }
    let ended = world.entries(of: .existence(.policy(id))).filter { $0.effect == .ends }.map {
      (at: $0.moment, policy: String?.none)
    }
    return (begun + ended).sorted { $0.at < $1.at }
  }

  /// The managed policy that bounds an identity at t; nil where none does.
  func bounding(_ identity: String, at t: Instant) -> String? {
    told(of: identity).last { $0.at.effective <= t }?.policy
  }

  /// The commands that make a boundary what it is by all that is known: at each moment at which it, the managed policy behind it
  /// or what resources give by name changes.
  ///
  /// What was concluded so before, and is seen to be otherwise now, is taken back.
  mutating func settle(boundaryOf identity: String, in account: String) -> [Command] {
    self.account = account
    (commands, source) = ([], TrailWords.sourcePrefix + account)
    authority = Authority(
      reason: "what the boundary permits by all that is known of its policy and of what resources give by name")
    let id = Self.boundary(of: identity)
    let existence = Fact.existence(.policy(id))
    let told = told(of: identity)
    let own = Set(told.map(\.at))
    for entry in world.entries(of: existence) where entry.effect != .ends && !own.contains(entry.moment) {
      let t = entry.moment.effective
      let isSo = bounding(identity, at: t).map { entry.effect == .begins(.policy(rule(identity, $0, at: t)), expiresAt: nil) }
      if isSo != true { void(entry.moment.position, "the boundary is another") }
    }
    var moments = told.map(\.at.effective)
    for policy in Set(told.compactMap(\.policy).map { Entity.role($0) }) {
      moments += world.entries(of: .existence(policy)).map(\.moment.effective)
    }
    for given in givenByName(identity) {
      moments += (given.entries + world.entries(of: .existence(.role(given.grant.role)))).map(\.moment.effective)
    }
    for t in Set(moments).sorted() {
      guard let policy = bounding(identity, at: t) else { continue }
      let wanted = rule(identity, policy, at: t)
      if world.value(of: existence, at: t) != .policy(wanted) {
        emit(.policyDefined(id: id, policy: wanted, attributes: [:]), at: t)
      }
    }
    return commands
  }

  /// What resources' policies give a user by its name: AWS lets that through whatever its boundary says, as long as that denies
  /// nothing.
  private func givenByName(_ identity: String) -> [PlannedAssignment] {
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
