public import Governance
public import Temporal

/// Which grants have ended, by the fold at every instant at which anything happens.
extension NaiveLog {
  /// The grants that held and do not at t, or are only shown to be there again, each with the first instant at which it did not hold.
  ///
  /// A membership that is there again has ended all the same where it was never seen to be gone in between.
  public func endings(at t: Instant, asKnownAt k: Int64) -> [GrantName: Instant] {
    var held: Set<GrantName> = []
    var ended: [GrantName: Instant] = [:]
    for (turn, state) in fold(asKnownAt: k) where turn <= t {
      let now = Set(state.assignments.keys.map { GrantName.assignment($0.id) })
        .union(state.memberships.keys.map { .membership(group: $0.group.id, member: $0.member) })
      for item in held.subtracting(now) { ended[item] = turn }
      for item in now {
        guard let end = ended[item] else { continue }
        guard case .membership(let group, let member) = item,
          let origin = state.memberships.first(where: { $0.key.group == .group(group) && $0.key.member == member })?.value
            .origin
            .position
        else {
          ended[item] = nil
          continue
        }
        let begun = events[Int(origin) - 1]
        let isNew = !held.contains(item) && wasGone(item, from: end, to: turn, accordingTo: begun.source, k)
        if begun.basis != .observed || isNew { ended[item] = nil }
      }
      held = now
    }
    return ended
  }

  /// The event that ended a grant; nil where it came to its own end.
  public func cause(ofEnd end: Instant, of item: GrantName, asKnownAt k: Int64) -> Event? {
    let before = folded(at: end.adding(microseconds: -1), asKnownAt: k)
    let at = visible(asKnownAt: k).filter { $0.effectiveAt == end }.sorted { $0.position < $1.position }
    let causes: [(Change) -> Bool]
    switch item {
    case .assignment(let id):
      guard let grant = before.assignments[Entity(.assignment, id)]?.grant, grant.expiresAt != end else { return nil }
      causes = [
        { $0 == .assignmentRevoked(id: id) }, { Self.ends($0, grant.principal) }, { Self.ends($0, .role(grant.role)) },
      ]
    case .membership(let group, let member):
      let membership = NaiveState.Membership(group: .group(group), member: member)
      guard before.memberships[membership]?.expiresAt != end else { return nil }
      causes = [
        { $0 == .membershipRemoved(group: group, member: member) }, { Self.ends($0, member) },
        { Self.ends($0, .group(group)) },
      ]
    }
    return causes.lazy.compactMap { isCause in at.first { isCause($0.change) } }.first
  }

  private static func ends(_ change: Change, _ entity: Entity) -> Bool {
    switch change {
    case .identityRetired(let id): entity == .identity(id)
    case .groupDeleted(let id): entity == .group(id)
    case .roleRetired(let id): entity == .role(id)
    default: false
    }
  }

  /// The newest reading of a source up to t: the event that it observed and that was recorded last.
  public func reading(of source: String, at t: Instant, asKnownAt k: Int64) -> Event? {
    visible(asKnownAt: k).filter { $0.source == source && $0.basis == .observed && $0.effectiveAt <= t }
      .max { $0.position < $1.position }
  }

  /// Whether what a reading does not show of a group's members is gone: its source has said that the group is there, vouches for
  /// something and has no gap.
  public func vouches(_ source: String, forMembersOf group: String, at t: Instant, asKnownAt k: Int64) -> Bool {
    let said = visible(asKnownAt: k).contains { event in
      guard case .groupCreated(let id, _) = event.change else { return false }
      return id == group && event.source == source && event.effectiveAt <= t
    }
    let state = folded(at: t, asKnownAt: k)
    return said && state.coverage.keys.contains { $0.source == .source(source) }
      && !state.gaps.keys.contains { $0.source == .source(source) }
  }

  /// Whether a source that shows a membership again from a turn on had shown it gone since its end.
  private func wasGone(
    _ item: GrantName, from end: Instant, to turn: Instant, accordingTo source: String, _ k: Int64
  ) -> Bool {
    guard case .membership(let group, _) = item else { return false }
    if let cause = cause(ofEnd: end, of: item, asKnownAt: k), cause.basis == .observed, cause.source == source { return true }
    guard let reading = reading(of: source, at: turn.adding(microseconds: -1), asKnownAt: k), reading.effectiveAt > end else {
      return false
    }
    return vouches(source, forMembersOf: group, at: reading.effectiveAt, asKnownAt: k)
  }
}
