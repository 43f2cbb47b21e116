public import JSON
import Temporal

extension Change {
  /// The event type's name.
  public var type: String {
    switch self {
    case .identityRegistered: "identity.registered"
    case .identitySuspended: "identity.suspended"
    case .identityResumed: "identity.resumed"
    case .identityRetired: "identity.retired"
    case .identityLinked: "identity.linked"
    case .identityUnlinked: "identity.unlinked"
    case .groupCreated: "group.created"
    case .groupDeleted: "group.deleted"
    case .membershipAdded: "membership.added"
    case .membershipRemoved: "membership.removed"
    case .membershipExpired: "membership.expired"
    case .roleDefined: "role.defined"
    case .roleRetired: "role.retired"
    case .assignmentGranted: "assignment.granted"
    case .assignmentExtended: "assignment.extended"
    case .assignmentRevoked: "assignment.revoked"
    case .assignmentExpired: "assignment.expired"
    case .policyDefined: "policy.defined"
    case .policyRetired: "policy.retired"
    case .resourceDescribed: "resource.described"
    case .resourceRemoved: "resource.removed"
    case .sourceRegistered: "source.registered"
    case .sourceRetired: "source.retired"
    case .coverageBegan: "coverage.began"
    case .coverageEnded: "coverage.ended"
    case .coverageGap: "coverage.gap"
    case .eventVoided: "event.voided"
    case .findingRaised: "finding.raised"
    case .findingResolved: "finding.resolved"
    case .findingAccepted: "finding.accepted"
    case .request(_, let step, _, _): step.eventType
    case .fulfilmentConfirmed: "fulfilment.confirmed"
    case .credentialIssued: "credential.issued"
    case .credentialRevoked: "credential.revoked"
    case .review(_, let step, _, _, _): step.eventType
    case .reviewItem(_, _, let step, _, _, _): step.eventType
    }
  }

  /// The entity that the event is filed under.
  public var entity: Entity {
    switch self {
    case .identityRegistered(let id, _, _), .identitySuspended(let id), .identityResumed(let id), .identityRetired(let id),
      .identityLinked(let id, _), .identityUnlinked(let id):
      .identity(id)
    case .groupCreated(let id, _), .groupDeleted(let id), .membershipAdded(let id, _, _), .membershipRemoved(let id, _),
      .membershipExpired(let id, _), .fulfilmentConfirmed(.membership(let id, _), _):
      .group(id)
    case .roleDefined(let id, _, _), .roleRetired(let id): .role(id)
    case .assignmentGranted(let id, _), .assignmentExtended(let id, _), .assignmentRevoked(let id),
      .assignmentExpired(let id), .fulfilmentConfirmed(.assignment(let id), _):
      Entity(.assignment, id)
    case .policyDefined(let id, _, _), .policyRetired(let id): .policy(id)
    case .resourceDescribed(let path, _), .resourceRemoved(let path): .resource(path)
    case .sourceRegistered(let id, _), .sourceRetired(let id): .source(id)
    case .coverageBegan(let source, _, _), .coverageEnded(let source, _), .coverageGap(let source, _, _): .source(source)
    case .eventVoided(let position): Entity(.event, String(position))
    // With what it is about, so that the log of that shows it.
    case .findingRaised(let finding): finding.subject
    case .findingResolved(let id), .findingAccepted(let id, _): .finding(id)
    case .request(let id, _, _, _): .request(id)
    case .credentialIssued(let id, _, _), .credentialRevoked(let id): .credential(id)
    case .review(let id, _, _, _, _), .reviewItem(let id, _, _, _, _, _): Entity(.review, id)
    }
  }

