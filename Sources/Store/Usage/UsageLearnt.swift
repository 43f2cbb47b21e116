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
  /// Two round trips, and one more for each 31 partitions; O(rows of the days kept up to the instant).
  public func learnt(since run: Instant, usedBy end: Instant) throws -> UsageLearnt {
    try tenant.withConnection { connection in
      var learnt = UsageLearnt(uses: 0, lastLearnt: nil, closedDays: 0)
      for slice in try slices(from: .earliest, to: end, on: connection) {
        let row = try connection.query(
          """
          SELECT count(*), max(recorded_at) FROM tenure.usage
          WHERE tenant_id = \(tenant.id) AND \(unsafe: slice.condition) AND used_at <= \(end.timestamp)
            AND recorded_at > \(run.timestamp)
          """)[0]
        learnt.uses += try row.int64(0)
        let last = try row.optionalTimestamp(1).map { Instant($0) }
        learnt.lastLearnt = [learnt.lastLearnt, last].compactMap(\.self).max()
      }
      let closed = try connection.query(
        """
        SELECT count(*) FROM tenure.usage_closed_day
        WHERE tenant_id = \(tenant.id) AND day <= (\(end.timestamp) AT TIME ZONE 'UTC')::date
        """)
      learnt.closedDays = try closed[0].int64(0)
      return learnt
    }
  }
}
