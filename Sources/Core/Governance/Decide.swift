import JSON
public import Temporal

/// What a command is decided in: the instant of its recording, and how it came.
public struct DecisionContext: Hashable, Sendable {
  /// The `recorded_at` that the batch will have.
  public var recordedAt: Instant
  /// The source that the facts will belong to.
  public var source: String
  /// Whether rules may refuse.
  public var mode: CommandMode
  /// What a rule said to the grant of a request when it stood: decided again with it, the request fails.
  public var failing: Refusal?

  /// A context.
  public init(recordedAt: Instant, source: String, mode: CommandMode, failing: Refusal? = nil) {
    self.recordedAt = recordedAt
    self.source = source
    self.mode = mode
    self.failing = failing
  }
}

/// Decides one command in a world: the events that it makes, in order, or a refusal.
///
/// Pure. The world shows what earlier commands of the batch made. Cycles and separate duties are not looked for here: `breaches(of:in:)` does
/// that once the events have been applied. An observation is refused for malformed input only; what it refers to and is
/// unknown becomes a placeholder, with a finding. Cost: the entries of the facts named, and for an ending all facts about the entity.
/// - Throws: `Refusal`.
public func decide(_ command: Command, in context: DecisionContext, world: some World) throws(Refusal) -> [Draft] {
  var decision = Decision(command: command, context: context, world: world)
  try decision.validate()
  try decision.propose()
  return decision.drafts
}

/// One decision in the making.
struct Decision<W: World> {
  let command: Command
  let context: DecisionContext
  let world: W
  /// Whether an access request that was approved asks for it.
  var isAuthorised = false
  var drafts: [Draft] = []
  /// The elevation policies now, once something was asked of them: their rules are read anew each time.
  var elevations: [Elevation]?

  var at: Instant { command.effectiveAt ?? context.recordedAt }
  var isGoverned: Bool { context.mode == .governed }

  mutating func emit(_ change: Change, at instant: Instant? = nil) {
    let isMain = instant == nil
    drafts.append(
      Draft(effectiveAt: instant ?? at, dueAt: isMain ? command.dueAt : nil, authority: command.authority, change: change))
  }

  mutating func propose() throws(Refusal) {
    switch command.change {
    case .identityRegistered(let id, _, let attributes): try define(.identity(id), attributes)
    case .groupCreated(let id, let attributes): try define(.group(id), attributes)
    case .policyDefined(let id, let policy, let attributes):
      for (entity, pointer) in policy.references { try require(entity, "/rule" + pointer) }
      try define(.policy(id), attributes)
      try noteUnapproved()
    case .resourceDescribed(let path, let attributes): try define(.resource(path), attributes)
    case .sourceRegistered(let id, let attributes): try define(.source(id), attributes)
    case .roleDefined(let id, let document, let attributes):
      for (index, role) in document.includes.enumerated() { try require(.role(role), "/includes/\(index)") }
      try define(.role(id), attributes)
      try noteUnapproved()
    case .identityRetired(let id): try end(.identity(id), "/id")
    case .groupDeleted(let id): try end(.group(id), "/id")
    case .roleRetired(let id):
      try end(.role(id), "/id")
      try noteUnapproved()
    case .policyRetired(let id):
      try end(.policy(id), "/id")
      try noteUnapproved()
    case .resourceRemoved(let path): try end(.resource(path), "/path")
    case .sourceRetired(let id): try end(.source(id), "/id")
    case .identitySuspended(let id):
      try require(.identity(id), "/id")
      if isGoverned, world.value(of: .suspension(identity: id), at: at) != nil {
        throw Refusal(.noChange, "is suspended already", at: "/id")
      }
      emit(command.change)
    case .identityResumed(let id): try endFact(.suspension(identity: id), "/id")
    case .identityLinked(let account, let person): try link(account, person)
    case .identityUnlinked(let account): try endFact(.link(account: account), "/account")
    case .membershipAdded(let group, let member, let expiresAt): try addMember(member, to: group, until: expiresAt)
    case .membershipRemoved(let group, let member): try endFact(.membership(group: group, member: member), "/member")
    case .membershipExpired(let group, let member):
      try recordExpiry(of: .membership(group: group, member: member), "/member")
    case .assignmentGranted(let id, let grant): try assign(id, grant)
    case .assignmentExtended(let id, let expiresAt): try extend(id, to: expiresAt)
    case .assignmentRevoked(let id): try endFact(.assignment(id: id), "/id")
    case .assignmentExpired(let id): try recordExpiry(of: .assignment(id: id), "/id")
    case .coverageBegan(let source, let resource, let expiresAt):
      try require(.source(source), "/source")
      let held = world.value(of: .coverage(source: source, resource: resource), at: at)
      if isGoverned, let held, held.expiresAt == expiresAt { throw Refusal(.noChange, "is covered already", at: "/resource") }
      emit(command.change)
    case .coverageEnded(let source, let resource):
      try endFact(.coverage(source: source, resource: resource), "/resource")
    case .coverageGap(let source, _, _):
      try require(.source(source), "/source")
      emit(command.change)
    case .eventVoided(let position): try void(position)
    case .findingRaised(let finding): try raise(finding)
    case .findingResolved(let id): try resolve(id)
    case .findingAccepted(let id, let until): try accept(id, until: until)
    case .request(let id, let step, let by, let request): try decideRequest(id, step, by: by, request)
    case .credentialIssued(let id, let document, let attributes): try issue(id, document, attributes)
    case .credentialRevoked(let id): try end(.credential(id), "/id")
    case .review(let id, let step, let by, let reminder, let review): try decideReview(id, step, by: by, reminder, review)
    case .reviewItem(let review, let item, let step, let by, let order, _):
      try decideItem(review, item, step, by: by, order)
    case .fulfilmentConfirmed(let item, let confirmation): try confirm(item, confirmation)
    }
  }

