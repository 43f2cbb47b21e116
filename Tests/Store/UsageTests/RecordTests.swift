import Dispatch
import EventLog
import Postgres
import Schema
import Synchronization
import Temporal
import TestSupport
import Testing

@testable import Usage

/// What becomes of what sources tell.
@Suite struct RecordTests {
  let place: UsageTenant

  init() throws { place = try UsageTenant() }

  @Test func `a use counts once by source and id, whatever the batch, the day or the order`() throws {
    let records = (0..<50).map { UsageRecord.of("\($0)", at: hour(Int64($0) * 7)) }
    #expect(try place.usage.record(Array(records[20...]), source: "trail") == UsageReceipt(new: 30))
    #expect(try place.usage.record(records.reversed(), source: "trail") == UsageReceipt(new: 20, repeated: 30))
    #expect(try place.usage.record(records, source: "another") == UsageReceipt(new: 50))
    var other = records[7]
    other.address = "192.0.2.1"
    var moved = records[8]
    moved.at = hour(900)
    let receipt = try place.usage.record(
      [other, records[9], records[9], moved, .of("x", at: hour(1)), .of("x", at: hour(2))], source: "trail")
    #expect(receipt == UsageReceipt(new: 1, repeated: 2, conflicting: 3))
    #expect(try place.count("usage") == 101)
    #expect(try place.count("usage_key") == 101)
  }

  @Test func `the source's name for an action is what counts, and not what it maps to`() throws {
    var record = UsageRecord(id: "1", at: hour(1), identity: "ada", action: "s3:ListBuckets", sourceAction: "s3:ListBuckets")
    _ = try place.usage.record([record], source: "trail")
    record.action = "s3:ListAllMyBuckets"
    #expect(try place.usage.record([record], source: "trail") == UsageReceipt(repeated: 1))
  }

