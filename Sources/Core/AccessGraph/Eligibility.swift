import Conditions
import Governance
import Memory
import Temporal

/// Eligible access: what elevation policies would let identities obtain for themselves.
///
/// Judged as in survey questions: what depends on the request is conditional; what cannot be evaluated fails, as it will when the
/// request is made. Who does not meet what is required of a requester stands there where somebody else could ask for them. Not
/// looked at: whether enough approvers are there just now, duties to be separated and lifetimes, for which a request may be
/// refused all the same; and revisions of roles and policies.
extension AccessGraph {
  /// Who is not allowed what is asked about and could get it, sorted by identity.
  ///
  /// Whoever stands among the holders under a condition, or because a role is not known, may stand here too. Costs nothing
  /// while there was never an elevation policy; else O(policies), and of those that offer it O(whom they concern).
  ///
  /// - Parameter holders: the answer to `who` about the same at the same (t, k).
  public func eligible(_ subject: WhoSubject, from view: Viewpoint, beside holders: [Holder]) -> [Eligible] {
    guard hasElevationPolicies else { return [] }
    let sight = Sight(view)
    var eligibility = Eligibility(self, sight, subject)
    var found: [Int32: [EligibleWay]] = [:]
    for node in policyNodes {
      guard let policy = elevation(node, sight) else { continue }
      let offers = eligibility.offers(of: policy)
      if offers.isEmpty { continue }
      let askers = eligibility.askers(under: policy)
      forEachBearer(concernedBy: policy, sight) { bearer in
        guard let way = eligibility.way(bearer, id(node), policy, offers, askers) else { return }
        forEachIdentity(servedBy: bearer, sight) { Self.add(way, to: &found[$0, default: []]) }
      }
    }
    let identities = Array(found.keys)
    // Built-in principals are listed themselves, and not those who have it by them; where their grant is on a condition, others
    // may have it though they themselves do not.
    let isForAll = everyoneNode != none || authenticatedNode != none
    return texts.order(of: identities.map { nodeTexts[$0] }).compactMap { place in
      let identity = id(identities[Int(place)])
      let index = firstPlace(in: 0..<holders.count) { !holders[$0].identity.precedes(identity) }
      if index < holders.count, holders[index].identity.isExactly(identity), holders[index].status == .allowed { return nil }
      if isForAll, case .access(let action, let resource) = subject {
        let circumstances = Circumstances(graph: self, sight: sight, resource: resource)
        let decision = decision(identities[Int(place)], action: action, resource: resource, circumstances)
        if decision.status == .allowed { return nil }
      }
      return Eligible(identity: identity, ways: found[identities[Int(place)]] ?? [])
    }
  }

  /// By which policies one identity could get an access that it is not allowed; the same as `who` has beside its holders.
  ///
  /// Empty for one that is not active, or allowed already by what is known of its grants, whether a source vouches or not.
  public func eligible(
    _ identity: String, action: String, resource: String, from view: Viewpoint
  ) -> [EligibleWay] {
    let sight = Sight(view)
    guard hasElevationPolicies, let node = find(.identity(identity)), isActive(node, sight) else { return [] }
    let bearers = bearers(of: node, sight)
    var eligibility = Eligibility(self, sight, .access(action: action, resource: resource))
    var ways: [EligibleWay] = []
    for node in policyNodes {
      guard let policy = elevation(node, sight) else { continue }
      let concerned = bearers.filter { concerns(policy, $0.ancestry) }
      if concerned.isEmpty { continue }
      let offers = eligibility.offers(of: policy)
      if offers.isEmpty { continue }
      let askers = eligibility.askers(under: policy)
      for bearer in concerned {
        if let way = eligibility.way(bearer.node, id(node), policy, offers, askers) { Self.add(way, to: &ways) }
      }
    }
    if ways.isEmpty { return [] }
    let circumstances = Circumstances(graph: self, sight: sight, resource: resource)
    return decision(node, action: action, resource: resource, circumstances).status == .allowed ? [] : ways
  }

