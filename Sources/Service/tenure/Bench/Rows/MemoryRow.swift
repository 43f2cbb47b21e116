import AccessGraph
import EventLog
import Foundation

extension BenchRow {
  static let memory = BenchRow(
    name: "memory", summary: "resident growth of a process with the graph, from a history to one ten times as long"
  ) { context in
    let (small, large) = context.size.memoryEvents
    let resident = try [small, large].map { events in
      context.say("folding \(events) generated events in a process of their own")
      let said = try ChildProgram.run(context.executable, ["bench", "memory", "--events", "\(events)"])
      guard let bytes = Double(said.trimmingCharacters(in: .whitespacesAndNewlines)) else {
        throw ChildFailure(description: "tenure bench memory said \(said)")
      }
      return bytes
    }
    let what = "from \(Quantity.grouped(Double(small))) to \(Quantity.grouped(Double(large))) events"
    return [
      BenchFigure(
        "memory", what, ours: .bytesPerEvent((resident[1] - resident[0]) / Double(large - small)), target: .atMost(200))
    ]
  }
}

/// What a child process does: fold a generated history, and say how much is resident.
///
/// What the generator has let go counts with it where the allocator keeps it: some bytes an event.
enum MemoryChild {
  /// Answers the bytes that are resident with so many events.
  ///
  /// - Throws: `AnswersDiffer` where the graph does not answer what was generated.
  static func run(events: Int) throws -> Int {
    let probe = 30
    let graph = fold(OrganisationPlan(seed: BenchSize.seed, events: events, probes: [probe]))
    let resident = ProcessMemory.resident
    let subject = WhoSubject.access(action: OrganisationNames.probeAction, resource: OrganisationNames.probeScope(probe))
    let found = Adapters.whoNames(graph, subject, Viewpoint(at: BenchContext.lastMoment, asKnownAt: Int64(events)))
    guard found.count == probe else { throw AnswersDiffer("\(found.count) found where \(probe) were generated") }
    return resident
  }

  private static func fold(_ plan: OrganisationPlan) -> AccessGraph {
    let graph = AccessGraph()
    for event in OrganisationEvents(plan) { graph.apply(event) }
    graph.publish()
    return graph
  }
}