  @Test func `what is older than the window is refused and counted`() throws {
    try place.usage.keep(days: 10)
    let first = UsageDay(of: hour(1_000)).adding(days: -10)
    let receipt = try place.usage.record(
      [.of("1", at: first.start), .of("2", at: first.start.adding(microseconds: -1)), .of("3", at: hour(1_001))],
      source: "trail")
    #expect(receipt == UsageReceipt(new: 2, tooOld: 1))
    // Nor does it make a partition, of a day that no other test has either.
    #expect(throws: PostgresError.self) {
      try place.tenant.withConnection {
        try $0.run("SELECT tenure.make_usage_day(\(place.tenant.id), '2013-01-01', \(hour(1_000).timestamp))")
      }
    }
    try place.usage.keep(days: 400)
    #expect(try place.usage.record([.of("2", at: first.start.adding(microseconds: -1))], source: "trail").new == 1)
  }

  @Test func `what was learnt since a moment is told, and of which days no rows are left`() throws {
    let place = try UsageTenant()
    let usage = place.usage
    _ = try usage.record([.of("1", at: hour(900)), .of("2", at: hour(990))], source: "s")
    let run = place.clock.now
    place.clock.now = hour(1_010)
    #expect(try usage.learnt(since: run, usedBy: hour(1_000)) == UsageLearnt(uses: 0, lastLearnt: nil, closedDays: 0))
    _ = try usage.record([.of("1", at: hour(900)), .of("3", at: hour(910)), .of("4", at: hour(1_005))], source: "s")
    // The same again is nothing new, and what was used later is none of the report's.
    #expect(try usage.learnt(since: run, usedBy: hour(1_000)) == UsageLearnt(uses: 1, lastLearnt: hour(1_010), closedDays: 0))
    try place.tenant.withConnection { try UsageRetention.close(UsageDay(of: hour(900)), of: place.tenant.id, on: $0) }
    #expect(try usage.learnt(since: run, usedBy: hour(1_000)).closedDays == 1)
    #expect(try usage.learnt(since: run, usedBy: hour(800)).closedDays == 0)
  }

  @Test func `a batch with a bad record stores nothing, and says which`() throws {
    let cases: [(UsageRecord, String)] = [
      (.of("", at: hour(1)), "id"), (.of("1", at: hour(1), by: ""), "identity"),
      (.of("1", at: hour(1), action: String(repeating: "a", count: 257)), "action"),
      (.of("1", at: hour(1_002)), "at"), (.of("a\u{0}", at: hour(1)), "id"),
    ]
    for (record, field) in cases {
      let error = #expect(throws: UsageStoreError.self) {
        try place.usage.record([.of("good", at: hour(1)), record], source: "trail")
      }
      guard case .invalid(record: 1, field, problem: _) = error else {
        Issue.record("\(field): \(String(describing: error))")
        continue
      }
    }
    let many = (0...UsageLimits.recordsPerBatch).map { UsageRecord.of("\($0)", at: hour(1)) }
    #expect(throws: UsageStoreError.tooMany(count: many.count)) { try place.usage.record(many, source: "trail") }
    let days = (0...31).map { UsageRecord.of("\($0)", at: hour($0 * 24)) }
    #expect(throws: UsageStoreError.tooManyDays(count: 32)) { try place.usage.record(days, source: "trail") }
    #expect(throws: UsageStoreError.self) { try place.usage.record(days, source: "") }
    #expect(try place.count("usage") == 0)
    #expect(try place.usage.recordAll(days, source: "trail") == UsageReceipt(new: 32))
  }

  @Test func `batches that overlap and come at once from two nodes store each use once`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    let other = try ScratchDatabase.store(EventStore.Settings(clock: { [clock = place.clock] in clock.now }))
    defer { other.close() }
    let nodes = [place.usage, UsageStore(try #require(try other.find(tenant: place.tenant.name)))]
    // Days that no other test has, so that the partitions are made at once too.
    let records = (0..<400).map { UsageRecord.of("\($0)", at: hour(-2_000 - Int64($0 % 20) * 24)) }
    let batches = (0..<24).map { _ in generator.some(records, chance: 1, in: 2).shuffled(using: &generator) }
    let receipts = Mutex<[UsageReceipt]>([])
    DispatchQueue.concurrentPerform(iterations: batches.count) { index in
      do {
        let receipt = try nodes[index % 2].record(batches[index], source: "trail")
        receipts.withLock { $0.append(receipt) }
      } catch {
        Issue.record("seed \(seed): \(error)")
      }
    }
    let told = Set(batches.joined().map(\.id)).count
    let all = receipts.withLock { $0 }
    #expect(all.reduce(0) { $0 + $1.new } == told, "seed \(seed)")
    #expect(all.reduce(0) { $0 + $1.total } == batches.reduce(0) { $0 + $1.count }, "seed \(seed)")
    #expect(all.allSatisfy { $0.conflicting == 0 && $0.tooOld == 0 }, "seed \(seed)")
    #expect(try place.count("usage") == Int64(told), "seed \(seed)")
  }

  @Test func `the service can neither change a row, nor make a table, nor a day that nobody keeps`() throws {
    _ = try place.usage.record([.of("1", at: hour(1))], source: "trail")
    for change in [
      "UPDATE tenure.usage SET identity = 'bob'", "DELETE FROM tenure.usage", "TRUNCATE tenure.usage",
      "DROP TABLE tenure.usage_20240101", "CREATE TABLE tenure.usage_20300101 ()", "DELETE FROM tenure.usage_daily",
    ] {
      let error = #expect(throws: PostgresError.self, "\(change)") { try ScratchDatabase.connect().execute(change) }
      #expect(error?.sqlState == "42501", "\(change)")
    }
    let error = #expect(throws: PostgresError.self) {
      try ScratchDatabase.connect().run(
        "SELECT tenure.make_usage_day(\(place.tenant.id), '2024-03-01', \(hour(1_000).timestamp))")
    }
    #expect(error?.sqlState == SQLState.dayNotKept)
  }
}
