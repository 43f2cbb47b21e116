import Conditions
import Governance
import Memory
public import Temporal

/// The stretches over which things hold, for questions about more than a moment.
extension AccessGraph {
  /// The stretches of a fact at k, its ends considered, each with its value.
  func stretches(_ fact: Int32, _ k: Int64) -> [(interval: Interval, value: Int32)] {
    ownSpans(fact, k).compactMap { span in
      var to = span.to
      for end in ends(of: fact, value: span.value) {
        guard let existence = existences(end, k).first(where: { $0.contains(span.begun) }) else { return nil }
        to = min(to, existence.until.effective)
      }
      return interval(span.from, to).map { ($0, span.value) }
    }
  }

  /// The stretches of a role's definitions at k, each with the place in the fold of the definition.
  func definitions(of role: Int32, _ k: Int64) -> [(interval: Interval, begun: FlatMoment, role: CompiledRole)] {
    ownSpans(nodes[role].existence, k).compactMap { span in
      interval(span.from, span.to).map { ($0, span.begun, roles[Int(span.value)]) }
    }
  }

  /// When an entity exists without a break since before a place in the fold.
  func existence(_ node: Int32, since moment: FlatMoment, _ k: Int64) -> IntervalSet {
    guard let existence = existences(node, k).first(where: { $0.contains(moment) }) else { return IntervalSet() }
    return interval(existence.since.effective, existence.until.effective).map { IntervalSet($0) } ?? IntervalSet()
  }

  /// When an identity exists and is not suspended.
  func activity(of identity: Int32, _ k: Int64) -> IntervalSet {
    let there = IntervalSet(existences(identity, k).compactMap { interval($0.since.effective, $0.until.effective) })
    guard let fact = suspensionFact(of: identity) else { return there }
    return there.subtracting(IntervalSet(stretches(fact, k).map(\.interval)))
  }

  private func interval(_ from: Int64, _ to: Int64) -> Interval? {
    Interval(exactly: Instant(microseconds: from), to: to == never ? nil : Instant(microseconds: to))
  }

  private struct OwnSpan {
    var from: Int64
    var to: Int64
    var begun: FlatMoment
    var value: Int32
    var expires: Int64
  }

  private struct ExistenceStretch {
    var since: FlatMoment
    var until: FlatMoment

    func contains(_ moment: FlatMoment) -> Bool { since <= moment && moment < until }
  }

  private func ownSpans(_ fact: Int32, _ k: Int64) -> [OwnSpan] {
    var spans: [OwnSpan] = []
    var current: OwnSpan?
    func close(at end: Int64) {
      guard var span = current else { return }
      span.to = min(end, span.expires)
      if span.from < span.to { spans.append(span) }
    }
    forEachEntry(of: fact) { entry in
      guard entry.isVisible(at: k) else { return }
      switch entry.effect {
      case .begins:
        close(at: entry.effective)
        current = OwnSpan(
          from: entry.effective, to: never, begun: FlatMoment(effective: entry.effective, position: entry.position),
          value: entry.value, expires: entry.expires)
      case .extends:
        guard var next = current, entry.effective < next.expires else { return }
        close(at: entry.effective)
        next.from = entry.effective
        next.expires = entry.expires
        current = next
      case .ends:
        close(at: entry.effective)
        current = nil
      }
    }
    close(at: never)
    return spans
  }

  private func existences(_ node: Int32, _ k: Int64) -> [ExistenceStretch] {
    var stretches: [ExistenceStretch] = []
    var since: FlatMoment?
    forEachEntry(of: nodes[node].existence) { entry in
      guard entry.isVisible(at: k) else { return }
      let moment = FlatMoment(effective: entry.effective, position: entry.position)
      if entry.effect == .begins {
        since = since ?? moment
      } else if let begun = since {
        stretches.append(ExistenceStretch(since: begun, until: moment))
        since = nil
      }
    }
    let end = FlatMoment(effective: never, position: never)
    if let begun = since { stretches.append(ExistenceStretch(since: begun, until: end)) }
    return stretches
  }
}

