import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Access reviews: what is frozen, who decides, what follows, and what is refused.
///
/// Numbers of threads are those of field.md, section 2.
@Suite struct ReviewTests {
  let a1 = GrantName.assignment("a1")
  let a2 = GrantName.assignment("a2")
  let a3 = GrantName.assignment("a3")
  let a4 = GrantName.assignment("a4")
  let adaOncall = GrantName.membership(group: "oncall", member: .identity("ada"))

  @Test func `the population is whatever gives access there, by any way, and is the same when it is derived again later`()
    throws
  {
    var desk = try ReviewDesk()
    // Thread 48: what nobody stands behind is not left out.
    try desk.desk.send(
      Command(.assignmentGranted(id: "ghost", grant: Grant(principal: .identity("nobody"), role: "reader", scope: "prod/db"))),
      mode: .observation)
    try desk.desk.tell(.assignmentGranted(id: "far", grant: Grant(principal: .identity("ada"), role: "reader", scope: "test")))
    try desk.open()
    let items = try desk.population().items.map(\.item.text)
    // oncall has access there by a4, so that who is in it is an item too; vault and leads give nothing there.
    #expect(
      items == [
        "assignment:a1", "assignment:a2", "assignment:a3", "assignment:a4", "assignment:ghost",
        "membership:oncall identity:ada", "membership:oncall identity:dan",
      ])
    let frozen = try #require(desk.desk.world.review("q", at: desk.desk.now)).progress.population
    // Whatever becomes of the grants, also what is said of the past.
    try desk.desk.tell(.assignmentRevoked(id: "a2"))
    var late = Command(
      .assignmentGranted(id: "late", grant: Grant(principal: .identity("ada"), role: "reader", scope: "prod")),
      effectiveAt: frozen.at, authority: Authority(reason: "learnt late"))
    late.isUnapproved = true
    try desk.desk.send(late)
    let again = try desk.population()
    #expect(again.items.map(\.item.text) == items)
    #expect(
      again.digest == frozen.digest && Int64(again.items.count) == frozen.count && frozen.position < desk.desk.world.position)
  }

  @Test func `a query selects by role, group, identity and privilege, and says nothing where nothing is of that kind`() throws {
    var desk = try ReviewDesk()
    func items(_ query: ReviewQuery) throws -> [String] {
      try desk.desk.world.population(query, at: desk.desk.now).items.map(\.item.text)
    }
    #expect(try items(ReviewQuery(roles: ["db-admin"])) == ["assignment:a1", "assignment:a3"])
    #expect(
      try items(ReviewQuery(groups: ["oncall"]))
        == ["assignment:a4", "membership:oncall identity:ada", "membership:oncall identity:dan"])
    #expect(try items(ReviewQuery(identities: ["dan"])) == ["assignment:a3", "membership:oncall identity:dan"])
    try desk.desk.define("power", ["actions": ["*.drop"]], as: .privileged)
    #expect(
      try items(ReviewQuery(identities: ["ada"], isPrivileged: true)) == ["assignment:a1", "assignment:a2", adaOncall.text])
    try desk.desk.define("power", ["actions": ["db-admin.dr?p"]], as: .privileged)
    #expect(try items(ReviewQuery(isPrivileged: true)) == ["assignment:a1", "assignment:a3"])
    // Thread 46: nobody is asked about an empty list.
    let refusal = #expect(throws: Refusal.self) { try desk.open("e", ReviewDesk.terms(ReviewQuery(roles: ["payer"]))) }
    #expect(refusal?.code == .noChange && desk.desk.world.review("e", at: desk.desk.now) == nil)
  }

  @Test func `whoever holds it by any account, granted it, approved it or reports to who holds it is passed over`() throws {
    var desk = try ReviewDesk()
    try desk.open()
    #expect(try desk.reviewers(of: a1).reviewers == ["dan"] && desk.reviewers(of: a1).route == .owner)
    // dan owns the role that he holds: his manager does it.
    let own = try desk.reviewers(of: a3)
    #expect(own.reviewers == ["bob"] && own.route == .manager)
    #expect(own.passedOver.map { "\($0.reviewer) \($0.objection.rawValue)" } == ["dan holder"])
    for (by, why) in [("dan", "holds it"), ("mallory", "granted it"), ("ada", "is not its reviewer: bob")] {
      let refusal = #expect(throws: Refusal.self) { try desk.decide(a3, .keep, by: by) }
      #expect(refusal?.code == .notEntitled && refusal?.message.contains(why) == true, "\(by): \(refusal?.message ?? "")")
    }
    // Who reports to bob does not judge what bob holds, though he may have been given it.
    try desk.desk.tell(
      .assignmentGranted(id: "b1", grant: Grant(principal: .identity("bob"), role: "db-admin", scope: "prod")),
      isUnapproved: true, reason: "needed")
    try desk.open("w")
    let above = try desk.reviewers(of: .assignment("b1"), in: "w")
    #expect(above.reviewers == ["cy"] && above.route == .manager)
    #expect(above.passedOver.map(\.objection) == [.subordinate])
    // By another account, and as the owner of a service.
    try desk.desk.tell(
      .assignmentGranted(id: "s1", grant: Grant(principal: .identity("robot"), role: "payer", scope: "prod")))
    try desk.open("x")
    for by in ["ada", "ada@laptop", "robot"] {
      #expect(throws: Refusal.self) { try desk.decide(.assignment("s1"), .keep, by: by, in: "x") }
    }
    #expect(try desk.reviewers(of: .assignment("s1"), in: "x").route == .escalation)
  }

  @Test func `who reports to a holder by another account, or through a group that manages, is passed over`() throws {
    var desk = try ReviewDesk()
    func tell(_ change: Change) throws { try desk.desk.tell(change, isUnapproved: true, reason: "as ever") }
    for id in ["eve", "fay", "gil"] { try tell(.identityRegistered(id: id, kind: .person, attributes: [:])) }
    // gil reports to fay@laptop, and fay to the group chiefs, in which eve is; what says so stands on gil's account.
    try tell(.identityRegistered(id: "fay@laptop", kind: .account, attributes: [:]))
    try tell(.identityLinked(account: "fay@laptop", person: "fay"))
    try tell(.identityRegistered(id: "gil@laptop", kind: .account, attributes: ["manager": .open("fay@laptop")]))
    try tell(.identityLinked(account: "gil@laptop", person: "gil"))
    try tell(.groupCreated(id: "chiefs", attributes: [:]))
    try tell(.membershipAdded(group: "chiefs", member: .identity("eve"), expiresAt: nil))
    try desk.desk.send(
      Command(
        .identityRegistered(id: "fay", kind: .person, attributes: ["manager": .open("group:chiefs")]), expecting: .present,
        authority: Authority(reason: "as ever")))
    try tell(.assignmentGranted(id: "f1", grant: Grant(principal: .identity("fay"), role: "reader", scope: "prod")))
    try tell(.assignmentGranted(id: "e1", grant: Grant(principal: .identity("eve"), role: "reader", scope: "prod")))
    var terms = ReviewDesk.terms()
    terms.reviewers = [.named(.identity("gil")), .named(.identity("fay"))]
    try desk.open("q", terms)
    #expect(
      try desk.reviewers(of: .assignment("f1")).passedOver.map { "\($0.reviewer) \($0.objection.rawValue)" }
        == ["gil subordinate", "fay holder"])
    #expect(
      try desk.reviewers(of: .assignment("e1")).passedOver.map { "\($0.reviewer) \($0.objection.rawValue)" }
        == ["gil subordinate", "fay subordinate"])
    // Neither is in the way where no holder is above.
    #expect(try desk.reviewers(of: a2).reviewers == ["gil"])
  }

  @Test func `to leave the group for the while does not make its grant somebody else's`() throws {
    var desk = try ReviewDesk()
    try desk.desk.tell(
      .membershipAdded(group: "oncall", member: .identity("bob"), expiresAt: nil), isUnapproved: true, reason: "as ever")
    var terms = ReviewDesk.terms()
    terms.reviewers = [.named(.identity("bob"))]
    try desk.open("q", terms)
    try desk.desk.tell(.membershipRemoved(group: "oncall", member: .identity("bob")), isUnapproved: true, reason: "for today")
    let refusal = #expect(throws: Refusal.self) { try desk.decide(.assignment("a4"), .keep, by: "bob") }
    #expect(refusal?.message.contains("holds it") == true)
  }

  @Test func `where nobody may, nobody does, until it is assigned to somebody who may`() throws {
    var desk = try ReviewDesk()
    var terms = ReviewDesk.terms(ReviewQuery(identities: ["dan"]))
    (terms.reviewers, terms.escalation) = ([.owner], [])
    try desk.open("q", terms)
    #expect(try desk.reviewers(of: a3).route == nil)
    for by in ["cy", "bob", "dan"] { #expect(throws: Refusal.self) { try desk.decide(a3, .keep, by: by) } }
    // Neither by who holds it, nor to who granted it.
    #expect(throws: Refusal.self) { try desk.assign(a3, to: "bob", by: "dan") }
    #expect(throws: Refusal.self) { try desk.assign(a3, to: "mallory", by: "cy") }
    try desk.assign(a3, to: "bob", by: "cy")
    try desk.decide(a3, .keep, by: "bob")
    #expect(desk.state(a3)?.decision?.route == .assigned)
  }

  @Test
  func `a decision is about the grant as it was seen, can be changed until the close, and a changed grant needs a new one`()
    throws
  {
    var desk = try ReviewDesk()
    try desk.open()
    let seen = try #require(desk.desk.world.reviewItem(a2, at: desk.desk.now)).digest
    #expect(throws: Refusal.self) { try desk.decide(a2, .revoke, by: "cy") }
    try desk.decide(a2, .revoke, by: "cy", "left the team", digest: seen)
    try desk.decide(a2, .keep, by: "cy", digest: seen)
    #expect(desk.standing(a2) == .decided)
    #expect(desk.desk.world.decisions(about: a2, of: "q").map(\.choice) == [.revoke, .keep])
    try desk.desk.tell(
      .assignmentExtended(id: "a2", expiresAt: desk.desk.now.adding(microseconds: 9_000_000_000)), isUnapproved: true,
      reason: "on leave")
    #expect(desk.standing(a2) == .changed)
    let refusal = #expect(throws: Refusal.self) { try desk.decide(a2, .keep, by: "cy", digest: seen) }
    #expect(refusal?.code == .changedMeanwhile)
    try desk.decide(a2, .keep, by: "cy")
    #expect(desk.standing(a2) == .decided)
    // What is decided of several says so, and why.
    #expect(throws: Refusal.self) { try desk.decide(adaOncall, .keep, by: "bob", isBulk: true) }
    try desk.decide(adaOncall, .keep, by: "bob", "all on call", isBulk: true)
    #expect(desk.state(adaOncall)?.decision?.isBulk == true)
    // Nothing that is no item.
    #expect(throws: Refusal.self) {
      try desk.decide(.membership(group: "leads", member: .identity("bob")), .keep, by: "cy")
    }
  }

  @Test func `delegated, it is the other's, who must be allowed to`() throws {
    var desk = try ReviewDesk()
    try desk.open()
    #expect(throws: Refusal.self) { try desk.decide(a2, .delegate, by: "cy", to: "mallory") }
    #expect(throws: Refusal.self) { try desk.decide(a2, .delegate, by: "cy", to: "ada@laptop") }
    try desk.decide(a2, .delegate, by: "cy", "knows better", to: "bob")
    #expect(throws: Refusal.self) { try desk.decide(a2, .keep, by: "cy") }
    try desk.decide(a2, .keep, by: "bob")
    #expect(desk.state(a2)?.assignment?.isDelegated == true && desk.state(a2)?.decision?.by == "bob")
  }

  @Test func `revocations are executed after the close, by the reviewer's authority, once`() throws {
    var desk = try ReviewDesk()
    try desk.open("q", ReviewDesk.terms(signsOff: [.identity("mallory"), .identity("cy")]))
    try desk.decide(a1, .revoke, by: "dan", "not needed")
    try desk.decide(a2, .reduce, by: "cy", "only db", ReviewReduction(scope: "prod/db"))
    #expect(throws: Refusal.self) { try desk.execute(a1) }
    #expect(throws: Refusal.self) { try desk.step(.closed) }
    try desk.decide(a3, .keep, by: "bob")
    #expect(throws: Refusal.self) { try desk.step(.signedOff, by: "mallory") }
    for item in [a4, adaOncall, .membership(group: "oncall", member: .identity("dan"))] {
      let by = try #require(try desk.reviewers(of: item).reviewers.first)
      try desk.decide(item, .keep, by: by)
    }
    // Who decided in it does not sign it; unsigned it is closed only with a reason.
    #expect(throws: Refusal.self) { try desk.step(.signedOff, by: "cy") }
    #expect(throws: Refusal.self) { try desk.step(.signedOff, by: "ada") }
    #expect(throws: Refusal.self) { try desk.step(.closed) }
    try desk.step(.signedOff, by: "mallory")
    // What is signed stays as it was signed: nobody decides it otherwise, nor hands it to whoever signed.
    #expect(throws: Refusal.self) { try desk.decide(a3, .revoke, by: "bob", "after all") }
    #expect(throws: Refusal.self) { try desk.assign(a3, to: "mallory", by: "bob") }
    #expect(desk.state(a3)?.decision?.choice == .keep)
    try desk.step(.closed, by: "mallory")
    #expect(desk.desk.holds("a1"))
    #expect(throws: Refusal.self) { try desk.decide(a1, .keep, by: "dan") }
    let decided = try #require(desk.state(a1)?.decision)
    #expect(throws: Refusal.self) { try desk.step(.completed) }
    try desk.execute(a1)
    try desk.execute(a2)
    #expect(!desk.desk.holds("a1") && !desk.desk.holds("a2"))
    let event = try #require(desk.desk.events.last { $0.change == .assignmentRevoked(id: "a1") })
    #expect(
      event.authority.authorisedBy == Approval(approver: "dan", at: decided.at, reference: "review:q", verified: true))
    #expect(event.authority.reason == "not needed" && event.dueAt != nil)
    guard case .assignmentGranted(let id, let grant) = try #require(desk.desk.events.last).change else {
      Issue.record("\(String(describing: desk.desk.events.last))")
      return
    }
    #expect(grant.scope == "prod/db" && grant.role == "reader" && desk.desk.holds(id))
    for item in [a1, a2, a3] { #expect(throws: Refusal.self) { try desk.execute(item) } }
    try desk.step(.completed)
    #expect(desk.desk.world.review("q", at: desk.desk.now)?.progress.state == .completed)
    // What it took away does not come back by a voiding.
    #expect(throws: Refusal.self) { try desk.desk.tell(.eventVoided(position: event.position), reason: "oops") }
    // What it says stays said.
    let position = try #require(desk.desk.events.first { $0.change.type == "review.decided" }).position
    #expect(throws: Refusal.self) { try desk.desk.tell(.eventVoided(position: position), reason: "oops") }
  }

  @Test(arguments: DeadlineMeasure.allCases)
  func `at the deadline what nobody decided is kept, locked or revoked, as the terms say`(_ measure: DeadlineMeasure) throws {
    var desk = try ReviewDesk()
    try desk.open("q", ReviewDesk.terms(ReviewQuery(roles: ["db-admin"]), atDeadline: measure))
    try desk.decide(a3, .keep, by: "bob")
    desk.wait(days: 10)
    #expect(throws: Refusal.self) { try desk.decide(a1, .keep, by: "dan") }
    try desk.step(.closed, reason: "deadline")
    #expect(desk.desk.world.review("q", at: desk.desk.now)?.progress.closing?.undecided == 1)
    switch measure {
    case .keep: #expect(throws: Refusal.self) { try desk.execute(a1) }
    case .lock, .revoke:
      try desk.execute(a1)
      #expect(desk.desk.events.last?.authority.authorisedBy?.reference == "review:q")
    }
    #expect(desk.desk.holds("a1") == (measure != .revoke))
    #expect((desk.desk.world.value(of: .suspension(identity: "ada"), at: desk.desk.now) != nil) == (measure == .lock))
    #expect(throws: Refusal.self) { try desk.execute(a3) }
    try desk.step(.completed)
  }

  @Test func `at once means in the same batch, and what a rule forbids stands in the item and is tried again`() throws {
    var desk = try ReviewDesk()
    try desk.open("q", ReviewDesk.terms(executes: .atOnce, atDeadline: .lock))
    try desk.decide(a1, .revoke, by: "dan", "gone")
    #expect(!desk.desk.holds("a1") && desk.state(a1)?.execution?.outcome == .done)
    #expect(Set(desk.desk.events.suffix(3).map(\.recordedAt)).count == 1)
    // A group cannot be suspended.
    desk.wait(days: 10)
    try desk.step(.closed, reason: "deadline")
    try desk.execute(a4)
    #expect(desk.state(a4)?.execution?.outcome == .failed && desk.state(a4)?.execution?.code == "not_permitted")
    let count = desk.desk.events.count
    #expect(throws: Refusal.self) { try desk.execute(a4) }
    #expect(desk.desk.events.count == count)
    // Revoked by other means, there is nothing left to do.
    try desk.desk.tell(.assignmentRevoked(id: "a4"))
    try desk.execute(a4)
    #expect(desk.state(a4)?.execution?.outcome == .gone)
    // A membership that was made anew since is another one.
    try desk.desk.tell(.membershipRemoved(group: "oncall", member: .identity("ada")))
    try desk.desk.tell(.membershipAdded(group: "oncall", member: .identity("ada"), expiresAt: nil))
    try desk.execute(adaOncall)
    #expect(desk.state(adaOncall)?.execution?.outcome == .gone)
  }

  @Test func `reminders go out once each, and to nobody where nothing is to be decided`() throws {
    var desk = try ReviewDesk()
    try desk.open()
    func remind(_ days: Int64, _ loads: [ReviewReminder.Load]) throws(Refusal) {
      let reminder = ReviewReminder(daysBefore: days, outstanding: loads)
      try desk.desk.send(Command(.review(id: "q", .reminded, by: nil, reminder, nil)))
    }
    try remind(7, [.init(reviewer: "cy", items: 2)])
    #expect(throws: Refusal.self) { try remind(7, [.init(reviewer: "cy", items: 2)]) }
    #expect(throws: Refusal.self) { try remind(1, []) }
    #expect(desk.desk.world.review("q", at: desk.desk.now)?.progress.reminded == [7])
  }

  @Test func `a reminder names everybody, in as many events as it takes, and counts as one`() throws {
    var desk = try ReviewDesk()
    try desk.open()
    let loads = (0..<(2 * Limits.reviewersPerReminder + 500)).map { ReviewReminder.Load(reviewer: "p\($0)", items: 3) }
    let before = desk.desk.events.count
    let reminder = ReviewReminder(daysBefore: 7, outstanding: loads)
    try desk.desk.send(Command(.review(id: "q", .reminded, by: nil, reminder, nil)))
    let told = desk.desk.events.dropFirst(before).compactMap { event -> ReviewReminder? in
      if case .review(_, .reminded, _, let reminder, _) = event.change { reminder } else { nil }
    }
    #expect(told.map(\.outstanding.count) == [1_000, 1_000, 500] && told.allSatisfy { $0.daysBefore == 7 })
    #expect(told.flatMap(\.outstanding) == loads)
    #expect(desk.desk.world.review("q", at: desk.desk.now)?.progress.reminded == [7])
    #expect(throws: Refusal.self) {
      try desk.desk.send(Command(.review(id: "q", .reminded, by: nil, reminder, nil)))
    }
  }

  @Test func `what a role gives that is not known is privileged until it is known, and nothing is where no rule says what is`()
    throws
  {
    var desk = try ReviewDesk()
    // Only seen, never said: what stands in it is not known.
    try desk.desk.send(
      Command(.roleDefined(id: "dark", document: RoleDocument(permissions: nil), attributes: [:])), mode: .observation)
    try desk.desk.tell(
      .roleDefined(id: "wraps", document: RoleDocument(permissions: [], includes: ["dark"]), attributes: [:]))
    let grant = Grant(principal: .identity("ada"), role: "wraps", scope: "prod")
    try desk.desk.tell(.assignmentGranted(id: "d", grant: grant), by: "mallory", isUnapproved: true, reason: "as ever")
    func reviewed() throws -> [String] {
      try desk.desk.world.population(ReviewQuery(isPrivileged: true), at: desk.desk.now).items.map(\.item.text)
    }
    func assessed() throws -> ItemAssessment {
      let found = try #require(desk.desk.world.reviewItem(.assignment("d"), at: desk.desk.now))
      return ReviewAssessor(desk.desk.world, review: "none", at: desk.desk.now).assess(found)
    }
    #expect(try reviewed().isEmpty && assessed().privilege == .no)
    try desk.desk.define("power", ["actions": ["nothing.at-all"]], as: .privileged)
    #expect(try reviewed() == ["assignment:d"])
    #expect(try assessed().privilege == .unknown && assessed().reasons.contains(.privilegeUnknown))
    let known = RoleDocument(permissions: [Permission(actions: ["nothing.much"])])
    try desk.desk.send(Command(.roleDefined(id: "dark", document: known, attributes: [:]), expecting: .present))
    #expect(try reviewed().isEmpty && assessed().privilege == .no)
  }

  @Test func `an item says what it gives, what remains by other paths, and what speaks for or against it`() throws {
    var desk = try ReviewDesk()
    try desk.open("q")
    func assess(_ item: GrantName, in review: String = "q", _ use: LastUse = .notLookedAt) throws -> ItemAssessment {
      let found = try #require(desk.desk.world.reviewItem(item, at: desk.desk.now))
      return ReviewAssessor(desk.desk.world, review: review, at: desk.desk.now) { _ in use }.assess(found)
    }
    // ada is a reader by herself and by being on call.
    let direct = try assess(a2)
    #expect(direct.entitlements.map(\.remainsBy) == [["a4"]] && direct.reasons == [.redundant, .neverReviewed])
    #expect(direct.recommendation == .revoke)
    let admin = try assess(a1)
    #expect(admin.entitlements.map(\.actions) == [["db-admin.*"]] && admin.entitlements[0].remaining.isEmpty)
    #expect(admin.recommendation == nil && admin.lastUse == .notLookedAt)
    func ago(days: Int64) -> Instant { desk.desk.now.adding(microseconds: -days * 86_400_000_000) }
    func unused(_ days: Int64) -> LastUse { LastUse(seen: Interval(from: ago(days: days))) }
    #expect(try assess(a1, unused(90)).reasons.first == .unused)
    #expect(try assess(a1, unused(89)).recommendation == nil)
    #expect(try assess(a1, LastUse(at: ago(days: 89), unseen: .neverCovered)).recommendation == .keep)
    #expect(try assess(a1, LastUse(at: ago(days: 90), seen: Interval(from: ago(days: 200)))).recommendation == nil)
    // What was seen until a while ago says nothing of now.
    let ended = LastUse(seen: Interval(from: ago(days: 200), to: ago(days: 1)), unseen: .coverageEnded)
    #expect(try assess(a1, ended).recommendation == nil)
    try desk.decide(a1, .keep, by: "dan")
    desk.wait(days: 11)
    try desk.step(.closed, reason: "deadline")
    try desk.open("r")
    #expect(try assess(a1, in: "r").recommendation == .keep && assess(a1, in: "r").reasons == [.keptBefore])
    try desk.desk.define("apart", ["roles": ["db-admin", "reader"], "standing": "record"], as: .separationOfDuties)
    #expect(try assess(a1, in: "r").breaches == ["apart"] && assess(a1, in: "r").recommendation == .revoke)
  }

  @Test(arguments: ["assignment:a b%20", "membership:g identity:x y", "membership:a%20b%25c group:d"])
  func `an item's text reads back`(_ text: String) throws {
    #expect(try #require(GrantName(text: text)).text == text)
  }

  @Test(arguments: ["assignment", "membership:g", "membership:%41 identity:x", "membership:a%2 b", "role:x", "membership:g x"])
  func `what is no item's text is none`(_ text: String) {
    #expect(GrantName(text: text) == nil || GrantName(text: text)?.text == text)
  }

  @Test func `an item's text is one for one item, whatever its ids hold`() {
    var random = SeededGenerator(seed: 7)
    let letters = ["a", " ", "%", "2", "0", "5", ":", "\u{301}"]
    for _ in 0..<500 {
      func id() -> String { (0...random.below(5)).map { _ in random.pick(letters) }.joined() }
      let item = random.chance(1, in: 3) ? GrantName.assignment(id()) : .membership(group: id(), member: .identity(id()))
      #expect(GrantName(text: item.text) == item, "\(item.text.unicodeScalars.map { $0 })")
    }
  }
}
