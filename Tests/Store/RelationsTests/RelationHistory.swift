import AccessGraph
import Governance
import Postgres
import Temporal
import TestSupport
import Testing

@testable import Relations

/// A history on its way into relation tables and a graph, without a log: so it may hold what no command would be let through.
///
/// It lives in a transaction that is taken back, so that the tables stay small and no run leaves anything to the next.
final class RelationHistory {
  /// Batches that share a transaction at most.
  private static let batchesPerTransaction = 4

  let graph = AccessGraph()
  let connection: Connection
  let name: String
  private(set) var tenant: Int32 = 0
  /// The last positions of batches: what can be asked about.
  private(set) var batchEnds: [Int64] = [0]
  private var random: SeededGenerator

  private init(_ connection: Connection, seed: UInt64) {
    self.connection = connection
    name = ScratchDatabase.tenantName()
    random = SeededGenerator(seed: seed &+ 0x5EED)
  }

  /// Writes the events, and lets the body ask.
  ///
  /// - Parameter afterEach: called after each transaction, when the head stands at the last of `batchEnds`.
  static func write<Answer>(
    _ events: [Event], seed: UInt64, on connection: Connection, afterEach: (RelationHistory) throws -> Void = { _ in },
    _ body: (RelationHistory) throws -> Answer
  ) throws -> Answer {
    try connection.execute("BEGIN")
    defer { try? connection.execute("ROLLBACK") }
    let history = RelationHistory(connection, seed: seed)
    history.tenant = try connection.query("SELECT tenure.create_tenant(\(history.name))")[0].int32(0)
    var rest = Self.batches(of: events)[...]
    while !rest.isEmpty {
      let count = 1 + history.random.below(batchesPerTransaction)
      try history.writeTransaction(of: rest.prefix(count))
      rest = rest.dropFirst(count)
      try afterEach(history)
    }
    return try body(history)
  }

  /// An atomic batch is what was recorded at one instant.
  private static func batches(of events: [Event]) -> [[Event]] {
    var batches: [[Event]] = []
    for event in events {
      if batches.last?.last?.recordedAt == event.recordedAt {
        batches[batches.count - 1].append(event)
      } else {
        batches.append([event])
      }
    }
    return batches
  }

  private func writeTransaction(of batches: ArraySlice<[Event]>) throws {
    var changes = RelationChanges()
    for events in batches {
      var batch = RelationBatch()
      for event in events {
        batch.willApply(event, in: graph.world(asKnownAt: graph.appliedPosition))
        graph.apply(event)
      }
      changes.record(batch, in: graph.world(asKnownAt: graph.appliedPosition), lastPosition: graph.appliedPosition)
      batchEnds.append(graph.appliedPosition)
    }
    if random.chance(1, in: 2) {
      let statements = changes.statements(tenant: tenant)
      let results = statements.isEmpty ? [] : try connection.pipeline(statements)
      #expect(changes.damage(in: results) == nil)
    } else {
      let damage = try changes.write(on: connection, tenant: tenant)
      #expect(damage == nil)
    }
    graph.publish()
    try connection.run("UPDATE tenure.head SET position = \(graph.position) WHERE tenant_id = \(tenant)")
  }

  /// The last batch that was whole by a position.
  func batchEnd(upTo position: Int64) -> Int64 { batchEnds.last { $0 <= position } ?? 0 }
}

/// One of everything that SQL answers, with random names and moments.
struct SQLProbe {
  var view: Viewpoint
  let stretch: Interval
  var identity: String
  let action: String
  var resource: String
}

