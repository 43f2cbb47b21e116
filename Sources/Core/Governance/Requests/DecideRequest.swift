import Conditions
import JSON
import Temporal

/// Access requests: each command is a stated transition or a refusal.
///
/// A request is judged by the version of its policy that is in force at each step; what that version no longer lets anybody ask
/// for fails. From the last approval everything is one batch: approval, grant and evidence.
extension Decision {
  mutating func decideRequest(_ id: String, _ step: RequestStep, by: String?, _ said: AccessRequest?) throws(Refusal) {
    switch step {
    case .submitted: try submit(id, said)
    case .revised: try revise(id, said)
    case .approved: try approve(id, by)
    case .denied: try deny(id, by)
    case .withdrawn: try withdraw(id, by)
    case .claimed: try claim(id, by)
    case .ended: try endRequest(id, by)
    case .lapsed: try recordLapse(of: id)
    case .failed: throw Refusal(.malformed, "is decided, not asked for")
    }
  }

  // MARK: Asking

  private mutating func submit(_ id: String, _ said: AccessRequest?) throws(Refusal) {
    guard let terms = said?.terms else { throw Refusal(.malformed, "must say what is asked for", at: "/proposal") }
    if !world.entries(of: .existence(.request(id))).isEmpty {
      throw Refusal(.idUsed, "a request id is used once; choose another", at: "/id")
    }
    if terms.proposal.grantedFact(by: id) == .assignment(id: id), world.hasUsed(assignment: id) {
      throw Refusal(.idUsed, "is the id of an assignment; the assignment that is asked for would get it", at: "/id")
    }
    let judged = try judge(terms, id, command.authority.reason, command.authority.ticket)
    var progress = RequestProgress(
      state: .pending, submittedAt: at, expiresAt: lapse(of: terms, judged.elevation.rule, submittedAt: at), approvals: [],
      policyPosition: judged.elevation.position, isBreakGlass: false, reason: command.authority.reason,
      ticket: command.authority.ticket)
    guard judged.isAlone else {
      if !Approvers(world, judged.elevation, terms, at: at, since: at, witness: nil).areEnough() {
        throw Refusal(
          .notPermitted, "nobody could approve this: \(judged.elevation.policy) has too few approvers who have no part in it",
          at: "/policy")
      }
      return put(id, .submitted, terms, progress)
    }
    put(id, .submitted, terms, progress)
    progress.isBreakGlass = judged.elevation.rule.isBreakGlass
    try proceed(id, .approved, by: nil, terms, progress, judged)
  }

  private mutating func revise(_ id: String, _ said: AccessRequest?) throws(Refusal) {
    guard let terms = said?.terms else { throw Refusal(.malformed, "must say what is asked for", at: "/proposal") }
    let standing = try open(id)
    guard terms.requester.isExactly(standing.terms.requester) else {
      throw Refusal(.malformed, "must be who submitted it", at: "/requester")
    }
    let reason = command.authority.reason ?? standing.progress.reason
    let ticket = command.authority.ticket ?? standing.progress.ticket
    let judged = try judge(terms, id, reason, ticket)
    if judged.isAlone {
      throw Refusal(.wrongState, "needs no approval as it is now said: withdraw this one and submit that", at: "/id")
    }
    let end = lapse(of: terms, judged.elevation.rule, submittedAt: standing.progress.submittedAt)
    if end <= at { throw Refusal(.wrongState, "has waited as long as it may; submit another", at: "/id") }
    let since = standing.progress.submittedAt
    if !Approvers(world, judged.elevation, terms, at: at, since: since, witness: nil).areEnough() {
      throw Refusal(.notPermitted, "nobody could approve this", at: "/policy")
    }
    var progress = standing.progress
    progress.state = .pending
    progress.approvals = []
    progress.isBreakGlass = false
    progress.expiresAt = end
    progress.policyPosition = judged.elevation.position
    (progress.reason, progress.ticket) = (reason, ticket)
    put(id, .revised, terms, progress)
  }

  /// When it lapses if nobody decides.
  private func lapse(of terms: RequestTerms, _ rule: ElevationRule, submittedAt: Instant) -> Instant {
    let wait = submittedAt.adding(seconds: rule.decideWithinSeconds)
    guard case .at(let start) = terms.start, let seconds = terms.durationSeconds else { return wait }
    return min(wait, start.adding(seconds: seconds))
  }

  // MARK: Deciding

  private mutating func approve(_ id: String, _ by: String?) throws(Refusal) {
    let by = try actor(by)
    let standing = try open(id, only: .pending)
    let terms = standing.terms
    let judged: Judged
    do throws(Refusal) {
      judged = try judge(terms, id, standing.progress.reason, standing.progress.ticket)
    } catch {
      return fail(id, terms, standing.progress, by: by, because: error)
    }
    let approvers = Approvers(
      world, judged.elevation, terms, at: at, since: standing.progress.submittedAt, witness: command.witness)
    if let objection = approvers.objection(to: by) { throw objection }
    var approvals = try approvers.independent(of: standing.progress.approvals)
    if approvals.contains(where: { approvers.areOne($0.approver, by) }) {
      throw Refusal(.noChange, "has approved it already, by this or another account", at: "/by")
    }
    approvals.append(RequestApproval(approver: by, at: at))
    var progress = standing.progress
    progress.approvals = approvals
    progress.policyPosition = judged.elevation.position
    noteReciprocity(id, by, terms, approvers)
    if approvals.count < judged.elevation.rule.approvals { return put(id, .approved, terms, progress, by: by) }
    try proceed(id, .approved, by: by, terms, progress, judged)
  }

