import Conditions
import Governance
public import JSON
import Memory
import Temporal

/// One step of a chain: who becomes whom, by which trust.
public struct BecomingStep: Hashable, Sendable {
  /// Who becomes another.
  public var identity: String
  /// The account of theirs that is trusted; nil where it is they themselves.
  public var account: String?
  /// Whom they become.
  public var becomes: String
  /// One of `Trust.actions`.
  public var action: String
  /// The assignment that says so.
  public var assignment: String
  /// The event that granted it.
  public var position: Int64
  /// What is left of the conditions on it.
  public var conditions: [JSONValue]
  /// Allowed, conditional or unknown.
  public var status: Status
}

/// A way in which an identity becomes another, over as many as it takes.
public struct Becoming: Hashable, Sendable {
  /// Who.
  public var identity: String
  /// Whom at last.
  public var target: String
  /// The steps, in order; never none.
  public var steps: [BecomingStep]
  /// The worst of the steps' and, where an access is asked about, of the target's own.
  public var status: Status
  /// Of an access that is asked about for one identity: the target's shortest path to it.
  public var path: Path?
}

/// The ways by which identities become others, and whether these are all.
public struct BecomingAnswer: Hashable, Sendable {
  /// The best way of each, sorted by who, then by whom.
  public var ways: [Becoming]
  /// Whether no limit was hit.
  public var isWhole: Bool

  /// Nobody becomes anybody.
  public static let nobody = BecomingAnswer(ways: [], isWhole: true)
}

/// What bounds one walk over trusts; an answer that hit one says that it is not whole.
public struct BecomingLimits: Sendable {
  /// Identities that are reached: more than anybody looks through.
  public var identities = 10_000
  /// Steps of one chain: nobody lengthens one this far on purpose.
  public var steps = 32
  /// Trusts that are judged, for each identity they reach: some tenths of a second.
  public var judgements = 200_000

  /// The limits that serve.
  public init() {}
}

/// Who becomes whom: along assignments whose scope is exactly an identity.
///
/// Judged as in survey questions: what depends on the request is conditional; denies and boundaries count for the action on the
/// identity's path, as for any access; coverage is not asked for. Costs nothing while nothing was ever granted on an identity.
extension AccessGraph {
  /// Who comes to what is asked about better by becoming another identity than by itself; the best way of each.
  ///
  /// O(identities trusted + trusts on the way). Over a stretch it is not answered.
  ///
  /// - Parameter holders: the answer to `who` about the same at the same (t, k).
  public func becoming(
    _ subject: WhoSubject, from view: Viewpoint, beside holders: [Holder], limits: BecomingLimits = BecomingLimits()
  ) -> BecomingAnswer {
    if trustScopes.isEmpty { return .nobody }
    func own(_ node: Int32) -> Status? {
      let identity = id(node)
      let index = firstPlace(in: 0..<holders.count) { !holders[$0].identity.precedes(identity) }
      return index < holders.count && holders[index].identity.isExactly(identity) ? holders[index].status : nil
    }
    let starts = trustedNodes.compactMap { node in own(node).map { (node, $0) } }
    var walk = BecomingWalk(self, Sight(view), .backward, limits)
    walk.run(from: starts)
    return walk.answer { node, status in (own(node) ?? .denied).isWorse(than: status) }
  }

  /// Who may become an identity.
  public func becoming(into identity: String, from view: Viewpoint, limits: BecomingLimits = BecomingLimits()) -> BecomingAnswer
  {
    let sight = Sight(view)
    guard !trustScopes.isEmpty, let node = find(.identity(identity)), isActive(node, sight) else { return .nobody }
    var walk = BecomingWalk(self, sight, .backward, limits)
    walk.run(from: [(node, .allowed)])
    return walk.answer { other, _ in other != node }
  }

