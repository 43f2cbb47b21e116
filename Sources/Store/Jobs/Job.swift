import EventLog
import JSON
public import Postgres
public import Temporal

/// What is done again and again for each tenant.
///
/// A job is idempotent and safe to kill at any point: whatever an earlier run left undone or did twice, the next one puts right.
/// What matters never waits for a job: access ends at its end by evaluation, and the job only records it.
public struct Job: Sendable {
  /// What happens to firings that were missed: while nothing ran, or because a clock jumped.
  public enum CatchUp: String, Hashable, Sendable {
    /// One run stands for all of them; one that failed or was lost is tried again before the next firing.
    case once
    /// They are skipped.
    case none
  }

  /// The name that commands and the history use; never changed after release.
  public let name: String
  /// One line about what it does.
  public let summary: String
  /// When it is run.
  public let schedule: CronSchedule
  /// What happens to missed firings.
  public let catchUp: CatchUp
  /// Does it once, for one tenant; whatever it throws makes the run a failed one.
  let work: @Sendable (JobContext) throws -> JobReport

  init(
    name: String, summary: String, schedule: CronSchedule, catchUp: CatchUp,
    work: @escaping @Sendable (JobContext) throws -> JobReport
  ) {
    self.name = name
    self.summary = summary
    self.schedule = schedule
    self.catchUp = catchUp
    self.work = work
  }

  /// Every job there is, in the order of their names.
  public static let all: [Job] = [
    .closeReviews, .deliverWebhooks, .dropOldUsage, .expireGrants, .flagBreaches, .flagDormant, .flagEndings, .flagOrphans,
    .flagUnused, .flagUse, .lapseRequests, .openReviews, .remindReviewers, .rollUpUsage, .warnExpiring,
  ]

  /// The job of that name.
  public static func named(_ name: String) -> Job? { all.first { $0.name == name } }
}

extension CronSchedule {
  /// A schedule that stands in the program: a mistake in it is a mistake of ours.
  static func fixed(_ expression: String) -> CronSchedule {
    do { return try CronSchedule(expression) } catch { preconditionFailure("\(expression): \(error)") }
  }
}

/// A tenant as jobs name it.
public struct JobTenant: Hashable, Sendable {
  /// Its number in the database.
  public let id: Int32
  /// Its name.
  public let name: String

  /// All tenants in byte order of their names, or the one of a name; empty where there is none.
  public static func all(named name: String? = nil, on connection: Connection) throws -> [JobTenant] {
    let rows = try connection.query(
      "SELECT tenant_id, name FROM tenure.tenant WHERE \(name) IS NULL OR name = \(name) ORDER BY name")
    return try rows.map { JobTenant(id: try $0.int32(0), name: try $0.string(1)) }
  }
}

/// What a run of a job works with.
struct JobContext {
  let tenant: JobTenant
  /// The session that holds the run's lock; every page of work goes through it, so that a run without its lock ends.
  let connection: Connection
  let clock: WallClock
  /// Where the last run that succeeded got to; nil where none did, or the job keeps nothing.
  let reached: JSONValue?
  /// Whether to stop at the next good place: the process is stopping, or others wait.
  let isOver: () -> Bool
  /// The tenant with its graph, loaded when first asked for: a run that finds nothing to append never pays for it.
  let openTenant: () throws -> Tenant
  /// Told what an operator must know beyond the run's own outcome.
  var alarm: (JobAlarm) -> Void = { _ in }

  /// The present as every question has it: what was recorded is not in the future, whatever this machine's clock says.
  func now() throws -> Instant {
    let rows = try connection.query("SELECT recorded_at FROM tenure.head WHERE tenant_id = \(tenant.id)")
    guard let row = rows.first else { throw EventLogError.headMissing(tenant: tenant.name) }
    return max(clock(), try row.optionalTimestamp(0).map { Instant($0) } ?? .earliest)
  }
}

/// What a run of a job came to.
struct JobReport: Hashable {
  /// What it did, numbers by name.
  var counts: [String: Int64]
  /// From where the next run goes on.
  var reached: JSONValue?
}

/// Why a job cannot be run as asked.
public enum JobError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The schedule never fires.
  case neverFires(job: String, schedule: String)
  /// Two jobs have the same name.
  case nameTaken(String)
  /// The tenant is gone.
  case noTenant(String)

  /// One line for a log or an answer.
  public var description: String {
    switch self {
    case .neverFires(let job, let schedule): "the schedule of job \(job) never fires: \(schedule)"
    case .nameTaken(let job): "two jobs are named \(job)"
    case .noTenant(let name): "there is no tenant \(name)"
    }
  }
}

extension Timestamp {
  init(_ instant: Instant) { self.init(microsecondsSinceUnixEpoch: instant.microseconds) }
}

extension Instant {
  init(_ timestamp: Timestamp) { self.init(microseconds: timestamp.microsecondsSinceUnixEpoch) }
}
