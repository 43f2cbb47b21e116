import AccessGraph
import Connectors
import EventLog
import Foundation
import Governance
import JSON
import Postgres
import Relations
import Temporal
import TestSupport
import Testing

/// The history of a real organisation: the SQL functions against answers computed elsewhere, their plans, and a rebuild.
@Suite struct `The real history in SQL` {
  @Test func `answers every question from indexes, and a rebuild finds no difference`() throws {
    let root = URL(fileURLWithPath: #filePath).appendingPathComponent("../../../../../shared/data/kubernetes-org").standardized
    let (bundle, questions) = (root.appendingPathComponent("history.bundle"), root.appendingPathComponent("questions.ndjson"))
    guard FileManager.default.fileExists(atPath: bundle.path) else {
      print("skipped: the real history is absent (../shared/data/kubernetes-org)")
      return
    }
    let store = try ScratchDatabase.store()
    defer { store.close() }
    let tenant = try store.create(tenant: ScratchDatabase.tenantName())
    let bringing = try PeribolosImport(name: "kubernetes", recordedBy: Recorder(id: "test", authentication: "local"))
    let report = try bringing.run(try GitHistory(at: bundle.path), into: TenantDestination(tenant))
    #expect(report.events == 30_002)
    // As autovacuum does in time.
    let superuser = try ScratchDatabase.connectAsSuperuser()
    try superuser.execute("ANALYZE")

    let connection = try ScratchDatabase.connect()
    let lines = try String(contentsOf: questions, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 200)
    for line in lines { try ask(line, tenant, on: connection) }
    try expectIndexes(tenant, on: connection)

    let rebuild = Rebuild(tenant: tenant.id) { body, position in try EventCodec.decode(Array(body.utf8), at: position) }
    let rebuilt = try rebuild.run(on: connection) { _, _ in }
    #expect(rebuilt.isClean, "\(rebuilt.differences)")
    #expect(rebuilt.events == 30_002)
  }

  /// One question: at its moment, and over the stretch of one microsecond that begins there.
  private func ask(_ line: Substring, _ tenant: Tenant, on connection: Connection) throws {
    let question = try JSONValue(parsing: Array(line.utf8))
    let (action, resource) = (question["action"]?.stringValue ?? "", question["resource"]?.stringValue ?? "")
    let t = try Instant(rfc3339: question["at"]?.stringValue ?? "")
    let expected = question["identities"]?.arrayValue?.compactMap(\.stringValue)
    let k = tenant.head.position
    let at = try SQLQuestions.who(
      tenant: tenant.name, action: action, resource: resource, from: Viewpoint(at: t, asKnownAt: k), on: connection)
    #expect(at.map(\.identity) == expected, "\(line.prefix(100))")
    let during = try SQLQuestions.who(
      tenant: tenant.name, action: action, resource: resource, during: Interval(from: t, to: t.next), asKnownAt: k,
      on: connection)
    #expect(during.map(\.identity) == expected, "\(line.prefix(100))")
  }

  /// No question reads a large table from end to end.
  private func expectIndexes(_ tenant: Tenant, on connection: Connection) throws {
    let (name, resource) = (tenant.name, "github.com/kubernetes/org")
    let year = (try Instant(rfc3339: "2024-01-01T00:00:00Z"), try Instant(rfc3339: "2025-01-01T00:00:00Z"))
    let view = Viewpoint(at: year.0, asKnownAt: tenant.head.position)
    try connection.transaction { connection in
      let holders = try SQLQuestions.who(
        tenant: name, action: "repo.read", resource: resource, during: Interval(from: year.0, to: year.1),
        asKnownAt: view.asKnownAt, on: connection)
      #expect(holders.count > 1000)
      #expect(
        try !SQLQuestions.who(tenant: name, action: "repo.read", resource: resource, from: view, on: connection).isEmpty)
      #expect(try !SQLQuestions.what(tenant: name, identity: "github:nikhita", from: view, on: connection).isEmpty)
      // Of this transaction alone.
      let read = try connection.query(
        """
        SELECT relname::text, seq_scan, idx_scan FROM pg_stat_xact_user_tables
        WHERE relname IN ('memberships', 'assignments', 'identities', 'groups')
        """)
      #expect(read.count == 4)
      for row in read {
        let table = try row.string(0)
        #expect(try row.int64(1) == 0, "\(table) was read from end to end")
        #expect(try row.int64(2) > 0, "\(table) was not read at all")
      }
    }
  }
}