  /// What an identity, or an account of it, could ask for, sorted; also what it holds already.
  ///
  /// Nothing is said of what denies and boundaries would leave of it.
  public func obtainable(by identity: String, from view: Viewpoint) -> [Obtainable] {
    let sight = Sight(view)
    guard hasElevationPolicies, let node = find(.identity(identity)), isActive(node, sight) else { return [] }
    let bearers = bearers(of: node, sight)
    var found: Set<Obtainable> = []
    for node in policyNodes {
      guard let policy = elevation(node, sight) else { continue }
      let concerned = bearers.filter { concerns(policy, $0.ancestry) }
      if concerned.isEmpty { continue }
      let askers = askers(under: policy, Asking(graph: self, sight: sight, policy: policy, scopes: nil))
      for bearer in concerned {
        for access in accesses(policy.rule, bearer.node, sight) {
          let asking = Asking(graph: self, sight: sight, policy: policy, scopes: nil)
          let own = asking.terms(of: bearer.node, isForGroup: access.isGroup).first
          guard let terms = own ?? askers.terms(isForGroup: access.isGroup) else { continue }
          found.insert(
            Obtainable(
              policy: id(node), requester: id(bearer.node), access: access, alone: terms.alone,
              isConditional: terms.isConditional, longestSeconds: policy.rule.longestSeconds,
              allowsStanding: policy.rule.allowsStanding, isAskedByAnother: own == nil))
        }
      }
    }
    return found.sorted()
  }

  /// What may be asked for under a rule at (t, k) by a bearer.
  private func accesses(_ rule: ElevationRule, _ bearer: Int32, _ sight: Sight) -> [Obtainable.Access] {
    func exists(_ entity: Entity) -> Bool { find(entity).map { presence($0, sight) != nil } ?? false }
    let roles = rule.roles.filter { exists(.role($0)) }
    let groups = rule.groups.filter { id in
      exists(.group(id)) && find(.group(id)).map { !isDirectMember(bearer, of: $0, sight) } ?? false
    }
    return roles.flatMap { role in rule.scopes.map { .role(role, scope: $0) } } + groups.map { .group($0) }
  }

  private static func add(_ way: EligibleWay, to ways: inout [EligibleWay]) {
    let index = firstPlace(in: 0..<ways.count) { !ways[$0].policy.precedes(way.policy) }
    if index < ways.count, ways[index].policy.isExactly(way.policy) {
      if way.isBetter(than: ways[index]) { ways[index] = way }
    } else {
      ways.insert(way, at: index)
    }
  }
}

/// Whom elevation policies concern.
extension AccessGraph {
  /// The elevation policy that a node is at (t, k); nil where it is none.
  private func elevation(_ policy: Int32, _ sight: Sight) -> CompiledElevation? {
    definitionEdge(of: policy, sight).flatMap { policies[Int($0.other)].elevation }
  }

  /// An active identity and its active accounts, each with the groups that it belongs to.
  private func bearers(of identity: Int32, _ sight: Sight) -> [(node: Int32, ancestry: [Int32])] {
    var bearers = [identity]
    forEachAccount(of: identity, sight) { account, _ in bearers.append(account) }
    return bearers.map { ($0, ancestry(of: [$0], sight)) }
  }

  private func concerns(_ policy: CompiledElevation, _ ancestry: [Int32]) -> Bool {
    let subjects = policy.rule.subjects
    func isAbove(_ principal: Entity) -> Bool { find(principal).map(ancestry.contains) ?? false }
    return subjects.principals?.contains(where: isAbove) ?? true && !subjects.except.contains(where: isAbove)
  }

  /// Calls back with each active identity whom a policy concerns.
  ///
  /// O(identities) for a policy that names no principals.
  private func forEachBearer(concernedBy policy: CompiledElevation, _ sight: Sight, _ body: (Int32) -> Void) {
    let subjects = policy.rule.subjects
    var excepted = Spread(self, sight, isOfBearers: true)
    for node in subjects.except.compactMap({ find($0) }) { excepted.reach(node, .allowed) }
    var named = Spread(self, sight, isOfBearers: true)
    if let principals = subjects.principals {
      for node in principals.compactMap({ find($0) }) { named.reach(node, .allowed) }
    } else {
      for identity in identityNodes { named.arrive(identity, .allowed) }
    }
    var isExcepted = Marks()
    excepted.forEachIdentity { identity, _ in isExcepted.add(1, to: identity) }
    named.forEachIdentity { identity, _ in if isExcepted[identity] == 0 { body(identity) } }
  }

