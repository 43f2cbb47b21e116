import AccessGraph
import EventLog
import Postgres
import Temporal

extension BenchRow {
  /// How much more the second organisation has changed.
  private static let churnFactor = 10
  /// Moments and persons that each question is asked about.
  static let variations = 256
  /// Questions of each kind that are compared with the SQL functions.
  private static let compared = 8

  static let churn = BenchRow(
    name: "churn", summary: "every question at ten times the churn with the same live size, moments spread over history"
  ) { context in
    let identities = max(200, context.size.churnEvents / 20)
    let base = OrganisationPlan(seed: BenchSize.seed, identities: identities, events: .max, probes: [30, 300])
    let founding = Organisation.foundingEvents(base)
    let tenants = try [1, churnFactor].map { factor in
      var plan = base
      plan.events = founding + context.size.churnEvents * factor
      return try context.tenant("churn-\(factor)", plan)
    }
    let connection = try context.connectAsSuperuser()
    return try TimedQuestion.all.filter(\.isOfAMoment).map { question in
      context.say("churn: \(question.name)")
      let asked = tenants.map { AskedOrganisation(tenant: $0, identities: identities, probe: 300) }
      for one in asked { try question.compare(one, compared, connection) }
      let medians = try Measuring.interleaved(
        asked.map { one in
          {
            try Measuring.secondsPerCall(atLeast: context.size.questionSeconds) { call in
              try one.tenant.read { Measuring.consume(question.ask($0, one, call % variations)) }
            }
          }
        })
      let sizes = try asked.map { one in try one.tenant.read { question.meanSize($0, one) } }
      let growth = sizes[1] / sizes[0]
      let peer = "a tenth of the churn; ratio for each answer, of which there are \(Quantity.digits(growth)) × as many"
      return BenchFigure(
        "churn", question.name, ours: .seconds(medians[1]), peer: .seconds(medians[0]), peer,
        ratio: medians[1] / medians[0] / growth, target: .atMost(1.2))
    }
  }
}

extension Organisation {
  /// Events that the founding of a plan takes.
  static func foundingEvents(_ plan: OrganisationPlan) -> Int {
    var organisation = Organisation(plan)
    var events = 0
    while !organisation.isFounded, organisation.next() != nil { events = organisation.position }
    // The batch that was told last may be the first change.
    return min(events, organisation.foundedEvents)
  }
}
