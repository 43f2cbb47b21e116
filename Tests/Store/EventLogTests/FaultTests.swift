import Dispatch
import Governance
import JSON
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import EventLog

/// Connections that break where it matters most; everything against a real server.
@Suite struct FaultTests {
  /// Does something at the first of these moments, and nothing later.
  private static func once(
    at point: FaultPoint, _ action: @escaping @Sendable (Connection) throws -> Void
  ) -> @Sendable (FaultPoint, Connection) throws -> Void {
    let isDone = Mutex(false)
    return { reached, connection in
      guard reached == point,
        !isDone.withLock({ done in
          defer { done = true }; return done
        })
      else { return }
      try action(connection)
    }
  }

  private static func terminate(_ connection: Connection) throws {
    let killer = try ScratchDatabase.connectAsSuperuser()
    _ = try killer.query("SELECT pg_terminate_backend(\(connection.backendProcessID), 10000)")
  }

  private func tenant(_ fault: @escaping @Sendable (FaultPoint, Connection) throws -> Void) throws -> Tenant {
    var settings = EventStore.Settings()
    settings.fault = fault
    return try ScratchDatabase.store(settings).create(tenant: ScratchDatabase.tenantName())
  }

  private func epoch(_ tenant: Tenant) throws -> Int64 {
    let connection = try ScratchDatabase.connect()
    return try connection.query("SELECT epoch FROM tenure.head WHERE tenant_id = \(tenant.id)")[0].int64(0)
  }

  @Test func `a COMMIT that came through and was not answered is a success, once`() throws {
    let tenant = try tenant(
      Self.once(at: .afterCommit) { connection in
        try Self.terminate(connection)
        throw LostAnswer()
      })
    let receipt = try tenant.submitAndWait(.governed(.register("ada"), .register("bob")))
    #expect(receipt.events == [1, 2])
    #expect(tenant.head.position == 2)
    #expect(try tenant.knows("ada"))
    #expect(try epoch(tenant) == 0)
    #expect(try tenant.submitAndWait(.governed(.register("cid"))).events == [3])
    #expect(try tenant.verify().isClean)
  }

  @Test func `a connection lost before COMMIT came through is tried again, and the old attempt cannot pass`() throws {
    let tenant = try tenant(Self.once(at: .beforeCommit) { try Self.terminate($0) })
    let receipt = try tenant.submitAndWait(.governed(.register("ada"), .register("bob")))
    #expect(receipt.events == [1, 2])
    #expect(try epoch(tenant) == 1)
    #expect(try tenant.knows("bob"))
    #expect(try tenant.submitAndWait(.governed(.register("cid"))).events == [3])
    #expect(try tenant.verify().isClean)
  }

  @Test func `a bulk transaction lost before its COMMIT is tried again, and recorded once`() throws {
    let tenant = try tenant(Self.once(at: .beforeCommit) { try Self.terminate($0) })
    let results = try tenant.append((0..<1000).map { .observed(.register("i\($0)")) })
    #expect(try results.map { try $0.get().events } == (1...1000).map { [$0] })
    #expect(try tenant.verify().isClean)
  }

  @Test func `where one transaction in five is lost, everything is recorded once, also what was decided above it`() throws {
    let reached = Atomic<Int>(0)
    let tenant = try tenant { point, connection in
      // Some lose their session before COMMIT, some their answer after it.
      let number = reached.add(1, ordering: .relaxed).newValue
      guard number % 5 == 0 else { return }
      try Self.terminate(connection)
      if point == .afterCommit { throw LostAnswer() }
    }
    let receipts = Collected<Receipt>()
    let failures = Collected<SubmissionFailure>()
    DispatchQueue.concurrentPerform(iterations: 8) { worker in
      for number in 0..<15 {
        do throws(SubmissionFailure) {
          let key = number % 2 == 0 ? "w\(worker)-\(number)" : nil
          receipts.add(try tenant.submitAndWait(.governed(.register("w\(worker)-\(number)"), key: key)))
        } catch {
          failures.add(error)
        }
      }
    }
    #expect(failures.all.isEmpty)
    #expect(receipts.all.flatMap(\.events).sorted() == Array(1...120))
    #expect(tenant.head.position == 120)
    #expect(try tenant.verify().isClean)
    for worker in 0..<8 { #expect(try tenant.knows("w\(worker)-14")) }
  }

  @Test func `a refusal and a repeated key among commands that come while others are written are answered as alone`() throws {
    let tenant = try tenant { _, _ in }
    try tenant.submitAndWait(.governed(.create("ops"), key: "create"))
    let refused = Atomic<Int>(0)
    let repeated = Atomic<Int>(0)
    let recorded = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 8) { worker in
      for number in 0..<30 {
        let submission: Submission =
          switch (worker + number) % 4 {
          case 0: .governed(.create("ops"), key: "create")
          case 1: .governed(.add(.identity("nobody"), to: "ops"))
          default: .governed(.register("w\(worker)-\(number)"))
          }
        do throws(SubmissionFailure) {
          let isReplay = try tenant.submitAndWait(submission).isReplay
          if isReplay { repeated.add(1, ordering: .relaxed) } else { recorded.add(1, ordering: .relaxed) }
        } catch {
          if error.refusal?.code == .unknownReference { refused.add(1, ordering: .relaxed) }
        }
      }
    }
    #expect(refused.load(ordering: .relaxed) == 60)
    #expect(repeated.load(ordering: .relaxed) == 60)
    #expect(recorded.load(ordering: .relaxed) == 120)
    #expect(tenant.head.position == 121)
    #expect(try tenant.verify().isClean)
  }

