import AccessGraph
import Governance
import JSON
import Postgres
import Synchronization
import Temporal
import TestSupport
import Testing

@testable import EventLog
@testable import Jobs

/// An organisation whose access is told through the API, and seen by a connector named console that vouches for `org`.
///
/// What TEAM's users complain of (field.md §2): the screen says *revoked*, or nobody ran the job, and the access is still there.
struct Watched {
  let work: Workplace

  init() throws {
    work = try Workplace()
    try see(.sourceRegistered(id: "console", attributes: [:]))
    try see(.coverageBegan(source: "console", resource: "org", expiresAt: nil))
    try see(.identityRegistered(id: "ada@console", kind: .account, attributes: [:]))
    try see(.identityLinked(account: "ada@console", person: "ada"))
  }

  /// What somebody commands; it is declared, and no reading of anything.
  @discardableResult
  func say(_ change: Change, at instant: Instant? = nil) throws -> Receipt {
    try send(change, .governed, source: "api", .declared, at: instant)
  }

  /// What a connector says of its source.
  @discardableResult
  func see(_ change: Change, source: String = "console", basis: Basis = .observed, at instant: Instant? = nil) throws -> Receipt
  {
    try send(change, .observation, source: source, basis, at: instant)
  }

  private func send(
    _ change: Change, _ mode: CommandMode, source: String, _ basis: Basis, at instant: Instant?
  ) throws -> Receipt {
    try work.tenant.submitAndWait(
      Submission(
        mode: mode, source: source, basis: basis, recordedBy: Recorder(id: "test", authentication: "local"),
        commands: [Command(change, effectiveAt: instant, authority: Authority(reason: "test"))]))
  }

  /// A run of the connector that has nothing else to say: it says again what it vouches for.
  @discardableResult
  func look(at instant: Instant? = nil) throws -> Receipt {
    try see(.coverageBegan(source: "console", resource: "org", expiresAt: nil), at: instant)
  }

  func grant(_ id: String, to principal: Entity = .identity("ada"), until end: Instant? = nil, on scope: String = "org/db")
    throws
  {
    try say(.assignmentGranted(id: id, grant: Grant(principal: principal, role: "reader", scope: scope, expiresAt: end)))
  }

  func confirm(_ id: String, _ claim: FulfilmentConfirmation.Claim = .acknowledged, endedAt: Instant, by: String = "bob") throws
  {
    try say(
      .fulfilmentConfirmed(
        of: .assignment(id), FulfilmentConfirmation(endedAt: endedAt, claim: claim, by: by, evidence: "removed, see OPS-7")))
  }

  func page(
    _ stages: FulfilmentFilter.Stages = .open, at t: Instant? = nil, asKnownAt k: Int64? = nil
  ) throws -> [Fulfilment] {
    let tenant = work.tenant
    return try tenant.fulfilments(
      FulfilmentFilter(stages), at: t ?? tenant.now, asKnownAt: k ?? tenant.head.position, limit: 100
    ).fulfilments
  }

  /// A delivery of an event, by a webhook of its state's own: what is tested is how it is read.
  func deliver(_ position: Int64, _ state: String, at instant: Instant) throws {
    let at = Timestamp(microsecondsSinceUnixEpoch: instant.microseconds)
    let tenant = work.tenant.id
    _ = try work.connection.query(
      """
      INSERT INTO tenure.webhook (tenant_id, webhook_id, url, types, secret, since, made_through, created_at)
      VALUES (\(tenant), \(state), 'http://localhost', ARRAY['*'], sha256('x'), 0, 0, \(at))
      """)
    _ = try work.connection.query(
      """
      INSERT INTO tenure.webhook_delivery
        (tenant_id, webhook_id, position, state, made_at, last_attempt_at, next_attempt_at, last_status)
      VALUES (\(tenant), \(state), \(position), \(state), \(at), \(at),
        CASE WHEN \(state) = 'pending' THEN \(at) END, CASE WHEN \(state) = 'delivered' THEN 200 END)
      """)
  }

