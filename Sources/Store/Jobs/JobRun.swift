import JSON
public import Postgres
public import Temporal

/// One run of a job for a tenant, as it is recorded.
public struct JobRun: Hashable, Sendable {
  /// What became of it.
  public enum State: String, Hashable, Sendable {
    /// Its process is at it.
    case running
    /// It did what there was to do, or as much as it had time for.
    case succeeded
    /// It gave up; the error says why.
    case failed
    /// Its process died, or lost its connection to the database.
    case lost
  }

  /// The tenant's name.
  public var tenant: String
  /// The job's name.
  public var job: String
  /// 1, 2, 3, … for each tenant and job.
  public var number: Int64
  /// Since when it was due; of a run that was asked for, when it was.
  public var scheduledFor: Instant
  /// When it began, by the clock of its process.
  public var startedAt: Instant
  /// When it ended; nil while it has not, and where nobody saw it end.
  public var endedAt: Instant?
  /// What became of it.
  public var state: State
  /// What it did, numbers by name; empty where it did not succeed.
  public var counts: [String: Int64]
  /// The position of the log's head when it ended.
  public var position: Int64?
  /// Of a failed one: why.
  public var error: String?
  /// The process that ran it, as `host/pid`.
  public var process: String
}

extension JobRun {
  /// Runs that one question may list: a page for a person, and a bound on what is sorted.
  public static let maximumListed = 1_000

  /// The columns that ``init(_:)`` reads, of `tenure.job_run r` and `tenure.tenant t`.
  private static let columns = """
    t.name, r.job, r.run, r.scheduled_for, r.started_at, r.ended_at,
    CASE WHEN r.outcome IS NOT NULL THEN r.outcome
      WHEN tenure.job_is_running(r.tenant_id, r.job) THEN 'running' ELSE 'lost' END,
    r.counts, r.position, r.error, r.process
    """

  private init(_ row: Row) throws {
    tenant = try row.string(0)
    job = try row.string(1)
    number = try row.int64(2)
    scheduledFor = Instant(try row.timestamp(3))
    startedAt = Instant(try row.timestamp(4))
    endedAt = try row.optionalTimestamp(5).map { Instant($0) }
    guard let state = State(rawValue: try row.string(6)) else {
      throw UnreadableRow(description: "a run of \(job) has an outcome that this program does not know")
    }
    self.state = state
    counts = [:]
    if let text = try row.optionalValue(7, as: JSONText.self) {
      for member in try JSONValue(parsing: text.text).objectValue ?? [:] { counts[member.name] = member.value.integerValue }
    }
    position = try row.optionalInt64(8)
    error = try row.optionalString(9)
    process = try row.string(10)
  }

  /// The newest runs of some jobs, the one that began last first.
  ///
  /// One round trip and one index probe for each tenant and job.
  /// - Parameters:
  ///   - jobs: the jobs' names.
  ///   - tenant: the only tenant asked about. The default is all of them.
  ///   - limit: how many runs at most, up to ``maximumListed``.
  public static func newest(
    of jobs: [String], tenant: String? = nil, limit: Int, on connection: Connection
  ) throws -> [JobRun] {
    let limit = Int64(min(limit, maximumListed))
    return try connection.query(
      """
      SELECT \(unsafe: columns) FROM tenure.tenant t CROSS JOIN unnest(\(jobs)) AS j (job)
      CROSS JOIN LATERAL (
        SELECT * FROM tenure.job_run r WHERE r.tenant_id = t.tenant_id AND r.job = j.job ORDER BY r.run DESC LIMIT \(limit)) r
      WHERE \(tenant) IS NULL OR t.name = \(tenant)
      ORDER BY r.started_at DESC, t.name, r.job, r.run DESC LIMIT \(limit)
      """
    ).map { try JobRun($0) }
  }

  /// The newest run of each tenant and job, in no order.
  ///
  /// One round trip and one index probe for each.
  public static func newestOfEach(_ jobs: [String], on connection: Connection) throws -> [JobRun] {
    try connection.query(
      """
      SELECT \(unsafe: columns) FROM tenure.tenant t CROSS JOIN unnest(\(jobs)) AS j (job)
      CROSS JOIN LATERAL (
        SELECT * FROM tenure.job_run r WHERE r.tenant_id = t.tenant_id AND r.job = j.job ORDER BY r.run DESC LIMIT 1) r
      """
    ).map { try JobRun($0) }
  }

  /// One run; nil where there is none of that number.
  static func find(_ number: Int64, of job: String, tenant: JobTenant, on connection: Connection) throws -> JobRun? {
    try connection.query(
      """
      SELECT \(unsafe: columns) FROM tenure.job_run r JOIN tenure.tenant t ON t.tenant_id = r.tenant_id
      WHERE r.tenant_id = \(tenant.id) AND r.job = \(job) AND r.run = \(number)
      """
    ).first.map { try JobRun($0) }
  }
}

/// A row that this program cannot read, such as one of a later version.
struct UnreadableRow: Error, CustomStringConvertible {
  let description: String
}
