public import Temporal

/// Why a grant holds no longer.
public enum EndingReason: String, Hashable, Sendable, CaseIterable {
  /// It came to its own end.
  case expired
  /// The assignment was revoked.
  case revoked
  /// The member was removed from the group.
  case removed
  /// The access request that granted it was ended, and it with that.
  case requestEnded = "request_ended"
  /// The identity was retired, or the group deleted, whose access it was.
  case principalEnded = "principal_ended"
  /// The role was retired.
  case roleEnded = "role_ended"
  /// The group that it was a membership of was deleted.
  case groupEnded = "group_ended"
}

/// A grant that held and holds no longer: an assignment or a membership.
public struct GrantEnding: Hashable, Sendable {
  /// The assignment or the membership.
  public var item: GrantName
  /// Whose access it was: the assignment's principal, or the member.
  public var principal: Entity
  /// What the assignment granted, with the end that it had at last; nil of a membership.
  public var grant: Grant?
  /// The source that it belonged to at last.
  public var source: String
  /// The first instant at which it did not hold.
  public var endedAt: Instant
  /// Why.
  public var reason: EndingReason
  /// The event that ended it; nil where it came to its own end, for which none is needed.
  public var position: Int64?
}

extension World {
  /// How a grant ended, if it held before t and does not at t.
  ///
  /// Of an assignment there is one ending at most, for an id is used once; of a membership it is the last one. An end that several
  /// things brought about at one instant is the grant's own before it is that of another.
  /// O(entries of the grant, and of the existence of its principal and its role or group).
  public func ending(of item: GrantName, at t: Instant) -> GrantEnding? {
    guard let last = holds(item.fact).last(where: { $0.from <= t }) else { return nil }
    return ending(of: item, after: last, by: t)
  }

  /// How a membership had ended that is there again at t, and the stretches in which it has been since, without a gap.
  ///
  /// Whether it came back or was never gone is for whoever knows what the event that began it rests on. Nil for an assignment, which
  /// comes back under another id.
  public func endingBeforeReturn(of item: GrantName, at t: Instant) -> (ending: GrantEnding, again: [Span])? {
    guard case .membership = item else { return nil }
    let spans = holds(item.fact).filter { $0.from <= t }
    guard let now = spans.last, now.contains(t) else { return nil }
    var again = [now]
    for earlier in spans.dropLast().reversed() {
      if earlier.to != again[0].from { return ending(of: item, after: earlier, by: t).map { ($0, again) } }
      again.insert(earlier, at: 0)
    }
    return nil
  }

  private func ending(of item: GrantName, after last: Span, by t: Instant) -> GrantEnding? {
    guard let end = last.to, end <= t else { return nil }
    var ending: GrantEnding
    switch (item, last.value) {
    case (.assignment, .grant(var grant)):
      grant.expiresAt = last.expiresAt
      ending = GrantEnding(
        item: item, principal: grant.principal, grant: grant, source: last.source, endedAt: end, reason: .expired)
    case (.membership(_, let member), _):
      ending = GrantEnding(item: item, principal: member, grant: nil, source: last.source, endedAt: end, reason: .expired)
    default: return nil
    }
    (ending.reason, ending.position) = cause(of: ending, last)
    return ending
  }

  private func cause(of ending: GrantEnding, _ last: Span) -> (EndingReason, Int64?) {
    let end = ending.endedAt
    if last.expiresAt == end { return (.expired, nil) }
    let entries = entries(of: ending.item.fact)
    if let ended = entries.first(where: { $0.effect == .ends && $0.moment.effective == end }) {
      return (reason(of: ending, endedBy: ended.moment.position), ended.moment.position)
    }
    // INVARIANT: what neither came to its own end nor was ended has lost its principal, or its role or group.
    let principal = existence(of: ending.principal, at: last.begun)?.until
    if let principal, principal.effective == end { return (.principalEnded, principal.position) }
    switch ending.item {
    case .assignment:
      return (.roleEnded, ending.grant.flatMap { existence(of: .role($0.role), at: last.begun)?.until?.position })
    case .membership(let group, _): return (.groupEnded, existence(of: .group(group), at: last.begun)?.until?.position)
    }
  }

  private func reason(of ending: GrantEnding, endedBy position: Int64) -> EndingReason {
    switch ending.item {
    case .assignment(let id): return isEnd(ending.endedAt, ofRequest: id) ? .requestEnded : .revoked
    case .membership:
      // The end of a request and of the membership that it made stand side by side in one batch.
      guard let step = event(at: position - 1), step.type == RequestStep.ended.eventType,
        case .existence(let request)? = step.facts.first, isEnd(ending.endedAt, ofRequest: request.id)
      else { return .removed }
      return .requestEnded
    }
  }

  /// Whether the request of that id, which an assignment shares with the one that granted it, was ended at this instant.
  private func isEnd(_ end: Instant, ofRequest id: String) -> Bool {
    entries(of: .existence(.request(id))).contains { entry in
      guard entry.moment.effective == end, case .begins(.request(let request), _) = entry.effect else { return false }
      return request.step == .ended
    }
  }
}