/// When something is known by which certainty; the three may overlap.
struct CertainStretches {
  var allowed = IntervalSet()
  var conditional = IntervalSet()
  var unknown = IntervalSet()

  var isEmpty: Bool { allowed.isEmpty && conditional.isEmpty && unknown.isEmpty }

  /// All instants of any certainty.
  var all: IntervalSet { allowed.union(conditional).union(unknown) }

  /// Each instant by the best certainty that it has.
  var withoutOverlap: CertainStretches {
    CertainStretches(
      allowed: allowed, conditional: conditional.subtracting(allowed),
      unknown: unknown.subtracting(allowed).subtracting(conditional))
  }

  /// What is left of it under conditions.
  func under(_ applies: StretchApplies) -> CertainStretches {
    CertainStretches(
      allowed: allowed.intersection(applies.yes),
      conditional: conditional.intersection(applies.yes.union(applies.perhaps)).union(allowed.intersection(applies.perhaps)),
      unknown: unknown.intersection(applies.yes.union(applies.perhaps)))
  }

  func intersection(_ set: IntervalSet) -> CertainStretches {
    CertainStretches(
      allowed: allowed.intersection(set), conditional: conditional.intersection(set), unknown: unknown.intersection(set))
  }

  func subtracting(_ other: CertainStretches) -> CertainStretches {
    CertainStretches(
      allowed: allowed.subtracting(other.allowed), conditional: conditional.subtracting(other.conditional),
      unknown: unknown.subtracting(other.unknown))
  }

  func union(_ other: CertainStretches) -> CertainStretches {
    CertainStretches(
      allowed: allowed.union(other.allowed), conditional: conditional.union(other.conditional),
      unknown: unknown.union(other.unknown))
  }
}

/// An identity by itself, or an account of it, with when what it bears is the identity's.
struct StretchBearer {
  let node: Int32
  let instants: IntervalSet
}

/// Where something begins to spread: a principal, what it has when, and on which conditions.
struct StretchStart {
  let principal: Int32
  let stretches: CertainStretches
  var conditions: [Condition] = []
}

/// Who and what over a stretch: the same walks, carrying sets of instants.
extension AccessGraph {
  /// Everyone who had it at any time in the stretch, with when, sorted by identity.
  ///
  /// What depends on the clock is conditional here, since it changes within the stretch; what depends on attributes is exact.
  public func who(_ subject: WhoSubject, during stretch: Interval, asKnownAt k: Int64) -> [StretchHolder] {
    var resource: String?
    var restrictions: StretchRestrictions?
    if case .access(let action, let asked) = subject {
      resource = asked
      restrictions = StretchRestrictions(self, k, action: action, resource: asked)
    }
    let found = spread(
      stretchStarts(of: subject, k), within: IntervalSet(stretch), resource: resource, restrictions: &restrictions, k)
    return found.compactMap { node, found in
      if found.isEmpty { return nil }
      let best = found.withoutOverlap
      return StretchHolder(
        identity: id(node), allowed: best.allowed, conditional: best.conditional, unknown: best.unknown,
        isExternal: isExternal(node, during: found.all, k))
    }.sorted { $0.identity.precedes($1.identity) }
  }

  /// Carries what begins somewhere down to identities and the persons behind them, judged.
  func spread(
    _ starts: [StretchStart], within: IntervalSet, resource: String?, restrictions: inout StretchRestrictions?, _ k: Int64
  ) -> [Int32: CertainStretches] {
    var spread = StretchSpread(graph: self, k: k)
    // Whom something reaches who may yet be denied it, with what is left of it under conditions.
    var bearers = StretchSpread(graph: self, k: k, isOfBearers: true)
    let isRestricted = restrictions != nil
    for start in starts {
      let within = start.stretches.intersection(within)
      if start.conditions.isEmpty {
        if isRestricted { bearers.reach(start.principal, within) } else { spread.reach(start.principal, within) }
        continue
      }
      var under = StretchSpread(graph: self, k: k, isOfBearers: true)
      under.reach(start.principal, within)
      for (bearer, found) in under.identities {
        let judged = found.under(applies(start.conditions, to: bearer, resource, over: found.all, k))
        if isRestricted { bearers.arrive(bearer, judged) } else { spread.arrive(bearer, judged) }
      }
    }
    if isRestricted {
      for (bearer, found) in bearers.identities { spread.arrive(bearer, restrictions?.apply(found, to: bearer) ?? found) }
    }
    return spread.identities
  }

