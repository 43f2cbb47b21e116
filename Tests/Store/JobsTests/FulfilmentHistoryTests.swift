import AccessGraph
import EventLog
import Foundation
import Governance
import Temporal
import TestSupport
import Testing

/// Endings among random commands, backdated, voiding and contradicting ones included, against the naive fold.
///
/// TENURE_SEEDS sets how many histories.
@Suite struct FulfilmentHistoryTests {
  private static var seeds: Range<UInt64> {
    0..<(ProcessInfo.processInfo.environment["TENURE_SEEDS"].flatMap { UInt64($0) } ?? 20)
  }

  @Test func `the pages of endings are all that have ended, in order, whatever is known`() throws {
    var found = 0
    var reasons: Set<EndingReason> = []
    for seed in Self.seeds {
      let work = try Workplace()
      work.clock.now = Universe.instant(4)
      var random = SeededGenerator(seed: seed &+ 0xF01F)
      var grants = 0
      for (index, item) in RandomCommands.commands(seed: seed, count: 110).enumerated() {
        let context = RandomCommands.context(index, item.mode)
        work.clock.now = max(work.clock.now, context.recordedAt)
        var command = RandomCommands.distinct(item.command, &grants, &random)
        // Principals and roles seldom end while somebody has something by them.
        if random.chance(1, in: 15) {
          command.change = random.pick([
            .identityRetired(id: random.pick(Universe.identities)), .groupDeleted(id: random.pick(Universe.groups)),
            .roleRetired(id: random.pick(Universe.roles)),
          ])
        }
        _ = try? work.tenant.submitAndWait(
          Submission(
            mode: item.mode, source: context.source, basis: random.pick([.observed, .declared]),
            recordedBy: Recorder(id: "test", authentication: "local"),
            commands: [command]))
      }
      let events = try work.events()
      let log = NaiveLog(events)
      for _ in 0..<6 {
        let t = Universe.instant(random.below(Universe.slots)).adding(microseconds: random.chance(1, in: 2) ? 0 : 1)
        let k =
          random.chance(1, in: 2) ? Int64(events.count) : try work.tenant.position(.position(Int64(random.below(events.count))))
        let paged = try pages(work.tenant, at: t, asKnownAt: k, limit: 1 + random.below(4), slice: 1 + random.below(5))
        let comment = "seed \(seed), at \(t), as known at \(k)"
        let expected = Set(log.endings(at: t, asKnownAt: k).map { EndingPlace(endedAt: $0.value, item: $0.key) })
        #expect(
          Set(paged.map { EndingPlace(endedAt: $0.ending.endedAt, item: $0.ending.item) }) == expected, "\(comment)"
        )
        #expect(paged.count == expected.count, "\(comment)")
        for (one, next) in zip(paged, paged.dropFirst()) { #expect(one.ending.endedAt <= next.ending.endedAt, "\(comment)") }
        found += expected.count
        reasons.formUnion(paged.map(\.ending.reason))
        for fulfilment in paged { check(fulfilment, events, comment) }
      }
    }
    #expect(found > 3 * Self.seeds.count)
    #expect(reasons.isSuperset(of: [.expired, .revoked, .principalEnded, .roleEnded]))
  }

  /// What is shown rests on events that say so.
  private func check(_ fulfilment: Fulfilment, _ events: [Event], _ comment: String) {
    let ending = fulfilment.ending
    if let position = ending.position {
      #expect(events[Int(position) - 1].effectiveAt == ending.endedAt, "\(comment)")
      #expect(fulfilment.recorded?.position == position, "\(comment)")
    } else {
      #expect(ending.reason == .expired && (ending.grant.map { $0.expiresAt == ending.endedAt } ?? true), "\(comment)")
    }
    if let observed = fulfilment.observed {
      let event = events[Int(observed.position) - 1]
      #expect(event.basis == .observed && event.source == observed.source && event.effectiveAt >= ending.endedAt, "\(comment)")
    }
  }

  private func pages(_ tenant: Tenant, at t: Instant, asKnownAt k: Int64, limit: Int, slice: Int) throws -> [Fulfilment] {
    var all: [Fulfilment] = []
    var place: EndingPlace?
    repeat {
      let page = try tenant.fulfilments(FulfilmentFilter(.any), at: t, asKnownAt: k, after: place, limit: limit, slice: slice)
      #expect(page.fulfilments.count <= limit)
      all += page.fulfilments
      place = page.next
    } while place != nil
    return all
  }
}
