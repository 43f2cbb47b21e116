import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// What becomes of a finding: raised once, resolved, opened again, accepted until an end.
@Suite struct FindingTests {
  /// A log on the naive world, one command a second.
  private struct Desk {
    var events: [Event] = []
    var now = Universe.instant(1)
    var world: NaiveWorld { NaiveWorld(events, asKnownAt: Int64(events.count)) }

    /// The types of the events that the command became.
    @discardableResult
    mutating func send(
      _ change: Change, mode: CommandMode = .governed, at instant: Instant? = nil, reason: String? = "because"
    ) throws(Refusal) -> [String] {
      now = now.adding(microseconds: 1_000_000)
      let context = DecisionContext(recordedAt: now, source: "test", mode: mode)
      let command = Command(change, effectiveAt: instant, authority: Authority(reason: reason))
      let drafts = try decide(command, in: context, world: world)
      events += RandomCommands.make(drafts, after: events.count, context)
      return drafts.map(\.change.type)
    }

    func standing(_ finding: Finding, at t: Instant? = nil) -> FindingStanding? { world.finding(finding.id, at: t ?? now) }
    func state(_ finding: Finding, at t: Instant? = nil) -> FindingState? { standing(finding, at: t)?.state }
  }

  private static func finding(_ seen: Int64 = 1, _ subject: Entity = .group("ops")) -> Finding {
    Finding(rule: "empty_group", subject: subject, evidence: ["seen": .integer(seen)])
  }

  private static func code(_ body: () throws -> Void) -> Refusal.Code? {
    do { try body() } catch let refusal as Refusal { return refusal.code } catch { return nil }
    return nil
  }

  @Test func `what is open and says the same is raised once; what says more is said anew under the same id`() throws {
    var desk = Desk()
    let finding = Self.finding()
    #expect(try desk.send(.findingRaised(finding)) == ["finding.raised"])
    let since = desk.now
    #expect(Self.code { try desk.send(.findingRaised(finding)) } == .noChange)
    #expect(try desk.send(.findingRaised(finding), mode: .observation).isEmpty)
    let more = Self.finding(2)
    #expect(more.id == finding.id)
    #expect(try desk.send(.findingRaised(more)) == ["finding.raised"])
    let standing = try #require(desk.standing(finding))
    #expect(standing.finding == more && standing.since == since && standing.raised == 2)
  }

  @Test func `a finding is resolved once, and raised again is the same one open`() throws {
    var desk = Desk()
    let finding = Self.finding()
    #expect(Self.code { try desk.send(.findingResolved(id: finding.id)) } == .notFound)
    try desk.send(.findingRaised(finding))
    #expect(Self.code { try desk.send(.findingResolved(id: finding.id), reason: nil) } == .reasonRequired)
    let open = desk.now
    #expect(Self.code { try desk.send(.findingResolved(id: finding.id), at: open) } == .malformed)
    try desk.send(.findingResolved(id: finding.id))
    #expect(desk.state(finding) == .resolved && desk.standing(finding)?.resolved?.position == 2)
    #expect(desk.state(finding, at: open) == .open)
    #expect(Self.code { try desk.send(.findingResolved(id: finding.id)) } == .notHeld)
    try desk.send(.findingRaised(finding))
    #expect(desk.state(finding) == .open && desk.standing(finding)?.since == desk.now)
  }

  @Test func `an acceptance is over at its end, outlives new evidence, and does not come back with the finding`() throws {
    var desk = Desk()
    let finding = Self.finding()
    try desk.send(.findingRaised(finding))
    let until = desk.now.adding(microseconds: 100_000_000)
    #expect(Self.code { try desk.send(.findingAccepted(id: finding.id, until: until), reason: nil) } == .reasonRequired)
    #expect(Self.code { try desk.send(.findingAccepted(id: finding.id, until: desk.now)) } == .malformed)
    let never = desk.now.adding(microseconds: (Limits.longestAcceptanceDays + 1) * 86_400_000_000)
    #expect(Self.code { try desk.send(.findingAccepted(id: finding.id, until: never)) } == .limitExceeded)
    try desk.send(.findingAccepted(id: finding.id, until: until))
    #expect(desk.standing(finding)?.acceptance == FindingStanding.Acceptance(position: 2, until: until))
    #expect(Self.code { try desk.send(.findingAccepted(id: finding.id, until: until)) } == .noChange)
    try desk.send(.findingRaised(Self.finding(2)))
    #expect(desk.state(finding) == .accepted)
    #expect(desk.state(finding, at: until.adding(microseconds: -1)) == .accepted)
    #expect(desk.state(finding, at: until) == .open)
    try desk.send(.findingResolved(id: finding.id))
    try desk.send(.findingRaised(finding))
    #expect(desk.now < until && desk.state(finding) == .open)
    #expect(Self.code { try desk.send(.findingAccepted(id: "empty_group:0", until: until)) } == .notFound)
  }

