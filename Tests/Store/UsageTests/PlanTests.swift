import EventLog
import Governance
import Postgres
import Temporal
import TestSupport
import Testing

@testable import Usage

/// What statements read, as the server counts it: an index where there are many rows, and the partitions of the days asked about.
@Suite struct PlanTests {
  /// What one transaction read of a table.
  private struct Reads {
    var scanned: Int64 = 0
    var fetched: Int64 = 0
  }

  private static let days = 20
  private static let rowsPerDay = 800

  private func told() throws -> UsageTenant {
    let place = try UsageTenant()
    var records: [UsageRecord] = []
    for number in 0..<Self.days * Self.rowsPerDay {
      records.append(
        UsageRecord(
          id: "\(number)",
          at: hour(Int64(number % Self.days) * 24 + 500).adding(microseconds: Int64(number) * 1_000_000 % 80_000_000),
          identity: "person-\(number % 997)", action: "action-\(number % 211)", resource: "org/\(number % 499)",
          session: number.isMultiple(of: 3) ? "session-\(number % 701)" : nil, credential: "key-\(number % 503)",
          address: "192.0.2.\(number % 401)"))
    }
    #expect(try place.usage.recordAll(records, source: "trail").new == records.count)
    try ScratchDatabase.connectAsSuperuser().execute(
      "ANALYZE tenure.usage; ANALYZE tenure.usage_daily; ANALYZE tenure.usage_key")
    return place
  }

  /// Runs the body in a transaction, and what it read of each table of usage.
  private func reads(_ body: (Connection) throws -> Void) throws -> [String: Reads] {
    let connection = try ScratchDatabase.connect()
    return try connection.transaction { connection in
      try body(connection)
      var reads: [String: Reads] = [:]
      let rows = try connection.query(
        """
        SELECT relname::text, coalesce(seq_tup_read, 0), coalesce(idx_tup_fetch, 0) FROM pg_stat_xact_user_tables
        WHERE schemaname = 'tenure' AND relname LIKE 'usage%' AND coalesce(seq_scan, 0) + coalesce(idx_scan, 0) > 0
        """)
      for row in rows { reads[try row.string(0)] = Reads(scanned: try row.int64(1), fetched: try row.int64(2)) }
      return reads
    }
  }

  private static func partition(of day: UsageDay) throws -> String {
    let rows = try ScratchDatabase.connect().query(
      "SELECT c.relname::text FROM pg_class c WHERE c.oid = tenure.usage_table((\(day.start.timestamp) AT TIME ZONE 'UTC')::date)"
    )
    return try rows[0].string(0)
  }

  @Test func `questions read what they answer, and of partitions only those they ask about`() throws {
    let place = try told()
    let usage = place.usage
    let filters = [
      UsageFilter(identity: "person-17"), UsageFilter(action: "action-17"), UsageFilter(resource: "org/17"),
      UsageFilter(address: "192.0.2.17"), UsageFilter(credential: "key-17"), UsageFilter(session: "session-18"),
    ]
    for filter in filters {
      var found = 0
      let reads = try reads { found = try usage.rows(filter, before: nil, limit: 1_000, on: $0).count }
      #expect(found > 4 && found < 100)
      // Partitions of a few rows, by tests beside this one, are read whole; none of those filled here is.
      #expect(reads.values.allSatisfy { $0.scanned < Int64(Self.rowsPerDay) }, "\(filter)")
      #expect(reads.values.reduce(0) { $0 + $1.fetched } <= 2 * Int64(found) + 40, "\(filter)")
    }
    let day = UsageDay(of: hour(500))
    var newest = UsageFilter(from: day.start, to: day.end)
    let one = try reads { _ = try usage.rows(newest, before: nil, limit: 50, on: $0) }
    #expect(one.keys.filter { $0.hasPrefix("usage_2") } == [try Self.partition(of: day)])
    newest.from = nil
    #expect(try reads { _ = try usage.rows(newest, before: nil, limit: 10, on: $0) }.values.reduce(0) { $0 + $1.fetched } < 200)
  }

  @Test func `a roll-up reads its day, and who asks by day reads the roll-up and the days that are marked`() throws {
    let place = try told()
    let tenant = place.tenant.id
    let connection = try ScratchDatabase.connect()
    let days = try UsageRollUp.markedDays(of: tenant, on: connection)
    #expect(days.count >= Self.days)
    let read = try reads { _ = try UsageRollUp.write(days[0], of: tenant, on: $0) }
    #expect(read.keys.filter { $0.hasPrefix("usage_2") } == [try Self.partition(of: days[0])])
    for day in days.dropLast() { _ = try UsageRollUp.rollUp(day, of: tenant, on: connection) }
    try ScratchDatabase.connectAsSuperuser().execute("ANALYZE tenure.usage_daily")
    let asked = try reads { connection in
      let entries = try place.usage.daily(
        of: ["person-17"], action: nil, resource: nil, days: days[0]...days[days.count - 1], after: nil, limit: 1_000,
        on: connection)
      #expect(entries.count > 4)
    }
    #expect(asked.keys.filter { $0.hasPrefix("usage_2") }.count == 1)
    #expect(asked["usage_daily"]?.scanned == 0)
    #expect(asked.values.reduce(0) { $0 + $1.fetched } < 100)
  }

