import EventLog
import Governance
import JSON
import Postgres
import Temporal
import TestSupport
import Testing

@testable import Jobs

/// Every run is recorded, what dies is seen, and nothing runs twice at a time.
@Suite struct JobRunnerTests {
  let work: Workplace

  init() throws { work = try Workplace() }

  private static func job(_ name: String = "test", _ work: @escaping @Sendable (JobContext) throws -> JobReport) -> Job {
    Job(name: name, summary: "", schedule: .fixed("*/5 * * * *"), catchUp: .once, work: work)
  }

  /// A run of a process that is killed at it.
  private func lose(_ job: Job) throws {
    let connection = try JobsDatabase.connect()
    let runner = try JobRunner(store: work.store, connection: connection, process: "killed/1")
    let (name, run) = (
      job.name,
      Self.job(job.name) { context in
        let killer = try ScratchDatabase.connectAsSuperuser()
        _ = try killer.query("SELECT pg_terminate_backend(\(context.connection.backendProcessID), 10000)")
        _ = try context.connection.query("SELECT 1")
        return JobReport(counts: [:])
      }
    )
    #expect(throws: PostgresError.self, "\(name)") { try runner.run(run, for: work.jobTenant) }
  }

  private func history(_ job: String = "test") throws -> [JobRun] {
    try JobRun.newest(of: [job], tenant: work.tenant.name, limit: 10, on: JobsDatabase.connect())
  }

