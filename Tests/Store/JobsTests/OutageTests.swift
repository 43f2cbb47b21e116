import AccessGraph
import EventLog
import Foundation
import Governance
import Postgres
import Schema
import Temporal
import TestSupport
import Testing

@testable import Jobs

/// Ends that come while the database is away.
@Suite struct OutageTests {
  @Test func `access ends during an outage, and is recorded once it is over`() throws {
    // Thread 27 of field.md: what ends must not depend on anything that runs.
    let data = FileManager.default.temporaryDirectory.appending(path: "tenure-outage-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: data) }
    let clock = TestClock(hour(0))
    let server = try EmbeddedServer(dataDirectory: data)
    try server.ensureDatabase("tenure")
    _ = try Schema.migrate(Connection(server.conninfo(database: "tenure")))
    let store = try EventStore(
      server.conninfo(user: "tenure_service", database: "tenure"), settings: EventStore.Settings(clock: { clock.now }))
    defer { store.close() }
    let tenant = try store.create(tenant: "outage")
    let document = RoleDocument(permissions: [Permission(actions: ["read"])])
    func submit(_ changes: Change...) throws {
      try tenant.submitAndWait(
        Submission(
          mode: .governed, source: "test", basis: .declared, recordedBy: Recorder(id: "test", authentication: "local"),
          commands: changes.map { Command($0) }))
    }
    try submit(
      .roleDefined(id: "reader", document: document, attributes: [:]),
      .identityRegistered(id: "ada", kind: .person, attributes: [:]), .grant("a1", until: hour(2)))
    func holders() throws -> [String] {
      let subject = WhoSubject.access(action: "read", resource: "org/a1")
      return try tenant.read { $0.who(subject, from: Viewpoint(at: clock.now, asKnownAt: $0.position)).map(\.identity) }
    }
    #expect(try holders() == ["ada"])
    server.close()
    clock.now = hour(3)
    // Nothing can be recorded, nor is it said to be; and nobody has what has ended.
    #expect(throws: SubmissionFailure.self) { try submit(.assignmentExtended(id: "a1", expiresAt: hour(9))) }
    #expect(try holders().isEmpty)
    let again = try EmbeddedServer(dataDirectory: data)
    defer { again.close() }
    clock.now = hour(5)
    let after = try EventStore(
      again.conninfo(user: "tenure_service", database: "tenure"), settings: EventStore.Settings(clock: { clock.now }))
    defer { after.close() }
    let connection = try Connection(again.conninfo(user: "tenure_service", database: "tenure"))
    let runner = try JobRunner(store: after, connection: connection, process: "test/1")
    for recorded in [Int64(1), 0] {
      let run = try #require(try runner.run(.expireGrants, for: JobTenant(id: tenant.id, name: tenant.name)))
      #expect(run.counts["recorded"] == recorded)
    }
    var ends: [Event] = []
    let reloaded = try #require(try after.find(tenant: "outage"))
    try reloaded.export { line in
      let event = try EventCodec.decode(Array(line.body.utf8), at: line.position)
      if case .assignmentExpired = event.change { ends.append(event) }
    }
    #expect(ends.map(\.effectiveAt) == [hour(2)] && ends.map(\.recordedAt) == [hour(5)])
  }
}
