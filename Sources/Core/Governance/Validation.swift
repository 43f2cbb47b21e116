import Conditions
import JSON
import Temporal

/// What is checked of a command whatever the world: refused for observations too, since it is malformed.
extension Decision {
  func validate() throws(Refusal) {
    try validateTimes()
    if let reason = command.authority.reason, reason.utf8.count > Limits.reasonBytes {
      throw Refusal(.limitExceeded, "must be at most \(Limits.reasonBytes) bytes", at: "/reason")
    }
    if command.authority.authorisedBy?.verified == true, !isAuthorised {
      throw Refusal(.malformed, "is said only of approvals that Tenure saw itself", at: "/authorised_by/verified")
    }
    let entity = command.change.entity
    switch command.change {
    case .identityRegistered(let id, let kind, _):
      try check(id: id, "/id")
      if BuiltIn.isReserved(id), kind != .external {
        throw Refusal(.malformed, "must be external: \(id) is a built-in principal", at: "/kind")
      }
    case .identitySuspended(let id), .identityRetired(let id): try checkEndable(id, "/id")
    case .resourceDescribed(let path, _), .resourceRemoved(let path): try check(path: path, "/path")
    case .eventVoided: break
    case .findingRaised(let finding): try check(finding)
    case .findingResolved(let id), .findingAccepted(let id, _): try checkAnswer(id)
    case .coverageBegan(let source, let resource, _), .coverageEnded(let source, let resource),
      .coverageGap(let source, let resource, _):
      try check(id: source, "/source")
      try check(path: resource, "/resource")
    case .membershipAdded(let group, let member, _), .membershipRemoved(let group, let member),
      .membershipExpired(let group, let member):
      try check(id: group, "/group")
      try check(principal: member, "/member")
    case .identityLinked(let account, let person):
      try checkEndable(account, "/account")
      try checkEndable(person, "/person")
    case .identityUnlinked(let account): try check(id: account, "/account")
    case .assignmentGranted(let id, let grant):
      try check(id: id, "/id")
      try check(principal: grant.principal, "/principal")
      try check(id: grant.role, "/role")
      try check(path: grant.scope, "/scope")
      try check(grant.condition, "/condition")
    case .roleDefined(let id, let document, _):
      try check(id: id, "/id")
      try check(document, of: id)
    case .policyDefined(let id, let policy, _):
      try check(id: id, "/id")
      try check(policy)
    case .request(let id, let step, let by, let request): try check(id, step, by, request)
    case .credentialIssued(let id, let document, _): try check(id, document)
    case .review(let id, _, let by, _, let review): try check(review: id, by: by, isSaid: review?.progress != nil)
    case .reviewItem(let id, _, _, let by, _, let state): try check(review: id, by: by, isSaid: state != nil)
    case .fulfilmentConfirmed(let item, let confirmation):
      try check(item)
      try check(confirmation)
    default: try check(id: entity.id, "/id")
    }
  }

  private func validateTimes() throws(Refusal) {
    if isGoverned, at < context.recordedAt, command.authority.reason?.isEmpty ?? true {
      throw Refusal(.reasonRequired, "a backdated command needs a reason", at: "/reason")
    }
    if case .eventVoided = command.change, command.authority.reason?.isEmpty ?? true {
      throw Refusal(.reasonRequired, "a voiding needs a reason", at: "/reason")
    }
    if let due = command.dueAt {
      guard command.change.isLoss else { throw Refusal(.malformed, "belongs to a loss only", at: "/due_at") }
      guard due <= at else { throw Refusal(.malformed, "must not be later than effective_at", at: "/due_at") }
    }
    switch command.change {
    case .membershipAdded(_, _, let expiry?), .coverageBegan(_, _, let expiry?), .assignmentExtended(_, let expiry?):
      try check(end: expiry, "/expires_at")
    case .assignmentGranted(_, let grant):
      if let expiry = grant.expiresAt { try check(end: expiry, "/expires_at") }
    case .coverageGap(_, _, let until), .findingAccepted(_, let until): try check(end: until, "/until")
    default: break
    }
  }

  func check(end: Instant, _ pointer: String) throws(Refusal) {
    if end <= at { throw Refusal(.malformed, "must be later than effective_at", at: pointer) }
  }

