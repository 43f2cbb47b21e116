import AccessGraph
import EventLog
import Governance
import JSON
import Postgres
import Relations
import Temporal
import TestSupport
import Testing

@testable import Jobs

/// Access ends at its end, and the job records that it has.
@Suite struct ExpireGrantsTests {
  let work: Workplace

  init() throws { work = try Workplace() }

  private func counts(_ due: Int64, recorded: Int64, already: Int64 = 0) -> [String: Int64] {
    ["due": due, "recorded": recorded, "already": already]
  }

  @Test func `access ends at its end exactly, whether a job ran or not`() throws {
    try work.submit(.grant("a1", until: hour(8)))
    func holders(_ at: Instant) throws -> [[String]] {
      let subject = WhoSubject.access(action: "read", resource: "org/a1")
      let graph = try work.tenant.read { $0.who(subject, from: Viewpoint(at: at, asKnownAt: $0.position)).map(\.identity) }
      let view = Viewpoint(at: at, asKnownAt: work.tenant.head.position)
      let sql = try SQLQuestions.who(
        tenant: work.tenant.name, action: "read", resource: "org/a1", from: view, on: work.connection)
      return [graph, sql.map(\.identity)]
    }
    func checkEnd() throws {
      #expect(try holders(hour(8).adding(microseconds: -1)) == [["ada"], ["ada"]])
      #expect(try holders(hour(8)) == [[], []])
      #expect(try holders(hour(8).next) == [[], []])
    }
    try checkEnd()
    work.clock.now = hour(8)
    try checkEnd()
    #expect(try work.run().counts == counts(1, recorded: 1))
    try checkEnd()
  }

  @Test func `each end is recorded once, with the time between effect and record`() throws {
    try work.submit(
      .grant("a1", until: hour(2)), .grant("a2", to: .group("staff"), until: hour(3)), .grant("a3", until: hour(9)),
      .grant("a4", until: nil))
    #expect(try work.run().counts == counts(0, recorded: 0))
    work.clock.now = hour(3)
    let run = try work.run()
    #expect(run.state == .succeeded)
    #expect(run.counts == counts(2, recorded: 2))
    #expect(run.position == work.tenant.head.position)
    #expect(try work.expiries() == [Expiry("a1", hour(2)), Expiry("a2", hour(3))])
    let event = try #require(try work.events().last { $0.change == .assignmentExpired(id: "a1") })
    #expect(event.effectiveAt == hour(2))
    #expect(event.recordedAt == hour(3))
    #expect(event.source == "tenure job expire-grants")
    #expect(event.recordedBy == Recorder(id: "tenure job expire-grants", authentication: "local"))
    #expect(event.basis == .declared)
    #expect(event.authority == Authority(reason: "came to its own end"))
    #expect(try work.run().counts == counts(0, recorded: 0))
    work.clock.now = hour(10)
    #expect(try work.run().counts == counts(1, recorded: 1))
    #expect(try work.expiries().count == 3)
    #expect(try work.tenant.verify().isClean)
  }

  @Test func `what ended otherwise, or has not ended, is not recorded`() throws {
    try work.submit(
      .grant("revoked", until: hour(4)), .grant("extended", until: hour(4)), .grant("unlimited", until: hour(4)),
      .grant("shortened", until: hour(9)), .grant("retired", to: .identity("bob"), until: hour(4)),
      .grant("deleted", to: .group("staff"), until: hour(4)), .grant("suspended", until: hour(4)))
    work.clock.now = hour(3)
    try work.submit(
      .assignmentRevoked(id: "revoked"), .assignmentExtended(id: "extended", expiresAt: hour(9)),
      .assignmentExtended(id: "unlimited", expiresAt: nil), .assignmentExtended(id: "shortened", expiresAt: hour(5)),
      .identityRetired(id: "bob"), .groupDeleted(id: "staff"), .identitySuspended(id: "ada"))
    work.clock.now = hour(8)
    #expect(try work.run().counts == counts(2, recorded: 2))
    #expect(Set(try work.expiries()) == [Expiry("suspended", hour(4)), Expiry("shortened", hour(5))])
    work.clock.now = hour(9)
    #expect(try work.run().counts == counts(1, recorded: 1))
    try work.submit(.grant("of-a-role", until: hour(12)))
    work.clock.now = hour(11)
    try work.submit(.roleRetired(id: "reader"))
    work.clock.now = hour(13)
    #expect(try work.run().counts == counts(0, recorded: 0))
  }

