import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Ways to approve one's own request, to keep what has ended or to change unseen what a policy governs: each is refused or found.
@Suite struct RequestTrickTests {
  private static let ada = RequestProposal.membership(group: "vault", member: .identity("ada"))
  private static let inTheVault = Fact.membership(group: "vault", member: .identity("ada"))

  private static func grant(_ role: String, on scope: String, until end: Instant? = nil) -> Grant {
    Grant(principal: .identity("ada"), role: role, scope: scope, expiresAt: end)
  }

  private static func terms(for identity: String) -> RequestTerms {
    RequestDesk.terms(
      .assignment(principal: .identity(identity), role: "db-admin", scope: "prod", condition: nil), by: identity)
  }

  /// A desk with two approvals asked for and one more approver, eve.
  private static func desk(approvals: Int64 = 1, _ more: JSONObject = [:]) throws -> RequestDesk {
    var desk = try RequestDesk()
    try desk.tell(.identityRegistered(id: "eve", kind: .person, attributes: [:]))
    try desk.tell(.membershipAdded(group: "leads", member: .identity("eve"), expiresAt: nil))
    try desk.define("db", RequestDesk.rule(approvals: approvals, more))
    return desk
  }

  private func refused(_ body: () throws -> Void) throws -> Refusal? {
    do {
      try body()
      return nil
    } catch let refusal as Refusal {
      return refusal
    }
  }

  // MARK: Who approves

  @Test func `two approvers who turn out to be one person are one approval`() throws {
    var desk = try Self.desk(approvals: 3)
    try desk.tell(.identityRegistered(id: "phone", kind: .account, attributes: [:]))
    try desk.tell(.membershipAdded(group: "leads", member: .identity("phone"), expiresAt: nil))
    try desk.submit("r")
    for by in ["bob", "phone"] { try desk.step("r", .approved, by: by) }
    try desk.tell(.identityLinked(account: "phone", person: "bob"))
    try desk.step("r", .approved, by: "cy")
    #expect(desk.state("r") == .pending)
    #expect(desk.standing("r")?.progress.approvals.map(\.approver) == ["bob", "cy"])
  }

  @Test func `approvers whose ids differ only in their Unicode form are two`() throws {
    var desk = try Self.desk(approvals: 2)
    for id in ["caf\u{E9}", "cafe\u{301}"] {
      try desk.tell(.identityRegistered(id: id, kind: .person, attributes: [:]))
      try desk.tell(.membershipAdded(group: "leads", member: .identity(id), expiresAt: nil))
    }
    try desk.submit("r")
    for id in ["caf\u{E9}", "cafe\u{301}"] { try desk.step("r", .approved, by: id) }
    #expect(desk.state("r") == .active)
  }

  @Test func `a service called a person for a moment, or owned by several, does not approve for its owner`() throws {
    var desk = try Self.desk()
    try desk.submit("r")
    for kind in [IdentityKind.person, .service] {
      try desk.send(Command(.identityRegistered(id: "robot", kind: kind, attributes: [:]), expecting: .present))
    }
    #expect(try refused { try desk.step("r", .approved, by: "robot") }?.code == .notEntitled)
    try desk.tell(.identityRegistered(id: "shared", kind: .service, attributes: ["owner": .open(["dan", "ada"])]))
    try desk.tell(.membershipAdded(group: "leads", member: .identity("shared"), expiresAt: nil))
    #expect(try refused { try desk.step("r", .approved, by: "shared") }?.code == .notEntitled)
  }

  @Test func `who leaves the group that gains does not approve`() throws {
    var desk = try Self.desk()
    try desk.tell(.membershipAdded(group: "oncall", member: .identity("cy"), expiresAt: nil))
    try desk.submit(
      "r", RequestDesk.terms(.assignment(principal: .group("oncall"), role: "db-admin", scope: "prod", condition: nil)))
    try desk.tell(.membershipRemoved(group: "oncall", member: .identity("cy")))
    #expect(try refused { try desk.step("r", .approved, by: "cy") }?.code == .notEntitled)
  }

