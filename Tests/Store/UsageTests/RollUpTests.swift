import Dispatch
import EventLog
import Postgres
import Synchronization
import Temporal
import TestSupport
import Testing

@testable import Usage

/// What the roll-up says, against going through everything that was told.
@Suite struct RollUpTests {
  let place: UsageTenant

  init() throws { place = try UsageTenant() }

  private func rollUp(_ days: [UsageDay]? = nil) throws {
    try place.tenant.withConnection { connection in
      for day in try days ?? UsageRollUp.markedDays(of: place.tenant.id, on: connection) {
        _ = try UsageRollUp.rollUp(day, of: place.tenant.id, on: connection)
      }
    }
  }

  private func marked() throws -> [UsageDay] {
    try place.tenant.withConnection { try UsageRollUp.markedDays(of: place.tenant.id, on: $0) }
  }

  /// What stands in the roll-up's table.
  private func stored() throws -> [String] {
    try place.tenant.withConnection { connection in
      try connection.query(
        """
        SELECT concat_ws('|', identity, action, resource, day, uses, denied, failed, first_used, last_used, first_permitted,
          last_permitted) FROM tenure.usage_daily WHERE tenant_id = \(place.tenant.id) ORDER BY 1
        """
      ).map { try $0.string(0) }
    }
  }

