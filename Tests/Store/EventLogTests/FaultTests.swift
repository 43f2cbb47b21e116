import Dispatch
import Governance
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
