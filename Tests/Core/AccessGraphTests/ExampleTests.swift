import AccessGraph
import Governance
import Temporal
import TestSupport
import Testing

/// Small histories worked out by hand, put to the naive fold and to the graph: they anchor the one as much as the other.
@Suite struct ExampleTests {
  static let reader = RoleDocument(permissions: [Permission(actions: ["repo.read"])])
  static let start: [(Int, Change)] = [
    (1, .identityRegistered(id: "ada", kind: .person, attributes: [:])),
    (1, .groupCreated(id: "eng", attributes: [:])),
    (1, .roleDefined(id: "reader", document: reader, attributes: [:])),
    (2, .membershipAdded(group: "eng", member: .identity("ada"), expiresAt: nil)),
    (2, .assignmentGranted(id: "a1", grant: Grant(principal: .group("eng"), role: "reader", scope: "org/repo"))),
  ]

  /// Who may read a resource at an hour, as `id status` with a star where without entitlement; both must say the same.
  private static func readers(
    _ events: [Event], of resource: String = "org/repo", at hour: Int, asKnownAt k: Int? = nil
  ) -> [String] {
    let view = Viewpoint(at: Universe.instant(hour), asKnownAt: Int64(k ?? events.count))
    let subject = WhoSubject.access(action: "repo.read", resource: resource)
    let graph = AccessGraph()
    for event in events { graph.apply(event) }
    graph.publish()
    func text(_ holders: [Holder]) -> [String] {
      holders.map { "\($0.identity) \($0.status)\($0.isWithoutEntitlement ? "*" : "")" }
    }
    let answer = text(graph.who(subject, from: view))
    #expect(text(NaiveLog(events).view(view).who(subject)) == answer)
    return answer
  }

  private static func log(_ more: [(hour: Int, due: Int?, change: Change)]) -> [Event] {
    (start.map { ($0.0, nil, $0.1) } + more).enumerated().map { index, item in
      Event(
        position: Int64(index) + 1, eventID: "e\(index + 1)", effectiveAt: Universe.instant(item.0),
        dueAt: item.1.map(Universe.instant), recordedAt: Universe.instant(index), source: "s1", basis: .observed,
        authority: Authority(), recordedBy: Recorder(id: "test", authentication: "local"), change: item.2)
    }
  }

  @Test func `access begins with its last link and is bounded by its scope`() {
    let events = Self.log([])
    #expect(Self.readers(events, at: 1) == [])
    #expect(Self.readers(events, at: 2) == ["ada allowed"])
    #expect(Self.readers(events, of: "org/repo/x", at: 2) == ["ada allowed"])
    #expect(Self.readers(events, of: "org/repository", at: 2) == [])
    #expect(Self.readers(events, of: "org", at: 2) == [])
    #expect(Self.readers(events, at: 2, asKnownAt: 4) == [])
  }

  @Test func `who was retired has nothing, as known before something else was recorded of the group`() {
    let events = Self.log([
      (4, nil, .identityRetired(id: "ada")),
      (1, nil, .membershipAdded(group: "eng", member: .identity("bob"), expiresAt: nil)),
    ])
    #expect(Self.readers(events, at: 6, asKnownAt: 6) == [])
    #expect(Self.readers(events, at: 3, asKnownAt: 6) == ["ada allowed"])
    #expect(Self.readers(events, at: 6, asKnownAt: 5) == ["ada allowed"])
  }

  @Test func `a return starts with nothing`() {
    let events = Self.log([(4, nil, .groupDeleted(id: "eng")), (5, nil, .groupCreated(id: "eng", attributes: [:]))])
    #expect(Self.readers(events, at: 3) == ["ada allowed"])
    #expect(Self.readers(events, at: 4) == [])
    #expect(Self.readers(events, at: 6) == [])
  }

