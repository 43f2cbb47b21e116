import AccessGraph
import Dispatch
import EventLog
import Governance
import JSON
import Temporal
import TestSupport
import Testing

@Suite struct AppendTests {
  let store: EventStore
  let tenant: Tenant
  let clock = TestClock(second(0))

  init() throws {
    let clock = clock
    store = try ScratchDatabase.store(EventStore.Settings(clock: { clock.now }))
    tenant = try store.create(tenant: ScratchDatabase.tenantName())
  }

  @Test func `what is appended is read again, here and by another process`() throws {
    let receipt = try tenant.submitAndWait(.governed(.register("ada"), .create("ops"), .add(.identity("ada"), to: "ops")))
    #expect(receipt.events == [1, 2, 3])
    #expect(receipt.recordedAt == second(0))
    #expect(tenant.head.position == 3)
    #expect(tenant.head.recordedAt == second(0))
    let recorded = try tenant.events(at: [3, 1, 99])
    #expect(recorded.map(\.event.position) == [1, 3])
    #expect(recorded[0].event.change == .identityRegistered(id: "ada", kind: .person, attributes: [:]))
    #expect(recorded[0].event.effectiveAt == second(0))
    #expect(recorded[0].event.commandID == receipt.commandID)
    #expect(recorded[0].event.basis == .enforced)
    let other = try ScratchDatabase.store()
    let sameTenant = try #require(try other.find(tenant: tenant.name))
    #expect(sameTenant.head == tenant.head)
    for tenant in [tenant, sameTenant] {
      let members = try tenant.read { $0.who(.group("ops"), from: Viewpoint(at: second(1), asKnownAt: 3)) }
      #expect(members.map(\.identity) == ["ada"])
    }
    #expect(try tenant.verify() == sameTenant.verify())
    #expect(try tenant.verify().isClean)
  }

  @Test func `tenants have names of their own, and their logs do not touch`() throws {
    #expect(throws: EventLogError.tenantExists(tenant.name)) { try store.create(tenant: tenant.name) }
    for name in ["", "Upper", "a b", "ä", String(repeating: "x", count: 64)] {
      #expect(throws: EventLogError.badTenantName) { try store.create(tenant: name) }
    }
    #expect(try store.find(tenant: "no-such-tenant") == nil)
    let other = try store.findOrCreate(tenant: ScratchDatabase.tenantName())
    #expect(try store.findOrCreate(tenant: other.name) === other)
    #expect(try store.tenantNames().contains(other.name))
    try tenant.submitAndWait(.governed(.register("ada")))
    #expect(other.head.position == 0)
    #expect(try !other.knows("ada"))
  }

  @Test func `recorded_at is one for a batch and grows from batch to batch, whatever the clock says`() throws {
    clock.now = second(10)
    #expect(try tenant.submitAndWait(.governed(.register("a"), .register("b"))).recordedAt == second(10))
    #expect(try tenant.submitAndWait(.governed(.register("c"))).recordedAt == second(10).next)
    clock.now = second(5)
    #expect(try tenant.submitAndWait(.governed(.register("d"))).recordedAt == second(10).next.next)
    #expect(tenant.now == second(10).next.next)
    clock.now = second(20)
    #expect(tenant.now == second(20))
  }

