public import Postgres
import Temporal

/// Brings the roll-up of a tenant's usage up to date, day by day.
public enum UsageRollUp {
  /// PostgreSQL's word for a transaction that cannot have run one after another with those beside it.
  private static let serializationFailure = "40001"

  /// PostgreSQL's word for two transactions that waited for each other.
  private static let deadlock = "40P01"

  /// Days that wait for the roll-up at most, but for those of batches that are being written.
  ///
  /// An answer by day looks at the rows of each of them, and holds eight locks for each partition.
  public static let markedDaysAtMost = 31

  /// The days that have rows which the roll-up has not, the oldest first.
  public static func markedDays(of tenant: Int32, on connection: Connection) throws -> [UsageDay] {
    // From day to day through the index: as many probes as there are days, however many batches marked them.
    try connection.query(
      """
      WITH RECURSIVE days AS (
        SELECT min(day) AS day FROM tenure.usage_mark WHERE tenant_id = \(tenant)
        UNION ALL
        SELECT (SELECT min(m.day) FROM tenure.usage_mark m WHERE m.tenant_id = \(tenant) AND m.day > d.day)
        FROM days d WHERE d.day IS NOT NULL
      )
      SELECT day::timestamp AT TIME ZONE 'UTC' FROM days WHERE day IS NOT NULL ORDER BY 1
      """
    ).map { UsageDay(of: Instant(try $0.timestamp(0))) }
  }

  /// Rolls up the oldest days where too many wait for it, as in an import of years.
  static func trim(of tenant: Int32, on connection: Connection) throws {
    for day in try markedDays(of: tenant, on: connection).dropLast(markedDaysAtMost) {
      _ = try rollUp(day, of: tenant, on: connection)
    }
  }

  /// Rolls up all days that are marked, before many pages are read of them: of a marked day each page looks at the rows anew.
  ///
  /// What another session is at, and what comes meanwhile, stays marked and is read from the rows all the same.
  public static func rollUpMarkedDays(
    of tenant: Int32, on connection: Connection, isOver: () -> Bool = { false }
  ) throws {
    for day in try markedDays(of: tenant, on: connection) where !isOver() {
      _ = try rollUp(day, of: tenant, on: connection)
    }
  }

  /// Computes a day afresh from its rows, in one transaction.
  ///
  /// Idempotent; three round trips and a pass over the tenant's rows of the day.
  /// - Returns: how many entries of the roll-up are new or changed; nil where another session was at the same day, which is then
  ///   done, or still marked.
  public static func rollUp(_ day: UsageDay, of tenant: Int32, on connection: Connection) throws -> Int? {
    do {
      // One snapshot for marks and rows: a batch that is not in it keeps its mark. Whoever else takes the same marks fails.
      return try connection.transaction(.repeatableRead) { try write(day, of: tenant, on: $0) }
    } catch let error as PostgresError where error.sqlState == serializationFailure || error.sqlState == deadlock {
      return nil
    }
  }

  /// Takes the marks away and writes what is new or changed, within a transaction.
  static func write(_ day: UsageDay, of tenant: Int32, on connection: Connection) throws -> Int {
    let marks = try connection.run(
      """
      DELETE FROM tenure.usage_mark
      WHERE tenant_id = \(tenant) AND day = (\(day.start.timestamp) AT TIME ZONE 'UTC')::date
      """)
    if marks == 0 { return 0 }
    return try connection.run(
      """
      INSERT INTO tenure.usage_daily AS d (
        tenant_id, identity, action, resource, day, uses, denied, failed, first_used, last_used, first_permitted,
        last_permitted)
      SELECT \(tenant), identity, action, coalesce(resource, ''), (\(day.start.timestamp) AT TIME ZONE 'UTC')::date, count(*),
        count(*) FILTER (WHERE outcome = 'denied'), count(*) FILTER (WHERE outcome = 'failed'), min(used_at), max(used_at),
        min(used_at) FILTER (WHERE outcome <> 'denied'), max(used_at) FILTER (WHERE outcome <> 'denied')
      FROM tenure.usage
      WHERE tenant_id = \(tenant) AND used_at >= \(unsafe: day.literal) AND used_at < \(unsafe: day.adding(days: 1).literal)
      GROUP BY identity, action, coalesce(resource, '')
      ON CONFLICT (tenant_id, identity, action, resource, day) DO UPDATE SET
        uses = excluded.uses, denied = excluded.denied, failed = excluded.failed, first_used = excluded.first_used,
        last_used = excluded.last_used, first_permitted = excluded.first_permitted, last_permitted = excluded.last_permitted
      WHERE (d.uses, d.denied, d.failed, d.first_used, d.last_used) IS DISTINCT FROM
          (excluded.uses, excluded.denied, excluded.failed, excluded.first_used, excluded.last_used)
        OR (d.first_permitted, d.last_permitted) IS DISTINCT FROM (excluded.first_permitted, excluded.last_permitted)
      """)
  }
}

extension UsageDay {
  /// Its first instant as a literal of SQL: with it in the text the planner opens the one partition, and not all.
  var literal: String { "'\(start)'::timestamptz" }
}
