public import Governance
public import Temporal

/// The `World` of a log at one k, for deciding against the reference: entries gathered from the events, one after another.
public struct NaiveWorld: World {
  /// Up to which position the log is known in it.
  public let position: Int64

  /// The same world as it was known at a position.
  public func known(at position: Int64) -> NaiveWorld { NaiveWorld(events, asKnownAt: min(position, self.position)) }

  private let events: [Event]
  private let voided: Set<Int64>
  private var byFact: [Fact: [Entry]] = [:]
  /// Every fact that was ever written, in the order of its first event, with all values it was given.
  private var written: [(fact: Fact, values: [FactValue], sources: [String])] = []

  /// The world of the events up to k.
  public init(_ events: [Event], asKnownAt k: Int64) {
    self.events = events.filter { $0.position <= k }
    position = self.events.last?.position ?? 0
    var voided: Set<Int64> = []
    var voidings: Set<Int64> = []
    for event in self.events {
      guard case .eventVoided(let position) = event.change else { continue }
      voided.insert(position)
      voidings.insert(event.position)
    }
    // A voiding cannot itself be voided.
    self.voided = voided.subtracting(voidings)
    var places: [Fact: Int] = [:]
    for event in self.events {
      for write in event.writes {
        let place = places[write.fact] ?? written.count
        if places[write.fact] == nil { written.append((write.fact, [], [])) }
        places[write.fact] = place
        if case .begins(let value, _) = write.effect { written[place].values.append(value) }
        written[place].sources.append(event.source)
        if !self.voided.contains(event.position) { byFact[write.fact, default: []].append(event.entry(write.effect)) }
      }
    }
    for fact in byFact.keys { byFact[fact]?.sort { $0.moment < $1.moment } }
  }

  /// The visible entries of a fact in the order of their moments.
  public func entries(of fact: Fact) -> [Entry] { byFact[fact] ?? [] }

  /// Every value that an event ever gave the fact, also one that was voided since.
  public func valuesEver(of fact: Fact) -> [FactValue] {
    events.flatMap(\.writes).compactMap { write in
      guard write.fact == fact, case .begins(let value, _) = write.effect else { return nil }
      return value
    }
  }

  /// The positions of the events that voided an entry of the fact, in order.
  public func voidings(of fact: Fact) -> [Int64] {
    var taken: Set<Int64> = []
    return events.compactMap { event in
      guard case .eventVoided(let position) = event.change, voided.contains(position), taken.insert(position).inserted,
        let target = events.first(where: { $0.position == position }), target.writes.contains(where: { $0.fact == fact })
      else { return nil }
      return event.position
    }
  }

  /// Every fact that ever had this entity as an end, in the order of their first events.
  public func facts(about entity: Entity) -> [Fact] {
    written.filter { fact, values, _ in
      if case .existence = fact { return false }
      return values.contains { fact.ends($0).contains(entity) }
    }.map(\.fact)
  }

  /// Every fact that the source ever wrote, in the order of their first events.
  public func facts(from source: String) -> [Fact] {
    written.filter { $0.sources.contains { $0.isExactly(source) } }.map(\.fact)
  }

  /// The ids of all entities of a kind that were ever written, in the order of their first events.
  public func named(_ kind: EntityKind) -> [String] {
    written.compactMap { fact, _, _ in
      guard case .existence(let entity) = fact, entity.kind == kind else { return nil }
      return entity.id
    }
  }

  /// The ids of the policies that ever had this type, in the order of their first events.
  public func policies(ofType type: PolicyType) -> [String] {
    named(.policy).filter { id in
      events.contains { event in
        guard case .policyDefined(let other, let policy, _) = event.change else { return false }
        return other.isExactly(id) && policy.type == type
      }
    }
  }

  /// The ids of the access requests submitted at or after an instant, in the order of their first events.
  public func requests(since instant: Instant) -> [String] {
    var ids: [String] = []
    for event in events where event.effectiveAt >= instant {
      if case .request(let id, .submitted, _, _) = event.change { ids.append(id) }
    }
    return ids
  }

  /// The ids of those who ever approved an access request.
  public var requestApprovers: [String] {
    Set(approvals.map { Entity.identity($0.approver) }).sorted().map(\.id)
  }

  /// The ids of the access requests that somebody ever approved.
  public func requests(approvedBy approver: String) -> [String] {
    Set(approvals.filter { Entity.identity($0.approver) == .identity(approver) }.map { Entity.request($0.request) })
      .sorted().map(\.id)
  }

  private var approvals: [(approver: String, request: String)] {
    events.flatMap { event -> [(approver: String, request: String)] in
      guard case .request(let id, _, _, let request) = event.change else { return [] }
      return (request?.progress?.approvals ?? []).map { ($0.approver, id) }
    }
  }

  /// The ids of the credentials that were ever issued with this end.
  public func credentials(of end: CredentialEnd) -> [String] {
    var found: Set<Entity> = []
    for event in events {
      if case .credentialIssued(let id, let document, _) = event.change, end.isNamed(by: document) {
        found.insert(.credential(id))
      }
    }
    return found.sorted().map(\.id)
  }

  /// Whether the id was ever granted.
  public func hasUsed(assignment id: String) -> Bool {
    events.contains { event in
      guard case .assignmentGranted(let other, _) = event.change else { return false }
      return other.isExactly(id)
    }
  }

  /// An event by its position.
  public func event(at position: Int64) -> EventSummary? {
    guard let event = events.first(where: { $0.position == position }) else { return nil }
    return EventSummary(
      type: event.change.type, effectiveAt: event.effectiveAt, facts: event.writes.map(\.fact),
      isVoided: voided.contains(position))
  }

  /// Every fact that was ever written.
  public var everyFact: [Fact] { written.map(\.fact) }
}
