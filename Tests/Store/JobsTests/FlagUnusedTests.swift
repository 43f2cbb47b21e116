import AccessGraph
import EventLog
import Governance
import JSON
import Temporal
import TestSupport
import Testing
import Usage

@testable import Jobs

/// What nobody uses, who does nothing, and what is used otherwise than it is given.
@Suite(.serialized) struct FlagUnusedTests {
  let place: Workplace

  init() throws {
    place = try Workplace()
    let dev = RoleDocument(permissions: [
      Permission(actions: ["repo.read", "repo.write"]), Permission(actions: ["repo.admin"], resources: ["org/x/*"]),
    ])
    let tenDays = PolicyDocument(
      type: .findings,
      rule: ["rules": ["unused_permission", "unused_role", "unused_assignment", "dormant_identity"], "days": 10])
    try place.submit(
      .sourceRegistered(id: "trail", attributes: ["delivers_usage": .open(true)]),
      .coverageBegan(source: "trail", resource: "org", expiresAt: nil),
      .roleDefined(id: "dev", document: dev, attributes: ["owner": .open("bob")]),
      .policyDefined(id: "windows", policy: tenDays, attributes: [:]), Self.assign("a1", "ada", "org/x"))
  }

  private static func assign(_ id: String, _ identity: String, _ scope: String, _ role: String = "dev") -> Change {
    .assignmentGranted(id: id, grant: Grant(principal: .identity(identity), role: role, scope: scope))
  }

  private func day(_ number: Int64) -> Instant { hour(number * 24) }

  /// Tells that somebody did something; by default that ada read something in org/x.
  private func use(
    _ id: String, _ at: Instant, _ action: String = "repo.read", by identity: String = "ada", on resource: String? = "org/x/1",
    session: String? = nil, from address: String? = nil, _ outcome: UsageOutcome = .allowed
  ) throws {
    let record = UsageRecord(
      id: id, at: at, identity: identity, action: action, resource: resource, session: session, address: address,
      outcome: outcome)
    _ = try UsageStore(place.tenant).record([record], source: "trail")
  }

  /// What is open of some rules after the job ran, as `rule subject what`.
  private func open(_ rules: String..., after job: Job) throws -> [String] {
    _ = try place.run(job)
    try place.tenant.catchUp()
    return try place.tenant.findings(
      FindingFilter(states: [.open]), at: place.tenant.now, asKnownAt: place.tenant.head.position, limit: 1_000
    ).map(\.finding).filter { rules.contains($0.rule) }.map { finding in
      let what = finding.evidence["permission"]?["actions"]?[0]?.stringValue ?? finding.evidence["action"]?.stringValue
      return ([finding.rule, finding.subject.description] + [what].compactMap { $0 }).joined(separator: " ")
    }.sorted()
  }

  private func unused() throws -> [String] { try open("unused_permission", after: .flagUnused) }

  private func finding(_ rule: String) throws -> Finding? {
    try place.tenant.findings(
      FindingFilter(rule: rule), at: place.tenant.now, asKnownAt: place.tenant.head.position, limit: 1
    ).first?.finding
  }

