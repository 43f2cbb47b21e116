public import Temporal

/// That a connector has looked at its source: the event of the source that it *observed* and that was recorded last.
///
/// Limits, to be known by whoever relies on it:
/// - The log has no mark of a run that found nothing new, so a reading is as old as the last change that the connector saw. One
///   that always says its coverage again (`coverage.began`) leaves a mark of each run.
/// - Events with the basis `declared` are none: a configuration says what should be (a Peribolos file, the API), not what is.
/// - That an event of the source was observed is taken to mean that all was looked at that the source vouches for then: its
///   coverage without its gaps. A connector that looks at less says so with narrower coverage or a gap.
public struct Reading: Hashable, Sendable {
  /// The source.
  public var source: String
  /// The instant that it shows.
  public var at: Instant
  /// The event.
  public var position: Int64

  /// A reading.
  public init(source: String, at: Instant, position: Int64) {
    self.source = source
    self.at = at
    self.position = position
  }
}

/// What one source shows of an access that has ended.
public struct Sighting: Hashable, Sendable {
  /// The newest reading of the source, after the end.
  public var reading: Reading
  /// The assignment of the source in which the reading still shows the access; nil where it does not.
  public var shownBy: String?
  /// Where it is shown: the events since the end by which the source had seen it gone; it has come back by a grant of its own.
  public var gone: [Moment]
}

/// A grant of a source in which an access that has ended is there still.
public struct Showing: Hashable, Sendable {
  /// The source.
  public var source: String
  /// The assignment.
  public var assignment: String
  /// The place of its grant in the fold.
  public var begun: Moment
}

extension World {
  /// The other grants that give an access at t though it has ended, wholly or in part, whether or not their sources vouch for it.
  ///
  /// Not one that has come back: of a source whose grants of it had all ended since. Coverage, gaps and late readings limit what
  /// may be said to be absent; what a source shows they do not unsay.
  /// O(facts about the principal and its accounts).
  public func showings(of ending: AssignmentEnding, at t: Instant) -> [Showing] {
    var shown: [Entity: (held: IntervalSet, now: [Showing])] = [:]
    for principal in principals(of: ending, until: t) {
      for case .assignment(let id) in assignments(to: principal) where !id.isExactly(ending.assignment) {
        for span in holds(.assignment(id: id)) where span.touches(ending.grant, of: principal) {
          let source = Entity.source(span.source)
          shown[source, default: (IntervalSet(), [])].held.insert(Interval(from: span.from, to: span.to))
          if span.contains(t) {
            shown[source]?.now.append(Showing(source: span.source, assignment: id, begun: span.begun))
          }
        }
      }
    }
    return shown.values.flatMap { held, now -> [Showing] in
      guard let run = held.intervals.first(where: { $0.contains(t) }) else { return [] }
      let hasComeBack = held.intervals.contains { earlier in
        earlier.to.map { $0 >= ending.endedAt && $0 <= run.from } ?? false
      }
      return hasComeBack ? [] : now
    }.sorted { $0.begun < $1.begun }
  }

  /// What sources show of an access that has ended: those that vouched for its scope in a reading after the end.
  ///
  /// The same access is the same role on that scope or one above it, for the principal or an account that was linked to it since
  /// the end. Ways through groups or other roles are other grants; `who` and `why` follow them.
  /// O(facts about the principal, its accounts and each source).
  ///
  /// - Parameter readings: of each source the newest up to the moment that is asked about.
  public func sightings(of ending: AssignmentEnding, in readings: [Reading]) -> [Sighting] {
    readings.compactMap { reading in
      guard reading.at > ending.endedAt, vouches(reading.source, for: ending.grant.scope, at: reading.at) else { return nil }
      return sighting(of: ending, in: reading)
    }
  }

  private func sighting(of ending: AssignmentEnding, in reading: Reading) -> Sighting {
    var sighting = Sighting(reading: reading, shownBy: nil, gone: [])
    for principal in principals(of: ending, until: reading.at) {
      for case .assignment(let id) in assignments(to: principal) {
        let fact = Fact.assignment(id: id)
        for span in holds(fact) where span.source.isExactly(reading.source) && span.gives(ending.grant, to: principal) {
          if span.contains(reading.at) { sighting.shownBy = id }
          let seenGone = entries(of: fact).filter { entry in
            entry.effect == .ends && entry.source.isExactly(reading.source) && entry.moment.effective == span.to
          }
          sighting.gone += seenGone.map(\.moment).filter { $0.effective >= ending.endedAt && $0.effective < reading.at }
        }
      }
    }
    sighting.gone.sort()
    return sighting
  }

  /// The principal, and the accounts that were linked to it at any time since the end.
  private func principals(of ending: AssignmentEnding, until t: Instant) -> [Entity] {
    let principal = ending.grant.principal
    let stretch = Interval(from: ending.endedAt, to: t.next)
    return [principal]
      + facts(about: principal).compactMap { fact in
        guard case .link(let account) = fact, Entity.identity(account) != principal else { return nil }
        return holds(fact).contains { $0.overlaps(stretch) } ? .identity(account) : nil
      }
  }

  /// Whether a source vouches for all of a scope at t.
  private func vouches(_ source: String, for scope: String, at t: Instant) -> Bool {
    var isCovered = false
    for fact in facts(about: .source(source)) {
      switch fact {
      case .coverage(_, let resource) where Scope.covers(resource, scope):
        if value(of: fact, at: t) != nil { isCovered = true }
      case .coverageGap(_, let resource, _)
      where Scope.isRelated(resource, to: scope):
        if value(of: fact, at: t) != nil { return false }
      default: continue
      }
    }
    return isCovered
  }
}

extension Span {
  /// Whether the value is a grant of the same role to a principal, on a scope that has something in common.
  fileprivate func touches(_ ended: Grant, of principal: Entity) -> Bool {
    guard case .grant(let grant) = value else { return false }
    return grant.principal == principal && grant.role.isExactly(ended.role)
      && Scope.isRelated(grant.scope, to: ended.scope)
  }

  /// Whether the value is a grant of the same role to a principal, where it covers the scope.
  fileprivate func gives(_ ended: Grant, to principal: Entity) -> Bool {
    guard case .grant(let grant) = value else { return false }
    return grant.principal == principal && grant.role.isExactly(ended.role)
      && Scope.covers(grant.scope, ended.scope)
  }
}