  /// Whom an identity may become.
  public func becoming(from identity: String, from view: Viewpoint, limits: BecomingLimits = BecomingLimits()) -> BecomingAnswer
  {
    let sight = Sight(view)
    guard !trustScopes.isEmpty, let node = find(.identity(identity)), isActive(node, sight) else { return .nobody }
    var walk = BecomingWalk(self, sight, .forward, limits)
    walk.run(from: [(node, .allowed)])
    return walk.answer { other, _ in other != node }
  }

  /// By becoming whom an identity comes to an action on exactly this resource, whether it also does by itself or not.
  public func becoming(
    _ identity: String, action: String, resource: String, from view: Viewpoint, limits: BecomingLimits = BecomingLimits()
  ) -> BecomingAnswer {
    var answer = becoming(from: identity, from: view, limits: limits)
    let circumstances = Circumstances(graph: self, sight: Sight(view), resource: resource)
    answer.ways = answer.ways.compactMap { way in
      guard let node = find(.identity(way.target)) else { return nil }
      let decision = decision(node, action: action, resource: resource, circumstances)
      if decision.status == .denied { return nil }
      var way = way
      way.status = way.status.worst(with: decision.status)
      way.path = why(way.target, action: action, resource: resource, from: view, limit: 1).paths.first
      return way
    }
    return answer
  }

  /// The identities that anything was ever granted on exactly, whatever it was.
  private var trustedNodes: [Int32] {
    trustScopes.compactMap { Trust.identity(of: texts[$0]).flatMap { find(.identity($0)) } }
  }
}

extension Status {
  fileprivate static let order: [Status] = [.allowed, .conditional, .unknown, .denied]

  fileprivate var rank: Int { Self.order.firstIndex(of: self) ?? Self.order.count }

  func isWorse(than other: Status) -> Bool { rank > other.rank }

  fileprivate func worst(with other: Status) -> Status { isWorse(than: other) ? self : other }
}

/// A walk over trusts from some identities, to each by the best way: of the best the one with the fewest steps.
///
/// Tolerates cycles: an identity is gone on from once, when its best way is known.
private struct BecomingWalk {
  enum Direction { case forward, backward }

  /// A trust between two identities, judged.
  struct Trusted {
    /// Who.
    let one: Int32
    /// The account of theirs, or they themselves.
    let bearer: Int32
    /// Whom.
    let other: Int32
    let action: Int
    /// The entry of the grant.
    let entry: Int32
    let status: Status
  }

  private struct Reached {
    let node: Int32
    let status: Status
    /// The trust by which it was reached; nil where the walk began.
    let by: Trusted?
  }

  private let graph: AccessGraph
  private let sight: Sight
  private let direction: Direction
  private let limits: BecomingLimits
  private var best: [Int32: Reached] = [:]
  private var tests: [Int32: [TrustTest]] = [:]
  private var judgements = 0
  private var isWhole = true

  init(_ graph: AccessGraph, _ sight: Sight, _ direction: Direction, _ limits: BecomingLimits) {
    self.graph = graph
    self.sight = sight
    self.direction = direction
    self.limits = limits
  }

  mutating func run(from starts: [(node: Int32, status: Status)]) {
    // By the worst status on the way, then by the number of steps: what is taken first is the best.
    var open = [[[Reached]]](repeating: [], count: Status.order.count)
    func put(_ reached: Reached, _ depth: Int) {
      let rank = reached.status.rank
      while open[rank].count <= depth { open[rank].append([]) }
      open[rank][depth].append(reached)
    }
    for start in starts { put(Reached(node: start.node, status: start.status, by: nil), 0) }
    for rank in open.indices {
      var depth = 0
      while depth < open[rank].count {
        for reached in open[rank][depth] where best[reached.node] == nil {
          guard best.count < limits.identities else {
            isWhole = false
            return
          }
          best[reached.node] = reached
          if depth >= limits.steps {
            isWhole = false
            continue
          }
          for trusted in trusts(of: reached.node) {
            let far = direction == .forward ? trusted.other : trusted.one
            if best[far] != nil { continue }
            put(Reached(node: far, status: reached.status.worst(with: trusted.status), by: trusted), depth + 1)
          }
        }
        depth += 1
      }
    }
  }

