import Dispatch
import Foundation
import Synchronization
import Testing

@testable import Postgres

@Suite(.serialized) final class EmbeddedServerTests {
  /// Closed to all but us, as a home directory is.
  let folder = TestServer.temporaryFolder()
  var data: String { folder + "/data" }
  var pidFile: String { data + "/postgres/postmaster.pid" }

  init() throws {
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
  }

  deinit {
    try? FileManager.default.removeItem(atPath: folder)
  }

  private func processID() -> pid_t? {
    Postmaster(runningOn: DatabaseClusterPath.real(data) + "/postgres")?.processID
  }

  @Test func `two share a server and the last one stops it`() throws {
    let first = try EmbeddedServer(dataDirectory: data)
    let process = try #require(processID())
    let second = try EmbeddedServer(dataDirectory: data)
    #expect(processID() == process)
    #expect(first.conninfo() == second.conninfo())
    try first.ensureDatabase("odd name")
    try second.ensureDatabase("odd name")
    first.close()
    first.close()
    let connection = try Connection(second.conninfo(database: "odd name"))
    #expect(try connection.query("SELECT current_database()::text").first?.string(0) == "odd name")
    for (setting, value) in [
      ("fsync", "on"), ("full_page_writes", "on"), ("synchronous_commit", "on"), ("listen_addresses", ""),
      ("server_encoding", "UTF8"), ("data_checksums", "on"),
    ] {
      #expect(try connection.query("SELECT current_setting(\(setting))").first?.string(0) == value)
    }
    second.close()
    #expect(processID() == nil)
    #expect(!FileManager.default.fileExists(atPath: second.socketDirectory))
    #expect(throws: PostgresError.self) { try Connection(second.conninfo()) }
  }

  @Test func `what was written is there after a stop, and an orphan is adopted`() throws {
    let first = try EmbeddedServer(dataDirectory: data)
    try Connection(first.conninfo()).execute("CREATE TABLE kept AS SELECT 42 AS n")
    first.close()
    let second = try EmbeddedServer(dataDirectory: data)
    let process = try #require(processID())
    second.abandon()
    #expect(processID() == process)
    let third = try EmbeddedServer(dataDirectory: data)
    #expect(processID() == process)
    #expect(try Connection(third.conninfo()).query("SELECT n FROM kept").first?.int32(0) == 42)
    third.close()
    #expect(processID() == nil)
  }

  @Test func `a crashed server is started again with what was committed`() throws {
    let first = try EmbeddedServer(dataDirectory: data)
    let connection = try Connection(first.conninfo())
    try connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    let process = try #require(processID())
    kill(process, SIGKILL)
    #expect(FileManager.default.fileExists(atPath: pidFile))
    let second = try EmbeddedServer(dataDirectory: data)
    #expect(processID() != process)
    #expect(try Connection(second.conninfo()).query("SELECT n FROM kept").first?.int32(0) == 42)
    first.close()
    second.close()
    #expect(processID() == nil)
  }

  @Test func `those who open a new directory at the same moment all succeed`() throws {
    let folder = data
    let outcomes = Mutex<[Result<EmbeddedServer, EmbeddedServerError>]>([])
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      let outcome = Result { () throws(EmbeddedServerError) in try EmbeddedServer(dataDirectory: folder) }
      outcomes.withLock { $0.append(outcome) }
    }
    let servers = try outcomes.withLock { try $0.map { try $0.get() } }
    #expect(servers.count == 4)
    #expect(Set(servers.map(\.socketDirectory)).count == 1)
    DispatchQueue.concurrentPerform(iterations: 4) { servers[$0].close() }
    #expect(processID() == nil)
  }

  @Test func `a deleted socket is made anew when nobody else needs the server`() throws {
    let first = try EmbeddedServer(dataDirectory: data)
    try FileManager.default.removeItem(atPath: first.socketDirectory)
    let error = #expect(throws: EmbeddedServerError.self) { try EmbeddedServer(dataDirectory: data) }
    #expect(error?.code == .startFailed)
    first.abandon()
    let second = try EmbeddedServer(dataDirectory: data)
    #expect(try Connection(second.conninfo()).query("SELECT 1").count == 1)
    second.close()
  }

  @Test func `half a cluster is thrown away`() throws {
    let half = data + "/postgres.new"
    try FileManager.default.createDirectory(atPath: half, withIntermediateDirectories: true)
    try Data("15\n".utf8).write(to: URL(filePath: half + "/PG_VERSION"))
    let server = try EmbeddedServer(dataDirectory: data)
    #expect(!FileManager.default.fileExists(atPath: half))
    server.close()
  }

  @Test func `data of a version that is not installed is refused with what to do`() throws {
    try FileManager.default.createDirectory(atPath: data + "/postgres", withIntermediateDirectories: true)
    try Data("8\n".utf8).write(to: URL(filePath: data + "/postgres/PG_VERSION"))
    let error = #expect(throws: EmbeddedServerError.self) { try EmbeddedServer(dataDirectory: data) }
    #expect(error?.code == .notInstalled)
    #expect(error?.message.contains("apt-get install postgresql-8") == true)
  }

  @Test func `a setting that PostgreSQL refuses is reported with its own words`() throws {
    let first = try EmbeddedServer(dataDirectory: data)
    first.close()
    let configuration = data + "/postgres/postgresql.conf"
    let text = try String(contentsOfFile: configuration, encoding: .utf8) + "\nno_such_setting = 1\n"
    try FileHandle(forWritingTo: URL(filePath: configuration)).write(contentsOf: Data(text.utf8))
    let error = #expect(throws: EmbeddedServerError.self) { try EmbeddedServer(dataDirectory: data) }
    #expect(error?.code == .startFailed)
    #expect(error?.message.contains("configuration file") == true)
  }

  @Test func `a data directory that cannot be made is refused`() throws {
    let file = folder + "/file"
    try Data().write(to: URL(filePath: file))
    let error = #expect(throws: EmbeddedServerError.self) { try EmbeddedServer(dataDirectory: file + "/data") }
    #expect(error?.code == .dataDirectory)
  }
}

/// The path as the server was given it: links resolved.
enum DatabaseClusterPath {
  static func real(_ path: String) -> String { URL(filePath: path).resolvingSymlinksInPath().path }
}
