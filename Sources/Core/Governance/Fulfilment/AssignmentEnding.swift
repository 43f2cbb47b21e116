public import Temporal

/// Why an assignment holds no longer.
public enum EndingReason: String, Hashable, Sendable, CaseIterable {
  /// It came to its own end.
  case expired
  /// It was revoked.
  case revoked
  /// The access request that granted it was ended, and it with that.
  case requestEnded = "request_ended"
  /// The identity was retired, or the group deleted.
  case principalEnded = "principal_ended"
  /// The role was retired.
  case roleEnded = "role_ended"
}

/// An assignment that held and holds no longer.
public struct AssignmentEnding: Hashable, Sendable {
  /// The assignment's id.
  public var assignment: String
  /// What it granted, with the end that it had at last.
  public var grant: Grant
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
  /// How an assignment ended, if it held before t and does not at t; an id is used once, so that there is one ending at most.
  ///
  /// An end that several things brought about at one instant is the assignment's own before it is that of another.
  /// O(entries of the assignment, of its principal's and its role's existence).
  public func ending(of assignment: String, at t: Instant) -> AssignmentEnding? {
    let fact = Fact.assignment(id: assignment)
    guard let last = holds(fact).last(where: { $0.from <= t }), let end = last.to, end <= t, case .grant(var grant) = last.value
    else { return nil }
    grant.expiresAt = last.expiresAt
    let (reason, position) = cause(of: last, until: end, assignment: assignment, grant)
    return AssignmentEnding(
      assignment: assignment, grant: grant, source: last.source, endedAt: end, reason: reason, position: position)
  }

  private func cause(of last: Span, until end: Instant, assignment: String, _ grant: Grant) -> (EndingReason, Int64?) {
    if last.expiresAt == end { return (.expired, nil) }
    let entries = entries(of: .assignment(id: assignment))
    if let ended = entries.first(where: { $0.effect == .ends && $0.moment.effective == end }) {
      return (isEnd(end, ofRequest: assignment) ? .requestEnded : .revoked, ended.moment.position)
    }
    // INVARIANT: what neither came to its own end nor was ended has lost its principal or its role.
    let principal = existence(of: grant.principal, at: last.begun)?.until
    if let principal, principal.effective == end { return (.principalEnded, principal.position) }
    return (.roleEnded, existence(of: .role(grant.role), at: last.begun)?.until?.position)
  }

  /// Whether the request of that id, which an assignment shares with the one that granted it, was ended at this instant.
  private func isEnd(_ end: Instant, ofRequest id: String) -> Bool {
    entries(of: .existence(.request(id))).contains { entry in
      guard entry.moment.effective == end, case .begins(.request(let request), _) = entry.effect else { return false }
      return request.step == .ended
    }
  }
}