  /// The one ending there is.
  func only(at t: Instant? = nil, asKnownAt k: Int64? = nil) throws -> Fulfilment {
    let all = try page(.any, at: t, asKnownAt: k)
    try #require(all.count == 1)
    return all[0]
  }
}

@Suite struct FulfilmentTests {
  @Test func `the end of one assignment is listed only where it is not before what is asked about`() throws {
    let watched = try Watched()
    try watched.grant("a1", until: hour(2))
    watched.work.clock.now = hour(4)
    let tenant = watched.work.tenant
    for (since, count) in [(nil, 1), (hour(2), 1), (hour(2).next, 0)] {
      let page = try tenant.fulfilments(
        FulfilmentFilter(.any, item: .assignment("a1"), since: since), at: hour(4), asKnownAt: tenant.head.position, limit: 9)
      #expect(page.fulfilments.count == count)
    }
  }

  @Test func `a reading is the same however far back along the log it is looked for first`() throws {
    let watched = try Watched()
    try watched.look(at: hour(1))
    let voided = try watched.look(at: hour(2))
    watched.work.clock.now = hour(4)
    try watched.see(.eventVoided(position: try #require(voided.lastPosition)))
    for index in 0..<20 { try watched.say(.groupCreated(id: "g\(index)", attributes: [:])) }
    let tenant = watched.work.tenant
    let head = tenant.head.position
    let expected = try tenant.readings(of: ["console", "nobody", "test"], at: hour(3), asKnownAt: head)
    #expect(expected.map(\.source) == ["console", "test"] && expected.first?.at == hour(1))
    for walked: Int64 in [0, 1, 10, 21, 22, 23, 24] {
      #expect(
        try tenant.readings(of: ["console", "nobody", "test"], at: hour(3), asKnownAt: head, walking: walked) == expected)
    }
  }

  @Test func `an end goes through its stages, and no job is needed for the first`() throws {
    let office = try Watched()
    try office.grant("a", until: hour(2))
    office.work.clock.now = hour(1)
    #expect(try office.page(.any).isEmpty)
    // TEAM#149: a redeployed job never ran. The access has ended all the same, and that nobody recorded it is to be seen.
    office.work.clock.now = hour(3)
    var now = try office.only()
    #expect(now.stage == .inEffect)
    #expect(now.ending.endedAt == hour(2))
    #expect(now.ending.reason == .expired)
    #expect(now.ending.position == nil)
    #expect(now.recorded == nil)
    // TEAM#513: whoever records it, and how often, it is recorded once.
    _ = try office.work.run()
    now = try office.only()
    #expect(now.stage == .recorded)
    #expect(now.recorded?.at == hour(2))
    #expect(try #require(now.recorded).recordedAt >= hour(3))
    // TEAM#398: somebody says it is done. That it was said is no execution.
    office.work.clock.now = hour(4)
    try office.confirm("a", endedAt: hour(2))
    now = try office.only()
    #expect(now.stage == .acknowledged)
    #expect(now.acknowledged?.confirmation.by == "bob")
    #expect(now.acknowledged?.step.at == office.work.tenant.head.recordedAt)
    #expect(try office.page().map(\.ending.item.assignment) == ["a"])
    office.work.clock.now = hour(5)
    let reading = try office.look()
    now = try office.only()
    #expect(now.stage == .observedAbsent)
    #expect(now.observed == Observed(source: "console", at: reading.recordedAt, position: try #require(reading.lastPosition)))
    #expect(try office.page().isEmpty)
  }

  @Test func `what the system still shows is present, whatever was said, until it is seen gone`() throws {
    // Thread 29 (TEAM#195): elsewhere a session survives the revocation, and nobody sees it.
    let office = try Watched()
    try office.grant("a")
    let scope = Grant(principal: .identity("ada@console"), role: "reader", scope: "org")
    try office.see(.assignmentGranted(id: "seen", grant: scope))
    office.work.clock.now = hour(1)
    try office.say(.assignmentRevoked(id: "a"))
    let end = office.work.tenant.now
    #expect(try office.ending(of: "a").stage == .recorded)
    office.work.clock.now = hour(2)
    // TEAM#255, #195: the revocation failed there, or a session goes on; both persons say that it is gone.
    try office.confirm("a", endedAt: end)
    try office.confirm("a", .observedAbsent, endedAt: end)
    #expect(try office.ending(of: "a").stage == .observedAbsent)
    office.work.clock.now = hour(3)
    try office.look()
    #expect(try office.ending(of: "a").stage == .observedPresent)
    #expect(try office.ending(of: "a").observed?.shownBy == "seen")
    #expect(try office.page(.stage(.observedPresent)).count == 1)
    office.work.clock.now = hour(4)
    let gone = try office.see(.assignmentRevoked(id: "seen"))
    #expect(try office.ending(of: "a").observed?.shownBy == nil)
    office.work.clock.now = hour(5)
    try office.see(.assignmentGranted(id: "again", grant: scope))
    let last = try office.ending(of: "a")
    #expect(last.stage == .observedAbsent)
    #expect(last.observed?.position == gone.lastPosition)
  }

  @Test func `a reading is an observation of a source that vouches for the scope, after the end`() throws {
    let office = try Watched()
    try office.grant("a", until: hour(2), on: "org/db")
    office.work.clock.now = hour(1)
    try office.look()
    office.work.clock.now = hour(3)
    func stage() throws -> FulfilmentStage { try office.only().stage }
    #expect(try stage() == .inEffect)
    // It shows an instant before the end, though learnt after it.
    try office.look(at: hour(1).next)
    #expect(try stage() == .inEffect)
    // At the end itself.
    try office.look(at: hour(2))
    #expect(try stage() == .inEffect)
    // What a configuration declares is not what is.
    try office.see(.identityRegistered(id: "new", kind: .person, attributes: [:]), basis: .declared)
    #expect(try stage() == .inEffect)
    // Another source, which vouches for other things, then for a part of the scope.
    for resource in ["elsewhere", "org/db/table", "org/d"] {
      try office.see(.sourceRegistered(id: "scan", attributes: [:]), source: "scan")
      try office.see(.coverageBegan(source: "scan", resource: resource, expiresAt: nil), source: "scan")
      #expect(try stage() == .inEffect)
    }
    // A gap in what it vouches for, above the scope and within it.
    for resource in ["org", "org/db/table"] {
      try office.see(.coverageGap(source: "console", resource: resource, until: hour(6)), at: hour(3))
      #expect(try stage() == .inEffect)
    }
    office.work.clock.now = hour(7)
    let look = try office.look()
    #expect(try stage() == .observedAbsent)
    try office.say(.eventVoided(position: try #require(look.lastPosition)))
    #expect(try stage() == .inEffect)
    // Of all that it rests on nothing was known before.
    #expect(try office.only(asKnownAt: look.lastPosition).stage == .observedAbsent)
  }

  @Test func `other grants of the source do not show the access`() throws {
    let office = try Watched()
    try office.say(.roleDefined(id: "writer", document: RoleDocument(permissions: []), attributes: [:]))
    try office.grant("a")
    for (index, (principal, role, scope)) in [
      ("bob", "reader", "org/db"), ("ada", "writer", "org/db"), ("ada", "reader", "org/other"),
    ].enumerated() {
      let grant = Grant(principal: .identity(principal), role: role, scope: scope)
      try office.see(.assignmentGranted(id: "o\(index)", grant: grant))
    }
    // Told, not seen.
    try office.grant("same")
    office.work.clock.now = hour(1)
    try office.say(.assignmentRevoked(id: "a"))
    office.work.clock.now = hour(2)
    try office.look()
    #expect(try office.only().stage == .observedAbsent)
    // A part of the scope is a part of the access.
    try office.see(.assignmentGranted(id: "part", grant: Grant(principal: .identity("ada"), role: "reader", scope: "org/db/x")))
    #expect(try office.only().stage == .observedPresent)
  }

  @Test func `what a source gave and has seen gone itself is absent with that`() throws {
    let office = try Watched()
    let grant = Grant(principal: .identity("ada"), role: "reader", scope: "nowhere/covered")
    for (id, basis) in [("seen", Basis.observed), ("told", .declared), ("ours", .enforced), ("others", .observed)] {
      try office.see(.assignmentGranted(id: id, grant: grant))
      office.work.clock.now = office.work.clock.now.adding(microseconds: 1)
      try office.see(.assignmentRevoked(id: id), source: id == "others" ? "scan" : "console", basis: basis)
    }
    let stages = Dictionary(uniqueKeysWithValues: try office.page(.any).map { ($0.ending.item.assignment, $0.stage) })
    #expect(stages == ["seen": .observedAbsent, "told": .recorded, "ours": .enforced, "others": .recorded])
    #expect(Set(try office.page().map(\.ending.item.assignment)) == ["told", "others"])
  }

  @Test func `what some source shows is not absent, by another grant, a gap, another source or a part of the scope`() throws {
    let office = try Watched()
    func grant(_ scope: String) -> Grant { Grant(principal: .identity("ada@console"), role: "reader", scope: scope) }
    try office.grant("a")
    try office.see(.assignmentGranted(id: "one", grant: grant("org")))
    try office.see(.assignmentGranted(id: "two", grant: grant("*")))
    office.work.clock.now = hour(1)
    try office.say(.assignmentRevoked(id: "a"))
    office.work.clock.now = hour(2)
    try office.see(.assignmentRevoked(id: "one"))
    #expect(try office.ending(of: "a").stage == .observedPresent)
    office.work.clock.now = hour(3)
    // Something else that the source says unsays nothing.
    try office.see(.identityRegistered(id: "other", kind: .person, attributes: [:]))
    #expect(try office.ending(of: "a").stage == .observedPresent)
    try office.see(.assignmentRevoked(id: "two"))
    #expect(try office.ending(of: "a").stage == .observedAbsent)
    // What comes back by a grant of its own is another access.
    office.work.clock.now = hour(4)
    try office.see(.assignmentGranted(id: "three", grant: grant("org")))
    #expect(try office.ending(of: "a").stage == .observedAbsent)
  }

  @Test func `an end says why`() throws {
    let office = try Watched()
    try office.say(.roleDefined(id: "temp", document: RoleDocument(permissions: []), attributes: [:]))
    try office.say(.identityRegistered(id: "leo", kind: .person, attributes: [:]))
    try office.grant("late", until: hour(1))
    try office.grant("cut")
    try office.grant("leos", to: .identity("leo"))
    try office.grant("group", to: .group("staff"))
    try office.say(
      .assignmentGranted(id: "role", grant: Grant(principal: .identity("bob"), role: "temp", scope: "org")))
    // It was moved, and then came; it never began.
    try office.grant("moved", until: hour(2))
    try office.say(.assignmentExtended(id: "moved", expiresAt: hour(4)))
    try office.say(
      .assignmentGranted(id: "ahead", grant: Grant(principal: .identity("ada"), role: "reader", scope: "org")), at: hour(99))
    try office.say(.assignmentRevoked(id: "ahead"))
    office.work.clock.now = hour(3)
    var positions: [String: Int64?] = ["late": nil]
    for (id, change) in [
      ("cut", Change.assignmentRevoked(id: "cut")), ("leos", .identityRetired(id: "leo")),
      ("group", .groupDeleted(id: "staff")),
      ("role", .roleRetired(id: "temp")),
    ] { positions[id] = try office.say(change).lastPosition }
    let endings = try office.page().map(\.ending)
    #expect(
      Dictionary(uniqueKeysWithValues: endings.map { ($0.item.assignment, $0.reason) }) == [
        "late": .expired, "cut": .revoked, "leos": .principalEnded, "group": .principalEnded, "role": .roleEnded,
      ])
    for ending in endings { #expect(ending.position == positions[ending.item.assignment ?? ""], "\(ending.item.text)") }
    #expect(endings.map(\.item.assignment).first == "late")
    // The wish to extend what has ended changes nothing; that it was recorded for another end says nothing of this one.
    office.work.clock.now = hour(5)
    _ = try office.work.run()
    let moved = try #require(try office.page().first { $0.ending.item.assignment == "moved" })
    #expect(moved.ending.endedAt == hour(4))
    #expect(moved.ending.grant?.expiresAt == hour(4))
    #expect(moved.stage == .recorded)
  }

  @Test func `what was known then is answered as it was known then`() throws {
    let office = try Watched()
    try office.grant("a")
    let before = office.work.tenant.head.position
    office.work.clock.now = hour(5)
    let revoked = try office.say(.assignmentRevoked(id: "a"), at: hour(2))
    office.work.clock.now = hour(6)
    let end = hour(2)
    try office.confirm("a", endedAt: end)
    let said = office.work.tenant.head.position
    office.work.clock.now = hour(7)
    let looked = try office.look(at: hour(4))
    // Learnt at hour 5: nobody knew at hour 3 that it had ended.
    #expect(try office.page(.any, at: hour(3), asKnownAt: before).isEmpty)
    #expect(try office.only(at: hour(3)).stage == .recorded)
    #expect(try office.only(asKnownAt: revoked.lastPosition).stage == .recorded)
    #expect(try office.only(asKnownAt: said).stage == .acknowledged)
    #expect(try office.only(asKnownAt: looked.lastPosition).stage == .observedAbsent)
    // At hour 5 of the world the reading of hour 4 had shown it, and nobody had confirmed yet.
    let then = try office.only(at: hour(5))
    #expect(then.stage == .observedAbsent)
    #expect(then.acknowledged == nil)
    // A confirmation that is voided was none.
    try office.say(.eventVoided(position: said))
    #expect(try office.only().acknowledged == nil)
  }

  @Test func `a confirmation is refused where there is nothing to confirm, or nobody to say it`() throws {
    let office = try Watched()
    try office.grant("a", until: hour(2))
    try office.grant("staffs", to: .group("staff"), until: hour(2))
    try office.say(.membershipAdded(group: "staff", member: .identity("ada"), expiresAt: hour(2)))
    try office.grant("account", to: .identity("ada@console"), until: hour(2))
    try office.grant("on")
    try office.say(.identityRegistered(id: "bot", kind: .service, attributes: ["owner": .open("ada")]))
    func refused(
      _ id: String, ended: Instant = hour(2), by: String = "bob", evidence: String = "seen", at instant: Instant? = nil
    ) throws -> String {
      let confirmation = FulfilmentConfirmation(endedAt: ended, claim: .observedAbsent, by: by, evidence: evidence)
      do {
        try office.say(.fulfilmentConfirmed(of: .assignment(id), confirmation), at: instant)
        return "accepted"
      } catch SubmissionFailure.refused(let refusal) {
        return "\(refusal.code.rawValue) \(refusal.pointer)"
      }
    }
    #expect(try refused("a") == "not_held /id")
    office.work.clock.now = hour(3)
    let rows: [(String, String)] = [
      (try refused("none"), "not_found /id"), (try refused("on"), "not_held /id"),
      (try refused("a", ended: hour(1)), "not_held /ended_at"),
      (try refused("a", by: "ada"), "not_entitled /by"), (try refused("a", by: "ada@console"), "not_entitled /by"),
      (try refused("a", by: "bot"), "not_entitled /by"),
      (try refused("account", by: "ada"), "not_entitled /by"), (try refused("staffs", by: "ada"), "not_entitled /by"),
      (try refused("a", by: "nobody"), "not_entitled /by"), (try refused("a", evidence: ""), "malformed /evidence"),
      (try refused("a", evidence: String(repeating: "x", count: Limits.evidenceBytes + 1)), "limit_exceeded /evidence"),
      (try refused("a", at: hour(4)), "malformed /effective_at"), (try refused("a", at: hour(1)), "not_held /id"),
    ]
    for (index, (found, expected)) in rows.enumerated() { #expect(found == expected, "row \(index)") }
    // To say that the account was unlinked long ago makes it nobody else's.
    try office.say(.identityUnlinked(account: "ada@console"), at: hour(1))
    #expect(try refused("a", by: "ada@console") == "not_entitled /by")
    #expect(try office.ending(of: "a").acknowledged == nil)
    #expect(try refused("a") == "accepted")
    #expect(try office.ending(of: "a").stage == .observedAbsent)
    #expect(try office.ending(of: "a").vouchedAbsent?.confirmation.evidence == "seen")
    // An observation is recorded whatever it says; of what has not ended it says nothing.
    try office.see(
      .fulfilmentConfirmed(
        of: .assignment("on"), FulfilmentConfirmation(endedAt: hour(1), claim: .acknowledged, by: "x", evidence: "y")))
    #expect(
      try office.page(.any).map(\.ending.item.text) == [
        "assignment:a", "assignment:account", "assignment:staffs", "membership:staff identity:ada",
      ])
  }

  @Test func `the end of a membership goes through the same stages`() throws {
    // Thread 41: a membership with an end of its own, which others keep asking for; its end is fulfilled as any.
    let office = try Watched()
    try office.see(.groupCreated(id: "team", attributes: [:]))
    let member = GrantName.membership(group: "team", member: .identity("ada"))
    try office.say(.membershipAdded(group: "team", member: .identity("ada"), expiresAt: hour(2)))
    office.work.clock.now = hour(1)
    #expect(try office.page(.any).isEmpty)
    office.work.clock.now = hour(3)
    var now = try office.only()
    #expect(now.ending.item == member && now.ending.principal == .identity("ada") && now.ending.grant == nil)
    #expect(now.stage == .inEffect && now.ending.reason == .expired && now.ending.endedAt == hour(2))
    _ = try office.work.run()
    #expect(try office.only().stage == .recorded)
    let recorded = try #require(try office.only().recorded)
    try office.deliver(recorded.position, "delivered", at: hour(4))
    office.work.clock.now = hour(5)
    #expect(try office.only().stage == .sent)
    // Whoever had it vouches for nothing; somebody else does.
    let confirmation = FulfilmentConfirmation(endedAt: hour(2), claim: .acknowledged, by: "bob", evidence: "OPS-7")
    for by in ["ada", "ada@console"] {
      var own = confirmation
      own.by = by
      #expect(throws: SubmissionFailure.self) { try office.say(.fulfilmentConfirmed(of: member, own)) }
    }
    try office.say(.fulfilmentConfirmed(of: member, confirmation))
    now = try office.only()
    #expect(now.stage == .acknowledged && now.acknowledged?.confirmation.by == "bob")
    // Another member's end is not confirmed by that, nor another end of this one.
    office.work.clock.now = hour(6)
    let look = try office.look()
    now = try office.only()
    #expect(now.stage == .observedAbsent)
    #expect(now.observed == Observed(source: "console", at: look.recordedAt, position: try #require(look.lastPosition)))
    #expect(try office.page().isEmpty)
    #expect(try office.only(at: hour(5)).stage == .acknowledged)
  }

  @Test func `a membership that a reading shows again was never gone, unless it was seen gone or is declared anew`() throws {
    let office = try Watched()
    let ada = Entity.identity("ada")
    try office.see(.groupCreated(id: "team", attributes: [:]))
    try office.say(.membershipAdded(group: "team", member: ada, expiresAt: hour(2)))
    office.work.clock.now = hour(3)
    let seen = try office.see(.membershipAdded(group: "team", member: ada, expiresAt: nil))
    var now = try office.only()
    #expect(now.stage == .observedPresent && !now.isExecuted)
    #expect(
      now.observed
        == Observed(source: "console", at: hour(3), position: try #require(seen.lastPosition), shownBy: "identity:ada"))
    // It is there, so there is no end to confirm.
    let item = GrantName.membership(group: "team", member: ada)
    let confirmation = FulfilmentConfirmation(endedAt: hour(2), claim: .acknowledged, by: "bob", evidence: "OPS-7")
    #expect(throws: SubmissionFailure.self) { try office.say(.fulfilmentConfirmed(of: item, confirmation)) }
    // Somebody says that it is to be there: then it has come back, and no end is open.
    office.work.clock.now = hour(4)
    try office.say(.membershipAdded(group: "team", member: ada, expiresAt: hour(9)))
    #expect(try office.page(.any).isEmpty)
    #expect(try office.only(at: hour(3)).stage == .observedPresent)
    // It is removed, a reading does not show it, and a later one does: it has come back.
    office.work.clock.now = hour(5)
    try office.say(.membershipRemoved(group: "team", member: ada))
    now = try office.only()
    #expect(now.ending.reason == .removed && now.stage == .recorded)
    office.work.clock.now = hour(6)
    try office.look()
    #expect(try office.only().stage == .observedAbsent)
    office.work.clock.now = hour(7)
    try office.see(.membershipAdded(group: "team", member: ada, expiresAt: nil))
    #expect(try office.page(.any).isEmpty)
    // Who shows it sees it gone, and shows it anew.
    office.work.clock.now = hour(8)
    try office.see(.membershipRemoved(group: "team", member: ada))
    #expect(try office.only().stage == .observedAbsent)
    office.work.clock.now = hour(9)
    try office.see(.membershipAdded(group: "team", member: ada, expiresAt: nil))
    #expect(try office.page(.any).isEmpty)
  }

  @Test func `a reading says nothing of a group that its source has not named, or while it has a gap`() throws {
    let office = try Watched()
    let ada = Entity.identity("ada")
    try office.say(.groupCreated(id: "team", attributes: [:]))
    try office.say(.membershipAdded(group: "team", member: ada, expiresAt: hour(2)))
    office.work.clock.now = hour(3)
    try office.look()
    #expect(try office.only().stage == .inEffect)
    office.work.clock.now = hour(4)
    try office.see(.coverageGap(source: "console", resource: "org/far/away", until: hour(5)))
    try office.see(.groupCreated(id: "team", attributes: [:]))
    #expect(try office.only().stage == .inEffect)
    office.work.clock.now = hour(5)
    try office.look()
    #expect(try office.only().stage == .observedAbsent)
    // An account of hers in the same group is the same access.
    try office.see(.membershipAdded(group: "team", member: .identity("ada@console"), expiresAt: nil))
    #expect(try office.only().stage == .observedPresent)
    #expect(try office.only().observed?.shownBy == "identity:ada@console")
  }

  @Test func `a membership says why it ended`() throws {
    let office = try Watched()
    for id in ["cut", "late", "gone", "left", "outer"] { try office.say(.groupCreated(id: id, attributes: [:])) }
    try office.say(.identityRegistered(id: "leo", kind: .person, attributes: [:]))
    for (group, member, end) in [
      ("cut", Entity.identity("ada"), nil), ("late", .identity("ada"), hour(1)), ("gone", .identity("ada"), nil),
      ("cut", .identity("leo"), nil), ("outer", .group("gone"), nil), ("left", .identity("bob"), nil),
    ] {
      try office.say(.membershipAdded(group: group, member: member, expiresAt: end))
    }
    office.work.clock.now = hour(3)
    let changes: [Change] = [
      .membershipRemoved(group: "cut", member: .identity("ada")), .groupDeleted(id: "gone"), .identityRetired(id: "leo"),
    ]
    var positions: [Int64?] = []
    for change in changes { positions.append(try office.say(change).lastPosition) }
    let endings = try office.page(.any).map(\.ending)
    func ending(_ group: String, _ member: Entity) -> GrantEnding? {
      endings.first { $0.item == .membership(group: group, member: member) }
    }
    #expect(endings.count == 5)
    #expect(ending("late", .identity("ada"))?.reason == .expired && ending("late", .identity("ada"))?.position == nil)
    for (group, member, reason, position) in [
      ("cut", Entity.identity("ada"), EndingReason.removed, positions[0]),
      ("gone", .identity("ada"), .groupEnded, positions[1]), ("outer", .group("gone"), .principalEnded, positions[1]),
      ("cut", .identity("leo"), .principalEnded, positions[2]),
    ] {
      #expect(ending(group, member)?.reason == reason, "\(group) \(member)")
      #expect(ending(group, member)?.position == position, "\(group) \(member)")
    }
    // What was said of an end does not speak for the next: removed again after a return, it is open anew.
    let item = GrantName.membership(group: "cut", member: .identity("ada"))
    let first = try #require(ending("cut", .identity("ada"))).endedAt
    try office.say(
      .fulfilmentConfirmed(
        of: item, FulfilmentConfirmation(endedAt: first, claim: .observedAbsent, by: "bob", evidence: "seen")))
    let filter = FulfilmentFilter(.any, item: item)
    let tenant = office.work.tenant
    #expect(
      try tenant.fulfilments(filter, at: tenant.now, asKnownAt: tenant.head.position, limit: 1).fulfilments.first?.stage
        == .observedAbsent)
    office.work.clock.now = hour(4)
    try office.say(.membershipAdded(group: "cut", member: .identity("ada"), expiresAt: nil))
    office.work.clock.now = hour(5)
    try office.say(.membershipRemoved(group: "cut", member: .identity("ada")))
    #expect(
      try tenant.fulfilments(filter, at: tenant.now, asKnownAt: tenant.head.position, limit: 1).fulfilments.first?.stage
        == .recorded)
  }

  @Test func `a delivered event is sent`() throws {
    let office = try Watched()
    try office.grant("a", until: hour(2))
    office.work.clock.now = hour(3)
    _ = try office.work.run()
    let recorded = try #require(try office.only().recorded)
    try office.deliver(recorded.position, "pending", at: hour(3))
    #expect(try office.only().stage == .recorded)
    try office.deliver(recorded.position, "delivered", at: hour(4))
    office.work.clock.now = hour(5)
    #expect(try office.only().stage == .sent)
    #expect(try office.only().sentAt == hour(4))
    #expect(try office.only(at: hour(4).adding(microseconds: -1)).stage == .recorded)
    let before = office.work.tenant.head.position
    try office.say(.groupCreated(id: "later", attributes: [:]))
    #expect(try office.only(asKnownAt: before).stage == .sent)
  }

  @Test func `a graph loaded from its rows knows a confirmation`() throws {
    let office = try Watched()
    try office.grant("a", until: hour(2))
    office.work.clock.now = hour(3)
    try office.confirm("a", endedAt: hour(2))
    let position = office.work.tenant.head.position
    // The rows say it all: where they contradict the log, it is folded instead, with an alarm.
    let alarms = Mutex<[Alarm]>([])
    let other = try EventStore(
      JobsDatabase.conninfo(), settings: EventStore.Settings(alarm: { alarm in alarms.withLock { $0.append(alarm) } }))
    defer { other.close() }
    let tenant = try #require(try other.find(tenant: office.work.tenant.name))
    let summary = try tenant.read { $0.world(asKnownAt: position).event(at: position) }
    #expect(summary?.type == "fulfilment.confirmed")
    #expect(alarms.withLock { $0.isEmpty })
    #expect(
      try tenant.fulfilments(FulfilmentFilter(), at: hour(4), asKnownAt: position, limit: 9).fulfilments.first?.stage
        == .acknowledged)
  }
}

extension Watched {
  /// The ending of one assignment.
  func ending(of id: String) throws -> Fulfilment {
    let tenant = work.tenant
    return try #require(
      try tenant.fulfilments(
        FulfilmentFilter(.any, item: .assignment(id)), at: tenant.now, asKnownAt: tenant.head.position, limit: 1
      ).fulfilments.first)
  }
}
