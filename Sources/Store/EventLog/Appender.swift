import Cryptography
import Dispatch
import Governance
import Postgres
import Relations
import Synchronization
import Temporal

/// The only way into a tenant's log: takes what has queued while the last transaction ran, decides it, writes it in one
/// transaction, publishes it and answers.
///
/// Works on the tenant's own serial queue, never on the cooperative pool.
final class Appender: Sendable {
  /// Batches that may wait for one tenant; one more is refused at once, so that memory and waiting stay bounded.
  static let maximumWaiting = 4_096
  /// Commands of one transaction, unless a single batch has more: more would make those who wait, and the lock, wait long.
  static let commandsPerTransaction = 10_000
  /// Bytes of bodies of one transaction, unless a single batch has more: they stand in memory until it is committed.
  static let bytesPerTransaction = 16 << 20
  /// How far the head may be ahead of the clock before it is reported.
  static let alarmingLeadMicroseconds: Int64 = 300_000_000

  /// A batch and whoever waits for its answer.
  struct Waiting: Sendable {
    let submission: Submission
    let commandID: String
    let done: @Sendable (Result<Receipt, SubmissionFailure>) -> Void
  }

  let replica: Replica
  let settings: EventStore.Settings
  let conninfo: String
  private let notifier: Notifier
  private let state = Mutex(State())

  /// What threads share.
  private struct State {
    var waiting: [Waiting] = []
    var isWorking = false
    var isClosed = false
    /// The connection that is written on; used on the tenant's queue only.
    var connection: Connection?
    /// See ``Appender/expectsReplays``.
    var expectsReplays = false
  }

  init(replica: Replica, settings: EventStore.Settings, conninfo: String, notifier: Notifier) {
    self.replica = replica
    self.settings = settings
    self.conninfo = conninfo
    self.notifier = notifier
  }

  /// Queues batches; each is answered on the tenant's queue.
  ///
  /// Never blocks.
  ///
  /// - Parameter isBulk: whether the caller itself bounds how many wait.
  func submit(_ batches: [Waiting], isBulk: Bool = false) {
    enum Place { case queued, full, closed }
    let place = state.withLock { state -> Place in
      if state.isClosed { return .closed }
      if !isBulk, state.waiting.count + batches.count > Self.maximumWaiting { return .full }
      state.waiting += batches
      // Within the lock: whoever closes afterwards waits on the queue behind it.
      if !state.isWorking { replica.queue.async { self.work() } }
      state.isWorking = true
      return .queued
    }
    switch place {
    case .queued: break
    case .full: for batch in batches { batch.done(.failure(.overloaded(limit: Self.maximumWaiting))) }
    case .closed: for batch in batches { batch.done(.failure(.closed)) }
    }
  }

  /// An idempotency key of our own, for a caller who brought none: with it a lost COMMIT can be looked up.
  func makeCommandID() -> String { "internal:" + Hexadecimal.encode(settings.randomness(16)) }

  /// Takes nothing more, and returns when everything taken is answered.
  ///
  /// Not to be called on the tenant's queue.
  func close() {
    state.withLock { $0.isClosed = true }
    replica.queue.sync { state.withLock { $0.connection = nil } }
  }

  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Works until nothing waits.
  private func work() {
    while true {
      let round = takeRound()
      if round.isEmpty { return }
      Round(appender: self, waiting: round).run()
    }
  }

  private func takeRound() -> [Waiting] {
    state.withLock { state in
      var commands = 0
      var count = 0
      for batch in state.waiting {
        commands += batch.submission.commands.count
        if count > 0, commands > Self.commandsPerTransaction { break }
        count += 1
      }
      defer { state.waiting.removeFirst(count) }
      if count == 0 { state.isWorking = false }
      return Array(state.waiting.prefix(count))
    }
  }

  /// Puts batches that found no room in a transaction back at the front.
  func giveBack(_ batches: some Collection<Waiting>) {
    state.withLock { $0.waiting.insert(contentsOf: batches, at: 0) }
  }

  // MARK: The connection; on the queue

  /// The connection to write on, made where there is none.
  func connect() throws -> Connection {
    if let connection = state.withLock({ $0.connection }), connection.isOpen { return connection }
    let connection = try Connection(conninfo, applicationName: "tenure append")
    try connection.execute(RelationChanges.planning)
    state.withLock { $0.connection = connection }
    return connection
  }

  /// Whether the last keys looked up were recorded before: then those of the next round are likely to be, for somebody sends
  /// many batches again.
  var expectsReplays: Bool {
    get { state.withLock { $0.expectsReplays } }
    set { state.withLock { $0.expectsReplays = newValue } }
  }

  /// Gives a connection up whose state is not known.
  func disconnect() { state.withLock { $0.connection = nil } }

  /// Tells other processes, and the operator if the clock is far behind.
  func announce(_ head: Head) {
    notifier.notify(replica.tenant)
    guard let recordedAt = head.recordedAt else { return }
    let lead = settings.clock().distance(to: recordedAt)
    if lead > Self.alarmingLeadMicroseconds { settings.alarm(.headAhead(tenant: replica.name, microseconds: lead)) }
  }
}
