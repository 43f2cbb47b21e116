import AccessGraph
public import Governance
import Temporal

extension Submission {
  /// Whether it approves a request or decides about an item of a review, so that it has to be looked up who made the approvers,
  /// or who gave the item.
  public var needsWitness: Bool { commands.contains(where: \.needsWitness) }
}

extension Command {
  fileprivate var needsWitness: Bool {
    switch change {
    case .request(_, .approved, _?, _), .reviewItem(_, _, .assigned, _?, _, _), .reviewItem(_, _, .decided, _?, _, _): true
    default: false
    }
  }

  /// The positions of the events whose authors have to be known.
  fileprivate func witnessedPositions(in world: GraphWorld, at now: Instant) -> [Int64] {
    switch change {
    case .request(let id, .approved, let by?, _): world.approvalSteps(of: id, by: by, at: now)
    case .reviewItem(_, let item, _, _, _, _): world.reviewItem(item, at: now).map(world.grantPositions) ?? []
    default: []
    }
  }
}

extension Tenant {
  /// The batch with who wrote the events that its approvals and decisions rest on: the graph does not keep authors.
  ///
  /// Blocks for one round trip, unless nothing is approved or decided. What is recorded between this and the decision is missing,
  /// and what would rest on it is refused. It holds for a submission by ``submit(_:completion:)`` only if the caller
  /// asked for it.
  ///
  /// - Throws: ``SubmissionFailure/nothingRecorded(_:)`` where the events cannot be read.
  public func witnessed(_ submission: Submission) throws(SubmissionFailure) -> Submission {
    guard submission.needsWitness else { return submission }
    var submission = submission
    let now = now
    do {
      let positions = try read { graph in
        let world = graph.world(asKnownAt: graph.position)
        return Set(submission.commands.filter(\.needsWitness).flatMap { $0.witnessedPositions(in: world, at: now) })
      }
      // Of two approvals in one batch the later rests on who approved first, too.
      let witness = try witness(of: positions)
      for index in submission.commands.indices where submission.commands[index].needsWitness {
        submission.commands[index].witness = witness
      }
    } catch {
      throw .nothingRecorded("who wrote what it rests on cannot be looked up: \(error)")
    }
    return submission
  }

  /// Who wrote the events at some positions.
  ///
  /// One round trip.
  public func witness(of positions: some Sequence<Int64>) throws -> [Int64: Witness] {
    let events = try events(at: Set(positions).sorted())
    return Dictionary(events.map { ($0.event.position, Witness($0.event)) }) { first, _ in first }
  }
}
