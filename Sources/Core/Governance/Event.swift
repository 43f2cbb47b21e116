public import JSON
public import Temporal

/// One immutable event of a tenant's log.
public struct Event: Hashable, Sendable {
  /// The place in the log: 1, 2, 3, … without gaps.
  public var position: Int64
  /// A UUIDv7 in text form.
  public var eventID: String
  /// When the change took effect in the world.
  public var effectiveAt: Instant
  /// Of a loss: when it should have taken effect; between the two lies access without entitlement.
  public var dueAt: Instant?
  /// When Tenure learnt of it; one for each atomic batch.
  public var recordedAt: Instant
  /// The source that the facts it writes belong to.
  public var source: String
  /// How Tenure came to know.
  public var basis: Basis
  /// By whose authority.
  public var authority: Authority
  /// Who wrote it here.
  public var recordedBy: Recorder
  /// W3C trace id, where the caller gave one.
  public var correlationID: String?
  /// The idempotency key of the command that made it.
  public var commandID: String?
  /// What changed.
  public var change: Change

  /// An event with all its parts.
  public init(
    position: Int64, eventID: String, effectiveAt: Instant, dueAt: Instant? = nil, recordedAt: Instant, source: String,
    basis: Basis, authority: Authority, recordedBy: Recorder, correlationID: String? = nil, commandID: String? = nil,
    change: Change
  ) {
    self.position = position
    self.eventID = eventID
    self.effectiveAt = effectiveAt
    self.dueAt = dueAt
    self.recordedAt = recordedAt
    self.source = source
    self.basis = basis
    self.authority = authority
    self.recordedBy = recordedBy
    self.correlationID = correlationID
    self.commandID = commandID
    self.change = change
  }

  /// Its place in the fold.
  public var moment: Moment { Moment(effectiveAt, position) }
}

/// What `decide` answers: a change with its instant, before the log gives it a position, an id and a recorder.
public struct Draft: Hashable, Sendable {
  /// When it takes effect.
  public var effectiveAt: Instant
  /// Of a loss: when it should have taken effect.
  public var dueAt: Instant?
  /// By whose authority.
  public var authority: Authority
  /// What changes.
  public var change: Change

  /// A draft of an event.
  public init(effectiveAt: Instant, dueAt: Instant? = nil, authority: Authority, change: Change) {
    self.effectiveAt = effectiveAt
    self.dueAt = dueAt
    self.authority = authority
    self.change = change
  }
}

/// The value of an attribute: in the open, or only its salted digest.
public enum AttributeValue: Hashable, Sendable {
  /// A string, integer, boolean or a list of strings, in the open; null takes the attribute away.
  case open(JSONValue)
  /// SHA-256(salt ‖ canonical value) in hexadecimal; value and salt lie in the table `personal`.
  case sealed(String)
}

