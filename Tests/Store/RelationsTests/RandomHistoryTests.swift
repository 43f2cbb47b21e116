import AccessGraph
import Foundation
import Governance
import Postgres
import Temporal
import TestSupport
import Testing

@testable import Relations

/// The SQL functions and tables against the graph and the naive fold, on random histories.
///
/// TENURE_SEEDS sets how many; TENURE_FIRST_SEED where they begin, so that a failing one is repeated alone.
@Suite(.serialized) struct RandomHistoryTests {
  static let probesPerHistory = 8

  static var seeds: Range<UInt64> {
    let environment = ProcessInfo.processInfo.environment
    let first = environment["TENURE_FIRST_SEED"].flatMap { UInt64($0) } ?? 0
    return first..<first + (environment["TENURE_SEEDS"].flatMap { UInt64($0) } ?? 60)
  }

  let connection: Connection

  init() throws { connection = try ScratchDatabase.connect() }

  @Test func `the SQL functions answer as the graph does, and as the naive fold`() throws {
    for seed in Self.seeds {
      let events = RandomHistory.events(seed: seed)
      let failed = try RelationHistory.write(events, seed: seed, on: connection) { history -> SQLProbe? in
        var random = SeededGenerator(seed: seed &+ 0xABCD)
        let probes = (0..<Self.probesPerHistory).map { _ in SQLProbe(&random, of: history) }
        // The graph is held against the naive fold elsewhere; here it is enough to see now and then that all three agree.
        if seed.isMultiple(of: 10), let probe = probes.first {
          let naive = Answers(probe, naive: NaiveLog(events))
          #expect(Answers(probe, graph: history.graph).difference(from: naive) == nil, "seed \(seed)")
          let sql = try Answers(probe, asKnownAt: probe.view.asKnownAt, sql: history)
          #expect(sql.difference(from: naive) == nil, "seed \(seed)")
        }
        return try probes.first { try Self.disagreement($0, history) != nil }
      }
      if let failed { return try report(failed, seed, events) }
    }
  }

  @Test func `an answer as known at a position is the one that was given when the log ended there`() throws {
    for seed in Self.seeds where seed.isMultiple(of: 3) {
      var given: [(probe: SQLProbe, answers: Answers, rows: [String])] = []
      var random = SeededGenerator(seed: seed &+ 0xD00D)
      let events = RandomHistory.events(seed: seed)
      try RelationHistory.write(events, seed: seed, on: connection) { history in
        var probe = SQLProbe(&random, of: history)
        probe.view = Viewpoint(at: probe.view.at, asKnownAt: history.graph.position)
        // Above every head: all that is known.
        given.append((probe, try Answers(probe, asKnownAt: .max, sql: history), try Self.rows(.max, history)))
      } _: { history in
        for (probe, answers, rows) in given {
          let k = probe.view.asKnownAt
          let later = try Answers(probe, asKnownAt: k, sql: history)
          #expect(later.difference(from: answers) == nil, "seed \(seed), position \(k)")
          let rowsLater = try Self.rows(k, history)
          #expect(rowsLater == rows, "seed \(seed), position \(k)")
        }
      }
    }
  }

  @Test func `every table, read by its rule, is the world of the naive fold`() throws {
    for seed in Self.seeds where seed.isMultiple(of: 2) {
      let events = RandomHistory.events(seed: seed)
      let naive = NaiveLog(events)
      try RelationHistory.write(events, seed: seed, on: connection) { history in
        var random = SeededGenerator(seed: seed &+ 0xFACE)
        for _ in 0..<4 {
          let view = SQLProbe(&random, of: history).view
          let expected = Set(naive.state(at: view.at, asKnownAt: view.asKnownAt).lines)
          let actual = Set(try WorldInSQL.lines(view, tenant: history.tenant, on: connection))
          #expect(actual.subtracting(expected).isEmpty && expected.subtracting(actual).isEmpty, "seed \(seed), \(view)")
        }
      }
    }
  }

  @Test func `the current entitlements are the graph's at the present`() throws {
    for seed in Self.seeds where seed.isMultiple(of: 3) {
      try RelationHistory.write(RandomHistory.events(seed: seed), seed: seed, on: connection) { history in
        let now = try connection.query("SELECT now()")[0].timestamp(0)
        let view = Viewpoint(
          at: Instant(microseconds: now.microsecondsSinceUnixEpoch), asKnownAt: history.graph.position)
        let expected = history.graph.snapshot(resource: nil, from: view, after: nil, limit: 1000).map {
          Array($0.identity.utf8) + [0x20] + $0.right.exactKey + Array($0.remainder.status.rawValue.utf8)
        }
        let actual = try connection.query(
          """
          SELECT DISTINCT identity, action, unknown_role, resource, scope, conditions::text, effect, status
          FROM tenure.current_entitlements WHERE tenant = \(history.name)
          """
        ).map {
          Array(try $0.string(0).utf8) + [0x20] + (try SQLQuestions.right(of: $0, from: 1)).exactKey
            + Array(try $0.string(7).utf8)
        }
        #expect(actual.count == expected.count && Set(actual) == Set(expected), "seed \(seed)")
      }
    }
  }

  /// What SQL says otherwise than the graph; nil if nothing.
  private static func disagreement(_ probe: SQLProbe, _ history: RelationHistory) throws -> String? {
    try Answers(probe, asKnownAt: probe.view.asKnownAt, sql: history).difference(from: Answers(probe, graph: history.graph))
  }

  /// All rows known at a position, without when they were written and closed.
  private static func rows(_ k: Int64, _ history: RelationHistory) throws -> [String] {
    var texts: [String] = []
    for table in RelationTable.all {
      let columns = table.columns.joined(separator: ", ")
      texts += try connectionRows(
        """
        SELECT x::text FROM (
          SELECT \(unsafe: columns) FROM tenure.\(unsafe: table.name) WHERE tenant_id = \(history.tenant)
            AND recorded_from <= \(k) AND (recorded_to IS NULL OR recorded_to > \(k))) AS x
        ORDER BY 1
        """, on: history.connection)
    }
    return texts
  }

  private static func connectionRows(_ sql: SQL, on connection: Connection) throws -> [String] {
    try connection.query(sql).map { try $0.string(0) }
  }

  /// Records the smallest history that still shows the disagreement.
  private func report(_ probe: SQLProbe, _ seed: UInt64, _ events: [Event]) throws {
    func difference(_ events: [Event]) throws -> String? {
      try RelationHistory.write(events, seed: seed, on: connection) { history in
        try Self.disagreement(probe.moved(to: events, in: history), history)
      }
    }
    // What does not even run is no smaller case of the same.
    let shrunk = RandomHistory.shrink(events) { (try? difference($0)) ?? nil != nil }
    Issue.record(
      """
      seed \(seed): \(try difference(shrunk) ?? "")
      asked: \(probe)
      \(RandomHistory.describe(shrunk))
      """)
  }
}
