import Conditions
import Governance
import Memory
import Temporal

/// What a role gives when, on conditions.
struct StretchGift {
  let stretches: CertainStretches
  let conditions: [Condition]
}

/// When something applies, and when perhaps.
struct StretchApplies {
  var yes = IntervalSet()
  var perhaps = IntervalSet()
}

/// Conditions over a stretch.
extension AccessGraph {
  /// When conditions hold for a bearer, within some instants.
  ///
  /// They are judged anew wherever an attribute of the bearer or of the resource changes; the clock is open.
  func applies(
    _ conditions: [Condition], to bearer: Int32, _ resource: String?, over instants: IntervalSet, _ k: Int64
  ) -> StretchApplies {
    if conditions.isEmpty { return StretchApplies(yes: instants) }
    let turns = turns(ofAttributesOf: [bearer] + (resource.flatMap { find(.resource($0)) }.map { [$0] } ?? []), k)
    var applies = StretchApplies()
    for interval in instants.intervals {
      for piece in interval.cut(at: turns) {
        var circumstances = Circumstances(graph: self, sight: Sight(t: piece.from.microseconds, k: k), resource: resource)
        circumstances.hasClock = false
        switch circumstances.applies(conditions, to: bearer, failing: .no) {
        case .yes: applies.yes.insert(piece)
        case .perhaps: applies.perhaps.insert(piece)
        case .no: break
        }
      }
    }
    return applies
  }

  /// The instants at which attributes or the existence of entities may change, sorted.
  private func turns(ofAttributesOf nodes: [Int32], _ k: Int64) -> [Instant] {
    var turns: Set<Int64> = []
    for node in nodes {
      var facts = [self.nodes[node].existence]
      facts += listedFacts(self.nodes[node].details).filter { self.facts[$0].key.kind == .attribute }
      for fact in facts { forEachEntry(of: fact) { if $0.isVisible(at: k) { turns.insert($0.effective) } } }
    }
    return turns.sorted().map { Instant(microseconds: $0) }
  }
}

extension Interval {
  /// Its pieces between some of the instants, which are sorted.
  fileprivate func cut(at instants: [Instant]) -> [Interval] {
    var pieces: [Interval] = []
    var start = from
    for instant in instants where instant > start && contains(instant) {
      pieces.append(Interval(from: start, to: instant))
      start = instant
    }
    return pieces + [Interval(from: start, to: to)]
  }
}

/// Denies and boundaries over all time, for one question about an action on a resource.
struct StretchRestrictions {
  private let graph: AccessGraph
  private let k: Int64
  private let resource: String
  private let scopes: Set<Int32>
  private let policies: [(interval: Interval, policy: CompiledPolicy, matching: [CompiledPermission])]
  private let test: (RoleTest, IntervalSet)
  /// What roles deny, once each.
  private var gifts: [Int32: [StretchGift]] = [:]

  /// Nil where nothing can take anything away.
  init?(_ graph: AccessGraph, _ k: Int64, action: String, resource: String) {
    guard graph.hasDenyPermissions || graph.hasRestrictingPolicies else { return nil }
    self.graph = graph
    self.k = k
    self.resource = resource
    scopes = Set(graph.scopes(covering: resource))
    let (asked, path) = (Array(action.utf8), Array(resource.utf8))
    policies = graph.policyNodes.flatMap { graph.policyStretches($0, k) }.compactMap { interval, policy in
      guard policy.isRestricting else { return nil }
      let matching = policy.permissions.filter { $0.applies(action: asked.span, resource: path.span) }
      // A deny of something else concerns nobody here; a boundary does.
      return policy.document.type == .deny && matching.isEmpty ? nil : (interval, policy, matching)
    }
    test = (.denies(action: asked, resource: path), IntervalSet(.always))
    if policies.isEmpty, !graph.hasDenyPermissions { return nil }
  }

  /// What is left of a bearer's access.
  mutating func apply(_ stretches: CertainStretches, to bearer: Int32) -> CertainStretches {
    if stretches.isEmpty { return stretches }
    let ancestry = graph.stretchAncestry(of: bearer, k)
    var denied = StretchApplies()
    func deny(_ applies: StretchApplies) {
      denied.yes = denied.yes.union(applies.yes)
      denied.perhaps = denied.perhaps.union(applies.perhaps)
    }
    for (interval, policy, matching) in policies {
      let concerned = graph.instants(concernedBy: policy, ancestry).intersection(interval).intersection(stretches.all)
      if concerned.isEmpty { continue }
      var applies = StretchApplies()
      for permission in matching {
        let found = self.applies(permission.conditions, bearer, concerned)
        applies.yes = applies.yes.union(found.yes)
        applies.perhaps = applies.perhaps.union(found.perhaps)
      }
      guard policy.document.type == .boundary else {
        deny(applies)
        continue
      }
      deny(
        StretchApplies(
          yes: concerned.subtracting(applies.yes).subtracting(applies.perhaps),
          perhaps: applies.perhaps.subtracting(applies.yes)))
    }
    for (principal, instants) in ancestry { forEachDeny(of: principal, bearer, instants.intersection(stretches.all), deny) }
    let left = stretches.intersection(IntervalSet(.always).subtracting(denied.yes))
    return CertainStretches(
      allowed: left.allowed.subtracting(denied.perhaps),
      conditional: left.conditional.union(left.allowed.intersection(denied.perhaps)), unknown: left.unknown)
  }

  private func applies(_ conditions: [Condition], _ bearer: Int32, _ instants: IntervalSet) -> StretchApplies {
    graph.applies(conditions, to: bearer, resource, over: instants, k)
  }

  /// Denies by permissions of roles that a principal holds.
  private mutating func forEachDeny(
    of principal: Int32, _ bearer: Int32, _ instants: IntervalSet, _ deny: (StretchApplies) -> Void
  ) {
    guard graph.hasDenyPermissions, !instants.isEmpty else { return }
    for fact in graph.facts(in: graph.nodes[principal].assignments) {
      for (interval, value) in graph.stretches(fact, k) {
        let grant = graph.grants[value]
        guard grant.principal == principal, scopes.contains(grant.scope) else { continue }
        let own = graph.conditions(of: grant)
        let gifts = self.gifts[grant.role] ?? graph.gifts(of: grant.role, k, [test])
        self.gifts[grant.role] = gifts
        for gift in gifts {
          let when = gift.stretches.allowed.intersection(interval).intersection(instants)
          if !when.isEmpty { deny(applies(own + gift.conditions, bearer, when)) }
        }
      }
    }
  }
}

extension AccessGraph {
  /// A bearer, the person whose account it is, and all groups that these belong to, each with when.
  func stretchAncestry(of bearer: Int32, _ k: Int64) -> [Int32: IntervalSet] {
    var starts = [(bearer, IntervalSet(.always))]
    for fact in facts(in: nodes[bearer].links) {
      for (interval, person) in stretches(fact, k) where person != bearer { starts.append((person, IntervalSet(interval))) }
    }
    for principal in builtIns(of: bearer) { starts.append((principal, activity(of: principal, k))) }
    return groups(above: starts, k)
  }

  /// When a policy concerns someone of that ancestry.
  func instants(concernedBy policy: CompiledPolicy, _ ancestry: [Int32: IntervalSet]) -> IntervalSet {
    func instants(_ entities: [Entity]) -> IntervalSet {
      entities.reduce(IntervalSet()) { $0.union(find($1).flatMap { ancestry[$0] } ?? IntervalSet()) }
    }
    let meant = policy.subjects?.principals.map(instants) ?? IntervalSet(.always)
    return meant.subtracting(instants(policy.subjects?.except ?? []))
  }
}
