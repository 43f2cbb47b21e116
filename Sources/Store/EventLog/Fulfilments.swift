import AccessGraph
public import Governance
public import Temporal

/// Which endings are asked for.
public struct FulfilmentFilter: Hashable, Sendable {
  /// How far they have come.
  public enum Stages: Hashable, Sendable {
    /// Not carried out yet.
    case open
    /// Exactly there.
    case stage(FulfilmentStage)
    case any
  }

  /// How far they have come.
  public var stages: Stages
  /// The end of one grant only; nil for any.
  public var item: GrantName?
  /// Those that ended then or later; nil for all.
  public var since: Instant?

  /// A filter; the default asks for all that has not been carried out.
  public init(_ stages: Stages = .open, item: GrantName? = nil, since: Instant? = nil) {
    self.stages = stages
    self.item = item
    self.since = since
  }

  fileprivate func admits(_ fulfilment: Fulfilment) -> Bool {
    if let since, fulfilment.ending.endedAt < since { return false }
    return switch stages {
    case .open: !fulfilment.isExecuted
    case .stage(let stage): fulfilment.stage == stage
    case .any: true
    }
  }
}

/// A page of endings.
public struct FulfilmentPage: Hashable, Sendable {
  /// The endings, the oldest first.
  public var fulfilments: [Fulfilment] = []
  /// The place to go on after; nil at the end.
  ///
  /// There may be one though the page is empty: so many endings were looked at.
  public var next: EndingPlace?
}

extension Tenant {
  /// Slices that are looked at for one page, so that one in which few endings are admitted has a bound too.
  public static let slicesPerPage = 16
  /// Endings that are looked at together: some milliseconds of the graph's time.
  public static let endingsPerSlice = 512

  /// How far endings of grants have come by t, as known at k; the oldest first.
  ///
  /// Four round trips for each slice of ``endingsPerSlice`` endings looked at, at most ``slicesPerPage`` of them for a page.
  ///
  /// - Parameters:
  ///   - place: the place to begin after. The default is the beginning.
  ///   - limit: how many at the most.
  ///   - slice: endings that are looked at together. The default is ``endingsPerSlice``.
  public func fulfilments(
    _ filter: FulfilmentFilter, at t: Instant, asKnownAt k: Int64, after place: EndingPlace? = nil, limit: Int,
    slice: Int = endingsPerSlice
  ) throws -> FulfilmentPage {
    let sources = try read { $0.world(asKnownAt: k).vouchingSources }
    let readings = try readings(of: sources, at: t, asKnownAt: k)
    if let item = filter.item {
      let found = try fulfilments(of: [item], readings, at: t, asKnownAt: k)
      return FulfilmentPage(fulfilments: found.filter(filter.admits), next: nil)
    }
    var page = FulfilmentPage()
    var place = place ?? EndingPlace(endedAt: filter.since ?? .earliest)
    for _ in 0..<Self.slicesPerPage {
      let (candidates, next) = try endingCandidates(after: place, through: t, limit: slice)
      let found = try fulfilments(of: candidates.compactMap(\.item), readings, at: t, asKnownAt: k)
      let byPlace = Dictionary(found.map { ($0.place, $0) }) { first, _ in first }
      for candidate in candidates {
        if page.fulfilments.count == limit {
          page.next = place
          return page
        }
        place = candidate
        if let fulfilment = byPlace[candidate], filter.admits(fulfilment) { page.fulfilments.append(fulfilment) }
      }
      guard let next else { return page }
      place = next
    }
    page.next = place
    return page
  }

  /// How far the endings of some grants have come by t.
  ///
  /// Four round trips for each slice of ``endingsPerSlice``; those that have not ended by t are left out.
  public func fulfilments(ofAll items: [GrantName], at t: Instant, asKnownAt k: Int64) throws -> [GrantName: Fulfilment] {
    if items.isEmpty { return [:] }
    let sources = try read { $0.world(asKnownAt: k).vouchingSources }
    let readings = try readings(of: sources, at: t, asKnownAt: k)
    var found: [GrantName: Fulfilment] = [:]
    var rest = items[...]
    while !rest.isEmpty {
      let slice = Array(rest.prefix(Self.endingsPerSlice))
      rest = rest.dropFirst(slice.count)
      for fulfilment in try fulfilments(of: slice, readings, at: t, asKnownAt: k) {
        found[fulfilment.ending.item] = fulfilment
      }
    }
    return found
  }

