import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Access requests: a grant is asked for, approved and ends; what fails elsewhere is impossible or visible here.
///
/// Numbers of threads are those of field.md, section 2.
@Suite struct RequestTests {
  @Test func `an approval grants, with the approval as its authority, for as long as was asked from the approval on`() throws {
    var desk = try RequestDesk()
    try desk.submit("r", reason: "disk full", ticket: Ticket(system: "jira", key: "OPS-1"))
    #expect(desk.state("r") == .pending)
    // Thread 35: the clock starts at the approval, not at the request.
    desk.wait(seconds: 1_000)
    let approved = desk.now
    try desk.step("r", .approved, by: "bob")
    let grant = try #require(desk.events.last)
    guard case .assignmentGranted("r", let value) = grant.change else { Issue.record("\(grant.change)"); return }
    #expect(value.expiresAt == approved.adding(microseconds: 3_600 * RequestDesk.second))
    #expect(grant.authority.authorisedBy == Approval(approver: "bob", at: approved, reference: "request:r", verified: true))
    #expect(grant.authority.reason == "disk full" && grant.authority.ticket?.key == "OPS-1")
    // One atomic batch: approval, assignment.
    #expect(Set(desk.events.suffix(2).map(\.recordedAt)) == [approved])
    let end = try #require(value.expiresAt)
    #expect(desk.holds("r", at: end.adding(microseconds: -1)) && !desk.holds("r", at: end))
    // Thread 33: one expiry, and it is the assignment's.
    #expect(desk.standing("r")?.progress.expiresAt == end)
    desk.now = end
    #expect(desk.state("r") == .ended)
  }

  @Test func `ending a request ends what it granted, whatever became of the identity`() throws {
    // Threads 27, 30 and 31: what is said to be ended has ended.
    for standing in ["active", "suspended"] {
      var desk = try RequestDesk()
      try desk.submit("r")
      try desk.step("r", .approved, by: "bob")
      if standing == "suspended" { try desk.tell(.identitySuspended(id: "ada")) }
      #expect(desk.holds("r"))
      try desk.step("r", .ended, by: "mallory")
      #expect(!desk.holds("r") && desk.state("r") == .ended)
      // Whoever ended it, and not whoever asked for it, took it away.
      #expect(desk.events.last?.change == .assignmentRevoked(id: "r"))
      #expect(desk.events.last?.authority.actor?.id == "mallory")
    }
    var desk = try RequestDesk()
    try desk.submit("r")
    try desk.step("r", .approved, by: "bob")
    try desk.tell(.identityRetired(id: "ada"))
    #expect(!desk.holds("r") && desk.state("r") == .ended)
    // A return begins with nothing.
    try desk.tell(.identityRegistered(id: "ada", kind: .person, attributes: [:]))
    #expect(!desk.holds("r") && desk.state("r") == .ended)
  }

  @Test func `a direct revocation ends the request too, and wins over expiry and extension`() throws {
    var desk = try RequestDesk()
    try desk.submit("r")
    try desk.step("r", .approved, by: "bob")
    try desk.submit("x", RequestDesk.terms(.assignmentExtension(assignment: "r"), seconds: 7_200))
    // Dated ahead: it ends there, though an extension comes later.
    let cut = desk.now.adding(microseconds: 600 * RequestDesk.second)
    try desk.send(Command(.assignmentRevoked(id: "r"), effectiveAt: cut))
    try desk.step("x", .approved, by: "bob")
    #expect(desk.holds("r", at: cut.adding(microseconds: -1)) && !desk.holds("r", at: cut))
    desk.now = cut
    #expect(desk.state("r") == .ended)
    try desk.submit(
      "y", RequestDesk.terms(.assignment(principal: .identity("ada"), role: "db-admin", scope: "prod", condition: nil)))
    try desk.step("y", .approved, by: "bob")
    try desk.submit("z", RequestDesk.terms(.assignmentExtension(assignment: "y"), seconds: 7_200))
    try desk.tell(.assignmentRevoked(id: "y"))
    try desk.step("z", .approved, by: "bob")
    #expect(desk.state("z") == .failed && !desk.holds("y"))
  }

