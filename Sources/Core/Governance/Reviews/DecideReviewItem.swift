import Cryptography
import JSON
import Temporal

/// What is decided of one item, and how it is carried out.
extension Decision {
  mutating func decideItem(
    _ review: String, _ item: GrantName, _ step: ReviewItemStep, by: String?, _ order: ReviewItemOrder?
  ) throws(Refusal) {
    let standing = try findReview(review)
    let frozen = standing.progress.population
    guard world.known(at: frozen.position).populationItem(item, of: standing.terms.query, at: frozen.at) != nil else {
      throw Refusal(.notFound, "is no item of this review", at: "/item")
    }
    let state = world.reviewItemState(item, of: review, at: at)?.state
    switch step {
    case .assigned: try assign(review, item, by, order, standing, state)
    case .decided: try decide(review, item, by, order, standing, state)
    case .executed: try execute(review, item, standing, state)
    }
  }

  // MARK: Assigning and deciding

  private mutating func assign(
    _ review: String, _ item: GrantName, _ by: String?, _ order: ReviewItemOrder?, _ standing: ReviewStanding,
    _ state: ReviewItemState?
  ) throws(Refusal) {
    guard let by else { throw Refusal(.malformed, "is missing", at: "/by") }
    guard let reviewer = order?.reviewer else { throw Refusal(.malformed, "is missing", at: "/reviewer") }
    let (found, choice) = try deciding(item, standing)
    // Who holds it does not choose who judges it, either.
    try choice.requireMay(by, review: found, "/by")
    try choice.requireMay(reviewer, review: found, "/reviewer")
    if state?.assignment?.reviewer.isExactly(reviewer) ?? false {
      throw Refusal(.noChange, "is its reviewer already", at: "/reviewer")
    }
    var next = state ?? ReviewItemState(step: .assigned)
    next.assignment = ReviewAssignment(
      reviewer: reviewer, by: by, at: at, isDelegated: false, reason: command.authority.reason)
    put(review, item, .assigned, next, by: by)
  }

  private mutating func decide(
    _ review: String, _ item: GrantName, _ by: String?, _ order: ReviewItemOrder?, _ standing: ReviewStanding,
    _ state: ReviewItemState?
  ) throws(Refusal) {
    guard let by else { throw Refusal(.malformed, "is missing", at: "/by") }
    guard let order, let choice = order.choice else { throw Refusal(.malformed, "is missing", at: "/decision") }
    let (found, reviewers) = try deciding(item, standing)
    if state?.execution?.outcome == .done { throw Refusal(.wrongState, "is executed already", at: "/item") }
    let route = try reviewers.route(of: by, for: found, state)
    let digest = found.digest
    if let seen = order.digest, !seen.isExactly(digest) {
      throw Refusal(.changedMeanwhile, "the grant has changed since it was looked at: its digest is \(digest)", at: "/digest")
    }
    let rationale = command.authority.reason
    if rationale?.isEmpty ?? true, choice == .revoke || order.isBulk {
      throw Refusal(.reasonRequired, "a revocation and a decision about several need a rationale", at: "/reason")
    }
    if order.reviewer != nil, choice != .delegate { throw Refusal(.malformed, "belongs to delegate", at: "/reviewer") }
    if order.reduction != nil, choice != .reduce { throw Refusal(.malformed, "belongs to reduce", at: "/reduction") }
    var next = state ?? ReviewItemState(step: .decided)
    if choice == .delegate {
      guard let reviewer = order.reviewer else { throw Refusal(.malformed, "is missing", at: "/reviewer") }
      try reviewers.requireMay(reviewer, review: found, "/reviewer")
      if reviewers.areOne(reviewer, by) { throw Refusal(.noChange, "is whoever delegates it", at: "/reviewer") }
      next.assignment = ReviewAssignment(reviewer: reviewer, by: by, at: at, isDelegated: true, reason: rationale)
      next.decision = nil
      return put(review, item, .decided, next, by: by)
    }
    if choice == .reduce { try check(order.reduction, of: found) }
    next.decision = ReviewDecision(
      choice: choice, digest: digest, by: by, route: route, at: at, rationale: rationale, isBulk: order.isBulk,
      reduction: order.reduction)
    next.execution = nil
    put(review, item, .decided, next, by: by)
    if standing.terms.executes == .atOnce, let measure = next.decision?.measure {
      carryOut(measure, review, found, standing, next)
    }
  }

