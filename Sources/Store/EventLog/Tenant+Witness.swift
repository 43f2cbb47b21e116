import AccessGraph
public import Governance
import Postgres
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
  /// One round trip. Read from the columns beside the bodies, and of the few bodies that say more out of these: to decode all of them
  /// takes ten times as long, and a review asks about each of its grants.
  public func witness(of positions: some Sequence<Int64>) throws -> [Int64: Witness] {
    let positions = Set(positions).sorted()
    if positions.isEmpty { return [:] }
    return try withConnection { connection in
      let rows = try connection.query(
        """
        SELECT position, recorded_at, actor, recorded_by,
            CASE WHEN body LIKE '%"on_behalf_of":%' THEN body::json #>> '{actor,on_behalf_of}' END,
            CASE WHEN body LIKE '%"authorised_by":%' THEN body::json #>> '{authorised_by,approver}' END
        FROM tenure.event WHERE tenant_id = \(id) AND position = ANY(\(positions))
        """)
      var found: [Int64: Witness] = [:]
      for row in rows {
        found[try row.int64(0)] = Witness(
          recordedAt: Instant(try row.timestamp(1)), actor: try row.optionalString(2), onBehalfOf: try row.optionalString(4),
          recordedBy: try row.string(3), approver: try row.optionalString(5))
      }
      return found
    }
  }
}
