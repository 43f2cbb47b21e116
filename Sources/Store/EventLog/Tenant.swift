public import AccessGraph
import Dispatch
import Governance
public import Postgres
import Synchronization
public import Temporal

/// What a question knows: everything, or what was recorded up to a position or an instant.
public enum AsKnownAt: Hashable, Sendable {
  /// Everything recorded so far.
  case head
  /// What was recorded up to a position, without the batch that it cuts through.
  case position(Int64)
  /// What was recorded up to an instant.
  case instant(Instant)
}

/// One organisation: its log and its graph.
///
/// Calls block the calling thread unless they say otherwise.
public final class Tenant: Sendable {
  let replica: Replica
  let appender: Appender
  let pool: Pool
  let settings: EventStore.Settings
  let frozenPopulations = FrozenPopulations()
  private let hasLoaded = Mutex(false)

  init(replica: Replica, appender: Appender, pool: Pool, settings: EventStore.Settings) {
    self.replica = replica
    self.appender = appender
    self.pool = pool
    self.settings = settings
  }

  /// The tenant's name.
  public var name: String { replica.name }

  /// The tenant's number in the database.
  public var id: Int32 { replica.tenant }

  /// Whether the graph has been loaded.
  ///
  /// Never waits.
  var isLoaded: Bool { hasLoaded.withLock { $0 } }

  /// Loads the graph, unless that is done; a tenant that is degraded counts as loaded.
  func loadOnce() throws {
    try replica.queue.sync {
      if isLoaded { return }
      do {
        try pool.withConnection { try replica.load(on: $0) }
      } catch EventLogError.degraded {
        // Found and alarmed; every question and command says so.
      }
      hasLoaded.withLock { $0 = true }
    }
  }

  /// Lends a connection of the service role, for what stands beside the log and belongs to the tenant.
  public func withConnection<T>(_ body: (Connection) throws -> T) throws -> T { try pool.withConnection(body) }

  // MARK: The graph

  /// Lends the graph to a question, on the caller's thread; others read at the same time.
  ///
  /// Keep it short: appends wait meanwhile.
  ///
  /// - Throws: ``EventLogError/degraded(_:)``, or what the body throws.
  @inlinable
  public func read<T>(_ body: (AccessGraph) throws -> T) throws -> T {
    // Inlined so that the answer's type is known where the question is asked; generic code copies it several times.
    var answer: T?
    try lend { graph in answer = try body(graph) }
    guard let answer else { preconditionFailure("the graph was lent") }
    return answer
  }

  /// Whether ``read(_:)`` waits for no other question: it does where a change has waited for several of them.
  ///
  /// Never waits. A glance: the next moment it may be otherwise.
  public var isReadable: Bool { replica.graph.isOpenToReaders }

  @usableFromInline
  func lend(_ body: (AccessGraph) throws -> Void) throws {
    try replica.requireSound()
    try replica.graph.read { graph throws(any Error) in try body(graph) }
  }

  /// Where the log ends, as published here.
  ///
  /// Never waits.
  public var head: Head { replica.head }

  /// The event at which the tenant has stopped; nil while all is well.
  ///
  /// Never waits.
  public var degraded: UndecodableEvent? { replica.degraded }

  /// The default of `at`: the clock, or the head's `recorded_at` where that is later.
  ///
  /// Never waits.
  public var now: Instant { max(settings.clock(), head.recordedAt ?? .earliest) }

  /// The position up to which a question knows; never one within a batch.
  ///
  /// The head costs nothing; anything else one round trip.
  /// - Throws: ``EventLogError/futurePosition(asked:head:)`` for a position above the head or below 0.
  public func position(_ asKnownAt: AsKnownAt) throws -> Int64 {
    let head = head
    switch asKnownAt {
    case .head: return head.position
    case .position(let asked):
      guard (0...head.position).contains(asked) else {
        throw EventLogError.futurePosition(asked: asked, head: head.position)
      }
      if asked == head.position || asked == 0 { return asked }
      return try lastPosition(
        """
        SELECT CASE WHEN n.recorded_at > e.recorded_at THEN e.position
          ELSE tenure.position_recorded_by(e.tenant_id, e.recorded_at - interval '1 microsecond') END
        FROM tenure.event e JOIN tenure.event n ON n.tenant_id = e.tenant_id AND n.position = e.position + 1
        WHERE e.tenant_id = \(id) AND e.position = \(asked)
        """)
    case .instant(let instant):
      guard let last = head.recordedAt, instant < last else { return head.position }
      return try lastPosition("SELECT tenure.position_recorded_by(\(id), \(instant.timestamp))")
    }
  }

  private func lastPosition(_ statement: SQL) throws -> Int64 {
    try pool.withConnection { try $0.query(statement).first?.optionalInt64(0) ?? 0 }
  }

  /// Reads what other processes have appended.
  public func catchUp() throws {
    try replica.queue.sync { try pool.withConnection { try replica.catchUp(on: $0) } }
  }

  /// Waits until the position is published; false if the time is over first, or the tenant stops.
  public func wait(for position: Int64, timeoutMilliseconds: Int) -> Bool {
    let answer = Answer<Bool>()
    whenReached(position, timeoutMilliseconds: timeoutMilliseconds) { answer.give($0) }
    return answer.wait()
  }

  /// Calls back once the position is published (true), or the time is over or the tenant has stopped (false).
  ///
  /// Never blocks. The call comes on a queue of the tenant, which waits for it: keep it short.
  public func whenReached(_ position: Int64, timeoutMilliseconds: Int, _ done: @escaping @Sendable (Bool) -> Void) {
    // Another process may have appended it: ask now instead of waiting for the follower.
    if head.position < position { replica.catchUpSoon(pool) }
    replica.whenReached(position, timeoutMilliseconds: timeoutMilliseconds, done)
  }
}
