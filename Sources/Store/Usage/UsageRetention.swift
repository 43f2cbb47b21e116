public import Postgres
public import Temporal

/// Lets the rows of usage go that are older than their tenant keeps; the roll-up stays.
///
/// A day goes in steps, each a transaction: it is closed, which rolls it up for good and refuses what comes later; its rows go;
/// its keys go, page by page. Whatever step is the last one done, the next run goes on from there.
public enum UsageRetention {
  /// Keys that one statement deletes: a tenth of a second.
  static let keysPerPage = 20_000

  /// What became of a day's rows.
  public enum Fate: String, Hashable, Sendable {
    /// Their partition is gone.
    case dropped
    /// They are gone, and those of tenants that keep the day longer stay.
    case deleted
    /// They were gone before, or go with the run of the last tenant that lets the day go.
    case left
  }

  /// The days before what the tenant keeps of which anything is left, the oldest first.
  public static func oldDays(of tenant: Int32, at now: Instant, on connection: Connection) throws -> [UsageDay] {
    let kept = try connection.query("SELECT kept_days FROM tenure.usage_window WHERE tenant_id = \(tenant)")
    guard let row = kept.first else { return [] }
    let first = UsageDay(of: now).adding(days: -Int(try row.int32(0)))
    // From day to day through the index: as many probes as there are old days.
    return try connection.query(
      """
      WITH RECURSIVE days AS (
        SELECT min(day) AS day FROM tenure.usage_key WHERE tenant_id = \(tenant)
        UNION ALL
        SELECT (SELECT min(k.day) FROM tenure.usage_key k WHERE k.tenant_id = \(tenant) AND k.day > d.day)
        FROM days d WHERE d.day < (\(first.start.timestamp) AT TIME ZONE 'UTC')::date
      )
      SELECT day::timestamp AT TIME ZONE 'UTC' FROM days
      WHERE day < (\(first.start.timestamp) AT TIME ZONE 'UTC')::date ORDER BY 1
      """
    ).map { UsageDay(of: Instant(try $0.timestamp(0))) }
  }

  /// Closes a day: its roll-up is final from now on.
  public static func close(_ day: UsageDay, of tenant: Int32, on connection: Connection) throws {
    try connection.transaction { connection in
      // Waits for the batches that are being written; those after it see that the day is closed.
      _ = try connection.query("SELECT FROM tenure.usage_window WHERE tenant_id = \(tenant) FOR UPDATE")
      _ = try UsageRollUp.write(day, of: tenant, on: connection)
      try connection.run(
        """
        INSERT INTO tenure.usage_closed_day (tenant_id, day)
        VALUES (\(tenant), (\(day.start.timestamp) AT TIME ZONE 'UTC')::date) ON CONFLICT DO NOTHING
        """)
    }
  }

  /// Takes the rows of a closed day away.
  public static func dropRows(
    _ day: UsageDay, of tenant: Int32, at now: Instant, on connection: Connection
  ) throws -> Fate {
    let rows = try connection.query(
      """
      SELECT tenure.drop_usage_day(\(tenant), (\(day.start.timestamp) AT TIME ZONE 'UTC')::date, \(now.timestamp))
      """)
    return Fate(rawValue: try rows[0].string(0)) ?? .left
  }

  /// Deletes a page of the keys of a closed day.
  ///
  /// - Returns: how many; less than a page where there are no more.
  public static func dropKeys(_ day: UsageDay, of tenant: Int32, on connection: Connection) throws -> Int {
    try connection.run(
      """
      DELETE FROM tenure.usage_key WHERE tenant_id = \(tenant) AND key IN (
        SELECT key FROM tenure.usage_key
        WHERE tenant_id = \(tenant) AND day = (\(day.start.timestamp) AT TIME ZONE 'UTC')::date
        LIMIT \(Int64(keysPerPage)))
      """)
  }
}
