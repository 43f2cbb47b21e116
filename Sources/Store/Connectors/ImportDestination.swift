public import EventLog
public import Governance
public import Temporal
public import AccessGraph

/// What an import needs of the log that it goes to: a tenant's, or in tests one in memory.
public protocol ImportDestination {
  /// The world at the head.
  associatedtype Head: World

  /// Asks the world at the head; keep it short, writers wait for it.
  func read<Answer>(_ body: (Head) throws -> Answer) throws -> Answer

  /// Records atomic batches in their order; a refusal fails its own batch only.
  func append(_ submissions: [Submission]) throws(SubmissionFailure) -> [Result<Receipt, Refusal>]

  /// Which of these command ids are recorded already.
  func recorded(commandIDs: [String]) throws -> Set<String>

  /// The command ids of a source's events that take effect at exactly that instant.
  func commandIDs(of source: String, at instant: Instant) throws -> Set<String>
}

/// A tenant's log as a destination.
public struct TenantDestination: ImportDestination {
  private let tenant: Tenant

  /// Imports go to this tenant.
  public init(_ tenant: Tenant) { self.tenant = tenant }

  /// Asks the tenant's graph at its published position.
  public func read<Answer>(_ body: (GraphWorld) throws -> Answer) throws -> Answer {
    try tenant.read { graph in try body(graph.world(asKnownAt: graph.position)) }
  }

  /// Appends, many batches to a transaction; blocks.
  public func append(_ submissions: [Submission]) throws(SubmissionFailure) -> [Result<Receipt, Refusal>] {
    try tenant.append(submissions)
  }

  /// Asks for the ids in one round trip.
  public func recorded(commandIDs: [String]) throws -> Set<String> { try tenant.recorded(commandIDs: commandIDs) }

  /// Reads the log page by page: one round trip for each thousand events.
  public func commandIDs(of source: String, at instant: Instant) throws -> Set<String> {
    var filter = LogFilter()
    filter.source = source
    filter.effectiveFrom = instant
    filter.effectiveTo = instant.next
    var ids: Set<String> = []
    var after: Int64? = 0
    while let start = after {
      let page = try tenant.log(filter, after: start, limit: 1000)
      ids.formUnion(page.events.compactMap(\.event.commandID))
      after = page.next
    }
    return ids
  }
}
