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
  /// The assignment or member of the source in which the reading still shows the access; nil where it does not.
  public var shownBy: String?
  /// Where it is shown: the events since the end by which the source had seen it gone; it has come back by a grant of its own.
  public var gone: [Moment]
}

/// A grant of a source in which an access that has ended is there still.
public struct Showing: Hashable, Sendable {
  /// The source.
  public var source: String
  /// The assignment, or the member of the group.
  public var shownBy: String
  /// The place of its grant in the fold.
  public var begun: Moment
}

/// A grant by which the same access may be had: of the same principal or of an account of it.
private struct SameAccess {
  let fact: Fact
  let principal: Entity
  /// The assignment's id, or the member.
  let name: String
  /// Whether it is the grant that ended.
  let isItself: Bool
}

extension World {
  /// The other grants that give an access at t though it has ended, wholly or in part, whether or not their sources vouch for it.
  ///
  /// Not one that has come back: of a source whose grants of it had all ended since. Coverage, gaps and late readings limit what
  /// may be said to be absent; what a source shows they do not unsay. A membership may be shown by itself: it has no other id.
  /// O(facts about the principal and its accounts).
  public func showings(of ending: GrantEnding, at t: Instant) -> [Showing] {
    var shown: [Entity: (held: IntervalSet, now: [Showing])] = [:]
    for same in sameAccess(as: ending, until: t) {
      for span in spans(of: same, after: ending) where span.touches(ending, of: same.principal) {
        let source = Entity.source(span.source)
        shown[source, default: (IntervalSet(), [])].held.insert(span.interval)
        if span.contains(t) {
          shown[source]?.now.append(Showing(source: span.source, shownBy: same.name, begun: span.begun))
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

  /// What sources show of an access that has ended: those that vouched for it in a reading after the end.
  ///
  /// The same access is the same role on that scope or one above it, or the same group, for the principal or an account that was
  /// linked to it since the end. Ways through other groups or roles are other grants; `who` and `why` follow them.
  /// O(facts about the principal, its accounts and each source).
  ///
  /// - Parameter readings: of each source the newest up to the moment that is asked about.
  public func sightings(of ending: GrantEnding, in readings: [Reading]) -> [Sighting] {
    readings.compactMap { vouches($0, for: ending) ? sighting(of: ending, in: $0) : nil }
  }

  /// Whether a reading, if it does not show an access that had ended before, is evidence that it was gone.
  ///
  /// For an assignment: its source vouches for all of the scope. A group lies in no resource: its source is one that has said that
  /// the group is there, vouches for something and has no gap anywhere.
  public func vouches(_ reading: Reading, for ending: GrantEnding) -> Bool {
    guard reading.at > ending.endedAt else { return false }
    switch ending.item {
    case .assignment: return ending.grant.map { vouches(reading.source, for: $0.scope, at: reading.at) } ?? false
    case .membership(let group, _): return vouches(reading.source, forMembersOf: group, at: reading.at)
    }
  }

  /// Whether a source would show every member of a group at t.
  ///
  /// A group lies in no resource: its source is one that has said that the group is there, vouches for something and has no gap.
  public func vouches(_ source: String, forMembersOf group: String, at t: Instant) -> Bool {
    hasSaid(source, group: group, by: t) && vouchesWithoutGap(source, at: t)
  }

  private func sighting(of ending: GrantEnding, in reading: Reading) -> Sighting {
    var sighting = Sighting(reading: reading, shownBy: nil, gone: [])
    for same in sameAccess(as: ending, until: reading.at) {
      for span in spans(of: same, after: ending)
      where span.source.isExactly(reading.source) && span.gives(ending, to: same.principal) {
        if span.contains(reading.at) { sighting.shownBy = same.name }
        let seenGone = entries(of: same.fact).filter { entry in
          entry.effect == .ends && entry.source.isExactly(reading.source) && entry.moment.effective == span.to
        }
        sighting.gone += seenGone.map(\.moment).filter { $0.effective >= ending.endedAt && $0.effective < reading.at }
      }
    }
    sighting.gone.sort()
    return sighting
  }

  /// The grants of the same kind that the principal and the accounts that were linked to it at any time since the end ever had; of
  /// groups the same one.
  private func sameAccess(as ending: GrantEnding, until t: Instant) -> [SameAccess] {
    principals(of: ending, until: t).flatMap { principal in
      (assignments(to: principal) + memberships(of: principal)).compactMap { fact -> SameAccess? in
        switch (fact, ending.item) {
        case (.assignment(let id), .assignment(let ended)):
          return SameAccess(fact: fact, principal: principal, name: id, isItself: id.isExactly(ended))
        case (.membership(let group, let member), .membership(let ended, _)):
          guard member == principal, group.isExactly(ended) else { return nil }
          return SameAccess(
            fact: fact, principal: principal, name: member.description, isItself: principal == ending.principal)
        default: return nil
        }
      }
    }
  }

  /// The stretches in which a grant may show the access: of the one that ended, those since.
  private func spans(of same: SameAccess, after ending: GrantEnding) -> [Span] {
    let spans = holds(same.fact)
    return same.isItself ? spans.filter { $0.from >= ending.endedAt } : spans
  }

  /// The principal, and the accounts that were linked to it at any time since the end.
  private func principals(of ending: GrantEnding, until t: Instant) -> [Entity] {
    let principal = ending.principal
    let stretch = Interval(from: ending.endedAt, to: t.next)
    return [principal]
      + links(to: principal).compactMap { fact in
        guard case .link(let account) = fact, Entity.identity(account) != principal else { return nil }
        // Before or after it may have been somebody else's.
        let isOwn = holds(fact).contains { span in
          guard case .person(let person) = span.value else { return false }
          return .identity(person) == principal && span.overlaps(stretch)
        }
        return isOwn ? .identity(account) : nil
      }
  }

  /// Whether a source vouches for all of a scope at t, without a gap in any of it.
  public func vouches(_ source: String, for scope: String, at t: Instant) -> Bool {
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

  /// Whether a source vouches for something at t, and has no gap.
  private func vouchesWithoutGap(_ source: String, at t: Instant) -> Bool {
    var isCovered = false
    for fact in facts(about: .source(source)) {
      switch fact {
      case .coverage: if value(of: fact, at: t) != nil { isCovered = true }
      case .coverageGap: if value(of: fact, at: t) != nil { return false }
      default: continue
      }
    }
    return isCovered
  }

  /// Whether a source has said by t that a group is there.
  private func hasSaid(_ source: String, group: String, by t: Instant) -> Bool {
    entries(of: .existence(.group(group))).contains { entry in
      entry.effect != .ends && entry.source.isExactly(source) && entry.moment.effective <= t
    }
  }
}

extension Span {
  /// Whether the value is a grant of the same role to a principal, on a scope that has something in common, or a membership.
  fileprivate func touches(_ ended: GrantEnding, of principal: Entity) -> Bool {
    sameGrant(ended, of: principal) { Scope.isRelated($0, to: $1) }
  }

  /// Whether the value is a grant of the same role to a principal, where it covers the scope, or a membership.
  fileprivate func gives(_ ended: GrantEnding, to principal: Entity) -> Bool {
    sameGrant(ended, of: principal) { Scope.covers($0, $1) }
  }

  private func sameGrant(_ ended: GrantEnding, of principal: Entity, _ isInScope: (String, String) -> Bool) -> Bool {
    guard let wanted = ended.grant else { return value == .member }
    guard case .grant(let grant) = value else { return false }
    return grant.principal == principal && grant.role.isExactly(wanted.role) && isInScope(grant.scope, wanted.scope)
  }
}
