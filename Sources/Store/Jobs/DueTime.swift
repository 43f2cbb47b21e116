public import Temporal

/// When a job is due: from its schedule, its rule for what was missed, and its newest run.
///
/// The newest run is the one with the highest number, not the one with the latest times: so the rules hold whatever clocks did.
/// - *Nothing ran for a day, or the clock jumps a day ahead*: the firings missed are one run (`once`) or none (`none`), however
///   many they were; the next is as scheduled.
/// - *The clock jumps a day back*: the newest run began in what is now the future. A job that catches up runs at once, and goes on by
///   the clock there is, so that nothing waits for the day to pass again; where the clock then is set right, that is a jump ahead.
extension Job {
  /// How late the firing of a job that does not catch up may be run: the scheduler looks more often, and a run before it may
  /// take so long.
  static let latenessMicroseconds: Int64 = 120_000_000
  /// How far the clocks of nodes may be apart; a newest run that began later than that means that the clock was set back.
  static let clockDifferenceMicroseconds: Int64 = 300_000_000
  /// After how long a run that failed or was lost is tried again: what made it fail has had time to pass, and a job that always
  /// fails is no load.
  static let retryMicroseconds: Int64 = 300_000_000

  /// From when on the job is due for a tenant; it is due where that is not later than the present.
  ///
  /// - Parameters:
  ///   - now: the present.
  ///   - newest: the tenant's newest run of this job; nil where it never ran.
  /// - Returns: the moment; nil for a schedule that never fires.
  public func due(at now: Instant, after newest: JobRun?) -> Instant? {
    switch catchUp {
    case .once:
      // What never ran, or ran last in a future that has been taken back, is due already.
      guard let newest, !isAhead(newest, of: now) else { return now }
      let next = schedule.next(after: newest.startedAt)
      let isDone = newest.state == .succeeded || newest.state == .running
      return isDone ? next : min(next ?? .latest, newest.startedAt.adding(microseconds: Self.retryMicroseconds))
    case .none:
      let recently = now.adding(microseconds: -Self.latenessMicroseconds)
      guard let newest, !isAhead(newest, of: now) else { return schedule.next(after: recently) }
      return schedule.next(after: max(newest.startedAt, recently))
    }
  }

  private func isAhead(_ run: JobRun, of now: Instant) -> Bool {
    now.distance(to: run.startedAt) > Self.clockDifferenceMicroseconds
  }
}
