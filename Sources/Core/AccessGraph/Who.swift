import Conditions
import Governance
import Memory
import Temporal

/// Who: from assignments down through groups to identities.
extension AccessGraph {
  /// Who has it at a moment, sorted by identity.
  ///
  /// O(assignments on covering scopes + members of the groups reached).
  public func who(_ subject: WhoSubject, from view: Viewpoint) -> [Holder] {
    let sight = Sight(view)
    let spread = spread(subject, sight)
    let hasExternals = !externalNodes.isEmpty
    var found: [Int32] = []
    var certainties: [Certainty] = []
    found.reserveCapacity(spread.count)
    certainties.reserveCapacity(spread.count)
    spread.forEachIdentity { node, certainty in
      found.append(nodeTexts[node])
      certainties.append(certainty)
    }
    return texts.order(of: found).map { place in
      let verdict = certainties[Int(place)].verdict
      return Holder(
        identity: texts[found[Int(place)]], status: verdict.status, isWithoutEntitlement: verdict.isWithoutEntitlement,
        isExternal: hasExternals && find(.identity, text: found[Int(place)]).map { isExternal($0, sight) } ?? false)
    }
  }

  /// Who has it at a moment, as numbers of this graph in no order: the question without the printing.
  public func whoNumbers(_ subject: WhoSubject, from view: Viewpoint) -> [Int32] {
    spread(subject, Sight(view)).identities
  }

  private func spread(_ subject: WhoSubject, _ sight: Sight) -> Spread {
    var circumstances = Circumstances(graph: self, sight: sight, resource: nil)
    var restrictions: Restrictions?
    if case .access(let action, let resource) = subject {
      circumstances = Circumstances(graph: self, sight: sight, resource: resource)
      restrictions = Restrictions(circumstances, action: action, resource: resource)
    }
    var spread = Spread(self, sight)
    // Whom something certain reaches who may yet be denied it; nobody where nothing takes access away.
    var bearers = Spread(self, sight, isOfBearers: true)
    forEachStart(of: subject, sight) { start in
      if start.conditions.isEmpty {
        if restrictions == nil { return spread.reach(start.principal, start.certainty) }
        return bearers.reach(start.principal, start.certainty)
      }
      var under = Spread(self, sight, isOfBearers: true)
      under.reach(start.principal, start.certainty)
      under.forEachIdentity { bearer, certainty in
        let judged = certainty.under(circumstances.applies(start.conditions, to: bearer, failing: .no))
        spread.arrive(bearer, restrictions?.apply(judged, to: bearer) ?? judged)
      }
    }
    if let restrictions {
      bearers.forEachIdentity { bearer, certainty in spread.arrive(bearer, restrictions.apply(certainty, to: bearer)) }
    }
    return spread
  }

  /// Where something begins to spread: a principal, what it has, and on which conditions.
  private struct Start {
    let principal: Int32
    let certainty: Certainty
    var conditions: [Condition] = []
  }

  private func forEachStart(of subject: WhoSubject, _ sight: Sight, _ body: (Start) -> Void) {
    switch subject {
    case .group(let id):
      guard let node = find(.group(id)), presence(node, sight) != nil else { return }
      body(Start(principal: node, certainty: .allowed))
    case .access(let action, let resource):
      var closure = RoleClosure(self, sight, .permits(action: Array(action.utf8), resource: Array(resource.utf8)))
      forEachScope(covering: resource) { list in forEachGrant(in: list, &closure, body) }
    case .role(let id):
      guard let role = find(.role(id)) else { return }
      forEachGrant(of: roles(reaching: role), .isRole(role), sight, body)
    case .privileged: forEachGrant(of: roleNodes, .overlaps(privilegedPatterns(sight)), sight, body)
    }
  }

  /// Calls back with each grant of those of the roles that pass the test.
  private func forEachGrant(of roles: some Sequence<Int32>, _ test: RoleTest, _ sight: Sight, _ body: (Start) -> Void) {
    var closure = RoleClosure(self, sight, test)
    for role in roles where nodes[role].grants != none && !closure.certainty(of: role).isEmpty {
      forEachGrant(in: nodes[role].grants, &closure, body)
    }
  }

  /// Calls back with the list of assignments on each scope at or above a resource that has any.
  func forEachScope(covering resource: String, _ body: (_ list: Int32) -> Void) {
    for scope in scopes(covering: resource) {
      let list = self.resource(scope).assignments
      if list != none { body(list) }
    }
  }

  /// The test that a subject other than a group or an access puts to roles.
  func roleTest(_ subject: WhoSubject, _ sight: Sight) -> RoleTest? {
    switch subject {
    case .role(let id): return find(.role(id)).map { .isRole($0) }
    case .privileged: return .overlaps(privilegedPatterns(sight))
    case .access(let action, let resource):
      return .permits(action: Array(action.utf8), resource: Array(resource.utf8))
    case .group: return nil
    }
  }

  /// The patterns of actions that `privileged` policies name at (t, k).
  func privilegedPatterns(_ sight: Sight) -> [Pattern] {
    policyNodes.flatMap { node in
      definitionEdge(of: node, sight).map { privilegedPatterns(policies[Int($0.other)].document) } ?? []
    }
  }

  func privilegedPatterns(_ policy: PolicyDocument) -> [Pattern] {
    guard policy.type == .privileged, let rule = try? PrivilegedRule(policy.rule) else { return [] }
    return rule.actions.map(Pattern.init)
  }

