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
  let waiting: [Appender.Waiting]
  private var replica: Replica { appender.replica }

  init(appender: Appender, waiting: [Appender.Waiting]) {
    self.appender = appender
    self.waiting = waiting
  }

  /// What became of an attempt.
  private enum Outcome {
    case written(Verdicts)
    /// Another process was first: catch up and decide again.
    case raced
    /// The connection was lost and surely nothing was recorded.
    case lost(String)
    /// The connection was lost after COMMIT was sent.
    case unknown(Verdicts, String)
    /// Nothing was recorded, and trying again would not help.
    case failed(SubmissionFailure)
  }

  /// Brings the round to an end, whatever happens, and answers everyone.
  func run() {
    var races = 0
    var losses = 0
    while true {
      switch attempt(isLocking: races > 0) {
      case .written(let verdicts):
        if !verdicts.batches.isEmpty { replica.publish(verdicts.head) }
        return finish(verdicts)
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
    }
  }

  /// Answers everyone once their batches are on disk.
  private func finish(_ verdicts: Verdicts) {
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

// MARK: One attempt
extension Round {
  private func attempt(isLocking: Bool) -> Outcome {
    if let event = replica.degraded { return .failed(.degraded(event)) }
    var verdicts = Verdicts(head: replica.head)
    do {
      let connection = try appender.connect()
      if isLocking {
        try connection.transaction { try write(on: $0, &verdicts) }
      } else {
        try writeOptimistically(on: connection, &verdicts)
      }
      if !verdicts.batches.isEmpty { try appender.settings.fault?(.afterCommit, connection) }
      return .written(verdicts)
    } catch {
      replica.graph.change { $0.undo() }
      return outcome(of: error, verdicts)
    }
  }

  /// Without locking anything first: what others did meanwhile makes the transaction fail.
  private func writeOptimistically(on connection: Connection, _ verdicts: inout Verdicts) throws {
    // Keys are looked up only where that can change an answer: nearly all are new, and one that is not, and yet makes events,
    // is refused by the table of keys, after which the locked attempt looks all of them up.
    let isLookedUp = appender.expectsReplays
    decide(&verdicts, isLookedUp ? try lookUp(on: connection) : CommandKeys())
    if !isLookedUp, verdicts.hasKeysInDoubt {
      let keys = try lookUp(on: connection)
      if !keys.isEmpty {
        replica.graph.change { $0.undo() }
        verdicts = Verdicts(head: replica.head)
        decide(&verdicts, keys)
      }
    }
    if verdicts.hasRefusals {
      // A refusal is an answer about the world: it must not come from one that others have changed.
      let head = try Head.read(replica.tenant, on: connection)
      if head != replica.head { throw Raced() }
    }
    guard !verdicts.batches.isEmpty else { return }
    let statements = verdicts.statements(after: replica.head, tenant: replica.tenant)
    if statements.fitsOnePipeline {
      try appender.settings.fault?(.beforeCommit, connection)
      verdicts.damage = try statements.writeAtOnce(on: connection)
    } else {
      verdicts.damage = try connection.transaction { connection in
        let damage = try statements.write(on: connection)
        try appender.settings.fault?(.beforeCommit, connection)
        return damage
      }
    }
  }

  /// With the head row locked: nobody can be first any more.
  private func write(on connection: Connection, _ verdicts: inout Verdicts) throws {
    guard let head = try Head.read(replica.tenant, on: connection, isLocking: true) else {
      throw EventLogError.headMissing(tenant: replica.name)
    }
    try replica.catchUp(to: head, on: connection)
    verdicts = Verdicts(head: head)
    decide(&verdicts, try lookUp(on: connection))
    guard !verdicts.batches.isEmpty else { return }
    verdicts.damage = try verdicts.statements(after: head, tenant: replica.tenant).write(on: connection)
    try appender.settings.fault?(.beforeCommit, connection)
  }

  private func lookUp(on connection: Connection) throws -> CommandKeys {
    let keys = try CommandKeys(waiting.compactMap(\.submission.commandID), tenant: replica.tenant, on: connection)
    appender.expectsReplays = !keys.isEmpty
    return keys
  }

  /// Decides as many batches as one transaction may hold.
  private func decide(_ verdicts: inout Verdicts, _ known: CommandKeys) {
    var keys = known
    var decider = Decider(replica: replica, settings: appender.settings, head: verdicts.head)
    var bytes = 0
    for waiting in waiting {
      if bytes > Appender.bytesPerTransaction { break }
      do throws(Refusal) {
        if let receipt = try keys.replay(of: waiting.submission) {
          verdicts.answers.append(.success(receipt))
          continue
        }
        let batch = try decider.decide(waiting.submission, commandID: waiting.commandID)
        verdicts.answers.append(.success(batch.receipt(after: decider.head.position)))
        // A batch without events changes nothing, and is decided afresh if it comes again.
        if batch.events.isEmpty {
          if waiting.submission.commandID != nil { verdicts.hasKeysInDoubt = true }
          continue
        }
        bytes += batch.events.reduce(0) { $0 + $1.body.utf8.count }
        keys.add(batch)
        verdicts.batches.append(batch)
      } catch {
        verdicts.hasRefusals = true
        if waiting.submission.commandID != nil { verdicts.hasKeysInDoubt = true }
        verdicts.answers.append(.failure(.refused(error)))
      }
    }
    verdicts.head = decider.head
    verdicts.relations = decider.relations
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

/// What was decided about the batches that found room in one transaction.
private struct Verdicts {
  /// One for each batch, in order.
  var answers: [Result<Receipt, SubmissionFailure>] = []
  /// Those with something to write.
  var batches: [DecidedBatch] = []
  var relations = RelationChanges()
  /// The head before and, once decided, after them.
  var head: Head
  var hasRefusals = false
  /// Whether a batch that brought a key was refused or made no events: it may have been recorded before.
  var hasKeysInDoubt = false
  /// A sign that the relation tables were damaged before.
  var damage: RelationsDamage?

  init(head: Head) { self.head = head }

  func statements(after before: Head, tenant: Int32) -> AppendStatements {
    AppendStatements(tenant: tenant, before: before, batches: batches, relations: relations)
  }
}

/// The head is not where the graph stands.
private struct Raced: Error {}
