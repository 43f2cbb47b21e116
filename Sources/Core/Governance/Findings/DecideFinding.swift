import JSON
import Temporal

/// Raising, resolving and accepting findings.
extension Decision {
  /// Raises a finding that the decision itself makes, unless it is open already and says the same.
  mutating func note(_ finding: Finding) {
    let isNoted = drafts.contains { draft in
      if case .findingRaised(let other) = draft.change { return other.id.isExactly(finding.id) }
      return false
    }
    if isNoted { return }
    if let unsaid = world.unsaid(finding, at: instantOfFinding) { emit(.findingRaised(unsaid), at: instantOfFinding) }
  }

  /// What is found about the future is found now.
  private var instantOfFinding: Instant { min(at, context.recordedAt) }

  /// Raises what the command says is found.
  mutating func raise(_ finding: Finding) throws(Refusal) {
    guard let unsaid = world.unsaid(finding, at: at) else {
      // Reality is said as often as it is seen, and a job says what it sees: only a caller is told.
      if isGoverned { throw Refusal(.noChange, "is open already and says the same", at: "/evidence") }
      return
    }
    emit(.findingRaised(unsaid))
  }

  mutating func resolve(_ id: String) throws(Refusal) {
    try requireOpen(id)
    emit(command.change)
  }

  mutating func accept(_ id: String, until end: Instant) throws(Refusal) {
    try requireOpen(id)
    if end > at.adding(seconds: Limits.longestAcceptanceDays * 86_400) {
      throw Refusal(
        .limitExceeded, "must be at most \(Limits.longestAcceptanceDays) days ahead; accept it again then", at: "/until")
    }
    if isGoverned, world.value(of: .acceptance(finding: id), at: at)?.expiresAt == end {
      throw Refusal(.noChange, "is accepted already, until then", at: "/until")
    }
    emit(command.change)
  }

  private func requireOpen(_ id: String) throws(Refusal) {
    if world.exists(.finding(id), at: at) { return }
    if world.entries(of: .existence(.finding(id))).isEmpty { throw Refusal(.notFound, "there is no such finding", at: "/id") }
    throw Refusal(.notHeld, "is not open", at: "/id")
  }
}

/// What is checked of them whatever the world.
extension Decision {
  func check(_ finding: Finding) throws(Refusal) {
    try check(id: finding.rule, "/rule")
    if finding.rule.utf8.count > Limits.findingRuleBytes {
      throw Refusal(.limitExceeded, "must be at most \(Limits.findingRuleBytes) bytes", at: "/rule")
    }
    for (document, pointer) in [(finding.evidence, "/evidence"), (finding.fix, "/fix")]
    where document.canonicalBytes().count > Limits.findingDocumentBytes {
      throw Refusal(.limitExceeded, "must be at most \(Limits.findingDocumentBytes) bytes", at: pointer)
    }
    switch finding.fix {
    case .string, .object: break
    default: throw Refusal(.malformed, "must be words or a command", at: "/fix")
    }
    guard finding.id.isExactly(Finding.id(rule: finding.rule, subject: finding.subject, evidence: finding.evidence)) else {
      throw Refusal(.malformed, "must be that of the rule, the subject and the evidence; leave it out", at: "/id")
    }
  }

  /// An answer to a finding: by somebody who says why, and from now on.
  func checkAnswer(_ id: String) throws(Refusal) {
    try check(id: id, "/id")
    if command.authority.reason?.isEmpty ?? true {
      throw Refusal(.reasonRequired, "an answer to a finding needs a reason", at: "/reason")
    }
    if command.effectiveAt != nil {
      throw Refusal(.malformed, "must be left out: a finding is answered when that is recorded", at: "/effective_at")
    }
  }
}
