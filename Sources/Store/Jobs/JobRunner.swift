import Dispatch
public import EventLog
import JSON
public import Postgres
public import Temporal

/// Runs jobs on one session and records each run.
///
/// A run holds a session-level advisory lock of its tenant and job from before its record is made until after its end is: so a
/// job never runs twice at a time for a tenant, whoever starts it, and a record without an end whose lock is free belongs to a
/// process that died. The next run marks it as lost. The lock is the session's, so a pooler that hands sessions around between
/// transactions must not stand in between.
public final class JobRunner {
  /// Bytes of an error that are kept: what went wrong, not everything that was tried.
  static let maximumErrorBytes = 2_000
  /// Days for which runs are kept: longer than anybody looks back from an alarm; what jobs did to access stands in the log.
  static let runsKeptDays: Int64 = 90
  /// Runs that one run takes away at most: more than come in the meantime, and no work to speak of.
  static let runsPrunedPerRun: Int64 = 100
  /// How long one statement of a job may take; jobs work page by page, so that none comes near it.
  static let statementSeconds = 60
  /// How long it waits for a lock.
  static let lockSeconds = 10

  private let store: EventStore
  private let process: String
  private let alarm: (JobAlarm) -> Void
  /// The session.
  let connection: Connection

  /// A runner on a session that nothing else uses.
  ///
  /// - Parameters:
  ///   - store: the logs that jobs append to; its clock is the runs' clock.
  ///   - connection: the session; its settings are changed.
  ///   - process: how the history names this process, `host/pid`.
  ///   - alarm: told what jobs have to say beyond their outcome. The default drops it.
  public init(
    store: EventStore, connection: Connection, process: String, alarm: @escaping (JobAlarm) -> Void = { _ in }
  ) throws {
    self.store = store
    self.connection = connection
    self.process = process
    self.alarm = alarm
    // The few rows that are named are found through an index, however small the tables were when the statements were planned.
    // A client whose machine vanished is noticed in a minute, not in two hours: its locks are free then.
    try connection.execute(
      """
      SET lock_timeout = '\(Self.lockSeconds)s'; SET statement_timeout = '\(Self.statementSeconds)s';
      SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
      SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3
      """)
  }

  /// Runs a job for a tenant; nil where another session is at it.
  ///
  /// What the job throws is in the record, not thrown. Blocks.
  /// - Parameters:
  ///   - scheduledFor: since when it was due. The default is the present.
  ///   - isOver: asked between pages of work; true ends the run at that place. The default lets it go on to its end.
  /// - Throws: `PostgresError` where the session fails; the run is lost then.
  public func run(
    _ job: Job, for tenant: JobTenant, scheduledFor: Instant? = nil, isOver: @escaping () -> Bool = { false }
  ) throws -> JobRun? {
    let isMine = try connection.query("SELECT pg_try_advisory_lock(\(tenant.id), tenure.job_lock(\(job.name)))")[0].bool(0)
    guard isMine else { return nil }
    // Where this fails the session is gone, and its locks with it.
    defer { _ = try? connection.query("SELECT pg_advisory_unlock(\(tenant.id), tenure.job_lock(\(job.name)))") }
    try markLost(job, tenant)
    let startedAt = store.settings.clock()
    let number = try begin(job, tenant, scheduledFor: scheduledFor ?? startedAt, at: startedAt)
    do {
      let report = try job.work(context(job, tenant, isOver))
      try end(job, tenant, number, "succeeded", report, error: nil)
    } catch let error as PostgresError where !connection.isOpen {
      throw error
    } catch {
      try end(job, tenant, number, "failed", nil, error: Self.shortened("\(error)"))
    }
    try prune(job, tenant)
    return try JobRun.find(number, of: job.name, tenant: tenant, on: connection)
  }

  private func context(_ job: Job, _ tenant: JobTenant, _ isOver: @escaping () -> Bool) throws -> JobContext {
    let reached = try connection.query(
      """
      SELECT reached FROM tenure.job_run WHERE tenant_id = \(tenant.id) AND job = \(job.name) AND outcome = 'succeeded'
      ORDER BY run DESC LIMIT 1
      """)
    var value: JSONValue?
    if let text = try reached.first?.optionalValue(0, as: JSONText.self) { value = try JSONValue(parsing: text.text) }
    return JobContext(
      tenant: tenant, connection: connection, clock: store.settings.clock, reached: value, isOver: isOver,
      openTenant: { [store] in
        guard let opened = try store.find(tenant: tenant.name) else { throw JobError.noTenant(tenant.name) }
        return opened
      }, alarm: alarm)
  }

  // MARK: The record

  private func markLost(_ job: Job, _ tenant: JobTenant) throws {
    try connection.run(
      """
      UPDATE tenure.job_run SET outcome = 'lost' WHERE tenant_id = \(tenant.id) AND job = \(job.name) AND outcome IS NULL
        AND run = (SELECT max(run) FROM tenure.job_run WHERE tenant_id = \(tenant.id) AND job = \(job.name))
      """)
  }

  private func begin(_ job: Job, _ tenant: JobTenant, scheduledFor: Instant, at startedAt: Instant) throws -> Int64 {
    // Under the lock nobody else numbers a run of this tenant and job.
    try connection.query(
      """
      INSERT INTO tenure.job_run (tenant_id, job, run, scheduled_for, started_at, process)
      SELECT \(tenant.id), \(job.name), coalesce(max(run), 0) + 1, \(Timestamp(scheduledFor)), \(Timestamp(startedAt)), \(process)
      FROM tenure.job_run WHERE tenant_id = \(tenant.id) AND job = \(job.name)
      RETURNING run
      """)[0].int64(0)
  }

  private func end(
    _ job: Job, _ tenant: JobTenant, _ number: Int64, _ outcome: String, _ report: JobReport?, error: String?
  ) throws {
    let counts = report.map { report in
      JSONText(JSONValue.object(JSONObject(report.counts.map { ($0.key, .integer($0.value)) })).canonicalText)
    }
    let reached = report?.reached.map { JSONText($0.canonicalText) }
    try connection.run(
      """
      UPDATE tenure.job_run SET outcome = \(outcome), ended_at = \(Timestamp(store.settings.clock())),
        counts = \(counts), reached = \(reached), error = \(error),
        position = (SELECT h.position FROM tenure.head h WHERE h.tenant_id = \(tenant.id))
      WHERE tenant_id = \(tenant.id) AND job = \(job.name) AND run = \(number)
      """)
  }

  /// Lets old runs go, under the lock that numbers them.
  private func prune(_ job: Job, _ tenant: JobTenant) throws {
    let before = store.settings.clock().adding(microseconds: -Self.runsKeptDays * 86_400_000_000)
    _ = try connection.query(
      "SELECT tenure.prune_job_runs(\(tenant.id), \(job.name), \(Timestamp(before)), \(Self.runsPrunedPerRun))")
  }

  private static func shortened(_ text: String) -> String {
    guard text.utf8.count > maximumErrorBytes else { return text }
    var short = ""
    for character in text {
      if short.utf8.count + character.utf8.count > maximumErrorBytes - 3 { break }
      short.append(character)
    }
    return short + "…"
  }
}
