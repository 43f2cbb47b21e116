import Dispatch
import EventLog
import Postgres
import Synchronization
import Temporal
import TestSupport
import Testing

@testable import Usage

/// What happens to those who wait for one another, told step by step.
@Suite struct WaitingTests {
  let place: UsageTenant
  let superuser: Connection

  init() throws {
    place = try UsageTenant()
    superuser = try ScratchDatabase.connectAsSuperuser()
  }

  /// Runs the work on a thread of its own, and the body once the work waits for the superuser's session; then what the work said.
  private func whileWaiting<T: Sendable>(_ work: @escaping @Sendable () throws -> T, _ body: () throws -> Void) throws -> T {
    let result = Mutex<Result<T, any Error>?>(nil)
    let end = DispatchSemaphore(value: 0)
    DispatchQueue.global().async {
      let said = Result { try work() }
      result.withLock { $0 = said }
      end.signal()
    }
    let watcher = try ScratchDatabase.connectAsSuperuser()
    let pid = superuser.backendProcessID
    while try !watcher.query("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE \(pid) = ANY(pg_blocking_pids(pid)))")[0].bool(
      0)
    {
      if result.withLock({ $0 != nil }) { break }
    }
    try body()
    end.wait()
    return try #require(result.withLock { $0 }).get()
  }

  @Test func `a batch that waits for a key holds none that comes later, so nobody waits for it in turn`() throws {
    let records = (0..<200).map { UsageRecord.of("\($0)", at: hour(600)) }
    let (usage, tenant) = (place.usage, place.tenant.id)
    let keys = records.map { $0.key(of: "trail") }.sorted { $0.value < $1.value }
    try UsageWindow.make(for: tenant, on: superuser)
    try superuser.execute("BEGIN")
    func take(_ keys: [UUIDBytes]) throws {
      try superuser.run(
        "INSERT INTO tenure.usage_key SELECT \(tenant), k, k, '2024-01-26' FROM unnest(\(keys)) AS k ON CONFLICT DO NOTHING")
    }
    try take([keys[0]])
    let receipt = try whileWaiting {
      try usage.record(records.reversed(), source: "trail")
    } _: {
      try take(Array(keys[1...]))
      try superuser.execute("ROLLBACK")
    }
    #expect(receipt == UsageReceipt(new: 200))
  }

  @Test func `a roll-up that was overtaken writes nothing, and its marks stay`() throws {
    let day = UsageDay(of: hour(600))
    _ = try place.usage.record([.of("1", at: hour(600))], source: "trail")
    let connection = try ScratchDatabase.connect()
    #expect(try UsageRollUp.rollUp(day, of: place.tenant.id, on: connection) == 1)
    _ = try place.usage.record([.of("2", at: hour(600))], source: "trail")
    let tenant = place.tenant.id
    try superuser.execute("BEGIN")
    _ = try superuser.query("SELECT FROM tenure.usage_daily WHERE tenant_id = \(tenant) FOR UPDATE")
    let entries = try whileWaiting {
      try UsageRollUp.rollUp(day, of: tenant, on: try ScratchDatabase.connect())
    } _: {
      // Somebody else has the newer batch too, and is done first.
      _ = try place.usage.record([.of("3", at: hour(600))], source: "trail")
      try superuser.run(
        """
        DELETE FROM tenure.usage_mark WHERE tenant_id = \(tenant)
          AND mark = (SELECT max(mark) FROM tenure.usage_mark WHERE tenant_id = \(tenant))
        """)
      try superuser.run("UPDATE tenure.usage_daily SET uses = 3 WHERE tenant_id = \(tenant)")
      try superuser.execute("COMMIT")
    }
    #expect(entries == nil)
    #expect(try place.usage.daily().map(\.uses) == [3])
    #expect(try UsageRollUp.markedDays(of: tenant, on: connection) == [day])
    #expect(try UsageRollUp.rollUp(day, of: tenant, on: connection) == 0)
    #expect(try place.usage.daily().map(\.uses) == [3])
  }

  @Test func `a day is closed only when the batches under way are written`() throws {
    let (usage, tenant) = (place.usage, place.tenant.id)
    let day = UsageDay(of: hour(600))
    _ = try usage.record([.of("1", at: hour(600))], source: "trail")
    let batch = try UsageBatch([.of("2", at: hour(601))], source: "trail", tenant: tenant, now: hour(1_000))
    try superuser.execute("BEGIN")
    #expect(try batch.write(on: superuser).new == 1)
    try whileWaiting {
      try UsageRetention.close(day, of: tenant, on: try ScratchDatabase.connect())
    } _: {
      try superuser.execute("COMMIT")
    }
    #expect(try usage.daily().map(\.uses) == [2])
    #expect(try usage.record([.of("3", at: hour(602))], source: "trail") == UsageReceipt(tooOld: 1))
    #expect(try place.count("usage_mark") == 0)
    #expect(try place.count("usage_daily") == 1)
  }
}
