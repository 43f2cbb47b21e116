import AccessGraph
import EventLog
import Governance
import JSON
import Temporal
import TestSupport
import Testing

@testable import API

/// Reports on random histories against the naive fold of the same log.
@Suite struct AuditReportHistoryTests {
  @Test(arguments: UInt64(1)...6)
  func `populations are those of the naive fold, at any moment as known at any position`(seed: UInt64) throws {
    let store = OpenStore(try ScratchDatabase.store(EventStore.Settings(readConnections: 1)))
    let tenant = try store.store.create(tenant: ScratchDatabase.tenantName())
    let submissions = RandomCommands.commands(seed: seed, count: 150).map { command, mode in
      Submission(
        mode: mode, source: mode == .governed ? "api" : "connector", basis: mode == .governed ? .enforced : .observed,
        recordedBy: Recorder(id: "test", authentication: "local"), commands: [command])
    }
    _ = try tenant.append(submissions)
    var events: [Event] = []
    try tenant.export { events.append(try EventCodec.decode(Array($0.body.utf8), at: $0.position)) }
    let log = NaiveLog(events)
    var random = SeededGenerator(seed: seed)
    let questions = Questions(tenant: tenant)
    for _ in 0..<4 {
      // Never part of a batch.
      let k = try tenant.position(.position(Int64(1 + random.below(events.count))))
      let view = Viewpoint(at: RandomHistory.instant(&random), asKnownAt: k)
      try populations(log, view, questions, "seed \(seed), \(view)")
      try joiners(log, view, Interval(from: RandomHistory.instant(&random)), questions, "seed \(seed), \(view)")
    }
  }

  private func populations(_ log: NaiveLog, _ view: Viewpoint, _ questions: Questions, _ what: Comment) throws {
    let state = log.state(at: view.at, asKnownAt: view.asKnownAt)
    let naive = log.view(view)
    func ids(_ kind: EntityKind) -> [String] {
      state.living.keys.filter { $0.kind == kind }.map(\.id).sorted { $0.precedes($1) }
    }
    func made(_ name: String, _ parameters: [String: String] = [:]) throws -> AuditReportTests.Made {
      try AuditReportTests.make(name, questions, at: view.at, asKnownAt: .position(view.asKnownAt), parameters)
    }
    let identities = try made("identities")
    #expect(
      identities.column("identity").compactMap { $0.stringValue.map { Entity.identity($0) } }
        == ids(.identity).map { .identity($0) }, what)
    #expect(identities.manifest.isReconciled, what)
    let suspended = zip(identities.column("identity"), identities.column("state")).filter { $0.1 == "suspended" }
    #expect(suspended.count == state.suspended.keys.count { state.exists($0) }, what)
    let roles = try made("roles")
    #expect(roles.column("role").compactMap(\.stringValue).elementsEqual(ids(.role)) { $0.isExactly($1) }, what)
    #expect(roles.manifest.isReconciled, what)
    let privileged = Set(try made("privileged").column("identity").compactMap { $0.stringValue.map { Entity.identity($0) } })
    let known = naive.who(.privileged).map { Entity.identity($0.identity) }
    #expect(privileged.isSuperset(of: known), what)
    let access = try made("access-to-resource", ["action": "repo.read", "resource": "org/repo"])
    let holders = naive.who(.access(action: "repo.read", resource: "org/repo"))
    let paths = holders.reduce(0) { count, holder in
      count + min(20, naive.why(holder.identity, action: "repo.read", resource: "org/repo").answer.paths.count)
    }
    // Who comes to it only by becoming another is listed besides.
    #expect(access.column("by_becoming").count { $0 == [] } == paths, what)
    #expect(access.manifest.totals.map(\.report) == [Int64(holders.count)], what)
    #expect(access.manifest.isReconciled, what)
  }

  private func joiners(
    _ log: NaiveLog, _ view: Viewpoint, _ stretch: Interval, _ questions: Questions, _ what: Comment
  ) throws {
    let made = try AuditReportTests.make(
      "joiners", questions, at: view.at, during: stretch, asKnownAt: .position(view.asKnownAt))
    let granted = log.visible(asKnownAt: view.asKnownAt).filter { stretch.contains($0.effectiveAt) }.compactMap {
      event -> Int64? in
      switch event.change {
      case .assignmentGranted, .membershipAdded: event.position
      default: nil
      }
    }
    let shown = zip(made.column("what"), made.column("event")).filter { $0.0 != "identity" }.compactMap(\.1.integerValue)
    #expect(shown.sorted() == granted.sorted(), what)
    #expect(made.manifest.isReconciled, what)
  }
}