/// What can change, one case an event type, past tense; never renamed after release.
public enum Change: Hashable, Sendable {
  case identityRegistered(id: String, kind: IdentityKind, attributes: [String: AttributeValue])
  case identitySuspended(id: String)
  case identityResumed(id: String)
  case identityRetired(id: String)
  case identityLinked(account: String, person: String)
  case identityUnlinked(account: String)
  case groupCreated(id: String, attributes: [String: AttributeValue])
  case groupDeleted(id: String)
  case membershipAdded(group: String, member: Entity, expiresAt: Instant?)
  case membershipRemoved(group: String, member: Entity)
  /// Evidence that a membership came to its end by itself; changes no world.
  case membershipExpired(group: String, member: Entity)
  case roleDefined(id: String, document: RoleDocument, attributes: [String: AttributeValue])
  case roleRetired(id: String)
  case assignmentGranted(id: String, grant: Grant)
  case assignmentExtended(id: String, expiresAt: Instant?)
  case assignmentRevoked(id: String)
  /// Evidence that an assignment came to its end by itself; changes no world.
  case assignmentExpired(id: String)
  case policyDefined(id: String, policy: PolicyDocument, attributes: [String: AttributeValue])
  case policyRetired(id: String)
  case resourceDescribed(path: String, attributes: [String: AttributeValue])
  case resourceRemoved(path: String)
  case sourceRegistered(id: String, attributes: [String: AttributeValue])
  case sourceRetired(id: String)
  case coverageBegan(source: String, resource: String, expiresAt: Instant?)
  case coverageEnded(source: String, resource: String)
  case coverageGap(source: String, resource: String, until: Instant)
  case eventVoided(position: Int64)
  case findingRaised(Finding)
  /// What was found is no longer so; why, the event's `reason` says.
  case findingResolved(id: String)
  /// Somebody answers for leaving it as it is, until then; why, the event's `reason` says.
  case findingAccepted(id: String, until: Instant)
  /// One step of an access request, by whom, and the request as it then stands. A command that does not say the request anew
  /// has none, and gets it when it is decided.
  indirect case request(id: String, RequestStep, by: String?, AccessRequest?)
  indirect case credentialIssued(id: String, CredentialDocument, attributes: [String: AttributeValue])
  case credentialRevoked(id: String)
  /// One step of a review as a whole, by whom, of what its reviewers are reminded, and the review as it then stands; a command
  /// that does not say the review anew has none.
  indirect case review(id: String, ReviewStep, by: String?, ReviewReminder?, Review?)
  /// One step about an item of a review, by whom; a command says what is ordered, an event what has become of the item.
  indirect case reviewItem(review: String, GrantName, ReviewItemStep, by: String?, ReviewItemOrder?, ReviewItemState?)
  /// Evidence of what became of an assignment's end in the system concerned; changes no world.
  case fulfilmentConfirmed(of: GrantName, FulfilmentConfirmation)
}

/// An assignment's value: who gets which role where, on what condition, until when.
public struct Grant: Hashable, Sendable {
  /// An identity or a group.
  public var principal: Entity
  /// The role's id.
  public var role: String
  /// A resource path that covers itself and all below it, or `*`.
  public var scope: String
  /// A condition document, judged by `Conditions`.
  public var condition: JSONValue?
  /// The first instant at which it no longer holds; nil for no end.
  public var expiresAt: Instant?

  /// A grant.
  public init(principal: Entity, role: String, scope: String, condition: JSONValue? = nil, expiresAt: Instant? = nil) {
    self.principal = principal
    self.role = role
    self.scope = scope
    self.condition = condition
    self.expiresAt = expiresAt
  }
}

/// What a permission does where it applies.
public enum PermissionEffect: String, Hashable, Sendable, CaseIterable {
  case allow
  /// Takes away what any other permission gives; see DESIGN §5.
  case deny
}

/// One permission of a role: actions × resources, perhaps on a condition.
public struct Permission: Hashable, Sendable {
  /// What it does; default allow.
  public var effect: PermissionEffect
  /// Patterns of actions.
  public var actions: [String]
  /// Patterns of absolute resource paths; default `*`.
  public var resources: [String]
  /// A condition document.
  public var condition: JSONValue?

  /// A permission.
  public init(
    effect: PermissionEffect = .allow, actions: [String], resources: [String] = ["*"], condition: JSONValue? = nil
  ) {
    self.effect = effect
    self.actions = actions
    self.resources = resources
    self.condition = condition
  }
}

/// A role's whole value: its permissions and the roles that it includes.
public struct RoleDocument: Hashable, Sendable {
  /// The permissions; nil where the document is not known (a placeholder), which answers *unknown*.
  public var permissions: [Permission]?
  /// Ids of the included roles.
  public var includes: [String]

  /// A role document.
  public init(permissions: [Permission]?, includes: [String] = []) {
    self.permissions = permissions
    self.includes = includes
  }
}

/// What a policy is about.
public enum PolicyType: String, Hashable, Sendable, CaseIterable {
  case deny, boundary
  case separationOfDuties = "separation_of_duties"
  case elevation, review, privileged, lifetime, findings
}

/// A policy's whole value.
public struct PolicyDocument: Hashable, Sendable {
  /// What the policy is about.
  public var type: PolicyType
  /// Its rule, in the form that the type asks for.
  public var rule: JSONValue

  /// A policy document.
  public init(type: PolicyType, rule: JSONValue) {
    self.type = type
    self.rule = rule
  }
}
