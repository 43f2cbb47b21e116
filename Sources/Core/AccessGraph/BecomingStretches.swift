import Conditions
import Governance
import Memory
public import Temporal

/// One step of a chain over a stretch: who becomes whom, by which trust.
public struct StretchBecomingStep: Hashable, Sendable {
  /// Who becomes another.
  public var identity: String
  /// Whom they become.
  public var becomes: String
  /// One of `Trust.actions`.
  public var action: String
  /// The assignment that says so.
  public var assignment: String
}

/// A way in which an identity became another at some time in a stretch, with when.
///
/// Of several ways to the same, a longer one has only the instants that no shorter one has as certainly.
public struct StretchBecoming: Hashable, Sendable {
  /// Who.
  public var identity: String
  /// Whom at last.
  public var target: String
  /// The steps, in order; never none.
  public var steps: [StretchBecomingStep]
  /// When they might.
  public var allowed: IntervalSet
  /// When that depended on the request or the clock, and no way allowed it.
  public var conditional: IntervalSet
  /// When it is unknown, and no way allowed it, on conditions or without.
  public var unknown: IntervalSet
}

/// The ways over a stretch, and whether these are all.
public struct StretchBecomingAnswer: Hashable, Sendable {
  /// Sorted by who, then by whom, the shorter before the longer.
  public var ways: [StretchBecoming]
  /// Whether no limit was hit.
  public var isWhole: Bool

  /// Nobody becomes anybody.
  public static let nobody = StretchBecomingAnswer(ways: [], isWhole: true)
}

/// Who becomes whom over a stretch: the walk of a moment, carrying sets of instants.
extension AccessGraph {
  /// Who came to what is asked about better by becoming another identity than by itself, at some time in the stretch.
  ///
  /// O(identities trusted + trusts on the way) sets of instants.
  ///
  /// - Parameter holders: the answer to `who` about the same over the same stretch.
  public func becoming(
    during stretch: Interval, asKnownAt k: Int64, beside holders: [StretchHolder], limits: BecomingLimits = BecomingLimits()
  ) -> StretchBecomingAnswer {
    if trustScopes.isEmpty { return .nobody }
    let trusted = Set(trustScopes.compactMap { Trust.identity(of: texts[$0]).flatMap { find(.identity($0)) } })
    var walk = StretchBecomingWalk(self, k, isForward: false, limits)
    for holder in holders {
      guard let node = find(.identity(holder.identity)) else { continue }
      let held = CertainStretches(allowed: holder.allowed, conditional: holder.conditional, unknown: holder.unknown)
      walk.own(node, held, isStart: trusted.contains(node))
    }
    walk.run()
    return walk.answer()
  }

  /// Whom an identity might become at some time in the stretch.
  public func becoming(
    from identity: String, during stretch: Interval, asKnownAt k: Int64, limits: BecomingLimits = BecomingLimits()
  ) -> StretchBecomingAnswer {
    guard !trustScopes.isEmpty, let node = find(.identity(identity)) else { return .nobody }
    var walk = StretchBecomingWalk(self, k, isForward: true, limits)
    let there = activity(of: node, k).intersection(IntervalSet(stretch))
    walk.own(node, CertainStretches(allowed: there), isStart: true)
    walk.run()
    return walk.answer()
  }
}

/// A walk over trusts from some identities; each goes on only with the instants that it was not reached with before.
///
/// Tolerates cycles.
private struct StretchBecomingWalk {
  /// A trust between two identities.
  struct Trusted {
    let one: Int32
    let other: Int32
    let action: Int
    let fact: Int32
    let stretches: CertainStretches
  }

  private struct Reached {
    let node: Int32
    let stretches: CertainStretches
    /// The trust by which it was reached, and the place of what it was reached from; nil where the walk began.
    let by: (trusted: Trusted, from: Int)?
  }

  private let graph: AccessGraph
  private let k: Int64
  private let isForward: Bool
  private let limits: BecomingLimits
  private var places: [Reached] = []
  private var seen: [Int32: CertainStretches] = [:]
  private var known: [Int32: [Trusted]] = [:]
  private var tests: [Int32: [StretchTrustTest]] = [:]
  private var judgements = 0
  private var isWhole = true

  init(_ graph: AccessGraph, _ k: Int64, isForward: Bool, _ limits: BecomingLimits) {
    self.graph = graph
    self.k = k
    self.isForward = isForward
    self.limits = limits
  }

