import AccessGraph
public import Governance
import JSON
import Memory
public import Postgres

/// Folds a tenant's log anew and mends its relation tables where they differ.
///
/// Folds into shadow tables up to the head while writers go on; then, in one transaction, locks the head row, folds the rest,
/// compares, applies only the rows that differ and raises the head's generation if there were any, so that nodes load anew.
public struct Rebuild {
  /// Events folded between two writes to the shadow tables: so few that neither side works for long at a stretch while appends,
  /// of other tenants too, wait for a processor.
  private static let eventsPerSlice: Int64 = 32

  private let tenant: Int32
  private let decode: (_ body: String, _ position: Int64) throws -> Event

  /// A rebuild of one tenant; the caller knows how bodies are read.
  public init(tenant: Int32, decode: @escaping (_ body: String, _ position: Int64) throws -> Event) {
    self.tenant = tenant
    self.decode = decode
  }

  /// Rebuilds; blocks.
  ///
  /// Safe to kill at any point: nothing changes before the last transaction commits.
  ///
  /// - Parameters:
  ///   - connection: used for nothing else meanwhile.
  ///   - progress: events folded so far, and the head when it was last looked at.
  /// - Throws: what decoding throws; `PostgresError`.
  public func run(on connection: Connection, progress: (_ done: Int64, _ total: Int64) -> Void) throws -> RebuildReport {
    let shadows = ShadowTables(tenant: tenant)
    try shadows.make(on: connection)
    defer { try? shadows.drop(on: connection) }
    var fold = Fold(tenant: tenant, decode: decode)
    let head = try connection.query("SELECT position FROM tenure.head WHERE tenant_id = \(tenant)")[0].int64(0)
    while fold.read < head {
      try connection.transaction { try fold.slice(through: min(head, fold.read + Self.eventsPerSlice), on: $0) }
      progress(fold.read, head)
    }
    try shadows.analyze(on: connection)
    return try connection.transaction { connection in
      let locked = try connection.query("SELECT position FROM tenure.head WHERE tenant_id = \(tenant) FOR UPDATE")[0].int64(0)
      while fold.read < locked { try fold.slice(through: min(locked, fold.read + Self.eventsPerSlice), on: connection) }
      try fold.finish(on: connection)
      let differences = try shadows.compareAndMend(on: connection)
      if !differences.isEmpty {
        try connection.run("UPDATE tenure.head SET generation = generation + 1 WHERE tenant_id = \(tenant)")
      }
      progress(locked, locked)
      return RebuildReport(events: locked, differences: differences)
    }
  }

  /// The log on its way into the shadow tables.
  private struct Fold {
    let tenant: Int32
    let decode: (String, Int64) throws -> Event
    /// The last event read.
    var read: Int64 = 0
    private let graph = AccessGraph()
    /// The atomic batch that may go on in the next slice.
    private var batch: [Event] = []

    init(tenant: Int32, decode: @escaping (String, Int64) throws -> Event) {
      self.tenant = tenant
      self.decode = decode
    }

    mutating func slice(through last: Int64, on connection: Connection) throws {
      let rows = try connection.query(
        """
        SELECT position, body FROM tenure.event
        WHERE tenant_id = \(tenant) AND position > \(read) AND position <= \(last) ORDER BY position
        """)
      var changes = RelationChanges()
      for row in rows {
        // The scheduler would let this go on for milliseconds while appends, of other tenants too, wait for a processor.
        Processor.giveWay()
        let event = try decode(try row.string(1), try row.int64(0))
        if let first = batch.first, first.recordedAt != event.recordedAt { apply(&changes) }
        batch.append(event)
      }
      read = last
      try write(changes, on: connection)
    }

    mutating func finish(on connection: Connection) throws {
      var changes = RelationChanges()
      apply(&changes)
      try write(changes, on: connection)
    }

    private func write(_ changes: RelationChanges, on connection: Connection) throws {
      try connection.execute(RelationChanges.planning)
      try changes.write(on: connection, tenant: tenant, in: .shadow)
      try connection.execute(RelationChanges.usualPlanning)
    }

    private mutating func apply(_ changes: inout RelationChanges) {
      guard let last = batch.last else { return }
      var relations = RelationBatch()
      for event in batch {
        relations.willApply(event, in: graph.world(asKnownAt: graph.appliedPosition))
        graph.apply(event)
      }
      changes.record(relations, in: graph.world(asKnownAt: graph.appliedPosition), lastPosition: last.position)
      batch = []
    }
  }
}