  @Test func `a pattern that nobody used for its window is found, with the smaller role and what would be lost`() throws {
    place.clock.now = day(5)
    try use("u1", day(5))
    #expect(try unused().isEmpty)
    place.clock.now = day(11)
    #expect(
      try unused() == ["unused_permission role:dev repo.admin", "unused_permission role:dev repo.write"])
    let found = try #require(
      try place.tenant.findings(
        FindingFilter(subject: .role("dev")), at: place.tenant.now, asKnownAt: place.tenant.head.position, limit: 9
      ).map(\.finding).first { $0.evidence["permission"]?["actions"] == ["repo.write"] })
    #expect(found.owner == "bob")
    #expect(found.evidence["last_used"] == .some(.null) && found.evidence["window_days"] == 10)
    #expect(found.evidence["would_lose"]?["entitlements"] == 1)
    #expect(found.evidence["would_lose"]?["lost"]?[0]?["identity"] == "ada")
    #expect(found.evidence["would_lose"]?["lost"]?[0]?["action"] == "repo.write")
    #expect(found.fix["type"] == "role.revise" && found.fix["permissions"]?[0]?["actions"] == ["repo.read"])
    #expect(found.fix["permissions"]?.arrayValue?.count == 2)
    // Nothing has been done.
    #expect(try place.tenant.read { $0.what("ada", from: .init(at: place.tenant.now, asKnownAt: $0.position)).count } == 3)
    place.clock.now = day(16)
    #expect(try unused().contains("unused_permission role:dev repo.read"))
    try use("u2", day(16), "repo.write")
    #expect(
      try unused() == ["unused_permission role:dev repo.admin", "unused_permission role:dev repo.read"])
    let events = try place.events().count
    #expect(try place.run(.flagUnused).counts["raised"] == 0)
    #expect(try place.events().count == events)
  }

  @Test func `time that coverage did not see does not count, and of what it never sees nothing is said`() throws {
    try place.submit(.coverageGap(source: "trail", resource: "org/x", until: day(4)), at: day(1))
    place.clock.now = day(12)
    #expect(try unused().isEmpty)
    place.clock.now = day(14)
    #expect(try unused().count == 3)
    // Somebody has the role where nobody looks: what is not seen of one is not known of the role.
    try place.submit(Self.assign("a2", "bob", "elsewhere"))
    // What lies in org/x only, he has not got.
    #expect(try unused() == ["unused_permission role:dev repo.admin"])
    #expect(try open("unused_assignment", "unused_role", after: .flagUnused) == ["unused_assignment assignment:a1"])
    // What the source says that it does not tell of.
    try place.submit(
      .assignmentRevoked(id: "a2"),
      .sourceRegistered(id: "trail", attributes: ["usage_unseen_actions": .open(["repo.re*"])]), at: day(0).next)
    #expect(try unused() == ["unused_permission role:dev repo.admin", "unused_permission role:dev repo.write"])
    #expect(try open("unused_assignment", after: .flagUnused).isEmpty)
    try place.submit(.coverageEnded(source: "trail", resource: "org"), at: hour(1))
    #expect(try unused().isEmpty)
  }

  @Test func `an assignment and a role of which nothing is used are found; one use of either is enough`() throws {
    try place.submit(Self.assign("a2", "bob", "org/y"))
    place.clock.now = day(11)
    let all = ["unused_assignment assignment:a1", "unused_assignment assignment:a2", "unused_role role:dev"]
    #expect(try open("unused_assignment", "unused_role", after: .flagUnused) == all)
    #expect(try finding("unused_assignment")?.fix["type"] == "assignment.revoke")
    // Late: it was used before the finding was raised.
    try use("u1", day(8))
    #expect(try open("unused_assignment", "unused_role", after: .flagUnused) == ["unused_assignment assignment:a2"])
    // By the wrong one, elsewhere, or in vain it is no use.
    try use("u2", day(11), by: "eve", on: "org/y/1")
    try use("u3", day(11), by: "bob", on: "org/x/1")
    try use("u4", day(11), by: "bob", on: "org/y/1", .denied)
    #expect(try open("unused_assignment", after: .flagUnused) == ["unused_assignment assignment:a2"])
    try use("u5", day(11), by: "bob", on: "org/y/1", .failed)
    #expect(try open("unused_assignment", after: .flagUnused).isEmpty)
  }

  @Test func `an identity that does nothing is dormant, unless it could do something unseen`() throws {
    try place.submit(Self.assign("a2", "bob", "org/y"), .identityRegistered(id: "bobs", kind: .account, attributes: [:]))
    place.clock.now = day(11)
    #expect(
      try open("dormant_identity", after: .flagDormant) == ["dormant_identity identity:ada", "dormant_identity identity:bob"])
    try place.submit(.identityLinked(account: "bobs", person: "bob"))
    // Refused he is there; and it was his account.
    try use("u1", day(10), "anything", by: "bobs", on: nil, .denied)
    #expect(try open("dormant_identity", after: .flagDormant) == ["dormant_identity identity:ada"])
    _ = try place.run(.rollUpUsage)
    #expect(try open("dormant_identity", after: .flagDormant) == ["dormant_identity identity:ada"])
    try place.submit(Self.assign("a3", "ada", "elsewhere"))
    #expect(try open("dormant_identity", after: .flagDormant).isEmpty)
    try place.submit(.assignmentRevoked(id: "a3"), .identitySuspended(id: "ada"))
    #expect(try open("dormant_identity", after: .flagDormant).isEmpty)
  }

  @Test func `use that nothing gives, a denial of what is given, and a session from several networks are found`() throws {
    place.clock.now = day(3)
    try use("u1", day(2), "repo.read")
    try use("u2", day(2), "repo.delete")
    try use("u3", day(2), "repo.write", .denied)
    try use("u4", day(2), "repo.steal", .denied)
    for (id, address) in [("1", "10.0.0.1"), ("2", "10.0.255.9"), ("3", "ec2.amazonaws.com")] {
      try use("s" + id, day(2), session: "one", from: address)
    }
    for (id, address) in [("4", "10.0.0.1"), ("5", "192.0.2.7"), ("6", "2001:db8::1"), ("7", "2001:db8:7::1")] {
      try use("s" + id, day(2), session: "two", from: address)
    }
    let all = ["denied_though_allowed", "session_from_several_networks", "use_without_path"]
    func flagged() throws -> [String] { try open(all[0], all[1], all[2], after: .flagUse) }
    #expect(
      try flagged() == [
        "denied_though_allowed identity:ada repo.write", "session_from_several_networks credential:two",
        "use_without_path identity:ada repo.delete",
      ])
    #expect(
      try finding("session_from_several_networks")?.evidence["networks"] == ["10.0.0.0/16", "192.0.0.0/16", "2001:db8::/32"])
    // Its path is learnt: what was used had one.
    try place.submit(
      .roleDefined(id: "cleaner", document: RoleDocument(permissions: [Permission(actions: ["repo.delete"])]), attributes: [:]),
      Self.assign("a9", "ada", "org", "cleaner"), at: day(1))
    #expect(try flagged().count == 2)
    place.clock.now = day(93)
    #expect(try flagged().isEmpty)
  }

  @Test func `a credential that works though its grant has ended is found until it is revoked`() throws {
    try place.submit(
      .credentialIssued(
        id: "key", CredentialDocument(kind: .key, identity: "bob", holder: "ada", grant: "a1"), attributes: [:]))
    #expect(try open("credential_outlives_grant", after: .flagBreaches).isEmpty)
    place.clock.now = day(2)
    try place.submit(.assignmentRevoked(id: "a1"))
    #expect(
      try open("credential_outlives_grant", after: .flagBreaches) == ["credential_outlives_grant credential:key"])
    #expect(try finding("credential_outlives_grant")?.evidence["grant_ended"]?["id"] == "a1")
    try place.submit(.credentialRevoked(id: "key"))
    #expect(try open("credential_outlives_grant", after: .flagBreaches).isEmpty)
  }

  @Test func `one who came yesterday to a group, or who left it, is not dormant for what the group had before`() throws {
    try place.submit(
      .groupCreated(id: "devs", attributes: [:]),
      .identityRegistered(id: "eve", kind: .person, attributes: [:]),
      .membershipAdded(group: "devs", member: .identity("bob"), expiresAt: nil), .assignmentRevoked(id: "a1"),
      .assignmentGranted(id: "a2", grant: Grant(principal: .group("devs"), role: "dev", scope: "org/x")))
    place.clock.now = day(11)
    try place.submit(.membershipAdded(group: "devs", member: .identity("eve"), expiresAt: nil))
    place.clock.now = day(12)
    #expect(try open("dormant_identity", after: .flagDormant) == ["dormant_identity identity:bob"])
    // Without access nobody is dormant, however long he had it.
    try place.submit(.membershipRemoved(group: "devs", member: .identity("bob")))
    #expect(try open("dormant_identity", after: .flagDormant).isEmpty)
    place.clock.now = day(21)
    #expect(try open("dormant_identity", after: .flagDormant) == ["dormant_identity identity:eve"])
  }

  @Test func `time counts only where all that somebody has was seen, not any of it`() throws {
    try place.submit(Self.assign("a2", "ada", "mail"))
    place.clock.now = day(11)
    #expect(try open("dormant_identity", after: .flagDormant).isEmpty)
    // Somebody begins to look at the rest: what was done there before, nobody knows.
    try place.submit(.coverageBegan(source: "trail", resource: "mail", expiresAt: nil))
    place.clock.now = day(12)
    #expect(try open("dormant_identity", after: .flagDormant).isEmpty)
    #expect(try unused() == ["unused_permission role:dev repo.admin"])
    place.clock.now = day(21)
    #expect(try open("dormant_identity", after: .flagDormant) == ["dormant_identity identity:ada"])
    #expect(try unused().count == 3)
  }

  @Test func `a pattern stays unused though another one beside it goes, or comes`() throws {
    place.clock.now = day(5)
    try use("u1", day(5))
    place.clock.now = day(11)
    #expect(try unused().count == 2)
    let smaller = RoleDocument(permissions: [
      Permission(actions: ["repo.read", "repo.fork"]), Permission(actions: ["repo.admin"], resources: ["org/x/*"]),
    ])
    try place.submit(.roleDefined(id: "dev", document: smaller, attributes: [:]))
    place.clock.now = day(12)
    #expect(try unused() == ["unused_permission role:dev repo.admin"])
    // What was used as part of the permission as it was is used still.
    #expect(try open("unused_assignment", after: .flagUnused).isEmpty)
    place.clock.now = day(16)
    #expect(try unused() == ["unused_permission role:dev repo.admin", "unused_permission role:dev repo.read"])
  }

  @Test func `a second network is seen behind any number of addresses of the first, however it is written`() throws {
    place.clock.now = day(3)
    let many = (0..<300).map { number in
      UsageRecord(
        id: "n\(number)", at: day(2), identity: "ada", action: "repo.read", resource: "org/x/1", session: "wide",
        address: "10.0.\(number / 250).\(number % 250)", outcome: .allowed)
    }
    _ = try UsageStore(place.tenant).record(many, source: "trail")
    try use("far", day(2), session: "wide", from: "99.1.2.3")
    try use("m1", day(2), session: "mapped", from: "::ffff:10.0.0.1")
    try use("m2", day(2), session: "mapped", from: "10.0.7.1")
    try use("m3", day(2), session: "mapped two", from: "::ffff:10.0.0.1")
    try use("m4", day(2), session: "mapped two", from: "::FFFF:192.0.2.1")
    try use("v1", day(2), session: "one v6", from: "2001:db8::1")
    try use("v2", day(2), session: "one v6", from: "2001:0DB8:0::2")
    try use("v3", day(2), session: "one v6", from: "2001:0db8:7:8:9:a:b:c")
    #expect(
      try open("session_from_several_networks", after: .flagUse)
        == ["session_from_several_networks credential:mapped two", "session_from_several_networks credential:wide"])
  }
}
