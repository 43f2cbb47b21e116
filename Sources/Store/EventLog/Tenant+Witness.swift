import AccessGraph
import Governance
import Temporal

extension Submission {
  /// Whether it approves a request, so that it has to be looked up who made the approvers.
  public var needsWitness: Bool { commands.contains { $0.approvedRequest != nil } }
}

extension Command {
  /// The request that it approves, and who does; nil for any other command.
  fileprivate var approvedRequest: (id: String, by: String)? {
    guard case .request(let id, .approved, let by?, _) = change else { return nil }
    return (id, by)
  }
}

extension Tenant {
  /// The batch with who wrote the events that its approvals rest on: the graph does not keep authors.
  ///
  /// Blocks for one round trip, unless nothing is approved. What is recorded between this and the decision is missing, and an
  /// approval that would rest on it is refused. It holds for a submission by ``submit(_:completion:)`` only if the caller
  /// asked for it.
  ///
  /// - Throws: ``SubmissionFailure/nothingRecorded(_:)`` where the events cannot be read.
  public func witnessed(_ submission: Submission) throws(SubmissionFailure) -> Submission {
    guard submission.needsWitness else { return submission }
    var submission = submission
    let now = now
    var witness: [Int64: Witness] = [:]
    do {
      for index in submission.commands.indices {
        guard let (request, approver) = submission.commands[index].approvedRequest else { continue }
        let steps = try read { $0.world(asKnownAt: $0.position).approvalSteps(of: request, by: approver, at: now) }
        for recorded in try events(at: steps) {
          witness[recorded.event.position] = Witness(recorded.event)
        }
      }
      // Of two approvals in one batch the later rests on who approved first, too.
      for index in submission.commands.indices where submission.commands[index].approvedRequest != nil {
        submission.commands[index].witness = witness
      }
    } catch {
      throw .nothingRecorded("who made the approvers cannot be looked up: \(error)")
    }
    return submission
  }
}