  /// The event's `data`: whole values, absent members left out.
  public var data: JSONValue {
    var data = JSONObject()
    switch self {
    case .identityRegistered(let id, let kind, let attributes):
      data["id"] = .string(id)
      data["kind"] = .string(kind.rawValue)
      data.put(attributes)
    case .identityLinked(let account, let person):
      data["account"] = .string(account)
      data["person"] = .string(person)
    case .identityUnlinked(let account): data["account"] = .string(account)
    case .groupCreated(let id, let attributes), .sourceRegistered(let id, let attributes):
      data["id"] = .string(id)
      data.put(attributes)
    case .membershipAdded(let group, let member, let expiresAt):
      data["group"] = .string(group)
      data["member"] = .string(member.description)
      data.put("expires_at", expiresAt)
    case .membershipRemoved(let group, let member), .membershipExpired(let group, let member):
      data["group"] = .string(group)
      data["member"] = .string(member.description)
    case .roleDefined(let id, let document, let attributes):
      data["id"] = .string(id)
      data["permissions"] = document.permissions.map { .array($0.map(\.json)) } ?? .null
      data["includes"] = .array(document.includes.map { .string($0) })
      data.put(attributes)
    case .assignmentGranted(let id, let grant): data.put(id, grant)
    case .assignmentExtended(let id, let expiresAt):
      data["id"] = .string(id)
      data["expires_at"] = expiresAt.map { .string($0.description) } ?? .null
    case .policyDefined(let id, let policy, let attributes):
      data["id"] = .string(id)
      data["policy_type"] = .string(policy.type.rawValue)
      data["rule"] = policy.rule
      data.put(attributes)
    case .resourceDescribed(let path, let attributes):
      data["path"] = .string(path)
      data.put(attributes)
    case .resourceRemoved(let path): data["path"] = .string(path)
    case .coverageBegan(let source, let resource, let expiresAt):
      data.put(source: source, resource: resource)
      data.put("expires_at", expiresAt)
    case .coverageEnded(let source, let resource): data.put(source: source, resource: resource)
    case .coverageGap(let source, let resource, let until):
      data.put(source: source, resource: resource)
      data.put("until", until)
    case .eventVoided(let position): data["position"] = .integer(position)
    case .findingRaised(let finding):
      data["id"] = .string(finding.id)
      data["rule"] = .string(finding.rule)
      data["subject"] = .string(finding.subject.description)
      data["evidence"] = finding.evidence
      data["severity"] = .string(finding.severity.rawValue)
      if let owner = finding.owner { data["owner"] = .string(owner) }
      data["fix"] = finding.fix
    case .findingAccepted(let id, let until):
      data["id"] = .string(id)
      data.put("until", until)
    case .request(let id, _, let by, let request):
      data["id"] = .string(id)
      if let by { data["by"] = .string(by) }
      request?.write(to: &data)
    case .review(let id, _, let by, let reminder, let review):
      data["id"] = .string(id)
      if let by { data["by"] = .string(by) }
      reminder?.write(to: &data)
      review?.write(to: &data)
    case .reviewItem(let id, let item, _, let by, let order, let state):
      data["id"] = .string(id)
      data["item"] = .string(item.text)
      if let by { data["by"] = .string(by) }
      order?.write(to: &data)
      if let state { data["state"] = state.json }
    case .fulfilmentConfirmed(let item, let confirmation):
      switch item {
      case .assignment(let id): data["id"] = .string(id)
      case .membership(let group, let member):
        data["group"] = .string(group)
        data["member"] = .string(member.description)
      }
      data.put("ended_at", confirmation.endedAt)
      data["stage"] = .string(confirmation.claim.rawValue)
      data["by"] = .string(confirmation.by)
      data["evidence"] = .string(confirmation.evidence)
    case .credentialIssued(let id, let document, let attributes):
      data["id"] = .string(id)
      document.write(to: &data)
      data.put(attributes)
    case .identitySuspended(let id), .identityResumed(let id), .identityRetired(let id), .groupDeleted(let id),
      .roleRetired(let id), .assignmentRevoked(let id), .assignmentExpired(let id), .policyRetired(let id),
      .sourceRetired(let id), .credentialRevoked(let id), .findingResolved(let id):
      data["id"] = .string(id)
    }
    return .object(data)
  }

