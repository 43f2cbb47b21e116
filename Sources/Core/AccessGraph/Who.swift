import Governance
import Memory
import Temporal

/// Who: from assignments down through groups to identities.
extension AccessGraph {
  /// Who has it at a moment, sorted by identity.
  ///
  /// O(assignments on covering scopes + members of the groups reached).
  public func who(_ subject: WhoSubject, from view: Viewpoint) -> [Holder] {
    let spread = spread(subject, Sight(view))
    var found: [(text: Int32, certainty: Certainty)] = []
    found.reserveCapacity(spread.found.count)
    spread.forEachIdentity { found.append((nodes[$0].text, $1)) }
    found.sort { texts.precedes($0.text, $1.text) }
    return found.map { text, certainty in
      let verdict = certainty.verdict
      return Holder(identity: texts[text], status: verdict.status, isWithoutEntitlement: verdict.isWithoutEntitlement)
    }
  }

  /// Who has it at a moment, as numbers of this graph in no order: the question without the printing.
  public func whoNumbers(_ subject: WhoSubject, from view: Viewpoint) -> [Int32] {
    spread(subject, Sight(view)).found
  }

  private func spread(_ subject: WhoSubject, _ sight: Sight) -> Spread {
    var spread = Spread(self, sight)
    forEachStart(of: subject, sight) { principal, certainty in spread.reach(principal, certainty) }
    return spread
  }

  private func forEachStart(of subject: WhoSubject, _ sight: Sight, _ body: (Int32, Certainty) -> Void) {
    switch subject {
    case .group(let id):
      guard let node = find(.group(id)), presence(node, sight) != nil else { return }
      body(node, .allowed)
    case .access(let action, let resource):
      var closure = RoleClosure(self, sight, .permits(action: Array(action.utf8), resource: Array(resource.utf8)))
      forEachScope(covering: resource) { list in forEachGrant(in: list, &closure, body) }
    case .role, .privileged:
      guard let test = roleTest(subject, sight) else { return }
      var closure = RoleClosure(self, sight, test)
      for role in roleNodes where nodes[role].grants != none && !closure.certainty(of: role).isEmpty {
        forEachGrant(in: nodes[role].grants, &closure, body)
      }
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
      definitionEdge(of: node, sight).map { privilegedPatterns(policies[Int($0.other)]) } ?? []
    }
  }

  func privilegedPatterns(_ policy: PolicyDocument) -> [Pattern] {
    guard policy.type == .privileged, let rule = try? PrivilegedRule(policy.rule) else { return [] }
    return rule.actions.map(Pattern.init)
  }

  /// Calls back with the principal of each grant of a list that holds and gives something.
  private func forEachGrant(in list: Int32, _ closure: inout RoleClosure, _ body: (Int32, Certainty) -> Void) {
    let sight = closure.sight
    forEachLive(list, sight) { edge in
      let grant = grants[edge.other]
      guard existed(grant.principal, since: edge, sight), existed(grant.role, since: edge, sight) else { return }
      var certainty = closure.certainty(of: grant.role)
      if certainty.isEmpty { return }
      if grant.isConditional { certainty = certainty.underCondition }
      body(grant.principal, certainty.overdue(if: isOverdue(edge, grant.principal, grant.role, sight)))
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

  init(_ graph: AccessGraph, _ sight: Sight) {
    self.graph = graph
    self.sight = sight
  }

  /// The identities, in the order of arrival.
  private(set) var found: [Int32] = []

  func forEachIdentity(_ body: (Int32, Certainty) -> Void) {
    for identity in found { body(identity, Certainty(rawValue: reached[identity])) }
  }

  mutating func reach(_ start: Int32, _ certainty: Certainty) {
    if graph.nodes[start].kind == .identity { return arrive(start, certainty) }
    var open: [(Int32, Certainty)] = []
    var next = (start, certainty)
    while true {
      let (group, certainty) = next
      let fresh = certainty.subtracting(Certainty(rawValue: reached.add(certainty.rawValue, to: group)))
      if !fresh.isEmpty, let since = graph.presence(group, sight) { spread(fresh, below: group, since, &open) }
      guard let last = open.popLast() else { return }
      next = last
    }
  }

  private mutating func spread(
    _ fresh: Certainty, below group: Int32, _ since: FlatMoment, _ open: inout [(Int32, Certainty)]
  ) {
    let members = graph.nodes[group].members
    if members == none { return }
    let expected = found.count + graph.expectedLive(members, sight)
    reached.reserve(expected)
    found.reserveCapacity(expected)
    // Nothing of a plain member has to be looked up, unless the group itself may be overdue.
    let mayBePlain = !graph.nodes[group].hasDue
    graph.forEachLive(members, sight) { edge in
      if mayBePlain, edge.isPlainAndNotDue, since.effective < edge.from { return note(edge.other, fresh) }
      guard graph.began(edge, since: since), graph.existed(edge.other, since: edge, sight) else { return }
      let carried = fresh.overdue(if: graph.isOverdue(edge, group, edge.other, sight))
      if graph.nodes[edge.other].kind == .identity { arrive(edge.other, carried) } else { open.append((edge.other, carried)) }
    }
  }

  @inline(__always) private mutating func note(_ identity: Int32, _ certainty: Certainty) {
    if reached.add(certainty.rawValue, to: identity) == 0 { found.append(identity) }
  }

  /// An identity has it, and the person whom it is an account of.
  private mutating func arrive(_ identity: Int32, _ certainty: Certainty) {
    guard graph.isActive(identity, sight) else { return }
    let node = graph.nodes[identity]
    let certainty = node.hasDue ? certainty.overdue(if: graph.overdue(identity: identity, sight) != nil) : certainty
    note(identity, certainty)
    if node.links == none { return }
    for link in graph.live(node.links, sight) where link.other != identity {
      let person = link.other
      guard graph.existed(identity, since: link, sight), graph.existed(person, since: link, sight),
        graph.isActive(person, sight)
      else { continue }
      let isOverdue =
        graph.isOverdue(link, identity, person, sight) || graph.overdue(identity: person, sight) != nil
      note(person, certainty.overdue(if: isOverdue))
    }
  }
}
