public import Governance
import JSON
import Temporal

/// Random changes in the universe, each kind as often as makes them meet.
public struct RandomChanges {
  /// Makes changes.
  public init() {}

  /// The next one.
  public func next(_ random: inout SeededGenerator, after events: [Event]) -> Change {
    switch random.below(100) {
    case 0..<38: bond(&random, events)
    case 38..<69: assignment(&random, events)
    case 69..<72: credential(&random, events)
    case 72..<82: beginning(&random)
    case 82..<86: ending(&random)
    case 86..<89: suspension(&random)
    case 89..<92: coverage(&random)
    case 92..<97: voiding(&random, events)
    default: random.chance(1, in: 3) ? evidence(&random) : random.chance(1, in: 2) ? review(&random) : request(&random)
    }
  }

  func identity(_ id: String, _ random: inout SeededGenerator) -> Change {
    .identityRegistered(id: id, kind: random.pick(IdentityKind.allCases), attributes: attributes(&random))
  }

  func role(_ id: String, _ random: inout SeededGenerator) -> Change {
    let permissions = (0..<random.below(4)).map { _ in
      Permission(
        effect: random.chance(1, in: 9) ? .deny : .allow,
        actions: [random.pick(Universe.actionPatterns)] + random.some(Universe.actionPatterns, chance: 1, in: 7),
        resources: [random.pick(Universe.resourcePatterns)] + random.some(Universe.resourcePatterns, chance: 1, in: 9),
        condition: condition(&random))
    }
    let document = RoleDocument(
      permissions: random.chance(1, in: 8) ? nil : permissions, includes: random.some(Universe.roles, chance: 2, in: 5))
    return .roleDefined(id: id, document: document, attributes: attributes(&random))
  }

  /// A step of an access request as an event has it; whether the steps fit one another is nothing to the fold.
  private func request(_ random: inout SeededGenerator) -> Change {
    let proposal: RequestProposal =
      switch random.below(5) {
      case 0:
        .assignment(
          principal: member(&random), role: random.pick(Universe.roles), scope: random.pick(Universe.scopes),
          condition: condition(&random))
      case 1: .membership(group: random.pick(Universe.groups), member: member(&random))
      case 2: .assignmentExtension(assignment: random.pick(Universe.assignments))
      case 3: .role(id: random.pick(Universe.roles), RoleDocument(permissions: [Permission(actions: ["repo.read"])]))
      default:
        .policy(id: random.pick(Universe.policies), PolicyDocument(type: .review, rule: ["scope": "org", "every_days": 9]))
      }
    let terms = RequestTerms(
      requester: random.pick(Universe.identities), proposal: proposal, policy: random.pick(Universe.policies),
      durationSeconds: random.chance(1, in: 2) ? 3_600 : nil,
      start: random.pick([.onApproval, .onClaim, .at(Universe.instant(9))]),
      context: random.chance(1, in: 3) ? ["mfa": true] : [:])
    let approvals = random.some(Universe.identities, chance: 1, in: 4).map {
      RequestApproval(approver: $0, at: Universe.instant(random.below(Universe.slots)))
    }
    let progress = RequestProgress(
      state: random.pick(RequestState.allCases), submittedAt: Universe.instant(2), expiresAt: end(&random),
      approvals: approvals, begunAt: end(&random), policyPosition: 1, isBreakGlass: random.chance(1, in: 5),
      reason: random.chance(1, in: 2) ? "because" : nil,
      ticket: random.chance(1, in: 3) ? Ticket(system: "jira", key: "T-1") : nil,
      failure: random.chance(1, in: 6) ? RequestFailure(code: "too_long", message: "must be shorter") : nil)
    let step = random.pick(RequestStep.allCases)
    let by = random.chance(1, in: 2) ? random.pick(Universe.identities) : nil
    return .request(
      id: random.pick(Universe.requests), step, by: by, AccessRequest(step: step, terms: terms, progress: progress))
  }

