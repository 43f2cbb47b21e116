import Dispatch
import EventLog
import Governance
import JSON
import Postgres
import Synchronization
import Temporal
import TestSupport
import Testing

@testable import Jobs

/// Who leads, what is run when, and what happens when something dies; a scheduler sees every tenant of the database.
@Suite(.serialized) struct SchedulerTests {
  let work: Workplace
  let other: Workplace

  init() throws {
    work = try Workplace()
    other = try Workplace()
  }

  /// Of each run, the tenant.
  private final class Seen: Sendable {
    private let names = Mutex<[String]>([])
    func add(_ name: String) { names.withLock { $0.append(name) } }
    /// What was seen since the last call.
    func take() -> [String] {
      names.withLock { names in
        defer { names = [] }
        return names
      }
    }
  }

  /// Each test's job has a name of its own, so that what others ran is not its newest run.
  private func job(_ work: @escaping @Sendable (JobContext) throws -> JobReport) -> Job {
    Job(
      name: "scheduled-\(ScratchDatabase.tenantName())", summary: "", schedule: .fixed("*/5 * * * *"), catchUp: .once,
      work: work)
  }

  private func scheduler(
    _ jobs: [Job], alarm: @escaping @Sendable (JobAlarm) -> Void = { _ in }
  ) throws -> Scheduler {
    try Scheduler(jobs, store: work.store, process: "host/1", connect: { try JobsDatabase.connect() }, alarm: alarm)
  }

  /// The tenants of this test among those that were run.
  private func ours(_ runs: [JobRun]) -> [String] {
    runs.map(\.tenant).filter { [work.tenant.name, other.tenant.name].contains($0) }
  }

  @Test func `what is due is run for each tenant, at its firings`() throws {
    let scheduler = try scheduler([job { _ in JobReport(counts: [:]) }])
    let term = try Scheduler.Term(scheduler)
    let both = [work.tenant.name, other.tenant.name]
    #expect(Set(ours(try term.tick())) == Set(both))
    #expect(ours(try term.tick()).isEmpty)
    work.clock.now = hour(0).adding(microseconds: 299_999_999)
    #expect(ours(try term.tick()).isEmpty)
    work.clock.now = hour(0).adding(microseconds: 300_000_000)
    let runs = try term.tick()
    #expect(Set(ours(runs)) == Set(both))
    #expect(runs.allSatisfy { $0.scheduledFor == work.clock.now })
    // A day later, once.
    work.clock.now = hour(24)
    let late = try term.tick()
    #expect(ours(late).count == 2)
    #expect(late.first?.scheduledFor == hour(0).adding(microseconds: 600_000_000))
    #expect(ours(try term.tick()).isEmpty)
  }

  @Test func `one of two nodes leads, and the other when it has lost its connection`() throws {
    let job = job { _ in JobReport(counts: [:]) }
    let first = try Scheduler.Term(try scheduler([job]))
    let second = try Scheduler.Term(try scheduler([job]))
    #expect(ours(try first.tick()).count == 2)
    work.clock.now = hour(1)
    #expect(try second.tick().isEmpty)
    #expect(!second.isLeader)
    #expect(ours(try first.tick()).count == 2)
    work.clock.now = hour(2)
    let killer = try ScratchDatabase.connectAsSuperuser()
    _ = try killer.query("SELECT pg_terminate_backend(\(first.backendProcessID), 10000)")
    #expect(throws: PostgresError.self) { try first.tick() }
    #expect(ours(try second.tick()).count == 2)
    #expect(second.isLeader)
  }

  @Test func `a leader that dies at a run leaves it lost, and the next leader does it again`() throws {
    let isFirst = Atomic<Bool>(true)
    let job = job { context in
      guard isFirst.exchange(false, ordering: .relaxed) else { return JobReport(counts: [:]) }
      let killer = try ScratchDatabase.connectAsSuperuser()
      _ = try killer.query("SELECT pg_terminate_backend(\(context.connection.backendProcessID), 10000)")
      _ = try context.connection.query("SELECT 1")
      return JobReport(counts: [:])
    }
    let first = try Scheduler.Term(try scheduler([job]))
    #expect(throws: PostgresError.self) { try first.tick() }
    let second = try Scheduler.Term(try scheduler([job]))
    let runs = try second.tick()
    // The others never ran and are due; the lost one is tried again later.
    work.clock.now = hour(0).adding(microseconds: Job.retryMicroseconds)
    let again = try second.tick()
    #expect(Set(ours(runs) + ours(again)) == [work.tenant.name, other.tenant.name])
    let states = try JobRun.newest(of: [job.name], limit: 1_000, on: work.connection).map(\.state)
    #expect(states.filter { $0 == .lost }.count == 1)
    #expect(states.filter { $0 == .running || $0 == .failed }.isEmpty)
  }