  /// Whether an identity was external at some of these instants.
  private func isExternal(_ identity: Int32, during instants: IntervalSet, _ k: Int64) -> Bool {
    externalNodes.contains(identity)
      && ownSpans(nodes[identity].existence, k).contains { span in
        guard span.value == IdentityKind.externalNumber, let interval = interval(span.from, span.to) else { return false }
        return !instants.intersection(interval).isEmpty
      }
  }

  private func stretchStarts(of subject: WhoSubject, _ k: Int64) -> [StretchStart] {
    if case .group(let id) = subject {
      guard let node = find(.group(id)) else { return [] }
      return [StretchStart(principal: node, stretches: CertainStretches(allowed: activity(of: node, k)))]
    }
    var known: [Int32: [StretchGift]] = [:]
    func given(by role: Int32) -> [StretchGift] {
      if let known = known[role] { return known }
      let found = gifts(of: role, k, tests(subject, k))
      known[role] = found
      return found
    }
    var scopes: Set<Int32>?
    if case .access(_, let resource) = subject { scopes = Set(self.scopes(covering: resource)) }
    let candidates =
      scopes?.flatMap { facts(in: resource($0).assignments) } ?? roleNodes.flatMap { facts(in: nodes[$0].grants) }
    var starts: [StretchStart] = []
    for fact in candidates {
      for (interval, value) in stretches(fact, k) {
        let grant = grants[value]
        if let scopes, !scopes.contains(grant.scope) { continue }
        let own = conditions(of: grant)
        for gift in given(by: grant.role) {
          let found = gift.stretches.intersection(IntervalSet(interval))
          if found.isEmpty { continue }
          starts.append(
            StretchStart(principal: grant.principal, stretches: found, conditions: own + gift.conditions))
        }
      }
    }
    return starts
  }

  /// When a role, by all that it includes, gives what is looked for: apart by the conditions.
  func gifts(of role: Int32, _ k: Int64, _ tests: [(RoleTest, IntervalSet)]) -> [StretchGift] {
    var free = CertainStretches()
    var gifts: [StretchGift] = []
    for (node, definition, instants) in stretchClosure(of: role, k) {
      for (test, when) in tests {
        let certainty = test.certainty(of: node, definition)
        let instants = instants.intersection(when)
        if certainty.contains(.allowed) { free.allowed = free.allowed.union(instants) }
        if certainty.contains(.unknown) { free.unknown = free.unknown.union(instants) }
        if certainty.isConditional, !instants.isEmpty {
          for condition in test.conditions(in: definition) {
            gifts.append(StretchGift(stretches: CertainStretches(allowed: instants), conditions: [condition]))
          }
        }
      }
    }
    return (free.isEmpty ? [] : [StretchGift(stretches: free, conditions: [])]) + gifts
  }

  /// What is looked for in roles, and when: `privileged` changes with its policies.
  private func tests(_ subject: WhoSubject, _ k: Int64) -> [(RoleTest, IntervalSet)] {
    guard subject == .privileged else {
      let sight = Sight(t: Instant.latest.microseconds, k: k)
      return roleTest(subject, sight).map { [($0, IntervalSet(.always))] } ?? []
    }
    return policyNodes.flatMap { node in
      ownSpans(nodes[node].existence, k).compactMap { span in
        let patterns = privilegedPatterns(policies[Int(span.value)].document)
        guard !patterns.isEmpty, let interval = interval(span.from, span.to) else { return nil }
        return (.overlaps(patterns), IntervalSet(interval))
      }
    }
  }

