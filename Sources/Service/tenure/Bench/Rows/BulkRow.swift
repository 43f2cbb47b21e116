import EventLog
import Foundation
import Postgres

extension BenchRow {
  static let bulk = BenchRow(
    name: "bulk", summary: "bulk append, against COPY of the same rows into the same tables and indexes"
  ) { context in
    let events = context.size.bulkEvents
    // The founding is appended before anything is timed: runs are of ordinary changes, which close rows and write others.
    var plan = OrganisationPlan(seed: BenchSize.seed, identities: events / 8, events: .max)
    plan.events = Organisation.foundingEvents(plan) + events * (Measuring.runs + 1)
    let tenant = try context.store.findOrCreate(tenant: "bulk")
    var organisation = Organisation(plan)
    while !organisation.isFounded, try organisation.append(to: tenant, context.clock) > 0 {}
    try LogCopies.make(on: try context.connectAsSuperuser())
    context.say("bulk append of \(events) events, then COPY of its rows, in turn")
    var rates: (ours: [Double], theirs: [Double]) = ([], [])
    for _ in 0..<Measuring.runs {
      let before = tenant.head.position
      // Told beforehand: to make a story up is nobody's append.
      let told = organisation.tell(atMost: events)
      let ours = try Measuring.seconds { try told.append(to: tenant, context.clock) }
      let after = tenant.head.position
      let rows = try LogCopies.save(tenant: tenant.id, after: before, through: after, in: context.data, context: context)
      defer { rows.remove() }
      let theirs = try LogCopies.load(rows, context: context)
      rates.ours.append(Double(after - before) / ours)
      rates.theirs.append(Double(after - before) / theirs)
    }
    let (ours, theirs) = (Measuring.median(rates.ours), Measuring.median(rates.theirs))
    return [
      BenchFigure(
        "bulk", "\(Quantity.grouped(Double(events))) events", ours: .eventsPerSecond(ours), peer: .eventsPerSecond(theirs),
        "COPY of the same rows", ratio: ours / theirs, target: .atLeast(0.5))
    ]
  }
}