  @Test func `an extension is asked for before the end, and moves only this end`() throws {
    // Thread 38; overlapping grants of one role end each on its own.
    var desk = try RequestDesk()
    for id in ["r", "s"] {
      try desk.submit(id)
      try desk.step(id, .approved, by: "bob")
    }
    let end = try #require(desk.standing("s")?.progress.expiresAt)
    desk.wait(seconds: 3_000)
    try desk.submit("x", RequestDesk.terms(.assignmentExtension(assignment: "r"), seconds: 7_200))
    try desk.step("x", .approved, by: "cy")
    #expect(desk.state("x") == .applied)
    // Thread 33: the request and its assignment say one end.
    #expect(desk.standing("r")?.progress.expiresAt == desk.world.value(of: .assignment(id: "r"), at: desk.now)?.expiresAt)
    #expect(desk.holds("r", at: end) && !desk.holds("s", at: end))
    #expect(desk.state("r") == .active)
    desk.now = end
    #expect(desk.state("s") == .ended && desk.state("r") == .active)
    let refusal = try refused { try desk.submit("late", RequestDesk.terms(.assignmentExtension(assignment: "s"), seconds: 60)) }
    #expect(refusal?.code == .notHeld)
  }

  @Test func `claim window, work window and start are three things`() throws {
    // Threads 36 and 37.
    var desk = try RequestDesk()
    try desk.submit("c", RequestDesk.terms(start: .onClaim))
    try desk.step("c", .approved, by: "bob")
    #expect(desk.state("c") == .approved && !desk.holds("c"))
    #expect(try refused { try desk.step("c", .claimed, by: "bob") }?.code == .notEntitled)
    desk.wait(seconds: 599)
    let claimed = desk.now
    try desk.step("c", .claimed, by: "ada")
    #expect(desk.state("c") == .active)
    #expect(desk.standing("c")?.progress.expiresAt == claimed.adding(microseconds: 3_600 * RequestDesk.second))

    try desk.submit("late", RequestDesk.terms(start: .onClaim))
    try desk.step("late", .approved, by: "bob")
    desk.wait(seconds: 600)
    #expect(desk.state("late") == .lapsed)
    #expect(try refused { try desk.step("late", .claimed, by: "ada") }?.code == .wrongState)

    let start = desk.now.adding(microseconds: 1_800 * RequestDesk.second)
    for (id, delay) in [("early", Int64(0)), ("after", 2_000)] {
      var other = desk
      try other.submit(id, RequestDesk.terms(start: .at(start)))
      other.wait(seconds: delay)
      let begin = max(start, other.now)
      try other.step(id, .approved, by: "bob")
      let end = start.adding(microseconds: 3_600 * RequestDesk.second)
      #expect(!other.holds(id, at: begin.adding(microseconds: -1)) && other.holds(id, at: begin))
      #expect(other.holds(id, at: end.adding(microseconds: -1)) && !other.holds(id, at: end))
    }
  }

  @Test func `nobody approves what is their own, by any account or service, nor twice`() throws {
    var desk = try RequestDesk()
    try desk.define("db", RequestDesk.rule(approvals: 2))
    try desk.submit("r")
    for (by, code) in [
      ("ada", Refusal.Code.notEntitled), ("ada@laptop", .notEntitled), ("robot", .notEntitled), ("mallory", .notEntitled),
      ("nobody", .notEntitled),
    ] {
      #expect(try refused { try desk.step("r", .approved, by: by) }?.code == code, "\(by)")
    }
    // Unlinked or given away since, it still was theirs.
    try desk.tell(.identityUnlinked(account: "ada@laptop"))
    #expect(try refused { try desk.step("r", .approved, by: "ada@laptop") }?.code == .notEntitled)
    try desk.step("r", .approved, by: "bob")
    #expect(desk.state("r") == .pending)
    #expect(try refused { try desk.step("r", .approved, by: "bob") }?.code == .noChange)
    // An account of bob's is bob.
    try desk.tell(.identityRegistered(id: "bob@phone", kind: .account, attributes: [:]))
    try desk.tell(.identityLinked(account: "bob@phone", person: "bob"))
    try desk.tell(.membershipAdded(group: "leads", member: .identity("bob@phone"), expiresAt: nil))
    #expect(try refused { try desk.step("r", .approved, by: "bob@phone") }?.code == .noChange)
    try desk.step("r", .approved, by: "cy")
    #expect(desk.state("r") == .active)
  }

  @Test func `who gains may not approve either: not a member of the group, not for somebody else`() throws {
    var desk = try RequestDesk()
    try desk.tell(.membershipAdded(group: "oncall", member: .identity("cy"), expiresAt: nil))
    try desk.submit(
      "r", RequestDesk.terms(.assignment(principal: .group("oncall"), role: "db-admin", scope: "prod", condition: nil)))
    #expect(try refused { try desk.step("r", .approved, by: "cy") }?.code == .notEntitled)
    try desk.step("r", .approved, by: "bob")
    #expect(desk.holds("r"))
    try desk.submit(
      "s", RequestDesk.terms(.assignment(principal: .identity("cy"), role: "db-admin", scope: "prod/a", condition: nil)))
    #expect(try refused { try desk.step("s", .approved, by: "cy") }?.code == .notEntitled)
  }