  /// The stretches of a policy at k, each with its document.
  func policyStretches(_ node: Int32, _ k: Int64) -> [(interval: Interval, policy: CompiledPolicy)] {
    ownSpans(nodes[node].existence, k).compactMap { span in
      interval(span.from, span.to).map { ($0, policies[Int(span.value)]) }
    }
  }

  /// The role and all that it includes, each definition with when it is reached.
  ///
  /// Tolerates cycles.
  func stretchClosure(of role: Int32, _ k: Int64) -> [(node: Int32, role: CompiledRole, instants: IntervalSet)] {
    var reached: [Int32: IntervalSet] = [:]
    var found: [(node: Int32, role: CompiledRole, instants: IntervalSet)] = []
    var open = [(role, IntervalSet(.always))]
    while let (node, instants) = open.popLast() {
      let fresh = instants.subtracting(reached[node] ?? IntervalSet())
      if fresh.isEmpty { continue }
      reached[node] = (reached[node] ?? IntervalSet()).union(fresh)
      for (interval, begun, definition) in definitions(of: node, k) {
        let here = fresh.intersection(interval)
        if here.isEmpty { continue }
        found.append((node, definition, here))
        for included in definition.includes {
          open.append((included, here.intersection(existence(included, since: begun, k))))
        }
      }
    }
    return found
  }

  /// What an identity held at any time in the stretch, judged, each right with when, sorted.
  ///
  /// What depends on the clock is open, since it changes within the stretch; what depends on attributes is exact.
  public func what(_ identity: String, during stretch: Interval, asKnownAt k: Int64) -> [StretchRight] {
    guard let node = find(.identity(identity)) else { return [] }
    var rights: [Right: StretchRemainder] = [:]
    for bearer in stretchBearers(of: node, k) {
      let restrictions = StretchRightRestrictions(self, k, bearer.node)
      for (right, instants) in stretches(ofRightsOf: bearer, within: nil, k) {
        let granted = instants.intersection(IntervalSet(stretch))
        if granted.isEmpty { continue }
        var remainder = StretchRemainder(allowed: granted)
        if !right.conditions.isEmpty {
          let applies = applies(right.conditions.map { Condition(observed: $0) }, to: bearer.node, nil, over: granted, k)
          remainder = StretchRemainder(allowed: applies.yes, conditional: applies.perhaps)
        }
        if let restrictions, right.effect == .allow { remainder = restrictions.restrict(remainder, of: Reach(right)) }
        rights[right, default: StretchRemainder()].merge(remainder)
      }
    }
    return rights.compactMap { right, remainder in
      let held = remainder.allowed.union(remainder.conditional)
      if held.isEmpty, remainder.denied.isEmpty { return nil }
      let isPlain = right.effect == .allow && right.action != nil
      return StretchRight(
        right: right, held: held, conditional: isPlain ? remainder.conditional : IntervalSet(), denied: remainder.denied)
    }.sorted { $0.right < $1.right }
  }

  /// The rights of an identity over all time as they were granted, on scopes at, above or below a resource where one is named.
  func stretches(ofRightsOf identity: Int32, within resource: String?, _ k: Int64) -> [Right: IntervalSet] {
    var rights: [Right: IntervalSet] = [:]
    for bearer in stretchBearers(of: identity, k) {
      rights.merge(stretches(ofRightsOf: bearer, within: resource, k)) { $0.union($1) }
    }
    return rights
  }

  private func stretches(ofRightsOf bearer: StretchBearer, within resource: String?, _ k: Int64) -> [Right: IntervalSet] {
    var rights: [Right: IntervalSet] = [:]
    var closures: [Int32: [(node: Int32, role: CompiledRole, instants: IntervalSet)]] = [:]
    for (principal, instants) in groups(above: [(bearer.node, bearer.instants)] + builtIns(of: bearer, k), k) {
      for fact in facts(in: nodes[principal].assignments) {
        for (interval, value) in stretches(fact, k) {
          let grant = grants[value]
          guard grant.principal == principal, isRelated(grant, to: resource) else { continue }
          let held = instants.intersection(interval)
          if held.isEmpty { continue }
          let closure = closures[grant.role] ?? stretchClosure(of: grant.role, k)
          closures[grant.role] = closure
          for (node, definition, reached) in closure {
            let when = held.intersection(reached)
            if when.isEmpty { continue }
            for right in self.rights(of: grant, role: node, definition.document) {
              rights[right] = (rights[right] ?? IntervalSet()).union(when)
            }
          }
        }
      }
    }
    return rights
  }