  /// A step of a review as an event has it, or of an item of it; whether the steps fit one another is nothing to the fold.
  private func review(_ random: inout SeededGenerator) -> Change {
    let id = random.pick(Universe.reviews)
    let at = Universe.instant(random.below(Universe.slots))
    let by = random.pick(Universe.identities)
    if random.chance(1, in: 2) {
      let frozen = FrozenPopulation(at: at, position: 3, count: 2, digest: String(repeating: "ab", count: 32))
      var progress = ReviewProgress(state: random.pick(ReviewState.allCases), population: frozen, deadline: at)
      if random.chance(1, in: 3) { progress.signature = ReviewSignature(by: by, at: at) }
      if random.chance(1, in: 3) { progress.closing = ReviewClosing(by: by, at: at, isUnsigned: true, undecided: 1) }
      let terms = ReviewTerms(
        query: ReviewQuery(scope: random.pick(Universe.scopes)), reviewers: [.owner, .named(.identity(by))],
        policy: random.chance(1, in: 2) ? random.pick(Universe.policies) : nil)
      let step = random.pick(ReviewStep.allCases)
      let reminder =
        step == .reminded ? ReviewReminder(daysBefore: 7, outstanding: [.init(reviewer: by, items: 2)]) : nil
      return .review(id: id, step, by: nil, reminder, Review(step: step, terms: terms, progress: progress))
    }
    var state = ReviewItemState(step: random.pick(ReviewItemStep.allCases))
    if random.chance(2, in: 3) {
      state.decision = ReviewDecision(
        choice: random.pick(ReviewChoice.allCases), digest: "d", by: by, route: random.pick(ReviewerRoute.allCases), at: at,
        rationale: random.chance(1, in: 2) ? "because" : nil, isBulk: random.chance(1, in: 3))
    }
    if random.chance(1, in: 3) {
      state.execution = ReviewExecution(measure: .revoke, outcome: random.pick(ReviewExecution.Outcome.allCases), at: at)
    }
    let item: GrantName =
      random.chance(1, in: 2)
      ? .assignment(random.pick(Universe.assignments))
      : .membership(group: random.pick(Universe.groups), member: member(&random))
    return .reviewItem(review: id, item, state.step, by: random.chance(1, in: 2) ? by : nil, nil, state)
  }

  private func attributes(_ random: inout SeededGenerator) -> [String: AttributeValue] {
    switch random.below(6) {
    case 0: ["team": .open(.string(random.pick(["red", "blue"])))]
    case 1: ["team": .open(.null), "level": .open(.integer(Int64(random.below(3))))]
    case 2: ["email": .sealed(String(repeating: "ab", count: 32)), "level": .open(.integer(Int64(random.below(3))))]
    case 3: ["team": .open(["red", "blue"])]
    default: [:]
    }
  }

  private func condition(_ random: inout SeededGenerator) -> JSONValue? {
    // `nil` in a ternary would be JSON's null here.
    guard random.chance(1, in: 4) else { return nil }
    return random.pick(Universe.conditions)
  }

  private func member(_ random: inout SeededGenerator) -> Entity {
    random.chance(3, in: 5) ? .identity(random.pick(Universe.identities)) : .group(random.pick(Universe.groups))
  }

  private func end(_ random: inout SeededGenerator) -> Instant? {
    random.chance(1, in: 4) ? Universe.instant(4 + random.below(Universe.slots)) : nil
  }

  private func bond(_ random: inout SeededGenerator, _ events: [Event]) -> Change {
    let group = random.pick(Universe.groups)
    switch random.below(12) {
    case 0..<7: return .membershipAdded(group: group, member: member(&random), expiresAt: end(&random))
    case 7..<9:
      // Mostly one that was added before; sometimes one that never was.
      let known = events.compactMap { event -> Change? in
        guard case .membershipAdded(let group, let member, _) = event.change else { return nil }
        return .membershipRemoved(group: group, member: member)
      }
      let isKnown = !known.isEmpty && random.chance(3, in: 4)
      return isKnown ? random.pick(known) : .membershipRemoved(group: group, member: member(&random))
    case 9, 10:
      let account = random.pick(Universe.identities)
      let person = random.pick(Universe.identities.filter { !$0.isExactly(account) })
      return .identityLinked(account: account, person: person)
    default: return .identityUnlinked(account: random.pick(Universe.identities))
    }
  }