  @Test func `a tenant whose job fails or is at it elsewhere keeps no other waiting`() throws {
    let failing = work.tenant.name
    struct Trouble: Error {}
    let job = job { context in
      if context.tenant.name == failing { throw Trouble() }
      return JobReport(counts: [:])
    }
    let alarms = Mutex<[JobAlarm]>([])
    let scheduler = try scheduler([job]) { alarm in alarms.withLock { $0.append(alarm) } }
    let term = try Scheduler.Term(scheduler)
    #expect(Set(ours(try term.tick())) == [work.tenant.name, other.tenant.name])
    #expect(alarms.withLock { $0.count } == 1)
    #expect(alarms.withLock { "\($0)" }.contains("job \(job.name) failed for tenant \(failing), run 1: Trouble()"))
    // Not again at once.
    #expect(ours(try term.tick()).isEmpty)
    // Another session is at the other tenant's.
    let holder = try JobsDatabase.connect()
    _ = try holder.query("SELECT pg_advisory_lock(\(other.tenant.id), tenure.job_lock(\(job.name)))")
    work.clock.now = hour(1)
    #expect(ours(try term.tick()) == [failing])
  }

  @Test func `the tenant that has been due longest is first`() throws {
    let seen = Seen()
    let job = job { context in
      seen.add(context.tenant.name)
      return JobReport(counts: [:])
    }
    let term = try Scheduler.Term(try scheduler([job]))
    try term.tick()
    _ = seen.take()
    // The first one is run by hand, later.
    work.clock.now = hour(1)
    let runner = try JobRunner(store: work.store, connection: work.connection, process: "host/2")
    _ = try runner.run(job, for: work.jobTenant)
    _ = seen.take()
    work.clock.now = hour(2)
    try term.tick()
    let order = seen.take().filter { [work.tenant.name, other.tenant.name].contains($0) }
    #expect(order == [other.tenant.name, work.tenant.name])
  }

  @Test func `it runs on a thread of its own, and stops at the next page`() throws {
    let isAtIt = DispatchSemaphore(value: 0)
    let ended = Atomic<Bool>(false)
    let job = job { context in
      isAtIt.signal()
      while !context.isOver() {}
      ended.store(true, ordering: .relaxed)
      return JobReport(counts: [:])
    }
    let scheduler = try scheduler([job])
    scheduler.start()
    isAtIt.wait()
    scheduler.stop()
    let hasEnded = ended.load(ordering: .relaxed)
    #expect(hasEnded)
    let runs = try JobRun.newest(of: [job.name], limit: 1_000, on: work.connection)
    #expect(runs.map(\.state) == [.succeeded])
  }

  @Test func `a scheduler without a database says so once, and leads when there is one`() throws {
    let alarms = Mutex<[JobAlarm]>([])
    let alarmed = DispatchSemaphore(value: 0)
    let ran = DispatchSemaphore(value: 0)
    let job = job { _ in
      ran.signal()
      return JobReport(counts: [:])
    }
    let attempts = Atomic<Int>(0)
    let scheduler = try Scheduler([job], store: work.store, process: "host/1") {
      if attempts.add(1, ordering: .relaxed).newValue == 1 { return try Connection("host=/nonexistent") }
      return try JobsDatabase.connect()
    } alarm: { alarm in
      alarms.withLock { $0.append(alarm) }
      alarmed.signal()
    }
    scheduler.start()
    alarmed.wait()
    ran.wait()
    scheduler.stop()
    #expect(alarms.withLock { $0.count } == 1)
    #expect(alarms.withLock { "\($0)" }.contains("has lost the database"))
  }

  @Test func `a schedule that never fires, and a name twice, are refused`() throws {
    let never = Job(name: "never", summary: "", schedule: .fixed("0 0 30 2 *"), catchUp: .once) { _ in JobReport(counts: [:]) }
    #expect(throws: JobError.neverFires(job: "never", schedule: "0 0 30 2 * UTC")) { try scheduler([never]) }
    #expect(throws: JobError.nameTaken("expire-grants")) { try scheduler(Job.all + [.expireGrants]) }
    _ = try scheduler(Job.all)
  }

  @Test func `names stay as they are, and have locks of their own`() throws {
    #expect(
      Job.all.map(\.name) == [
        "close-reviews", "deliver-webhooks", "drop-old-usage", "expire-grants", "flag-breaches", "flag-dormant", "flag-endings",
        "flag-orphans", "flag-unused", "flag-use", "lapse-requests", "open-reviews", "remind-reviewers", "roll-up-usage",
        "warn-expiring",
      ])
    let names = Job.all.map(\.name) + ["scheduler"]
    let locks = try work.connection.query("SELECT DISTINCT tenure.job_lock(n) FROM unnest(\(names)) AS n")
    #expect(locks.count == names.count)
  }
}
