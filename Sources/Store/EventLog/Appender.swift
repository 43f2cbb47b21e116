import Cryptography
import Dispatch
import Governance
import Postgres
import Relations
import Synchronization
import Temporal

/// The only way into a tenant's log: takes what has queued, decides it, writes it in one transaction, publishes it and answers.
///
/// While a transaction is on its way to the disk, what comes meanwhile is decided for the next one, in the world that this one
/// makes. Decides on the tenant's own serial queue and writes on another, never on the cooperative pool.
final class Appender: Sendable {
  /// Batches that may wait for one tenant; one more is refused at once, so that memory and waiting stay bounded.
  static let maximumWaiting = 4_096
  /// Bytes of batches that may wait for one tenant, by their canonical form; beyond it one more is refused at once.
  static let maximumWaitingBytes = 64 << 20
  /// Commands from which on nothing is added to a transaction: more would make those who wait, and the lock, wait long.
  static let commandsPerTransaction = 2_048
  /// Bytes of bodies from which on nothing is added to a transaction: they stand in memory until it is committed.
  static let bytesPerTransaction = 16 << 20
  /// How far the head may be ahead of the clock before it is reported.
  static let alarmingLeadMicroseconds: Int64 = 300_000_000
  /// How long a transaction waits for a lock, such as the head's row while another process appends or a rebuild ends.
  static let lockSeconds = 10
  /// How long one of its statements may take; the server then ends it, and surely nothing is recorded: a COMMIT is not counted.
  static let statementSeconds = 60

  /// A batch and whoever waits for its answer.
  struct Waiting: Sendable {
    let submission: Submission
    let commandID: String
    /// Made by the caller's thread: it does not depend on the world.
    let fingerprint: Fingerprint
    let done: @Sendable (Result<Receipt, SubmissionFailure>) -> Void
  }

  let replica: Replica
  let settings: EventStore.Settings
  let conninfo: String
  private let waitingBytes: Int
  private let notifier: Notifier
  private let writing: DispatchQueue
  private let state = Mutex(State())
  /// Wakes the tenant's queue where it sleeps until something comes or a transaction has landed.
  private let wakeUp = DispatchSemaphore(value: 0)

  /// What threads share.
  private struct State {
    /// What has come since `backlog` was taken.
    var incoming: [Waiting] = []
    /// What is decided next, in order.
    var backlog: ArraySlice<Waiting> = []
    var waitingBytes = 0
    var isWorking = false
    var isSleeping = false
    var isClosed = false
    /// What became of the transaction that was on its way.
    var landing: Flight.Landing?
    /// The connection that is written on; used on the tenant's queue, or for a transaction on its way.
    var connection: Connection?
    /// See ``Appender/expectsReplays``.
    var expectsReplays = false

    mutating func next() -> Waiting? {
      if backlog.isEmpty {
        backlog = incoming[...]
        incoming = []
      }
      guard let first = backlog.popFirst() else { return nil }
      waitingBytes -= first.fingerprint.byteCount
      return first
    }
  }

  init(
    replica: Replica, settings: EventStore.Settings, conninfo: String, notifier: Notifier,
    waitingBytes: Int = maximumWaitingBytes
  ) {
    self.waitingBytes = waitingBytes
    self.replica = replica
    self.settings = settings
    self.conninfo = conninfo
    self.notifier = notifier
    writing = DispatchQueue(label: "tenure.writing.\(replica.name)")
  }

  /// Queues batches; each is answered on the tenant's queue.
  ///
  /// Never blocks.
  ///
  /// - Parameter isBulk: whether the caller itself bounds how many wait.
  func submit(_ batches: [Waiting], isBulk: Bool = false) {
    let bytes = batches.reduce(0) { $0 + $1.fingerprint.byteCount }
    let refusal = state.withLock { state -> SubmissionFailure? in
      if state.isClosed { return .closed }
      if !isBulk {
        let count = state.incoming.count + state.backlog.count
        if count + batches.count > Self.maximumWaiting { return .overloaded(limit: Self.maximumWaiting) }
        // One that is larger by itself is taken where nothing else waits.
        if count > 0, state.waitingBytes + bytes > waitingBytes { return .overloadedBytes(limit: waitingBytes) }
      }
      state.incoming += batches
      state.waitingBytes += bytes
      // Within the lock: whoever closes afterwards waits on the queue behind it.
      if !state.isWorking { replica.queue.async { self.work() } }
      state.isWorking = true
      awake(&state)
      return nil
    }
    guard let refusal else { return }
    for batch in batches { batch.done(.failure(refusal)) }
  }

