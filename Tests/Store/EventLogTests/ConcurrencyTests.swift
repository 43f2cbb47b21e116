import AccessGraph
import Dispatch
import EventLog
import Governance
import Postgres
import Temporal
import TestSupport
import Testing

/// Two stores on one database stand for two processes: they share nothing else.
@Suite struct ConcurrencyTests {
  let first: EventStore
  let second: EventStore
  let name: String

  init() throws {
    first = try ScratchDatabase.store()
    second = try ScratchDatabase.store()
    name = ScratchDatabase.tenantName()
    _ = try first.create(tenant: name)
  }

  private func tenants() throws -> [Tenant] {
    [try #require(try first.find(tenant: name)), try #require(try second.find(tenant: name))]
  }

  @Test func `two processes append under contention: nothing is lost, nothing twice, nobody starves`() throws {
    // Thread 28 (TEAM#513): elsewhere a grant or a revocation that meets another is refused for the conflict, and not tried again.
    let tenants = try tenants()
    let each = 150
    let receipts = Collected<Receipt>()
    let failures = Collected<SubmissionFailure>()
    DispatchQueue.concurrentPerform(iterations: 4) { worker in
      for number in 0..<each {
        do throws(SubmissionFailure) {
          receipts.add(
            try tenants[worker % 2].submitAndWait(.governed(.register("w\(worker)-\(number)"), .create("w\(worker)-\(number)")))
          )
        } catch {
          failures.add(error)
        }
      }
    }
    #expect(failures.all.isEmpty)
    let positions = receipts.all.flatMap(\.events)
    #expect(positions.sorted() == Array(1...Int64(each * 8)))
    for tenant in tenants { try tenant.catchUp() }
    #expect(tenants[0].head == tenants[1].head)
    #expect(try tenants[0].verify().isClean)
    for tenant in tenants {
      for worker in 0..<4 { #expect(try tenant.knows("w\(worker)-\(each - 1)")) }
    }
  }

  @Test func `the same key from two processes at once is recorded once`() throws {
    let tenants = try tenants()
    let receipts = Collected<Receipt>()
    DispatchQueue.concurrentPerform(iterations: 4) { worker in
      for number in 0..<25 {
        let submission = Submission.observed(.register("i\(number)"), key: "key-\(number)")
        if let receipt = try? tenants[worker % 2].submitAndWait(submission) { receipts.add(receipt) }
      }
    }
    #expect(receipts.all.count == 100)
    #expect(receipts.all.filter { !$0.isReplay }.count == 25)
    try tenants[0].catchUp()
    #expect(tenants[0].head.position == 25)
  }

  @Test func `a refusal is never judged by a world that others have changed`() throws {
    let tenants = try tenants()
    try tenants[0].submitAndWait(.governed(.create("ops"), .register("ada")))
    #expect(tenants[1].head.position == 0)
    let receipt = try tenants[1].submitAndWait(.governed(.add(.identity("ada"), to: "ops")))
    #expect(receipt.events == [3])
    let refusal = try tenants[0].refusal(of: .governed(.add(.identity("ada"), to: "ops")))
    #expect(refusal.code == .noChange)
  }

  @Test func `a follower brings what another process appended, and waiters are told`() throws {
    let tenants = try tenants()
    try second.follow()
    try second.follow()
    let told = Answered()
    tenants[1].whenReached(2, timeoutMilliseconds: 60_000) { told.give($0) }
    try tenants[0].submitAndWait(.governed(.create("ops"), .register("ada")))
    #expect(told.wait())
    #expect(try tenants[1].knows("ada"))
    #expect(tenants[1].wait(for: 2, timeoutMilliseconds: 0))
    #expect(!tenants[1].wait(for: 3, timeoutMilliseconds: 1))
    second.close()
  }

  @Test func `waiting for a position asks the database at once, follower or not`() throws {
    let tenants = try tenants()
    try tenants[0].submitAndWait(.governed(.register("ada")))
    #expect(tenants[1].wait(for: 1, timeoutMilliseconds: 60_000))
    #expect(try tenants[1].knows("ada"))
  }

  @Test func `a new generation makes a graph load anew`() throws {
    let tenants = try tenants()
    try tenants[0].submitAndWait(.governed(.register("ada")))
    let connection = try ScratchDatabase.connect()
    try connection.run("UPDATE tenure.head SET generation = generation + 1 WHERE tenant_id = \(tenants[0].id)")
    for tenant in tenants { try tenant.catchUp() }
    for tenant in tenants {
      #expect(tenant.head.generation == 1)
      #expect(try tenant.knows("ada"))
    }
    try tenants[0].submitAndWait(.governed(.register("bob")))
  }
}

/// One answer that a test waits for.
final class Answered: Sendable {
  private let answers = Collected<Bool>()
  private let isGiven = DispatchSemaphore(value: 0)

  func give(_ answer: Bool) {
    answers.add(answer)
    isGiven.signal()
  }

  func wait() -> Bool {
    isGiven.wait()
    return answers.all[0]
  }
}
