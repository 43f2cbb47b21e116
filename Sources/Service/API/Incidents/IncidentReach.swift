public import AccessGraph
import EventLog
public import Governance
public import Temporal
import Usage

/// Somebody whom an incident could reach without being a party to it: by becoming them, or by what they were given.
public struct IncidentReached: Hashable, Sendable {
  /// How somebody comes to be reached.
  public enum Route: Hashable, Sendable {
    /// A party, or somebody reached, might become them, by these steps.
    case trust([StretchBecomingStep])
    /// They were given something by this event.
    case gift(by: String, position: Int64, text: String)
    /// They were in a group that was given something by this event.
    case member(group: String, by: String, position: Int64, text: String)
  }

  /// Rights that are listed of one: more than a person reads; how many there are is said.
  public static let mostRights = 50
  /// Uses that are looked at of one, the newest.
  public static let mostUses = 1_000
  /// Identities that are reached at most, one after the other.
  public static let most = 200

  /// Who.
  public var identity: String
  /// What it is; nil where it was never registered.
  public var kind: IdentityKind?
  /// How it comes to be reached.
  public var route: Route
  /// How many steps it is away from a party.
  public var depth: Int
  /// When it was reached, within the stretch; from a gift on to the end of the stretch.
  public var when: IntervalSet
  /// The part of that for which it is sure: what depends on a request, on the clock or on what is not known is not in it.
  public var sure: IntervalSet
  /// What it could do then: whom one becomes everything, who was given something what came with it; not more than ``mostRights``.
  public var rights: [Right]
  /// How many rights there are.
  public var rightCount: Int
  /// What it did then, by the action, most often used first.
  public var did: [IncidentLine.Act]
  /// How many uses that were, and how many of them were refused; at most ``mostUses`` are looked at.
  public var uses: Int, refused: Int
  /// How many events it is the actor of then.
  public var changes: Int
}

extension IncidentReached.Route {
  /// In words.
  public var text: String {
    switch self {
    case .trust(let steps):
      (steps.first?.identity ?? "") + steps.map { " becomes \($0.becomes) (\($0.action) by \($0.assignment))" }.joined()
    case .gift(let by, let position, let text): "\(by) \(text), event \(position)"
    case .member(let group, let by, let position, let text): "in group \(group): \(by) \(text), event \(position)"
    }
  }
}

extension IncidentEvidence {
  /// Whom the parties could reach besides themselves, and what those could do and did: along trusts, and along what was given on.
  ///
  /// Whom a party could become is looked at over the stretch, transitively; who was given something from then on, with what they gave
  /// on, and whom they could become. What those do whom one could only become is told, and not followed: it is their own business
  /// until somebody is seen to act as them, who then is a party.
  ///
  /// Some round trips for each that is reached.
  ///
  /// - Returns: the reached, nearest first, and whether no limit was hit.
  func reach() throws -> (reached: [IncidentReached], isWhole: Bool) {
    var search = ReachSearch(evidence: self)
    try search.run()
    return (search.found, search.isWhole)
  }
}

/// The walk from parties to those whom they reach.
private struct ReachSearch {
  /// How somebody came to be reached, by each of the two ways.
  private struct Ways {
    /// When they could be become, and the part for which that is sure.
    var become = IntervalSet(), sure = IntervalSet()
    /// From when on they had something that was given.
    var givenFrom: Instant?
  }

  let evidence: IncidentEvidence
  private(set) var found: [IncidentReached] = []
  private(set) var isWhole = true
  private let parties: Set<Entity>
  private let stretch: Interval
  /// The ways by which those found were reached, in the same order, and where each of them stands.
  private var ways: [Ways] = []
  private var places: [Entity: Int] = [:]
  /// Those of whom is still to be looked at what they gave on, and whom they could become.
  private var open: [(identity: String, when: Interval, depth: Int)] = []

  init(evidence: IncidentEvidence) {
    self.evidence = evidence
    parties = Set(evidence.parties.map { .identity($0.identity) })
    stretch = Interval(exactly: evidence.question.during.from, to: evidence.end) ?? evidence.question.during
  }

  mutating func run() throws {
    for party in evidence.parties { try follow(trustsOf: party.identity, within: stretch, depth: 1) }
    try follow(evidence.events, depth: 1)
    var index = 0
    while index < open.count {
      let next = open[index]
      index += 1
      try follow(trustsOf: next.identity, within: next.when, depth: next.depth + 1)
      let (events, isWhole) = try evidence.changes(of: next.identity, during: IntervalSet(next.when))
      if !isWhole { self.isWhole = false }
      try follow(events, depth: next.depth + 1)
    }
    // Only now is it known by which ways, and when, each of them was reached.
    for place in found.indices { try describe(place) }
  }

  /// Whom somebody might become.
  private mutating func follow(trustsOf identity: String, within during: Interval, depth: Int) throws {
    let answer = try evidence.questions.tenant.read { graph in
      graph.becoming(from: identity, during: during, asKnownAt: evidence.view.asKnownAt)
    }
    if !answer.isWhole { isWhole = false }
    for way in answer.ways {
      let when = way.allowed.union(way.conditional).union(way.unknown)
      guard !when.isEmpty, let place = place(of: way.target, .trust(way.steps), depth: depth + way.steps.count - 1) else {
        continue
      }
      ways[place].become = ways[place].become.union(when)
      ways[place].sure = ways[place].sure.union(way.allowed)
    }
  }

