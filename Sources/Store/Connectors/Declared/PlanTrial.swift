public import AccessGraph
public import EventLog
public import Governance
public import Temporal

/// What a plan would come to, tried on a graph of its own; nothing is recorded.
public struct PlanTrial: Sendable {
  /// The effective access that the plan would add and remove, now.
  public let difference: Difference
  /// What stands against the plan: the index of the command and its refusal; nil where nothing does.
  public let refusal: (command: Int, refusal: Refusal)?

  /// Tries a plan at an instant in the tenant's world at its head; reads the whole log once.
  ///
  /// - Throws: what reading the log throws.
  public init(_ plan: Plan, in tenant: Tenant, source: String, at now: Instant) throws {
    let graph = AccessGraph()
    try tenant.export { line in graph.apply(try EventCodec.decode(Array(line.body.utf8), at: line.position)) }
    graph.publish()
    let context = DecisionContext(recordedAt: now, source: source, mode: .governed)
    let recorder = Recorder(id: "plan", authentication: "local")
    var refusal: (command: Int, refusal: Refusal)?
    trial: for (index, command) in plan.commands.enumerated() {
      do throws(Refusal) {
        let drafts = try decide(command, in: context, world: graph.world(asKnownAt: graph.appliedPosition))
        for draft in drafts {
          graph.apply(
            Event(
              position: graph.appliedPosition + 1, eventID: "", effectiveAt: draft.effectiveAt, dueAt: draft.dueAt,
              recordedAt: now, source: source, basis: .declared, authority: draft.authority, recordedBy: recorder,
              change: draft.change))
        }
        let world = graph.world(asKnownAt: graph.appliedPosition)
        let found = breaches(of: drafts.map(\.change), voiding: [], in: world)
        if let breach = found.first(where: \.isRefused) { throw breach.refusal }
      } catch {
        refusal = (index, error)
        break trial
      }
    }
    self.refusal = refusal
    difference = graph.diff(
      resource: nil, identity: nil, from: Viewpoint(at: now, asKnownAt: graph.position),
      to: Viewpoint(at: now, asKnownAt: graph.appliedPosition))
  }
}