/// What a rebuild found.
public struct RebuildReport: Hashable, Sendable {
  /// Rows of one table that differed.
  public struct Difference: Hashable, Sendable {
    /// The table.
    public let table: String
    /// Rows that the log asks for and the table had not.
    public let missing: Int64
    /// Rows that the table had and the log does not know.
    public let extra: Int64
    /// The first few of them, `+` missing and `-` extra, as PostgreSQL prints rows.
    public let examples: [String]
  }

  /// The events folded: the head's position.
  public let events: Int64
  /// The tables that differed, and were mended.
  public let differences: [Difference]

  /// Whether the tables said what the log says.
  public var isClean: Bool { differences.isEmpty }
}

/// The shadows of the relation tables, in the session's own temporary schema.
private struct ShadowTables {
  /// Rows of each kind that a report shows.
  private static let examples = 5

  let tenant: Int32

  /// Names of the tables, and the columns that name a row.
  private var tables: [(name: String, key: [String])] {
    RelationTable.all.map { ($0.name, $0.key + ["position", "recorded_from"]) }
      + [(RolePermissionRow.table, ["role_id", "position", "ordinal"])]
  }

  func make(on connection: Connection) throws {
    for (name, key) in tables {
      let shadow = RelationTables.shadow.name(of: name)
      try connection.execute("DROP TABLE IF EXISTS \(shadow); CREATE TEMPORARY TABLE shadow_\(name) (LIKE tenure.\(name))")
      try connection.execute("CREATE INDEX ON \(shadow) (\(key.joined(separator: ", ")))")
    }
  }

  func drop(on connection: Connection) throws {
    for (name, _) in tables { try connection.execute("DROP TABLE IF EXISTS \(RelationTables.shadow.name(of: name))") }
  }

  func analyze(on connection: Connection) throws {
    for (name, _) in tables { try connection.execute("ANALYZE \(RelationTables.shadow.name(of: name))") }
  }

  func compareAndMend(on connection: Connection) throws -> [RebuildReport.Difference] {
    try tables.compactMap { name, key in try compareAndMend(name, key, on: connection) }
  }

  /// Names of tables and columns are this module's own; the tenant is a number.
  private func compareAndMend(_ name: String, _ key: [String], on connection: Connection) throws -> RebuildReport.Difference? {
    let shadow = RelationTables.shadow.name(of: name)
    let live = "(SELECT * FROM tenure.\(name) WHERE tenant_id = \(tenant))"
    try connection.execute(
      """
      DROP TABLE IF EXISTS pg_temp.missing_rows, pg_temp.extra_rows;
      CREATE TEMPORARY TABLE missing_rows ON COMMIT DROP AS (SELECT * FROM \(shadow)) EXCEPT \(live);
      CREATE TEMPORARY TABLE extra_rows ON COMMIT DROP AS \(live) EXCEPT (SELECT * FROM \(shadow));
      """)
    let counts = try connection.query(
      SQL(unsafeSQL: "SELECT (SELECT count(*) FROM pg_temp.missing_rows), (SELECT count(*) FROM pg_temp.extra_rows)"))[0]
    let (missing, extra) = (try counts.int64(0), try counts.int64(1))
    if missing == 0, extra == 0 { return nil }
    let examples = try connection.query(
      SQL(
        unsafeSQL: """
          (SELECT '+ ' || m::text FROM pg_temp.missing_rows m LIMIT \(Self.examples))
          UNION ALL (SELECT '- ' || e::text FROM pg_temp.extra_rows e LIMIT \(Self.examples))
          """)
    ).map { try $0.string(0) }
    let match = (["tenant_id"] + key).map { "x.\($0) = e.\($0)" }.joined(separator: " AND ")
    try connection.execute("DELETE FROM tenure.\(name) x USING pg_temp.extra_rows e WHERE \(match)")
    try connection.execute("INSERT INTO tenure.\(name) SELECT * FROM pg_temp.missing_rows")
    try connection.execute("DROP TABLE pg_temp.missing_rows, pg_temp.extra_rows")
    return RebuildReport.Difference(table: name, missing: missing, extra: extra, examples: examples)
  }
}