  /// The ways found, of those that are asked for.
  mutating func answer(_ isAskedFor: (_ node: Int32, Status) -> Bool) -> BecomingAnswer {
    var ways: [Becoming] = []
    for reached in best.values where reached.by != nil && isAskedFor(reached.node, reached.status) {
      var steps: [BecomingStep] = []
      var here = reached
      while let trusted = here.by, let next = best[direction == .forward ? trusted.one : trusted.other] {
        steps.append(step(trusted))
        here = next
      }
      let (near, far) = (graph.id(here.node), graph.id(reached.node))
      let isForward = direction == .forward
      ways.append(
        Becoming(
          identity: isForward ? near : far, target: isForward ? far : near, steps: isForward ? steps.reversed() : steps,
          status: reached.status))
    }
    ways.sort { a, b in
      a.identity.isExactly(b.identity) ? a.target.precedes(b.target) : a.identity.precedes(b.identity)
    }
    return BecomingAnswer(ways: ways, isWhole: isWhole)
  }

  private mutating func step(_ trusted: Trusted) -> BecomingStep {
    let entry = graph.entries[trusted.entry]
    let grant = graph.grants[entry.value]
    let conditions = tests(of: grant.scope)[trusted.action].conditions(of: grant, for: trusted.bearer)
    return BecomingStep(
      identity: graph.id(trusted.one), account: trusted.bearer == trusted.one ? nil : graph.id(trusted.bearer),
      becomes: graph.id(trusted.other), action: Trust.actions[trusted.action],
      assignment: graph.texts[graph.facts[entry.fact].key.a], position: entry.position, conditions: conditions,
      status: trusted.status)
  }
}

/// Trusts of one identity.
extension BecomingWalk {
  /// The best trust to each identity next to this one, in an order that does not depend on the storage.
  private mutating func trusts(of node: Int32) -> [Trusted] {
    var found: [Int32: Trusted] = [:]
    let candidates = direction == .forward ? trusts(heldBy: node) : trusts(in: node)
    for trusted in candidates where trusted.one != trusted.other {
      let far = direction == .forward ? trusted.other : trusted.one
      if let known = found[far], !precedes(trusted, known) { continue }
      found[far] = trusted
    }
    return found.values.sorted(by: precedes)
  }

  private func precedes(_ a: Trusted, _ b: Trusted) -> Bool {
    if a.status != b.status { return b.status.isWorse(than: a.status) }
    for (x, y) in [(a.other, b.other), (a.one, b.one), (a.bearer, b.bearer)] where x != y { return graph.precedes(x, y) }
    if a.action != b.action { return a.action < b.action }
    return graph.entries[a.entry].position < graph.entries[b.entry].position
  }

  /// Whom the grants of an identity, its groups and its accounts let it become.
  private mutating func trusts(heldBy identity: Int32) -> [Trusted] {
    var found: [Trusted] = []
    var bearers = [identity]
    graph.forEachAccount(of: identity, sight) { account, _ in bearers.append(account) }
    for bearer in bearers {
      var grants: [(edge: Edge, grant: GrantRecord)] = []
      for principal in graph.ancestry(of: [bearer], withBuiltInsOf: bearer, sight) {
        graph.forEachGrant(of: principal, sight) { grant, edge in
          if graph.trustScopes.contains(grant.scope) { grants.append((edge, grant)) }
        }
      }
      for (edge, grant) in grants {
        guard let target = Trust.identity(of: graph.texts[grant.scope]).flatMap({ graph.find(.identity($0)) }),
          graph.isActive(target, sight)
        else { continue }
        judge(edge, grant, bearer) { action, status in
          found.append(
            Trusted(one: identity, bearer: bearer, other: target, action: action, entry: edge.entry, status: status))
        }
      }
    }
    return found
  }