  /// Reads a change of the named event type from its data; the caller finishes the reader.
  ///
  /// - Throws: `JSONFieldError` naming the member; an unknown type names `type`.
  public init(type: String, reading data: inout FieldReader) throws(JSONFieldError) {
    switch type {
    case "identity.registered":
      self = .identityRegistered(
        id: try data.id("id"), kind: try data.choice("kind", of: IdentityKind.self), attributes: try data.attributes())
    case "identity.suspended": self = .identitySuspended(id: try data.id("id"))
    case "identity.resumed": self = .identityResumed(id: try data.id("id"))
    case "identity.retired": self = .identityRetired(id: try data.id("id"))
    case "identity.linked": self = .identityLinked(account: try data.id("account"), person: try data.id("person"))
    case "identity.unlinked": self = .identityUnlinked(account: try data.id("account"))
    case "group.created": self = .groupCreated(id: try data.id("id"), attributes: try data.attributes())
    case "group.deleted": self = .groupDeleted(id: try data.id("id"))
    case "membership.added":
      self = .membershipAdded(
        group: try data.id("group"), member: try data.principal("member"), expiresAt: try data.optionalInstant("expires_at"))
    case "membership.removed":
      self = .membershipRemoved(group: try data.id("group"), member: try data.principal("member"))
    case "membership.expired":
      self = .membershipExpired(group: try data.id("group"), member: try data.principal("member"))
    case "role.defined":
      self = .roleDefined(id: try data.id("id"), document: try data.roleDocument(), attributes: try data.attributes())
    case "role.retired": self = .roleRetired(id: try data.id("id"))
    case "assignment.granted": self = .assignmentGranted(id: try data.id("id"), grant: try data.grant())
    case "assignment.extended":
      self = .assignmentExtended(id: try data.id("id"), expiresAt: try data.optionalInstant("expires_at"))
    case "assignment.revoked": self = .assignmentRevoked(id: try data.id("id"))
    case "assignment.expired": self = .assignmentExpired(id: try data.id("id"))
    case "policy.defined":
      let policy = PolicyDocument(
        type: try data.choice("policy_type", of: PolicyType.self), rule: try data.value("rule"))
      self = .policyDefined(id: try data.id("id"), policy: policy, attributes: try data.attributes())
    case "policy.retired": self = .policyRetired(id: try data.id("id"))
    case "resource.described": self = .resourceDescribed(path: try data.path("path"), attributes: try data.attributes())
    case "resource.removed": self = .resourceRemoved(path: try data.path("path"))
    case "source.registered": self = .sourceRegistered(id: try data.id("id"), attributes: try data.attributes())
    case "source.retired": self = .sourceRetired(id: try data.id("id"))
    case "coverage.began":
      self = .coverageBegan(
        source: try data.id("source"), resource: try data.path("resource"), expiresAt: try data.optionalInstant("expires_at"))
    case "coverage.ended": self = .coverageEnded(source: try data.id("source"), resource: try data.path("resource"))
    case "coverage.gap":
      self = .coverageGap(
        source: try data.id("source"), resource: try data.path("resource"), until: try data.instant("until"))
    case "event.voided": self = .eventVoided(position: try data.integer("position"))
    case "finding.raised":
      self = .findingRaised(try data.finding())
    case "finding.resolved": self = .findingResolved(id: try data.id("id"))
    case "finding.accepted": self = .findingAccepted(id: try data.id("id"), until: try data.instant("until"))
    case "credential.issued":
      let id = try data.id("id")
      self = .credentialIssued(id: id, try CredentialDocument(reading: &data), attributes: try data.attributes())
    case "credential.revoked": self = .credentialRevoked(id: try data.id("id"))
    case "fulfilment.confirmed":
      let confirmation = FulfilmentConfirmation(
        endedAt: try data.instant("ended_at"), claim: try data.choice("stage", of: FulfilmentConfirmation.Claim.self),
        by: try data.id("by"), evidence: try data.string("evidence", maximumBytes: Limits.evidenceBytes))
      self = .fulfilmentConfirmed(of: try GrantName(endedIn: &data), confirmation)
    default:
      if let step = ReviewStep(eventType: type) {
        let reminder = step == .reminded ? try ReviewReminder(reading: &data) : nil
        let review = try Review(step, reading: &data)
        let by = step == .signedOff && review == nil ? try data.id("by") : try data.optionalID("by")
        self = .review(id: try data.id("id"), step, by: by, reminder, review)
        return
      }
      if let step = ReviewItemStep(eventType: type) {
        self = try Self.reviewItem(step, reading: &data)
        return
      }
      guard let step = RequestStep(eventType: type) else {
        throw data.error("type", "is not an event type that this version knows")
      }
      let request = try AccessRequest(step, reading: &data)
      // An event also says what approved itself; a command is somebody's.
      let isCommanded = request == nil && step != .lapsed
      let by = isCommanded ? try data.id("by") : try data.optionalID("by")
      self = .request(id: try data.id("id"), step, by: by, request)
    }
  }
}

