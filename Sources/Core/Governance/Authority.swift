public import Temporal

/// How Tenure came to know of a fact.
public enum Basis: String, Hashable, Sendable, CaseIterable {
  /// A configuration says so.
  case declared
  /// Seen in the system itself.
  case observed
  /// Done by Tenure's own check.
  case enforced
}

/// Who did it at the source, as the source says, and on whose behalf.
public struct Actor: Hashable, Sendable {
  /// The actor's name or id at the source.
  public var id: String
  /// Whom the actor acted for, where the source says.
  public var onBehalfOf: String?

  /// Names an actor.
  public init(id: String, onBehalfOf: String? = nil) {
    self.id = id
    self.onBehalfOf = onBehalfOf
  }
}

/// The caller or connector that wrote an event here, and how it was authenticated.
public struct Recorder: Hashable, Sendable {
  /// The caller, connector or command.
  public var id: String
  /// How it was authenticated: `local` for a process of this machine's user.
  public var authentication: String

  /// Names a recorder.
  public init(id: String, authentication: String) {
    self.id = id
    self.authentication = authentication
  }
}

/// Who approved a change, when, and where that is written.
public struct Approval: Hashable, Sendable {
  /// The approver.
  public var approver: String
  /// When it was approved; nil where not recorded.
  public var at: Instant?
  /// Where the approval is written, for instance a request id.
  public var reference: String?
  /// Whether Tenure saw the approval itself (true) or was told of it (false).
  public var verified: Bool

  /// Describes an approval.
  public init(approver: String, at: Instant? = nil, reference: String? = nil, verified: Bool = false) {
    self.approver = approver
    self.at = at
    self.reference = reference
    self.verified = verified
  }
}

/// The ticket that a change belongs to.
public struct Ticket: Hashable, Sendable {
  /// The ticket system, for instance `github` or `jira`.
  public var system: String
  /// The ticket's key there.
  public var key: String
  /// Its address, where known.
  public var url: String?

  /// Names a ticket.
  public init(system: String, key: String, url: String? = nil) {
    self.system = system
    self.key = key
    self.url = url
  }
}

/// By whose authority a change was made; what is missing is *not recorded* and never filled from its neighbour.
public struct Authority: Hashable, Sendable {
  /// Who did it at the source.
  public var actor: Actor?
  /// Who approved it.
  public var authorisedBy: Approval?
  /// Why, in words.
  public var reason: String?
  /// The ticket it belongs to.
  public var ticket: Ticket?

  /// Collects what is known; everything defaults to *not recorded*.
  public init(actor: Actor? = nil, authorisedBy: Approval? = nil, reason: String? = nil, ticket: Ticket? = nil) {
    self.actor = actor
    self.authorisedBy = authorisedBy
    self.reason = reason
    self.ticket = ticket
  }
}