  /// Whom the grants on an identity let become it.
  private mutating func trusts(in target: Int32) -> [Trusted] {
    guard graph.isActive(target, sight), let scope = try? Trust.scope(of: graph.id(target)),
      let text = graph.texts.find(scope), graph.trustScopes.contains(text)
    else { return [] }
    var grants: [(edge: Edge, grant: GrantRecord)] = []
    graph.forEachLive(graph.resource(text).assignments, sight) { edge in
      let grant = graph.grants[edge.other]
      guard graph.existed(grant.principal, since: edge, sight), graph.existed(grant.role, since: edge, sight) else { return }
      grants.append((edge, grant))
    }
    var found: [Trusted] = []
    for (edge, grant) in grants {
      var spread = Spread(graph, sight, isOfBearers: true)
      spread.reach(grant.principal, .allowed)
      for bearer in spread.identities {
        let persons = [bearer] + graph.activePersons(of: bearer, sight)
        judge(edge, grant, bearer) { action, status in
          for person in persons {
            found.append(
              Trusted(one: person, bearer: bearer, other: target, action: action, entry: edge.entry, status: status))
          }
        }
      }
    }
    return found
  }

  /// Calls back with each action that a grant on an identity allows a bearer there.
  private mutating func judge(_ edge: Edge, _ grant: GrantRecord, _ bearer: Int32, _ body: (Int, Status) -> Void) {
    judgements += 1
    guard judgements <= limits.judgements else {
      isWhole = false
      return
    }
    for (action, test) in tests(of: grant.scope).enumerated() {
      let status = test.status(of: grant, for: bearer)
      if status != .denied { body(action, status) }
    }
  }

  private mutating func tests(of scope: Int32) -> [TrustTest] {
    if let known = tests[scope] { return known }
    let made = Trust.actions.map { TrustTest(graph, sight, action: $0, resource: graph.texts[scope]) }
    tests[scope] = made
    return made
  }
}

/// Whether grants on one identity allow one of the actions there.
private final class TrustTest {
  private let circumstances: Circumstances
  private let restrictions: Restrictions?
  private var closure: RoleClosure

  init(_ graph: AccessGraph, _ sight: Sight, action: String, resource: String) {
    circumstances = Circumstances(graph: graph, sight: sight, resource: resource)
    restrictions = Restrictions(circumstances, action: action, resource: resource)
    closure = RoleClosure(graph, sight, .permits(action: Array(action.utf8), resource: Array(resource.utf8)))
  }

  func status(of grant: GrantRecord, for bearer: Int32) -> Status {
    var certainty: Certainty = []
    let own = circumstances.graph.conditions(of: grant)
    for gift in closure.gifts(of: grant.role) {
      certainty.formUnion(gift.certainty.under(circumstances.applies(own + gift.conditions, to: bearer, failing: .no)))
    }
    if certainty.isEmpty { return .denied }
    return (restrictions?.apply(certainty, to: bearer) ?? certainty).verdict.status
  }

  /// What is left of the conditions, by the permission that leaves the fewest.
  func conditions(of grant: GrantRecord, for bearer: Int32) -> [JSONValue] {
    let own = circumstances.graph.conditions(of: grant)
    let left = closure.gifts(of: grant.role).compactMap { circumstances.residual(of: own + $0.conditions, for: bearer) }
    return left.min { $0.count < $1.count } ?? []
  }
}

extension AccessGraph {
  /// The active persons whose account an identity is.
  fileprivate func activePersons(of account: Int32, _ sight: Sight) -> [Int32] {
    let links = nodes[account].links
    if links == none { return [] }
    return live(links, sight).compactMap { link in
      let isHeld = existed(account, since: link, sight) && existed(link.other, since: link, sight)
      return link.other != account && isHeld && isActive(link.other, sight) ? link.other : nil
    }
  }
}
