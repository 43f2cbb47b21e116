import AccessGraph
import Governance
import Postgres
import Temporal
import TestSupport
import Testing

@testable import Relations

/// A return starts with nothing: what random histories seldom bring about, one case for each end of each kind of fact.
@Suite struct ReturnTests {
  /// Everything at the first instant of the grid: an account of a person, in a group in a group, with an assignment until
  /// the ninth, which the seventh extends; the assigned role includes another.
  private static let beginning: [(slot: Int, change: Change)] = {
    let grant = Grant(principal: .group("outer"), role: "upper", scope: "org", expiresAt: Universe.instant(9))
    let own = Grant(principal: .identity("account"), role: "upper", scope: "org/repo", expiresAt: Universe.instant(9))
    let upper = RoleDocument(permissions: [], includes: ["lower"])
    let changes: [Change] = [
      .identityRegistered(id: "person", kind: .person, attributes: [:]),
      .identityRegistered(id: "account", kind: .account, attributes: [:]),
      .groupCreated(id: "inner", attributes: [:]), .groupCreated(id: "outer", attributes: [:]), lower,
      .roleDefined(id: "upper", document: upper, attributes: [:]), .identityLinked(account: "account", person: "person"),
      .membershipAdded(group: "inner", member: .identity("account"), expiresAt: nil),
      .membershipAdded(group: "outer", member: .group("inner"), expiresAt: nil),
      .assignmentGranted(id: "through", grant: grant), .assignmentGranted(id: "own", grant: own),
    ]
    let extensions: [Change] = ["through", "own"].map { .assignmentExtended(id: $0, expiresAt: Universe.instant(12)) }
    return changes.map { (1, $0) } + extensions.map { (7, $0) }
  }()

  private static let reading = RoleDocument(permissions: [Permission(actions: ["repo.read"])])
  private static let lower = Change.roleDefined(id: "lower", document: reading, attributes: [:])

  /// What ends at the third instant and is back at the fifth.
  private static let returns: [(end: Change, begin: Change)] = [
    (.identityRetired(id: "person"), .identityRegistered(id: "person", kind: .person, attributes: [:])),
    (.identityRetired(id: "account"), .identityRegistered(id: "account", kind: .account, attributes: [:])),
    (.groupDeleted(id: "inner"), .groupCreated(id: "inner", attributes: [:])),
    (.groupDeleted(id: "outer"), .groupCreated(id: "outer", attributes: [:])),
    (.roleRetired(id: "upper"), .roleDefined(id: "upper", document: reading, attributes: [:])),
    (.roleRetired(id: "lower"), lower),
    (.identityUnlinked(account: "account"), .identityLinked(account: "account", person: "person")),
    (.identitySuspended(id: "account"), .identityResumed(id: "account")),
    (.identitySuspended(id: "person"), .identityResumed(id: "person")),
  ]

  /// What else happens to the account after its return, so that each of its facts is judged apart.
  private static let repairs: [[Change]] = [
    [], [.identityLinked(account: "account", person: "person")],
    [.membershipAdded(group: "inner", member: .identity("account"), expiresAt: nil)],
    [.membershipAdded(group: "outer", member: .group("inner"), expiresAt: nil)],
    [
      .identityLinked(account: "account", person: "person"),
      .membershipAdded(group: "inner", member: .identity("account"), expiresAt: nil),
      .membershipAdded(group: "outer", member: .group("inner"), expiresAt: nil),
    ],
  ]

  @Test(arguments: returns.indices) func `what ended and returned is judged in SQL as in the graph`(_ index: Int) throws {
    let connection = try ScratchDatabase.connect()
    for repair in Self.repairs {
      let (end, begin) = Self.returns[index]
      let changes = Self.beginning + [(3, end), (5, begin)] + repair.map { (6, $0) }
      let events = changes.enumerated().map { number, item in
        Event(
          position: Int64(number + 1), eventID: "e\(number + 1)", effectiveAt: Universe.instant(item.slot),
          recordedAt: Universe.instant(20), source: "s1", basis: .observed, authority: Authority(),
          recordedBy: Recorder(id: "test", authentication: "local"), change: item.change)
      }
      let answered = try RelationHistory.write(events, seed: UInt64(index), on: connection) { history in
        try Self.probes(knownAt: history.graph.position).reduce(into: 0) { answered, probe in
          let expected = Answers(probe, graph: history.graph)
          answered += expected.lines.count
          let actual = try Answers(probe, asKnownAt: probe.view.asKnownAt, sql: history)
          #expect(actual.difference(from: expected) == nil, "\(end) \(repair) \(probe)")
        }
      }
      #expect(answered > 0)
    }
  }

  /// Every identity and resource at every instant.
  private static func probes(knownAt k: Int64) -> [SQLProbe] {
    (1...13).flatMap { slot in
      [("person", "org"), ("account", "org/repo")].map { identity, resource in
        SQLProbe(
          view: Viewpoint(at: Universe.instant(slot), asKnownAt: k), stretch: Interval(from: Universe.instant(slot)),
          identity: identity, action: "repo.read", resource: resource)
      }
    }
  }
}
