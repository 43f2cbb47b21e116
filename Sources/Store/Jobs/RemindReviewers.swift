import AccessGraph
import EventLog
import Governance
import Postgres
import Temporal

extension Job {
  /// Records `review.reminded` for each open review so many days before its deadline as its terms say, once each.
  ///
  /// The event says who has how many items to decide, and webhooks tell it; whoever has none is not asked, and where there are more
  /// than one event names, several do. Where several reminders
  /// were missed, the last is sent. Counts: `due`; `reminded`; `already`, by another process meanwhile; `idle`, those in which
  /// nobody has anything to decide.
  public static let remindReviewers = Job(
    name: RemindReviewers.name, summary: "reminds reviewers of what they have to decide", schedule: .fixed("*/15 * * * *"),
    catchUp: .once
  ) { try RemindReviewers(context: $0).run() }
}

/// One run of the job.
private struct RemindReviewers {
  static let name = "remind-reviewers"
  let context: JobContext

  func run() throws -> JobReport {
    var counts: [String: Int64] = ["due": 0, "reminded": 0, "already": 0, "idle": 0]
    let now = try context.now()
    for review in try context.reviews(in: .open) where !context.isOver() {
      let tenant = try context.openTenant()
      let days = try tenant.read { graph in
        graph.world(asKnownAt: graph.position).review(review, at: now).flatMap { $0.reminderDue(at: now) }
      }
      guard let days else { continue }
      counts["due", default: 0] += 1
      let view = Viewpoint(at: now, asKnownAt: tenant.head.position)
      guard let outstanding = try tenant.outstanding(in: review, from: view) else { continue }
      if outstanding.isEmpty {
        counts["idle", default: 0] += 1
        continue
      }
      let reminder = ReviewReminder(daysBefore: days, outstanding: outstanding)
      do throws(SubmissionFailure) {
        try tenant.submitAndWait(.ofReviews(by: Self.name, Command(.review(id: review, .reminded, by: nil, reminder, nil))))
        counts["reminded", default: 0] += 1
      } catch {
        guard case .refused(let why) = error, why.code == .noChange || why.code == .wrongState else { throw error }
        counts["already", default: 0] += 1
      }
    }
    return JobReport(counts: counts)
  }
}

extension ReviewStanding {
  /// The reminder that is due: the one closest to the deadline of those whose day has come and after which none was sent.
  func reminderDue(at now: Instant) -> Int64? {
    guard isDeciding(at: now) else { return nil }
    let last = progress.reminded.min() ?? .max
    return terms.remindDays.filter { days in
      days < last && progress.deadline.adding(microseconds: -days * 86_400_000_000) <= now
    }.min()
  }
}

extension JobContext {
  /// The reviews that stand there, by the relation tables: a tenant without any loads no graph.
  func reviews(in state: ReviewState) throws -> [String] {
    try connection.query(
      """
      SELECT id FROM tenure.reviews
      WHERE tenant_id = \(tenant.id) AND recorded_to IS NULL AND upper_inf(valid) AND state = \(state.rawValue) ORDER BY id
      """
    ).map { try $0.string(0) }
  }
}