  /// What the graph knows of an ending.
  private struct Seen {
    var fulfilment: Fulfilment
    var sightings: [Sighting]
    var showings: [Showing]
    /// The stretches in which a membership is there again.
    var again: [Span]
  }

  /// How far the endings of some grants have come; those that have not ended by t are left out, and memberships that have come back.
  private func fulfilments(
    of items: [GrantName], _ readings: [Reading], at t: Instant, asKnownAt k: Int64
  ) throws -> [Fulfilment] {
    var seen = try read { graph in
      let world = graph.world(asKnownAt: k)
      return Set(items).compactMap { Self.seen($0, in: world, readings, at: t) }
    }
    let evidence = try endingEvidence(of: seen.map(\.fulfilment.ending), asKnownAt: k)
    let said = try read { graph in
      let world = graph.world(asKnownAt: k)
      let standing = evidence.filter { world.event(at: $0.position)?.isVoided == false && $0.effectiveAt <= t }
      return Dictionary(grouping: standing) { $0.change.ended }
    }
    for index in seen.indices {
      for event in said[seen[index].fulfilment.ending.item] ?? [] { seen[index].fulfilment.note(event) }
    }
    let positions = seen.flatMap {
      [$0.fulfilment.ending.position].compactMap { $0 } + $0.again.map(\.begun.position)
        + $0.sightings.flatMap { $0.gone.map(\.position) } + $0.showings.map(\.begun.position)
    }
    let events = Dictionary(
      uniqueKeysWithValues: try events(at: Set(positions).sorted()).map { ($0.event.position, $0.event) })
    var absences = Absences(tenant: self, asKnownAt: k)
    seen = try seen.filter { try !absences.hasComeBack($0.fulfilment.ending, in: $0.again, events) }
    let told = seen.compactMap { $0.fulfilment.recorded?.position ?? $0.fulfilment.ending.position }
    let sent = try deliveries(of: Set(told).sorted(), at: t, asKnownAt: k)
    return seen.map { one in
      var fulfilment = one.fulfilment
      let observed = one.showings.filter { events[$0.begun.position]?.basis == .observed }
      fulfilment.take(one.sightings, observed, readings, events)
      fulfilment.sentAt = fulfilment.recorded.flatMap { sent[$0.position] }
      return fulfilment
    }
  }

  private static func seen(_ item: GrantName, in world: GraphWorld, _ readings: [Reading], at t: Instant) -> Seen? {
    let returned = world.endingBeforeReturn(of: item, at: t)
    guard let ending = returned?.ending ?? world.ending(of: item, at: t) else { return nil }
    var fulfilment = Fulfilment(ending: ending)
    if case .assignment(let id) = item { fulfilment.credentialsAlive = world.aliveCredentials(under: id, at: t).map(\.id) }
    return Seen(
      fulfilment: fulfilment, sightings: world.sightings(of: ending, in: readings),
      showings: world.showings(of: ending, at: t), again: returned?.again ?? [])
  }
}

/// Whether memberships that are there again had been gone in between; each reading that it takes is looked up once.
private struct Absences {
  let tenant: Tenant
  let asKnownAt: Int64
  private var readings: [Reading.Before: Reading?] = [:]

  init(tenant: Tenant, asKnownAt: Int64) {
    self.tenant = tenant
    self.asKnownAt = asKnownAt
  }

  /// Whether a membership came back after its end, rather than never having been gone.
  ///
  /// It came back where somebody declared it anew, where whoever shows it had itself seen it gone, and where a reading of that source
  /// did not show it in between.
  mutating func hasComeBack(_ ending: GrantEnding, in again: [Span], _ events: [Int64: Event]) throws -> Bool {
    guard let first = again.first, let begun = events[first.begun.position] else { return false }
    if again.contains(where: { events[$0.begun.position]?.basis != .observed }) { return true }
    if let end = ending.position.flatMap({ events[$0] }), end.basis == .observed, end.source.isExactly(begun.source) {
      return true
    }
    let key = Reading.Before(source: .source(begun.source), instant: first.from)
    let before: Reading?
    if let known = readings[key] {
      before = known
    } else {
      let found = try tenant.readings(
        of: [begun.source], at: first.from.adding(microseconds: -1), asKnownAt: asKnownAt)
      before = found.first
      readings[key] = .some(before)
    }
    guard let before else { return false }
    return try tenant.read { $0.world(asKnownAt: asKnownAt).vouches(before, for: ending) }
  }
}

