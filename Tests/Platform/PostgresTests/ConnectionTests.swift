import Dispatch
import Postgres
import Testing

@Suite struct ConnectionTests {
  let connection: Connection

  init() throws { connection = try TestServer.connect() }

  @Test func `a refused connection is a typed error`() throws {
    let error = try postgresError { _ = try Connection("host=/nonexistent port=1 connect_timeout=2") }
    #expect(error?.code == .connectionFailed)
    #expect(error?.isRetryable == true)
  }

  @Test func `the server knows our name and encoding`() throws {
    #expect(connection.serverParameter("client_encoding") == "UTF8")
    #expect(connection.serverParameter("application_name") == "tenure")
    #expect(connection.serverParameter("no_such_parameter") == nil)
  }

  @Test func `an error says what the server said, and nothing of the row`() throws {
    try connection.execute("CREATE TEMP TABLE person (name text CONSTRAINT one_name UNIQUE)")
    #expect(try connection.run("INSERT INTO person VALUES (\("Ada"))") == 1)
    let error = try postgresError { try connection.run("INSERT INTO person VALUES (\("Ada"))") }
    #expect(error?.code == .server)
    #expect(error?.sqlState == "23505")
    #expect(error?.constraint == "one_name")
    #expect(error?.table == "person")
    #expect(error?.isRetryable == false)
    #expect(error?.description.contains("Ada") == false)
    #expect(error?.commitOutcomeUnknown == false)
  }

  @Test func `several statements run at once`() throws {
    try connection.execute("CREATE TEMP TABLE t (a int); INSERT INTO t VALUES (1), (2)")
    #expect(try connection.run("UPDATE t SET a = a + \(1 as Int32)") == 2)
    #expect(try connection.query("SELECT a FROM t ORDER BY a").map { try $0.int32(0) } == [2, 3])
    #expect(try connection.query("SELECT a FROM t WHERE a > \(5)").isEmpty)
  }

  @Test func `a statement is prepared once, and at most so many are kept`() throws {
    func prepared() throws -> Int64 {
      try #require(try connection.query("SELECT count(*) FROM pg_prepared_statements").first).int64(0)
    }
    let first = try prepared()
    for number in 0..<10 { _ = try connection.query("SELECT \(number)") }
    #expect(try prepared() == first + 1)
    for number in 0..<600 { _ = try connection.query("SELECT \(unsafe: String(number))") }
    #expect(try prepared() <= 257)
    #expect(try prepared() > 200)
  }

  @Test func `a kept statement survives a change of its table and DISCARD ALL`() throws {
    try connection.execute("CREATE TABLE changing (a int); INSERT INTO changing VALUES (1)")
    defer { try? connection.execute("DROP TABLE changing") }
    #expect(try connection.query("SELECT * FROM changing").columnNames == ["a"])
    try connection.execute("ALTER TABLE changing ADD b int")
    #expect(try connection.query("SELECT * FROM changing").columnNames == ["a", "b"])
    try connection.execute("DISCARD ALL")
    #expect(try connection.query("SELECT * FROM changing").columnNames == ["a", "b"])
    #expect(try connection.query("SELECT 1").count == 1)
  }