  private mutating func deny(_ id: String, _ by: String?) throws(Refusal) {
    let by = try actor(by)
    let standing = try open(id)
    guard let elevation = world.elevation(standing.terms.policy, at: at) else {
      throw Refusal(.notFound, "its policy has been retired: withdraw it, or let it lapse", at: "/id")
    }
    if let objection = Approvers(
      world, elevation, standing.terms, at: at, since: standing.progress.submittedAt, witness: nil
    ).objection(to: by) {
      throw objection
    }
    finish(id, .denied, .denied, standing, by: by)
  }

  private mutating func withdraw(_ id: String, _ by: String?) throws(Refusal) {
    let by = try actor(by)
    let standing = try open(id)
    try requireInterest(of: by, in: standing.terms)
    finish(id, .withdrawn, .withdrawn, standing, by: by)
  }

  private mutating func claim(_ id: String, _ by: String?) throws(Refusal) {
    let by = try actor(by)
    let standing = try open(id, only: .approved)
    try requireInterest(of: by, in: standing.terms)
    let judged: Judged
    do throws(Refusal) {
      judged = try judge(standing.terms, id, standing.progress.reason, standing.progress.ticket)
      try requireEnoughApprovals(of: standing, judged)
    } catch {
      return fail(id, standing.terms, standing.progress, by: by, because: error)
    }
    try proceed(id, .claimed, by: by, standing.terms, standing.progress, judged)
  }

  /// The policy may ask for more approvals than it did when the request was approved, or than when it needed none.
  private func requireEnoughApprovals(of standing: RequestStanding, _ judged: Judged) throws(Refusal) {
    if judged.isAlone { return }
    // Who approved and may not any more does not count any more; who made them approvers was looked up when they did.
    let approvals = try Approvers(
      world, judged.elevation, standing.terms, at: at, since: standing.progress.submittedAt, witness: nil
    ).independent(of: standing.progress.approvals)
    if approvals.count >= judged.elevation.rule.approvals { return }
    throw Refusal(
      .notPermitted,
      "has \(approvals.count) of the \(judged.elevation.rule.approvals) approvals that "
        + "\(standing.terms.policy) asks for now", at: "/id")
  }

  private mutating func endRequest(_ id: String, _ by: String?) throws(Refusal) {
    guard let by else { throw Refusal(.malformed, "is missing", at: "/by") }
    // Not only who is active: to take access away must not wait for anybody's standing.
    try require(.identity(by), "/by")
    let standing = try find(id)
    guard standing.state == .active, let fact = standing.terms.proposal.grantedFact(by: id), let ending = fact.ending else {
      throw Refusal(.wrongState, "is \(standing.state.rawValue): nothing that it granted holds", at: "/id")
    }
    var progress = standing.progress
    progress.state = .ended
    progress.expiresAt = at
    put(id, .ended, standing.terms, progress, by: by)
    // This grant alone, where it holds or lies ahead: the same membership may be held otherwise before or after it.
    let begun = standing.progress.begunAt ?? at
    // Who ends it does it, and says why or does not: what the requester once said is no reason for this.
    var authority = command.authority
    authority.actor = authority.actor ?? Actor(id: by)
    drafts.append(Draft(effectiveAt: max(begun, at), authority: authority, change: ending))
  }

  private mutating func recordLapse(of id: String) throws(Refusal) {
    // At its own end: what happened to it since is nothing, for it had lapsed.
    guard let standing = world.request(id, at: at), standing.state == .lapsed, standing.progress.expiresAt == at,
      standing.progress.state != .lapsed, at <= context.recordedAt
    else { throw Refusal(.notHeld, "did not lapse at \(at)", at: "/id") }
    var progress = standing.progress
    progress.state = .lapsed
    put(id, .lapsed, standing.terms, progress)
  }

  // MARK: Granting

  /// Goes on with a request that has all approvals it needs: to its claim, or to what it asks for.
  private mutating func proceed(
    _ id: String, _ step: RequestStep, by: String?, _ terms: RequestTerms, _ progress: RequestProgress, _ judged: Judged
  ) throws(Refusal) {
    if let refusal = context.failing { return fail(id, terms, progress, by: by, because: refusal) }
    var progress = progress
    if terms.start == .onClaim, step != .claimed {
      progress.state = .approved
      progress.expiresAt = at.adding(seconds: judged.elevation.rule.claimWithinSeconds)
      put(id, step, terms, progress, by: by)
      return noteBreakGlass(id, terms, progress)
    }
    guard let window = window(of: terms) else {
      return fail(id, terms, progress, by: by, because: Refusal(.wrongState, "the work window is over already"))
    }
    let (begin, end) = (window.from, window.to)
    progress.state = terms.proposal.isGrant ? .active : .applied
    progress.begunAt = begin
    progress.expiresAt = terms.proposal.isGrant ? end : nil
    let kept = drafts
    put(id, step, terms, progress, by: by)
    let authority = authority(of: terms, progress, by: id)
    do throws(Refusal) {
      try also(
        Command(
          change(by: id, terms.proposal, until: end), expecting: terms.proposal.expectation,
          effectiveAt: begin == at ? nil : begin, authority: authority))
    } catch {
      drafts = kept
      return fail(id, terms, progress, by: by, because: error)
    }
    noteBreakGlass(id, terms, progress)
  }

