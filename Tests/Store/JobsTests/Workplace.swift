import AccessGraph
import EventLog
import Governance
import JSON
import Postgres
import Schema
import Synchronization
import Temporal
import TestSupport
import Testing

@testable import Jobs

/// A database of the job tests' own, beside the usual one: a scheduler looks at every tenant that there is.
enum JobsDatabase {
  private static let isMade = Mutex(false)
  private static let name = "jobs"

  /// The connection string of the service role; the first call makes the database.
  static func conninfo() throws -> String {
    // The last dbname counts.
    try isMade.withLock { isMade in
      if isMade { return }
      try ScratchDatabase.connectAsSuperuser().execute("CREATE DATABASE \(name) TEMPLATE template0 ENCODING 'UTF8'")
      _ = try Schema.migrate(
        Connection(try ScratchDatabase.conninfo(user: EmbeddedServer.superuser) + " dbname=\(name)"))
      isMade = true
    }
    return try ScratchDatabase.conninfo() + " dbname=\(name)"
  }

  static func connect() throws -> Connection { try Connection(conninfo()) }
}

/// An instant of the tests' own calendar: so many hours into 2024.
func hour(_ number: Int64) -> Instant { Instant(microseconds: 1_704_067_200_000_000 + number * 3_600_000_000) }

/// A tenant with a clock that the test sets, a role, two people and a group; it is hour 0.
final class Workplace {
  let clock: TestClock
  let store: EventStore
  let tenant: Tenant
  let connection: Connection

  init() throws {
    let clock = TestClock(hour(0))
    self.clock = clock
    store = try EventStore(JobsDatabase.conninfo(), settings: EventStore.Settings(clock: { clock.now }))
    tenant = try store.create(tenant: ScratchDatabase.tenantName())
    connection = try JobsDatabase.connect()
    try submit(
      .roleDefined(id: "reader", document: RoleDocument(permissions: [Permission(actions: ["read"])]), attributes: [:]),
      .identityRegistered(id: "ada", kind: .person, attributes: [:]),
      .identityRegistered(id: "bob", kind: .person, attributes: [:]), .groupCreated(id: "staff", attributes: [:]))
  }

  deinit { store.close() }

  var jobTenant: JobTenant { JobTenant(id: tenant.id, name: tenant.name) }

  /// Records what was seen, now or in the past, in one batch.
  @discardableResult
  func submit(_ changes: Change..., at instant: Instant? = nil) throws -> Receipt {
    try tenant.submitAndWait(
      Submission(
        mode: .observation, source: "test", basis: .observed, recordedBy: Recorder(id: "test", authentication: "local"),
        commands: changes.map {
          Command($0, effectiveAt: instant, authority: Authority(reason: "test"))
        }))
  }

  /// Runs the job as a process would, and the record of it.
  func run(_ job: Job = .expireGrants, isOver: @escaping () -> Bool = { false }) throws -> JobRun {
    let runner = try JobRunner(store: store, connection: connection, process: "test/1")
    return try #require(try runner.run(job, for: jobTenant, isOver: isOver))
  }

  /// What a run of the job works with; `reached` where the last one got to.
  func context(
    reached: JSONValue? = nil, isOver: @escaping () -> Bool = { false }, openTenant: (() throws -> Tenant)? = nil
  ) -> JobContext {
    let (store, tenant) = (store, tenant)
    return JobContext(
      tenant: jobTenant, connection: connection, clock: store.settings.clock, reached: reached, isOver: isOver,
      openTenant: openTenant ?? { tenant })
  }

  /// The events that were read, so that each is decoded once.
  private var decoded: [Event] = []

  /// All events of the log.
  func events() throws -> [Event] {
    try tenant.export(after: decoded.last?.position ?? 0) { line in
      decoded.append(try EventCodec.decode(Array(line.body.utf8), at: line.position))
    }
    return decoded
  }

  /// The ends that are recorded, of assignments and memberships, in the order of the log.
  func expiries() throws -> [Expiry] { try events().compactMap(Expiry.init) }
}

/// An end that is recorded, or that should be.
struct Expiry: Hashable {
  let id: String
  let end: Instant

  init(_ id: String, _ end: Instant) { (self.id, self.end) = (id, end) }

  init?(_ event: Event) {
    switch event.change {
    case .assignmentExpired(let id): self.init(id, event.effectiveAt)
    case .membershipExpired(let group, let member): self.init(group, member, event.effectiveAt)
    default: return nil
    }
  }

  /// The end of a membership.
  init(_ group: String, _ member: Entity, _ end: Instant) {
    self.init("\(group) \(member)", end)
  }
}

extension Change {
  /// A grant of the role to a principal, on a scope of its own.
  static func grant(_ id: String, to principal: Entity = .identity("ada"), until end: Instant?) -> Change {
    .assignmentGranted(id: id, grant: Grant(principal: principal, role: "reader", scope: "org/\(id)", expiresAt: end))
  }
}