  @Test func `a registration that is backdated lets nothing take hold that came before it`() {
    // Bob joined at the second hour, of whom nothing was known before the third.
    let bob = Entity.identity("bob")
    let events = Self.log([
      (2, nil, .membershipAdded(group: "eng", member: bob, expiresAt: nil)),
      (3, nil, .identityRegistered(id: "bob", kind: .person, attributes: [:])),
      (1, nil, .identityRegistered(id: "bob", kind: .person, attributes: [:])),
    ])
    #expect(Self.readers(events, at: 4, asKnownAt: 7) == ["ada allowed"])
    #expect(Self.readers(events, at: 4) == ["ada allowed", "bob allowed"])
  }

  @Test func `a loss that came late leaves access without entitlement`() {
    let removal = Change.membershipRemoved(group: "eng", member: .identity("ada"))
    let events = Self.log([(8, 5, removal)])
    #expect(Self.readers(events, at: 4) == ["ada allowed"])
    #expect(Self.readers(events, at: 5) == ["ada allowed*"])
    #expect(Self.readers(events, at: 5, asKnownAt: 5) == ["ada allowed"])
    #expect(Self.readers(events, at: 8) == [])
    let second = Grant(principal: .identity("ada"), role: "reader", scope: "*")
    let both = Self.log([(8, 5, removal), (3, nil, .assignmentGranted(id: "a2", grant: second))])
    #expect(Self.readers(both, at: 5) == ["ada allowed"])
  }

  @Test func `what is voided is gone from the voiding on, and known before`() {
    let events = Self.log([(9, nil, .eventVoided(position: 5))])
    #expect(Self.readers(events, at: 3) == [])
    #expect(Self.readers(events, at: 3, asKnownAt: 5) == ["ada allowed"])
  }

  @Test func `an assignment that has come to its end is not extended any more`() {
    let grant = Grant(principal: .identity("ada"), role: "reader", scope: "org2", expiresAt: Universe.instant(6))
    let granted = (2, Int?.none, Change.assignmentGranted(id: "a2", grant: grant))
    let extended = Change.assignmentExtended(id: "a2", expiresAt: Universe.instant(9))
    #expect(Self.readers(Self.log([granted]), of: "org2", at: 6) == [])
    #expect(Self.readers(Self.log([granted, (5, nil, extended)]), of: "org2", at: 8) == ["ada allowed"])
    #expect(Self.readers(Self.log([granted, (6, nil, extended)]), of: "org2", at: 8) == [])
  }

  @Test func `a person has what their active accounts have, and not the reverse`() {
    let events = Self.log([
      (2, nil, .identityRegistered(id: "bob", kind: .person, attributes: [:])),
      (3, nil, .identityLinked(account: "ada", person: "bob")), (5, nil, .identitySuspended(id: "ada")),
      (6, nil, .identityResumed(id: "ada")), (7, nil, .identitySuspended(id: "bob")),
    ])
    #expect(Self.readers(events, at: 2) == ["ada allowed"])
    #expect(Self.readers(events, at: 4) == ["ada allowed", "bob allowed"])
    #expect(Self.readers(events, at: 5) == [])
    #expect(Self.readers(events, at: 6) == ["ada allowed", "bob allowed"])
    #expect(Self.readers(events, at: 7) == ["ada allowed"])
  }

  @Test func `a condition makes it conditional, an unknown document unknown`() {
    let mfa = Universe.conditions[0]
    let conditional = Grant(principal: .identity("ada"), role: "reader", scope: "org2", condition: mfa)
    let unknown = Grant(principal: .identity("ada"), role: "dark", scope: "org3")
    let events = Self.log([
      (2, nil, .assignmentGranted(id: "a2", grant: conditional)),
      (2, nil, .roleDefined(id: "dark", document: RoleDocument(permissions: nil), attributes: [:])),
      (2, nil, .assignmentGranted(id: "a3", grant: unknown)),
    ])
    #expect(Self.readers(events, of: "org2", at: 3) == ["ada conditional"])
    #expect(Self.readers(events, of: "org3", at: 3) == ["ada unknown"])
  }
}
