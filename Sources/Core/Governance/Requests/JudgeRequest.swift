import Conditions
import JSON
import Temporal

/// What a policy says to a request.
struct Judged {
  let elevation: Elevation
  /// Whether nobody else has to act.
  let isAlone: Bool
}

extension Decision {
  /// Whether these terms may be asked for now, by the policy as it is in force now.
  func judge(_ terms: RequestTerms, _ id: String, _ reason: String?, _ ticket: Ticket?) throws(Refusal) -> Judged {
    guard world.isActive(terms.requester, at: at) else {
      throw Refusal(.notEntitled, "is not an active identity", at: "/requester")
    }
    guard let elevation = world.elevation(terms.policy, at: at) else {
      throw Refusal(.unknownReference, "is no elevation policy at \(at)", at: "/policy")
    }
    let rule = elevation.rule
    try judgeParties(terms, rule)
    try judgeProposal(terms, id, rule)
    if case .at(let start) = terms.start, start > at.adding(seconds: rule.startWithinSeconds) {
      throw Refusal(.notPermitted, "must lie within \(rule.startWithinSeconds) seconds under \(terms.policy)", at: "/start")
    }
    try judgeDuration(terms, rule)
    try judgeOverlap(terms)
    try judgeRequirements(terms, rule, reason, ticket)
    return Judged(elevation: elevation, isAlone: isAlone(terms, rule))
  }

  private func judgeParties(_ terms: RequestTerms, _ rule: ElevationRule) throws(Refusal) {
    guard world.concerns(rule.subjects, .identity(terms.requester), at: at) else {
      throw Refusal(.notPermitted, "may not ask under \(terms.policy)", at: "/requester")
    }
    guard let beneficiary = world.beneficiary(of: terms.proposal, at: at) else { return }
    guard world.exists(beneficiary, at: at) else {
      throw Refusal(.unknownReference, "\(beneficiary) does not exist at \(at)", at: "/proposal")
    }
    guard world.concerns(rule.subjects, beneficiary, at: at) else {
      throw Refusal(.notPermitted, "nothing may be asked for \(beneficiary) under \(terms.policy)", at: "/proposal")
    }
    if let excepted = exceptedMember(of: beneficiary, rule.subjects) {
      throw Refusal(
        .notPermitted, "would also give it to \(excepted), for whom nothing may be asked under \(terms.policy)", at: "/proposal"
      )
    }
  }

  /// Somebody in a group who is excepted from a policy that concerns the group.
  private func exceptedMember(of beneficiary: Entity, _ subjects: PolicySubjects) -> Entity? {
    guard beneficiary.kind == .group, !subjects.except.isEmpty else { return nil }
    let gaining = world.identities(of: beneficiary, at: at)
    return subjects.except.lazy.flatMap { world.identities(of: $0, at: at) }.filter(gaining.contains).min()
  }

  /// When the access would be had, were it granted now; nil where the time for it is over.
  func window(of terms: RequestTerms) -> Interval? {
    var (begin, first) = (at, at)
    if case .at(let start) = terms.start { (begin, first) = (max(start, at), start) }
    return Interval(exactly: begin, to: terms.durationSeconds.map { first.adding(seconds: $0) })
  }

  private func judgeProposal(_ terms: RequestTerms, _ id: String, _ rule: ElevationRule) throws(Refusal) {
    var extended: Grant?
    switch terms.proposal {
    case .assignmentExtension(let assignment):
      extended = world.grant(assignment, at: at)
      if extended == nil {
        throw Refusal(.notHeld, "does not hold: what has ended is asked for anew", at: "/proposal/id")
      }
    case .membership: break
    case .role(let role, _): try requireThere(.role(role))
    case .policy(let policy, _): try requireThere(.policy(policy))
    case .assignment(_, let role, _, _):
      guard world.exists(.role(role), at: at) else {
        throw Refusal(.unknownReference, "role:\(role) does not exist at \(at)", at: "/proposal/role")
      }
    }
    guard rule.covers(terms.proposal, extending: extended) else {
      throw Refusal(.notPermitted, "is not among what \(terms.policy) lets anybody ask for", at: "/proposal")
    }
  }

  private func requireThere(_ entity: Entity) throws(Refusal) {
    if !world.exists(entity, at: at) {
      throw Refusal(.unknownReference, "\(entity) does not exist at \(at)", at: "/proposal/id")
    }
  }

  private func judgeDuration(_ terms: RequestTerms, _ rule: ElevationRule) throws(Refusal) {
    guard let seconds = terms.durationSeconds else {
      if terms.proposal.hasWindow, !rule.allowsStanding {
        throw Refusal(
          .notPermitted, "must be given: \(terms.policy) lets nobody ask for standing access", at: "/duration_seconds")
      }
      return
    }
    guard terms.proposal.hasWindow else {
      throw Refusal(.malformed, "belongs to access, not to a revision", at: "/duration_seconds")
    }
    guard let longest = rule.longestSeconds, (1...longest).contains(seconds) else {
      let limit =
        rule.longestSeconds.map { "must be 1 to \($0) seconds" } ?? "must be absent: only standing access may be asked for"
      throw Refusal(.notPermitted, "\(limit) under \(terms.policy)", at: "/duration_seconds")
    }
  }