  @Test func `a group does not get what somebody in it is excepted from`() throws {
    var desk = try Self.desk()
    try desk.tell(.groupCreated(id: "night", attributes: [:]))
    try desk.define("db", RequestDesk.rule(approvals: 1, ["except": ["identity:dan", "group:night"]]))
    let terms = RequestDesk.terms(.assignment(principal: .group("oncall"), role: "db-admin", scope: "prod", condition: nil))
    let refusal = try refused { try desk.submit("r", terms) }
    #expect(refusal?.code == .notPermitted && refusal?.message.contains("identity:dan") == true)
    try desk.tell(.membershipRemoved(group: "oncall", member: .identity("dan")))
    try desk.submit("r", terms)
    // Excepted by another group, and in it only since.
    try desk.tell(.membershipAdded(group: "night", member: .identity("mallory"), expiresAt: nil))
    try desk.tell(.membershipAdded(group: "oncall", member: .identity("mallory"), expiresAt: nil))
    try desk.step("r", .approved, by: "bob")
    #expect(desk.state("r") == .failed && !desk.holds("r"))
  }

  @Test func `reciprocity is found of any approver, however long the other request had waited`() throws {
    for (approvals, wait) in [(2, Int64(0)), (1, 86_400 * 31)] {
      var desk = try Self.desk(approvals: Int64(approvals), ["decide_within_seconds": 8_640_000])
      try desk.tell(.membershipAdded(group: "oncall", member: .identity("bob"), expiresAt: nil))
      try desk.tell(.membershipAdded(group: "leads", member: .identity("dan"), expiresAt: nil), by: "cy")
      try desk.submit("one", Self.terms(for: "dan"))
      desk.wait(seconds: wait)
      for by in ["bob", "cy"].prefix(approvals) { try desk.step("one", .approved, by: by) }
      try desk.submit("two", Self.terms(for: "bob"))
      for by in ["dan", "eve"].prefix(approvals) { try desk.step("two", .approved, by: by) }
      #expect(desk.state("two") == .active && desk.findings == ["reciprocal_approval"], "\(approvals)")
    }
  }

  @Test func `what was approved under an easier policy is not claimed under a harder one`() throws {
    for easier: JSONObject in [[:], ["approves_itself": true], ["break_glass": true]] {
      var desk = try Self.desk(approvals: 1, easier)
      try desk.submit("r", RequestDesk.terms(start: .onClaim))
      if easier.isEmpty { try desk.step("r", .approved, by: "bob") }
      #expect(desk.state("r") == .approved)
      try desk.define("db", RequestDesk.rule(approvals: 2))
      try desk.step("r", .claimed, by: "ada")
      #expect(desk.state("r") == .failed && !desk.holds("r"), "\(easier)")
    }
  }

  @Test func `a revised request is no break-glass any more`() throws {
    var desk = try Self.desk(approvals: 1, ["break_glass": true])
    try desk.submit("r", RequestDesk.terms(start: .onClaim))
    try desk.define("db", RequestDesk.rule(approvals: 1))
    try desk.step("r", .revised, by: nil, RequestDesk.terms(seconds: 60))
    #expect(desk.standing("r")?.progress.isBreakGlass == false)
  }

  @Test func `an approval is not lost to another that was on its way at the same instant`() throws {
    var desk = try Self.desk(approvals: 2)
    try desk.submit("r")
    // What cy's approval rests on is looked up before bob's is recorded, and so without it.
    let looked = desk.witness("r", "cy")
    try desk.step("r", .approved, by: "bob")
    var late = Command(.request(id: "r", .approved, by: "cy", nil))
    late.witness = looked
    #expect(try refused { try desk.send(late) }?.code == .changedMeanwhile)
    #expect(desk.standing("r")?.progress.approvals.map(\.approver) == ["bob"])
    try desk.step("r", .approved, by: "cy")
    #expect(desk.state("r") == .active)
  }

  // MARK: What ends

