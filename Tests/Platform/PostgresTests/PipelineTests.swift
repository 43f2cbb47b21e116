import Postgres
import Testing

@Suite struct PipelineTests {
  let connection: Connection

  init() throws {
    connection = try TestServer.connect()
    try connection.execute("CREATE TEMP TABLE t (a bigint PRIMARY KEY)")
  }

  @Test func `each statement has its rows`() throws {
    let results = try connection.pipeline([
      "INSERT INTO t VALUES (\(1)), (\(2))", "SELECT a FROM t ORDER BY a", "INSERT INTO t VALUES (\(3)), (\(4))",
      "SELECT count(*) FROM t",
    ])
    #expect(results.count == 4)
    #expect(results[0].affectedRows == 2)
    #expect(try results[1].map { try $0.int64(0) } == [1, 2])
    #expect(try results[3].first?.int64(0) == 4)
    #expect(try connection.pipeline([]).isEmpty)
  }

  @Test func `one failure undoes all, and the connection goes on`() throws {
    let error = try postgresError {
      _ = try connection.pipeline(["INSERT INTO t VALUES (1)", "INSERT INTO t VALUES (1)", "SELECT no_such_column"])
    }
    #expect(error?.sqlState == "23505")
    #expect(try connection.query("SELECT FROM t").isEmpty)
    #expect(try connection.pipeline(["SELECT \(5)", "SELECT \(6)"]).map { try $0.first?.int64(0) } == [5, 6])
    let unprepared = try postgresError { _ = try connection.pipeline(["SELECT 1", "SELEKT 2", "SELECT 3"]) }
    #expect(unprepared?.sqlState == "42601")
    #expect(try connection.query("SELECT 1").count == 1)
  }

  @Test func `in a transaction a failure leaves the rollback to it`() throws {
    let error = try postgresError {
      try connection.transaction { connection in
        _ = try connection.pipeline(["INSERT INTO t VALUES (1)", "SELECT 1"])
        _ = try connection.pipeline(["SELECT 1 / 0"])
      }
    }
    #expect(error?.sqlState == "22012")
    #expect(try connection.query("SELECT FROM t").isEmpty)
  }

  @Test func `much both ways does not block`() throws {
    let text = String(repeating: "x", count: 20_000)
    let results = try connection.pipeline((0..<500).map { "SELECT \(text), \($0)" })
    #expect(try results.last?.first?.int64(1) == 499)
    #expect(try results.allSatisfy { try $0.first?.string(0).utf8.count == 20_000 })
  }

  @Test func `a bad value stops the pipeline before it is sent`() throws {
    let error = try postgresError { _ = try connection.pipeline(["INSERT INTO t VALUES (9)", "SELECT \("\0")"]) }
    #expect(error?.code == .badValue)
    #expect(try connection.query("SELECT FROM t").isEmpty)
  }

  @Test func `a session that is killed makes the pipeline's outcome unknown`() throws {
    let error = try postgresError {
      _ = try connection.pipeline(["INSERT INTO t VALUES (1)", "SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1"])
    }
    #expect(error?.code == .connectionLost)
    #expect(error?.commitOutcomeUnknown == true)
  }

  @Test func `COPY in a pipeline is refused`() throws {
    let error = try postgresError { _ = try connection.pipeline(["COPY t TO STDOUT", "SELECT 1"]) }
    #expect(error != nil)
  }
}