  /// A membership has one end at a time: what is held otherwise must not end with a request, nor the request with that.
  private func judgeOverlap(_ terms: RequestTerms) throws(Refusal) {
    guard case .membership(let group, let member) = terms.proposal, let window = window(of: terms) else { return }
    guard let other = world.holds(.membership(group: group, member: member)).first(where: { $0.overlaps(window) }) else {
      return
    }
    let stretch = other.to.map { "until \($0)" } ?? "without an end"
    throw Refusal(
      .noChange, "is a member from \(other.from) \(stretch) otherwise: ask for what lies outside of it", at: "/proposal")
  }

  private func judgeRequirements(
    _ terms: RequestTerms, _ rule: ElevationRule, _ reason: String?, _ ticket: Ticket?
  ) throws(Refusal) {
    if rule.requiresReason, reason?.isEmpty ?? true {
      throw Refusal(.reasonRequired, "\(terms.policy) requires a reason", at: "/reason")
    }
    if let wanted = rule.ticket {
      guard let ticket, ticket.system.isExactly(wanted.system), Condition.isLike(ticket.key, wanted.key) else {
        throw Refusal(.notPermitted, "must be a ticket of \(wanted.system) like \(wanted.key)", at: "/ticket")
      }
    }
    if let condition = rule.condition, !holds(condition, of: terms) {
      throw Refusal(.notPermitted, "does not meet what \(terms.policy) requires of a request", at: "/context")
    }
  }

  private func isAlone(_ terms: RequestTerms, _ rule: ElevationRule) -> Bool {
    switch rule.needsNobody {
    case .never: return false
    case .always: return true
    case .when(let condition): return holds(condition, of: terms)
    }
  }

  private func holds(_ condition: JSONValue, of terms: RequestTerms) -> Bool {
    var scope: String?
    if case .assignment(_, _, let asked, _) = terms.proposal, asked != "*" { scope = asked }
    return world.holds(condition, for: terms.requester, at: at, context: terms.context, resource: scope)
  }

  // MARK: Malformed whatever the world

  func check(_ id: String, _ step: RequestStep, _ by: String?, _ said: AccessRequest?) throws(Refusal) {
    guard isGoverned else { throw Refusal(.malformed, "is asked for, not observed", at: "/type") }
    try check(id: id, "/id")
    if let by { try check(id: by, "/by") }
    if step == .lapsed {
      if command.effectiveAt == nil { throw Refusal(.malformed, "must be when it lapsed", at: "/effective_at") }
    } else if command.effectiveAt != nil {
      throw Refusal(.malformed, "cannot be chosen: a step of a request takes effect when it is recorded", at: "/effective_at")
    }
    guard let said else { return }
    if said.progress != nil { throw Refusal(.malformed, "is decided, not said", at: "/progress") }
    try check(id: said.terms.requester, "/requester")
    try check(said.terms.proposal)
    do { _ = try RequestContext.read(.object(said.terms.context), at: "/context") } catch {
      throw Refusal(.malformed, error.problem, at: error.pointer)
    }
    guard case .at(let start) = said.terms.start else {
      if said.terms.start == .onClaim, !said.terms.proposal.isGrant {
        throw Refusal(.malformed, "must be approval: there is nothing to claim", at: "/start")
      }
      return
    }
    if !said.terms.proposal.isGrant { throw Refusal(.malformed, "must be approval: nothing begins later", at: "/start") }
    if start <= context.recordedAt { throw Refusal(.malformed, "must lie ahead", at: "/start") }
  }

  private func check(_ proposal: RequestProposal) throws(Refusal) {
    guard proposal.json.canonicalBytes().count <= Limits.proposalBytes else {
      throw Refusal(.limitExceeded, "must be at most \(Limits.proposalBytes) bytes", at: "/proposal")
    }
    do throws(Refusal) {
      switch proposal {
      case .assignment(_, _, _, let condition): try check(condition, "/condition")
      case .role(let id, let document): try check(document, of: id)
      case .policy(_, let policy): try check(policy)
      case .membership, .assignmentExtension: return
      }
    } catch {
      throw Refusal(error.code, error.message, at: "/proposal" + error.pointer)
    }
  }
}

extension RequestProposal {
  /// What the command that is asked for expects of the entity that it names.
  var expectation: Expectation {
    switch self {
    case .role, .policy: .present
    case .assignment, .membership, .assignmentExtension: .either
    }
  }

  /// Whether it says how long something lasts.
  fileprivate var hasWindow: Bool {
    switch self {
    case .assignment, .membership, .assignmentExtension: true
    case .role, .policy: false
    }
  }
}