  private func assignment(_ random: inout SeededGenerator, _ events: [Event]) -> Change {
    let used = events.compactMap { event -> String? in
      guard case .assignmentGranted(let id, _) = event.change else { return nil }
      return id
    }
    switch random.below(12) {
    case 0..<8:
      let principal = random.chance(1, in: 2) ? member(&random) : .group(random.pick(Universe.groups))
      let grant = Grant(
        principal: principal, role: random.pick(Universe.roles), scope: random.pick(Universe.scopes),
        condition: condition(&random), expiresAt: end(&random))
      // An id is used once; a history that contradicts that is rare.
      let isFresh = random.chance(19, in: 20)
      return .assignmentGranted(id: isFresh ? "a\(used.count + 1)" : random.pick(Universe.assignments), grant: grant)
    case 8..<10: return .assignmentExtended(id: random.pick(used + ["a1"]), expiresAt: end(&random))
    default: return .assignmentRevoked(id: random.pick(used + ["a1"]))
    }
  }

  /// A credential is issued, revised or revoked; its ends need not be there.
  private func credential(_ random: inout SeededGenerator, _ events: [Event]) -> Change {
    let id = random.pick(Universe.credentials)
    if random.chance(1, in: 3) { return .credentialRevoked(id: id) }
    let document = CredentialDocument(
      kind: random.pick(CredentialKind.allCases), identity: random.pick(Universe.identities),
      holder: random.chance(1, in: 2) ? random.pick(Universe.identities) : nil,
      grant: random.chance(1, in: 2) ? random.pick(Universe.assignments) : nil,
      parent: random.chance(1, in: 4) ? random.pick(Universe.credentials.filter { !$0.isExactly(id) }) : nil,
      expiresAt: end(&random))
    return .credentialIssued(id: id, document, attributes: attributes(&random))
  }

  private func beginning(_ random: inout SeededGenerator) -> Change {
    switch random.below(12) {
    case 0..<3: return identity(random.pick(Universe.identities), &random)
    case 3..<6: return .groupCreated(id: random.pick(Universe.groups), attributes: attributes(&random))
    case 6..<9: return role(random.pick(Universe.roles), &random)
    case 9: return .sourceRegistered(id: random.pick(Universe.sources), attributes: attributes(&random))
    case 10: return .resourceDescribed(path: random.pick(Universe.scopes), attributes: attributes(&random))
    default:
      return .policyDefined(id: random.pick(Universe.policies), policy: policy(&random), attributes: [:])
    }
  }

  private func policy(_ random: inout SeededGenerator) -> PolicyDocument {
    let patterns = JSONValue.array(random.some(Universe.actionPatterns, chance: 1, in: 3).map { .string($0) } + ["*.admin"])
    switch random.below(12) {
    case 9...: return elevation(&random)
    case 0: return PolicyDocument(type: .review, rule: ["scope": "org", "every_days": 90])
    case 8:
      let rule: JSONValue = [
        "roles": .array(Universe.roles.dropLast(random.below(3)).map { .string($0) }),
        "n": .integer(Int64(2 + random.below(1))),
        "standing": random.chance(1, in: 2) ? "refuse" : "record",
      ]
      return PolicyDocument(type: .separationOfDuties, rule: rule)
    case 1, 2: return PolicyDocument(type: .privileged, rule: ["actions": patterns])
    case 3..<6:
      var rule = subjects(&random)
      for member in permission(&random) { rule[member.name] = member.value }
      return PolicyDocument(type: .deny, rule: .object(rule))
    default:
      var rule = subjects(&random)
      rule["permissions"] = .array((0..<1 + random.below(3)).map { _ in .object(permission(&random)) })
      return PolicyDocument(type: .boundary, rule: .object(rule))
    }
  }

  /// Who may ask for which roles and groups, always well-formed.
  func elevation(_ random: inout SeededGenerator) -> PolicyDocument {
    func texts(_ all: [String], _ numerator: Int, _ denominator: Int) -> JSONValue {
      .array(random.some(all, chance: numerator, in: denominator).map { .string($0) })
    }
    var rule = subjects(&random)
    rule["roles"] = .array([.string(random.pick(Universe.roles))] + (texts(Universe.roles, 1, 4).arrayValue ?? []))
    rule["scopes"] = .array([.string(random.pick(Universe.scopes))] + (texts(Universe.scopes, 1, 4).arrayValue ?? []))
    rule["groups"] = texts(Universe.groups, 1, 3)
    rule["approvers"] = ["group:g2"]
    rule["longest_seconds"] = 3_600
    if random.chance(1, in: 3) { rule["standing"] = true }
    if random.chance(1, in: 5) { rule["break_glass"] = true }
    // Conditions of rules can always be judged: the last of them is in another dialect.
    let conditions = Array(Universe.conditions.dropLast())
    if random.chance(1, in: 2) { rule["approves_itself"] = random.chance(1, in: 4) ? true : random.pick(conditions) }
    if random.chance(1, in: 3) { rule["requires"] = ["condition": random.pick(conditions)] }
    return PolicyDocument(type: .elevation, rule: .object(rule))
  }

