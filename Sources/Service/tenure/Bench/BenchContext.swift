import AccessGraph
import EventLog
import Foundation
import Postgres
import Server
import Temporal

/// How much is measured: the same rows at two sizes.
struct BenchSize: Sendable {
  /// What the size is called.
  var name: String
  /// The organisation that questions are about.
  var questions: OrganisationPlan
  /// Events of one bulk append.
  var bulkEvents: Int
  /// Seconds of one run of what is timed by its rate.
  var rateSeconds: Int
  /// Seconds of one run of a quick question.
  var questionSeconds: Double
  /// Events of the smaller and the larger history, between which memory is compared.
  var memoryEvents: (Int, Int)
  /// Facts of the tenant that is started.
  var startFacts: Int
  /// Events of the organisation with ordinary churn; the other has ten times the churn.
  var churnEvents: Int
  /// Events that the Python peers append and fold.
  var pythonEvents: Int

  static let seed: UInt64 = 20_260_821

  /// As DESIGN.md §10 has it: 3 M facts, answers up to 100,000, memory from 1 M to 10 M events.
  static let full = BenchSize(
    name: "full",
    questions: OrganisationPlan(seed: seed, identities: 420_000, events: 3_200_000, probes: [0, 30, 3_000, 100_000]),
    bulkEvents: 50_000, rateSeconds: 4, questionSeconds: 0.4, memoryEvents: (1_000_000, 10_000_000), startFacts: 1_000_000,
    churnEvents: 50_000, pythonEvents: 20_000)

  /// The same rows in three minutes: a twenty-fifth of the facts, memory from 100 k to 1 M events.
  static let quick = BenchSize(
    name: "quick",
    questions: OrganisationPlan(seed: seed, identities: 15_000, events: 125_000, probes: [0, 30, 3_000, 10_000]),
    bulkEvents: 20_000, rateSeconds: 1, questionSeconds: 0.1, memoryEvents: (100_000, 1_000_000), startFacts: 60_000,
    churnEvents: 10_000, pythonEvents: 3_000)
}

/// What the rows share: the database, the generated tenants, and where things lie.
final class BenchContext {
  let size: BenchSize
  let store: EventStore
  let clock: StoryClock
  /// The data directory of the embedded database.
  let data: String
  /// A connection string of the superuser, for the peers' own tables.
  let superuser: String
  /// The directory of the database's socket, for other programs.
  let socketDirectory: String
  /// Where the scripts of the peers lie.
  let scripts: String
  /// The Python that has the peers' packages; nil leaves them out.
  let python: String?
  /// Where programs of PostgreSQL lie.
  let programs: String
  /// This program.
  let executable: String

  private let database: Database
  private let server: EmbeddedServer
  private let progress = Progress("bench")

  init(size: BenchSize, data: String, scripts: String, python: String?) throws {
    self.size = size
    self.data = data
    self.scripts = scripts
    self.python = python
    let clock = StoryClock()
    self.clock = clock
    database = try Database(.embedded(dataDirectory: data))
    server = try EmbeddedServer(dataDirectory: data)
    superuser = server.conninfo(database: "tenure")
    socketDirectory = server.socketDirectory
    store = try EventStore(database.conninfo, settings: EventStore.Settings(clock: clock.wallClock))
    programs = try Self.findPrograms()
    executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
  }

  func close() {
    store.close()
    server.close()
    database.close()
  }

  /// A connection string of the service role, for stores of their own.
  var service: String { database.conninfo }

  func connectAsSuperuser() throws -> Connection { try Connection(superuser) }

  /// The database's version, and the settings by which an acknowledged commit is on disk; the same for everybody measured.
  func durability() throws -> String {
    let names = ["server_version", "fsync", "synchronous_commit", "full_page_writes", "data_checksums"]
    let connection = try connectAsSuperuser()
    let values = try names.map { name in try connection.query("SELECT current_setting(\(name))")[0].string(0) }
    return "PostgreSQL \(values[0]): "
      + zip(names, values).dropFirst().map { "\($0) \($1)" }.joined(separator: ", ")
  }

  /// A remark on a terminal.
  func say(_ remark: String) { progress.say(remark) }

  /// Arguments that lead PostgreSQL's own programs to the database.
  var programArguments: [String] { ["-h", socketDirectory, "-U", EmbeddedServer.superuser] }

  /// Runs statements by psql, as a client in C.
  func psql(_ statements: [String], discardingOutput: Bool = true) throws {
    try ChildProgram.run(
      programs + "/psql",
      ["-X", "-q", "-v", "ON_ERROR_STOP=1"] + programArguments + ["-d", "tenure"] + statements.flatMap { ["-c", $0] },
      discardingOutput: discardingOutput)
  }

  private static func findPrograms() throws -> String {
    let root = "/usr/lib/postgresql"
    let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap { Int($0) }.sorted()
    for version in versions.reversed() {
      let path = "\(root)/\(version)/bin"
      if FileManager.default.isExecutableFile(atPath: path + "/pgbench") { return path }
    }
    throw CommandError("there is no pgbench below \(root): install Debian's package postgresql")
  }

  // MARK: Tenants

  private var made: [String: OrganisationPlan] = [:]

  /// The tenant with the organisation that questions are about; generated by whoever asks first.
  func questioned() throws -> Tenant { try tenant("questions", size.questions) }

  private var load: CommandLoad?

  /// The load of single commands; one for all rows, since a command is sent once.
  func commandLoad() throws -> CommandLoad {
    if let load { return load }
    let made = try CommandLoad(self)
    load = made
    return made
  }

  /// A generated tenant, whole, with the tables vacuumed and analysed as autovacuum would leave them.
  func tenant(_ name: String, _ plan: OrganisationPlan) throws -> Tenant {
    let tenant = try store.findOrCreate(tenant: name)
    guard made[name] == nil else { return tenant }
    let told = Progress("generating \(plan.events) events for \(name)")
    var organisation = Organisation(plan)
    var done = Int(tenant.head.position)
    while true {
      let events = try organisation.append(to: tenant, clock)
      if events == 0 { break }
      done += events
      told.advance(Int64(done), of: Int64(plan.events))
    }
    try settle()
    made[name] = plan
    return tenant
  }

  /// Leaves the tables as a database that has rested has them.
  func settle() throws {
    let connection = try connectAsSuperuser()
    try connection.execute("VACUUM (ANALYZE)")
    try connection.execute("CHECKPOINT")
  }

  /// A moment at which every organisation stands as it does at the end of its story.
  static let lastMoment = OrganisationPlan.ended.adding(microseconds: -1_000_000)

  /// The viewpoint of questions about the last moment, with everything known.
  func view(_ tenant: Tenant) -> Viewpoint { Viewpoint(at: Self.lastMoment, asKnownAt: tenant.head.position) }
}

/// A row of the table: what it is called, and what measures it.
struct BenchRow: Sendable {
  let name: String
  let summary: String
  let measure: @Sendable (BenchContext) throws -> [BenchFigure]

  /// In the order in which they are run: those that want a small database first.
  static let all: [BenchRow] = [
    .commands, .bulk, .check, .who, .rebuild, .churn, .start, .snapshot, .isolation, .memory, .python,
  ]
}

/// A peer and this project gave different answers, so nothing was timed.
struct AnswersDiffer: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = "the answers differ: " + description }
}
