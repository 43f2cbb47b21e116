import AccessGraph
import Foundation
import Governance
import Temporal
import TestSupport
import Testing

/// The graph against the naive fold, on random histories.
///
/// TENURE_SEEDS sets how many; TENURE_FIRST_SEED where they begin, so that a failing one is repeated alone.
@Suite struct RandomHistoryTests {
  static let probesPerHistory = 10

  static var seeds: Range<UInt64> {
    let environment = ProcessInfo.processInfo.environment
    let first = environment["TENURE_FIRST_SEED"].flatMap { UInt64($0) } ?? 0
    return first..<first + (environment["TENURE_SEEDS"].flatMap { UInt64($0) } ?? 500)
  }

  @Test func `the graph answers as the naive fold does, at moments and over stretches`() {
    var reported: Set<Substring> = []
    for seed in Self.seeds {
      let events = RandomHistory.events(seed: seed)
      let graph = Self.graph(of: events, seed)
      let naive = NaiveLog(events)
      for (probe, overStretch) in Self.probes(seed, naive) {
        for text in Self.disagreements(graph, naive, probe, overStretch) {
          let question = text.prefix { $0 != " " }
          // One report a question: the same mistake fails many seeds.
          guard reported.insert(question).inserted else { continue }
          Self.report(question, seed, events, probe, overStretch)
        }
      }
    }
  }

  @Test func `a graph from which tentative events were taken back is as if they had never been applied`() {
    for seed in Self.seeds {
      let events = RandomHistory.events(seed: seed)
      var random = SeededGenerator(seed: seed &+ 99)
      let graph = AccessGraph(indexLimits: Self.indexLimits(seed))
      var published = 0
      while published < events.count {
        let next = min(events.count, published + 1 + random.below(6))
        for event in events[published..<min(events.count, next + random.below(9))] { graph.apply(event) }
        if random.chance(1, in: 2) {
          graph.undo()
          #expect(graph.appliedPosition == Int64(published))
          for event in events[published..<next] { graph.apply(event) }
        }
        while graph.appliedPosition > next { graph.undo(to: Int64(next)) }
        graph.publish()
        published = next
      }
      #expect(graph.position == Int64(events.count))
      let naive = NaiveLog(events)
      for (probe, overStretch) in Self.probes(seed, naive).prefix(2) {
        if let text = Self.disagreements(graph, naive, probe, overStretch).first {
          Issue.record("seed \(seed): after undo: \(text)")
          return
        }
      }
    }
  }

  @Test func `what is known at k does not change when more is applied`() {
    for seed in Self.seeds where seed.isMultiple(of: 5) {
      let events = RandomHistory.events(seed: seed)
      let graph = AccessGraph(indexLimits: Self.indexLimits(seed))
      let naive = NaiveLog(events)
      var random = SeededGenerator(seed: seed &+ 7)
      for event in events {
        graph.apply(event)
        graph.publish()
        guard random.chance(1, in: 8) else { continue }
        var probe = Probe(&random, of: naive)
        probe.view = Viewpoint(at: probe.view.at, asKnownAt: event.position)
        probe.other = Viewpoint(at: probe.other.at, asKnownAt: min(probe.other.asKnownAt, event.position))
        if let text = Self.disagreements(graph, naive, probe, false).first {
          Issue.record("seed \(seed) at position \(event.position): \(text)")
          return
        }
      }
    }
  }

  /// Every other history is small enough for its lists to be indexed only under limits that are smaller still.
  private static func indexLimits(_ seed: UInt64) -> IndexLimits {
    if seed.isMultiple(of: 2) { return IndexLimits() }
    return IndexLimits(edges: 2 + Int(seed % 3), changes: 1 + Int(seed % 4), strays: Int(seed % 5))
  }

  static func graph(of events: [Event], _ seed: UInt64) -> AccessGraph {
    let graph = AccessGraph(indexLimits: indexLimits(seed))
    for event in events { graph.apply(event) }
    graph.publish()
    return graph
  }

  /// Moments mostly, and every fifth a stretch, which costs the naive fold a view at every instant.
  private static func probes(_ seed: UInt64, _ naive: NaiveLog) -> [(Probe, Bool)] {
    var random = SeededGenerator(seed: seed &+ 0xABCD)
    return (0..<probesPerHistory).map { (Probe(&random, of: naive), $0.isMultiple(of: 5)) }
  }

  private static func disagreements(
    _ graph: AccessGraph, _ naive: NaiveLog, _ probe: Probe, _ overStretch: Bool
  ) -> [String] {
    let comparison = Comparison(graph: graph, naive: naive, probe: probe)
    return overStretch ? comparison.disagreementsOverStretch() : comparison.disagreementsAtMoment()
  }

  /// Records the smallest history that still shows the disagreement on a question.
  private static func report(
    _ question: Substring, _ seed: UInt64, _ events: [Event], _ probe: Probe, _ overStretch: Bool
  ) {
    func disagreement(_ events: [Event]) -> String? {
      disagreements(graph(of: events, seed), NaiveLog(events), probe.moved(to: events), overStretch)
        .first { $0.prefix { $0 != " " } == question }
    }
    let shrunk = RandomHistory.shrink(events) { disagreement($0) != nil }
    Issue.record("seed \(seed): \(disagreement(shrunk) ?? "")\n\(RandomHistory.describe(shrunk))")
  }
}