  @Test func `whom the requester made an approver may not approve, by a membership or by the policy, also backdated`() throws {
    var desk = try RequestDesk()
    // As it was in a year long past.
    desk.wait(seconds: 86_400 * 365)
    var lured = desk
    try lured.tell(.membershipAdded(group: "leads", member: .identity("dan"), expiresAt: nil), by: "ada")
    try lured.submit("r")
    #expect(try refused { try lured.step("r", .approved, by: "dan") }?.code == .notEntitled)
    #expect(try refused { try lured.step("r", .approved, by: "dan") }?.message.contains("was made an approver") == true)
    try lured.step("r", .approved, by: "bob")

    var backdated = desk
    try backdated.send(
      Command(
        .membershipAdded(group: "leads", member: .identity("dan"), expiresAt: nil), effectiveAt: Universe.instant(1),
        authority: Authority(actor: Actor(id: "ada@laptop"), reason: "forgotten")))
    try backdated.submit("r")
    #expect(try refused { try backdated.step("r", .approved, by: "dan") }?.code == .notEntitled)

    var named = desk
    try named.define("db", RequestDesk.rule(approvals: 1, ["approvers": ["group:leads", "identity:dan"]]), by: "ada")
    try named.submit("r")
    #expect(try refused { try named.step("r", .approved, by: "dan") }?.code == .notEntitled)
    // Bob was an approver before, whoever wrote the last version.
    try named.step("r", .approved, by: "bob")
    // Once it is long ago, it is forgotten.
    var later = lured
    later.wait(seconds: 86_400 * 31)
    try later.submit("q")
    try later.step("q", .approved, by: "dan")
    #expect(later.state("q") == .active)
    // And somebody else may make approvers at any time.
    try desk.tell(.membershipAdded(group: "leads", member: .identity("dan"), expiresAt: nil), by: "bob")
    try desk.submit("r")
    try desk.step("r", .approved, by: "dan")
    #expect(desk.state("r") == .active)
  }

  @Test func `an approval without a look at who made the approver is refused, not trusted`() throws {
    var desk = try RequestDesk()
    try desk.submit("r")
    let refusal = try refused { try desk.send(Command(.request(id: "r", .approved, by: "bob", nil))) }
    #expect(refusal?.code == .changedMeanwhile)
  }

  @Test func `a request that nobody could approve is refused when it is submitted`() throws {
    var desk = try RequestDesk()
    try desk.define("db", RequestDesk.rule(approvals: 3))
    #expect(try refused { try desk.submit("r") }?.code == .notPermitted)
    try desk.define("db", RequestDesk.rule(approvals: 1, ["approvers": ["identity:ada@laptop", "identity:robot"]]))
    #expect(try refused { try desk.submit("r") }?.code == .notPermitted)
  }

