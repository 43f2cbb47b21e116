public import AccessGraph
import EventLog
import Governance
public import Temporal
import Usage

/// What would not have been, had some events not been recorded.
public struct Counterfactual: Hashable, Sendable {
  /// A right that a party would not have had.
  public struct LostRight: Hashable, Sendable {
    /// Whose.
    public var identity: String
    /// The right.
    public var right: Right
    /// When it was held and would not have been, within the stretch.
    public var during: IntervalSet
  }

  /// A use that nothing would have covered.
  public struct LostUse: Hashable, Sendable {
    /// The use, by its source's id.
    public var id: String
    /// When.
    public var at: Instant
    /// Who.
    public var identity: String
    /// What was done.
    public var action: String
    /// With what.
    public var resource: String?
  }

  /// The events taken out: those that were asked for, and those that uses made which nothing would have covered then.
  public var without: [Int64]
  /// The rights, by identity.
  public var rights: [LostRight]
  /// The uses, in the order of time.
  public var uses: [LostUse]
  /// Permitted uses that no known path gives as it is either.
  public var uncoveredUses: Int
  /// Permitted uses of which it is not known whether anything covers them: they name no resource, or rest on what is unknown.
  public var undecidedUses: Int
}

extension IncidentEvidence {
  /// Takes the events out of the world, and what follows from their not being there, until nothing more follows.
  ///
  /// Reads the whole log once, into a graph of its own; then the uses once for each round.
  func counterfactual() throws -> Counterfactual {
    let graph = AccessGraph()
    try questions.tenant.export(through: view.asKnownAt) { line in
      graph.apply(try EventCodec.decode(Array(line.body.utf8), at: line.position))
    }
    graph.publish()
    let k = graph.position
    let permitted = uses.map(\.record).filter { $0.outcome == .allowed }
    let covered = permitted.filter { isCovered($0, in: graph, k) }
    let undecided = permitted.count { status(of: $0, in: graph, k) == .unknown }
    var gone: [Int64] = []
    var lost: [UsageRecord] = []
    var next = question.without
    while !next.isEmpty {
      for position in next {
        graph.apply(void(position, after: graph.appliedPosition))
        gone.append(position)
      }
      graph.publish()
      lost = covered.filter { !isCovered($0, in: graph, graph.position) }
      let ids = Set(lost.map(\.id))
      next = events.filter { event in
        !gone.contains(event.position) && (event.authority.ticket.map { ids.contains($0.key) } ?? false)
      }.map(\.position)
    }
    return Counterfactual(
      without: gone.sorted(), rights: lostRights(in: graph, from: k),
      uses: lost.map {
        Counterfactual.LostUse(id: $0.id, at: $0.at, identity: $0.identity, action: $0.action, resource: $0.resource)
      }, uncoveredUses: permitted.count - covered.count - undecided, undecidedUses: undecided)
  }

  private func isCovered(_ use: UsageRecord, in graph: AccessGraph, _ k: Int64) -> Bool {
    let status = status(of: use, in: graph, k)
    return status == .allowed || status == .conditional
  }

  /// What the graph says of a use; unknown where it names no resource.
  private func status(of use: UsageRecord, in graph: AccessGraph, _ k: Int64) -> Status {
    guard let resource = use.resource else { return .unknown }
    let view = Viewpoint(at: use.at, asKnownAt: k)
    return graph.check(use.identity, action: use.action, resource: resource, from: view).status
  }

  private func lostRights(in graph: AccessGraph, from k: Int64) -> [Counterfactual.LostRight] {
    parties.flatMap { party -> [Counterfactual.LostRight] in
      func held(_ k: Int64) -> [Right: IntervalSet] {
        let rights = graph.what(party.identity, during: question.during, asKnownAt: k)
        return Dictionary(rights.map { ($0.right, $0.held.union($0.conditional)) }) { $0.union($1) }
      }
      let now = held(graph.position)
      return held(k).compactMap { right, stretches -> Counterfactual.LostRight? in
        let lost = stretches.subtracting(now[right] ?? IntervalSet())
        return lost.isEmpty ? nil : Counterfactual.LostRight(identity: party.identity, right: right, during: lost)
      }.sorted { $0.right < $1.right }
    }
  }

  private func void(_ position: Int64, after last: Int64) -> Event {
    Event(
      position: last + 1, eventID: "", effectiveAt: view.at, recordedAt: view.at, source: "incident", basis: .declared,
      authority: Authority(reason: "asked without it"), recordedBy: Recorder(id: "incident", authentication: "local"),
      change: .eventVoided(position: position))
  }
}
