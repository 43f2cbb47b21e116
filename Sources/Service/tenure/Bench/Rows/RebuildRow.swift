import AccessGraph
import EventLog
import Postgres

extension BenchRow {
  /// Events of the log that are folded at the most: enough to take seconds, few enough for five runs.
  private static let foldedEvents: Int64 = 1_000_000

  static let rebuild = BenchRow(
    name: "rebuild", summary: "the graph folded anew from the log, against binary COPY of the log to a client that discards it"
  ) { context in
    let tenant = try context.questioned()
    let last = min(tenant.head.position, foldedEvents)
    let connection = try context.connectAsSuperuser()
    context.say("folding \(last) events, then copying them out, in turn")
    let medians = try Measuring.interleaved([
      {
        try Measuring.seconds {
          let graph = try Adapters.fold(tenant: tenant.id, through: last, on: connection)
          guard graph.position == last else { throw AnswersDiffer("\(graph.position) of \(last) events were folded") }
        }
      },
      { try Measuring.seconds { try context.psql([Adapters.logQuery(tenant: tenant.id, through: last)]) } },
    ])
    try compare(tenant, on: connection, context)
    let rates = medians.map { Double(last) / $0 }
    return [
      BenchFigure(
        "rebuild", "\(Quantity.grouped(Double(last))) events", ours: .eventsPerSecond(rates[0]),
        peer: .eventsPerSecond(rates[1]), "COPY to a client that discards", ratio: rates[0] / rates[1], target: .atLeast(0.7))
    ]
  }

  /// What was folded answers as the graph that was appended to does.
  private static func compare(_ tenant: Tenant, on connection: Connection, _ context: BenchContext) throws {
    guard tenant.head.position <= foldedEvents else { return }
    let graph = try Adapters.fold(tenant: tenant.id, through: tenant.head.position, on: connection)
    let view = context.view(tenant)
    for size in context.size.questions.probes {
      let subject = WhoSubject.access(
        action: OrganisationNames.probeAction, resource: OrganisationNames.probeScope(size))
      let folded = Adapters.whoNames(graph, subject, view)
      let held = try tenant.read { Adapters.whoNames($0, subject, view) }
      guard folded == held else { throw AnswersDiffer("the folded graph has \(folded.count), the running one \(held.count)") }
    }
  }
}
