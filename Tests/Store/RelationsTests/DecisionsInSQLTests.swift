import AccessGraph
import Foundation
import Governance
import JSON
import Postgres
import Temporal
import TestSupport
import Testing

@testable import Relations

/// Decisions with denies, boundaries and conditions, by hand: an organisation, what happens to it, and who may then do what.
///
/// Each line of Cases/decisions/denials.ndjson is a scenario after the organisation of the first. Instants are hours of the
/// universe's grid, and stretches [from, to) of them; unless said otherwise it is asked who may repo.read on org/repo at the
/// ninth, or from the first until the twelfth, by all that is known. `unlearnt` is how many of the last events are not known.
@Suite struct DecisionsInSQLTests {
  @Test(arguments: try! DecisionCase.all("denials")) func `decides as it should`(_ scenario: DecisionCase) throws {
    let connection = try ScratchDatabase.connect()
    try RelationHistory.write(scenario.events, seed: 1, on: connection) { history in
      for ask in scenario.asks {
        let known = history.graph.position - (ask["unlearnt"]?.integerValue ?? 0)
        let (actual, expected) = try Self.answer(ask, knownAt: known, history)
        #expect(actual == expected, "\(scenario.name): \(ask.canonicalText)")
      }
    }
    #expect(!scenario.asks.isEmpty)
  }

  /// Most organisations have no conditions, denies and boundaries, and must not pay for them.
  @Test func `nothing is judged where there is nothing to judge`() throws {
    let cases = try DecisionCase.all("denials")
    let plain = try #require(cases.first { $0.name == "nobody is denied" })
    #expect(try functions(plain.asks, after: plain.withoutDeniers) == [])
    let denied = try #require(cases.first { $0.name == "a deny's condition is judged with the attributes of each bearer" })
    #expect(
      try functions(denied.asks, after: denied.events).isSuperset(of: ["condition_judgement", "denials", "denials_during"]))
    let restricted = try #require(cases.first { $0.name == "a deny of some resources restricts a right on all of them" })
    #expect(try functions(restricted.asks, after: restricted.events).isSuperset(of: ["restrictions", "reach_contains"]))
  }

  /// The functions for conditions and denies that the questions come to call; a reader asks, who must be allowed to.
  private func functions(_ asks: [JSONValue], after events: [Event]) throws -> Set<String> {
    let superuser = try ScratchDatabase.connectAsSuperuser()
    try superuser.execute("SET track_functions = 'pl'")
    return try RelationHistory.write(events, seed: 1, on: superuser) { history in
      try superuser.execute("SET LOCAL ROLE tenure_reader")
      for ask in asks {
        let (actual, expected) = try Self.answer(ask, knownAt: history.graph.position, history)
        #expect(actual == expected)
      }
      let rows = try superuser.query(
        """
        SELECT funcname::text FROM pg_stat_xact_user_functions WHERE schemaname = 'tenure' AND calls > 0
          AND (funcname LIKE 'condition%' OR funcname LIKE 'denials%' OR funcname IN ('attributes_at', 'restrictions')
            OR funcname LIKE 'pattern%' OR funcname LIKE 'reach%')
        """)
      return Set(try rows.map { try $0.string(0) })
    }
  }

  /// The answer of SQL, and that of the case, both as lines.
  private static func answer(
    _ ask: JSONValue, knownAt k: Int64, _ history: RelationHistory
  ) throws -> (actual: [String], expected: [String]) {
    let (tenant, connection) = (history.name, history.connection)
    let (action, resource) = (ask["action"]?.stringValue ?? "repo.read", ask["resource"]?.stringValue ?? "org/repo")
    let view = Viewpoint(at: Universe.instant(Int(ask["at"]?.integerValue ?? 9)), asKnownAt: k)
    if let expected = ask["who"]?.objectValue {
      let holders = try SQLQuestions.who(tenant: tenant, action: action, resource: resource, from: view, on: connection)
      return (
        holders.map { "\($0.identity) \($0.status)" },
        expected.map { "\($0.name) \($0.value.stringValue ?? "")" }.sorted()
      )
    }
    if let expected = ask["during"]?.objectValue {
      let slots = (Int(ask["from"]?.integerValue ?? 0), Int(ask["to"]?.integerValue ?? 12))
      let holders = try SQLQuestions.who(
        tenant: tenant, action: action, resource: resource,
        during: Interval(from: Universe.instant(slots.0), to: Universe.instant(slots.1)), asKnownAt: k, on: connection)
      let actual = holders.flatMap { holder in
        [("allowed", holder.allowed), ("conditional", holder.conditional), ("unknown", holder.unknown)].filter { !$1.isEmpty }
          .map { "\(holder.identity) \($0) \($1)" }
      }
      return (actual.sorted(), try expected.flatMap { try lines(of: $0.name, $0.value) }.sorted())
    }
    let identity = ask["identity"]?.stringValue ?? ""
    let actual = lines(of: try SQLQuestions.what(tenant: tenant, identity: identity, from: view, on: connection))
    #expect(lines(of: history.graph.what(identity, from: view)) == actual, "the graph against SQL")
    return (actual, (ask["what"]?.arrayValue ?? []).map(\.canonicalText))
  }

  /// Rights as `[ACTION, RESOURCE, SCOPE, [CONDITION, …], EFFECT, STATUS, [RESTRICTION, …]]`.
  private static func lines(of rights: [HeldRight]) -> [String] {
    rights.map { held in
      let right = held.right
      let row: [JSONValue] = [
        right.action.map { .string($0) } ?? .null, .string(right.resource), .string(right.scope), .array(right.conditions),
        .string(right.effect.rawValue), .string(held.remainder.status.rawValue),
        .array(held.remainder.restrictedBy.map { .string($0.text) }),
      ]
      return JSONValue.array(row).canonicalText
    }
  }

  private static func lines(of identity: String, _ statuses: JSONValue) throws -> [String] {
    try (statuses.objectValue ?? [:]).map { status in
      var held = IntervalSet()
      for stretch in status.value.arrayValue ?? [] {
        let from = try #require(stretch[0]?.integerValue)
        held.insert(
          Interval(from: Universe.instant(Int(from)), to: (stretch[1]?.integerValue).map { Universe.instant(Int($0)) }))
      }
      return "\(identity) \(status.name) \(held)"
    }
  }
}