  /// Calls back with a bearer, and with the active person whose account it is.
  private func forEachIdentity(servedBy bearer: Int32, _ sight: Sight, _ body: (Int32) -> Void) {
    body(bearer)
    for link in live(nodes[bearer].links, sight) where link.other != bearer {
      if existed(bearer, since: link, sight), existed(link.other, since: link, sight), isActive(link.other, sight) {
        body(link.other)
      }
    }
  }

  /// Who could ask for others under a policy, by role and by group.
  ///
  /// Costs nothing where anybody may ask whom it concerns; else O(whom it concerns), until one is found.
  fileprivate func askers(under policy: CompiledElevation, _ asking: Asking) -> Askers {
    var askers = Askers()
    if policy.requirement.isEmpty { return askers }
    forEachBearer(concernedBy: policy, asking.sight) { bearer in
      if askers.isSettled { return }
      for terms in asking.terms(of: bearer, isForGroup: false) { askers.forRoles.add(terms) }
      for terms in asking.terms(of: bearer, isForGroup: true) { askers.forGroups.add(terms) }
    }
    return askers
  }

  fileprivate func isDirectMember(_ identity: Int32, of group: Int32, _ sight: Sight) -> Bool {
    find(FactKey(kind: .membership, a: group, b: identity)).flatMap { holding($0, sight) } != nil
  }
}

/// One question put to what may be asked for: what somebody who got it would have.
private struct Eligibility: ~Copyable {
  private let graph: AccessGraph
  private let sight: Sight
  private let subject: WhoSubject
  /// Those at or above the resource; nil where any scope will do.
  private let scopes: [Int32]?
  private let circumstances: Circumstances
  private let restrictions: Restrictions?
  private var closure: RoleClosure
  private var denials: RoleClosure

  init(_ graph: AccessGraph, _ sight: Sight, _ subject: WhoSubject) {
    self.graph = graph
    self.sight = sight
    self.subject = subject
    let nothing = RoleTest.overlaps([])
    closure = RoleClosure(graph, sight, graph.roleTest(subject, sight) ?? nothing)
    guard case .access(let action, let resource) = subject else {
      scopes = nil
      circumstances = Circumstances(graph: graph, sight: sight, resource: nil)
      restrictions = nil
      denials = RoleClosure(graph, sight, nothing)
      return
    }
    scopes = graph.scopes(covering: resource)
    circumstances = Circumstances(graph: graph, sight: sight, resource: resource)
    restrictions = Restrictions(circumstances, action: action, resource: resource)
    let denies = RoleTest.denies(action: Array(action.utf8), resource: Array(resource.utf8))
    denials = RoleClosure(graph, sight, graph.hasDenyPermissions ? denies : nothing)
  }

  /// What of a policy would come to something.
  mutating func offers(of policy: CompiledElevation) -> [Offer] {
    var offers: [Offer] = []
    for id in isInReach(policy.rule) ? policy.rule.roles : [] {
      guard let role = graph.find(.role(id)) else { continue }
      let gifts = closure.gifts(of: role)
      if !gifts.isEmpty { offers.append(Offer(gifts: gifts, denials: denials.gifts(of: role))) }
    }
    for id in policy.rule.groups {
      guard let group = graph.find(.group(id)), graph.presence(group, sight) != nil else { continue }
      let above = graph.ancestry(of: [group], sight)
      let gifts = gifts(of: above)
      if !gifts.isEmpty { offers.append(Offer(group: group, groups: above, gifts: gifts)) }
    }
    return offers
  }

