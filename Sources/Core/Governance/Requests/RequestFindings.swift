import JSON
import Temporal

/// What is granted and found at the same time.
extension Decision {
  /// Break-glass access: granted at once and loudly, to be reviewed.
  mutating func noteBreakGlass(_ id: String, _ terms: RequestTerms, _ progress: RequestProgress) {
    guard progress.isBreakGlass else { return }
    let evidence: JSONValue = [
      "requester": .string(terms.requester), "policy": .string(terms.policy), "proposal": terms.proposal.json,
    ]
    emit(.findingRaised(Finding(rule: "break_glass", subject: .request(id), evidence: evidence)))
  }

  /// An approver whose own request the requester, or who gains, approved within the policy's look-back.
  ///
  /// O(requests submitted within it, and within the time that a request may wait before it).
  mutating func noteReciprocity(_ id: String, _ by: String, _ terms: RequestTerms, _ approvers: Approvers<W>) {
    let since = at.adding(microseconds: -approvers.elevation.rule.lookbackDays * 86_400_000_000)
    let approving = approvers.selves(of: by)
    let asking = world.interested(in: terms, at: at, during: nil)
    // The same few approve again and again.
    var isAsking: [Entity: Bool] = [:]
    func asks(_ approver: Entity) -> Bool {
      if let known = isAsking[approver] { return known }
      let found = !world.selves(of: approver, during: nil).isDisjoint(with: asking)
      isAsking[approver] = found
      return found
    }
    let submitted = since.adding(seconds: -approvers.elevation.rule.decideWithinSeconds)
    for other in world.requests(since: submitted) where !other.isExactly(id) {
      guard let standing = world.request(other, at: at),
        let returned = standing.progress.approvals.first(where: { $0.at >= since && asks(.identity($0.approver)) }),
        !world.interested(in: standing.terms, at: at, during: nil).isDisjoint(with: approving)
      else { continue }
      let evidence: JSONValue = [
        "approver": .string(by), "requester": .string(terms.requester), "other_request": .string(other),
        "other_approver": .string(returned.approver),
      ]
      emit(.findingRaised(Finding(rule: "reciprocal_approval", subject: .request(id), evidence: evidence)))
    }
  }

  /// What an elevation policy governs is changed directly only by saying so, and is found.
  mutating func noteUnapproved() throws(Refusal) { try noteUnapproved(command.change) }

  /// What a voiding gives back is a direct change, too.
  mutating func noteUnapproved(voiding event: EventSummary, at position: Int64) throws(Refusal) {
    switch event.type {
    case "assignment.revoked", "membership.removed":
      if let request = requestEnded(by: position, event.type) {
        throw Refusal(
          .notVoidable, "ended with request \(request); what is needed again is asked for anew", at: "/position")
      }
      for fact in event.facts { try noteUnapproved(givingBack: fact) }
    case "membership.added":
      // With a shorter end it hid the one before it.
      for fact in event.facts
      where world.entries(of: fact).contains(where: { $0.isBeginning && $0.moment.position != position }) {
        try noteUnapproved(givingBack: fact)
      }
    case "assignment.extended": for fact in event.facts { try noteUnapproved(givingBack: fact) }
    case "identity.retired", "group.deleted", "role.retired", "role.defined", "policy.defined", "policy.retired":
      for case .existence(let entity) in event.facts { try noteUnapproved(givingBack: entity) }
    default: return
    }
  }

  /// The request whose end the event belongs to: its step lies right before it in the log.
  private func requestEnded(by position: Int64, _ type: String) -> String? {
    guard let step = world.event(at: position - 1), step.type == RequestStep.ended.eventType else { return nil }
    for case .existence(let entity) in step.facts where entity.kind == .request {
      guard let standing = world.request(entity.id, at: context.recordedAt),
        let granted = standing.terms.proposal.grantedFact(by: entity.id),
        world.event(at: position)?.facts.contains(granted) == true
      else { continue }
      return entity.id
    }
    return nil
  }

  private mutating func noteUnapproved(givingBack fact: Fact) throws(Refusal) {
    switch fact {
    case .assignment(let id): try noteUnapproved(.assignmentExtended(id: id, expiresAt: nil))
    case .membership(let group, let member):
      try noteUnapproved(.membershipAdded(group: group, member: member, expiresAt: nil))
    default: return
    }
  }