extension Reading {
  /// The newest reading of a source before an instant.
  fileprivate struct Before: Hashable {
    let source: Entity
    let instant: Instant
  }
}

extension Change {
  /// The grant whose end the event says something of.
  fileprivate var ended: GrantName? {
    switch self {
    case .assignmentExpired(let id): .assignment(id)
    case .membershipExpired(let group, let member): .membership(group: group, member: member)
    case .fulfilmentConfirmed(let item, _): item
    default: nil
    }
  }
}

extension Fulfilment {
  fileprivate var place: EndingPlace { EndingPlace(endedAt: ending.endedAt, item: ending.item) }

  /// Takes in an event that says something of this end; others of the same grant may be about one that was moved since, or another.
  fileprivate mutating func note(_ event: Event) {
    switch event.change {
    case .assignmentExpired, .membershipExpired:
      if ending.position == nil, recorded == nil, event.effectiveAt == ending.endedAt { recorded = FulfilmentStep(event) }
    case .fulfilmentConfirmed(_, let confirmation) where confirmation.endedAt == ending.endedAt:
      let said = RecordedConfirmation(confirmation: confirmation, step: FulfilmentStep(event))
      acknowledged = acknowledged ?? said
      if confirmation.claim == .observedAbsent { vouchedAbsent = vouchedAbsent ?? said }
    default: return
    }
  }

  /// Takes in the event that ended it, and what sources show since.
  fileprivate mutating func take(
    _ sightings: [Sighting], _ showings: [Showing], _ readings: [Reading], _ events: [Int64: Event]
  ) {
    var absent: [Observed] = []
    var present: [Observed] = []
    if let event = ending.position.flatMap({ events[$0] }) {
      recorded = FulfilmentStep(event)
      isEnforced = event.basis == .enforced
      // The source that gave it has seen it gone itself.
      if event.basis == .observed, event.source.isExactly(ending.source) {
        absent.append(Observed(source: event.source, at: event.effectiveAt, position: event.position))
      }
    }
    for sighting in sightings {
      let reading = sighting.reading
      if sighting.shownBy == nil {
        absent.append(Observed(source: reading.source, at: reading.at, position: reading.position))
      } else if let gone = sighting.gone.first(where: { events[$0.position]?.basis == .observed }) {
        absent.append(Observed(source: reading.source, at: gone.effective, position: gone.position))
      } else {
        present.append(
          Observed(source: reading.source, at: reading.at, position: reading.position, shownBy: sighting.shownBy))
      }
    }
    // What is shown is not absent, whoever else does not show it; present it is by a word of its source since the end.
    if !showings.isEmpty { absent = [] }
    for showing in showings {
      let later = readings.first { $0.source.isExactly(showing.source) && $0.at > ending.endedAt }
      guard later != nil || showing.begun.effective > ending.endedAt else { continue }
      present.append(
        Observed(
          source: showing.source, at: max(later?.at ?? .earliest, showing.begun.effective),
          position: later?.position ?? showing.begun.position, shownBy: showing.shownBy))
    }
    observed = present.max { $0.at < $1.at } ?? absent.min { $0.at < $1.at }
  }
}

extension FulfilmentStep {
  fileprivate init(_ event: Event) {
    self.init(position: event.position, at: event.effectiveAt, recordedAt: event.recordedAt)
  }
}

extension World {
  /// The sources that have ever vouched for anything: only their readings say what is not there.
  fileprivate var vouchingSources: [String] {
    named(.source).filter { source in
      // As known here: what was said of a source later is not known.
      facts(about: .source(source)).contains { fact in
        guard case .coverage = fact else { return false }
        return !entries(of: fact).isEmpty
      }
    }
  }
}
