import EventLog
import Foundation
import Governance
import Postgres

/// The peer of writing: the same log, relation and idempotency tables with the same indexes and the same rows to begin with, for
/// an index costs by what is in it; without the triggers that refuse changes, which cost an INSERT nothing, and without a head
/// row, which would make its clients wait for one another.
struct LogCopies {
  static let schema = "copies"
  /// The tables that an append may write.
  private static let tables = [
    "event", "command", "personal", "identities", "groups", "roles", "role_permissions", "policies", "resources", "sources",
    "identity_suspensions", "account_links", "memberships", "assignments", "attributes", "coverage", "coverage_gaps",
  ]
  /// The column that tells which append wrote a row.
  private static func column(_ table: String) -> String {
    switch table {
    case "event", "personal", "role_permissions": "position"
    case "command": "last_position"
    default: "recorded_from"
    }
  }

  /// Makes the tables anew, with all that is in ours.
  static func make(on connection: Connection) throws {
    try connection.execute("DROP SCHEMA IF EXISTS \(schema) CASCADE; CREATE SCHEMA \(schema); CREATE SEQUENCE \(schema).place")
    for table in tables {
      // LIKE leaves the storage parameters out; these are the ones that change what an INSERT does.
      let hasRoom = column(table) == "recorded_from"
      try connection.execute(
        "CREATE TABLE \(schema).\(table) (LIKE tenure.\(table) INCLUDING ALL)\(hasRoom ? " WITH (fillfactor = 90)" : "")")
      let order = table == "command" ? "last_position" : "position"
      try connection.execute("INSERT INTO \(schema).\(table) SELECT * FROM tenure.\(table) ORDER BY tenant_id, \(order)")
    }
    try connection.execute("SELECT setval('\(schema).place', (SELECT max(position) FROM \(schema).event))")
  }

  /// The rows that an append wrote, in files that psql can copy in.
  struct Rows {
    fileprivate let files: [(table: String, path: String)]
    /// Rows of the relation tables among them.
    let relationRows: Int

    func remove() { for file in files { try? FileManager.default.removeItem(atPath: file.path) } }
  }

  /// Saves the rows that were written between two positions.
  static func save(
    tenant: Int32, after first: Int64, through last: Int64, in directory: String, context: BenchContext
  ) throws -> Rows {
    let connection = try context.connectAsSuperuser()
    var files: [(table: String, path: String)] = []
    var relationRows = 0
    for table in tables {
      let range = "tenant_id = \(tenant) AND \(column(table)) > \(first) AND \(column(table)) <= \(last)"
      let statement = "SELECT count(*) FROM tenure.\(table) WHERE \(range)"
      let count = try connection.query(SQL(unsafeSQL: statement))[0].int64(0)
      guard count > 0 else { continue }
      if column(table) == "recorded_from" { relationRows += Int(count) }
      let path = "\(directory)/\(table).copy"
      let order = table == "command" ? "last_position" : "position"
      try context.psql(["\\copy (SELECT * FROM tenure.\(table) WHERE \(range) ORDER BY \(order)) TO '\(path)' (FORMAT binary)"])
      files.append((table, path))
    }
    return Rows(files: files, relationRows: relationRows)
  }

  /// Copies the rows in, in one transaction; answers the seconds without the start of psql.
  static func load(_ rows: Rows, context: BenchContext) throws -> Double {
    let start = try Measuring.seconds { try context.psql(["SELECT 1"]) }
    let copies = rows.files.map { "\\copy \(schema).\($0.table) FROM '\($0.path)' (FORMAT binary)" }
    let taken = try Measuring.seconds { try context.psql(["BEGIN"] + copies + ["COMMIT"]) }
    return max(taken - start, 1e-6)
  }

  /// A script for pgbench that inserts one membership: its event, its relation row and its idempotency key in one statement.
  static func script(like event: RecordedEvent, of tenant: Int32, leaf: [UInt8]) -> String {
    let body = quoted(event.body)
    let hexadecimal = leaf.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    let key = quoted(event.event.commandID ?? "command")
    return """
      WITH n AS MATERIALIZED (SELECT nextval('\(schema).place') AS position),
      e AS (
        INSERT INTO \(schema).event
        SELECT \(tenant), position, gen_random_uuid(), 'membership.added', 1, \(quoted("group:load-")) || position % 50, now(), NULL::timestamptz,
          now(), 'api', 'declared', 'operator', 'tenure bench', NULL, \(key) || position,
          \(body), '\\x\(hexadecimal)'::bytea FROM n),
      m AS (
        INSERT INTO \(schema).memberships
        SELECT \(tenant), 'load-' || position % 50, 'identity', 'person-' || position, NULL::timestamptz, now(), position, 'api',
          NULL::timestamptz, true, tstzrange(now(), NULL), position, NULL::int8, false FROM n)
      INSERT INTO \(schema).command
      SELECT \(tenant), \(key) || position, '\\x\(hexadecimal)'::bytea, NULL::bytea, position, position FROM n;

      """
  }

  /// A constant in which pgbench sees no variable: the parser makes one string of it, once for a prepared statement.
  private static func quoted(_ text: String) -> String {
    let escaped = text.replacing("\\", with: "\\\\").replacing(":", with: "\\003A").replacing("'", with: "''")
    return "U&'\(escaped)'"
  }
}
