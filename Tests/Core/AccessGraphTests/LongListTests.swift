import AccessGraph
import Governance
import Temporal
import TestSupport
import Testing

/// Lists long enough to be read in blocks, and shorter than those that are indexed, against the naive fold.
///
/// The random histories have many facts and short lists; here all that happens happens in one group.
@Suite struct LongListTests {
  private static let seeds: Range<UInt64> = 0..<60
  private static let people = (0..<24).map { "p\($0)" }
  private static let probes = 40

  @Test func `who was in a group that many joined and left is what the naive fold says`() {
    for seed in Self.seeds {
      var random = SeededGenerator(seed: seed)
      let events = Self.events(&random)
      let graph = Self.graph(of: events, &random)
      let naive = NaiveLog(events)
      let last = events.count
      for probe in 0..<Self.probes {
        let hour = random.below(last * 2 + 20)
        let view = Viewpoint(
          at: Universe.instant(hour), asKnownAt: Int64(probe.isMultiple(of: 4) ? 1 + random.below(last) : last))
        let expected = naive.view(view).who(.group("crew"))
        guard graph.who(.group("crew"), from: view) != expected else { continue }
        Issue.record("seed \(seed), hour \(hour), known at \(view.asKnownAt) of \(last): not \(expected.map(\.identity))")
        return
      }
    }
  }

  /// Joins and departures some hours apart, of which some are backdated, dated ahead, end by themselves, come late or are voided.
  private static func events(_ random: inout SeededGenerator) -> [Event] {
    var changes: [(hour: Int, due: Int?, change: Change)] = [(0, nil, .groupCreated(id: "crew", attributes: [:]))]
    changes += people.map { (0, nil, .identityRegistered(id: $0, kind: .person, attributes: [:])) }
    for _ in 0..<40 + random.below(210) {
      let now = changes.count * 2
      let hour = random.chance(1, in: 8) ? 1 + random.below(now + 15) : now
      let member = Entity.identity(random.pick(people))
      switch random.below(20) {
      case 0..<9: changes.append((hour, nil, .membershipAdded(group: "crew", member: member, expiresAt: nil)))
      case 9..<12:
        let end = Universe.instant(hour + 1 + random.below(60))
        changes.append((hour, nil, .membershipAdded(group: "crew", member: member, expiresAt: end)))
      case 12..<18:
        let due = random.chance(1, in: 4) ? max(0, hour - 1 - random.below(20)) : nil
        changes.append((hour, due, .membershipRemoved(group: "crew", member: member)))
      default:
        changes.append((hour, nil, .eventVoided(position: Int64(people.count + 2 + random.below(now / 2 - people.count)))))
      }
    }
    return changes.enumerated().map { index, item in
      Event(
        position: Int64(index) + 1, eventID: "e\(index + 1)", effectiveAt: Universe.instant(item.hour),
        dueAt: item.due.map(Universe.instant), recordedAt: Universe.instant(index * 2), source: "s1", basis: .observed,
        authority: Authority(), recordedBy: Recorder(id: "test", authentication: "local"), change: item.change)
    }
  }

  /// A graph of which some was taken back and applied again on the way.
  private static func graph(of events: [Event], _ random: inout SeededGenerator) -> AccessGraph {
    let graph = AccessGraph()
    for event in events {
      graph.apply(event)
      guard random.chance(1, in: 10) else { continue }
      let kept = max(graph.position, graph.appliedPosition - Int64(random.below(12)))
      let taken = Int(graph.appliedPosition)
      graph.undo(to: kept)
      for again in events[Int(kept)..<taken] { graph.apply(again) }
      if random.chance(1, in: 2) { graph.publish() }
    }
    graph.publish()
    return graph
  }
}
