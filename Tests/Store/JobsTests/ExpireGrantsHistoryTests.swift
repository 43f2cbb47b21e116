import EventLog
import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing

@testable import Jobs

/// The job among random commands, backdated, voiding and contradicting ones included, against the naive fold.
///
/// TENURE_SEEDS sets how many histories.
@Suite struct ExpireGrantsHistoryTests {
  private static var seeds: Range<UInt64> {
    0..<(ProcessInfo.processInfo.environment["TENURE_SEEDS"].flatMap { UInt64($0) } ?? 12)
  }

  @Test func `after each run every end up to then is recorded, and none twice`() throws {
    var expiries = 0
    for seed in Self.seeds {
      let work = try Workplace()
      work.clock.now = Universe.instant(4)
      var random = SeededGenerator(seed: seed &+ 0xE17D)
      var reached: JSONValue?
      var grants = 0
      for (index, item) in RandomCommands.commands(seed: seed, count: 110).enumerated() {
        let context = RandomCommands.context(index, item.mode)
        work.clock.now = max(work.clock.now, context.recordedAt)
        _ = try? work.tenant.submitAndWait(
          Submission(
            mode: item.mode, source: context.source, basis: .observed,
            recordedBy: Recorder(id: "test", authentication: "local"),
            commands: [RandomCommands.distinct(item.command, &grants, &random)]))
        guard random.chance(1, in: 5) else { continue }
        let report = try Job.expireGrants.work(work.context(reached: reached))
        // Some are killed before they can note how far they got.
        if random.chance(2, in: 3) { reached = report.reached }
        try check(work, "seed \(seed), after command \(index)")
      }
      expiries += try work.expiries().count
    }
    #expect(expiries > 5 * Self.seeds.count)
  }

  private func check(_ work: Workplace, _ comment: String) throws {
    let events = try work.events()
    let log = NaiveLog(events)
    let now = max(work.clock.now, try #require(events.last).recordedAt)
    let ends = Set(events.compactMap(\.change.ownEnd)).filter { $0 <= now }
    var expected: Set<Expiry> = []
    for end in ends {
      // What holds until just before its own end has come to it.
      let state = log.state(at: end.adding(microseconds: -1), asKnownAt: Int64(events.count))
      for (entity, held) in state.assignments where held.grant.expiresAt == end { expected.insert(Expiry(entity.id, end)) }
      for (membership, held) in state.memberships where held.expiresAt == end {
        expected.insert(Expiry(membership.group.id, membership.member, end))
      }
    }
    let recorded = events.compactMap(Expiry.init)
    let missing = expected.subtracting(recorded)
    #expect(missing.isEmpty, "\(comment): \(missing)")
    let ours = events.filter { $0.source == "tenure job expire-grants" }.compactMap(Expiry.init)
    #expect(Set(ours).count == ours.count, "\(comment)")
  }
}
