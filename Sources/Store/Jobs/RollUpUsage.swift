import EventLog
import Usage

extension Job {
  /// Brings the roll-up of usage up to date.
  ///
  /// Answers never wait for it: of days that it has not come to they look at the rows. Counts: `days`, those rolled up; `entries`,
  /// what was new or changed in them; `elsewhere`, days that another session was at.
  public static let rollUpUsage = Job(
    name: "roll-up-usage", summary: "sums up what sources told of usage since, by identity, action, resource and day",
    schedule: .fixed("*/15 * * * *"), catchUp: .once
  ) { context in
    var counts: [String: Int64] = ["days": 0, "entries": 0, "elsewhere": 0]
    for day in try UsageRollUp.markedDays(of: context.tenant.id, on: context.connection) {
      if let entries = try UsageRollUp.rollUp(day, of: context.tenant.id, on: context.connection) {
        counts["days", default: 0] += 1
        counts["entries", default: 0] += Int64(entries)
      } else {
        counts["elsewhere", default: 0] += 1
      }
      if context.isOver() { break }
    }
    return JobReport(counts: counts)
  }
}
