import EventLog
import Foundation
import Governance
import JSON
import Jobs
import Postgres
import Server
import Synchronization
import Temporal
import TestSupport
import Testing

/// `tenure job` and `tenure serve --jobs`, run as processes on a database of the test's own.
@Suite(.serialized) struct JobCommandTests {
  let place: JobPlace
  let program: TenureProgram

  init() throws {
    place = try JobPlace()
    program = try TenureProgram()
  }

  private func run(_ words: String...) throws -> TenureProgram.Answer {
    try program.run(["job"] + words + ["--database", place.conninfo])
  }

  @Test func `a job is listed, run and found in the history`() throws {
    try place.grant(3)
    #expect(try run("history").status == 1)
    #expect(try run("history").output == "no runs\n")
    let before = try run("list")
    let lines = before.output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
    #expect(lines.contains("expire-grants */5 * * * * UTC once default never now"))
    let ran = try run("run", "expire-grants")
    #expect(ran.status == 0)
    #expect(ran.output == "default: expire-grants run 1 succeeded: already 0, due 3, recorded 3\n")
    #expect(try place.recorded() == place.granted)
    let again = try run("run", "expire-grants", "--tenant", "default", "--format", "json")
    let answer = try JSONValue(parsing: Array(again.output.utf8))
    #expect(answer["state"] == "succeeded")
    #expect(answer["counts"] == ["already": 0, "due": 0, "recorded": 0])
    let history = try run("history", "expire-grants", "--limit", "5", "--format", "json")
    let runs = try history.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
    #expect(runs.map { $0["run"]?.integerValue } == [2, 1])
    #expect(runs[0] == answer)
    let list = try JSONValue(parsing: Array(try run("list", "--format", "json").output.utf8))
    let entry = try #require(list["jobs"]?.arrayValue?.first { $0["name"] == "expire-grants" })
    #expect(entry["last_run"] == answer)
    #expect(entry["zone"] == "UTC")
    #expect(try run("history", "--limit", "1").output.split(separator: "\n").count == 2)
    #expect(try run("list", "--tenant", "nobody").status == 3)
  }

  @Test func `a job that another process is at is not run a second time`() throws {
    try place.grant(1)
    let holder = try place.connect()
    _ = try holder.query("SELECT pg_advisory_lock(\(place.tenant.id), tenure.job_lock('expire-grants'))")
    let refused = try run("run", "expire-grants")
    #expect(refused.status == 1)
    #expect(refused.output == "default: another process is at expire-grants now\n")
    #expect(try run("history").status == 1)
    #expect(try place.recorded().isEmpty)
  }

  @Test func `a failure is said on standard error, and the history has its reason`() throws {
    try place.grant(1)
    // An event that this program does not know stops the tenant.
    try place.connect().execute(
      """
      INSERT INTO tenure.event SELECT tenant_id, position + 1, gen_random_uuid(), 'identity.promoted', version, entity,
        effective_at, due_at, recorded_at + interval '1 second', source, basis, actor, recorded_by, ticket, command_id, body, leaf
      FROM tenure.event ORDER BY position DESC LIMIT 1;
      UPDATE tenure.head SET position = position + 1, recorded_at = recorded_at + interval '1 second'
      """)
    let failed = try run("run", "expire-grants")
    #expect(failed.status == 3)
    #expect(failed.output.hasPrefix("default: expire-grants run 1 failed: the tenant is degraded"))
    #expect(failed.complaint.contains("tenure: job expire-grants failed for tenant default: the tenant is degraded"))
    #expect(try place.runs().map(\.state) == [.failed])
    #expect(try run("history").output.contains("failed: the tenant is degraded"))
  }

