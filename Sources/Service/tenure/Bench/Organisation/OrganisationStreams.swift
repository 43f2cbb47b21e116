import EventLog
import Governance
import Synchronization
import Temporal

/// The present moment of a story while one is told, and the machine's clock otherwise.
final class StoryClock: Sendable {
  private let instant = Mutex<Instant?>(nil)

  var wallClock: WallClock {
    { [self] in instant.withLock { $0 } ?? System.clock() }
  }

  func set(to instant: Instant?) { self.instant.withLock { $0 = instant } }
}

/// The events of a plan as the log would have them, without a database.
struct OrganisationEvents: Sequence, IteratorProtocol {
  private var organisation: Organisation
  private var batch: OrganisationBatch?
  private var index = 0
  private var position: Int64 = 0

  init(_ plan: OrganisationPlan) { organisation = Organisation(plan) }

  mutating func next() -> Event? {
    while batch.map({ index >= $0.commands.count }) ?? true {
      guard let next = organisation.next() else { return nil }
      batch = next
      index = 0
    }
    guard let batch else { return nil }
    let command = batch.commands[index]
    index += 1
    position += 1
    return Event(
      position: position, eventID: "00000000-0000-7000-8000-" + OrganisationNames.padded(Int(position), 12),
      effectiveAt: command.effectiveAt ?? batch.recordedAt, dueAt: command.dueAt, recordedAt: batch.recordedAt,
      source: OrganisationNames.source, basis: .observed, authority: command.authority,
      recordedBy: OrganisationNames.recorder, commandID: OrganisationNames.commandID(organisation.plan, batch.number),
      change: command.change)
  }
}

extension OrganisationNames {
  static let recorder = Recorder(id: "tenure bench", authentication: "local")

  static func commandID(_ plan: OrganisationPlan, _ batch: Int) -> String {
    "generated:\(plan.seed):\(padded(batch, 9))"
  }

  /// A batch as it is submitted.
  static func submission(_ plan: OrganisationPlan, _ batch: OrganisationBatch) -> Submission {
    Submission(
      commandID: commandID(plan, batch.number), mode: .observation, source: source, basis: .observed, recordedBy: recorder,
      commands: batch.commands)
  }
}

/// A generated batch that the log refused, which the generator must not make.
struct RefusedGeneration: Error, CustomStringConvertible {
  let batch: Int
  let refusal: Refusal
  var description: String { "the generated batch \(batch) was refused: \(refusal)" }
}

extension Organisation {
  /// Events that are generated and appended at a time: as many as two transactions take, so that one is decided while
  /// another is written, and few enough to stand in memory.
  static let eventsAtATime = 20_000

  /// Batches that were told and not yet submitted.
  struct Told {
    fileprivate var first = 0
    fileprivate var submissions: [Submission] = []
    fileprivate var recordedAt: Instant?
    /// The events that they will make; 0 at the end of the story.
    fileprivate(set) var events = 0

    /// Submits them through the bulk append that imports use.
    ///
    /// - Parameter clock: the clock of the tenant's store, which is set to the story's.
    /// - Throws: `RefusedGeneration`, or `SubmissionFailure`.
    func append(to tenant: Tenant, _ clock: StoryClock) throws {
      guard events > 0 else { return }
      clock.set(to: recordedAt)
      defer { clock.set(to: nil) }
      for (index, result) in try tenant.append(submissions).enumerated() {
        if case .failure(let refusal) = result { throw RefusedGeneration(batch: first + index, refusal: refusal) }
      }
    }
  }

  /// Tells the next batches, up to about so many events.
  mutating func tell(atMost events: Int = eventsAtATime) -> Told {
    var told = Told()
    while told.events < events, let batch = next() {
      if told.submissions.isEmpty { told.first = batch.number }
      told.submissions.append(OrganisationNames.submission(plan, batch))
      told.events += batch.commands.count
      told.recordedAt = batch.recordedAt
    }
    return told
  }

  /// Tells and appends the next batches; answers how many events they made, 0 at the end.
  mutating func append(to tenant: Tenant, _ clock: StoryClock) throws -> Int {
    let told = tell()
    try told.append(to: tenant, clock)
    return told.events
  }
}