  @Test func `what the policy does not let anybody ask for is refused with its reason`() throws {
    var desk = try RequestDesk()
    try desk.define(
      "db",
      RequestDesk.rule(
        approvals: 1,
        [
          "requires": [
            "reason": true, "ticket": ["system": "jira", "key": "OPS-*"], "condition": ["Bool": ["request.mfa": ["true"]]],
          ]
        ]))
    let ada = Entity.identity("ada")
    func asks(_ role: String, _ scope: String, for principal: Entity = ada) -> RequestProposal {
      .assignment(principal: principal, role: role, scope: scope, condition: nil)
    }
    let mfa: JSONObject = ["mfa": true]
    let rows: [(RequestTerms, String?, String?, String)] = [
      (RequestDesk.terms(asks("payer", "prod"), context: mfa), "why", "OPS-1", "/proposal"),
      (RequestDesk.terms(asks("db-admin", "test"), context: mfa), "why", "OPS-1", "/proposal"),
      (RequestDesk.terms(asks("db-admin", "production"), context: mfa), "why", "OPS-1", "/proposal"),
      (RequestDesk.terms(asks("db-admin", "*"), context: mfa), "why", "OPS-1", "/proposal"),
      (RequestDesk.terms(asks("db-admin", "prod", for: .identity("mallory")), context: mfa), "why", "OPS-1", "/proposal"),
      (RequestDesk.terms(by: "mallory", context: mfa), "why", "OPS-1", "/requester"),
      (RequestDesk.terms(under: "none", context: mfa), "why", "OPS-1", "/policy"),
      (RequestDesk.terms(seconds: 28_801, context: mfa), "why", "OPS-1", "/duration_seconds"),
      (RequestDesk.terms(seconds: 0, context: mfa), "why", "OPS-1", "/duration_seconds"),
      (RequestDesk.terms(seconds: nil, context: mfa), "why", "OPS-1", "/duration_seconds"),
      (RequestDesk.terms(context: mfa), nil, "OPS-1", "/reason"), (RequestDesk.terms(context: mfa), "why", nil, "/ticket"),
      (RequestDesk.terms(context: mfa), "why", "DEV-1", "/ticket"), (RequestDesk.terms(), "why", "OPS-1", "/context"),
      (RequestDesk.terms(context: ["mfa": false]), "why", "OPS-1", "/context"),
      (RequestDesk.terms(context: ["colour": "red"]), "why", "OPS-1", "/context/colour"),
      (RequestDesk.terms(start: .at(Universe.instant(0)), context: mfa), "why", "OPS-1", "/start"),
      (RequestDesk.terms(start: .at(Universe.instant(24 * 32)), context: mfa), "why", "OPS-1", "/start"),
    ]
    for (terms, reason, key, pointer) in rows {
      let ticket = key.map { Ticket(system: "jira", key: $0) }
      #expect(try refused { try desk.submit("r", terms, reason: reason, ticket: ticket) }?.pointer == pointer, "\(terms)")
    }
    try desk.submit("r", RequestDesk.terms(context: mfa), reason: "why", ticket: Ticket(system: "jira", key: "OPS-1"))
  }

  @Test func `of several policies the one that is asked under is the bound`() throws {
    // Thread 34: with several roles or policies the wrong bound was picked.
    var desk = try RequestDesk()
    try desk.define("long", RequestDesk.rule(approvals: 1, ["longest_seconds": 28_800]))
    try desk.define("short", RequestDesk.rule(approvals: 1, ["longest_seconds": 60]))
    #expect(try refused { try desk.submit("r", RequestDesk.terms(under: "short", seconds: 61)) }?.code == .notPermitted)
    try desk.submit("r", RequestDesk.terms(under: "short", seconds: 60))
    try desk.submit("s", RequestDesk.terms(under: "long", seconds: 28_800))
    for (id, seconds) in [("r", Int64(60)), ("s", 28_800)] {
      let now = desk.now
      try desk.step(id, .approved, by: "bob")
      #expect(desk.standing(id)?.progress.expiresAt == now.adding(microseconds: seconds * RequestDesk.second))
    }
  }

  @Test func `what has not begun, what holds and what has ended are told apart`() throws {
    // Thread 43: elsewhere an expired policy cannot be told from one that is not active yet.
    var desk = try RequestDesk()
    let start = desk.now.adding(microseconds: 600 * RequestDesk.second)
    try desk.submit("r", RequestDesk.terms(seconds: 60, start: .at(start)))
    try desk.step("r", .approved, by: "bob")
    let standing = try #require(desk.standing("r"))
    #expect(standing.state == .active && !desk.holds("r"))
    #expect(standing.progress.begunAt == start)
    desk.now = start
    #expect(desk.state("r") == .active && desk.holds("r"))
    desk.wait(seconds: 60)
    #expect(desk.state("r") == .ended && !desk.holds("r"))
  }

  @Test func `a changed request voids its approvals`() throws {
    var desk = try RequestDesk()
    try desk.define("db", RequestDesk.rule(approvals: 2))
    try desk.submit("r")
    try desk.step("r", .approved, by: "bob")
    try desk.step("r", .revised, by: nil, RequestDesk.terms(seconds: 60))
    #expect(desk.standing("r")?.progress.approvals.isEmpty == true)
    try desk.step("r", .approved, by: "cy")
    #expect(desk.state("r") == .pending)
    try desk.step("r", .approved, by: "bob")
    #expect(desk.state("r") == .active)
  }