  @Test func `late, repeated, conflicting and unordered batches give what one ordered batch gives, at any time`() throws {
    for seed in [1, 2, 3, UInt64.random(in: 4...UInt64.max)] {
      let place = try UsageTenant()
      var usage = RandomUsage(generator: SeededGenerator(seed: seed), hours: 700..<1_000)
      var naive = NaiveUsage()
      let all = (0..<300).map { usage.record($0) }
      for _ in 0..<25 {
        var batch = usage.generator.some(all, chance: 1, in: 12).shuffled(using: &usage.generator)
        if usage.generator.chance(1, in: 3), !batch.isEmpty { batch[0].resource = "org/other" }
        #expect(try place.usage.record(batch, source: "trail") == naive.tell(batch, source: "trail"), "seed \(seed)")
        // Some days are rolled up, some not.
        try place.tenant.withConnection { connection in
          for day in try UsageRollUp.markedDays(of: place.tenant.id, on: connection) where usage.generator.chance(1, in: 3) {
            let entries = try UsageRollUp.rollUp(day, of: place.tenant.id, on: connection)
            #expect(entries != nil)
          }
        }
        #expect(try place.usage.daily() == naive.daily(), "seed \(seed)")
      }
      let days = UsageDay(of: hour(750))...UsageDay(of: hour(900))
      let asked = try place.usage.daily(of: ["ada", "cy"], action: "read", days: days)
      #expect(
        asked
          == naive.daily { ["ada", "cy"].contains($0.identity) && $0.action == "read" && days.contains(UsageDay(of: $0.at)) },
        "seed \(seed)")
      #expect(try place.usage.daily(resource: "org/a") == naive.daily { $0.resource == "org/a" }, "seed \(seed)")
      // Page by page, part of the days rolled up.
      var paged: [DailyUsage] = []
      while true {
        let page = try place.usage.daily(after: paged.last.map(DailyUsagePlace.init), limit: 7)
        paged += page
        if page.count < 7 { break }
      }
      #expect(paged == naive.daily(), "seed \(seed)")
    }
  }

  @Test func `rows are found by each filter, page by page, the newest first`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var usage = RandomUsage(generator: SeededGenerator(seed: seed), hours: 200..<1_000)
    let all = (0..<200).map { usage.record($0) }
    _ = try place.usage.recordAll(all, source: "trail")
    let filters = [
      UsageFilter(), UsageFilter(identity: "ada"), UsageFilter(action: "write", from: hour(400)),
      UsageFilter(resource: "org/a", to: hour(700)), UsageFilter(address: "192.0.2.1", credential: "k1"),
      UsageFilter(session: "s2", from: hour(300), to: hour(800)),
    ]
    for filter in filters {
      let expected = all.filter { record in
        (filter.identity == nil || filter.identity == record.identity)
          && (filter.action == nil || filter.action == record.action)
          && (filter.resource == nil || filter.resource == record.resource)
          && (filter.address == nil || filter.address == record.address)
          && (filter.credential == nil || filter.credential == record.credential)
          && (filter.session == nil || filter.session == record.session) && record.at >= filter.from ?? .earliest
          && record.at < filter.to ?? .latest
      }
      var found: [StoredUsage] = []
      while true {
        let page = try place.usage.rows(filter, before: found.last?.place, limit: 9)
        found += page
        if page.count < 9 { break }
      }
      #expect(Set(found.map(\.record)) == Set(expected), "seed \(seed)")
      #expect(found.count == expected.count, "seed \(seed)")
      #expect(found.map(\.record.at) == expected.map(\.at).sorted(by: >), "seed \(seed)")
    }
  }

  @Test func `rolled up again, nothing changes; a later batch marks its day only`() throws {
    var usage = RandomUsage(generator: SeededGenerator(seed: 5), hours: 800..<900)
    _ = try place.usage.record((0..<100).map { usage.record($0) }, source: "trail")
    let days = try marked()
    #expect(days.count == 5)
    try rollUp()
    let first = try stored()
    #expect(try marked().isEmpty)
    try rollUp(days)
    #expect(try stored() == first)
    // A batch of what is known marks nothing.
    var again = RandomUsage(generator: SeededGenerator(seed: 5), hours: 800..<900)
    _ = try place.usage.record((0..<100).map { again.record($0) }, source: "trail")
    #expect(try marked().isEmpty)
    _ = try place.usage.record([.of("late", at: hour(801))], source: "trail")
    #expect(try marked() == [UsageDay(of: hour(801))])
  }

  @Test func `a batch that commits while a day is rolled up keeps its mark`() throws {
    _ = try place.usage.record([.of("1", at: hour(1))], source: "trail")
    let day = UsageDay(of: hour(1))
    try place.tenant.withConnection { connection in
      try connection.transaction(.repeatableRead) { connection in
        _ = try connection.query("SELECT FROM tenure.usage_mark")
        _ = try place.usage.record([.of("2", at: hour(2))], source: "trail")
        #expect(try UsageRollUp.write(day, of: place.tenant.id, on: connection) == 1)
      }
    }
    #expect(try marked() == [day])
    #expect(try place.usage.daily().map(\.uses) == [2])
    try rollUp()
    #expect(try place.usage.daily().map(\.uses) == [2])
    #expect(try marked().isEmpty)
  }

  @Test func `of two that roll up the same day at once one gives way, and killed at its end it changed nothing`() throws {
    _ = try place.usage.record([.of("1", at: hour(1)), .of("2", at: hour(2))], source: "trail")
    let day = UsageDay(of: hour(1))
    let (first, second) = (try ScratchDatabase.connect(), try ScratchDatabase.connect())
    try first.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    try second.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM tenure.usage_mark")
    #expect(try UsageRollUp.write(day, of: place.tenant.id, on: first) == 1)
    // Killed: nothing has happened.
    try first.execute("ROLLBACK")
    #expect(try stored().isEmpty)
    #expect(try marked() == [day])
    try first.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    _ = try UsageRollUp.write(day, of: place.tenant.id, on: first)
    try first.execute("COMMIT")
    let error = #expect(throws: PostgresError.self) { try UsageRollUp.write(day, of: place.tenant.id, on: second) }
    #expect(error?.sqlState == "40001")
    try second.execute("ROLLBACK")
    #expect(try place.usage.daily().map(\.uses) == [2])
  }

  @Test func `batches and roll-ups of two nodes at once lose and double nothing`() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var usage = RandomUsage(generator: SeededGenerator(seed: seed), hours: 900..<1_000)
    let all = (0..<600).map { usage.record($0) }
    let batches = (0..<40).map { _ in usage.generator.some(all, chance: 1, in: 10).shuffled(using: &usage.generator) }
    var naive = NaiveUsage()
    for batch in batches { _ = naive.tell(batch, source: "trail") }
    let other = try ScratchDatabase.store(EventStore.Settings(clock: { [clock = place.clock] in clock.now }))
    defer { other.close() }
    let nodes = [place.tenant, try #require(try other.find(tenant: place.tenant.name))]
    DispatchQueue.concurrentPerform(iterations: batches.count + 20) { index in
      do {
        if index < batches.count {
          _ = try UsageStore(nodes[index % 2]).record(batches[index], source: "trail")
        } else {
          try nodes[index % 2].withConnection { connection in
            for day in try UsageRollUp.markedDays(of: nodes[0].id, on: connection) {
              _ = try UsageRollUp.rollUp(day, of: nodes[0].id, on: connection)
            }
          }
        }
      } catch {
        Issue.record("seed \(seed): \(error)")
      }
    }
    #expect(try place.usage.daily() == naive.daily(), "seed \(seed)")
    try rollUp()
    #expect(try marked().isEmpty)
    #expect(try place.usage.daily() == naive.daily(), "seed \(seed)")
  }

  @Test func `a day that goes leaves its roll-up, and refuses what comes later`() throws {
    var usage = RandomUsage(generator: SeededGenerator(seed: 9), hours: 0..<1_000)
    let all = (0..<300).map { usage.record($0) }
    _ = try place.usage.recordAll(all, source: "trail")
    let before = try place.usage.daily()
    try place.usage.keep(days: 20)
    let tenant = place.tenant.id
    let days = try place.tenant.withConnection { try UsageRetention.oldDays(of: tenant, at: hour(1_000), on: $0) }
    let kept = UsageDay(of: hour(1_000)).adding(days: -20)
    #expect(days == Set(all.map { UsageDay(of: $0.at) }).filter { $0 < kept }.sorted())
    try place.tenant.withConnection { connection in
      for day in days { try UsageRetention.close(day, of: tenant, on: connection) }
    }
    // Closed, and killed before the rows went: nobody sees them any more.
    #expect(try place.usage.daily() == before)
    #expect(Set(try place.usage.rows(UsageFilter(), limit: 1_000).map(\.record)) == Set(all.filter { $0.at >= kept.start }))
    try place.usage.keep(days: 400)
    #expect(try place.usage.record([.of("late", at: hour(5)), all[0]], source: "trail").tooOld >= 1)
    let connection = try ScratchDatabase.connect()
    for day in days {
      // Dropped, or deleted where a test beside this one keeps the day.
      _ = try UsageRetention.dropRows(day, of: tenant, at: hour(1_000), on: connection)
      #expect(try UsageRetention.dropKeys(day, of: tenant, on: connection) > 0)
      #expect(try UsageRetention.dropKeys(day, of: tenant, on: connection) == 0)
    }
    #expect(throws: PostgresError.self) {
      try UsageRetention.dropRows(UsageDay(of: hour(999)), of: tenant, at: hour(1_000), on: connection)
    }
    #expect(try place.usage.daily() == before)
  }
}