  private func subjects(_ random: inout SeededGenerator) -> JSONObject {
    var rule = JSONObject()
    if random.chance(2, in: 3) {
      rule["principals"] = .array(random.some(Universe.subjects, chance: 1, in: 2).map { .string($0) })
    }
    if random.chance(1, in: 3) {
      rule["except"] = .array(random.some(Universe.subjects, chance: 1, in: 4).map { .string($0) })
    }
    return rule
  }

  private func permission(_ random: inout SeededGenerator) -> JSONObject {
    var permission = JSONObject()
    permission["actions"] = .array([
      .string(random.pick(Universe.actionPatterns)), .string(random.pick(Universe.actionPatterns)),
    ])
    if random.chance(1, in: 2) { permission["resources"] = .array([.string(random.pick(Universe.resourcePatterns))]) }
    // Conditions of rules can always be judged: the last of them is in another dialect.
    if random.chance(1, in: 3) { permission["condition"] = random.pick(Array(Universe.conditions.dropLast())) }
    return permission
  }

  private func ending(_ random: inout SeededGenerator) -> Change {
    switch random.below(10) {
    case 0..<3: .identityRetired(id: random.pick(Universe.identities))
    case 3..<5: .groupDeleted(id: random.pick(Universe.groups))
    case 5..<7: .roleRetired(id: random.pick(Universe.roles))
    case 7: .sourceRetired(id: random.pick(Universe.sources))
    case 8: .policyRetired(id: random.pick(Universe.policies))
    default: .resourceRemoved(path: random.pick(Universe.scopes))
    }
  }

  private func suspension(_ random: inout SeededGenerator) -> Change {
    let id = random.pick(Universe.identities)
    return random.chance(1, in: 2) ? .identitySuspended(id: id) : .identityResumed(id: id)
  }

  private func coverage(_ random: inout SeededGenerator) -> Change {
    let (source, resource) = (random.pick(Universe.sources), random.pick(Universe.scopes))
    switch random.below(6) {
    case 0..<3: return .coverageBegan(source: source, resource: resource, expiresAt: end(&random))
    case 3: return .coverageEnded(source: source, resource: resource)
    default: return .coverageGap(source: source, resource: resource, until: Universe.instant(random.below(Universe.slots)))
    }
  }

  private func voiding(_ random: inout SeededGenerator, _ events: [Event]) -> Change {
    guard let target = events.isEmpty ? nil : random.pick(events) else { return evidence(&random) }
    return .eventVoided(position: target.position)
  }

  private func evidence(_ random: inout SeededGenerator) -> Change {
    switch random.below(8) {
    case 0, 1: return .assignmentExpired(id: random.pick(Universe.assignments))
    case 2: return .membershipExpired(group: random.pick(Universe.groups), member: member(&random))
    case 3:
      let confirmation = FulfilmentConfirmation(
        endedAt: Universe.instant(random.below(Universe.slots)), claim: random.pick(FulfilmentConfirmation.Claim.allCases),
        by: random.pick(Universe.identities), evidence: "seen in the console")
      let item: GrantName =
        random.chance(1, in: 2)
        ? .assignment(random.pick(Universe.assignments))
        : .membership(group: random.pick(Universe.groups), member: member(&random))
      return .fulfilmentConfirmed(of: item, confirmation)
    default: return finding(&random)
    }
  }

  private func finding(_ random: inout SeededGenerator) -> Change {
    let rule = random.pick(["unknown_reference", "grant_too_long"])
    let evidence: JSONValue = ["policy": .string(random.pick(Universe.policies)), "seen": .integer(Int64(random.below(2)))]
    let finding = Finding(
      rule: rule, subject: .identity(random.pick(Universe.identities)), evidence: evidence,
      owner: random.chance(1, in: 3) ? random.pick(Universe.identities) : nil)
    switch random.below(4) {
    case 0: return .findingResolved(id: finding.id)
    case 1: return .findingAccepted(id: finding.id, until: Universe.instant(4 + random.below(Universe.slots)))
    default: return .findingRaised(finding)
    }
  }
}