  @Test func `the end of a request's membership cannot be voided, also once no policy governs it`() throws {
    var desk = try Self.desk()
    try desk.submit("m", RequestDesk.terms(Self.ada))
    try desk.step("m", .approved, by: "bob")
    try desk.step("m", .ended, by: "ada")
    let removed = Int64(desk.events.count)
    try desk.define("db", RequestDesk.rule(approvals: 1, ["groups": []]))
    #expect(
      try refused { try desk.tell(.eventVoided(position: removed), isUnapproved: true, reason: "no") }?.code == .notVoidable)
  }

  @Test func `an assignment that has only its id in common with a request can be given back`() throws {
    var desk = try Self.desk()
    try desk.tell(.assignmentGranted(id: "m", grant: Self.grant("reader", on: "*")))
    try desk.submit("m", RequestDesk.terms(Self.ada))
    try desk.step("m", .approved, by: "bob")
    try desk.step("m", .ended, by: "ada")
    try desk.tell(.assignmentRevoked(id: "m"))
    try desk.tell(.eventVoided(position: Int64(desk.events.count)), reason: "by mistake")
    #expect(desk.holds("m"))
  }

  @Test func `ending a request leaves alone the same membership held otherwise, before it and after it`() throws {
    var before = try Self.desk()
    let tomorrow = before.now.adding(microseconds: 86_400 * RequestDesk.second)
    try before.submit("m", RequestDesk.terms(Self.ada, start: .at(tomorrow)))
    try before.step("m", .approved, by: "bob")
    let direct = Change.membershipAdded(group: "vault", member: .identity("ada"), expiresAt: nil)
    try before.tell(direct, isUnapproved: true, reason: "now")
    // What is held otherwise has no end: the request has nothing to give any more, and nothing to end.
    #expect(before.state("m") == .ended)
    #expect(try refused { try before.step("m", .ended, by: "ada") }?.code == .wrongState)
    for days: Int64 in [0, 1, 2] {
      let t = before.now.adding(microseconds: days * 86_400 * RequestDesk.second)
      #expect(before.world.value(of: Self.inTheVault, at: t) != nil)
    }
    var after = try Self.desk()
    try after.submit("m", RequestDesk.terms(Self.ada))
    try after.step("m", .approved, by: "bob")
    var ahead = Command(direct, effectiveAt: tomorrow, authority: Authority(reason: "joins then"))
    ahead.isUnapproved = true
    try after.send(ahead)
    try after.step("m", .ended, by: "ada")
    #expect(after.world.value(of: Self.inTheVault, at: after.now) == nil)
    #expect(after.world.value(of: Self.inTheVault, at: tomorrow) != nil)
  }

  @Test func `a membership observed at the instant of a grant is not the request's`() throws {
    var desk = try Self.desk()
    try desk.submit("m", RequestDesk.terms(Self.ada))
    let at = desk.now
    try desk.step("m", .approved, by: "bob")
    try desk.send(
      Command(.membershipAdded(group: "vault", member: .identity("ada"), expiresAt: nil), effectiveAt: at), mode: .observation)
    #expect(desk.state("m") == .ended)
  }

  @Test func `renewals dated ahead do not add up beyond the longest life`() throws {
    var desk = try Self.desk()
    try desk.define("short", ["roles": ["reader"], "longest_seconds": 86_400], as: .lifetime)
    let end = desk.now.adding(microseconds: 86_000 * RequestDesk.second)
    try desk.tell(.assignmentGranted(id: "a", grant: Self.grant("reader", on: "*", until: end)))
    let renewal = Change.assignmentExtended(id: "a", expiresAt: end.adding(microseconds: 80_000 * RequestDesk.second))
    let ahead = Command(renewal, effectiveAt: end.adding(microseconds: -RequestDesk.second))
    #expect(try refused { try desk.send(ahead) }?.code == .tooLong)
  }

  // MARK: What is changed directly

  @Test func `a wider scope, and a role that includes it, is what the policy governs`() throws {
    var desk = try Self.desk()
    try desk.tell(
      .roleDefined(id: "chief", document: RoleDocument(permissions: [], includes: ["db-admin"]), attributes: [:]))
    for (id, role, scope) in [("a", "db-admin", "*"), ("b", "chief", "prod"), ("c", "chief", "*")] {
      let change = Change.assignmentGranted(id: id, grant: Self.grant(role, on: scope))
      #expect(try refused { try desk.tell(change) }?.code == .approvalRequired, "\(id)")
      try desk.tell(change, isUnapproved: true, reason: "no time")
    }
    #expect(desk.findings.count == 3)
    try desk.tell(.assignmentGranted(id: "d", grant: Self.grant("chief", on: "test")))
    #expect(desk.findings.count == 3)
  }

  @Test func `a role or policy whose revisions are governed is retired, and its versions are voided, only as unapproved`()
    throws
  {
    var desk = try Self.desk()
    let guardian = RequestDesk.rule(
      approvals: 1, ["roles": ["payer"], "groups": [], "revisions": ["policy:db", "role:reader"]])
    try desk.define("guardian", guardian)
    let defined = try #require(desk.events.first { $0.change.type == "policy.defined" })
    for change in [Change.policyRetired(id: "db"), .roleRetired(id: "reader"), .eventVoided(position: defined.position)] {
      #expect(try refused { try desk.tell(change, reason: "tidy") }?.code == .approvalRequired, "\(change)")
      var other = desk
      try other.tell(change, isUnapproved: true, reason: "tidy")
      #expect(other.findings == ["unapproved_change"], "\(change)")
    }
  }

  @Test func `a retirement that is voided gives nothing back unseen`() throws {
    for retirement in [Change.identityRetired(id: "ada"), .roleRetired(id: "db-admin")] {
      var desk = try Self.desk()
      try desk.submit("r")
      try desk.step("r", .approved, by: "bob")
      try desk.tell(retirement)
      let position = Int64(desk.events.count)
      #expect(desk.state("r") == .ended)
      #expect(try refused { try desk.tell(.eventVoided(position: position), reason: "no") }?.code == .approvalRequired)
      try desk.tell(.eventVoided(position: position), isUnapproved: true, reason: "by mistake")
      #expect(desk.findings == ["unapproved_change"])
    }
  }

  @Test func `voiding a shorter membership gives nothing back unseen`() throws {
    var desk = try Self.desk()
    for end in [nil, desk.now.adding(microseconds: 60 * RequestDesk.second)] {
      let change = Change.membershipAdded(group: "vault", member: .identity("ada"), expiresAt: end)
      try desk.tell(change, isUnapproved: true, reason: "x")
    }
    let shorter = try #require(desk.events.last { $0.change.type == "membership.added" })
    #expect(try refused { try desk.tell(.eventVoided(position: shorter.position), reason: "no") }?.code == .approvalRequired)
  }

  @Test func `a proposal leaves room in an event for the steps that follow`() throws {
    var desk = try Self.desk()
    let action = String(repeating: "x", count: 500)
    let long = RoleDocument(permissions: (0..<1_200).map { Permission(actions: ["\(action)\($0)"]) })
    let refusal = try refused { try desk.submit("r", RequestDesk.terms(.role(id: "reader", long), seconds: nil)) }
    #expect(refusal?.code == .limitExceeded && refusal?.pointer == "/proposal")
  }

  @Test func `a failure whose reason is longer than an event may say is recorded, shortened`() throws {
    var desk = try Self.desk()
    let ids = (0..<20).map { "\($0)" + String(repeating: "c", count: 500) }
    for (index, id) in ids.enumerated() {
      let document = RoleDocument(permissions: [], includes: index == 0 ? [] : [ids[index - 1]])
      try desk.tell(.roleDefined(id: id, document: document, attributes: [:]))
    }
    try desk.define("db", RequestDesk.rule(approvals: 1, ["revisions": [.string("role:" + ids[0])]]))
    try desk.submit("r", RequestDesk.terms(.role(id: ids[0], RoleDocument(permissions: [], includes: [ids[19]])), seconds: nil))
    try desk.step("r", .approved, by: "bob")
    #expect(desk.state("r") == .failed)
    let failure = try #require(desk.standing("r")?.progress.failure)
    #expect(failure.code == "cycle" && failure.message.utf8.count <= Limits.reasonBytes && failure.message.hasSuffix("…"))
  }

  @Test func `an account that was ever linked stays one's own, though the link be voided or the unlinking backdated`() throws {
    var voided = try Self.desk()
    let link = try #require(voided.events.first { $0.change.type == "identity.linked" })
    try voided.submit("r")
    try voided.tell(.eventVoided(position: link.position), reason: "it never was hers")
    #expect(try refused { try voided.step("r", .approved, by: "ada@laptop") }?.code == .notEntitled)
    // Whose account it never was, as is said now, may not act for her either.
    #expect(try refused { try voided.step("r", .withdrawn, by: "ada@laptop") }?.code == .notEntitled)
    var backdated = try Self.desk()
    try backdated.submit("r")
    try backdated.send(
      Command(
        .identityUnlinked(account: "ada@laptop"), effectiveAt: link.effectiveAt.next,
        authority: Authority(reason: "it never was hers")))
    #expect(try refused { try backdated.step("r", .approved, by: "ada@laptop") }?.code == .notEntitled)
  }
}
