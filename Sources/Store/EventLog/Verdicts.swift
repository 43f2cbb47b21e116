import Governance
import Relations

/// What was decided about batches that go into one transaction, in their order.
struct Verdicts {
  /// One for each batch.
  private(set) var answers: [Result<Receipt, SubmissionFailure>] = []
  /// Those with something to write.
  private(set) var batches: [DecidedBatch] = []
  private(set) var hasRefusals = false
  /// Whether a batch that brought a key was refused or made no events: it may have been recorded before.
  private(set) var hasKeysInDoubt = false
  /// A sign that the relation tables were damaged before.
  var damage: RelationsDamage?

  /// The head before them.
  let before: Head
  private var decider: Decider
  private var keys: CommandKeys
  private var arrays = EventArrays()
  private var commands = 0
  private var bytes = 0

  /// Nothing decided yet.
  ///
  /// - Parameters:
  ///   - head: the head that the graph stands at, with what is applied tentatively.
  ///   - keys: those of the batches that were recorded before, as far as they were looked up.
  init(replica: Replica, settings: EventStore.Settings, on head: Head, keys: CommandKeys = CommandKeys()) {
    before = head
    decider = Decider(replica: replica, settings: settings, head: head)
    self.keys = keys
  }

  /// The head after them.
  var head: Head { decider.head }

  /// Whether a transaction has no room for more.
  var isFull: Bool { commands >= Appender.commandsPerTransaction || bytes > Appender.bytesPerTransaction }

  /// Decides one more batch, above those before.
  mutating func decide(_ waiting: Appender.Waiting) {
    commands += waiting.submission.commands.count
    do throws(Refusal) {
      if let receipt = try keys.replay(of: waiting) {
        answers.append(.success(receipt))
        return
      }
      let batch = try decider.decide(waiting)
      answers.append(.success(batch.receipt(after: decider.head.position)))
      // A batch without events changes nothing, and is decided afresh if it comes again.
      if batch.events.isEmpty {
        if waiting.submission.commandID != nil { hasKeysInDoubt = true }
        return
      }
      bytes += batch.events.reduce(0) { $0 + $1.body.utf8.count }
      // A key of our own comes once.
      if waiting.submission.commandID != nil { keys.add(batch) }
      batches.append(batch)
      // At once, while the transaction before is being written.
      for event in batch.events { arrays.append(event) }
    } catch {
      hasRefusals = true
      if waiting.submission.commandID != nil { hasKeysInDoubt = true }
      answers.append(.failure(.refused(error)))
    }
  }

  /// What is to be written.
  var statements: AppendStatements {
    AppendStatements(
      tenant: decider.replica.tenant, before: before, batches: batches, relations: decider.relations, arrays: arrays)
  }
}