  /// What an identity has by itself: no way to it is told that is no better.
  mutating func own(_ node: Int32, _ stretches: CertainStretches, isStart: Bool) {
    seen[node] = stretches
    if isStart { places.append(Reached(node: node, stretches: stretches, by: nil)) }
  }

  mutating func run() {
    var begin = 0
    for _ in 0..<limits.steps {
      let end = places.count
      if begin == end { return }
      for place in begin..<end {
        for trusted in trusts(of: places[place].node) {
          let far = isForward ? trusted.other : trusted.one
          let before = seen[far] ?? CertainStretches()
          let fresh = places[place].stretches.along(trusted.stretches).better(than: before)
          if fresh.isEmpty { continue }
          guard places.count < limits.identities else {
            isWhole = false
            return
          }
          seen[far] = before.union(fresh)
          places.append(Reached(node: far, stretches: fresh, by: (trusted, place)))
        }
      }
      begin = end
    }
    if begin < places.count { isWhole = false }
  }

  func answer() -> StretchBecomingAnswer {
    let ways = places.compactMap { reached -> StretchBecoming? in
      guard reached.by != nil else { return nil }
      // What was found later, by more steps, may be more certain.
      let left = reached.stretches.bestOf(seen[reached.node] ?? reached.stretches)
      if left.isEmpty { return nil }
      var steps: [StretchBecomingStep] = []
      var here = reached
      while let (trusted, from) = here.by {
        steps.append(step(trusted))
        here = places[from]
      }
      let (near, far) = (graph.id(here.node), graph.id(reached.node))
      return StretchBecoming(
        identity: isForward ? near : far, target: isForward ? far : near, steps: isForward ? steps.reversed() : steps,
        allowed: left.allowed, conditional: left.conditional, unknown: left.unknown)
    }
    let sorted = ways.enumerated().sorted { a, b in
      let (x, y) = (a.element, b.element)
      if !x.identity.isExactly(y.identity) { return x.identity.precedes(y.identity) }
      return x.target.isExactly(y.target) ? a.offset < b.offset : x.target.precedes(y.target)
    }
    return StretchBecomingAnswer(ways: sorted.map(\.element), isWhole: isWhole)
  }

  private func step(_ trusted: Trusted) -> StretchBecomingStep {
    StretchBecomingStep(
      identity: graph.id(trusted.one), becomes: graph.id(trusted.other), action: Trust.actions[trusted.action],
      assignment: graph.texts[graph.facts[trusted.fact].key.a])
  }
}

/// Trusts of one identity over all time.
extension StretchBecomingWalk {
  /// In an order that does not depend on the storage.
  private mutating func trusts(of node: Int32) -> [Trusted] {
    if let known = known[node] { return known }
    let found = (isForward ? trusts(heldBy: node) : trusts(in: node)).filter { $0.one != $0.other && !$0.stretches.isEmpty }
    let sorted = found.sorted { a, b in
      for (x, y) in [(a.other, b.other), (a.one, b.one)] where x != y { return graph.precedes(x, y) }
      if a.action != b.action { return a.action < b.action }
      return graph.texts[graph.facts[a.fact].key.a].precedes(graph.texts[graph.facts[b.fact].key.a])
    }
    known[node] = sorted
    return sorted
  }

  /// Whom the grants of an identity, its groups and its accounts let it become.
  private mutating func trusts(heldBy identity: Int32) -> [Trusted] {
    var found: [Trusted] = []
    for bearer in graph.stretchBearers(of: identity, k) {
      for (principal, instants) in graph.groups(above: [(bearer.node, bearer.instants)] + graph.builtIns(of: bearer, k), k) {
        for fact in graph.facts(in: graph.nodes[principal].assignments) {
          for (interval, value) in graph.stretches(fact, k) {
            let grant = graph.grants[value]
            guard grant.principal == principal, graph.trustScopes.contains(grant.scope),
              let target = Trust.identity(of: graph.texts[grant.scope]).flatMap({ graph.find(.identity($0)) })
            else { continue }
            let held = instants.intersection(interval).intersection(graph.activity(of: target, k))
            if held.isEmpty || !mayJudge() { continue }
            let tests = tests(of: grant.scope)
            for action in tests.indices {
              let stretches = tests[action].stretches(of: grant, for: bearer.node, within: held)
              found.append(Trusted(one: identity, other: target, action: action, fact: fact, stretches: stretches))
            }
          }
        }
      }
    }
    return found
  }