  @Test func `nothing that was said of a finding can be voided`() throws {
    var desk = Desk()
    let finding = Self.finding()
    try desk.send(.findingRaised(finding))
    try desk.send(.findingAccepted(id: finding.id, until: desk.now.adding(microseconds: 60_000_000)))
    try desk.send(.findingResolved(id: finding.id))
    for position in Int64(1)...3 {
      #expect(Self.code { try desk.send(.eventVoided(position: position)) } == .notVoidable, "\(position)")
    }
  }

  @Test func `it is for the owner of its subject to mend, as of when it was raised`() throws {
    var desk = Desk()
    for id in ["ada", "bob"] { try desk.send(.identityRegistered(id: id, kind: .person, attributes: [:])) }
    try desk.send(.groupCreated(id: "ops", attributes: ["owner": .open("ada")]))
    try desk.send(.roleDefined(id: "reader", document: RoleDocument(permissions: []), attributes: ["owner": .open("bob")]))
    let grant = Grant(principal: .group("ops"), role: "reader", scope: "*")
    try desk.send(.assignmentGranted(id: "a1", grant: grant))
    let found = [Self.finding(), Self.finding(1, Entity(.assignment, "a1")), Self.finding(1, .identity("ada"))]
    for finding in found { try desk.send(.findingRaised(finding)) }
    #expect(found.map { desk.standing($0)?.finding.owner } == ["ada", "bob", nil])
    // With another owner it says something else.
    try desk.send(.groupCreated(id: "ops", attributes: ["owner": .open("bob")]), mode: .observation)
    #expect(try desk.send(.findingRaised(Self.finding())) == ["finding.raised"])
    #expect(desk.standing(found[0])?.finding.owner == "bob")
  }

  @Test func `the id follows from rule, subject and what distinguishes them, and from nothing else`() throws {
    func id(_ rule: String, _ subject: Entity, _ evidence: JSONValue) -> String {
      Finding.id(rule: rule, subject: subject, evidence: evidence)
    }
    let base = id("separation_of_duties", .identity("ada"), ["policy": "p", "roles": ["a", "b"]])
    #expect(base.utf8.starts(with: "separation_of_duties:".utf8))
    #expect(base == id("separation_of_duties", .identity("ada"), ["policy": "p", "roles": ["c"]]))
    #expect(base != id("separation_of_duties", .identity("ada"), ["policy": "q", "roles": ["a", "b"]]))
    #expect(base != id("separation_of_duties", .identity("bob"), ["policy": "p", "roles": ["a", "b"]]))
    // Of a rule that is not this program's, all of the evidence distinguishes.
    #expect(id("theirs", .identity("ada"), ["n": 1]) != id("theirs", .identity("ada"), ["n": 2]))
    var desk = Desk()
    var forged = Self.finding()
    forged.id = "empty_group:1"
    #expect(Self.code { try desk.send(.findingRaised(forged)) } == .malformed)
    let long = String(repeating: "r", count: Limits.findingRuleBytes + 1)
    #expect(
      Self.code { try desk.send(.findingRaised(Finding(rule: long, subject: .group("g"), evidence: [:]))) } == .limitExceeded)
    #expect(Limits.problem(identifier: id(String(repeating: "r", count: Limits.identifierBytes), .group("g"), [:])) == nil)
  }

  @Test func `the table of rules names each once, and says why it matters`() {
    #expect(Set(FindingRule.all.map(\.name)).count == FindingRule.all.count)
    for rule in FindingRule.all {
      #expect(!rule.because.isEmpty && !rule.fix.isEmpty && rule.name.utf8.count <= Limits.findingRuleBytes, "\(rule.name)")
    }
  }
}