  @Test func `what waits is limited in bytes too, and one too large by itself is still taken`() throws {
    let name = ScratchDatabase.tenantName()
    let created = try ScratchDatabase.store().create(tenant: name)
    let appender = Appender(
      replica: created.replica, settings: EventStore.Settings(), conninfo: try ScratchDatabase.conninfo(),
      notifier: Notifier(pool: created.pool), waitingBytes: 10_000)
    let tenant = Tenant(replica: created.replica, appender: appender, pool: created.pool, settings: EventStore.Settings())
    let answers = Collected<Result<Receipt, SubmissionFailure>>()
    let all = DispatchGroup()
    func submit(_ id: String, bytes: Int) {
      all.enter()
      let text = String(repeating: "x", count: bytes / 4)
      let attributes = Dictionary(uniqueKeysWithValues: (0..<4).map { ("a\($0)", AttributeValue.open(.string(text))) })
      tenant.submit(.governed(.register(id, attributes))) {
        answers.add($0)
        all.leave()
      }
    }
    // While the queue is held nothing is decided: all of them wait.
    let held = DispatchSemaphore(value: 0)
    tenant.replica.queue.async { held.wait() }
    submit("large", bytes: 12_000)
    submit("small", bytes: 400)
    held.signal()
    all.wait()
    #expect(answers.all.count == 2)
    #expect(answers.all.contains(.failure(.overloadedBytes(limit: 10_000))))
    #expect(tenant.head.position == 1)
    #expect(try tenant.knows("large"))
    submit("small", bytes: 400)
    all.wait()
    #expect(try tenant.knows("small"))
  }

  @Test func `an append does not wait for a lock for ever, and then nothing is recorded`() throws {
    let tenant = try tenant { _, connection in try connection.execute("SET lock_timeout = '50ms'") }
    let holder = try ScratchDatabase.connect()
    try holder.transaction { holder in
      _ = try holder.query("SELECT FROM tenure.head WHERE tenant_id = \(tenant.id) FOR UPDATE")
      let failure = #expect(throws: SubmissionFailure.self) { try tenant.submitAndWait(.governed(.register("ada"))) }
      guard case .nothingRecorded = failure else {
        Issue.record("expected nothingRecorded, found \(String(describing: failure))")
        return
      }
    }
    #expect(tenant.head.position == 0)
    #expect(try tenant.submitAndWait(.governed(.register("ada"))).events == [1])
    #expect(try epoch(tenant) == 0)
  }

  @Test func `a transaction killed while it waits for the head is resolved and recorded once`() throws {
    let tenant = try tenant { _, _ in }
    try tenant.submitAndWait(.governed(.register("first")))
    let holder = try ScratchDatabase.connect()
    let answer = Answered()
    try holder.transaction { holder in
      _ = try holder.query("SELECT FROM tenure.head WHERE tenant_id = \(tenant.id) FOR UPDATE")
      tenant.submit(.governed(.register("ada"))) { answer.give((try? $0.get().events) == [2]) }
      // Waits until the append hangs on the row that we hold, then ends its session.
      let killer = try ScratchDatabase.connectAsSuperuser()
      var isKilled = false
      while !isKilled {
        isKilled = try !killer.query(
          """
          SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
          WHERE \(holder.backendProcessID) = ANY(pg_blocking_pids(pid)) AND application_name = 'tenure append'
          """
        ).isEmpty
      }
    }
    #expect(answer.wait())
    #expect(tenant.head.position == 2)
    #expect(try tenant.verify().isClean)
  }

  @Test func `where the database stays away it is said whether anything was recorded`() throws {
    let refused = "host=/nonexistent"
    let tenant = try tenant { _, _ in }
    let notifier = Notifier(pool: tenant.pool)
    let appender = Appender(replica: tenant.replica, settings: EventStore.Settings(), conninfo: refused, notifier: notifier)
    let lost = Tenant(replica: tenant.replica, appender: appender, pool: tenant.pool, settings: EventStore.Settings())
    let failure = #expect(throws: SubmissionFailure.self) { try lost.submitAndWait(.governed(.register("ada"))) }
    guard case .nothingRecorded = failure else {
      Issue.record("expected nothingRecorded, found \(String(describing: failure))")
      return
    }
    #expect(try tenant.submitAndWait(.governed(.register("ada"))).events == [1])
  }
}