  /// An idempotency key of our own, for a caller who brought none: with it a lost COMMIT can be looked up.
  ///
  /// Later ones sort later, so that the index of keys grows at its end.
  func makeCommandID() -> String {
    let milliseconds = max(0, settings.clock().microseconds / 1000)
    return "internal:" + UUIDv7(milliseconds: milliseconds, random: settings.randomness(UUIDv7.randomByteCount)).description
  }

  /// Takes nothing more, and returns when everything taken is answered.
  ///
  /// Not to be called on the tenant's queue.
  func close() {
    state.withLock { $0.isClosed = true }
    replica.queue.sync { state.withLock { $0.connection = nil } }
  }

  var isClosed: Bool { state.withLock { $0.isClosed } }

  /// Whether nothing waits and nothing runs.
  var isIdle: Bool { state.withLock { $0.incoming.isEmpty && $0.backlog.isEmpty && !$0.isWorking } }

  /// Puts batches that found no room in a transaction back at the front.
  func giveBack(_ batches: some Collection<Waiting>) {
    guard !batches.isEmpty else { return }
    state.withLock { state in
      state.backlog = ArraySlice(Array(batches) + state.backlog)
      state.waitingBytes += batches.reduce(0) { $0 + $1.fingerprint.byteCount }
    }
  }

  // MARK: The connection; on the queue

  /// The connection to write on, made where there is none.
  func connect() throws -> Connection {
    if let connection = state.withLock({ $0.connection }), connection.isOpen { return connection }
    let connection = try Connection(conninfo, applicationName: "tenure append")
    try connection.execute(
      """
      SET lock_timeout = '\(Self.lockSeconds)s'; SET statement_timeout = '\(Self.statementSeconds)s';
      \(RelationChanges.planning)
      """)
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

// MARK: Working; on the queue
extension Appender {
  /// Works until nothing waits and nothing is on its way.
  private func work() {
    var flight: Flight?
    // Whoever was answered last comes again first: once that many have come, the round is likely to be whole.
    var answered = 0
    while true {
      var round = Round(appender: self, on: flight?.head ?? replica.head)
      decide(&round, isFlying: flight != nil, expecting: answered)
      var landed: Flight?
      if var flown = flight {
        flight = nil
        if let failure = flown.land(takeLanding()) {
          // What was decided in the world that it would have made is decided anew.
          giveBack(round.waiting)
          flown.round.run(from: failure)
          continue
        }
        landed = flown
      } else if round.isEmpty {
        if isOver() { return }
        continue
      }
      // The next one is on its way before those of the last are answered: the server need not wait for that.
      var trouble: Round.Outcome?
      if !round.isEmpty { (flight, trouble) = round.launch(on: writing) { self.come(in: $0) } }
      landed?.answer()
      answered = landed?.round.size ?? 0
      if let trouble { round.run(from: trouble) }
    }
  }

  /// Decides batches until the round is to be sent: while a transaction is on its way, until that one has landed.
  private func decide(_ round: inout Round, isFlying: Bool, expecting expected: Int) {
    enum Move { case take(Waiting), stop, prepare, sleep }
    var isPrepared = false
    while true {
      let move = state.withLock { state -> Move in
        if isFlying, state.landing != nil { return .stop }
        if !round.isFull, let next = state.next() { return .take(next) }
        if !isFlying { return .stop }
        if !isPrepared, round.size >= max(expected, 1) { return .prepare }
        state.isSleeping = true
        return .sleep
      }
      switch move {
      case .take(let waiting): round.decide(waiting)
      case .stop: return
      case .prepare:
        // Once: whatever comes later makes it void, and then it is made when it is sent.
        isPrepared = true
        round.prepare()
      case .sleep: wakeUp.wait()
      }
    }
  }

  /// Whether there is nothing left to do; then the next batch starts the work anew.
  private func isOver() -> Bool {
    state.withLock { state in
      state.isWorking = !state.incoming.isEmpty || !state.backlog.isEmpty
      return !state.isWorking
    }
  }

  /// Notes what became of the transaction that was on its way; on the queue that wrote it.
  private func come(in landing: Flight.Landing) {
    state.withLock { state in
      state.landing = landing
      awake(&state)
    }
  }

  private func takeLanding() -> Flight.Landing {
    state.withLock { state in
      defer { state.landing = nil }
      return state.landing ?? .failure(LostAnswer())
    }
  }

  private func awake(_ state: inout State) {
    guard state.isSleeping else { return }
    state.isSleeping = false
    wakeUp.signal()
  }
}