  func check(id: String, _ pointer: String) throws(Refusal) {
    if let problem = Limits.problem(identifier: id) { throw Refusal(.malformed, problem, at: pointer) }
  }

  func check(path: String, _ pointer: String) throws(Refusal) {
    if let problem = Limits.problem(path: path) { throw Refusal(.malformed, problem, at: pointer) }
  }

  func check(principal: Entity, _ pointer: String) throws(Refusal) {
    guard principal.kind == .identity || principal.kind == .group else {
      throw Refusal(.malformed, "must begin with identity: or group:", at: pointer)
    }
    try check(id: principal.id, pointer)
  }

  /// A condition that is declared must be one that can be judged; one that is observed is recorded whatever it says.
  func check(_ condition: JSONValue?, _ pointer: String) throws(Refusal) {
    guard isGoverned, let condition else { return }
    do { _ = try Condition(condition, at: pointer) } catch { throw Refusal(.malformed, error.problem, at: error.pointer) }
  }

  func check(_ document: RoleDocument, of id: String) throws(Refusal) {
    if isGoverned, document.permissions == nil {
      throw Refusal(.malformed, "must be given, if only as an empty list", at: "/permissions")
    }
    if document.includes.count > Limits.includesPerRole {
      throw Refusal(.limitExceeded, "must have at most \(Limits.includesPerRole) members", at: "/includes")
    }
    for (index, role) in document.includes.enumerated() {
      try check(id: role, "/includes/\(index)")
      if isGoverned, role.isExactly(id) {
        throw Refusal(.cycle, "a role cannot include itself", at: "/includes/\(index)")
      }
    }
    for (index, permission) in (document.permissions ?? []).enumerated() {
      try check(permission.condition, "/permissions/\(index)/condition")
      for (kind, patterns) in [("actions", permission.actions), ("resources", permission.resources)] {
        if patterns.isEmpty { throw Refusal(.malformed, "must not be empty", at: "/permissions/\(index)/\(kind)") }
        for (place, pattern) in patterns.enumerated() {
          guard let problem = Limits.problem(pattern: pattern) else { continue }
          throw Refusal(.malformed, problem, at: "/permissions/\(index)/\(kind)/\(place)")
        }
      }
    }
  }

  func check(_ policy: PolicyDocument) throws(Refusal) {
    guard policy.rule.canonicalBytes().count <= Limits.ruleBytes else {
      throw Refusal(.limitExceeded, "must be at most \(Limits.ruleBytes) bytes", at: "/rule")
    }
    do {
      switch policy.type {
      case .privileged: _ = try PrivilegedRule(policy.rule, at: "/rule")
      case .review: _ = try ReviewRule(policy.rule, at: "/rule")
      case .deny: _ = try DenyRule(policy.rule, at: "/rule")
      case .boundary: _ = try BoundaryRule(policy.rule, at: "/rule")
      case .separationOfDuties: _ = try SeparationRule(policy.rule, at: "/rule")
      case .elevation: _ = try ElevationRule(policy.rule, at: "/rule")
      case .lifetime: _ = try LifetimeRule(policy.rule, at: "/rule")
      case .findings: _ = try FindingsRule(policy.rule, at: "/rule")
      }
    } catch {
      throw Refusal(.malformed, error.problem, at: error.pointer)
    }
  }
}

extension Decision {
  /// An id of somebody who can be suspended, retired or linked: built-in principals are there by themselves, and stay.
  private func checkEndable(_ id: String, _ pointer: String) throws(Refusal) {
    try check(id: id, pointer)
    guard BuiltIn.isReserved(id) else { return }
    throw Refusal(
      .malformed, "is a built-in principal and stands for many: what it was granted is taken from it grant by grant",
      at: pointer)
  }
}

extension Change {
  /// Whether the change takes something away, so that it may say when that was due.
  public var isLoss: Bool {
    switch self {
    case .identitySuspended, .identityRetired, .identityUnlinked, .groupDeleted, .membershipRemoved, .roleRetired,
      .assignmentRevoked, .credentialRevoked:
      true
    default: false
    }
  }
}
