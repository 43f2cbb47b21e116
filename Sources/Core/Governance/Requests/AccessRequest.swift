public import JSON
public import Temporal

/// One step of an access request, each an event type such as `request.submitted`.
public enum RequestStep: String, Hashable, Sendable, CaseIterable {
  case submitted, revised, approved, denied, withdrawn, claimed, lapsed, failed, ended
}

/// Where an access request stands.
public enum RequestState: String, Hashable, Sendable, CaseIterable {
  /// Waits for approvals.
  case pending
  /// Approved, and waits to be claimed.
  case approved
  /// What was asked for is granted, now or from its beginning on.
  case active
  /// What was asked for has been done, and there is nothing of its own that could end: a revision, an extension.
  case applied
  case denied, withdrawn
  /// Nobody decided or claimed it in time.
  case lapsed
  /// It was approved, and a rule forbade the rest.
  case failed
  /// What it granted has ended.
  case ended

  /// Whether nothing can become of it any more.
  public var isFinal: Bool {
    switch self {
    case .pending, .approved, .active: false
    case .applied, .denied, .withdrawn, .lapsed, .failed, .ended: true
    }
  }
}

/// What an access request asks for: a change that somebody with the right to would command.
public enum RequestProposal: Hashable, Sendable {
  /// A role on a scope; the assignment gets the id of the request.
  case assignment(principal: Entity, role: String, scope: String, condition: JSONValue?)
  /// Membership in a group.
  case membership(group: String, member: Entity)
  /// A later end of an assignment that holds.
  case assignmentExtension(assignment: String)
  /// Another document of a role.
  case role(id: String, RoleDocument)
  /// Another document of a policy.
  case policy(id: String, PolicyDocument)

  /// Whether it grants something that has an end of its own.
  public var isGrant: Bool {
    switch self {
    case .assignment, .membership: true
    case .assignmentExtension, .role, .policy: false
    }
  }
}

/// When the access that is asked for begins.
public enum RequestStart: Hashable, Sendable {
  /// With the last approval: time spent waiting for it is nobody's loss.
  case onApproval
  /// When it is first claimed, within the claim window.
  case onClaim
  /// At a time; if the approval comes later, with the approval, and it ends no later for that.
  case at(Instant)
}

/// What the requester says; a change of it voids the approvals.
public struct RequestTerms: Hashable, Sendable {
  /// The identity that asks.
  public var requester: String
  /// What it asks for.
  public var proposal: RequestProposal
  /// The elevation policy that it asks under.
  public var policy: String
  /// The work window: how long the access lasts once it has begun; nil for standing access and for revisions.
  public var durationSeconds: Int64?
  /// When the access begins.
  public var start: RequestStart
  /// What is known of the request, the keys without `request.`.
  public var context: JSONObject

  /// Terms; what is left out has its default: at once, for standing access, and nothing known of the request.
  public init(
    requester: String, proposal: RequestProposal, policy: String, durationSeconds: Int64? = nil,
    start: RequestStart = .onApproval, context: JSONObject = JSONObject()
  ) {
    self.requester = requester
    self.proposal = proposal
    self.policy = policy
    self.durationSeconds = durationSeconds
    self.start = start
    self.context = context
  }
}

/// One approval of an access request.
public struct RequestApproval: Hashable, Sendable {
  /// Who approved.
  public var approver: String
  /// When.
  public var at: Instant

  /// An approval.
  public init(approver: String, at: Instant) {
    self.approver = approver
    self.at = at
  }
}

/// What has become of an access request; decided, never said by a caller.
public struct RequestProgress: Hashable, Sendable {
  /// Where it stands by its events; what follows from the clock is in ``World/request(_:at:)``.
  public var state: RequestState
  /// When it was submitted.
  public var submittedAt: Instant
  /// The one instant at which it ends by itself; nil for never, and in a final state when that came about.
  ///
  /// Unapproved or unclaimed it lapses then, active its access ends.
  public var expiresAt: Instant?
  /// The approvals that count, in their order; empty where the policy lets it approve itself.
  public var approvals: [RequestApproval]
  /// When the access began or begins; nil while it is not granted.
  public var begunAt: Instant?
  /// The version of the policy under which it was judged last, by the position of its event.
  public var policyPosition: Int64
  /// Whether it was granted at once to be reviewed afterwards.
  public var isBreakGlass: Bool
  /// Why, as the requester said.
  public var reason: String?
  /// The ticket that the requester named.
  public var ticket: Ticket?
  /// The rule that made it fail.
  public var failure: RequestFailure?

  /// Progress with all its parts.
  public init(
    state: RequestState, submittedAt: Instant, expiresAt: Instant?, approvals: [RequestApproval], begunAt: Instant? = nil,
    policyPosition: Int64, isBreakGlass: Bool, reason: String?, ticket: Ticket?, failure: RequestFailure? = nil
  ) {
    self.state = state
    self.submittedAt = submittedAt
    self.expiresAt = expiresAt
    self.approvals = approvals
    self.begunAt = begunAt
    self.policyPosition = policyPosition
    self.isBreakGlass = isBreakGlass
    self.reason = reason
    self.ticket = ticket
    self.failure = failure
  }
}

/// The rule that made an access request fail after its approval.
public struct RequestFailure: Hashable, Sendable {
  /// The code of the refusal.
  public var code: String
  /// Its sentence.
  public var message: String

  /// A failure.
  public init(code: String, message: String) {
    self.code = code
    self.message = message
  }
}

/// An access request: whole, as each of its events writes it.
public struct AccessRequest: Hashable, Sendable {
  /// The step that came last.
  public var step: RequestStep
  /// What is asked for.
  public var terms: RequestTerms
  /// What has become of it; nil only in a command, which proposes it.
  public var progress: RequestProgress?

  /// A request; as proposed where there is no progress.
  public init(step: RequestStep, terms: RequestTerms, progress: RequestProgress? = nil) {
    self.step = step
    self.terms = terms
    self.progress = progress
  }
}
