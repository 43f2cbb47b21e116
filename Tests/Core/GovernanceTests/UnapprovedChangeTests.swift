import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// What gives a governed role or membership without a request, whichever way: refused, or said to be unapproved and found.
@Suite struct UnapprovedChangeTests {
  private static let ada = Entity.identity("ada")
  private static let inTheVault = Fact.membership(group: "vault", member: ada)

  private static func role(_ id: String, includes: [String], isNew: Bool = false) -> Command {
    Command(
      .roleDefined(id: id, document: RoleDocument(permissions: [], includes: includes), attributes: [:]),
      expecting: isNew ? .absent : .present)
  }

  private static func grant(_ id: String, _ principal: Entity, _ role: String, on scope: String) -> Change {
    .assignmentGranted(id: id, grant: Grant(principal: principal, role: role, scope: scope))
  }

  private static func join(_ group: String, _ member: Entity, until end: Instant? = nil) -> Change {
    .membershipAdded(group: group, member: member, expiresAt: end)
  }

  /// The desk where ada holds `reader` on prod/db, and `outer` on it through `middle`, which includes nothing.
  private static func desk() throws -> RequestDesk {
    var desk = try RequestDesk()
    try desk.define("db", RequestDesk.rule(approvals: 1, ["revisions": []]))
    try desk.send(role("middle", includes: [], isNew: true))
    try desk.send(role("outer", includes: ["middle"], isNew: true))
    try desk.tell(grant("a", ada, "outer", on: "prod/db"))
    for group in ["dba", "night"] { try desk.tell(.groupCreated(id: group, attributes: [:])) }
    try desk.tell(grant("g", .group("dba"), "db-admin", on: "prod"), isUnapproved: true, reason: "as it was")
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

  /// The command is refused; said to be unapproved, or observed, it is found.
  private func expectGoverned(_ command: Command, in desk: RequestDesk, _ comment: Comment) throws {
    var desk = desk
    let before = desk.findings.count
    #expect(try refused { try desk.send(command) }?.code == .approvalRequired, comment)
    var observed = desk
    try observed.send(command, mode: .observation)
    #expect(observed.findings.dropFirst(before) == ["unapproved_change"], comment)
    var unapproved = command
    (unapproved.isUnapproved, unapproved.authority.reason) = (true, "no time")
    try desk.send(unapproved)
    #expect(desk.findings.dropFirst(before) == ["unapproved_change"], comment)
  }

  private func expectFree(_ command: Command, in desk: RequestDesk, _ comment: Comment) throws {
    var desk = desk
    let before = desk.findings.count
    try desk.send(command)
    #expect(desk.findings.count == before, comment)
  }

  // MARK: Roles

  @Test func `a role that comes to include a governed one gives it to all who hold it`() throws {
    var desk = try Self.desk()
    try desk.send(Self.role("payer", includes: ["db-admin"]))
    try expectGoverned(Self.role("outer", includes: ["middle", "db-admin"]), in: desk, "held itself")
    try expectGoverned(Self.role("middle", includes: ["db-admin"]), in: desk, "by the one that includes it")
    try expectGoverned(Self.role("middle", includes: ["payer"]), in: desk, "by another included role")
    try expectFree(Self.role("reader", includes: ["db-admin"]), in: desk, "held by nobody")
    try expectFree(Self.role("middle", includes: ["reader"]), in: desk, "not governed")
    try desk.send(Self.role("elsewhere", includes: [], isNew: true))
    try desk.tell(Self.grant("e", Self.ada, "elsewhere", on: "test"))
    try expectFree(Self.role("elsewhere", includes: ["db-admin"]), in: desk, "held where it is not governed")
  }

  @Test func `a role that gives it already gives nothing new, but after its inclusion had ended it does`() throws {
    var desk = try Self.desk()
    var given = Self.role("middle", includes: ["db-admin"])
    (given.isUnapproved, given.authority.reason) = (true, "no time")
    try desk.send(given)
    try expectFree(Self.role("outer", includes: ["middle", "db-admin"]), in: desk, "as before")
    try desk.send(Self.role("middle", includes: []))
    try expectGoverned(Self.role("outer", includes: ["middle", "db-admin"]), in: desk, "no more")
    let emptied = Int64(desk.events.count)
    try expectGoverned(Command(.eventVoided(position: emptied), authority: Authority(reason: "no")), in: desk, "voided")
  }

  @Test func `a role that is defined under those who hold it, observed or dated back`() throws {
    var desk = try Self.desk()
    try desk.send(Command(Self.grant("u", Self.ada, "unseen", on: "prod")), mode: .observation)
    try expectGoverned(Self.role("unseen", includes: ["db-admin"]), in: desk, "a placeholder")
  }

  @Test func `a longest life is that of a role however it is given`() throws {
    var desk = try Self.desk()
    try desk.define("short", ["roles": ["middle"], "longest_seconds": 60], as: .lifetime)
    #expect(try refused { try desk.tell(Self.grant("b", Self.ada, "outer", on: "test")) }?.code == .tooLong)
  }

  // MARK: Memberships

  @Test func `a membership that gives a governed role counts, whether or not the policy names the group`() throws {
    var desk = try Self.desk()
    let join = Command(Self.join("dba", .identity("dan")))
    try expectGoverned(join, in: desk, "the group holds it")
    try desk.tell(Self.join("dba", .group("night")), isUnapproved: true, reason: "nights")
    try expectGoverned(Command(Self.join("night", .identity("dan"))), in: desk, "one above it holds it")
    try expectGoverned(Command(Self.join("night", .group("leads"))), in: desk, "a group comes into it")
    try desk.tell(.assignmentRevoked(id: "g"))
    try expectFree(join, in: desk, "it holds it no more")
    var back = join
    (back.effectiveAt, back.authority.reason) = (desk.now.adding(microseconds: -5), "it was so")
    desk.now = desk.now.next
    try expectGoverned(back, in: desk, "it held it then")
    try desk.tell(Self.grant("t", .group("dba"), "db-admin", on: "test"))
    try expectFree(join, in: desk, "where it is not governed")
  }

  @Test func `a membership counts by what the group gets while it lasts, and by a role that includes it`() throws {
    var desk = try Self.desk()
    try desk.tell(.assignmentRevoked(id: "g"))
    let later = desk.now.adding(microseconds: 3_600 * RequestDesk.second)
    var ahead = Command(Self.grant("later", .group("dba"), "outer", on: "prod"), effectiveAt: later)
    ahead.isUnapproved = true
    try desk.send(ahead)
    try expectFree(Command(Self.join("dba", .identity("dan"))), in: desk, "not governed")
    var middle = Self.role("middle", includes: ["db-admin"])
    (middle.isUnapproved, middle.authority.reason) = (true, "no time")
    try desk.send(middle)
    try expectFree(Command(Self.join("dba", .identity("dan"), until: later)), in: desk, "over before")
    try expectGoverned(Command(Self.join("dba", .identity("dan"), until: later.next)), in: desk, "it lasts until then")
  }

  @Test func `coming into a group that lies in a governed one is coming into that`() throws {
    var desk = try Self.desk()
    try desk.tell(Self.join("vault", .group("night")), isUnapproved: true, reason: "nights")
    try expectGoverned(Command(Self.join("night", .identity("dan"))), in: desk, "by nesting")
  }

  // MARK: What comes back

  @Test func `a registration dated back does not bring back what a request granted`() throws {
    for proposal in [
      RequestProposal.assignment(principal: Self.ada, role: "db-admin", scope: "prod", condition: nil),
      .membership(group: "vault", member: Self.ada),
    ] {
      for isObserved in [false, true] {
        var desk = try RequestDesk()
        let start = desk.now
        desk.wait(seconds: 3_600)
        try desk.submit("r", RequestDesk.terms(proposal, seconds: 28_800))
        try desk.step("r", .approved, by: "bob")
        let fact = try #require(proposal.grantedFact(by: "r"))
        try desk.tell(.identityRetired(id: "ada"), at: start.adding(microseconds: 60 * RequestDesk.second), reason: "left")
        #expect(desk.world.value(of: fact, at: desk.now) == nil && desk.state("r") == .ended)
        let back = Command(
          .identityRegistered(id: "ada", kind: .person, attributes: [:]),
          effectiveAt: start.adding(microseconds: 120 * RequestDesk.second), authority: Authority(reason: "came again"))
        try desk.send(back, mode: isObserved ? .observation : .governed)
        #expect(desk.world.value(of: fact, at: desk.now) == nil && desk.state("r") == .ended, "\(proposal) \(isObserved)")
        #expect(desk.world.exists(Self.ada, at: desk.now))
      }
    }
  }

  @Test func `a placeholder dated back does not bring back what a request granted`() throws {
    var desk = try RequestDesk()
    let start = desk.now
    desk.wait(seconds: 3_600)
    try desk.submit("r", RequestDesk.terms(seconds: 28_800))
    try desk.step("r", .approved, by: "bob")
    try desk.tell(.identityRetired(id: "ada"), at: start.adding(microseconds: 60 * RequestDesk.second), reason: "left")
    try desk.send(
      Command(
        Self.grant("seen", Self.ada, "reader", on: "test"), effectiveAt: start.adding(microseconds: 120 * RequestDesk.second)),
      mode: .observation)
    #expect(desk.holds("seen") && !desk.holds("r") && desk.state("r") == .ended)
  }

  @Test func `a registration dated back brings back what was given directly only as unapproved`() throws {
    var desk = try RequestDesk()
    let start = desk.now
    desk.wait(seconds: 3_600)
    try desk.tell(Self.grant("d", Self.ada, "db-admin", on: "prod"), isUnapproved: true, reason: "no time")
    try desk.tell(.identityRetired(id: "ada"), at: start.adding(microseconds: 60 * RequestDesk.second), reason: "left")
    let back = Command(
      .identityRegistered(id: "ada", kind: .person, attributes: [:]),
      effectiveAt: start.adding(microseconds: 120 * RequestDesk.second), authority: Authority(reason: "came again"))
    try expectGoverned(back, in: desk, "it holds again")
    try desk.tell(.identityRegistered(id: "ada", kind: .person, attributes: [:]))
    #expect(!desk.holds("d"))
  }

  // MARK: Overlapping memberships

  @Test func `a membership that is asked for neither replaces nor shortens one that is held otherwise`() throws {
    let hour: Int64 = 3_600 * RequestDesk.second
    // Dated ahead, with an end or without: the request would cut it short, or be cut short by it.
    for end in [nil, Int64(2), 20] {
      var desk = try RequestDesk()
      let now = desk.now
      let start = now.adding(microseconds: hour)
      let direct = Self.join("vault", Self.ada, until: end.map { now.adding(microseconds: $0 * hour) })
      var command = Command(direct, effectiveAt: start, authority: Authority(reason: "no time"))
      command.isUnapproved = true
      try desk.send(command)
      let proposal = RequestProposal.membership(group: "vault", member: Self.ada)
      let refusal = try refused { try desk.submit("m", RequestDesk.terms(proposal, seconds: 3_601)) }
      #expect(refusal?.code == .noChange && refusal?.pointer == "/proposal")
      try desk.submit("m", RequestDesk.terms(proposal, seconds: 3_000))
    }
  }

  @Test func `a membership that is given otherwise outlasts one that was asked for ahead of it`() throws {
    for isObserved in [false, true] {
      for hours in [nil, Int64(2), 3, 20] {
        var desk = try RequestDesk()
        let hour: Int64 = 3_600 * RequestDesk.second
        let start = desk.now.adding(microseconds: hour)
        let last = start.adding(microseconds: 2 * hour)
        let terms = RequestDesk.terms(.membership(group: "vault", member: Self.ada), seconds: 7_200, start: .at(start))
        try desk.submit("m", terms)
        try desk.step("m", .approved, by: "bob")
        let end = hours.map { start.adding(microseconds: ($0 - 1) * hour) }
        var direct = Command(Self.join("vault", Self.ada, until: end), authority: Authority(reason: "no time"))
        direct.isUnapproved = !isObserved
        try desk.send(direct, mode: isObserved ? .observation : .governed)
        let held = IntervalSet(desk.world.holds(Self.inTheVault).map { Interval(from: $0.from, to: $0.to) })
        let longest = end.map { max($0, last) }
        #expect(held.intervals.count == 1 && held.intervals.first?.to == longest, "\(String(describing: hours)) \(isObserved)")
        // Where the request has something left to give, it ends on its own.
        let isLeft = end.map { $0 <= last } ?? false
        #expect(desk.state("m") == (isLeft ? .active : .ended), "\(String(describing: hours))")
      }
    }
  }
}