  @Test func `as known at never shows part of a batch`() throws {
    clock.now = second(10)
    try tenant.submitAndWait(.governed(.register("a"), .register("b")))
    clock.now = second(20)
    try tenant.submitAndWait(.governed(.register("c"), .register("d"), .register("e")))
    clock.now = second(30)
    try tenant.submitAndWait(.governed(.register("f")))
    let expected: [Int64: Int64] = [0: 0, 1: 0, 2: 2, 3: 2, 4: 2, 5: 5, 6: 6]
    for (asked, known) in expected { #expect(try tenant.position(.position(asked)) == known) }
    #expect(throws: EventLogError.futurePosition(asked: 7, head: 6)) { try tenant.position(.position(7)) }
    #expect(try tenant.position(.instant(second(9))) == 0)
    #expect(try tenant.position(.instant(second(10))) == 2)
    #expect(try tenant.position(.instant(second(25))) == 5)
    #expect(try tenant.position(.instant(second(99))) == 6)
    #expect(try tenant.position(.head) == 6)
  }

  @Test func `a refused command fails its whole batch, and says where`() throws {
    let refusal = try tenant.refusal(of: .governed(.register("ada"), .add(.identity("bob"), to: "ops")))
    #expect(refusal.code == .unknownReference)
    #expect(refusal.pointer == "/commands/1/group")
    #expect(tenant.head.position == 0)
    #expect(try !tenant.knows("ada"))
    #expect(try tenant.refusal(of: .governed(.add(.identity("bob"), to: "ops"))).pointer == "/group")
    #expect(try tenant.refusal(of: .governed()).pointer == "/commands")
    try tenant.submitAndWait(.governed(.register("ada")))
    #expect(tenant.head.position == 1)
  }

  @Test func `a rule refuses a governed batch and becomes a finding in an observed one, once`() throws {
    try tenant.submitAndWait(.governed(.create("a"), .create("b"), .add(.group("b"), to: "a")))
    let refusal = try tenant.refusal(of: .governed(.register("ada"), .add(.group("a"), to: "b")))
    #expect(refusal.code == .cycle)
    #expect(refusal.pointer == "/commands/1/member")
    #expect(tenant.head.position == 3)
    let receipt = try tenant.submitAndWait(.observed(.add(.group("a"), to: "b")))
    let types = try tenant.events(at: receipt.events).map(\.event.change.type)
    #expect(types == ["membership.added", "finding.raised"])
  }

  @Test func `what cannot be read again is never recorded`() throws {
    var command = Command.register("ada")
    command.authority.actor = Actor(id: "")
    #expect(try tenant.refusal(of: .governed(command)).code == .malformed)
    command.authority = Authority(reason: "a NUL: \0")
    #expect(try tenant.refusal(of: .governed(command)).code == .malformed)
    let fraction = Command.register("ada", ["height": .open(1.5)])
    #expect(try tenant.refusal(of: .observed(fraction)).code == .malformed)
    var submission = Submission.governed(.register("ada"))
    submission.source = ""
    #expect(try tenant.refusal(of: submission).code == .malformed)
    let large = (0..<200).map { ("a\($0)", AttributeValue.open(.string(String(repeating: "x", count: 6000)))) }
    let body = Command(.resourceDescribed(path: "r", attributes: Dictionary(uniqueKeysWithValues: large)))
    #expect(try tenant.refusal(of: .governed(body)).code == .limitExceeded)
    #expect(tenant.head.position == 0)
    try tenant.submitAndWait(.governed(.register("ada")))
  }

  @Test func `the same key and body get the first answer, another body is refused`() throws {
    let submission = Submission.governed(.register("ada", ["title": .open("x")]), key: "key-1")
    let first = try tenant.submitAndWait(submission)
    #expect(!first.isReplay)
    clock.now = second(50)
    var again = try tenant.submitAndWait(submission)
    #expect(again.isReplay)
    again.isReplay = false
    #expect(again == first)
    #expect(tenant.head.position == 1)
    #expect(try tenant.refusal(of: .governed(.register("bob"), key: "key-1")).code == .keyReused)
    let other = try #require(try ScratchDatabase.store().find(tenant: tenant.name))
    #expect(try other.submitAndWait(submission).isReplay)
    // A refused one is decided afresh.
    #expect(try tenant.refusal(of: .governed(.add(.identity("ada"), to: "ops"), key: "key-2")).code == .unknownReference)
    try tenant.submitAndWait(.governed(.create("ops")))
    #expect(try !tenant.submitAndWait(.governed(.add(.identity("ada"), to: "ops"), key: "key-2")).isReplay)
  }

  @Test func `the same key twice in one transaction is recorded once`() throws {
    let submission = Submission.governed(.register("ada"), key: "twice")
    let other = Submission.governed(.register("bob"), key: "twice")
    let results = try tenant.append([submission, submission, other])
    #expect(try results[0].get().isReplay == false)
    #expect(try results[1].get().isReplay)
    #expect(try results[1].get().events == [1])
    #expect(throws: Refusal.self) { try results[2].get() }
    #expect(tenant.head.position == 1)
  }

  @Test func `many callers at once are recorded in the order of their answers`() async throws {
    let receipts = try await withThrowingTaskGroup(of: Receipt.self) { group in
      for number in 0..<200 {
        group.addTask { try await tenant.submit(.governed(.register("i\(number)"), .create("g\(number)"))) }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    #expect(Set(receipts.flatMap(\.events)) == Set(1...400))
    let byPosition = receipts.sorted { ($0.firstPosition ?? 0) < ($1.firstPosition ?? 0) }
    #expect(byPosition.map(\.recordedAt) == byPosition.map(\.recordedAt).sorted())
    #expect(Set(receipts.map(\.recordedAt)).count == 200)
    #expect(try tenant.verify().isClean)
  }

  @Test func `a bulk append of more than a transaction holds is complete, and a refusal in it fails alone`() throws {
    var batches = (0..<12_000).map { Submission.observed(.register("i\($0)")) }
    batches[7_000] = .governed(.add(.identity("nobody"), to: "nothing"))
    let reports = Collected<Int>()
    let results = try tenant.append(batches) { reports.add($0) }
    #expect(reports.all.last == 12_000)
    #expect(tenant.head.position == 11_999)
    #expect(throws: Refusal.self) { try results[7_000].get() }
    #expect(try results[11_999].get().events == [11_999])
    let again = try #require(try ScratchDatabase.store().find(tenant: tenant.name))
    #expect(again.head.position == 11_999)
    #expect(try again.verify().isClean)
  }

  @Test func `a head far ahead of the clock is reported, and blocks nothing`() throws {
    let alarms = Collected<Alarm>()
    let clock = clock
    let store = try ScratchDatabase.store(EventStore.Settings(clock: { clock.now }, alarm: { alarms.add($0) }))
    let tenant = try store.create(tenant: ScratchDatabase.tenantName())
    clock.now = second(1000)
    try tenant.submitAndWait(.governed(.register("ada")))
    clock.now = second(0)
    let receipt = try tenant.submitAndWait(.governed(.register("bob")))
    #expect(receipt.recordedAt == second(1000).next)
    #expect(alarms.all == [.headAhead(tenant: tenant.name, microseconds: 1_000_000_001)])
  }

  @Test func `after closing nothing is taken`() throws {
    store.close()
    #expect(throws: SubmissionFailure.closed) { try tenant.submitAndWait(.governed(.register("ada"))) }
    store.close()
  }
}