  @Test func `each end of a membership is recorded once, also of a group in a group`() throws {
    func join(_ group: String, _ member: Entity, until end: Instant?) -> Change {
      .membershipAdded(group: group, member: member, expiresAt: end)
    }
    try work.submit(
      .groupCreated(id: "night", attributes: [:]), .groupCreated(id: "gone", attributes: [:]),
      join("staff", .identity("ada"), until: hour(2)), join("staff", .group("night"), until: hour(3)),
      join("night", .identity("ada"), until: hour(3)), join("night", .identity("bob"), until: hour(3)),
      join("gone", .identity("ada"), until: hour(3)), join("staff", .identity("bob"), until: hour(9)))
    try work.submit(
      .membershipRemoved(group: "night", member: .identity("bob")), .groupDeleted(id: "gone"),
      join("staff", .identity("bob"), until: hour(4)), at: hour(1))
    work.clock.now = hour(5)
    let run = try work.run()
    #expect(run.counts == counts(4, recorded: 4))
    #expect(
      Set(try work.expiries()) == [
        Expiry("staff identity:ada", hour(2)), Expiry("staff group:night", hour(3)), Expiry("night identity:ada", hour(3)),
        Expiry("staff identity:bob", hour(4)),
      ])
    #expect(try work.run().counts == counts(0, recorded: 0))
    // Again, and another end: it comes to that too; somebody else's record of it counts.
    try work.submit(join("staff", .identity("ada"), until: hour(7)), join("staff", .identity("bob"), until: hour(7)))
    work.clock.now = hour(8)
    try work.submit(.membershipExpired(group: "staff", member: .identity("bob")), at: hour(7))
    #expect(try work.run().counts == counts(1, recorded: 1))
    #expect(try work.expiries().count == 6)
    #expect(try work.tenant.verify().isClean)
  }

  @Test func `a run that was noted before memberships were looked at does not hide their ends`() throws {
    try work.submit(.membershipAdded(group: "staff", member: .identity("ada"), expiresAt: hour(2)))
    work.clock.now = hour(5)
    let noted: JSONValue = [
      "before": .string(hour(5).description), "position": .integer(work.tenant.head.position), "generation": 0,
    ]
    let report = try Job.expireGrants.work(work.context(reached: noted))
    #expect(report.counts == counts(1, recorded: 1))
    let next = try Job.expireGrants.work(work.context(reached: report.reached))
    #expect(next.counts == counts(0, recorded: 0))
  }

  @Test func `what ended at the very instant of a revocation came to its own end too`() throws {
    try work.submit(.grant("a1", until: hour(4)))
    work.clock.now = hour(5)
    try work.submit(.assignmentRevoked(id: "a1"), .identityRetired(id: "ada"), at: hour(4))
    #expect(try work.run().counts == counts(1, recorded: 1))
  }

  @Test func `what somebody else recorded is not recorded again, not even once it is voided`() throws {
    try work.submit(.grant("a1", until: hour(4)))
    work.clock.now = hour(5)
    let receipt = try work.submit(.assignmentExpired(id: "a1"), at: hour(4))
    #expect(try work.run().counts == counts(0, recorded: 0))
    try work.submit(.eventVoided(position: try #require(receipt.lastPosition)))
    #expect(try work.run().counts == counts(0, recorded: 0))
    #expect(try work.expiries() == [Expiry("a1", hour(4))])
  }

  // MARK: Nothing is skipped

  @Test func `an end that is learnt late is recorded, however far behind the last run it lies`() throws {
    work.clock.now = hour(500)
    #expect(try work.run().counts == counts(0, recorded: 0))
    // Granted with an end that has passed, as a connector finds it.
    try work.submit(.grant("late", until: hour(20)), at: hour(10))
    #expect(try work.run().counts == counts(1, recorded: 1))
    // An end that moves to an earlier one, after it was recorded.
    try work.submit(.assignmentExtended(id: "late", expiresAt: hour(15)), at: hour(12))
    #expect(try work.run().counts == counts(1, recorded: 1))
    #expect(try work.expiries() == [Expiry("late", hour(20)), Expiry("late", hour(15))])
  }

  @Test func `an end that appears because something is voided is recorded`() throws {
    try work.submit(
      .grant("revoked", until: hour(10)), .grant("retired", to: .identity("bob"), until: hour(10)),
      .grant("extended", until: hour(10)))
    work.clock.now = hour(5)
    let revocation = try work.submit(.assignmentRevoked(id: "revoked"))
    let retirement = try work.submit(.identityRetired(id: "bob"))
    let extension_ = try work.submit(.assignmentExtended(id: "extended", expiresAt: nil))
    work.clock.now = hour(100)
    #expect(try work.run().counts == counts(0, recorded: 0))
    for (receipt, id) in [(revocation, "revoked"), (retirement, "retired"), (extension_, "extended")] {
      try work.submit(.eventVoided(position: try #require(receipt.lastPosition)))
      #expect(try work.run().counts == counts(1, recorded: 1))
      #expect(try work.expiries().last == Expiry(id, hour(10)))
    }
  }

  @Test func `an end that appears because its principal is learnt of late is recorded`() throws {
    work.clock.now = hour(100)
    // A placeholder is made at the grant, so the principal must end and begin again to be missing.
    try work.submit(.grant("a1", to: .identity("cid"), until: hour(50)), at: hour(20))
    let receipt = try work.submit(.identityRetired(id: "cid"), at: hour(30))
    #expect(try work.run().counts == counts(0, recorded: 0))
    try work.submit(.grant("a2", until: hour(110)))
    #expect(try work.run().counts == counts(0, recorded: 0))
    try work.submit(.eventVoided(position: try #require(receipt.lastPosition)))
    #expect(try work.run().counts == counts(1, recorded: 1))
  }

  @Test func `a clock that was a day ahead, or is a day behind, skips nothing`() throws {
    try work.submit(.grant("a1", until: hour(10)), .grant("a2", until: hour(20)), .grant("a3", until: hour(40)))
    work.clock.now = hour(12)
    #expect(try work.run().counts == counts(1, recorded: 1))
    work.clock.now = hour(12 + 24)
    #expect(try work.run().counts == counts(1, recorded: 1))
    work.clock.now = hour(12)
    #expect(try work.run().counts == counts(0, recorded: 0))
    // What is recorded now, an hour ago by the clock, ends in what the log holds for the past.
    try work.submit(.grant("a4", until: hour(21)), at: hour(11))
    #expect(try work.run().counts == counts(1, recorded: 1))
    work.clock.now = hour(41)
    #expect(try work.run().counts == counts(1, recorded: 1))
    #expect(Set(try work.expiries().map(\.id)) == ["a1", "a2", "a3", "a4"])
  }

  @Test func `where relation rows were mended, all ends are looked at again`() throws {
    try work.submit(.grant("a1", until: hour(10)), .grant("a2", until: hour(10)))
    // The row is lost before the job sees it; a rebuild writes it again.
    let superuser = try Connection(try ScratchDatabase.conninfo(user: EmbeddedServer.superuser) + " dbname=jobs")
    try superuser.run("DELETE FROM tenure.assignments WHERE tenant_id = \(work.tenant.id) AND id = 'a2'")
    work.clock.now = hour(50)
    #expect(try work.run().counts == counts(1, recorded: 1))
    let rebuild = Rebuild(tenant: work.tenant.id) { body, position in try EventCodec.decode(Array(body.utf8), at: position) }
    #expect(try rebuild.run(on: work.connection) { _, _ in }.isClean == false)
    #expect(try work.run().counts == counts(1, recorded: 1))
  }

  @Test func `what a run noted is not believed where it is something else`() throws {
    try work.submit(.grant("a1", until: hour(10)))
    work.clock.now = hour(50)
    let future: JSONValue = ["before": .string(hour(99).description), "position": 10_000, "generation": 0]
    for reached in [future, "text", ["before": "yesterday", "position": 1, "generation": 0], ["position": 1]] as [JSONValue] {
      // Found, so that it asks for the tenant to record it.
      #expect(throws: Unexpected.self) {
        try Job.expireGrants.work(work.context(reached: reached, openTenant: { throw Unexpected() }))
      }
    }
  }

  // MARK: Killed, repeated, cut short

  @Test func `killed between its events and the record of its run, nothing is missing and nothing comes twice`() throws {
    try work.submit(.grant("a1", until: hour(2)), .grant("a2", until: hour(3)))
    work.clock.now = hour(5)
    // The work without the record.
    #expect(try Job.expireGrants.work(work.context()).counts == counts(2, recorded: 2))
    #expect(try work.run().counts == counts(0, recorded: 0))
    #expect(try work.expiries().count == 2)
  }

  @Test func `two processes at the same ends record each once`() throws {
    try work.submit(.grant("a1", until: hour(2)), .grant("a2", until: hour(3)))
    work.clock.now = hour(5)
    let (tenant, other) = (work.tenant, work.context())
    // The other comes between this one's reading of the ends and its recording of them.
    let report = try Job.expireGrants.work(
      work.context(openTenant: {
        let recorded = try Job.expireGrants.work(other).counts["recorded"]
        #expect(recorded == 2)
        return tenant
      }))
    #expect(report.counts == counts(2, recorded: 0, already: 2))
    #expect(try work.expiries().count == 2)
  }

  @Test func `an end that moves between being found and being recorded is left to what moved it`() throws {
    try work.submit(.grant("a1", until: hour(2)), .grant("a2", until: hour(2)))
    work.clock.now = hour(5)
    let tenant = work.tenant
    let report = try Job.expireGrants.work(
      work.context(openTenant: {
        try work.submit(.assignmentExtended(id: "a1", expiresAt: hour(4)), at: hour(1))
        return tenant
      }))
    #expect(report.counts == counts(2, recorded: 1))
    #expect(try Job.expireGrants.work(work.context(reached: report.reached)).counts == counts(1, recorded: 1))
    #expect(Set(try work.expiries()) == [Expiry("a2", hour(2)), Expiry("a1", hour(4))])
  }

  @Test func `a run that is out of time ends at a page, and the next goes on there`() throws {
    // Two and a half pages, most of them of one instant.
    let count = 2_500
    let submissions = (0..<count).map { number in
      Submission(
        mode: .observation, source: "test", basis: .observed, recordedBy: Recorder(id: "test", authentication: "local"),
        commands: [Command(.grant("a\(number)", until: hour(number < 300 ? 1 : 2)))])
    }
    _ = try work.tenant.append(submissions)
    work.clock.now = hour(5)
    #expect(try work.run(isOver: { true }).counts == counts(1_000, recorded: 1_000))
    #expect(try work.run(isOver: { true }).counts["recorded"] == 300)
    #expect(try work.run().counts == counts(1_200, recorded: 1_200))
    let expiries = try work.expiries()
    #expect(expiries.count == count)
    #expect(Set(expiries).count == count)
    #expect(try work.run().counts == counts(0, recorded: 0))
  }

  // MARK: What it costs

  @Test func `a run reads the ends since the last one, not all assignments`() throws {
    let submissions = (0..<3_000).map { number in
      Submission(
        mode: .observation, source: "test", basis: .observed, recordedBy: Recorder(id: "test", authentication: "local"),
        commands: [Command(.grant("a\(number)", until: number.isMultiple(of: 2) ? hour(Int64(1 + number % 50)) : nil))])
    }
    _ = try work.tenant.append(submissions)
    work.clock.now = hour(60)
    let first = try Job.expireGrants.work(work.context())
    #expect(first.counts == counts(1_500, recorded: 1_500))
    try work.submit(.grant("new", until: hour(62)))
    work.clock.now = hour(63)
    // Counted in one transaction, where the statistics stay this session's own.
    try work.connection.execute("BEGIN")
    defer { try? work.connection.execute("ROLLBACK") }
    func rowsRead() throws -> Int64 {
      try work.connection.query(
        """
        SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables
        WHERE schemaname = 'tenure' AND relname = 'assignments'
        """)[0].int64(0)
    }
    let before = try rowsRead()
    let second = try Job.expireGrants.work(work.context(reached: first.reached))
    #expect(second.counts == counts(1, recorded: 1))
    let read = try rowsRead() - before
    #expect((1...10).contains(read))
  }
}

/// Thrown where a tenant's graph is asked for and should not be.
struct Unexpected: Error {}
