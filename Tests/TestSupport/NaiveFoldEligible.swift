public import AccessGraph
import Governance
import JSON
import Temporal

/// Eligible access in DESIGN's words: what an identity would have, were it given what it may ask for.
///
/// Each thing that may be asked for is given in a world of its own, and only what comes of it is looked at there.
extension NaiveView {
  /// Where the events of those worlds stand.
  private static let imagined = Int64.max

  /// What may be asked for.
  private enum Wish {
    case role(String, scope: String)
    case group(String)
  }

  /// Who is not allowed it and could get it, sorted by identity.
  public func eligible(_ subject: WhoSubject) -> [Eligible] {
    var allowed = Set(who(subject).filter { $0.status == .allowed }.map { Bytes($0.identity) })
    // Who has an access as one of everyone needs not ask for it either.
    if case .access = subject {
      for (identity, paths) in paths where claims(of: paths, [], on: subject).contains(where: { $0.status == .allowed }) {
        allowed.insert(Bytes(identity.id))
      }
    }
    let identities = reaches.keys.filter { !allowed.contains(Bytes($0.id)) }.sorted { Bytes($0.id) < Bytes($1.id) }
    return identities.compactMap { identity in
      let ways = elevations.compactMap { id, rule in
        bearers(of: identity).compactMap { best(subject, id, rule, $0) }.max { Self.rank($0) < Self.rank($1) }
      }
      return ways.isEmpty ? nil : Eligible(identity: identity.id, ways: ways)
    }
  }

  /// What an identity could ask for, sorted.
  public func obtainable(by identity: String) -> [Obtainable] {
    guard reaches[.identity(identity)] != nil else { return [] }
    var found: [Obtainable] = []
    for (id, rule) in elevations {
      for bearer in bearers(of: .identity(identity)) {
        for wish in wishes(rule, bearer) {
          let own = terms(rule, bearer, wish, nil)
          guard let terms = own.first ?? another(rule, bearer, wish, nil) else { continue }
          let access: Obtainable.Access =
            switch wish {
            case .role(let role, let scope): .role(role, scope: scope)
            case .group(let group): .group(group)
            }
          let one = Obtainable(
            policy: id, requester: bearer.id, access: access, alone: terms.alone, isConditional: terms.isConditional,
            longestSeconds: rule["longest_seconds"]?.integerValue, allowsStanding: rule["standing"] == .bool(true),
            isAskedByAnother: own.isEmpty)
          if !found.contains(where: { Self.key($0) == Self.key(one) }) { found.append(one) }
        }
      }
    }
    return found.sorted { Self.key($0) < Self.key($1) }
  }

  private static func key(_ one: Obtainable) -> Bytes {
    let last: [JSONValue] =
      switch one.access {
      case .role(let role, let scope): ["role", .string(role), .string(scope)]
      case .group(let group): ["group", .string(group)]
      }
    return Bytes(([.string(one.policy), .string(one.requester)] + last).compactMap(\.stringValue).joined(separator: "\u{0}"))
  }

  private static func rank(_ way: EligibleWay) -> Int {
    let alone: [Alone] = [.no, .conditional, .yes]
    let status: [Status] = [.unknown, .conditional, .allowed]
    return 10 * (alone.firstIndex(of: way.alone) ?? 0) + 2 * (status.firstIndex(of: way.status) ?? 0)
      + (way.isAskedByAnother ? 0 : 1)
  }

  /// The elevation policies with their rules as they are written, sorted.
  private var elevations: [(id: String, rule: JSONValue)] {
    state.living.compactMap { entity, living in
      guard case .policy(let policy) = living.document, policy.type == .elevation else { return nil }
      return (entity.id, policy.rule)
    }.sorted { Bytes($0.id) < Bytes($1.id) }
  }

  /// An identity and its active accounts: its access includes theirs.
  private func bearers(of identity: Entity) -> [Entity] {
    [identity] + state.links.filter { $0.value.person == identity && isActive($0.key) }.map(\.key)
  }

  /// The best of what a bearer could get by a policy.
  private func best(_ subject: WhoSubject, _ policy: String, _ rule: JSONValue, _ bearer: Entity) -> EligibleWay? {
    wishes(rule, bearer).flatMap { wish -> [EligibleWay] in
      let statuses = world(in: wish, for: bearer).gained(subject, bearer)
      guard let gained = [Status.allowed, .conditional, .unknown].first(where: statuses.contains) else { return [] }
      let own = terms(rule, bearer, wish, subject)
      return (own.isEmpty ? [another(rule, bearer, wish, subject)].compactMap { $0 } : own).map { terms in
        EligibleWay(
          policy: policy, alone: terms.alone, status: gained == .allowed && terms.isConditional ? .conditional : gained,
          isAskedByAnother: own.isEmpty)
      }
    }.max { Self.rank($0) < Self.rank($1) }
  }

  private static func texts(_ rule: JSONValue, _ name: String) -> [String] {
    rule[name]?.arrayValue?.compactMap(\.stringValue) ?? []
  }

