import EventLog
import Postgres
public import Temporal

/// What usage has come to be known, or has gone, since a moment.
public struct UsageLearnt: Hashable, Sendable {
  /// Uses that were learnt since, of those that are still kept.
  public var uses: Int64
  /// The last instant at which one of them was learnt.
  public var lastLearnt: Instant?
  /// Days whose rows are gone, whenever they went: of those only the roll-up is known.
  public var closedDays: Int64
}

extension UsageStore {
  /// Why what was read from usage may read otherwise now: uses before an instant that were learnt after another, and days that are
  /// no longer kept.
  ///
  /// One round trip; O(rows of the days kept up to the instant).
  public func learnt(since run: Instant, usedBy end: Instant) throws -> UsageLearnt {
    try tenant.withConnection { connection in
      let rows = try connection.query(
        """
        SELECT count(*), max(recorded_at),
          (SELECT count(*) FROM tenure.usage_closed_day
            WHERE tenant_id = \(tenant.id) AND day <= (\(end.timestamp) AT TIME ZONE 'UTC')::date)
        FROM tenure.usage WHERE tenant_id = \(tenant.id) AND used_at <= \(end.timestamp) AND recorded_at > \(run.timestamp)
        """)
      return UsageLearnt(
        uses: try rows[0].int64(0), lastLearnt: try rows[0].optionalTimestamp(1).map { Instant($0) },
        closedDays: try rows[0].int64(2))
    }
  }
}