  func stretchBearers(of identity: Int32, _ k: Int64) -> [StretchBearer] {
    let own = activity(of: identity, k)
    var bearers = [StretchBearer(node: identity, instants: own)]
    for fact in facts(in: nodes[identity].accounts) {
      let account = facts[fact].key.a
      if account == identity { continue }
      let linked = IntervalSet(stretches(fact, k).filter { $0.value == identity }.map(\.interval))
      bearers.append(
        StretchBearer(node: account, instants: own.intersection(linked).intersection(activity(of: account, k))))
    }
    return bearers
  }

  /// The built-in principals that a bearer is one of, each with when.
  func builtIns(of bearer: StretchBearer, _ k: Int64) -> [(Int32, IntervalSet)] {
    builtIns(of: bearer.node).map { ($0, bearer.instants.intersection(activity(of: $0, k))) }
  }

  /// Identities and all groups that they belong to, each with when.
  func groups(above starts: [(Int32, IntervalSet)], _ k: Int64) -> [Int32: IntervalSet] {
    var reached: [Int32: IntervalSet] = [:]
    var open = starts
    while let (node, instants) = open.popLast() {
      let fresh = instants.subtracting(reached[node] ?? IntervalSet())
      if fresh.isEmpty { continue }
      reached[node] = (reached[node] ?? IntervalSet()).union(fresh)
      for fact in facts(in: nodes[node].groups) {
        let held = IntervalSet(stretches(fact, k).map(\.interval))
        open.append((facts[fact].key.a, fresh.intersection(held)))
      }
    }
    return reached
  }
}

/// Stretches carried from principals down to identities.
///
/// Tolerates cycles.
private struct StretchSpread {
  let graph: AccessGraph
  let k: Int64
  var identities: [Int32: CertainStretches] = [:]
  var reached: [Int32: CertainStretches] = [:]
  /// Whether only those are wanted with whom paths begin, without the persons whose accounts they are.
  let isOfBearers: Bool

  init(graph: AccessGraph, k: Int64, isOfBearers: Bool = false) {
    self.graph = graph
    self.k = k
    self.isOfBearers = isOfBearers
  }

  mutating func reach(_ start: Int32, _ stretches: CertainStretches) {
    var open = [(start, stretches)]
    while let (node, stretches) = open.popLast() {
      let fresh = stretches.subtracting(reached[node] ?? CertainStretches())
      if fresh.isEmpty { continue }
      reached[node] = (reached[node] ?? CertainStretches()).union(fresh)
      if graph.nodes[node].kind == .identity {
        arrive(node, fresh)
        continue
      }
      for fact in graph.facts(in: graph.nodes[node].members) {
        let held = IntervalSet(graph.stretches(fact, k).map(\.interval))
        open.append((graph.facts[fact].key.b, fresh.intersection(held)))
      }
    }
  }

  /// An identity has it, and the person whose account it is.
  mutating func arrive(_ identity: Int32, _ stretches: CertainStretches) {
    let active = stretches.intersection(graph.activity(of: identity, k))
    identities[identity] = (identities[identity] ?? CertainStretches()).union(active)
    if isOfBearers { return }
    for fact in graph.facts(in: graph.nodes[identity].links) {
      for (interval, person) in graph.stretches(fact, k) where person != identity {
        let linked = active.intersection(IntervalSet(interval)).intersection(graph.activity(of: person, k))
        identities[person] = (identities[person] ?? CertainStretches()).union(linked)
      }
    }
  }
}
