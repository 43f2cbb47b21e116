import Cryptography
import JSON
import Temporal

/// What an elevation policy governs is changed directly only by saying so, and is found.
extension Decision {
  mutating func noteUnapproved() throws(Refusal) {
    if isApproved || elevationsInForce().isEmpty { return }
    switch command.change {
    case .assignmentGranted(_, let grant): try noteUnapproved(world.given(by: grant), command.change.entity)
    case .assignmentExtended(let id, _): try noteUnapproved(givingBack: .assignment(id: id))
    case .membershipAdded(let group, _, let expiresAt):
      try noteUnapproved(
        world.given(byEntering: group, during: Interval(from: at, to: expiresAt)), command.change.entity)
    case .roleDefined(let id, let document, _):
      var previous: RoleDocument?
      if case .role(let document) = world.value(of: .existence(.role(id)), at: at)?.value { previous = document }
      try noteUnapproved(
        world.given(byRevising: id, to: document, insteadOf: previous, from: at), command.change.entity)
    case .roleRetired, .policyDefined, .policyRetired:
      try noteUnapproved(Given(revised: command.change.entity), command.change.entity)
    default: return
    }
  }

  /// Whether somebody else's word stands behind the change.
  private var isApproved: Bool { isAuthorised || (!isGoverned && command.authority.authorisedBy != nil) }

  /// The policies that may govern it, looked up once.
  private mutating func elevationsInForce() -> [Elevation] {
    if let elevations { return elevations }
    let inForce = world.elevations(at: context.recordedAt)
    elevations = inForce
    return inForce
  }

  private mutating func noteUnapproved(_ given: Given, _ subject: Entity) throws(Refusal) {
    if isApproved || given.isEmpty { return }
    guard let elevation = elevationsInForce().first(where: { $0.rule.governs(given) }) else { return }
    if isGoverned, !command.isUnapproved {
      throw Refusal(
        .approvalRequired, "\(elevation.policy) governs this: submit a request, or say unapproved, with a reason",
        at: "/unapproved")
    }
    if isGoverned, command.authority.reason?.isEmpty ?? true {
      throw Refusal(.reasonRequired, "an unapproved change needs a reason", at: "/reason")
    }
    let evidence: JSONValue = [
      "policy": .string(elevation.policy), "command": .string(command.verb.name),
      // Each such change is found by itself: whoever answers for one has not answered for the next.
      "change": .string(SHA256.digest(command.change.dataWithoutAttributes.canonicalBytes()).hexadecimal),
      "effective_at": .string(at.description),
    ]
    // Of several things that come back with one, each is said once.
    note(Finding(rule: "unapproved_change", subject: subject, evidence: evidence))
  }
}

/// What comes back is given directly, too.
extension Decision {
  /// What a voiding gives back.
  mutating func noteUnapproved(voiding event: EventSummary, at position: Int64) throws(Refusal) {
    switch event.type {
    case "assignment.revoked", "membership.removed":
      if let fact = event.facts.first, let request = requestEnded(by: position, fact) {
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
      for case .existence(let entity) in event.facts { try noteUnapproved(givingBack: entity, without: position) }
    default: return
    }
  }

  /// A registration dated back lets hold again what began while the entity was not there.
  ///
  /// What a request granted does not come back with it: it has ended, and is ended once more where it began.
  mutating func noteReturn(of entity: Entity) throws(Refusal) {
    if world.exists(entity, at: at) { return }
    let next = world.entries(of: .existence(entity)).first { $0.moment.effective > at }?.moment
    for fact in world.facts(about: entity) {
      guard fact.isGrant else { continue }
      var begun: Moment?
      for span in Span.spans(of: world.entries(of: fact))
      where span.begun.effective >= at && next.map({ span.begun < $0 }) ?? true && span.begun != begun {
        begun = span.begun
        let others = fact.ends(span.value).filter { $0 != entity }
        guard others.allSatisfy({ world.existence(of: $0, at: span.begun) != nil }) else { continue }
        if world.request(granting: fact, at: span.begun.position) != nil, let ending = fact.ending {
          emit(ending, at: span.begun.effective)
        } else {
          try noteUnapproved(givingBack: fact)
        }
      }
    }
  }

  /// The request with which a fact ended: its step lies right before the fact's end in the log.
  private func requestEnded(by position: Int64, _ fact: Fact) -> String? {
    guard let (id, request) = world.requestStep(at: position - 1), request.step == .ended,
      request.terms.proposal.grantedFact(by: id) == fact
    else { return nil }
    return id
  }

  private mutating func noteUnapproved(givingBack fact: Fact) throws(Refusal) {
    switch fact {
    case .assignment(let id):
      // As it was granted, for it may have ended.
      for entry in world.entries(of: fact) {
        guard case .begins(.grant(let grant), _) = entry.effect else { continue }
        try noteUnapproved(world.given(by: grant), Entity(.assignment, id))
      }
    case .membership(let group, _):
      try noteUnapproved(world.given(byEntering: group, during: .always), .group(group))
    default: return
    }
  }

  /// Another version of a role or policy comes back; or with an entity what ended with it and would hold otherwise.
  private mutating func noteUnapproved(givingBack entity: Entity, without position: Int64) throws(Refusal) {
    switch entity.kind {
    case .policy: return try noteUnapproved(Given(revised: entity), entity)
    case .role:
      // Whichever of its other versions it is.
      let versions = world.entries(of: .existence(entity)).compactMap { entry -> (Int64, RoleDocument)? in
        guard case .begins(.role(let document), _) = entry.effect else { return nil }
        return (entry.moment.position, document)
      }
      let voided = versions.first { $0.0 == position }?.1
      try noteUnapproved(Given(revised: entity), entity)
      for (version, document) in versions where version != position {
        try noteUnapproved(
          world.given(byRevising: entity.id, to: document, insteadOf: voided, from: .earliest), entity)
      }
    default: break
    }
    let now = context.recordedAt
    for fact in world.facts(about: entity) {
      let returns = Span.spans(of: world.entries(of: fact)).contains { $0.to.map { $0 > now } ?? true }
      if returns, world.value(of: fact, at: now) == nil { try noteUnapproved(givingBack: fact) }
    }
  }
}

extension World {
  /// The step of a request that an event of the log is; nil where it is something else.
  fileprivate func requestStep(at position: Int64) -> (id: String, request: AccessRequest)? {
    guard let step = event(at: position), RequestStep(eventType: step.type) != nil else { return nil }
    for case .existence(let entity) in step.facts where entity.kind == .request {
      for entry in entries(of: .existence(entity)) where entry.moment.position == position {
        if case .begins(.request(let request), _) = entry.effect { return (entity.id, request) }
      }
    }
    return nil
  }

  /// The request whose grant an event is: the step that granted lies right before it in the log.
  func request(granting fact: Fact, at position: Int64) -> String? {
    guard let (id, request) = requestStep(at: position - 1), request.progress?.state == .active,
      request.terms.proposal.grantedFact(by: id) == fact
    else { return nil }
    return id
  }
}

extension Fact {
  /// Whether it gives somebody something: an assignment or a membership.
  fileprivate var isGrant: Bool {
    switch self {
    case .assignment, .membership: true
    default: false
    }
  }
}

extension Change {
  /// Attributes may be personal, and of those no plain digest may stay.
  fileprivate var dataWithoutAttributes: JSONValue {
    var members = data.objectValue ?? JSONObject()
    members["attributes"] = nil
    return .object(members)
  }
}

extension Entry {
  fileprivate var isBeginning: Bool {
    if case .begins = effect { true } else { false }
  }
}
