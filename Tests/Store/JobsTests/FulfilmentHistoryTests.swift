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
        var command = ExpireGrantsHistoryTests.ending(item.command, &grants, &random)
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
        let expected = ended(log, events, at: t, asKnownAt: k)
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

  /// The first instants at which an assignment that held does no longer, by the fold at every instant at which anything happens.
  private func ended(_ log: NaiveLog, _ events: [Event], at t: Instant, asKnownAt k: Int64) -> Set<EndingPlace> {
    let turns = Set(events.map(\.effectiveAt) + events.compactMap(\.change.ownEnd)).filter { $0 <= t }.sorted()
    var held: Set<GrantName> = []
    var ended: [GrantName: Instant] = [:]
    for turn in turns {
      let state = log.state(at: turn, asKnownAt: k)
      let now = Set(state.assignments.keys.map { GrantName.assignment($0.id) })
        .union(state.memberships.keys.map { .membership(group: $0.group.id, member: $0.member) })
      for item in held.subtracting(now) { ended[item] = turn }
      for item in now {
        guard let end = ended[item] else { continue }
        guard case .membership(let group, let member) = item,
          let origin = state.memberships.first(where: { $0.key.group == .group(group) && $0.key.member == member })?.value
            .origin
            .position
        else {
          ended[item] = nil
          continue
        }
        let begun = events[Int(origin) - 1]
        let isNew = !held.contains(item) && wasGone(item, from: end, to: turn, accordingTo: begun.source, log, k)
        if begun.basis != .observed || isNew { ended[item] = nil }
      }
      held = now
    }
    return Set(ended.map { EndingPlace(endedAt: $0.value, item: $0.key) })
  }

  /// Whether a source that shows a membership again from a turn on had shown it gone since its end.
  private func wasGone(
    _ item: GrantName, from end: Instant, to turn: Instant, accordingTo source: String, _ log: NaiveLog, _ k: Int64
  ) -> Bool {
    guard case .membership(let group, let member) = item else { return false }
    let visible = log.visible(asKnownAt: k)
    let before = log.state(at: end.adding(microseconds: -1), asKnownAt: k).memberships
      .first { $0.key.group == .group(group) && $0.key.member == member }?.value
    if before?.expiresAt != end {
      let at = visible.filter { $0.effectiveAt == end }.sorted { $0.position < $1.position }
      let causes: [(Change) -> Bool] = [
        { $0 == .membershipRemoved(group: group, member: member) },
        {
          $0 == .identityRetired(id: member.id) && member.kind == .identity
            || $0 == .groupDeleted(id: member.id) && member.kind == .group
        },
        { $0 == .groupDeleted(id: group) },
      ]
      let cause = causes.lazy.compactMap { isCause in at.first { isCause($0.change) } }.first
      if let cause, cause.basis == .observed, cause.source == source { return true }
    }
    let readings = visible.filter { $0.source == source && $0.basis == .observed && $0.effectiveAt < turn }
    guard let reading = readings.max(by: { $0.position < $1.position })?.effectiveAt, reading > end else { return false }
    let said = visible.contains { event in
      guard case .groupCreated(let id, _) = event.change else { return false }
      return id == group && event.source == source && event.effectiveAt <= reading
    }
    let state = log.state(at: reading, asKnownAt: k)
    return said && state.coverage.keys.contains { $0.source == .source(source) }
      && !state.gaps.keys.contains { $0.source == .source(source) }
  }
}
