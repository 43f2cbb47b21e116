import Governance
import Temporal

/// The world at the head with what is planned and not yet recorded on top of it.
struct PlannedWorld<Base: World> {
  let base: Base
  private var planned = Planned()

  init(_ base: Base) { self.base = base }

  /// What is planned: entries by fact, and the facts about each entity.
  private struct Planned {
    var entries: [Fact: [Entry]] = [:]
    var facts: [Entity: [Fact]] = [:]
    /// Behind every position of the log, in the order of planning.
    var next = Self.firstPosition

    static var firstPosition: Int64 { 1 << 60 }
  }

  /// Positions of the log that are planned to be voided.
  private var voided: Set<Int64> = []

  /// Plans to void an event of the log; false where that is planned already.
  mutating func void(_ position: Int64) -> Bool { voided.insert(position).inserted }

  /// Whether a position is of what is only planned.
  static func isPlanned(_ position: Int64) -> Bool { position > Planned.firstPosition }

  /// The entries of a fact, ordered by moment.
  func entries(of fact: Fact) -> [Entry] {
    var base = base.entries(of: fact)
    if !voided.isEmpty { base.removeAll { voided.contains($0.moment.position) } }
    guard let more = planned.entries[fact] else { return base }
    // Most is planned in the order of time, behind all that is there.
    let sorted = more.sorted { $0.moment < $1.moment }
    if let last = base.last, let first = sorted.first, first.moment < last.moment {
      return (base + sorted).sorted { $0.moment < $1.moment }
    }
    return base + sorted
  }

  /// The facts that ever had the entity as an end, each once.
  func facts(about entity: Entity) -> [Fact] {
    let base = base.facts(about: entity)
    guard let more = planned.facts[entity] else { return base }
    let known = Set(base)
    return base + more.filter { !known.contains($0) }
  }

  /// Whether the entity exists at t, after everything of that instant.
  func exists(_ entity: Entity, at t: Instant) -> Bool {
    Existence.stretches(of: entries(of: .existence(entity))).contains { $0.contains(t) }
  }

  /// The value of a fact at t by its own entries.
  func value(of fact: Fact, at t: Instant) -> FactValue? {
    Span.spans(of: entries(of: fact)).first { $0.contains(t) }?.value
  }

  /// Whether a fact holds at t: by its own entries, and its ends existing without a break since it began.
  func holds(_ fact: Fact, at t: Instant) -> Bool {
    guard let span = Span.spans(of: entries(of: fact)).first(where: { $0.contains(t) }) else { return false }
    return fact.ends(span.value).allSatisfy { end in
      Existence.stretches(of: entries(of: .existence(end))).contains { $0.contains(span.begun) && $0.contains(t) }
    }
  }

  /// Takes in what a command will write.
  mutating func apply(_ change: Change, at t: Instant, source: String) {
    planned.next += 1
    for write in change.writes(effectiveAt: t) {
      let entry = Entry(moment: Moment(t, planned.next), effect: write.effect, source: source)
      planned.entries[write.fact, default: []].append(entry)
      guard case .begins(let value, _) = write.effect else { continue }
      for end in write.fact.ends(value) { planned.facts[end, default: []].append(write.fact) }
    }
  }

  /// The credentials that are only planned and act as an identity.
  func plannedCredentials(of identity: String) -> [String] {
    planned.entries.compactMap { fact, entries in
      guard case .existence(let entity) = fact, entity.kind == .credential else { return nil }
      let isOf = entries.contains { entry in
        guard case .begins(.credential(let document), _) = entry.effect else { return false }
        return document.identity.isExactly(identity)
      }
      return isOf ? entity.id : nil
    }.sorted { $0.precedes($1) }
  }

  /// The assignments that a role and perhaps a principal have, with their stretches by their own entries.
  ///
  /// What a resource shares is looked for at the role, which few have: everybody, or another account, may have something of
  /// every resource there is.
  /// - Parameter t: what has ended for good by then may be left out.
  func assignments(role: String, principal: Entity? = nil, notEndedBy t: Instant? = nil) -> [PlannedAssignment] {
    guard let principal else { return assignments(of: .role(role), notEndedBy: t).filter { $0.grant.role.isExactly(role) } }
    if TrailRoles.resource(of: role) != nil {
      return assignments(of: .role(role), notEndedBy: t).filter {
        $0.grant.role.isExactly(role) && $0.grant.principal == principal
      }
    }
    return assignments(of: principal, notEndedBy: t).filter { $0.grant.role.isExactly(role) }
  }

  /// The assignments that an entity is an end of.
  func assignments(of end: Entity, notEndedBy t: Instant? = nil) -> [PlannedAssignment] {
    let facts = t.map { assignmentFacts(of: end, notEndedBy: $0) } ?? facts(about: end)
    return facts.compactMap { fact in
      guard case .assignment(let id) = fact else { return nil }
      let entries = entries(of: fact)
      for case .begins(.grant(let grant), _) in entries.lazy.map(\.effect) {
        return PlannedAssignment(id: id, grant: grant, spans: Span.spans(of: entries), entries: entries)
      }
      return nil
    }
  }

  private func assignmentFacts(of end: Entity, notEndedBy t: Instant) -> [Fact] {
    let base = base.assignments(of: end, notEndedBy: t)
    guard let more = planned.facts[end] else { return base }
    let known = Set(base)
    return base + more.filter { !known.contains($0) }
  }
}

/// An assignment with its stretches and entries.
struct PlannedAssignment {
  let id: String
  let grant: Grant
  let spans: [Span]
  let entries: [Entry]
}