  private func isConcerned(_ bearer: Entity, _ rule: JSONValue) -> Bool {
    var above: Set<Entity> = [bearer]
    while let next = state.memberships.keys.first(where: { above.contains($0.member) && !above.contains($0.group) }) {
      above.insert(next.group)
    }
    func isNamed(_ name: String) -> Bool {
      Self.texts(rule, name).contains { text in above.contains { $0.description.isExactly(text) } }
    }
    if let _ = rule["principals"], !isNamed("principals") { return false }
    return !isNamed("except")
  }

  private func wishes(_ rule: JSONValue, _ bearer: Entity) -> [Wish] {
    if !isConcerned(bearer, rule) { return [] }
    func texts(_ name: String) -> [String] { Self.texts(rule, name) }
    let roles = texts("roles").filter { state.exists(.role($0)) }
    let groups = texts("groups").filter { group in
      state.exists(.group(group))
        && state.memberships[NaiveState.Membership(group: .group(group), member: bearer)] == nil
    }
    return roles.flatMap { role in texts("scopes").map { .role(role, scope: $0) } } + groups.map { .group($0) }
  }

  /// What becomes of requests of which only the requester is known, on each scope that they may be for; none where all are
  /// refused.
  private func terms(
    _ rule: JSONValue, _ requester: Entity, _ wish: Wish, _ subject: WhoSubject?
  ) -> [(alone: Alone, isConditional: Bool)] {
    places(rule, wish, subject).compactMap { place in
      let required = enforced(rule["requires"]?["condition"], requester, place)
      if required == false { return nil }
      var alone = Alone.no
      if rule["break_glass"] == .bool(true) || rule["approves_itself"] == .bool(true) {
        alone = .yes
      } else if let condition = rule["approves_itself"], condition.objectValue != nil {
        switch enforced(condition, requester, place) {
        case true: alone = .yes
        case false: alone = .no
        case nil: alone = .conditional
        }
      }
      return (alone, required == nil)
    }
  }

  /// What becomes of a request for somebody who may not ask: somebody else who may asks for them.
  private func another(
    _ rule: JSONValue, _ bearer: Entity, _ wish: Wish, _ subject: WhoSubject?
  ) -> (alone: Alone, isConditional: Bool)? {
    let others = reaches.keys.filter { $0 != bearer && isConcerned($0, rule) }
    let asked = others.flatMap { terms(rule, $0, wish, subject) }
    return asked.isEmpty ? nil : (.no, asked.allSatisfy(\.isConditional))
  }

  /// What a condition comes to where what cannot be evaluated fails.
  private func enforced(_ condition: JSONValue?, _ requester: Entity, _ place: Circumstance) -> Bool? {
    var place = place
    place.isEnforced = true
    return holds([condition], requester, place)
  }

  /// On what somebody may ask for it.
  private func places(_ rule: JSONValue, _ wish: Wish, _ subject: WhoSubject?) -> [Circumstance] {
    if case .group = wish { return [Circumstance(hasResource: false)] }
    guard case .access(_, let resource)? = subject else { return [Circumstance()] }
    let segments = resource.split(separator: "/", omittingEmptySubsequences: false)
    let above = segments.indices.map { segments[...$0].joined(separator: "/") }
    let scopes = rule["scopes"]?.arrayValue?.compactMap(\.stringValue) ?? []
    return Set(["*"] + above).filter { place in scopes.contains { NaivePattern.covers($0, place) } }.map { place in
      place == "*" ? Circumstance(hasResource: false) : Circumstance(resource: place)
    }
  }

  /// The world in which a bearer was given what it wishes for.
  private func world(in wish: Wish, for bearer: Entity) -> NaiveView {
    let change: Change =
      switch wish {
      case .role(let role, let scope):
        .assignmentGranted(id: "imagined", grant: Grant(principal: bearer, role: role, scope: scope))
      case .group(let group): .membershipAdded(group: group, member: bearer, expiresAt: nil)
      }
    var state = self.state
    state.apply(
      Event(
        position: Self.imagined, eventID: "imagined", effectiveAt: viewpoint.at, recordedAt: viewpoint.at, source: "imagined",
        basis: .declared, authority: Authority(), recordedBy: Recorder(id: "test", authentication: "local"), change: change))
    return NaiveView(state, beside: self, of: bearer)
  }

  /// What comes of the imagined event alone, to the bearer itself.
  private func gained(_ subject: WhoSubject, _ bearer: Entity) -> [Status] {
    func isNew(_ steps: [Step]) -> Bool { steps.contains { $0.position == Self.imagined } }
    let paths = (paths[bearer] ?? []).filter { $0.bearer == bearer && isNew($0.steps) }
    let reaches = (reaches[bearer] ?? []).filter { $0.bearer == bearer && isNew($0.steps) }
    return claims(of: paths, reaches, on: subject).map(\.status)
  }
}