  @Test func `a transaction commits, or rolls back with the body's error`() throws {
    struct Refused: Error {}
    try connection.execute("CREATE TEMP TABLE t (a int)")
    let value = try connection.transaction(.serializable) { connection in
      try connection.run("INSERT INTO t VALUES (1)")
      return try connection.query("SHOW transaction_isolation").first?.string(0)
    }
    #expect(value == "serializable")
    #expect(throws: Refused.self) {
      try connection.transaction { connection in
        try connection.run("INSERT INTO t VALUES (2)")
        throw Refused()
      }
    }
    #expect(!connection.isInTransaction)
    let readOnly = try postgresError {
      try connection.transaction(readOnly: true) { _ = try $0.run("CREATE TABLE never (a int)") }
    }
    #expect(readOnly?.sqlState == "25006")
    #expect(try connection.query("SELECT a FROM t").map { try $0.int32(0) } == [1])
  }

  @Test func `an error swallowed in a transaction does not look like a commit`() throws {
    let error = try postgresError {
      try connection.transaction { connection in _ = try? connection.query("SELECT 1 / 0") }
    }
    #expect(error?.sqlState == "25P02")
    #expect(!connection.isInTransaction)
  }

  @Test func `a killed session is a lost connection`() throws {
    let other = try TestServer.connect()
    try other.run("SELECT pg_terminate_backend(\(connection.backendProcessID), 10000)")
    let error = try postgresError { _ = try connection.query("SELECT 1") }
    #expect(error?.code == .connectionLost)
    #expect(try postgresError { _ = try connection.query("SELECT 1") }?.code == .connectionLost)
    #expect(!connection.isOpen)
  }

  @Test func `a session killed before COMMIT leaves the outcome unknown`() throws {
    let other = try TestServer.connect()
    let error = try postgresError {
      try connection.transaction { connection in
        try connection.run("SELECT 1")
        try other.run("SELECT pg_terminate_backend(\(connection.backendProcessID), 10000)")
      }
    }
    #expect(error?.code == .connectionLost)
    #expect(error?.commitOutcomeUnknown == true)
    #expect(error?.isRetryable == false)
  }

  @Test func `a statement in a transaction that is lost was not committed`() throws {
    let other = try TestServer.connect()
    let error = try postgresError {
      try connection.transaction { connection in
        try connection.run("SELECT 1")
        try other.run("SELECT pg_terminate_backend(\(connection.backendProcessID), 10000)")
        try connection.run("SELECT 2")
      }
    }
    #expect(error?.code == .connectionLost)
    #expect(error?.commitOutcomeUnknown == false)
    #expect(error?.isRetryable == true)
  }

  @Test func `another thread cancels a statement`() throws {
    let connection = connection
    let conninfo = try TestServer.conninfo()
    let process = connection.backendProcessID
    let ended = DispatchGroup()
    DispatchQueue.global().async(group: ended) {
      guard let other = try? Connection(conninfo) else { return }
      // Looks until the statement is under way, so that the request cannot come too early.
      while (try? other.query("SELECT FROM pg_stat_activity WHERE pid = \(process) AND wait_event = 'PgSleep'").isEmpty) == true
      {}
      connection.cancel()
    }
    let error = try postgresError { _ = try connection.query("SELECT pg_sleep(\(60.0))") }
    ended.wait()
    #expect(error?.code == .cancelled)
    #expect(try connection.query("SELECT 1").count == 1)
  }

  @Test func `a lock that is not to be had is a typed error`() throws {
    let other = try TestServer.connect()
    try other.transaction { other in
      try other.run("SELECT pg_advisory_xact_lock(77)")
      let error = try postgresError {
        try connection.execute("SET lock_timeout = 1")
        try connection.run("SELECT pg_advisory_xact_lock(77)")
      }
      #expect(error?.code == .timedOut)
      #expect(error?.isRetryable == true)
    }
  }

  @Test func `rows stream one by one`() throws {
    var sum: Int64 = 0
    try connection.queryStreaming("SELECT n::bigint FROM generate_series(1, \(100_000)) AS n") { sum += try $0.int64(0) }
    #expect(sum == 5_000_050_000)
  }

  @Test func `a stream that is broken off leaves the connection usable`() throws {
    struct Enough: Error {}
    var seen = 0
    #expect(throws: Enough.self) {
      try connection.queryStreaming("SELECT n FROM generate_series(1, \(10_000_000)) AS n") { _ in
        seen += 1
        if seen == 10 { throw Enough() }
      }
    }
    #expect(seen == 10)
    #expect(try connection.query("SELECT 1").count == 1)
    let late = try postgresError {
      try connection.queryStreaming("SELECT 1 / (\(5) - n) FROM generate_series(1, 10) AS n") { _ in }
    }
    #expect(late?.sqlState == "22012")
    #expect(try connection.query("SELECT 1").count == 1)
  }

  @Test func `notifications arrive in order`() throws {
    let other = try TestServer.connect()
    try connection.listen("odd \"channel\"")
    #expect(try connection.notifications(waiting: 0) == [])
    try other.transaction { other in
      try other.notify("odd \"channel\"", "one")
      try other.notify("odd \"channel\"", "two")
    }
    var arrived: [Notification] = []
    while arrived.count < 2 { arrived += try connection.notifications(waiting: 60_000) }
    #expect(arrived.map(\.payload) == ["one", "two"])
    #expect(arrived.first?.channel == "odd \"channel\"")
    #expect(try connection.notifications(waiting: 1) == [])
    let long = String(repeating: "x", count: 64)
    #expect(try postgresError { try connection.listen(long) }?.code == .badValue)
  }

  @Test func `a listener learns that its session ended`() throws {
    let other = try TestServer.connect()
    try connection.listen("c")
    try other.run("SELECT pg_terminate_backend(\(connection.backendProcessID), 10000)")
    let error = try postgresError {
      while true { _ = try connection.notifications(waiting: 60_000) }
    }
    #expect(error?.code == .connectionLost)
  }
}