  /// Another version of a role or policy comes back; or with an entity what ended with it and would hold otherwise.
  private mutating func noteUnapproved(givingBack entity: Entity) throws(Refusal) {
    switch entity.kind {
    case .policy: return try noteUnapproved(.policyRetired(id: entity.id))
    case .role: try noteUnapproved(.roleRetired(id: entity.id))
    default: break
    }
    let now = context.recordedAt
    for fact in world.facts(about: entity) {
      let returns = Span.spans(of: world.entries(of: fact)).contains { $0.to.map { $0 > now } ?? true }
      if returns, world.value(of: fact, at: now) == nil { try noteUnapproved(givingBack: fact) }
    }
  }

  private mutating func noteUnapproved(_ change: Change) throws(Refusal) {
    if isAuthorised || (!isGoverned && command.authority.authorisedBy != nil) { return }
    let policies = elevations ?? world.elevations(at: context.recordedAt)
    elevations = policies
    guard let elevation = policies.first(where: { governs(change, $0.rule) }) else { return }
    if isGoverned, !command.isUnapproved {
      throw Refusal(
        .approvalRequired, "\(elevation.policy) governs this: submit a request, or say unapproved, with a reason",
        at: "/unapproved")
    }
    if isGoverned, command.authority.reason?.isEmpty ?? true {
      throw Refusal(.reasonRequired, "an unapproved change needs a reason", at: "/reason")
    }
    let evidence: JSONValue = ["policy": .string(elevation.policy), "command": .string(command.verb.name)]
    emit(.findingRaised(Finding(rule: "unapproved_change", subject: change.entity, evidence: evidence)))
  }

  private func governs(_ change: Change, _ rule: ElevationRule) -> Bool {
    switch change {
    case .assignmentGranted(_, let grant): return gives(grant, rule)
    case .assignmentExtended(let id, _):
      // As it was granted, for it may have ended.
      return world.entries(of: .assignment(id: id)).contains { entry in
        guard case .begins(.grant(let grant), _) = entry.effect else { return false }
        return gives(grant, rule)
      }
    case .membershipAdded(let group, _, _): return rule.groups.contains { $0.isExactly(group) }
    case .roleDefined(let id, _, _), .roleRetired(let id): return rule.revisions.contains(.role(id))
    case .policyDefined(let id, _, _), .policyRetired(let id): return rule.revisions.contains(.policy(id))
    default: return false
    }
  }

  /// Whether a grant gives what the policy lets nobody have unasked: also on a wider scope, or by a role that includes it.
  private func gives(_ grant: Grant, _ rule: ElevationRule) -> Bool {
    guard rule.touches(scope: grant.scope) else { return false }
    if rule.roles.contains(where: { $0.isExactly(grant.role) }) { return true }
    let included = world.reach(from: .role(grant.role)) { role in world.rolesIncluded(in: role.id).map { .role($0.0) } }
    return rule.roles.contains { included.contains(.role($0)) }
  }

  /// A grant must not last longer than the policies of lifetime let it: it is renewed instead.
  mutating func checkLifetime(of principal: Entity?, role: String?, from begin: Instant, to end: Instant?) throws(Refusal) {
    guard let principal else { return }
    for policy in world.policies(ofType: .lifetime) {
      guard case .policy(let document) = world.value(of: .existence(.policy(policy)), at: begin)?.value,
        document.type == .lifetime, let rule = try? LifetimeRule(document.rule), rule.applies(to: role),
        world.concerns(rule.subjects, principal, at: begin),
        end.map({ $0 > begin.adding(seconds: rule.longestSeconds) }) ?? true
      else { continue }
      if isGoverned {
        throw Refusal(
          .tooLong, "must be at most \(rule.longestSeconds) seconds ahead, by \(policy); extend it later", at: "/expires_at")
      }
      let evidence: JSONValue = ["policy": .string(policy), "longest_seconds": .integer(rule.longestSeconds)]
      emit(.findingRaised(Finding(rule: "grant_too_long", subject: command.change.entity, evidence: evidence)))
    }
  }
}

extension LifetimeRule {
  fileprivate func applies(to role: String?) -> Bool {
    guard let roles else { return true }
    return role.map { role in roles.contains { $0.isExactly(role) } } ?? false
  }
}

extension Entry {
  fileprivate var isBeginning: Bool {
    if case .begins = effect { true } else { false }
  }
}
