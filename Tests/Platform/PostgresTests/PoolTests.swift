import Postgres
import Synchronization
import Testing

@Suite struct PoolTests {
  @Test func `connections are used again`() throws {
    let prepared = Mutex(0)
    let pool = Pool(try TestServer.conninfo(), maximumConnections: 2) { connection in
      prepared.withLock { $0 += 1 }
      try connection.execute("SET work_mem = '5MB'")
    }
    let first = try pool.withConnection { $0.backendProcessID }
    let (second, memory) = try pool.withConnection { connection in
      (connection.backendProcessID, try connection.query("SHOW work_mem").first?.string(0))
    }
    #expect(memory == "5MB")
    #expect(first == second)
    #expect(prepared.withLock { $0 } == 1)
  }

  @Test func `a pool with nothing left says so`() throws {
    let pool = Pool(try TestServer.conninfo(), maximumConnections: 1, waitMilliseconds: 10)
    let error = try pool.withConnection { _ in try postgresError { try pool.withConnection { _ in } } }
    #expect(error?.code == .poolExhausted)
    #expect(error?.isRetryable == true)
    #expect(try pool.withConnection { try $0.query("SELECT 1").count } == 1)
  }

  @Test func `a connection that broke, or is left in a transaction, is not lent again`() throws {
    let pool = Pool(try TestServer.conninfo(), maximumConnections: 1)
    let first = try pool.withConnection { $0.backendProcessID }
    let other = try TestServer.connect()
    try other.run("SELECT pg_terminate_backend(\(first), 10000)")
    let second = try pool.withConnection { connection in
      try connection.execute("BEGIN")
      return connection.backendProcessID
    }
    let third = try pool.withConnection { $0.backendProcessID }
    #expect(Set([first, second, third]).count == 3)
  }

  @Test func `tasks share the connections`() async throws {
    let pool = Pool(try TestServer.conninfo(), maximumConnections: 3)
    let processes = try await withThrowingTaskGroup(of: Int32.self) { group in
      for number in 0..<60 {
        group.addTask {
          try await pool.run { connection in
            guard try connection.query("SELECT \(number)").first?.int64(0) == Int64(number) else { return 0 }
            return connection.backendProcessID
          }
        }
      }
      return try await group.reduce(into: [Int32]()) { $0.append($1) }
    }
    #expect(processes.count == 60)
    #expect(Set(processes).count <= 3)
    #expect(!processes.contains(0))
  }

  @Test func `errors reach the task`() async throws {
    let pool = Pool(try TestServer.conninfo(), maximumConnections: 1)
    await #expect(throws: PostgresError.self) { try await pool.run { _ = try $0.query("SELECT 1 / 0") } }
    #expect(try await pool.run { try $0.query("SELECT 1").count } == 1)
  }

  @Test func `a closed pool refuses`() throws {
    let pool = Pool(try TestServer.conninfo())
    try pool.withConnection { _ in pool.close() }
    #expect(try postgresError { try pool.withConnection { _ in } }?.code == .poolClosed)
  }
}
