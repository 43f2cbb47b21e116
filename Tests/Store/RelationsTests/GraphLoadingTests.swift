import AccessGraph
import EventLog
import Foundation
import Governance
import Postgres
import Temporal
import TestSupport
import Testing

@testable import Relations

/// A graph loaded from relation rows against the graph folded from the same log, on random histories.
///
/// TENURE_SEEDS sets how many; TENURE_FIRST_SEED where they begin, so that a failing one is repeated alone.
@Suite(.serialized) struct GraphLoadingTests {
  static let probesPerHistory = 6

  let connection: Connection

  init() throws { connection = try ScratchDatabase.connect() }

  @Test func `a loaded graph answers as the folded one does, whatever is asked`() throws {
    for seed in RandomHistoryTests.seeds {
      let events = RandomHistory.events(seed: seed)
      try RelationHistory.write(events, seed: seed, on: connection) { history in
        try LoggedEvents.insert(events[...], of: history)
        let loaded = try Self.load(history, events, seed)
        let problems = Self.differences(loaded, history.graph, history, events, seed)
        #expect(problems.isEmpty, "seed \(seed): \(problems.prefix(3).joined(separator: "\n"))")
      }
    }
  }

  @Test func `a graph loaded within a history goes on: what comes is applied, taken back and applied again`() throws {
    for seed in RandomHistoryTests.seeds where seed.isMultiple(of: 2) {
      let events = RandomHistory.events(seed: seed)
      var random = SeededGenerator(seed: seed &+ 0x10AD)
      var logged = 0
      var begun: [AccessGraph] = []
      try RelationHistory.write(events, seed: seed, on: connection) { history in
        let position = Int(history.graph.position)
        try LoggedEvents.insert(events[logged..<position], of: history)
        logged = position
        if random.chance(1, in: 5) { begun.append(try Self.load(history, events, seed)) }
      } _: { history in
        for graph in begun {
          let first = Int(graph.position)
          #expect(graph.appliedPosition == graph.position)
          for event in events[first...].prefix(7) { graph.apply(event) }
          graph.undo()
          for event in events[first...] { graph.apply(event) }
          graph.publish()
          let problems = Self.differences(graph, history.graph, history, events, seed)
          #expect(problems.isEmpty, "seed \(seed), loaded at \(first): \(problems.prefix(3).joined(separator: "\n"))")
        }
      }
    }
  }

  /// Every other graph has indexes of time already in lists as short as these.
  private static func load(_ history: RelationHistory, _ events: [Event], _ seed: UInt64) throws -> AccessGraph {
    let limits =
      seed.isMultiple(of: 2)
      ? IndexLimits() : IndexLimits(edges: 2 + Int(seed % 3), changes: 1 + Int(seed % 4), strays: Int(seed % 5))
    let position = history.graph.position
    return try GraphLoading(tenant: history.tenant) { body, position in
      try EventCodec.decode(Array(body.utf8), at: position)
    }.run(
      on: history.connection, position: position, recordedAt: position > 0 ? events[Int(position) - 1].recordedAt : nil,
      indexLimits: limits)
  }

  private static func differences(
    _ loaded: AccessGraph, _ folded: AccessGraph, _ history: RelationHistory, _ events: [Event], _ seed: UInt64
  ) -> [String] {
    var problems: [String] = []
    if loaded.position != folded.position { problems.append("the position is \(loaded.position)") }
    for k in [folded.position, folded.position / 2] {
      problems += worldDifferences(loaded.world(asKnownAt: k), folded.world(asKnownAt: k), events)
    }
    var random = SeededGenerator(seed: seed &+ 0xF01D)
    for _ in 0..<probesPerHistory {
      let (probe, other) = (SQLProbe(&random, of: history), SQLProbe(&random, of: history))
      let (expected, found) = (answers(folded, probe, other), answers(loaded, probe, other))
      problems += zip(expected, found).filter { $0 != $1 }.map { "expected \($0)\nfound    \($1)" }
    }
    return problems
  }

