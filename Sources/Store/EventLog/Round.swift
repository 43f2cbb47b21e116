import AccessGraph
import Dispatch
import Governance
import Postgres
import Relations
import Schema

/// One transaction's worth of batches on their way into the log; on the tenant's queue.
struct Round {
  /// Attempts after a lost connection, each on a new one; with the pauses about three seconds, a restart of PostgreSQL.
  static let maximumConnections = 6
  /// Attempts to learn the outcome of a COMMIT; with the pauses about half a minute, for here nothing may be guessed.
  static let maximumInquiries = 20
  /// The longest pause between two attempts.
  static let longestPauseMilliseconds = 2_000
  /// Attempts that other processes may disturb; from the second on the head row is locked first, so that this is never reached
  /// unless something else than the race is wrong.
  static let maximumRaces = 20

  let appender: Appender
  /// The batches, in order.
  private(set) var waiting: [Appender.Waiting] = []
  /// What was decided about them so far.
  var verdicts: Verdicts
  /// What is to be sent, where it was made ahead.
  private var prepared: [SQL]?
  private var replica: Replica { appender.replica }

  /// A round without batches.
  ///
  /// - Parameter head: the head that the graph stands at, with what is applied tentatively.
  init(appender: Appender, on head: Head) {
    self.appender = appender
    verdicts = Verdicts(replica: appender.replica, settings: appender.settings, on: head)
  }

  var isEmpty: Bool { waiting.isEmpty }

  /// How many batches it has.
  var size: Int { waiting.count }

  /// Whether a transaction has no room for more.
  var isFull: Bool { verdicts.isFull }

  /// Adds a batch and decides it.
  mutating func decide(_ batch: Appender.Waiting) {
    prepared = nil
    waiting.append(batch)
    verdicts.decide(batch)
  }

  /// Makes what is to be sent, while nothing else is to be done: the server then need not wait for it.
  mutating func prepare() {
    let statements = verdicts.statements
    if !verdicts.batches.isEmpty, statements.fitsOnePipeline { prepared = statements.pipeline }
  }

  /// What became of an attempt.
  enum Outcome {
    case written(Verdicts)
    /// Some of the keys were recorded before.
    case replayed(CommandKeys)
    /// Another process was first: catch up and decide again.
    case raced
    /// The connection was lost and surely nothing was recorded.
    case lost(String)
    /// The connection was lost after COMMIT was sent.
    case unknown(Verdicts, String)
    /// Nothing was recorded, and trying again would not help.
    case failed(SubmissionFailure)
  }

  /// Brings the round to an end, whatever happens, and answers everyone; nothing is on its way meanwhile.
  ///
  /// - Parameter first: what became of the first attempt.
  func run(from first: Outcome) {
    var races = 0
    var losses = 0
    var outcome = first
    while true {
      var keys: CommandKeys?
      switch outcome {
      case .written(let verdicts):
        if !verdicts.batches.isEmpty { replica.publish(verdicts.head) }
        return finish(verdicts)
      case .replayed(let found): keys = found
      case .failed(let failure): return answerAll(failure)
      case .raced:
        races += 1
        guard races < Self.maximumRaces else {
          return answerAll(.nothingRecorded("other processes were first \(races) times"))
        }
      case .lost(let why):
        losses += 1
        guard losses < Self.maximumConnections, !appender.isClosed else { return answerAll(.nothingRecorded(why)) }
        Self.pause(losses)
      case .unknown(let verdicts, let why):
        switch resolve(verdicts.batches) {
        case .present: return finish(verdicts)
        case .absent:
          races += 1
          guard races < Self.maximumRaces else {
            return answerAll(.nothingRecorded("the database was lost \(races) times: \(why)"))
          }
        case .unreachable: return answerUnknown(why)
        }
      }
      outcome = attempt(isLocking: races > 0, keys)
    }
  }

  /// Answers everyone once their batches are on disk.
  func finish(_ verdicts: Verdicts) {
    if !verdicts.batches.isEmpty { appender.announce(verdicts.head) }
    if let damage = verdicts.damage { appender.settings.alarm(.relationsDamaged(tenant: replica.name, damage)) }
    for (waiting, answer) in zip(waiting, verdicts.answers) { waiting.done(answer) }
    // Those that found no room in this transaction.
    appender.giveBack(waiting[verdicts.answers.count...])
  }