  /// A reference must exist at `effective_at`; an observation's unknown one becomes a placeholder, with a finding.
  mutating func require(_ entity: Entity, _ pointer: String) throws(Refusal) {
    // What this command already made stands too: two references to one unknown entity make one placeholder.
    if world.exists(entity, at: at) || drafts.contains(where: { $0.change.entity == entity }) { return }
    if entity.kind == .identity, BuiltIn.isReserved(entity.id) {
      // It is there by itself: its first mention records it. What is dated later and named it before takes hold with that.
      emit(.identityRegistered(id: entity.id, kind: .external, attributes: [:]), at: at)
      return try noteReturn(of: entity)
    }
    guard !isGoverned else {
      throw Refusal(.unknownReference, "\(entity) does not exist at \(at); create it first", at: pointer)
    }
    switch entity.kind {
    case .identity: emit(.identityRegistered(id: entity.id, kind: .placeholder, attributes: [:]), at: at)
    case .group: emit(.groupCreated(id: entity.id, attributes: [:]), at: at)
    case .role: emit(.roleDefined(id: entity.id, document: RoleDocument(permissions: nil), attributes: [:]), at: at)
    case .source: emit(.sourceRegistered(id: entity.id, attributes: [:]), at: at)
    case .policy, .resource, .assignment, .event, .request, .credential, .finding, .review: return
    }
    try noteReturn(of: entity)
    let finding = Finding(
      rule: "unknown_reference", subject: entity,
      evidence: ["named_by": .string(command.change.type), "pointer": .string(pointer)])
    note(finding)
  }

  mutating func define(_ entity: Entity, _ attributes: [String: AttributeValue]) throws(Refusal) {
    let exists = world.exists(entity, at: at)
    if isGoverned, command.expectation == .absent, exists {
      throw Refusal(.alreadyExists, "\(entity) exists already; revise it instead", at: "/id")
    }
    if isGoverned, command.expectation == .present, !exists {
      throw Refusal(.notFound, "\(entity) does not exist at \(at)", at: "/id")
    }
    if let owner = attributes["owner"], case .open(let value) = owner, let id = value.stringValue, entity != .identity(id) {
      try require(.identity(id), "/attributes/owner")
    }
    emit(command.change)
    try noteReturn(of: entity)
  }

  mutating func link(_ account: String, _ person: String) throws(Refusal) {
    if account.isExactly(person) { throw Refusal(.malformed, "must be another identity than the account", at: "/person") }
    try require(.identity(account), "/account")
    try require(.identity(person), "/person")
    if isGoverned, let held = world.value(of: .link(account: account), at: at), case .person(let other) = held.value {
      if other.isExactly(person) { throw Refusal(.noChange, "is linked to this person already", at: "/account") }
      throw Refusal(.alreadyExists, "is linked to another person; unlink it first", at: "/account")
    }
    if isGoverned, linksOnward(person) || isLinkedTo(account) {
      throw Refusal(.cycle, "is itself linked: an account belongs to a person, and a person to nobody", at: "/person")
    }
    emit(command.change)
  }

  private func linksOnward(_ person: String) -> Bool { !world.entries(of: .link(account: person)).isEmpty }

  private func isLinkedTo(_ account: String) -> Bool {
    world.links(to: .identity(account)).contains { $0 != .link(account: account) }
  }