  /// The item as it is now, and who may decide about it, while anybody may.
  private func deciding(
    _ item: GrantName, _ standing: ReviewStanding
  ) throws(Refusal) -> (PopulationItem, ReviewerChoice<W>) {
    guard standing.progress.state == .open else {
      throw Refusal(.wrongState, "is \(standing.progress.state.rawValue)", at: "/id")
    }
    if let signature = standing.progress.signature {
      throw Refusal(.wrongState, "is signed off by \(signature.by): nothing is decided any more", at: "/id")
    }
    guard standing.isDeciding(at: at) else {
      throw Refusal(.wrongState, "its deadline was \(standing.progress.deadline)", at: "/id")
    }
    guard let found = world.reviewItem(item, at: at) else {
      throw Refusal(.notHeld, "has ended by other means: there is nothing to decide", at: "/item")
    }
    return (
      found,
      ReviewerChoice(
        world, standing.terms, at: at, frozenAt: standing.progress.population.at, witness: command.witness)
    )
  }

  private func check(_ reduction: ReviewReduction?, of found: PopulationItem) throws(Refusal) {
    guard let reduction, reduction != ReviewReduction() else {
      throw Refusal(.malformed, "must say to which role, scope or end", at: "/reduction")
    }
    if let end = reduction.expiresAt {
      if end <= at { throw Refusal(.malformed, "must lie ahead; to end it now is to revoke it", at: "/reduction/expires_at") }
      if let held = found.span.expiresAt, end >= held {
        throw Refusal(.notPermitted, "must be earlier than its end", at: "/reduction/expires_at")
      }
    }
    guard let grant = found.grant else {
      if reduction.role != nil || reduction.scope != nil {
        throw Refusal(.malformed, "a membership can only be given an end", at: "/reduction")
      }
      return
    }
    if let scope = reduction.scope, !Scope.covers(grant.scope, scope) {
      throw Refusal(.notPermitted, "must lie within its scope \(grant.scope)", at: "/reduction/scope")
    }
    if let role = reduction.role, !world.rolesGiven(by: grant.role, at: at).contains(.role(role)) {
      throw Refusal(.notPermitted, "must be a role that \(grant.role) includes", at: "/reduction/role")
    }
    let isSame = (reduction.role ?? grant.role).isExactly(grant.role) && (reduction.scope ?? grant.scope).isExactly(grant.scope)
    if isSame, reduction.expiresAt == nil { throw Refusal(.noChange, "is what it is already", at: "/reduction") }
  }

  // MARK: Executing

  private mutating func execute(
    _ review: String, _ item: GrantName, _ standing: ReviewStanding, _ state: ReviewItemState?
  ) throws(Refusal) {
    let measures = ReviewMeasures(world, review, standing, at: at)
    guard let measure = measures.measure(for: item, state) else {
      throw Refusal(.noChange, "there is nothing to execute", at: "/item")
    }
    let next = state ?? ReviewItemState(step: .executed)
    guard let found = world.reviewItem(item, at: at), measures.isSame(found) else {
      return put(review, item, next, ReviewExecution(measure: measure, outcome: .gone, at: at))
    }
    let before = drafts.count
    carryOut(measure, review, found, standing, next)
    guard drafts.count == before + 1, let last = state?.execution, last.outcome == .failed,
      case .reviewItem(_, _, _, _, _, let tried?) = drafts[before].change, tried.execution?.code == last.code
    else { return }
    // What failed as it did before is told once.
    drafts.removeLast()
    throw Refusal(.noChange, "fails as before: \(last.message ?? "")", at: "/item")
  }

  /// Does it in the same batch, and says so; or says why a rule forbids it.
  private mutating func carryOut(
    _ measure: ReviewMeasure, _ review: String, _ found: PopulationItem, _ standing: ReviewStanding, _ state: ReviewItemState
  ) {
    var execution = ReviewExecution(measure: measure, outcome: .done, at: at)
    let kept = drafts
    put(review, found.item, state, execution)
    do throws(Refusal) {
      if let failing = context.failing { throw failing }
      for command in try commands(measure, review, found, standing, state) { try also(command) }
    } catch {
      drafts = kept
      if measure == .lock, error.code == .noChange {
        execution.outcome = .gone
      } else {
        execution.outcome = .failed
        (execution.code, execution.message) = (error.code.rawValue, Self.shortened(error.message))
      }
      put(review, found.item, state, execution)
    }
  }