  @Test func `each step is judged by the version of the policy in force then`() throws {
    var desk = try RequestDesk()
    try desk.submit("more")
    try desk.define("db", RequestDesk.rule(approvals: 2))
    try desk.step("more", .approved, by: "bob")
    #expect(desk.state("more") == .pending)
    try desk.submit("shorter")
    try desk.define("db", RequestDesk.rule(approvals: 1, ["longest_seconds": 60]))
    // Thread 50: what fails is recorded, with the reason.
    try desk.step("shorter", .approved, by: "bob")
    #expect(desk.state("shorter") == .failed && !desk.holds("shorter"))
    #expect(desk.standing("shorter")?.progress.failure?.code == "not_permitted")
    // Who is no approver any more does not count any more.
    try desk.define("db", RequestDesk.rule(approvals: 2))
    try desk.submit("gone")
    try desk.step("gone", .approved, by: "bob")
    try desk.tell(.membershipRemoved(group: "leads", member: .identity("bob")))
    try desk.step("gone", .approved, by: "cy")
    #expect(desk.state("gone") == .pending)
    #expect(desk.standing("gone")?.progress.approvals.map(\.approver) == ["cy"])
    try desk.tell(.policyRetired(id: "db"))
    try desk.step("more", .approved, by: "cy")
    #expect(desk.state("more") == .failed)
  }

  @Test func `approval that would breach separation of duties fails the request, recorded`() throws {
    var desk = try RequestDesk()
    try desk.tell(
      .assignmentGranted(id: "p", grant: Grant(principal: .identity("ada@laptop"), role: "payer", scope: "*")))
    try desk.define("apart", ["roles": ["db-admin", "payer"]], as: .separationOfDuties)
    try desk.submit("r")
    try desk.step("r", .approved, by: "bob")
    #expect(desk.state("r") == .failed && !desk.holds("r"))
    #expect(desk.standing("r")?.progress.failure?.code == "separation_of_duties")
  }