  /// All that is asked of a graph, as texts: equal graphs say the same in the same order.
  private static func answers(_ graph: AccessGraph, _ probe: SQLProbe, _ other: SQLProbe) -> [String] {
    let (view, k) = (probe.view, probe.view.asKnownAt)
    let subjects: [WhoSubject] = [
      .access(action: probe.action, resource: probe.resource), .role("r1"), .role("r2"), .group("g1"), .group("g2"),
      .privileged,
    ]
    var texts = subjects.map { "who \($0) \(graph.who($0, from: view))" }
    texts += subjects.map { "during \($0) \(graph.who($0, during: probe.stretch, asKnownAt: k))" }
    let (identity, action, resource) = (probe.identity, probe.action, probe.resource)
    texts.append("what \(graph.what(identity, from: view))")
    texts.append("what during \(graph.what(identity, during: probe.stretch, asKnownAt: k))")
    // Which of several grants that would do is named depends on how a list is kept, by time or as it came.
    var why = graph.why(identity, action: action, resource: resource, from: view, limit: 100)
    var check = graph.check(identity, action: action, resource: resource, from: view)
    if case .grant = why.decidedBy { why.decidedBy = nil }
    if case .grant = check.decidedBy { check.decidedBy = nil }
    texts += ["why \(why)", "check \(check)"]
    texts.append("timeline \(graph.timeline(identity, resource: nil, during: probe.stretch, asKnownAt: k))")
    texts.append("diff \(graph.diff(resource: nil, identity: nil, from: view, to: other.view))")
    texts.append("snapshot \(graph.snapshot(resource: nil, from: view, after: nil, limit: 1000))")
    texts.append("coverage \(graph.coverage(of: resource, from: view))")
    return texts
  }

  private static func worldDifferences(_ loaded: GraphWorld, _ folded: GraphWorld, _ events: [Event]) -> [String] {
    func differ(_ what: String, _ isSame: Bool) -> String? { isSame ? nil : what }
    let facts = NaiveWorld(events, asKnownAt: Int64(events.count)).everyFact
    let ids = Universe.assignments + events.indices.map { "a\($0)" }
    let entities =
      Universe.identities.map { Entity.identity($0) } + Universe.groups.map { .group($0) } + Universe.roles.map { .role($0) }
      + Universe.sources.map { .source($0) } + Universe.scopes.map { .resource($0) } + Universe.policies.map { .policy($0) }
    var problems = facts.map { differ("the entries of \($0)", loaded.entries(of: $0) == folded.entries(of: $0)) }
    problems += (0...Int64(events.count) + 1).map { differ("event \($0)", loaded.event(at: $0) == folded.event(at: $0)) }
    problems += ids.map { differ("the use of \($0)", loaded.hasUsed(assignment: $0) == folded.hasUsed(assignment: $0)) }
    problems += entities.map { differ("the facts about \($0)", loaded.facts(about: $0) == folded.facts(about: $0)) }
    problems += Universe.sources.map { differ("the facts from \($0)", loaded.facts(from: $0) == folded.facts(from: $0)) }
    return problems.compactMap { $0 }
  }
}

/// The log of a history that was made without one, as far as loading looks at it.
enum LoggedEvents {
  static func insert(_ events: ArraySlice<Event>, of history: RelationHistory) throws {
    try history.connection.run(
      """
      INSERT INTO tenure.event (tenant_id, position, event_id, type, version, entity, effective_at, recorded_at, source, basis,
        recorded_by, body, leaf)
      SELECT \(history.tenant), e.position, gen_random_uuid(), e.type, 1, 'any', e.effective_at, e.recorded_at, 'any', 'observed',
        'test', e.body, sha256(convert_to(e.body, 'UTF8'))
      FROM unnest(\(events.map(\.position)), \(events.map(\.change.type)), \(events.map { Timestamp($0.effectiveAt) }),
        \(events.map { Timestamp($0.recordedAt) }), \(events.map { String(decoding: EventCodec.body(of: $0), as: UTF8.self) }))
        AS e (position, type, effective_at, recorded_at, body)
      """)
  }
}