  /// The commands that a measure comes to.
  private func commands(
    _ measure: ReviewMeasure, _ review: String, _ found: PopulationItem, _ standing: ReviewStanding, _ state: ReviewItemState
  ) throws(Refusal) -> [Command] {
    let authority = authority(review, standing, state)
    let due = standing.progress.closing?.at
    switch measure {
    case .revoke:
      guard let ending = found.item.fact.ending else { return [] }
      return [Command(ending, dueAt: due, authority: authority)]
    case .lock:
      guard let principal = found.principal, principal.kind == .identity else {
        throw Refusal(.notPermitted, "a group cannot be suspended: revoke it, or review who is in it")
      }
      if BuiltIn.isReserved(principal.id) {
        throw Refusal(.notPermitted, "a built-in principal cannot be suspended: revoke what it was granted")
      }
      return [Command(.identitySuspended(id: principal.id), dueAt: due, authority: authority)]
    case .reduce:
      guard let reduction = state.decision?.reduction else { return [] }
      let end = reduction.expiresAt ?? found.span.expiresAt
      switch found.item {
      case .membership(let group, let member):
        return [Command(.membershipAdded(group: group, member: member, expiresAt: end), authority: authority)]
      case .assignment(let id):
        guard var grant = found.grant else { return [] }
        if reduction.role == nil, reduction.scope == nil {
          return [Command(.assignmentExtended(id: id, expiresAt: end), authority: authority)]
        }
        grant.role = reduction.role ?? grant.role
        grant.scope = reduction.scope ?? grant.scope
        grant.expiresAt = end
        let digest = SHA256.digest(of: [Array(review.utf8), [0], Array(id.utf8)]).hexadecimal
        return [
          Command(.assignmentRevoked(id: id), authority: authority),
          Command(.assignmentGranted(id: "a-" + digest.prefix(32), grant: grant), authority: authority),
        ]
      }
    }
  }

  /// By whose authority it is done: the reviewer's, or at the deadline the policy's.
  private func authority(_ review: String, _ standing: ReviewStanding, _ state: ReviewItemState) -> Authority {
    let reference = Entity(.review, review).description
    guard let decision = state.decision, decision.choice != .keep else {
      let policy = standing.terms.policy.map { Entity.policy($0).description }
      return Authority(
        authorisedBy: Approval(
          approver: policy ?? reference, at: standing.progress.deadline, reference: reference, verified: true),
        reason: "nobody decided it by the deadline")
    }
    return Authority(
      authorisedBy: Approval(approver: decision.by, at: decision.at, reference: reference, verified: true),
      reason: decision.rationale)
  }

  // MARK: What all steps have in common

  private mutating func put(
    _ review: String, _ item: GrantName, _ step: ReviewItemStep, _ state: ReviewItemState, by: String?
  ) {
    var state = state
    state.step = step
    emit(.reviewItem(review: review, item, step, by: by, nil, state))
  }

  private mutating func put(_ review: String, _ item: GrantName, _ state: ReviewItemState, _ execution: ReviewExecution) {
    var state = state
    state.execution = execution
    put(review, item, .executed, state, by: nil)
  }

  // MARK: Malformed whatever the world

  func check(review id: String, by: String?, isSaid: Bool) throws(Refusal) {
    guard isGoverned else { throw Refusal(.malformed, "is asked for, not observed", at: "/type") }
    try check(id: id, "/id")
    if let by { try check(id: by, "/by") }
    if isSaid { throw Refusal(.malformed, "is decided, not said", at: "/progress") }
    if command.effectiveAt != nil {
      throw Refusal(.malformed, "cannot be chosen: a step of a review takes effect when it is recorded", at: "/effective_at")
    }
  }
}

extension ReviewDecision {
  /// What is to be done; nil where the grant is kept.
  public var measure: ReviewMeasure? {
    switch choice {
    case .revoke: .revoke
    case .reduce: .reduce
    case .keep, .delegate: nil
    }
  }
}