extension FieldReader {
  /// A finding; in a command all may be left out that follows from rule, subject and evidence.
  fileprivate mutating func finding() throws(JSONFieldError) -> Finding {
    let severity = try optionalString("severity") == nil ? nil : try choice("severity", of: Severity.self)
    var finding = Finding(
      rule: try id("rule"), subject: try entity("subject"), evidence: try value("evidence"), severity: severity,
      owner: try optionalID("owner"), fix: optionalValue("fix"))
    if let id = try optionalID("id") { finding.id = id }
    return finding
  }
}

extension Change {
  /// An event says what has become of the item, a command what is ordered.
  private static func reviewItem(
    _ step: ReviewItemStep, reading data: inout FieldReader
  ) throws(JSONFieldError) -> Change {
    let (id, item) = (try data.id("id"), try data.reviewItem())
    guard let value = data.optionalValue("state") else {
      let by = step == .executed ? nil : try data.id("by")
      return .reviewItem(review: id, item, step, by: by, try ReviewItemOrder(step, reading: &data), nil)
    }
    let by = try data.optionalID("by")
    let state = try ReviewItemState(value, step: step, at: data.pointer(to: "state"))
    return .reviewItem(review: id, item, step, by: by, nil, state)
  }
}

extension RequestStep {
  private static let prefix = "request."

  /// The type of the event that records it.
  public var eventType: String { Self.prefix + rawValue }

  /// The step that an event type records; nil for another type.
  public init?(eventType: String) {
    guard eventType.utf8.starts(with: Self.prefix.utf8) else { return nil }
    self.init(rawValue: String(eventType.dropFirst(Self.prefix.count)))
  }
}

extension Permission {
  /// The permission as it stands in a role's document.
  public var json: JSONValue {
    var object = JSONObject()
    object["effect"] = .string(effect.rawValue)
    object["actions"] = .array(actions.map { .string($0) })
    object["resources"] = .array(resources.map { .string($0) })
    if let condition { object["condition"] = condition }
    return .object(object)
  }
}

extension AttributeValue {
  /// The value as it stands in an event's body.
  public var json: JSONValue {
    switch self {
    case .open(let value): value
    case .sealed(let digest): .object(["sha256": .string(digest)])
    }
  }
}

extension JSONObject {
  mutating func put(_ name: String, _ instant: Instant?) {
    if let instant { self[name] = .string(instant.description) }
  }

  mutating func put(_ attributes: [String: AttributeValue]) {
    guard !attributes.isEmpty else { return }
    var object = JSONObject()
    for (name, value) in attributes { object[name] = value.json }
    self["attributes"] = .object(object)
  }

  mutating func put(source: String, resource: String) {
    self["source"] = .string(source)
    self["resource"] = .string(resource)
  }

  mutating func put(_ id: String, _ grant: Grant) {
    self["id"] = .string(id)
    self["principal"] = .string(grant.principal.description)
    self["role"] = .string(grant.role)
    self["scope"] = .string(grant.scope)
    if let condition = grant.condition { self["condition"] = condition }
    put("expires_at", grant.expiresAt)
  }
}