  private func answerAll(_ failure: SubmissionFailure) {
    for waiting in waiting { waiting.done(.failure(failure)) }
  }

  private func answerUnknown(_ why: String) {
    for waiting in waiting { waiting.done(.failure(.outcomeUnknown(commandID: waiting.commandID, why))) }
  }

  /// Waits before the next attempt, longer each time.
  private static func pause(_ attempt: Int) {
    let milliseconds = min(longestPauseMilliseconds, 50 << min(attempt, 10))
    _ = DispatchSemaphore(value: 0).wait(timeout: .now() + .milliseconds(milliseconds))
  }
}

// MARK: The first attempt
extension Round {
  /// Sends what was decided on its way, without locking anything: what others did meanwhile makes the transaction fail.
  ///
  /// Answers at once where there is nothing to write.
  /// - Parameters:
  ///   - queue: where it is written.
  ///   - landed: told there what became of it.
  /// - Returns: the flight, or how it failed before it began; neither where everyone was answered.
  func launch(
    on queue: DispatchQueue, _ landed: @escaping @Sendable (Flight.Landing) -> Void
  ) -> (Flight?, Outcome?) {
    do {
      if let event = replica.degraded { throw EventLogError.degraded(event) }
      let connection = try appender.connect()
      // Keys are looked up only where that can change an answer: nearly all are new, and one that is not, and yet makes events,
      // is refused by the table of keys, after which the next attempt looks all of them up.
      if appender.expectsReplays || verdicts.hasKeysInDoubt {
        let keys = try lookUp(on: connection)
        if !keys.isEmpty {
          replica.graph.change { $0.undo() }
          return (nil, .replayed(keys))
        }
      }
      try checkRefusals(verdicts, on: connection)
      if verdicts.batches.isEmpty {
        finish(verdicts)
        return (nil, nil)
      }
      let finish = try Self.send(verdicts.statements, prepared, on: connection, appender.settings)
      queue.async { landed(Result { try finish() }) }
      return (Flight(self), nil)
    } catch {
      return (nil, failed(error))
    }
  }

  /// A refusal is an answer about the world: it must not come from one that others have changed.
  private func checkRefusals(_ verdicts: Verdicts, on connection: Connection) throws {
    guard verdicts.hasRefusals else { return }
    if try Head.read(replica.tenant, on: connection) != verdicts.before { throw Raced() }
  }

  /// Sends what is to be written; what is given back waits until it is on disk, or writes it where that takes several steps.
  private static func send(
    _ statements: AppendStatements, _ prepared: [SQL]? = nil, on connection: Connection, _ settings: EventStore.Settings
  ) throws -> @Sendable () throws -> RelationsDamage? {
    guard statements.fitsOnePipeline else {
      return {
        let damage = try connection.transaction { connection in
          let damage = try statements.write(on: connection)
          try settings.fault?(.beforeCommit, connection)
          return damage
        }
        try settings.fault?(.afterCommit, connection)
        return damage
      }
    }
    try settings.fault?(.beforeCommit, connection)
    let sent = try connection.send(pipeline: prepared ?? statements.pipeline)
    return {
      let damage = try statements.finish(sent, on: connection)
      try settings.fault?(.afterCommit, connection)
      return damage
    }
  }

  /// Takes back what is tentative and says what a failure means.
  func failed(_ error: any Error) -> Outcome {
    replica.graph.change { $0.undo() }
    return outcome(of: error, verdicts)
  }
}

// MARK: Further attempts
extension Round {
  /// - Parameter keys: those recorded before, where they were just looked up.
  private func attempt(isLocking: Bool, _ keys: CommandKeys?) -> Outcome {
    if let event = replica.degraded { return .failed(.degraded(event)) }
    var verdicts = Verdicts(replica: replica, settings: appender.settings, on: replica.head)
    do {
      let connection = try appender.connect()
      if isLocking {
        try connection.transaction { try write(on: $0, &verdicts) }
        if !verdicts.batches.isEmpty { try appender.settings.fault?(.afterCommit, connection) }
      } else {
        decide(&verdicts, on: replica.head, try keys ?? lookUp(on: connection))
        try checkRefusals(verdicts, on: connection)
        if !verdicts.batches.isEmpty {
          verdicts.damage = try Self.send(verdicts.statements, on: connection, appender.settings)()
        }
      }
      return .written(verdicts)
    } catch {
      replica.graph.change { $0.undo() }
      return outcome(of: error, verdicts)
    }
  }