  /// Whether roles may be asked for on a scope that covers the resource.
  private func isInReach(_ rule: ElevationRule) -> Bool {
    switch subject {
    case .access(_, let resource): rule.scopes.contains { Scope.covers($0, resource) }
    case .role, .privileged: true
    case .group: false
    }
  }

  /// What groups give to those who come into them.
  private mutating func gifts(of groups: [Int32]) -> [Gift] {
    if case .group(let id) = subject {
      let isAmong = graph.find(.group(id)).map(groups.contains) ?? false
      return isAmong ? [Gift(certainty: .allowed, conditions: [])] : []
    }
    var free: Certainty = []
    var conditional: [Gift] = []
    for group in groups {
      graph.forEachGrant(of: group, sight) { grant, _ in
        guard free.verdict.status != .allowed, scopes?.contains(grant.scope) ?? true else { return }
        let own = graph.conditions(of: grant)
        for gift in closure.gifts(of: grant.role) {
          let conditions = own + gift.conditions
          if conditions.isEmpty {
            free.formUnion(gift.certainty)
          } else {
            conditional.append(Gift(certainty: gift.certainty, conditions: conditions))
          }
        }
      }
    }
    if free.verdict.status == .allowed { return [Gift(certainty: free, conditions: [])] }
    return (free.isEmpty ? [] : [Gift(certainty: free, conditions: [])]) + conditional
  }

  /// Who could ask for others under a policy.
  func askers(under policy: CompiledElevation) -> Askers { graph.askers(under: policy, asking(policy)) }

  /// The best that a bearer whom a policy concerns could get by it; nil where nothing.
  func way(
    _ bearer: Int32, _ id: String, _ policy: CompiledElevation, _ offers: [Offer], _ askers: Askers
  ) -> EligibleWay? {
    let asking = asking(policy)
    var best: EligibleWay?
    for offer in offers {
      if offer.isMembership, graph.isDirectMember(bearer, of: offer.group, sight) { continue }
      let own = asking.terms(of: bearer, isForGroup: offer.isMembership)
      let all = own.isEmpty ? [askers.terms(isForGroup: offer.isMembership)].compactMap { $0 } : own
      if all.isEmpty { continue }
      let left = access(by: offer, bearer)
      for terms in all {
        let status = (terms.isConditional ? left.underCondition : left).verdict.status
        if status == .denied { continue }
        let way = EligibleWay(policy: id, alone: terms.alone, status: status, isAskedByAnother: own.isEmpty)
        if best.map(way.isBetter) ?? true { best = way }
      }
    }
    return best
  }

  /// What a policy says to requests for a role that would reach what is asked about.
  private func asking(_ policy: CompiledElevation) -> Asking {
    guard case .access(_, let resource) = subject else {
      return Asking(graph: graph, sight: sight, policy: policy, scopes: nil)
    }
    let scopes = Scope.covering(resource).filter { scope in policy.rule.scopes.contains { Scope.covers($0, scope) } }
    return Asking(graph: graph, sight: sight, policy: policy, scopes: scopes)
  }

  /// What a bearer would have by an offer, less what would be taken away at once.
  private func access(by offer: Offer, _ bearer: Int32) -> Certainty {
    var left: Certainty = []
    for gift in offer.gifts {
      left.formUnion(gift.certainty.under(circumstances.applies(gift.conditions, to: bearer, failing: .no)))
    }
    if left.isEmpty { return left }
    if let restrictions { left = left.under(restrictions.verdict(of: bearer, joining: offer.groups).applies) }
    for denial in offer.denials {
      switch circumstances.applies(denial.conditions, to: bearer, failing: .yes) {
      case .yes: return []
      case .perhaps: left = left.underCondition
      case .no: break
      }
    }
    return left
  }
}

/// A role or a membership that may be asked for, as it meets one question.
private struct Offer {
  /// The group that one would come into; `none` for a role.
  var group = none
  /// It and the groups above it.
  var groups: [Int32] = []
  /// What it would give.
  let gifts: [Gift]
  /// What the role itself would deny.
  var denials: [Gift] = []

  var isMembership: Bool { group != none }
}

