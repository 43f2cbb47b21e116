import AccessGraph
import EventLog
import Governance
import JSON
import Postgres
import Temporal
import TestSupport
import Testing

@testable import Relations

/// Which findings were open at t as known at k: the rows against the naive fold, on random histories.
@Suite(.serialized) struct FindingsInSQLTests {
  let connection: Connection

  init() throws { connection = try ScratchDatabase.connect() }

  @Test func `the rows say of every finding what the naive fold says, whatever is asked about`() throws {
    var asked: [FindingState: Int] = [:]
    for seed in RandomHistoryTests.seeds {
      let events = Self.events(seed)
      let ids = Set(events.compactMap { if case .findingRaised(let finding) = $0.change { finding.id } else { nil } }).sorted()
      try RelationHistory.write(events, seed: seed, on: connection) { history in
        var random = SeededGenerator(seed: seed &+ 0xF1D)
        for _ in 0..<8 {
          let (t, k) = (RandomHistory.instant(&random), random.pick(history.batchEnds))
          let world = NaiveWorld(events, asKnownAt: k)
          let expected = ids.compactMap { world.finding($0, at: t) }
          for standing in expected { asked[standing.state, default: 0] += 1 }
          let rows = FindingRows(tenant: history.tenant, on: connection)
          #expect(try rows.read(FindingFilter(), at: t, asKnownAt: k, limit: 1_000) == expected, "seed \(seed) at \(t), \(k)")
          #expect(
            ids.compactMap { history.graph.world(asKnownAt: k).finding($0, at: t) } == expected, "seed \(seed) at \(t), \(k)")
          let filter = Self.filter(&random)
          let some = expected.filter { filter.admits($0) }
          #expect(try rows.read(filter, at: t, asKnownAt: k, limit: 1_000) == some, "seed \(seed) at \(t), \(k): \(filter)")
          if let last = some.dropLast().last {
            let page = try rows.read(filter, at: t, asKnownAt: k, after: last.finding.id, limit: 1)
            #expect(page == some.suffix(1), "seed \(seed) at \(t), \(k): \(filter)")
          }
        }
      }
    }
    // Else the histories have come to say nothing.
    for state in FindingState.allCases { #expect(asked[state, default: 0] > 20, "\(state)") }
  }

  /// A random history in which every third event is about findings.
  private static func events(_ seed: UInt64) -> [Event] {
    var random = SeededGenerator(seed: seed &+ 0xF1F)
    return RandomHistory.events(seed: seed).map { event in
      guard random.chance(1, in: 3) else { return event }
      var event = event
      let finding = Finding(
        rule: random.pick(["empty_group", "ownerless"]), subject: .group(random.pick(Universe.groups)),
        evidence: ["seen": .integer(Int64(random.below(2)))], severity: random.pick(Severity.allCases),
        owner: random.chance(1, in: 2) ? random.pick(Universe.identities) : nil)
      switch random.below(5) {
      case 0: event.change = .findingResolved(id: finding.id)
      case 1:
        let end = event.effectiveAt.adding(microseconds: Int64(1 + random.below(100_000)) * 1_000_000)
        event.change = .findingAccepted(id: finding.id, until: end)
      default: event.change = .findingRaised(finding)
      }
      event.dueAt = nil
      return event
    }
  }

  private static func filter(_ random: inout SeededGenerator) -> FindingFilter {
    FindingFilter(
      rule: random.chance(1, in: 3) ? "empty_group" : nil,
      severity: random.chance(1, in: 4) ? random.pick(Severity.allCases) : nil,
      states: Set(random.some(FindingState.allCases, chance: 2, in: 3)),
      owner: random.chance(1, in: 4) ? random.pick(Universe.identities) : nil,
      subject: random.chance(1, in: 4) ? .group(random.pick(Universe.groups)) : nil)
  }
}

extension FindingFilter {
  fileprivate func admits(_ standing: FindingStanding) -> Bool {
    let finding = standing.finding
    return states.contains(standing.state) && (rule.map { $0.isExactly(finding.rule) } ?? true)
      && (severity.map { $0 == finding.severity } ?? true) && (owner.map { finding.owner?.isExactly($0) ?? false } ?? true)
      && (subject.map { $0 == finding.subject } ?? true)
  }
}