  /// The change that a proposal comes to.
  private func change(by id: String, _ proposal: RequestProposal, until end: Instant?) -> Change {
    switch proposal {
    case .assignment(let principal, let role, let scope, let condition):
      .assignmentGranted(
        id: id, grant: Grant(principal: principal, role: role, scope: scope, condition: condition, expiresAt: end))
    case .membership(let group, let member): .membershipAdded(group: group, member: member, expiresAt: end)
    case .assignmentExtension(let assignment): .assignmentExtended(id: assignment, expiresAt: end)
    case .role(let id, let document): .roleDefined(id: id, document: document, attributes: [:])
    case .policy(let id, let policy): .policyDefined(id: id, policy: policy, attributes: [:])
    }
  }

  /// Decides another command in the same batch, by the authority of the request or review.
  mutating func also(_ other: Command) throws(Refusal) {
    var decision = Decision(command: other, context: context, world: world)
    decision.isAuthorised = true
    try decision.validate()
    try decision.propose()
    drafts += decision.drafts
  }

  /// By whose authority a request grants: the last approver's, or without one the policy's.
  private func authority(of terms: RequestTerms, _ progress: RequestProgress, by id: String) -> Authority {
    let approval = progress.approvals.last
    return Authority(
      actor: Actor(id: terms.requester),
      authorisedBy: Approval(
        approver: approval?.approver ?? Entity.policy(terms.policy).description, at: approval?.at ?? at,
        reference: Entity.request(id).description, verified: true),
      reason: command.authority.reason ?? progress.reason, ticket: progress.ticket)
  }

  private mutating func fail(
    _ id: String, _ terms: RequestTerms, _ progress: RequestProgress, by: String?, because refusal: Refusal
  ) {
    var progress = progress
    progress.state = .failed
    progress.expiresAt = at
    progress.begunAt = nil
    progress.failure = RequestFailure(code: refusal.code.rawValue, message: Self.shortened(refusal.message))
    put(id, .failed, terms, progress, by: by)
  }

  /// A message that fits into an event: one may name every role of a cycle.
  static func shortened(_ message: String) -> String {
    if message.utf8.count <= Limits.reasonBytes { return message }
    var short = String.UnicodeScalarView()
    var bytes = "…".utf8.count
    for scalar in message.unicodeScalars {
      bytes += UTF8.width(scalar)
      if bytes > Limits.reasonBytes { break }
      short.append(scalar)
    }
    return String(short) + "…"
  }

  // MARK: What all steps have in common

  private mutating func put(
    _ id: String, _ step: RequestStep, _ terms: RequestTerms, _ progress: RequestProgress, by: String? = nil
  ) {
    emit(.request(id: id, step, by: by, AccessRequest(step: step, terms: terms, progress: progress)))
  }

  private mutating func finish(
    _ id: String, _ step: RequestStep, _ state: RequestState, _ standing: RequestStanding, by: String
  ) {
    var progress = standing.progress
    progress.state = state
    progress.expiresAt = at
    put(id, step, standing.terms, progress, by: by)
  }

  private func find(_ id: String) throws(Refusal) -> RequestStanding {
    guard let standing = world.request(id, at: at) else { throw Refusal(.notFound, "there is no such request", at: "/id") }
    return standing
  }

  /// A request that something can still become of before it is granted.
  private func open(_ id: String, only state: RequestState? = nil) throws(Refusal) -> RequestStanding {
    let standing = try find(id)
    guard state.map({ $0 == standing.state }) ?? (standing.state == .pending || standing.state == .approved) else {
      throw Refusal(.wrongState, "is \(standing.state.rawValue)", at: "/id")
    }
    return standing
  }

  private func actor(_ by: String?) throws(Refusal) -> String {
    guard let by else { throw Refusal(.malformed, "is missing", at: "/by") }
    guard world.isActive(by, at: at) else { throw Refusal(.notEntitled, "is not an active identity", at: "/by") }
    return by
  }

  private func requireInterest(of by: String, in terms: RequestTerms) throws(Refusal) {
    let present = Interval(from: at, to: at.next)
    let selves = world.selves(of: .identity(by), during: present)
    if world.interested(in: terms, at: at, during: present).isDisjoint(with: selves) {
      throw Refusal(.notEntitled, "neither asks nor gains by it", at: "/by")
    }
  }
}

extension Instant {
  func adding(seconds: Int64) -> Instant { adding(microseconds: seconds * 1_000_000) }
}