extension SQLProbe {
  /// Every other probe is aimed at an entitlement that is there, since most random questions are answered by nothing.
  init(_ random: inout SeededGenerator, of history: RelationHistory) {
    let ends = history.batchEnds
    let k = random.chance(1, in: 2) ? ends[ends.count - 1] : random.pick(Array(ends.suffix(ends.count * 2 / 3 + 1)))
    self.init(
      view: Viewpoint(at: RandomHistory.instant(&random), asKnownAt: k), stretch: RandomHistory.stretch(&random),
      identity: random.chance(1, in: 30) ? "nobody" : random.pick(Universe.identities),
      action: random.pick(Universe.actions),
      resource: random.pick(Universe.scopes.filter { $0 != "*" } + ["org/repo/x/y", "elsewhere"]))
    let entitlements = history.graph.snapshot(resource: nil, from: view, after: nil, limit: 1000)
    if !entitlements.isEmpty, random.chance(1, in: 2) {
      let entitlement = random.pick(entitlements)
      identity = entitlement.identity
      let scope = entitlement.right.scope
      if scope != "*" { resource = scope + (random.chance(1, in: 3) ? "/x" : "") }
    }
  }

  /// The same probe of a history from which events were left out: k falls on the last batch left of those known then.
  func moved(to events: [Event], in history: RelationHistory) -> SQLProbe {
    let left = events.prefix { Int64($0.eventID.dropFirst()).map { $0 <= view.asKnownAt } ?? false }.count
    var probe = self
    probe.view = Viewpoint(at: view.at, asKnownAt: history.batchEnd(upTo: Int64(left)))
    return probe
  }
}

/// Answers to a probe, as lines of text by which they are compared byte by byte; the first word is the question.
struct Answers: Equatable {
  let lines: [[UInt8]]

  init(who: [Holder], during: [StretchHolder], what: [HeldRight]) {
    var texts = who.map { "who \($0.identity) \($0.status)" }
    texts += during.map {
      "during \($0.identity) allowed \($0.allowed) conditional \($0.conditional) unknown \($0.unknown)"
    }
    texts += what.map { held in
      "what \(String(decoding: held.right.exactKey, as: UTF8.self)) \(held.remainder.status)"
        + held.remainder.restrictedBy.map { ", \($0.text)" }.joined()
    }
    lines = texts.map { Array($0.utf8) }
  }

  /// Asked of the SQL functions.
  init(_ probe: SQLProbe, asKnownAt k: Int64, sql history: RelationHistory) throws {
    let (tenant, connection) = (history.name, history.connection)
    let view = Viewpoint(at: probe.view.at, asKnownAt: k)
    self.init(
      who: try SQLQuestions.who(
        tenant: tenant, action: probe.action, resource: probe.resource, from: view, on: connection),
      during: try SQLQuestions.who(
        tenant: tenant, action: probe.action, resource: probe.resource, during: probe.stretch, asKnownAt: k,
        on: connection),
      what: try SQLQuestions.what(tenant: tenant, identity: probe.identity, from: view, on: connection))
  }

  /// Asked of the graph.
  init(_ probe: SQLProbe, graph: AccessGraph) {
    let subject = WhoSubject.access(action: probe.action, resource: probe.resource)
    self.init(
      who: graph.who(subject, from: probe.view),
      during: graph.who(subject, during: probe.stretch, asKnownAt: probe.view.asKnownAt),
      what: graph.what(probe.identity, from: probe.view))
  }

  /// Asked of the naive fold, which gives rights in no order.
  init(_ probe: SQLProbe, naive: NaiveLog) {
    let subject = WhoSubject.access(action: probe.action, resource: probe.resource)
    let view = naive.view(probe.view)
    self.init(
      who: view.who(subject), during: naive.who(subject, during: probe.stretch, asKnownAt: probe.view.asKnownAt),
      what: view.what(probe.identity).sorted { $0.right < $1.right })
  }

  /// What these answers lack and have too many, compared with the expected ones; nil if nothing.
  func difference(from expected: Answers) -> String? {
    if self == expected { return nil }
    func text(_ lines: [[UInt8]]) -> String { lines.map { "\n    " + String(decoding: $0, as: UTF8.self) }.joined() }
    let missing = expected.lines.filter { !lines.contains($0) }
    let extra = lines.filter { !expected.lines.contains($0) }
    if missing.isEmpty, extra.isEmpty { return "another order:\(text(lines))" }
    return "missing:\(text(missing))\n  too many:\(text(extra))"
  }
}