  @Test func `a batch looks its keys up and compares no record with each other, whatever plan was kept`() throws {
    let place = try told()
    let records = (0..<2_000).map { UsageRecord.of("new-\($0)", at: hour(600)) }
    let batch = try UsageBatch(records, source: "trail", tenant: place.tenant.id, now: hour(1_000))
    let connection = try ScratchDatabase.connect()
    try connection.execute("SET plan_cache_mode = force_generic_plan")
    for expected in [2_000, 0] {
      try connection.transaction { connection in
        #expect(try batch.write(on: connection).new == expected)
        let rows = try connection.query(
          "SELECT coalesce(sum(seq_tup_read), 0)::int8 FROM pg_stat_xact_user_tables WHERE relname = 'usage_key'")
        #expect(try rows[0].int64(0) == 0)
        #expect(try connection.query("SHOW enable_nestloop")[0].string(0) == "off")
      }
    }
  }

  /// A use on each day of four years, and a session every three days from two networks.
  private func toldYears() throws -> UsageTenant {
    let place = try UsageTenant()
    try place.usage.keep(days: 1_500)
    let records = (0..<1_400).map { day in
      UsageRecord(
        id: "\(day)", at: hour(990 - Int64(day) * 24), identity: "person-\(day % 7)", action: "read", resource: "org/a",
        session: "session-\(day / 3)", address: "\(20 + day % 2).0.2.1")
    }
    #expect(try place.usage.recordAll(records, source: "trail").new == records.count)
    return place
  }

  /// What each connection holds at most while it answers, in locks; the server has 6,400 for everybody.
  private static let locksAtMost: Int64 = 600

  @Test func `a trail of years makes partitions by the month, few days wait for the roll-up, and no statement locks them all`()
    throws
  {
    let place = try toldYears()
    let usage = place.usage
    let made = try ScratchDatabase.connect().query(
      """
      SELECT count(DISTINCT tenure.usage_table((\(hour(990).timestamp) AT TIME ZONE 'UTC')::date - d))
      FROM generate_series(0, 1399) AS d
      """)
    // Forty months and some days; tests beside this one make days too.
    #expect(try made[0].int64(0) < 250)
    let connection = try ScratchDatabase.connect()
    #expect(try UsageRollUp.markedDays(of: place.tenant.id, on: connection).count <= UsageRollUp.markedDaysAtMost)
    // Of these every statement is inside one transaction, whose locks stay to its end.
    let locks = try connection.transaction { connection in
      let days = UsageDay(of: .earliest)...UsageDay(of: .latest)
      let entries = try usage.daily(
        of: nil, action: nil, resource: nil, days: days, after: nil, limit: 10_000, on: connection)
      #expect(entries.reduce(0) { $0 + $1.uses } == 1_400)
      return try connection.query("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()")[0].int64(0)
    }
    #expect(locks < Self.locksAtMost)
    #expect(try usage.slices(from: .earliest, to: .latest, on: connection).count > 1)
  }

  @Test func `what goes through years of rows, piece by piece, says what a look at all of them does`() throws {
    let place = try toldYears()
    let usage = place.usage
    var found: [SessionNetworks] = []
    var after: String? = ""
    while let session = after {
      let page = try usage.sessionsFromSeveralNetworks(since: .earliest, after: session, limit: 20)
      found += page.found
      after = page.next
    }
    // Three days of a session have both networks; the last one has two days.
    #expect(found.count == 467)
    #expect(Set(found.map(\.session)).count == 467)
    #expect(found.allSatisfy { $0.networks == ["20.0.0.0/16", "21.0.0.0/16"] })
    #expect(found.first { $0.session == "session-0" }?.firstUsed == hour(990 - 48))
    #expect(found.first { $0.session == "session-400" }?.firstUsed == hour(990 - 1_202 * 24))
    let last = try usage.lastUses(of: (0..<8).map { "person-\($0)" })
    #expect(last.count == 7)
    for person in 0..<7 { #expect(last[.identity("person-\(person)")] == hour(990 - Int64(person) * 24)) }
    #expect(try usage.learnt(since: hour(0), usedBy: hour(990 - 700 * 24)).uses == 700)
    #expect(try usage.rows(UsageFilter(identity: "person-3"), limit: 1_000).count == 200)
  }
}
