import EventLog
import Governance
import JSON
import Postgres
import Schema
import TestSupport
import Testing

/// What the roles may not do, and which databases are refused.
@Suite(.serialized) struct SchemaTests {
  let superuser: Connection
  let service: Connection

  init() throws {
    superuser = try ScratchDatabase.connectAsSuperuser()
    service = try ScratchDatabase.connect()
  }

  private func sqlState(on connection: Connection, _ statement: String) -> String? {
    #expect(throws: PostgresError.self, "\(statement)") { try connection.execute(statement) }?.sqlState
  }

  /// One event with a personal value, so that there are rows to change.
  ///
  /// - Returns: the tenant's name.
  @discardableResult
  private func record() throws -> String {
    let store = try ScratchDatabase.store()
    defer { store.close() }
    let change = Change.identityRegistered(id: "ada", kind: .person, attributes: ["email": .open("ada@example.org")])
    let name = ScratchDatabase.tenantName()
    try store.create(tenant: name).submitAndWait(
      Submission(
        mode: .governed, source: "api", basis: .enforced, recordedBy: Recorder(id: "test", authentication: "local"),
        commands: [Command(change)]))
    return name
  }

  @Test(arguments: ["event", "command"])
  func `what is recorded cannot be changed, by the service nor by its owner`(_ table: String) throws {
    try record()
    let changes = [
      "UPDATE tenure.\(table) SET tenant_id = tenant_id", "DELETE FROM tenure.\(table)", "TRUNCATE tenure.\(table)",
    ]
    for change in changes { #expect(sqlState(on: service, change) == "42501") }
    try superuser.execute("SET ROLE tenure_owner")
    for change in changes { #expect(sqlState(on: superuser, change) == SQLState.appendOnly) }
    // Not even where other triggers are off.
    try superuser.execute("RESET ROLE; SET session_replication_role = replica")
    for change in changes { #expect(sqlState(on: superuser, change) == SQLState.appendOnly) }
  }

  @Test func `a reader sees the graph, and neither the log nor personal values`() throws {
    let name = try record()
    try superuser.execute("SET ROLE tenure_reader")
    for table in ["personal", "event", "command"] {
      #expect(sqlState(on: superuser, "SELECT FROM tenure.\(table)") == "42501")
    }
    #expect(try superuser.query("SELECT FROM tenure.who_had_access(\(name), 'x', 'y', now())").isEmpty)
    #expect(try superuser.query("SELECT FROM tenure.current_entitlements WHERE tenant = \(name)").isEmpty)
    for change in ["INSERT INTO tenure.groups SELECT * FROM tenure.groups", "DELETE FROM tenure.groups"] {
      #expect(sqlState(on: superuser, change) == "42501")
    }
  }

  @Test func `a tenant that is not there is named as such`() {
    for call in ["who_had_access('none', 'x', 'y', now())", "what_could('none', 'x', now())"] {
      #expect(sqlState(on: service, "SELECT FROM tenure.\(call)") == SQLState.unknownTenant)
    }
  }

  @Test func `migrating again changes nothing`() throws {
    let objects: SQL = """
      SELECT c.oid::text || c.xmin::text FROM pg_class c WHERE relnamespace = 'tenure'::regnamespace
      UNION ALL SELECT p.oid::text || p.xmin::text FROM pg_proc p WHERE pronamespace = 'tenure'::regnamespace
      ORDER BY 1
      """
    let before = try superuser.query(objects).map { try $0.string(0) }
    #expect(try Schema.migrate(superuser) == [])
    #expect(try superuser.query(objects).map { try $0.string(0) } == before)
    try Schema.verify(service)
  }

  @Test func `a database of a newer version, of none and of another encoding is refused`() throws {
    let (owner, session) = try database("refused", "ENCODING 'UTF8'")
    #expect(refusal { try Schema.verify(session) } == .migrationMissing)
    #expect(try Schema.migrate(owner).count == 48)
    try Schema.verify(session)
    try owner.execute("INSERT INTO tenure.migration (name, digest) VALUES ('m9999_future', '')")
    #expect(refusal { _ = try Schema.migrate(owner) } == .writtenByNewerVersion)
    #expect(refusal { try Schema.verify(session) } == .writtenByNewerVersion)
    try owner.execute("DELETE FROM tenure.migration WHERE name IN ('m9999_future', 'm0020_coverage_gaps')")
    #expect(refusal { try Schema.verify(session) } == .migrationMissing)
    try owner.execute("UPDATE tenure.migration SET digest = 'another' WHERE name = 'm0016_memberships'")
    #expect(refusal { try Schema.verify(session) } == .migrationChanged)
    #expect(refusal { _ = try Schema.migrate(owner) } == .migrationChanged)
    let (latin, latinSession) = try database("latin", "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    #expect(refusal { _ = try Schema.migrate(latin) } == .encoding)
    #expect(refusal { try Schema.verify(latinSession) } == .encoding)
  }

  @Test func `a session that nothing binds, or that could lose what it acknowledged, is refused`() throws {
    #expect(refusal { try Schema.verify(superuser) } == .superuser)
    for value in ["off", "local"] {
      let hasty = try Connection(try ScratchDatabase.conninfo() + " options='-c synchronous_commit=\(value)'")
      #expect(refusal { try Schema.verify(hasty) } == .durability)
    }
  }

  private func refusal(_ body: () throws -> Void) -> SchemaError.Code? {
    #expect(throws: SchemaError.self) { try body() }?.code
  }

  /// A database beside the usual one: as its owner and as the service.
  private func database(_ name: String, _ options: String) throws -> (Connection, Connection) {
    try superuser.execute("CREATE DATABASE \(name) TEMPLATE template0 \(options)")
    // The last dbname counts.
    return (
      try Connection(try ScratchDatabase.conninfo(user: "postgres") + " dbname=\(name)"),
      try Connection(try ScratchDatabase.conninfo() + " dbname=\(name)")
    )
  }
}