/// One scenario.
struct DecisionCase: Sendable, CustomTestStringConvertible {
  let name: String
  let events: [Event]
  let asks: [JSONValue]

  var testDescription: String { name }

  /// The events without the roles that deny, which nobody may have been assigned.
  var withoutDeniers: [Event] {
    let left = events.filter { event in
      guard case .roleDefined(_, let document, _) = event.change else { return true }
      return document.permissions?.allSatisfy { $0.effect == .allow } ?? true
    }
    return left.enumerated().map { index, event in
      var event = event
      event.position = Int64(index) + 1
      return event
    }
  }

  static func all(_ file: String) throws -> [DecisionCase] {
    let url = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Cases/decisions/\(file).ndjson")
    let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").map {
      try JSONValue(parsing: Array($0.utf8))
    }
    let organisation = lines.first?["organisation"]?.arrayValue ?? []
    return try lines.dropFirst().map { line in
      DecisionCase(
        name: line["name"]?.stringValue ?? "",
        events: try (organisation + (line["events"]?.arrayValue ?? [])).enumerated().map { try event($1, at: Int64($0) + 1) },
        asks: line["asks"]?.arrayValue ?? [])
    }
  }

  /// An event from `{"at": 3, "identity.suspended": {"id": "ada"}}`; each is a batch of its own.
  private static func event(_ json: JSONValue, at position: Int64) throws -> Event {
    let member = try #require(json.objectValue?.first { $0.name != "at" })
    var reader = try FieldReader(member.value)
    let change = try Change(type: member.name, reading: &reader)
    try reader.finish()
    return Event(
      position: position, eventID: "e\(position)", effectiveAt: Universe.instant(Int(json["at"]?.integerValue ?? 0)),
      recordedAt: Universe.instant(20).adding(microseconds: position), source: "s1", basis: .observed,
      authority: Authority(reason: "test"), recordedBy: Recorder(id: "test", authentication: "local"), change: change)
  }
}
