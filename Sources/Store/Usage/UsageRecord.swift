import Governance
public import Temporal

/// What came of a use.
public enum UsageOutcome: String, Hashable, Sendable, CaseIterable {
  /// It was permitted and done.
  case allowed
  /// It was refused for lack of access.
  case denied
  /// It was permitted, and went wrong for another reason.
  case failed
}

/// Evidence that an identity exercised an action, as a source tells it.
public struct UsageRecord: Hashable, Sendable {
  /// What the source calls it; the same id means the same use.
  public var id: String
  /// When it was, by the source's clock.
  public var at: Instant
  /// Who did it; of a session, as whom it acts.
  public var identity: String
  /// What was done, as permissions name it.
  public var action: String
  /// What was done, as the source names it; nil where it has no name of its own for it.
  public var sourceAction: String?
  /// With what; nil where the source names nothing.
  public var resource: String?
  /// Whether the resource was concluded from what the source says, and not said by it.
  ///
  /// It may be concluded better another time, which makes no other record of it: it is no part of what the record says.
  public var isResourceDerived: Bool
  /// The session that acted, a credential of kind session.
  public var session: String?
  /// The key, token or password that it was done with.
  public var credential: String?
  /// Where the caller was: an IP address, or a service's name.
  public var address: String?
  /// The program that called.
  public var agent: String?
  /// What came of it.
  public var outcome: UsageOutcome
  /// The source's word for what went wrong.
  public var errorCode: String?

  /// A use; what is left out the source does not say.
  public init(
    id: String, at: Instant, identity: String, action: String, sourceAction: String? = nil, resource: String? = nil,
    isResourceDerived: Bool = false, session: String? = nil, credential: String? = nil, address: String? = nil,
    agent: String? = nil,
    outcome: UsageOutcome = .allowed, errorCode: String? = nil
  ) {
    self.id = id
    self.at = at
    self.identity = identity
    self.action = action
    self.sourceAction = sourceAction
    self.resource = resource
    self.isResourceDerived = isResourceDerived
    self.session = session
    self.credential = credential
    self.address = address
    self.agent = agent
    self.outcome = outcome
    self.errorCode = errorCode
  }
}

/// The limits of usage, each with its reason; the error names the limit that was hit.
public enum UsageLimits {
  /// Records of one batch: one transaction, some tenths of a second.
  public static let recordsPerBatch = 10_000
  /// Days that the records of one batch may be of: each is a partition whose tables and indexes the transaction locks.
  public static let daysPerBatch = 31
  /// Bytes of an action's name: identity, action and resource stand together in one entry of a B-tree (2,704 bytes).
  public static let actionBytes = 256
  /// Bytes of a resource: the longest object key of S3 in the longest bucket, below its account.
  public static let resourceBytes = 1_536
  /// Bytes of an address: a host's name at the longest.
  public static let addressBytes = 256
  /// Bytes of an agent: longer ones say nothing more of use.
  public static let agentBytes = 1_024
  /// Bytes of an error code.
  public static let errorCodeBytes = 256
  /// How far a use may lie ahead of the present: clocks differ by minutes, not by hours.
  public static let skewMicroseconds: Int64 = 3_600_000_000
}

/// A field of a record that cannot be stored.
struct UsageFieldProblem: Error {
  let field: String
  let problem: String
}

extension UsageRecord {
  /// Refuses what cannot be stored.
  func validate() throws(UsageFieldProblem) {
    try check(id, "id", Limits.identifierBytes)
    try check(identity, "identity", Limits.identifierBytes)
    try check(action, "action", UsageLimits.actionBytes)
    try check(sourceAction, "source_action", UsageLimits.actionBytes)
    try check(resource, "resource", UsageLimits.resourceBytes)
    try check(session, "session", Limits.identifierBytes)
    try check(credential, "credential", Limits.identifierBytes)
    try check(address, "address", UsageLimits.addressBytes)
    try check(agent, "agent", UsageLimits.agentBytes)
    try check(errorCode, "error_code", UsageLimits.errorCodeBytes)
  }

  private func check(_ text: String?, _ field: String, _ maximum: Int) throws(UsageFieldProblem) {
    guard let text else { return }
    if text.isEmpty { throw UsageFieldProblem(field: field, problem: "must not be empty; leave it out where it is not known") }
    if text.utf8.count > maximum { throw UsageFieldProblem(field: field, problem: "must be at most \(maximum) bytes") }
    if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
      throw UsageFieldProblem(field: field, problem: "must not contain control characters")
    }
  }
}