  /// Who was given something by events.
  private mutating func follow(_ events: [Event], depth: Int) throws {
    for event in events where !event.change.isMadeUp {
      let from = max(event.effectiveAt, stretch.from)
      guard let to = event.change.recipient, let when = Interval(exactly: from, to: stretch.to) else { continue }
      let (by, text) = (event.authority.actor?.id ?? event.recordedBy.id, event.change.phrase)
      if to.kind == .identity {
        give(to.id, .gift(by: by, position: event.position, text: text), depth: depth, when)
        continue
      }
      let members = try evidence.questions.tenant.read { graph in
        graph.world(asKnownAt: evidence.view.asKnownAt).identities(of: to, at: from).sorted()
      }
      for member in members {
        give(member.id, .member(group: to.id, by: by, position: event.position, text: text), depth: depth, when)
      }
    }
  }

  /// Notes that somebody had something given from a moment on, and that it is to be looked at what they did with it.
  ///
  /// Also of whom one could only become so far, and of whom a longer way shows that they had it earlier.
  private mutating func give(_ identity: String, _ route: IncidentReached.Route, depth: Int, _ when: Interval) {
    guard let place = place(of: identity, route, depth: depth) else { return }
    let before = ways[place].givenFrom
    guard before.map({ when.from < $0 }) ?? true, let rest = Interval(exactly: when.from, to: before ?? when.to) else { return }
    ways[place].givenFrom = when.from
    open.append((identity, rest, depth))
  }

  /// The place of somebody among those found, who is added where he was not found before; nil for parties, and beyond the limit.
  private mutating func place(of identity: String, _ route: IncidentReached.Route, depth: Int) -> Int? {
    let entity = Entity.identity(identity)
    if parties.contains(entity) { return nil }
    if let place = places[entity] { return place }
    guard found.count < IncidentReached.most else {
      isWhole = false
      return nil
    }
    places[entity] = found.count
    ways.append(Ways())
    found.append(
      IncidentReached(
        identity: identity, kind: nil, route: route, depth: depth, when: IntervalSet(), sure: IntervalSet(), rights: [],
        rightCount: 0, did: [], uses: 0, refused: 0, changes: 0))
    return found.count - 1
  }

  /// Says what somebody could do and did.
  private mutating func describe(_ place: Int) throws {
    let way = ways[place]
    let given = way.givenFrom.flatMap { Interval(exactly: $0, to: stretch.to) }.map { IntervalSet($0) } ?? IntervalSet()
    found[place].when = way.become.union(given)
    found[place].sure = way.sure.union(given)
    found[place].kind = try evidence.kind(of: found[place].identity)
    let (changes, isWhole) = try evidence.changes(of: found[place].identity, during: found[place].when)
    found[place].changes = changes.count
    if !isWhole { self.isWhole = false }
    try judge(&found[place], way, given)
    try look(&found[place])
  }

  /// What they could do then.
  private func judge(_ reached: inout IncidentReached, _ way: Ways, _ given: IntervalSet) throws {
    let rights = try evidence.questions.tenant.read { graph in
      graph.what(reached.identity, during: .always, asKnownAt: evidence.view.asKnownAt)
    }.filter { right in
      guard right.right.effect == .allow else { return false }
      let held = right.held.union(right.conditional)
      if !held.intersection(way.become).isEmpty { return true }
      // Who was given something had the rest already.
      guard let from = way.givenFrom, !held.intersection(given).isEmpty else { return false }
      return from == .earliest || !held.contains(from.adding(microseconds: -1))
    }
    reached.rightCount = rights.count
    reached.rights = rights.prefix(IncidentReached.mostRights).map(\.right)
  }

  /// What they did then.
  private func look(_ reached: inout IncidentReached) throws {
    guard let first = reached.when.intervals.first?.from else { return }
    let filter = UsageFilter(identity: reached.identity, from: first, to: stretch.to)
    let uses = try UsageStore(evidence.questions.tenant).rows(filter, limit: IncidentReached.mostUses).map(\.record)
      .filter { reached.when.contains($0.at) }
    reached.uses = uses.count
    reached.refused = uses.count { $0.outcome == .denied }
    var counts: [Entity: Int] = [:]
    for use in uses { counts[Entity(.resource, use.action), default: 0] += 1 }
    reached.did = counts.sorted { a, b in a.value != b.value ? a.value > b.value : a.key < b.key }.map {
      IncidentLine.Act(name: $0.key.id, count: $0.value)
    }
  }
}

extension IncidentEvidence {
  /// Where the stretch ends, or now.
  fileprivate var end: Instant { question.during.to ?? view.at }

  /// Events of which an identity is the actor within some instants, at most a page, the first; and whether those are all.
  fileprivate func changes(of actor: String, during when: IntervalSet) throws -> (events: [Event], isWhole: Bool) {
    guard let first = when.intervals.first else { return ([], true) }
    var filter = LogFilter()
    filter.actor = actor
    filter.effectiveFrom = first.from
    filter.effectiveTo = end
    filter.through = view.asKnownAt
    let page = try questions.tenant.log(filter, limit: Tenant.maximumLogPage)
    let standing = try questions.tenant.read { graph in
      let world = graph.world(asKnownAt: view.asKnownAt)
      return page.events.map(\.event).filter {
        when.contains($0.effectiveAt) && world.event(at: $0.position)?.isVoided == false
      }
    }
    return (standing, page.next == nil)
  }
}

extension Change {
  /// Who is given something by it: access, membership, or a credential to act by.
  fileprivate var recipient: Entity? {
    switch self {
    case .assignmentGranted(_, let grant): grant.principal
    case .membershipAdded(_, let member, _): member
    case .credentialIssued(_, let document, _): document.holder.map { .identity($0) } ?? .identity(document.identity)
    default: nil
    }
  }
}
