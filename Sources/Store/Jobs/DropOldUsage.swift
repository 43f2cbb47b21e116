import EventLog
import Usage

extension Job {
  /// Lets the rows of usage go that are older than the tenant keeps; the roll-up stays.
  ///
  /// Counts: `days`, those that went; `dropped`, of them those whose partition went; `keys`, what made their uses count once.
  public static let dropOldUsage = Job(
    name: "drop-old-usage", summary: "lets the rows of usage go that are older than what is kept; the roll-up stays",
    schedule: .fixed("40 3 * * *"), catchUp: .once
  ) { context in
    var counts: [String: Int64] = ["days": 0, "dropped": 0, "keys": 0]
    let (tenant, connection) = (context.tenant.id, context.connection)
    let now = try context.now()
    days: for day in try UsageRetention.oldDays(of: tenant, at: now, on: connection) {
      try UsageRetention.close(day, of: tenant, on: connection)
      if try UsageRetention.dropRows(day, of: tenant, at: now, on: connection) == .dropped {
        counts["dropped", default: 0] += 1
      }
      var keys: Int
      repeat {
        keys = try UsageRetention.dropKeys(day, of: tenant, on: connection)
        counts["keys", default: 0] += Int64(keys)
        if context.isOver() { break days }
      } while keys > 0
      counts["days", default: 0] += 1
    }
    return JobReport(counts: counts)
  }
}
