public import Temporal

/// What somebody says has become of an ending in the system concerned.
public struct FulfilmentConfirmation: Hashable, Sendable {
  /// What is confirmed.
  public enum Claim: String, Hashable, Sendable, CaseIterable {
    /// The system, or whoever runs it, has heard of the ending and says that it is done.
    case acknowledged
    /// Whoever says it has looked, and the access is gone; the evidence says how it was seen.
    case observedAbsent = "observed_absent"
  }

  /// The end that it is about.
  public var endedAt: Instant
  /// What is confirmed.
  public var claim: Claim
  /// Who confirms it.
  public var by: String
  /// What it rests on, in words, or where that is written.
  public var evidence: String

  /// A confirmation.
  public init(endedAt: Instant, claim: Claim, by: String, evidence: String) {
    self.endedAt = endedAt
    self.claim = claim
    self.by = by
    self.evidence = evidence
  }
}

/// What a confirmation takes: an ending that there is, somebody other than those whose access ended, and evidence.
extension Decision {
  func check(_ confirmation: FulfilmentConfirmation) throws(Refusal) {
    try check(id: confirmation.by, "/by")
    if confirmation.evidence.isEmpty { throw Refusal(.malformed, "must not be empty: say what it rests on", at: "/evidence") }
    if confirmation.evidence.utf8.count > Limits.evidenceBytes {
      throw Refusal(.limitExceeded, "must be at most \(Limits.evidenceBytes) bytes", at: "/evidence")
    }
    if isGoverned, at > context.recordedAt {
      throw Refusal(.malformed, "must not be in the future: it says what has been", at: "/effective_at")
    }
  }

  mutating func confirm(_ id: String, _ confirmation: FulfilmentConfirmation) throws(Refusal) {
    if isGoverned {
      guard let ending = world.ending(of: id, at: at) else {
        if !world.hasUsed(assignment: id) { throw Refusal(.notFound, "there is no such assignment", at: "/id") }
        throw Refusal(.notHeld, "had not ended at \(at): there is nothing to confirm", at: "/id")
      }
      guard ending.endedAt == confirmation.endedAt else {
        throw Refusal(.notHeld, "is not its end, which was at \(ending.endedAt)", at: "/ended_at")
      }
      try checkIndependence(of: confirmation.by, from: ending)
    }
    emit(command.change)
  }

  /// Nobody vouches that their own access is gone, by whatever account.
  private func checkIndependence(of by: String, from ending: AssignmentEnding) throws(Refusal) {
    guard world.isActive(by, at: at) else { throw Refusal(.notEntitled, "is not an active identity", at: "/by") }
    // As it was while they last had it: to leave the group, or to be retired with all one's links, makes nobody independent.
    let last = ending.endedAt.adding(microseconds: -1)
    let stretch = Interval(from: last, to: max(at, ending.endedAt).next)
    let holders = world.identities(of: ending.grant.principal, at: last)
      .reduce(into: Set<Entity>()) { $0.formUnion(world.selves(of: $1, during: stretch)) }
    if !world.selves(of: .identity(by), during: stretch).isDisjoint(with: holders) {
      throw Refusal(.notEntitled, "had the access that ended, by this or another account, or owns who had", at: "/by")
    }
  }
}
