import Dispatch
import EventLog
import Governance
import Postgres
import Synchronization
import Temporal
import TestSupport
import Testing
import Usage

@testable import Jobs

/// The jobs on usage: run twice, killed halfway, on two nodes at once.
@Suite struct UsageJobTests {
  let work: Workplace

  init() throws {
    work = try Workplace()
    work.clock.now = hour(1_000)
  }

  private var usage: UsageStore { UsageStore(work.tenant) }

  private func tell(_ hours: [Int64], prefix: String = "use") throws -> UsageReceipt {
    try usage.recordAll(
      hours.map { UsageRecord(id: "\(prefix)-\($0)", at: hour($0), identity: "ada", action: "read", resource: "org/a") },
      source: "test")
  }

  /// How many of these days have a partition.
  private func partitions(_ hours: [Int64]) throws -> Int {
    let days = Set(hours.map { UsageDay(of: hour($0)) }).map { Timestamp($0.start) }
    return days.count - (try work.connection.query("SELECT tenure.usage_days_missing(\(days))").count)
  }

  @Test func `the roll-up is made once, and answers do not wait for it`() throws {
    #expect(try tell([990, 991, 999]).new == 3)
    let current = try usage.daily()
    #expect(try work.run(.rollUpUsage).counts == ["days": 1, "entries": 1, "elsewhere": 0])
    #expect(try work.run(.rollUpUsage).counts == ["days": 0, "entries": 0, "elsewhere": 0])
    #expect(try usage.daily() == current)
    _ = try tell([992])
    #expect(try usage.daily().map(\.uses) == [4])
    #expect(try work.run(.rollUpUsage).counts == ["days": 1, "entries": 1, "elsewhere": 0])
    #expect(try usage.daily().map(\.uses) == [4])
  }

  @Test func `a roll-up that was stopped halfway goes on`() throws {
    _ = try tell([100, 200, 300, 400])
    #expect(try work.run(.rollUpUsage) { true }.counts["days"] == 1)
    #expect(try work.run(.rollUpUsage).counts["days"] == 3)
  }

  @Test func `old rows go and their roll-up stays, whatever the job was killed at`() throws {
    let hours = [-3_000, -2_990, -2_900, -2_500].map { Int64($0) }
    try usage.keep(days: 300)
    _ = try tell(hours + [990])
    let before = try usage.daily()
    #expect(try partitions(hours) == 3)
    try usage.keep(days: 100)
    // Killed after each step of the first day.
    let tenant = work.tenant.id
    let day = try #require(try UsageRetention.oldDays(of: tenant, at: hour(1_000), on: work.connection).first)
    try UsageRetention.close(day, of: tenant, on: work.connection)
    #expect(try UsageRetention.dropRows(day, of: tenant, at: hour(1_000), on: work.connection) != .left)
    // Stopped between two days.
    var counts = try work.run(.dropOldUsage) { true }.counts
    counts["dropped"] = nil
    #expect(counts == ["days": 0, "keys": 2])
    counts = try work.run(.dropOldUsage).counts
    counts["dropped"] = nil
    #expect(counts == ["days": 2, "keys": 2])
    #expect(try work.run(.dropOldUsage).counts == ["days": 0, "dropped": 0, "keys": 0])
    let left = try work.connection.query("SELECT count(*) FROM tenure.usage WHERE tenant_id = \(tenant)")
    #expect(try left[0].int64(0) == 1)
    #expect(try usage.daily() == before)
    #expect(try tell(hours).tooOld == 4)
    #expect(try usage.daily() == before)
    // Nor does a larger window bring the days back.
    try usage.keep(days: 400)
    #expect(try tell(hours, prefix: "other").tooOld == 4)
  }

  @Test func `late days share the partition of their month, which goes with the last row of anybody`() throws {
    let other = UsageStore(try work.store.create(tenant: ScratchDatabase.tenantName()))
    for store in [usage, other] { try store.keep(days: 3_000) }
    // Of March 2017 and 2018, which no other test has.
    let march = [-59_600, -59_500, -59_400].map { Int64($0) }
    let next = [-50_900, -50_800].map { Int64($0) }
    _ = try tell(march + next)
    _ = try other.record([UsageRecord(id: "1", at: hour(march[1]), identity: "ada", action: "read")], source: "test")
    let tables = try work.connection.query(
      """
      SELECT DISTINCT tenure.usage_table((\(Timestamp(hour(march[0]))) AT TIME ZONE 'UTC')::date + d)::text
      FROM generate_series(0, 8) AS d
      """)
    #expect(tables.count == 1)
    let before = try usage.daily()
    try usage.keep(days: 10)
    #expect(try work.run(.dropOldUsage).counts == ["days": 5, "dropped": 1, "keys": 5])
    #expect(try usage.daily() == before)
    #expect(try partitions(march) == 3)
    #expect(try other.rows(UsageFilter()).count == 1)
    #expect(try partitions(next) == 0)
    // The month is there again for whoever keeps it.
    _ = try other.record([UsageRecord(id: "2", at: hour(next[0]), identity: "ada", action: "read")], source: "test")
    #expect(try partitions(next) == 2)
  }

  @Test func `a tenant's rows go from days that another tenant keeps longer`() throws {
    let other = UsageStore(try work.store.create(tenant: ScratchDatabase.tenantName()))
    for store in [usage, other] { try store.keep(days: 400) }
    let at = hour(-4_000)
    for store in [usage, other] {
      _ = try store.record([UsageRecord(id: "1", at: at, identity: "ada", action: "read")], source: "test")
    }
    try usage.keep(days: 10)
    #expect(try work.run(.dropOldUsage).counts == ["days": 1, "dropped": 0, "keys": 1])
    #expect(try other.rows(UsageFilter()).count == 1)
    #expect(try usage.rows(UsageFilter()).isEmpty)
    #expect(try usage.daily().map(\.uses) == [1])
    let left = try work.connection.query(
      "SELECT count(*) FROM tenure.usage WHERE tenant_id = \(work.tenant.id) AND used_at = \(Timestamp(at))")
    #expect(try left[0].int64(0) == 0)
  }

  @Test func `both jobs on two nodes at once, while batches come, lose nothing`() throws {
    try usage.keep(days: 300)
    _ = try tell((0..<60).map { -1_000 - $0 * 12 })
    try usage.keep(days: 80)
    let told = Mutex(60)
    let (usage, store, tenant) = (usage, work.store, work.jobTenant)
    DispatchQueue.concurrentPerform(iterations: 12) { index in
      do {
        let connection = try JobsDatabase.connect()
        let runner = try JobRunner(store: store, connection: connection, process: "test/\(index)")
        if index % 3 == 2 {
          let receipt = try usage.record(
            (0..<50).map { UsageRecord(id: "\(index)-\($0)", at: hour(900 + $0), identity: "ada", action: "read") },
            source: "test")
          told.withLock { $0 += receipt.new }
        } else if let run = try runner.run(index % 3 == 0 ? .rollUpUsage : .dropOldUsage, for: tenant) {
          #expect(run.state == .succeeded, "\(run.error ?? "")")
        }
      } catch {
        Issue.record("\(error)")
      }
    }
    _ = try work.run(.dropOldUsage)
    _ = try work.run(.rollUpUsage)
    #expect(try usage.daily().reduce(0) { $0 + $1.uses } == Int64(told.withLock { $0 }))
    #expect(try UsageRollUp.markedDays(of: work.tenant.id, on: work.connection).isEmpty)
  }
}
