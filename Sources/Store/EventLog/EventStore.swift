import Dispatch
import Governance
import Postgres
import Schema
import Synchronization
import Temporal

/// The logs of all tenants of one database, and their graphs in this process; one a process.
///
/// Calls block the calling thread unless they say otherwise: not to be made on the cooperative pool or a listener's thread.
public final class EventStore: Sendable {
  /// What the store takes from outside.
  public struct Settings: Sendable {
    /// The present moment.
    ///
    /// The default is the machine's clock.
    public var clock: WallClock
    /// Random bytes.
    ///
    /// The default is the machine's secure randomness.
    public var randomness: Randomness
    /// Told what an operator must know.
    ///
    /// The default drops it.
    public var alarm: @Sendable (Alarm) -> Void
    /// Connections that questions share.
    ///
    /// The default is 4.
    public var readConnections: Int
    /// Called at the places where a crash matters most; tests break something there.
    var fault: (@Sendable (FaultPoint, Connection) throws -> Void)?

    /// Settings; what is left out has its default.
    public init(
      clock: @escaping WallClock = System.clock, randomness: @escaping Randomness = System.randomness,
      alarm: @escaping @Sendable (Alarm) -> Void = { _ in }, readConnections: Int = 4
    ) {
      self.clock = clock
      self.randomness = randomness
      self.alarm = alarm
      self.readConnections = readConnections
    }
  }

  /// What the store was given.
  public let settings: Settings
  private let conninfo: String
  let pool: Pool
  private let notifier: Notifier
  private let state = Mutex(State())

  /// What threads share.
  private struct State {
    var tenants: [String: Tenant] = [:]
    var follower: Follower?
    var isClosed = false
  }

  /// Opens the logs of a database.
  ///
  /// - Parameters:
  ///   - conninfo: the connection string of the service role.
  ///   - settings: clock, randomness, alarm. The default is the machine's own.
  /// - Throws: what `Schema.verify` finds: another schema, a superuser, a database that does not keep what it acknowledges.
  public init(_ conninfo: String, settings: Settings = Settings()) throws {
    self.conninfo = conninfo
    self.settings = settings
    pool = Pool(conninfo, maximumConnections: settings.readConnections)
    notifier = Notifier(pool: pool)
    try pool.withConnection { try Schema.verify($0) }
  }

  /// Makes a tenant with an empty log.
  ///
  /// - Throws: ``EventLogError/badTenantName`` or ``EventLogError/tenantExists(_:)``.
  public func create(tenant name: String) throws -> Tenant {
    guard Self.isTenantName(name) else { throw EventLogError.badTenantName }
    try pool.withConnection { connection in
      let isThere = try !connection.query("SELECT FROM tenure.tenant WHERE name = \(name)").isEmpty
      if isThere { throw EventLogError.tenantExists(name) }
      _ = try connection.query("SELECT tenure.create_tenant(\(name))")
    }
    guard let tenant = try find(tenant: name) else { throw EventLogError.headMissing(tenant: name) }
    return tenant
  }

  /// The tenant of that name, its graph loaded; nil where there is none.
  ///
  /// The first call reads its whole log.
  public func find(tenant name: String) throws -> Tenant? {
    if let tenant = loaded(tenant: name) { return tenant }
    let id = try pool.withConnection { connection in
      try connection.query("SELECT tenant_id FROM tenure.tenant WHERE name = \(name)").first?.int32(0)
    }
    guard let id else { return nil }
    let tenant = try state.withLock { state throws(EventLogError) -> Tenant in
      if state.isClosed { throw .closed }
      if let tenant = state.tenants[name] { return tenant }
      let replica = Replica(tenant: id, name: name, alarm: settings.alarm)
      let appender = Appender(replica: replica, settings: settings, conninfo: conninfo, notifier: notifier)
      let tenant = Tenant(replica: replica, appender: appender, pool: pool, settings: settings)
      state.tenants[name] = tenant
      return tenant
    }
    // Outside the lock: whoever asks for the same tenant meanwhile waits on the tenant's queue, not on the store's lock.
    try tenant.loadOnce()
    return tenant
  }

  /// The tenant of that name, made where there is none.
  public func findOrCreate(tenant name: String) throws -> Tenant {
    if let tenant = try find(tenant: name) { return tenant }
    do {
      return try create(tenant: name)
    } catch EventLogError.tenantExists {
      // Another process made it meanwhile.
      guard let tenant = try find(tenant: name) else { throw EventLogError.headMissing(tenant: name) }
      return tenant
    }
  }

  /// The tenant of that name if its graph is loaded.
  ///
  /// Never waits.
  public func loaded(tenant name: String) -> Tenant? {
    state.withLock { $0.tenants[name] }.flatMap { $0.isLoaded ? $0 : nil }
  }

  /// The names of all tenants, in byte order.
  public func tenantNames() throws -> [String] {
    try pool.withConnection { connection in
      try connection.query("SELECT name FROM tenure.tenant ORDER BY name").map { try $0.string(0) }
    }
  }

  /// Starts to follow what other processes append, for all tenants loaded now or later.
  ///
  /// A second call does nothing.
  public func follow() throws {
    let follower = Follower(
      conninfo: conninfo, pool: pool, loaded: { [weak self] in self?.loadedReplicas ?? [] }, alarm: settings.alarm)
    let isFirst = try state.withLock { state throws(EventLogError) in
      if state.isClosed { throw .closed }
      guard state.follower == nil else { return false }
      state.follower = follower
      return true
    }
    if isFirst { follower.start() }
  }

  private var loadedReplicas: [Replica] {
    state.withLock { Array($0.tenants.values) }.filter(\.isLoaded).map(\.replica)
  }

  /// Stops following and appending; returns when what was submitted has been answered.
  ///
  /// A second call does nothing.
  public func close() {
    let (tenants, follower) = state.withLock { state in
      state.isClosed = true
      defer { state.follower = nil }
      return (Array(state.tenants.values), state.follower)
    }
    follower?.stop()
    for tenant in tenants { tenant.appender.close() }
    pool.close()
  }

  /// Whether it is 1 to 63 characters of a–z, 0–9, `-`, `_` and `.`: it stands in addresses, file names and labels.
  static func isTenantName(_ name: String) -> Bool {
    (1...63).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
        default: false
        }
      }
  }
}

/// The places in an append where a crash matters most.
enum FaultPoint: Sendable {
  /// Everything is decided; COMMIT is about to be sent.
  case beforeCommit
  /// COMMIT has been answered.
  case afterCommit
}

/// Thrown by a test in place of the answer to COMMIT.
struct LostAnswer: Error {}
