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
  /// Batches that are generated and appended at a time: memory stays that of so many.
  static let batchesAtATime = 2_048

  /// Appends the next batches through the bulk append that imports use; answers how many events they made, 0 at the end.
  ///
  /// - Parameter clock: the clock of the tenant's store, which is set to the story's.
  mutating func append(to tenant: Tenant, _ clock: StoryClock, atMost events: Int = .max) throws -> Int {
    var submissions: [Submission] = []
    var told = 0
    var first = 0
    var recordedAt: Instant?
    while submissions.count < Self.batchesAtATime, told < events, let batch = next() {
      if submissions.isEmpty { first = batch.number }
      submissions.append(OrganisationNames.submission(plan, batch))
      told += batch.commands.count
      recordedAt = batch.recordedAt
    }
    guard !submissions.isEmpty else { return 0 }
    clock.set(to: recordedAt)
    defer { clock.set(to: nil) }
    for (index, result) in try tenant.append(submissions).enumerated() {
      if case .failure(let refusal) = result { throw RefusedGeneration(batch: first + index, refusal: refusal) }
    }
    return told
  }
}