  mutating func addMember(_ member: Entity, to group: String, until expiresAt: Instant?) throws(Refusal) {
    if isGoverned, member == .group(group) { throw Refusal(.cycle, "a group cannot be its own member", at: "/member") }
    try require(.group(group), "/group")
    try require(member, "/member")
    if isGoverned, let held = world.value(of: .membership(group: group, member: member), at: at), held.expiresAt == expiresAt {
      throw Refusal(.noChange, "is a member already, with the same end", at: "/member")
    }
    try checkLifetime(of: member, role: nil, from: at, to: expiresAt)
    emit(command.change)
    keepLonger(.membership(group: group, member: member), until: expiresAt)
    try noteUnapproved()
  }

  /// What a request grants from later on does not shorten what is given otherwise: where it begins, the longer goes on.
  private mutating func keepLonger(_ fact: Fact, until end: Instant?) {
    for entry in world.entries(of: fact) where entry.moment.effective > at && end.map({ entry.moment.effective < $0 }) ?? true {
      guard case .begins(_, let other?) = entry.effect, end.map({ other < $0 }) ?? true,
        world.request(granting: fact, at: entry.moment.position) != nil
      else { continue }
      emit(command.change, at: entry.moment.effective)
    }
  }

  mutating func assign(_ id: String, _ grant: Grant) throws(Refusal) {
    if world.hasUsed(assignment: id) { throw Refusal(.idUsed, "an assignment id is used once; choose another", at: "/id") }
    try require(grant.principal, "/principal")
    try require(.role(grant.role), "/role")
    try checkLifetime(of: grant.principal, role: grant.role, from: at, to: grant.expiresAt)
    emit(command.change)
    try noteUnapproved()
  }

  mutating func extend(_ id: String, to expiresAt: Instant?) throws(Refusal) {
    if isGoverned {
      guard let held = world.value(of: .assignment(id: id), at: at) else {
        throw Refusal(.notHeld, "does not hold at \(at): an assignment that has ended is granted anew", at: "/id")
      }
      if held.expiresAt == expiresAt { throw Refusal(.noChange, "has this end already", at: "/expires_at") }
    }
    let held = world.grant(id, at: at)
    // From now, if it is dated ahead: else all renewals of a year could be said on one day.
    try checkLifetime(of: held?.principal, role: held?.role, from: min(at, context.recordedAt), to: expiresAt)
    emit(command.change)
    try noteUnapproved()
  }

  mutating func recordExpiry(of fact: Fact, _ pointer: String) throws(Refusal) {
    if isGoverned {
      guard world.holds(fact).contains(where: { $0.expiresAt == at && $0.to == at }) else {
        throw Refusal(.notHeld, "did not come to its own end at \(at)", at: pointer)
      }
    }
    emit(command.change)
  }

  mutating func void(_ position: Int64) throws(Refusal) {
    guard let event = world.event(at: position) else {
      throw Refusal(.notFound, "there is no event at this position", at: "/position")
    }
    if event.type == "event.voided" { throw Refusal(.notVoidable, "a voiding cannot itself be voided", at: "/position") }
    if event.isVoided { throw Refusal(.noChange, "is voided already", at: "/position") }
    if event.type.utf8.starts(with: "finding.".utf8) {
      throw Refusal(.notVoidable, "is evidence of what was found; it is answered, not taken back", at: "/position")
    }
    if RequestStep(eventType: event.type) != nil {
      throw Refusal(.notVoidable, "a step of a request cannot be voided; end or withdraw the request", at: "/position")
    }
    if ReviewStep(eventType: event.type) != nil || ReviewItemStep(eventType: event.type) != nil {
      throw Refusal(.notVoidable, "a step of a review cannot be voided; decide anew while it is open", at: "/position")
    }
    if let step = world.event(at: position - 1), step.type == ReviewItemStep.executed.eventType, executes(step, event) {
      throw Refusal(
        .notVoidable, "was executed by \(step.reviewed ?? "a review"); what is needed again is granted anew", at: "/position")
    }
    emit(command.change)
    try noteUnapproved(voiding: event, at: position)
  }

  /// Whether an event did what the step before it in the log says of an item.
  private func executes(_ step: EventSummary, _ event: EventSummary) -> Bool {
    step.facts.contains { fact in
      guard case .reviewItem(_, let item) = fact else { return false }
      return event.facts.contains(item.fact)
    }
  }
}

extension EventSummary {
  /// The review that it is a step about an item of.
  fileprivate var reviewed: String? {
    for case .reviewItem(let review, _) in facts { return Entity(.review, review).description }
    return nil
  }
}