  @Test func `a server that runs jobs runs what is due, and stops when asked`() throws {
    try place.grant(2)
    let server = try program.start(["serve", "--jobs", "--port", "0", "--database", place.conninfo])
    // Due at once, for it never ran.
    while try place.runs().first?.state != .succeeded { try #require(server.isRunning) }
    #expect(try place.recorded() == place.granted)
    let process = try #require(try place.runs().first?.process)
    #expect(process.hasSuffix("/\(server.processIdentifier)"))
    server.signal(SIGTERM)
    let answer = try server.finish()
    #expect(answer.status == 0)
    #expect(answer.complaint.isEmpty)
  }

  /// Places in a run: before it is recorded, before its first page, between its pages, and somewhere after each.
  ///
  /// TENURE_SEEDS sets how many times.
  @Test(arguments: 1...(ProcessInfo.processInfo.environment["TENURE_SEEDS"].flatMap { UInt64($0) } ?? 2))
  func `killed at any point, every end is recorded once and the history shows what was lost`(seed: UInt64) throws {
    // Thread 40: cron jobs that race one another and leave no record.
    var random = SeededGenerator(seed: seed)
    var lost = 0
    for _ in 0..<4 {
      try place.grant(1_500)
      let (recorded, runs) = (try place.recorded().count, try place.runs().count)
      let goal = recorded + random.pick([0, 1, 1, 1_000, 1_001])
      let running = try program.start(["job", "run", "expire-grants", "--database", place.conninfo])
      while running.isRunning, try place.runs().count == runs || place.count() < goal {}
      for _ in 0..<random.below(12) { _ = try place.count() }
      running.signal(SIGKILL)
      // Killed, or at its end before the signal came.
      #expect([SIGKILL, 0].contains(try running.finish().status))
      #expect(try place.runs().count == runs + 1)
      // The server sees the end of a session when it next reads from it or writes to it.
      while try place.runs().first?.state == .running {}
      let newest = try #require(try place.runs().first)
      #expect(newest.state == .lost || newest.state == .succeeded, "seed \(seed)")
      if newest.state == .lost { lost += 1 }
    }
    let last = try run("run", "expire-grants")
    #expect(last.status == 0, "\(last.complaint)")
    #expect(try place.recorded() == place.granted, "seed \(seed)")
    let states = try place.runs().map(\.state)
    #expect(states.first == .succeeded)
    #expect(states.filter { $0 == .lost }.count == lost)
    #expect(lost > 0, "seed \(seed): nothing was killed in time")
    #expect(try run("history").output.contains("died before its end"))
    #expect(try place.tenant.verify().isClean)
  }
}

/// The default tenant of a database beside the usual one, with grants that have ended.
final class JobPlace {
  private static let made = Atomic<Int>(0)

  /// The connection string of the service role.
  let conninfo: String
  private let store: EventStore
  private let connection: Connection
  let tenant: Tenant
  private var grants = 0

  init() throws {
    // Each test has one of its own, for without --tenant a job is run for all tenants of it.
    let name = "jobplace\(Self.made.add(1, ordering: .relaxed).newValue)"
    try ScratchDatabase.connectAsSuperuser().execute("CREATE DATABASE \(name) TEMPLATE template0 ENCODING 'UTF8'")
    // The last dbname counts.
    _ = try Database.migrate(try ScratchDatabase.conninfo(user: EmbeddedServer.superuser) + " dbname=\(name)")
    conninfo = try ScratchDatabase.conninfo() + " dbname=\(name)"
    store = try EventStore(conninfo)
    tenant = try store.findOrCreate(tenant: "default")
    connection = try Connection(conninfo)
    let document = RoleDocument(permissions: [Permission(actions: ["read"])])
    try submit([
      .roleDefined(id: "reader", document: document, attributes: [:]),
      .identityRegistered(id: "ada", kind: .person, attributes: [:]),
    ])
  }

  deinit { store.close() }

  func connect() throws -> Connection { try Connection(conninfo) }

  private func submit(_ changes: [Change]) throws {
    let begin = try Instant(rfc3339: "2024-01-01T00:00:00Z")
    let submissions = changes.map { change in
      Submission(
        mode: .observation, source: "test", basis: .observed, recordedBy: Recorder(id: "test", authentication: "local"),
        commands: [Command(change, effectiveAt: begin, authority: Authority(reason: "test"))])
    }
    for result in try tenant.append(submissions) { _ = try result.get() }
  }

  /// Adds a person.
  func register(_ id: String) throws { try submit([.identityRegistered(id: id, kind: .person, attributes: [:])]) }

  /// Adds so many grants whose ends have passed long ago.
  func grant(_ count: Int) throws {
    let end = try Instant(rfc3339: "2024-02-01T00:00:00Z")
    let first = grants
    grants += count
    try submit(
      (first..<grants).map { number in
        let grant = Grant(
          principal: .identity("ada"), role: "reader", scope: "org", expiresAt: end.adding(microseconds: Int64(number / 7)))
        return .assignmentGranted(id: "g\(number)", grant: grant)
      })
  }

  /// Makes ada a member of a new group until an instant.
  func join(_ group: String, until end: String) throws {
    try submit([
      .groupCreated(id: group, attributes: [:]),
      .membershipAdded(group: group, member: .identity("ada"), expiresAt: try Instant(rfc3339: end + "T00:00:00Z")),
    ])
  }

  /// The assignments granted, sorted.
  var granted: [String] { (0..<grants).map { "assignment:g\($0)" }.sorted() }

  /// The assignments whose ends are recorded, each as often as they are, sorted.
  func recorded() throws -> [String] {
    try connection.query("SELECT entity FROM tenure.event WHERE type = 'assignment.expired'").map { try $0.string(0) }.sorted()
  }

  /// How many ends are recorded.
  func count() throws -> Int {
    Int(try connection.query("SELECT count(*) FROM tenure.event WHERE type = 'assignment.expired'")[0].int64(0))
  }

  /// The runs, newest first.
  func runs() throws -> [JobRun] { try JobRun.newest(of: ["expire-grants"], limit: 100, on: connection) }
}
