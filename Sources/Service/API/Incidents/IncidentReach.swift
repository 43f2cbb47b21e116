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
  let evidence: IncidentEvidence
  private(set) var found: [IncidentReached] = []
  private(set) var isWhole = true
  private var seen: Set<Entity>
  private let stretch: Interval

  init(evidence: IncidentEvidence) {
    self.evidence = evidence
    seen = Set(evidence.parties.map { .identity($0.identity) })
    stretch = Interval(exactly: evidence.question.during.from, to: evidence.end) ?? evidence.question.during
  }

  mutating func run() throws {
    for party in evidence.parties { try follow(trustsOf: party.identity, within: IntervalSet(stretch), depth: 1) }
    try follow(evidence.events, depth: 1)
    var index = 0
    while index < found.count {
      let reached = found[index]
      index += 1
      // From whom one becomes the walk over trusts has gone on already.
      if case .trust = reached.route { continue }
      try follow(trustsOf: reached.identity, within: reached.when, depth: reached.depth + 1)
      try follow(try evidence.changes(of: reached.identity, during: reached.when), depth: reached.depth + 1)
    }
  }

  /// Whom somebody might become.
  private mutating func follow(trustsOf identity: String, within: IntervalSet, depth: Int) throws {
    guard let from = within.intervals.first?.from, let during = Interval(exactly: from, to: stretch.to) else { return }
    let answer = try evidence.questions.tenant.read { graph in
      graph.becoming(from: identity, during: during, asKnownAt: evidence.view.asKnownAt)
    }
    if !answer.isWhole { isWhole = false }
    for way in answer.ways {
      try add(
        way.target, .trust(way.steps), depth: depth + way.steps.count - 1,
        when: way.allowed.union(way.conditional).union(way.unknown), sure: way.allowed)
    }
  }

  /// Who was given something by events.
  private mutating func follow(_ events: [Event], depth: Int) throws {
    for event in events where !event.change.isMadeUp {
      guard let to = event.change.recipient, let when = Interval(exactly: event.effectiveAt, to: stretch.to) else { continue }
      let (by, text) = (event.authority.actor?.id ?? event.recordedBy.id, event.change.phrase)
      if to.kind == .identity {
        try add(
          to.id, .gift(by: by, position: event.position, text: text), depth: depth, when: IntervalSet(when),
          sure: IntervalSet(when))
        continue
      }
      let members = try evidence.questions.tenant.read { graph in
        graph.world(asKnownAt: evidence.view.asKnownAt).identities(of: to, at: event.effectiveAt).sorted()
      }
      for member in members {
        try add(
          member.id, .member(group: to.id, by: by, position: event.position, text: text), depth: depth,
          when: IntervalSet(when), sure: IntervalSet(when))
      }
    }
  }

  private mutating func add(
    _ identity: String, _ route: IncidentReached.Route, depth: Int, when: IntervalSet, sure: IntervalSet
  ) throws {
    guard !when.isEmpty, seen.insert(.identity(identity)).inserted else { return }
    guard found.count < IncidentReached.most else {
      isWhole = false
      return
    }
    var reached = IncidentReached(
      identity: identity, kind: try evidence.kind(of: identity), route: route, depth: depth, when: when, sure: sure, rights: [],
      rightCount: 0, did: [], uses: 0, refused: 0, changes: try evidence.changes(of: identity, during: when).count)
    try judge(&reached)
    try look(&reached)
    found.append(reached)
  }

  /// What they could do then.
  private func judge(_ reached: inout IncidentReached) throws {
    let isBecome = if case .trust = reached.route { true } else { false }
    guard let first = reached.when.intervals.first?.from else { return }
    let rights = try evidence.questions.tenant.read { graph in
      graph.what(reached.identity, during: .always, asKnownAt: evidence.view.asKnownAt)
    }.filter { right in
      guard right.right.effect == .allow else { return false }
      let held = right.held.union(right.conditional)
      if held.intersection(reached.when).isEmpty { return false }
      // Who was given something had the rest already.
      return isBecome || first == .earliest || !held.contains(first.adding(microseconds: -1))
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

  /// Events of which an identity is the actor within some instants; at most a page, the first.
  fileprivate func changes(of actor: String, during when: IntervalSet) throws -> [Event] {
    guard let first = when.intervals.first else { return [] }
    var filter = LogFilter()
    filter.actor = actor
    filter.effectiveFrom = first.from
    filter.effectiveTo = end
    filter.through = view.asKnownAt
    let events = try questions.tenant.log(filter, limit: Tenant.maximumLogPage).events.map(\.event)
    return try questions.tenant.read { graph in
      let world = graph.world(asKnownAt: view.asKnownAt)
      return events.filter { when.contains($0.effectiveAt) && world.event(at: $0.position)?.isVoided == false }
    }
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
