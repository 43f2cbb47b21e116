import Cryptography
import EventLog
import Foundation
import Governance
import JSON
import Postgres
import Temporal
import TestSupport
import Testing

@Suite struct LogIntegrityTests {
  let store: EventStore
  let tenant: Tenant

  init() throws {
    store = try ScratchDatabase.store()
    tenant = try store.create(tenant: ScratchDatabase.tenantName())
    try tenant.submitAndWait(
      .governed(.register("ada", ["title": .open("Größe \"Ω\" \u{1F600}\n")]), .create("ops"), key: "key"))
    try tenant.submitAndWait(.governed(.add(.identity("ada"), to: "ops")))
  }

  @Test(arguments: ["event", "command"])
  func `the log and its keys cannot be changed, by the service or by their owner`(table: String) throws {
    let service = try ScratchDatabase.connect()
    let owner = try ScratchDatabase.connectAsSuperuser()
    try owner.execute("SET ROLE tenure_owner")
    for (connection, state) in [(service, "42501"), (owner, "TN003")] {
      for statement in ["UPDATE tenure.\(table) SET tenant_id = 0", "DELETE FROM tenure.\(table)", "TRUNCATE tenure.\(table)"] {
        let error = #expect(throws: PostgresError.self) { try connection.execute(statement) }
        #expect(error?.sqlState == state)
      }
    }
    let superuser = try ScratchDatabase.connectAsSuperuser()
    try superuser.execute("SET session_replication_role = replica")
    #expect(throws: PostgresError.self) { try superuser.execute("DELETE FROM tenure.\(table)") }
    #expect(try tenant.verify().isClean)
  }

  /// Writes a row past the program, as only a superuser who switches the triggers off could.
  private func tamper(_ statement: SQL) throws {
    let superuser = try ScratchDatabase.connectAsSuperuser()
    try superuser.transaction { superuser in
      try superuser.execute("ALTER TABLE tenure.event DISABLE TRIGGER event_is_append_only")
      try superuser.run(statement)
      try superuser.execute("ALTER TABLE tenure.event ENABLE ALWAYS TRIGGER event_is_append_only")
    }
  }

  @Test func `verify finds what was tampered with`() throws {
    #expect(try tenant.verify().events == 3)
    #expect(try tenant.verify().isClean)
    try tamper("UPDATE tenure.event SET actor = 'eve' WHERE tenant_id = \(tenant.id) AND position = 1")
    #expect(try tenant.verify().problems.map(\.problem) == ["column actor disagrees with the body"])
    try tamper(
      "UPDATE tenure.event SET actor = NULL, body = replace(body, 'Gr', 'gr') WHERE tenant_id = \(tenant.id) AND position = 1")
    #expect(try tenant.verify().problems.map(\.problem) == ["leaf is not the digest of the body"])
    try tamper("DELETE FROM tenure.event WHERE tenant_id = \(tenant.id) AND position = 3")
    #expect(try tenant.verify().problems.map(\.position) == [1, 2])
    try tamper("DELETE FROM tenure.event WHERE tenant_id = \(tenant.id) AND position = 1")
    #expect(try tenant.verify().problems.first?.problem == "event 1 should stand here")
  }

  @Test func `an event that cannot be read stops its tenant there, and only there`() throws {
    let owner = try ScratchDatabase.connectAsSuperuser()
    try owner.execute("SET ROLE tenure_owner")
    try owner.run(
      """
      INSERT INTO tenure.event (tenant_id, position, event_id, type, version, entity, effective_at, recorded_at, source, basis,
        recorded_by, body, leaf)
      SELECT tenant_id, 4, gen_random_uuid(), 'future.thing', version, entity, effective_at, recorded_at + interval '1 s', source,
        basis, recorded_by, replace(replace(body, '"membership.added"', '"future.thing"'), '"position":3', '"position":4'), leaf
      FROM tenure.event WHERE tenant_id = \(tenant.id) AND position = 3
      """)
    try owner.run(
      "UPDATE tenure.head SET position = 4, recorded_at = recorded_at + interval '1 s' WHERE tenant_id = \(tenant.id)")
    let alarms = Collected<Alarm>()
    let later = try ScratchDatabase.store(EventStore.Settings(alarm: { alarms.add($0) }))
    let stopped = try #require(try later.find(tenant: tenant.name))
    for tenant in [tenant, stopped] {
      // The running one meets the event when it appends, the new one when it loads.
      let failure = #expect(throws: SubmissionFailure.self) { try tenant.submitAndWait(.governed(.register("bob"))) }
      guard case .degraded(let event)? = failure else {
        Issue.record("expected degraded, found \(String(describing: failure))")
        continue
      }
      #expect(event.position == 4)
      #expect(event.type == "future.thing")
      #expect(tenant.degraded == event)
      #expect(throws: EventLogError.degraded(event)) { try tenant.read { _ in } }
      #expect(!tenant.wait(for: 4, timeoutMilliseconds: 60_000))
    }
    #expect(alarms.all.count == 1)
    let other = try later.create(tenant: ScratchDatabase.tenantName())
    try other.submitAndWait(.governed(.register("ada")))
    #expect(try stopped.verify().problems.contains { $0.position == 4 && $0.problem.hasPrefix("cannot be read") })
  }

  @Test func `twenty lines of Python recompute every leaf of an export`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "tenure-rehash-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var lines = ""
    var leaves = ""
    try tenant.export { line in
      lines += line.body + "\n"
      leaves += line.leaf.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined() + "\n"
      #expect(EventCodec.leaf(Array(line.body.utf8)).bytes == line.leaf)
    }
    let (linesFile, leavesFile) = (folder.appending(path: "lines"), folder.appending(path: "leaves"))
    try Data(lines.utf8).write(to: linesFile)
    try Data(leaves.utf8).write(to: leavesFile)
    #expect(try rehash(linesFile, leavesFile) == "3 events, 0 wrong\n")
    try Data(lines.replacing("ops", with: "Ops").utf8).write(to: linesFile)
    #expect(try rehash(linesFile, leavesFile).hasSuffix("3 events, 2 wrong\n"))
  }

  private func rehash(_ lines: URL, _ leaves: URL) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "rehash.py")
    process.arguments = ["python3", script.path, lines.path, leaves.path]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self)
  }
}