  @Test func `break glass is granted at once and found`() throws {
    var desk = try RequestDesk()
    try desk.define("db", RequestDesk.rule(approvals: 1, ["break_glass": true]))
    try desk.submit("r", reason: "all is down")
    #expect(desk.state("r") == .active && desk.holds("r"))
    #expect(desk.findings == ["break_glass"])
    #expect(
      desk.events.suffix(4).map(\.change.type).sorted() == [
        "assignment.granted", "finding.raised", "request.approved", "request.submitted",
      ])
  }

  @Test func `a policy may approve by itself, always or on a condition`() throws {
    // Thread 32: what approved itself is in the log as everything else is.
    var desk = try RequestDesk()
    try desk.define("db", RequestDesk.rule(approvals: 1, ["approves_itself": ["Bool": ["request.mfa": ["true"]]]]))
    try desk.submit("r")
    #expect(desk.state("r") == .pending)
    try desk.submit("s", RequestDesk.terms(context: ["mfa": true]))
    #expect(desk.state("s") == .active && desk.findings.isEmpty)
    #expect(desk.events.last?.authority.authorisedBy?.approver == "policy:db")
  }

  @Test func `two who approve each other are found`() throws {
    var desk = try RequestDesk()
    try desk.tell(.membershipAdded(group: "oncall", member: .identity("bob"), expiresAt: nil))
    try desk.tell(.membershipAdded(group: "leads", member: .identity("dan"), expiresAt: nil), by: "cy")
    let dans = RequestDesk.terms(
      .assignment(principal: .identity("dan"), role: "db-admin", scope: "prod", condition: nil), by: "dan")
    try desk.submit("one", dans)
    try desk.step("one", .approved, by: "bob")
    let bobs = RequestDesk.terms(
      .assignment(principal: .identity("bob"), role: "db-admin", scope: "prod", condition: nil), by: "bob")
    try desk.submit("two", bobs)
    var fair = desk
    try fair.step("two", .approved, by: "cy")
    #expect(fair.findings.isEmpty)
    try desk.step("two", .approved, by: "dan")
    #expect(desk.findings == ["reciprocal_approval"])
  }

  @Test func `a direct change of what a policy governs must say unapproved, and is found`() throws {
    var desk = try RequestDesk()
    let change = Change.assignmentGranted(
      id: "direct", grant: Grant(principal: .identity("ada"), role: "db-admin", scope: "prod/db"))
    #expect(try refused { try desk.tell(change) }?.code == .approvalRequired)
    #expect(try refused { try desk.tell(change, isUnapproved: true) }?.code == .reasonRequired)
    try desk.tell(change, isUnapproved: true, reason: "no time")
    #expect(desk.findings == ["unapproved_change"])
    // Reality is recorded, and found.
    try desk.send(
      Command(.membershipAdded(group: "vault", member: .identity("dan"), expiresAt: nil)), mode: .observation)
    #expect(desk.findings.count == 2)
    try desk.tell(.assignmentGranted(id: "other", grant: Grant(principal: .identity("ada"), role: "reader", scope: "*")))
    #expect(desk.findings.count == 2)
  }

  @Test func `what was taken away does not come back by a voiding unseen`() throws {
    var desk = try RequestDesk()
    try desk.submit("r")
    try desk.step("r", .approved, by: "bob")
    try desk.step("r", .ended, by: "ada")
    let revoked = Int64(desk.events.count)
    #expect(desk.events.last?.change == .assignmentRevoked(id: "r"))
    #expect(
      try refused { try desk.tell(.eventVoided(position: revoked), isUnapproved: true, reason: "why not") }?.code
        == .notVoidable)
    try desk.submit("s")
    try desk.step("s", .approved, by: "bob")
    try desk.tell(.assignmentRevoked(id: "s"))
    let direct = Int64(desk.events.count)
    #expect(try refused { try desk.tell(.eventVoided(position: direct), reason: "by mistake") }?.code == .approvalRequired)
    try desk.tell(.eventVoided(position: direct), isUnapproved: true, reason: "by mistake")
    #expect(desk.findings == ["unapproved_change"] && desk.holds("s"))
  }

  @Test func `no grant outlives the policies of lifetime, but by renewal`() throws {
    var desk = try RequestDesk()
    try desk.define("short", ["roles": ["reader"], "longest_seconds": 86_400], as: .lifetime)
    func grant(_ id: String, _ seconds: Int64?) -> Change {
      let end = seconds.map { desk.now.adding(microseconds: $0 * RequestDesk.second) }
      return .assignmentGranted(id: id, grant: Grant(principal: .identity("ada"), role: "reader", scope: "*", expiresAt: end))
    }
    #expect(try refused { try desk.tell(grant("a", nil)) }?.code == .tooLong)
    #expect(try refused { try desk.tell(grant("a", 86_401)) }?.code == .tooLong)
    try desk.tell(grant("a", 86_400))
    desk.wait(seconds: 86_000)
    let renewed = desk.now.adding(microseconds: 86_400 * RequestDesk.second)
    #expect(try refused { try desk.tell(.assignmentExtended(id: "a", expiresAt: renewed.next)) }?.code == .tooLong)
    try desk.tell(.assignmentExtended(id: "a", expiresAt: renewed))
    #expect(desk.holds("a", at: renewed.adding(microseconds: -1)))
    try desk.send(Command(grant("b", nil)), mode: .observation)
    #expect(desk.findings == ["grant_too_long"])
  }

  @Test func `membership and revisions can be asked for, and a request never ends what is held otherwise`() throws {
    var desk = try RequestDesk()
    let membership = RequestDesk.terms(.membership(group: "vault", member: .identity("ada")))
    try desk.submit("m", membership)
    try desk.step("m", .approved, by: "bob")
    let fact = Fact.membership(group: "vault", member: .identity("ada"))
    #expect(desk.world.value(of: fact, at: desk.now) != nil)
    #expect(try refused { try desk.submit("again", membership) }?.code == .noChange)
    try desk.step("m", .ended, by: "ada")
    #expect(desk.world.value(of: fact, at: desk.now) == nil)
    let document = RoleDocument(permissions: [Permission(actions: ["reader.all"])])
    try desk.submit("v", RequestDesk.terms(.role(id: "reader", document), seconds: nil))
    try desk.step("v", .approved, by: "bob")
    #expect(desk.state("v") == .applied)
    #expect(desk.world.value(of: .existence(.role("reader")), at: desk.now)?.value == .role(document))
    #expect(try refused { try desk.step("v", .ended, by: "ada") }?.code == .wrongState)
  }

  @Test func `a step of a request cannot be voided, backdated or observed`() throws {
    var desk = try RequestDesk()
    try desk.submit("r")
    let position = Int64(desk.events.count)
    #expect(try refused { try desk.tell(.eventVoided(position: position), reason: "no") }?.code == .notVoidable)
    let step = Change.request(id: "r", .withdrawn, by: "ada", nil)
    let back = Command(step, effectiveAt: Universe.instant(0), authority: Authority(reason: "earlier"))
    #expect(try refused { try desk.send(back) }?.pointer == "/effective_at")
    #expect(try refused { try desk.send(Command(step), mode: .observation) }?.code == .malformed)
  }

  private func refused(_ body: () throws -> Void) throws -> Refusal? {
    do {
      try body()
      return nil
    } catch let refusal as Refusal {
      return refusal
    }
  }
}
