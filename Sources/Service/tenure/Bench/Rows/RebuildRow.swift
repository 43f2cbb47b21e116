import AccessGraph
import EventLog
import Postgres

extension BenchRow {
  /// Events of the log that are folded at the most: enough to take seconds, few enough for five runs.
  private static let foldedEvents: Int64 = 1_000_000
  /// Teams whose members are compared.
  private static let comparedTeams = 200

  static let rebuild = BenchRow(
    name: "rebuild", summary: "the graph folded anew from the log, against binary COPY of the log to a client that discards it"
  ) { context in
    let tenant = try context.questioned()
    let last = min(tenant.head.position, foldedEvents)
    let connection = try context.connectAsSuperuser()
    context.say("folding \(last) events, then copying them out, in turn")
    // The first fold is not timed: what it makes is compared.
    try compare(try Adapters.fold(tenant: tenant.id, through: last, on: connection), tenant, through: last)
    let medians = try Measuring.interleaved([
      {
        var graph: AccessGraph?
        let seconds = try Measuring.seconds {
          graph = try Adapters.fold(tenant: tenant.id, through: last, on: connection)
        }
        guard graph?.position == last else { throw AnswersDiffer("not all of \(last) events were folded") }
        return seconds
      },
      { try Measuring.seconds { try context.psql([Adapters.logQuery(tenant: tenant.id, through: last)]) } },
    ])
    let rates = medians.map { Double(last) / $0 }
    return [
      BenchFigure(
        "rebuild", "\(Quantity.grouped(Double(last))) events", ours: .eventsPerSecond(rates[0]),
        peer: .eventsPerSecond(rates[1]), "COPY to a client that discards", ratio: rates[0] / rates[1], target: .atLeast(0.7))
    ]
  }

  /// What was folded answers as the graph that was appended to does, as known at the same position.
  private static func compare(_ graph: AccessGraph, _ tenant: Tenant, through last: Int64) throws {
    let view = Viewpoint(at: BenchContext.lastMoment, asKnownAt: last)
    var found = 0
    for team in 0..<comparedTeams {
      let subject = WhoSubject.group(OrganisationNames.team(team))
      let folded = Adapters.whoNames(graph, subject, view)
      let held = try tenant.read { Adapters.whoNames($0, subject, view) }
      guard folded == held else { throw AnswersDiffer("a folded team has \(folded.count), the running one \(held.count)") }
      found += folded.count
    }
    guard found > 0 else { throw AnswersDiffer("every team that was folded is empty") }
  }
}