  /// Calls back with the principal of each grant of a list that holds and gives something.
  private func forEachGrant(in list: Int32, _ closure: inout RoleClosure, _ body: (Start) -> Void) {
    let sight = closure.sight
    forEachLive(list, sight) { edge in
      let grant = grants[edge.other]
      guard existed(grant.principal, since: edge, sight), existed(grant.role, since: edge, sight) else { return }
      let certainty = closure.certainty(of: grant.role)
      if certainty.isEmpty { return }
      let isOverdue = isOverdue(edge, grant.principal, grant.role, sight)
      if !certainty.isConditional, !grant.isConditional {
        return body(Start(principal: grant.principal, certainty: certainty.overdue(if: isOverdue)))
      }
      let own = conditions(of: grant)
      for gift in closure.gifts(of: grant.role) {
        body(
          Start(
            principal: grant.principal, certainty: gift.certainty.overdue(if: isOverdue), conditions: own + gift.conditions))
      }
    }
  }
}

/// Certainties carried from principals down to identities at one (t, k).
///
/// Tolerates cycles. O(edges live at t below the principals reached).
struct Spread: ~Copyable {
  let graph: AccessGraph
  let sight: Sight
  /// What reached groups, and identities that are active.
  private var reached = Marks()
  /// Set beside a group's certainties, which take six bits.
  private static let isGroup: UInt8 = 64

  /// Whether only those are wanted with whom paths begin, without the persons whose accounts they are.
  private let isOfBearers: Bool

  init(_ graph: AccessGraph, _ sight: Sight, isOfBearers: Bool = false) {
    self.graph = graph
    self.sight = sight
    self.isOfBearers = isOfBearers
  }

  /// How many identities there are at the most.
  var count: Int { reached.count }

  /// The identities reached, in no order.
  var identities: [Int32] { reached.numbers(without: Self.isGroup) }

  func forEachIdentity(_ body: (Int32, Certainty) -> Void) {
    reached.forEach { node, marks in
      if marks & Self.isGroup == 0 { body(node, Certainty(rawValue: marks)) }
    }
  }

  /// A group that is still to be spread, with where its existence began.
  private struct Open {
    let group: Int32
    let certainty: Certainty
    let since: FlatMoment
  }

  mutating func reach(_ start: Int32, _ certainty: Certainty) {
    let node = graph.nodes[start]
    if node.kind == .identity { return arrive(start, node, certainty) }
    guard let since = graph.presence(node, sight) else { return }
    var open: [Open] = []
    var next = Open(group: start, certainty: certainty, since: since)
    while true {
      let before = reached.add(next.certainty.rawValue | Self.isGroup, to: next.group)
      let fresh = next.certainty.subtracting(Certainty(rawValue: before))
      if !fresh.isEmpty { spread(fresh, below: next, &open) }
      guard let last = open.popLast() else { return }
      next = last
    }
  }

  /// Nested groups that room is made for at first: most have no more.
  private static let usual = 32
  /// Members from which room is made for them all at once: for fewer, growing as they come costs less than asking.
  private static let worthReserving = 128

  private mutating func spread(_ fresh: Certainty, below group: Open, _ open: inout [Open]) {
    let node = graph.nodes[group.group]
    if node.members == none { return }
    graph.forEachLive(node.members, sight) { expected in
      if expected >= Self.worthReserving { reached.reserve(reached.count + expected) }
    } _: { edge in
      // Nothing of a plain member has to be looked up, unless the group itself may be overdue.
      if edge.isPlainAndNotDue, !node.hasDue, group.since.effective < edge.from {
        reached.add(fresh.rawValue, to: edge.other)
        return
      }
      let member = graph.nodes[edge.other]
      guard graph.began(edge, since: group.since), let since = graph.presence(member, sight), graph.began(edge, since: since)
      else { return }
      let mayBeOverdue = edge.hasDue || node.hasDue || member.hasDue
      let carried = mayBeOverdue ? fresh.overdue(if: graph.isOverdue(edge, group.group, edge.other, sight)) : fresh
      if member.kind == .identity { return arrive(edge.other, member, carried) }
      if open.isEmpty { open.reserveCapacity(Self.usual) }
      open.append(Open(group: edge.other, certainty: carried, since: since))
    }
  }

  /// An identity has it.
  mutating func arrive(_ identity: Int32, _ certainty: Certainty) {
    if !certainty.isEmpty { arrive(identity, graph.nodes[identity], certainty) }
  }

  /// An identity has it, and the person whom it is an account of.
  private mutating func arrive(_ identity: Int32, _ node: NodeRecord, _ certainty: Certainty) {
    guard graph.presence(node, sight) != nil else { return }
    if node.hasSuspension, graph.suspension(of: identity, sight) != nil { return }
    let certainty = node.hasDue ? certainty.overdue(if: graph.overdue(identity: identity, sight) != nil) : certainty
    reached.add(certainty.rawValue, to: identity)
    if node.links == none || isOfBearers { return }
    for link in graph.live(node.links, sight) where link.other != identity {
      let person = link.other
      guard graph.existed(identity, since: link, sight), graph.existed(person, since: link, sight),
        graph.isActive(person, sight)
      else { continue }
      let isOverdue =
        graph.isOverdue(link, identity, person, sight) || graph.overdue(identity: person, sight) != nil
      reached.add(certainty.overdue(if: isOverdue).rawValue, to: person)
    }
  }
}