/// What becomes of a request under a policy.
private struct Terms: Hashable {
  /// Whether nobody else has to act.
  let alone: Alone
  /// Whether what is required of it depends on what is not known.
  let isConditional: Bool
}

/// What becomes of requests that somebody else makes.
private struct Askers {
  /// Whether somebody may ask, and whether somebody may without a condition.
  struct Some {
    var isThere = false
    var isFree = false

    mutating func add(_ terms: Terms) {
      isThere = true
      if !terms.isConditional { isFree = true }
    }
  }

  var forRoles = Some()
  var forGroups = Some()

  /// Whether no other could make it better.
  var isSettled: Bool { forRoles.isFree && forGroups.isFree }

  /// What somebody gets for whom another asks: never alone.
  func terms(isForGroup: Bool) -> Terms? {
    let some = isForGroup ? forGroups : forRoles
    return some.isThere ? Terms(alone: .no, isConditional: !some.isFree) : nil
  }
}

/// What a policy says to a request of which nothing is known but who makes it.
private struct Asking {
  let sight: Sight
  let policy: CompiledElevation
  /// For a role, the scopes that one may choose from; open where that is none in particular.
  private let forRoles: [Circumstances]
  private let forGroups: Circumstances

  init(graph: AccessGraph, sight: Sight, policy: CompiledElevation, scopes: [String]?) {
    self.policy = policy
    self.sight = sight
    func circumstances(_ scope: String?, hasResource: Bool) -> Circumstances {
      Circumstances(graph: graph, sight: sight, resource: scope, hasResource: hasResource, isEnforced: true)
    }
    // The whole tenant is no resource, and a membership has none.
    forGroups = circumstances(nil, hasResource: false)
    if let scopes, policy.dependsOnResource {
      forRoles = scopes.map { $0 == "*" ? circumstances(nil, hasResource: false) : circumstances($0, hasResource: true) }
    } else {
      forRoles = [circumstances(nil, hasResource: true)]
    }
  }

  /// What becomes of a request, for each scope that makes a difference; empty where it may not ask.
  func terms(of requester: Int32, isForGroup: Bool) -> [Terms] {
    var found: [Terms] = []
    for circumstances in isForGroup ? [forGroups] : forRoles {
      guard let terms = terms(of: requester, in: circumstances), !found.contains(terms) else { continue }
      found.append(terms)
    }
    return found
  }

  private func terms(of requester: Int32, in circumstances: Circumstances) -> Terms? {
    let required = circumstances.applies(policy.requirement, to: requester, failing: .no)
    if required == .no { return nil }
    guard let condition = policy.approvesItself else { return Terms(alone: .no, isConditional: required == .perhaps) }
    switch circumstances.applies(condition, to: requester, failing: .no) {
    case .yes: return Terms(alone: .yes, isConditional: required == .perhaps)
    case .perhaps: return Terms(alone: .conditional, isConditional: required == .perhaps)
    case .no: return Terms(alone: .no, isConditional: required == .perhaps)
    }
  }
}

/// The rule of an elevation policy, ready to be asked.
struct CompiledElevation {
  let rule: ElevationRule
  /// What must hold of a request.
  let requirement: [Condition]
  /// Under which conditions nobody else has to act; nil for never.
  let approvesItself: [Condition]?
  /// Whether it makes a difference on what a role is asked for.
  let dependsOnResource: Bool

  /// Nil for a document that is no elevation policy.
  init?(_ document: PolicyDocument) {
    guard document.type == .elevation, let rule = try? ElevationRule(document.rule) else { return nil }
    self.rule = rule
    requirement = rule.condition.map { [Condition(observed: $0)] } ?? []
    switch rule.needsNobody {
    case .never: approvesItself = nil
    case .always: approvesItself = []
    case .when(let condition): approvesItself = [Condition(observed: condition)]
    }
    dependsOnResource = (requirement + (approvesItself ?? [])).contains(where: \.mentionsResource)
  }
}

extension Obtainable.Access {
  fileprivate var isGroup: Bool {
    if case .group = self { true } else { false }
  }
}