  /// With the head row locked: nobody can be first any more.
  private func write(on connection: Connection, _ verdicts: inout Verdicts) throws {
    guard let head = try Head.read(replica.tenant, on: connection, isLocking: true) else {
      throw EventLogError.headMissing(tenant: replica.name)
    }
    try replica.catchUp(to: head, on: connection)
    decide(&verdicts, on: head, try lookUp(on: connection))
    guard !verdicts.batches.isEmpty else { return }
    verdicts.damage = try verdicts.statements.write(on: connection)
    try appender.settings.fault?(.beforeCommit, connection)
  }

  private func lookUp(on connection: Connection) throws -> CommandKeys {
    let keys = try CommandKeys(waiting.compactMap(\.submission.commandID), tenant: replica.tenant, on: connection)
    appender.expectsReplays = !keys.isEmpty
    return keys
  }

  /// Decides as many batches as one transaction may hold.
  private func decide(_ verdicts: inout Verdicts, on head: Head, _ keys: CommandKeys) {
    verdicts = Verdicts(replica: replica, settings: appender.settings, on: head, keys: keys)
    for waiting in waiting where !verdicts.isFull { verdicts.decide(waiting) }
  }

  private func outcome(of error: any Error, _ verdicts: Verdicts) -> Outcome {
    switch error {
    case is Raced: return .raced
    case is LostAnswer:
      appender.disconnect()
      return .unknown(verdicts, "the answer was lost")
    case EventLogError.degraded(let event): return .failed(.degraded(event))
    case let error as PostgresError:
      // 23505: the same idempotency key was recorded by another process meanwhile.
      let state = error.sqlState ?? ""
      if state == SQLState.headMoved || state == "23505" || state.hasPrefix("40") { return .raced }
      let isLost = error.code == .connectionLost || error.code == .connectionFailed
      // The server itself is in trouble or ended our session, perhaps after it wrote the commit.
      let isInTrouble = ["53", "57P01", "57P02", "58", "XX"].contains { state.hasPrefix($0) }
      // Whatever is no plain answer leaves the connection in doubt; a new one costs a moment.
      if isLost || isInTrouble || error.isRetryable || error.code == .protocolViolation { appender.disconnect() }
      if error.commitOutcomeUnknown || isInTrouble, !verdicts.batches.isEmpty { return .unknown(verdicts, error.description) }
      return isLost || error.isRetryable ? .lost(error.description) : .failed(.nothingRecorded(error.description))
    default:
      appender.disconnect()
      return .failed(.nothingRecorded("\(error)"))
    }
  }
}

// MARK: A lost COMMIT
extension Round {
  /// What became of a transaction whose COMMIT was not answered.
  private enum Finding { case present, absent, unreachable }

  /// Learns it on a new connection: locking the head row waits for the old transaction; the idempotency keys tell whether it
  /// came through; if not, the raised epoch keeps it from coming through later.
  private func resolve(_ batches: [DecidedBatch]) -> Finding {
    let keys = batches.map(\.commandID)
    for inquiry in 1...Self.maximumInquiries {
      do {
        let connection = try appender.connect()
        let isPresent = try connection.transaction { connection in
          _ = try Head.read(replica.tenant, on: connection, isLocking: true)
          if try CommandKeys(keys, tenant: replica.tenant, on: connection).contains(all: batches) { return true }
          try connection.run("UPDATE tenure.head SET epoch = epoch + 1 WHERE tenant_id = \(replica.tenant)")
          return false
        }
        guard isPresent else { return .absent }
        // What fails here is no doubt about the outcome; the next round or the follower catches up.
        _ = try? replica.catchUp(on: connection)
        return .present
      } catch {
        appender.disconnect()
        Self.pause(inquiry)
      }
    }
    return .unreachable
  }
}

/// The head is not where the graph stands.
private struct Raced: Error {}
