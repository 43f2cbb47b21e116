import AccessGraph
import EventLog
import Postgres

extension BenchRow {
  /// Facts that an organisation has for each identity once it is founded.
  private static let factsPerIdentity = 6.2

  static let start = BenchRow(
    name: "start", summary: "a tenant loaded by a process that has just begun"
  ) { context in
    let facts = context.size.startFacts
    let identities = Int(Double(facts) / factsPerIdentity)
    var plan = OrganisationPlan(seed: BenchSize.seed, identities: identities, events: .max, probes: [30, 3_000])
    plan.events = Organisation.foundingEvents(plan) + facts / 20
    let tenant = try context.tenant("start", plan)
    let counted = try countFacts(tenant, on: try context.connectAsSuperuser())
    context.say("loading a tenant of \(counted) facts")
    let view = context.view(tenant)
    let size = plan.probes.last ?? 30
    let subject = WhoSubject.access(action: OrganisationNames.probeAction, resource: OrganisationNames.probeScope(size))
    let expected = try tenant.read { Adapters.whoNames($0, subject, view) }
    var samples: [Double] = []
    for _ in 0..<Measuring.runs {
      let store = try EventStore(context.service)
      defer { store.close() }
      var loaded: Tenant?
      samples.append(try Measuring.seconds { loaded = try store.find(tenant: "start") })
      let found = try loaded?.read { Adapters.whoNames($0, subject, view) }
      guard found == expected, expected.count == size else {
        throw AnswersDiffer("a loaded tenant answers \(found?.count ?? -1), the running one \(expected.count)")
      }
    }
    let seconds = Measuring.median(samples)
    // Less data is given less time.
    let bound = 3 * min(1, Double(counted) / 1e6)
    return [
      BenchFigure(
        "start", "\(Quantity.grouped(Double(counted))) facts", ours: .seconds(seconds),
        target: .atMost(bound))
    ]
  }

  /// Facts that the relation tables name.
  private static func countFacts(_ tenant: Tenant, on connection: Connection) throws -> Int {
    let id = tenant.id
    return Int(
      try connection.query(
        """
        SELECT (SELECT count(DISTINCT id) FROM tenure.identities WHERE tenant_id = \(id))
          + (SELECT count(DISTINCT id) FROM tenure.groups WHERE tenant_id = \(id))
          + (SELECT count(DISTINCT id) FROM tenure.roles WHERE tenant_id = \(id))
          + (SELECT count(DISTINCT id) FROM tenure.assignments WHERE tenant_id = \(id))
          + (SELECT count(*) FROM (
            SELECT FROM tenure.memberships WHERE tenant_id = \(id) GROUP BY group_id, member_kind, member) m)
        """)[0].int64(0))
  }
}
