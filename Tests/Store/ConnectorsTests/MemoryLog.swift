import AccessGraph
import Governance
import Temporal

@testable import Connectors
@testable import EventLog

/// A log in memory that decides and records as a tenant's does, with idempotency keys.
final class MemoryLog: ImportDestination {
  let graph = AccessGraph()
  private(set) var events: [Event] = []
  private var answers: [String: (submission: Submission, receipt: Receipt)] = [:]
  /// Appends fail once so many batches are recorded, as where a process is killed.
  var batchesLeft = Int.max

  var world: GraphWorld { graph.world(asKnownAt: graph.position) }

  func read<Answer>(_ body: (GraphWorld) throws -> Answer) throws -> Answer { try body(world) }

  func recorded(commandIDs: [String]) throws -> Set<String> { Set(commandIDs.filter { answers[$0] != nil }) }

  func commandIDs(of source: String, at instant: Instant) throws -> Set<String> {
    Set(events.filter { $0.source == source && $0.effectiveAt == instant }.compactMap(\.commandID))
  }

  func append(_ submissions: [Submission]) throws(SubmissionFailure) -> [Result<Receipt, Refusal>] {
    var results: [Result<Receipt, Refusal>] = []
    for submission in submissions {
      guard batchesLeft > 0 else { throw .nothingRecorded("killed") }
      batchesLeft -= 1
      results.append(record(submission))
    }
    return results
  }

  private func record(_ submission: Submission) -> Result<Receipt, Refusal> {
    let id = submission.commandID ?? "internal:\(events.count)"
    if var (known, receipt) = answers[id] {
      guard known == submission else { return .failure(Refusal(.keyReused, "the key came with another body")) }
      receipt.isReplay = true
      known = submission
      return .success(receipt)
    }
    // Long after every committer date of the tests.
    let recordedAt = Instant(microseconds: 4_000_000_000_000_000 + Int64(events.count))
    let context = DecisionContext(recordedAt: recordedAt, source: submission.source, mode: submission.mode)
    let first = graph.position + 1
    for command in submission.commands {
      do throws(Refusal) {
        let drafts = try decide(command, in: context, world: graph.world(asKnownAt: graph.appliedPosition))
        for draft in drafts { apply(draft, of: submission, id: id, recordedAt: recordedAt) }
      } catch {
        graph.undo()
        events.removeLast(events.count - Int(graph.position))
        return .failure(error)
      }
    }
    graph.publish()
    let receipt = Receipt(
      commandID: id, firstPosition: first, lastPosition: graph.position, recordedAt: recordedAt, position: graph.position,
      isReplay: false)
    answers[id] = (submission, receipt)
    return .success(receipt)
  }

  private func apply(_ draft: Draft, of submission: Submission, id: String, recordedAt: Instant) {
    let event = Event(
      position: graph.appliedPosition + 1, eventID: "event", effectiveAt: draft.effectiveAt, dueAt: draft.dueAt,
      recordedAt: recordedAt, source: submission.source, basis: submission.basis, authority: draft.authority,
      recordedBy: submission.recordedBy, commandID: id, change: draft.change)
    graph.apply(event)
    events.append(event)
  }

  /// Who may do the action on the resource at t.
  func who(_ action: String, _ resource: String, at t: Instant) -> [String] {
    let view = Viewpoint(at: t, asKnownAt: graph.position)
    return graph.who(.access(action: action, resource: resource), from: view).map(\.identity)
  }

  /// The stretches that a source vouches for, gaps not taken off.
  func coverage(of source: String, _ resource: String) -> [String] {
    world.holds(.coverage(source: source, resource: resource)).map { "\($0.from)…\($0.to.map(\.description) ?? "")" }
  }
}

extension MemoryLog {
  /// The types of the events, in order, those of a batch joined.
  var types: [String] { events.map(\.change.type) }
}