  /// Whom the grants on an identity let become it.
  private mutating func trusts(in target: Int32) -> [Trusted] {
    guard let scope = try? Trust.scope(of: graph.id(target)), let text = graph.texts.find(scope),
      graph.trustScopes.contains(text)
    else { return [] }
    let active = graph.activity(of: target, k)
    var found: [Trusted] = []
    for fact in graph.facts(in: graph.resource(text).assignments) {
      for (interval, value) in graph.stretches(fact, k) {
        let grant = graph.grants[value]
        let held = active.intersection(interval)
        guard grant.scope == text, !held.isEmpty, mayJudge() else { continue }
        let tests = tests(of: text)
        for action in tests.indices {
          for (one, stretches) in tests[action].spread(grant, within: held) {
            found.append(Trusted(one: one, other: target, action: action, fact: fact, stretches: stretches))
          }
        }
      }
    }
    return found
  }

  private mutating func mayJudge() -> Bool {
    judgements += 1
    if judgements > limits.judgements { isWhole = false }
    return judgements <= limits.judgements
  }

  private mutating func tests(of scope: Int32) -> [StretchTrustTest] {
    if let known = tests[scope] { return known }
    let made = Trust.actions.map { StretchTrustTest(graph, k, action: $0, resource: graph.texts[scope]) }
    tests[scope] = made
    return made
  }
}

/// When grants on one identity allow one of the actions there.
private final class StretchTrustTest {
  private let graph: AccessGraph
  private let k: Int64
  private let resource: String
  private let test: (RoleTest, IntervalSet)
  private var restrictions: StretchRestrictions?
  private var gifts: [Int32: [StretchGift]] = [:]

  init(_ graph: AccessGraph, _ k: Int64, action: String, resource: String) {
    self.graph = graph
    self.k = k
    self.resource = resource
    test = (.permits(action: Array(action.utf8), resource: Array(resource.utf8)), IntervalSet(.always))
    restrictions = StretchRestrictions(graph, k, action: action, resource: resource)
  }

  private func gifts(of role: Int32) -> [StretchGift] {
    if let known = gifts[role] { return known }
    let found = graph.gifts(of: role, k, [test])
    gifts[role] = found
    return found
  }

  /// When a grant lets a bearer of it do it, within some instants.
  func stretches(of grant: GrantRecord, for bearer: Int32, within held: IntervalSet) -> CertainStretches {
    let own = graph.conditions(of: grant)
    var found = CertainStretches()
    for gift in gifts(of: grant.role) {
      let given = gift.stretches.intersection(held)
      if given.isEmpty { continue }
      found = found.union(given.under(graph.applies(own + gift.conditions, to: bearer, resource, over: given.all, k)))
    }
    return restrictions?.apply(found, to: bearer) ?? found
  }

  /// Whom a grant lets do it, and the persons behind them, within some instants.
  func spread(_ grant: GrantRecord, within held: IntervalSet) -> [Int32: CertainStretches] {
    let own = graph.conditions(of: grant)
    let starts = gifts(of: grant.role).map {
      StretchStart(principal: grant.principal, stretches: $0.stretches, conditions: own + $0.conditions)
    }
    return graph.spread(starts, within: held, resource: resource, restrictions: &restrictions, k)
  }
}

extension CertainStretches {
  /// One step after another, as certain as the less certain of the two.
  fileprivate func along(_ next: CertainStretches) -> CertainStretches {
    let certain = allowed.intersection(next.allowed)
    let likely = allowed.union(conditional).intersection(next.allowed.union(next.conditional))
    return CertainStretches(
      allowed: certain, conditional: likely.subtracting(certain), unknown: all.intersection(next.all).subtracting(likely))
  }

  /// The instants that are more certain here than there.
  fileprivate func better(than other: CertainStretches) -> CertainStretches {
    CertainStretches(
      allowed: allowed.subtracting(other.allowed),
      conditional: conditional.subtracting(other.allowed).subtracting(other.conditional),
      unknown: unknown.subtracting(other.all))
  }

  /// What stands here of the best of all ways, of which this is one.
  fileprivate func bestOf(_ all: CertainStretches) -> CertainStretches {
    CertainStretches(
      allowed: allowed, conditional: conditional.subtracting(all.allowed),
      unknown: unknown.subtracting(all.allowed).subtracting(all.conditional))
  }
}
