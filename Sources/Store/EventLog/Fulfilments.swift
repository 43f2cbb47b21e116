import AccessGraph
public import Governance
public import Temporal

/// Which endings are asked for.
public struct FulfilmentFilter: Hashable, Sendable {
  /// How far they have come.
  public enum Progress: Hashable, Sendable {
    /// Not carried out yet.
    case open
    /// Exactly there.
    case stage(FulfilmentStage)
    case any
  }

  /// How far they have come.
  public var progress: Progress
  /// The end of one assignment only; nil for any.
  public var assignment: String?
  /// Those that ended then or later; nil for all.
  public var since: Instant?

  /// A filter; the default asks for all that has not been carried out.
  public init(_ progress: Progress = .open, assignment: String? = nil, since: Instant? = nil) {
    self.progress = progress
    self.assignment = assignment
    self.since = since
  }

  fileprivate func admits(_ fulfilment: Fulfilment) -> Bool {
    if let since, fulfilment.ending.endedAt < since { return false }
    return switch progress {
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

  /// How far endings of assignments have come by t, as known at k; the oldest first.
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
    if let assignment = filter.assignment {
      let found = try fulfilments(of: [assignment], readings, at: t, asKnownAt: k)
      return FulfilmentPage(fulfilments: found.filter(filter.admits), next: nil)
    }
    var page = FulfilmentPage()
    var place = place ?? EndingPlace(endedAt: filter.since ?? .earliest)
    for _ in 0..<Self.slicesPerPage {
      let (candidates, next) = try endingCandidates(after: place, through: t, limit: slice)
      let found = try fulfilments(of: candidates.map(\.assignment), readings, at: t, asKnownAt: k)
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

  /// How far the endings of some assignments have come by t, by their ids.
  ///
  /// Four round trips for each slice of ``endingsPerSlice``; those that have not ended by t are left out.
  public func fulfilments(ofAll assignments: [String], at t: Instant, asKnownAt k: Int64) throws -> [String: Fulfilment] {
    if assignments.isEmpty { return [:] }
    let sources = try read { $0.world(asKnownAt: k).vouchingSources }
    let readings = try readings(of: sources, at: t, asKnownAt: k)
    var found: [String: Fulfilment] = [:]
    var rest = assignments[...]
    while !rest.isEmpty {
      let slice = Array(rest.prefix(Self.endingsPerSlice))
      rest = rest.dropFirst(slice.count)
      for fulfilment in try fulfilments(of: slice, readings, at: t, asKnownAt: k) {
        found[fulfilment.ending.assignment] = fulfilment
      }
    }
    return found
  }

  /// How far the endings of some assignments have come; those that have not ended by t are left out.
  private func fulfilments(
    of assignments: [String], _ readings: [Reading], at t: Instant, asKnownAt k: Int64
  ) throws -> [Fulfilment] {
    let evidence = try endingEvidence(of: Set(assignments).sorted(), asKnownAt: k)
    var seen: [(fulfilment: Fulfilment, sightings: [Sighting], showings: [Showing])] = []
    try read { graph in
      let world = graph.world(asKnownAt: k)
      let standing = evidence.filter { world.event(at: $0.position)?.isVoided == false && $0.effectiveAt <= t }
      let said = Dictionary(grouping: standing) { $0.change.entity }
      for assignment in assignments {
        guard let ending = world.ending(of: assignment, at: t) else { continue }
        var fulfilment = Fulfilment(ending: ending)
        fulfilment.credentialsAlive = world.aliveCredentials(under: assignment, at: t).map(\.id)
        for event in said[Entity(.assignment, assignment)] ?? [] { fulfilment.note(event) }
        seen.append((fulfilment, world.sightings(of: ending, in: readings), world.showings(of: ending, at: t)))
      }
    }
    let positions = seen.flatMap {
      [$0.fulfilment.ending.position].compactMap { $0 } + $0.sightings.flatMap { $0.gone.map(\.position) }
        + $0.showings.map(\.begun.position)
    }
    let events = Dictionary(uniqueKeysWithValues: try events(at: Set(positions).sorted()).map { ($0.event.position, $0.event) })
    let told = seen.compactMap { $0.fulfilment.recorded?.position ?? $0.fulfilment.ending.position }
    let sent = try deliveries(of: Set(told).sorted(), at: t, asKnownAt: k)
    return seen.map { fulfilment, sightings, showings in
      var fulfilment = fulfilment
      let observed = showings.filter { events[$0.begun.position]?.basis == .observed }
      fulfilment.take(sightings, observed, readings, events)
      fulfilment.sentAt = fulfilment.recorded.flatMap { sent[$0.position] }
      return fulfilment
    }
  }
}

extension Fulfilment {
  fileprivate var place: EndingPlace { EndingPlace(endedAt: ending.endedAt, assignment: ending.assignment) }

  /// Takes in an event that says something of this end; others of the same assignment may be about an end that was moved since.
  fileprivate mutating func note(_ event: Event) {
    switch event.change {
    case .assignmentExpired:
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
          position: later?.position ?? showing.begun.position, shownBy: showing.assignment))
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
      facts(about: .source(source)).contains { if case .coverage = $0 { true } else { false } }
    }
  }
}