  @Test func `a run is recorded from its beginning to its end`() throws {
    let clock = work.clock
    let seen = try history()
    #expect(seen.isEmpty)
    let job = Self.job { context in
      let running = try JobRun.newest(of: ["test"], tenant: context.tenant.name, limit: 1, on: JobsDatabase.connect())
      #expect(running.first?.state == .running)
      #expect(running.first?.endedAt == nil)
      clock.now = hour(2)
      return JobReport(counts: ["done": 3], reached: ["at": 7])
    }
    clock.now = hour(1)
    let runner = try JobRunner(store: work.store, connection: work.connection, process: "host/42")
    let run = try #require(try runner.run(job, for: work.jobTenant, scheduledFor: hour(0)))
    #expect(
      run
        == JobRun(
          tenant: work.tenant.name, job: "test", number: 1, scheduledFor: hour(0), startedAt: hour(1), endedAt: hour(2),
          state: .succeeded, counts: ["done": 3], position: work.tenant.head.position, error: nil, process: "host/42"))
    #expect(try history() == [run])
    let next = Self.job { context in
      #expect(context.reached == ["at": 7])
      return JobReport(counts: [:])
    }
    #expect(try work.run(next).number == 2)
    // What the last one that succeeded noted: the second noted nothing.
    let last = Self.job { context in
      if let reached = context.reached { Issue.record("reached \(reached)") }
      return JobReport(counts: [:])
    }
    #expect(try work.run(last).number == 3)
  }

  @Test func `a failure is recorded with its reason, and the next run goes on from the last success`() throws {
    struct Trouble: Error, CustomStringConvertible { let description: String }
    _ = try work.run(Self.job { _ in JobReport(counts: [:], reached: ["at": 1]) })
    let failed = try work.run(Self.job { _ in throw Trouble(description: "no room\nleft") })
    #expect(failed.state == .failed)
    #expect(failed.error == "no room\nleft")
    #expect(failed.counts.isEmpty)
    #expect(failed.endedAt != nil)
    let long = try work.run(Self.job { _ in throw Trouble(description: String(repeating: "é", count: 5_000)) })
    #expect((long.error?.utf8.count ?? 0) <= JobRunner.maximumErrorBytes)
    #expect(long.error?.hasSuffix("é…") == true)
    // An error of the server's within the job is a failure too, for the session goes on.
    let refused = try work.run(
      Self.job { context in
        _ = try context.connection.query("SELECT 1/0")
        return JobReport(counts: [:])
      })
    #expect(refused.error?.contains("division by zero") == true)
    _ = try work.run(
      Self.job { context in
        #expect(context.reached == ["at": 1])
        return JobReport(counts: [:])
      })
    #expect(try history().map(\.state) == [.succeeded, .failed, .failed, .failed, .succeeded])
  }

  @Test func `a run whose process died is seen to be lost, and the next marks it so`() throws {
    let job = Self.job { _ in JobReport(counts: [:]) }
    try lose(job)
    #expect(try history().map(\.state) == [.lost])
    #expect(try outcomes() == [nil])
    #expect(try work.run(job).number == 2)
    #expect(try history().map(\.state) == [.succeeded, .lost])
    #expect(try outcomes() == ["lost", "succeeded"])
    #expect(try history()[1].endedAt == nil)
    #expect(try history()[1].process == "killed/1")
  }

  private func outcomes() throws -> [String?] {
    try work.connection.query(
      "SELECT outcome FROM tenure.job_run WHERE tenant_id = \(work.tenant.id) AND job = 'test' ORDER BY run"
    ).map { try $0.optionalString(0) }
  }

  @Test func `a job runs once at a time for a tenant, and beside itself for another`() throws {
    let (store, tenant) = (work.store, work.jobTenant)
    let other = try Workplace()
    let otherTenant = other.jobTenant
    let job = Self.job { context in
      let second = try JobRunner(store: store, connection: try JobsDatabase.connect(), process: "host/2")
      #expect(try second.run(Self.job { _ in JobReport(counts: [:]) }, for: tenant) == nil)
      #expect(try second.run(Self.job("another") { _ in JobReport(counts: [:]) }, for: tenant)?.state == .succeeded)
      #expect(try second.run(Self.job { _ in JobReport(counts: [:]) }, for: otherTenant)?.state == .succeeded)
      return JobReport(counts: [:])
    }
    #expect(try work.run(job).state == .succeeded)
    // The lock is free again.
    #expect(try work.run(job).number == 2)
  }

  @Test func `an end is written once, and no run is taken away`() throws {
    _ = try work.run(Self.job { _ in JobReport(counts: [:]) })
    func sqlState(_ statement: String) -> String? {
      #expect(throws: PostgresError.self, "\(statement)") { try work.connection.execute(statement) }?.sqlState
    }
    let mine = "WHERE tenant_id = \(work.tenant.id)"
    #expect(sqlState("UPDATE tenure.job_run SET outcome = 'failed' \(mine)") == "TN003")
    #expect(sqlState("UPDATE tenure.job_run SET started_at = now() \(mine)") == "42501")
    #expect(sqlState("DELETE FROM tenure.job_run \(mine)") == "42501")
    #expect(sqlState("TRUNCATE tenure.job_run") == "42501")
    #expect(
      sqlState(
        """
        INSERT INTO tenure.job_run (tenant_id, job, run, scheduled_for, started_at, process, outcome)
        VALUES (\(work.tenant.id), 'x', 1, now(), now(), 'x', 'perhaps')
        """) == "23514")
  }

  @Test func `runs of long ago go, but never those from the last that succeeded on`() throws {
    let succeeds = Self.job { _ in JobReport(counts: [:], reached: ["at": 7]) }
    let fails = Self.job { context in
      #expect(context.reached == ["at": 7])
      throw JobError.noTenant("x")
    }
    for job in [succeeds, succeeds, fails, fails] { _ = try work.run(job) }
    work.clock.now = hour(24 * 91)
    _ = try work.run(fails)
    #expect(try history().map(\.number) == [5, 4, 3, 2])
    // Those from it on stay until another succeeds, and so does what is younger.
    _ = try work.run(succeeds)
    #expect(try history().map(\.number) == [6, 5])
    work.clock.now = hour(24 * 181)
    #expect(try work.run(fails).number == 7)
    #expect(try history().map(\.number) == [7, 6, 5])
    // Whatever a clock says, the last month stays.
    work.clock.now = Instant(microseconds: 4_102_444_800_000_000)
    _ = try work.run(succeeds)
    _ = try work.connection.query(
      """
      INSERT INTO tenure.job_run (tenant_id, job, run, scheduled_for, started_at, process)
      VALUES (\(work.tenant.id), 'young', 1, now(), now() - interval '29 days', 'x'),
        (\(work.tenant.id), 'young', 2, now(), now() - interval '31 days', 'x'),
        (\(work.tenant.id), 'young', 3, now(), now(), 'x')
      """)
    _ = try work.connection.query(
      "UPDATE tenure.job_run SET outcome = 'succeeded', ended_at = now() WHERE tenant_id = \(work.tenant.id) AND run = 3")
    let gone = try work.connection.query(
      "SELECT tenure.prune_job_runs(\(work.tenant.id), 'young', now() + interval '1 year', 100)")[0].int64(0)
    #expect(gone == 1)
    #expect(try history("young").map(\.number) == [3, 1])
  }

  @Test func `the history is of the jobs and the tenant that are asked about, newest first`() throws {
    let other = try Workplace()
    for (hours, workplace, name) in [(1, work, "test"), (2, other, "test"), (3, work, "another"), (4, work, "test")] {
      workplace.clock.now = hour(Int64(hours))
      _ = try workplace.run(Self.job(name) { _ in JobReport(counts: [:]) })
    }
    func found(_ jobs: [String], _ tenant: String?, limit: Int = 10) throws -> [Instant] {
      try JobRun.newest(of: jobs, tenant: tenant, limit: limit, on: work.connection)
        .filter { [work.tenant.name, other.tenant.name].contains($0.tenant) }.map(\.startedAt)
    }
    #expect(try found(["test", "another"], work.tenant.name) == [hour(4), hour(3), hour(1)])
    #expect(try found(["test"], work.tenant.name) == [hour(4), hour(1)])
    #expect(try found(["test"], work.tenant.name, limit: 1) == [hour(4)])
    #expect(try found(["none"], work.tenant.name).isEmpty)
    let newest = try JobRun.newestOfEach(["test", "another"], on: work.connection).filter { $0.tenant == work.tenant.name }
    #expect(Set(newest.map(\.startedAt)) == [hour(4), hour(3)])
  }
}
