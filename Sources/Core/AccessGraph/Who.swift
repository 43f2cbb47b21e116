import Governance
import Temporal

/// Who: from assignments down through groups to identities.
extension AccessGraph {
  /// Who has it at a moment, sorted by identity.
  ///
  /// O(assignments on covering scopes + members of the groups reached).
  public func who(_ subject: WhoSubject, from view: Viewpoint) -> [Holder] {
    let sight = Sight(view)
    var spread = Spread(self, sight)
    for start in starts(of: subject, sight) { spread.reach(start.principal, start.certainty) }
    return spread.identities.map { node, certainty in
      let verdict = certainty.verdict
      return Holder(
        identity: nodes[Int(node)].entity.id, status: verdict.status, isWithoutEntitlement: verdict.isWithoutEntitlement)
    }.sorted { $0.identity.precedes($1.identity) }
  }

  private func starts(of subject: WhoSubject, _ sight: Sight) -> [(principal: Int32, certainty: Certainty)] {
    switch subject {
    case .group(let id):
      guard let node = nodeNumbers[.group(id)], being(node, sight) != nil else { return [] }
      return [(node, .allowed)]
    case .access(let action, let resource):
      var closure = RoleClosure(self, sight, .permits(action: Array(action.utf8), resource: Array(resource.utf8)))
      let scopes = Scope.covering(resource).compactMap { texts.find($0) }
      return scopes.flatMap { scope in
        (assignmentsByScope[scope] ?? []).compactMap { fact in
          grants(fact, where: { $0.scope == scope }, &closure)
        }
      }
    case .role, .privileged:
      guard let test = roleTest(subject, sight) else { return [] }
      var closure = RoleClosure(self, sight, test)
      return roleNodes.flatMap { role -> [(principal: Int32, certainty: Certainty)] in
        guard !closure.certainty(of: role).isEmpty else { return [] }
        return nodes[Int(role)].grants.compactMap { fact in grants(fact, where: { $0.role == role }, &closure) }
      }
    }
  }

  /// The test that a subject other than a group or an access puts to roles.
  func roleTest(_ subject: WhoSubject, _ sight: Sight) -> RoleTest? {
    switch subject {
    case .role(let id): return nodeNumbers[.role(id)].map { .isRole($0) }
    case .privileged: return .overlaps(privilegedPatterns(sight))
    case .access(let action, let resource):
      return .permits(action: Array(action.utf8), resource: Array(resource.utf8))
    case .group: return nil
    }
  }

  /// The patterns of actions that `privileged` policies name at (t, k).
  func privilegedPatterns(_ sight: Sight) -> [Pattern] {
    policyNodes.flatMap { node -> [Pattern] in
      guard let being = being(node, sight) else { return [] }
      let policy = policies[Int(entries[Int(being.entry)].value)]
      return privilegedPatterns(policy)
    }
  }

  func privilegedPatterns(_ policy: PolicyDocument) -> [Pattern] {
    guard policy.type == .privileged, let rule = try? PrivilegedRule(policy.rule) else { return [] }
    return rule.actions.map(Pattern.init)
  }

  private func grants(
    _ fact: Int32, where matches: (GrantRecord) -> Bool, _ closure: inout RoleClosure
  ) -> (principal: Int32, certainty: Certainty)? {
    guard let holding = holding(fact, closure.sight) else { return nil }
    let grant = grants[Int(holding.value)]
    guard matches(grant) else { return nil }
    var certainty = closure.certainty(of: grant.role)
    if certainty.isEmpty { return nil }
    if grant.condition != nil { certainty = certainty.underCondition }
    let isOverdue = overdue(fact, value: holding.value, closure.sight) != nil
    return (grant.principal, certainty.overdue(if: isOverdue))
  }
}

/// Certainties carried from principals down to identities at one (t, k).
///
/// Tolerates cycles.
struct Spread {
  let graph: AccessGraph
  let sight: Sight
  /// Identities that are active, with what reached them.
  private(set) var identities: [Int32: Certainty] = [:]
  private var reached: [Int32: Certainty] = [:]

  init(_ graph: AccessGraph, _ sight: Sight) {
    self.graph = graph
    self.sight = sight
  }

  mutating func reach(_ start: Int32, _ certainty: Certainty) {
    var open = [(start, certainty)]
    while let (node, certainty) = open.popLast() {
      let fresh = certainty.subtracting(reached[node] ?? [])
      if fresh.isEmpty { continue }
      reached[node, default: []].formUnion(fresh)
      if graph.nodes[Int(node)].entity.kind == .identity {
        arrive(node, fresh)
        continue
      }
      for fact in graph.nodes[Int(node)].members {
        guard let holding = graph.holding(fact, sight) else { continue }
        let isOverdue = graph.overdue(fact, value: holding.value, sight) != nil
        open.append((graph.facts[Int(fact)].key.b, fresh.overdue(if: isOverdue)))
      }
    }
  }

  /// An identity has it, and the person whom it is an account of.
  private mutating func arrive(_ identity: Int32, _ certainty: Certainty) {
    guard graph.isActive(identity, sight) else { return }
    let certainty = certainty.overdue(if: graph.overdue(identity: identity, sight) != nil)
    identities[identity, default: []].formUnion(certainty)
    for fact in graph.nodes[Int(identity)].links where graph.facts[Int(fact)].key.a == identity {
      guard let link = graph.holding(fact, sight), link.value != identity, graph.isActive(link.value, sight) else { continue }
      let isOverdue =
        graph.overdue(fact, value: link.value, sight) != nil || graph.overdue(identity: link.value, sight) != nil
      identities[link.value, default: []].formUnion(certainty.overdue(if: isOverdue))
    }
  }
}
