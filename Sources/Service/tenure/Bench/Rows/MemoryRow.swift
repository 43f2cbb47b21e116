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
  static func run(events: Int) -> Int {
    let graph = fold(events)
    let resident = ProcessMemory.resident
    precondition(graph.position == Int64(events), "every event was folded")
    return resident
  }

  private static func fold(_ events: Int) -> AccessGraph {
    let graph = AccessGraph()
    for event in OrganisationEvents(OrganisationPlan(seed: BenchSize.seed, events: events)) { graph.apply(event) }
    graph.publish()
    return graph
  }
}
