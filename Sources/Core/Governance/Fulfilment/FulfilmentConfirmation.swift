import JSON
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
  func check(_ item: GrantName) throws(Refusal) {
    switch item {
    case .assignment(let id): try check(id: id, "/id")
    case .membership(let group, let member):
      try check(id: group, "/group")
      try check(principal: member, "/member")
    }
  }

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

  mutating func confirm(_ item: GrantName, _ confirmation: FulfilmentConfirmation) throws(Refusal) {
    if isGoverned {
      guard let ending = world.ending(of: item, at: at) else { throw refusal(ofNoEndingOf: item) }
      guard ending.endedAt == confirmation.endedAt else {
        throw Refusal(.notHeld, "is not its end, which was at \(ending.endedAt)", at: "/ended_at")
      }
      try checkIndependence(of: confirmation.by, from: ending)
    }
    emit(command.change)
  }

  private func refusal(ofNoEndingOf item: GrantName) -> Refusal {
    let wasEver: Bool
    switch item {
    case .assignment(let id): wasEver = world.hasUsed(assignment: id)
    case .membership: wasEver = !world.entries(of: item.fact).isEmpty
    }
    let pointer = item.pointer
    if !wasEver { return Refusal(.notFound, "there is no such \(item.kind)", at: pointer) }
    return Refusal(.notHeld, "had not ended at \(at): there is nothing to confirm", at: pointer)
  }

  /// Nobody vouches that their own access is gone, by whatever account.
  private func checkIndependence(of by: String, from ending: GrantEnding) throws(Refusal) {
    guard world.isActive(by, at: at) else { throw Refusal(.notEntitled, "is not an active identity", at: "/by") }
    // As it was while they last had it: to leave the group makes nobody independent. Nor does it to have been retired, or to say
    // that an account was unlinked, also at an earlier time: whatever was ever theirs is theirs, as where requests are approved.
    let last = ending.endedAt.adding(microseconds: -1)
    let holders = world.identities(of: ending.principal, at: last)
      .reduce(into: Set<Entity>()) { $0.formUnion(world.selves(of: $1, during: nil)) }
    if !world.selves(of: .identity(by), during: nil).isDisjoint(with: holders) {
      throw Refusal(.notEntitled, "had the access that ended, by this or another account, or owns who had", at: "/by")
    }
  }
}

extension GrantName {
  /// Reads what ended: a `group` and a `member`, or the `id` of an assignment.
  init(endedIn data: inout FieldReader) throws(JSONFieldError) {
    guard let group = try data.optionalID("group") else {
      if try data.optionalString("member", maximumBytes: Limits.identifierBytes * 2) != nil {
        throw data.error("group", "is missing")
      }
      self = .assignment(try data.id("id"))
      return
    }
    self = .membership(group: group, member: try data.principal("member"))
  }

  /// The member of a command that names it.
  fileprivate var pointer: String {
    switch self {
    case .assignment: "/id"
    case .membership: "/member"
    }
  }
}
