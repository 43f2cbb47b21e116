import AccessGraph
import EventLog
import Foundation
import Governance
import Temporal
import TestSupport
import Testing

@testable import tenure

@Suite struct BenchTests {
  static let plan = OrganisationPlan(seed: 7, identities: 60, events: 4_000, probes: [0, 5])
  let events = Array(OrganisationEvents(plan))

  @Test func `a plan makes the same organisation, byte for byte, and another seed another one`() {
    #expect(Array(OrganisationEvents(Self.plan)) == events)
    var other = Self.plan
    other.seed = 8
    #expect(Array(OrganisationEvents(other)) != events)
  }

  @Test(arguments: [1, 40, 500, 4_000])
  func `a history has as many events as were asked for`(count: Int) {
    var plan = Self.plan
    plan.events = count
    let found = Array(OrganisationEvents(plan))
    #expect(found.count == count)
    #expect(found.map(\.position) == (1...Int64(count)).map { $0 })
  }

  @Test func `a generated history has what organisations have`() {
    let types = Set(events.map(\.change.type))
    for type in ["identity.retired", "membership.removed", "group.deleted", "assignment.revoked", "assignment.extended"] {
      #expect(types.contains(type), "\(type)")
    }
    #expect(events.contains { $0.dueAt != nil })
    #expect(zip(events, events.dropFirst()).contains { $1.effectiveAt < $0.effectiveAt }, "something is learnt late")
    #expect(zip(events, events.dropFirst()).allSatisfy { $0.recordedAt <= $1.recordedAt })
    let graph = AccessGraph()
    for event in events { graph.apply(event) }
    graph.publish()
    let view = Viewpoint(at: OrganisationPlan.ended, asKnownAt: graph.position)
    let held = graph.snapshot(resource: nil, from: view, after: nil, limit: .max)
    #expect(held.contains { $0.right.action == "repo.read" || $0.right.action == "database.read" })
  }

  @Test func `the graph of a generated history answers as the naive fold does`() {
    let graph = AccessGraph()
    for event in events { graph.apply(event) }
    graph.publish()
    let log = NaiveLog(events)
    for day in [2, 400, 1_500, 2_900] {
      let at = OrganisationPlan.began.adding(microseconds: Int64(day) * 86_400_000_000)
      let view = Viewpoint(at: at, asKnownAt: graph.position)
      let subject = WhoSubject.access(action: OrganisationNames.probeAction, resource: OrganisationNames.probeScope(5))
      #expect(graph.who(subject, from: view) == log.view(view).who(subject))
      #expect(graph.who(subject, from: view).count == 5)
    }
  }

  @Test func `an organisation stays as large as it was founded`() {
    var plan = Self.plan
    let founding = Organisation.foundingEvents(plan)
    let sizes = [1, 10].map { factor -> Int in
      plan.events = founding + 300 * factor
      var living: Set<String> = []
      for event in OrganisationEvents(plan) {
        if case .identityRegistered(let id, _, _) = event.change { living.insert(id) }
        if case .identityRetired(let id) = event.change { living.remove(id) }
      }
      return living.count
    }
    #expect(sizes.allSatisfy { (plan.identities - 1...plan.identities).contains($0) })
  }

  @Test func `every generated batch is accepted, one event a command, and again records nothing`() throws {
    let clock = StoryClock()
    let store = try ScratchDatabase.store(EventStore.Settings(clock: clock.wallClock))
    defer { store.close() }
    let tenant = try store.findOrCreate(tenant: ScratchDatabase.tenantName())
    for _ in 0..<2 {
      var organisation = Organisation(Self.plan)
      while try organisation.append(to: tenant, clock) > 0 {}
      #expect(tenant.head.position == Int64(events.count))
    }
    let recorded = try tenant.events(at: Array(1...Int64(events.count))).map(\.event)
    #expect(recorded.map(\.change) == events.map(\.change))
    #expect(recorded.map(\.effectiveAt) == events.map(\.effectiveAt))
  }

  @Test(arguments: [
    (Target.atLeast(50), 49.9, true), (.atLeast(50), 50, false), (.atMost(1.2), 1.3, true), (.atMost(1.2), 1.2, false),
  ])
  func `a target is missed or met by the ratio`(target: Target, ratio: Double, isMissed: Bool) {
    let figure = BenchFigure("who", "what", ours: .seconds(1), peer: .seconds(ratio), "peer", ratio: ratio, target: target)
    #expect(figure.isMissed == isMissed)
    #expect(BenchTable.text([figure]).contains(isMissed ? "MISSED" : "met"))
  }

  @Test(arguments: [
    (Quantity.seconds(0.000_000_5), "500 ns"), (.seconds(0.001_234), "1.23 ms"), (.seconds(61), "61.0 s"),
    (.eventsPerSecond(1_234_567.4), "1,234,567 events/s"), (.seconds(9.996), "10.00 s"),
  ])
  func `a quantity reads well`(quantity: Quantity, text: String) {
    #expect(quantity.text == text)
  }

  @Test func `a median is the middle, and a percentile lies between its neighbours`() {
    #expect(Measuring.median([3, 1, 2]) == 2)
    #expect(Measuring.median([4, 1, 2, 3]) == 2.5)
    #expect(Measuring.percentile([0, 10], 0.99) == 9.9)
  }

  @Test func `a picture of curves is XML, with a legend, and leaves out what has no point`() throws {
    let curves = Curves(
      title: "a < b", label: Quantity.duration,
      curves: [.init(name: "one & two", points: [(10, 0.001), (1_000, 0.1)]), .init(name: "nothing", points: [])])
    let svg = curves.svg
    #expect(svg.contains("one &amp; two"))
    #expect(svg.contains("a &lt; b"))
    #expect(!svg.contains("nothing"))
    #expect(svg.ranges(of: "<polyline").count == 1)
    #expect(svg.ranges(of: "<text").count == svg.ranges(of: "</text>").count)
  }
}
