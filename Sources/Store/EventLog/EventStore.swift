import Dispatch
import Governance
import Memory
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
    /// Bytes that all graphs may take together before those that were asked longest ago are let go.
    ///
    /// The default is no limit.
    public var graphMemory = Int.max
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
  /// One at a time looks at what memory is taken.
  private let releasing = DispatchQueue(label: "tenure.release")
  private let state = Mutex(State())

  /// A tenant that is kept, and how many times any tenant had been asked when this one was last.
  fileprivate struct Kept {
    var tenant: Tenant
    var asked: Int
  }

  /// What threads share.
  fileprivate struct State {
    var tenants: [String: Kept] = [:]
    /// How many times tenants were asked.
    var asked = 0
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
  /// The first call loads it, and so does the first after it was let go; keep it only while it is used.
  public func find(tenant name: String) throws -> Tenant? {
    if let tenant = loaded(tenant: name) { return tenant }
    let id = try pool.withConnection { connection in
      try connection.query("SELECT tenant_id FROM tenure.tenant WHERE name = \(name)").first?.int32(0)
    }
    guard let id else { return nil }
    let tenant = try state.withLock { state throws(EventLogError) -> Tenant in
      if state.isClosed { throw .closed }
      if let kept = state.tenants[name] { return kept.tenant }
      let replica = Replica(tenant: id, name: name, alarm: settings.alarm)
      let appender = Appender(replica: replica, settings: settings, conninfo: conninfo, notifier: notifier)
      let tenant = Tenant(replica: replica, appender: appender, pool: pool, settings: settings)
      state.asked += 1
      state.tenants[name] = Kept(tenant: tenant, asked: state.asked)
      return tenant
    }
    // Outside the lock: whoever asks for the same tenant meanwhile waits on the tenant's queue, not on the store's lock.
    try tenant.loadOnce()
    releaseMemory()
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
    state.withLock { state -> Tenant? in
      guard let place = state.tenants.index(forKey: name) else { return nil }
      state.asked += 1
      state.tenants.values[place].asked = state.asked
      return state.tenants.values[place].tenant
    }.flatMap { $0.isLoaded ? $0 : nil }
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
      conninfo: conninfo, pool: pool, loaded: { [weak self] in self?.replicasToFollow ?? [] }, alarm: settings.alarm)
    let isFirst = try state.withLock { state throws(EventLogError) in
      if state.isClosed { throw .closed }
      guard state.follower == nil else { return false }
      state.follower = follower
      return true
    }
    if isFirst { follower.start() }
  }

  /// Graphs also grow by what is appended: whoever follows looks at the memory as often as at the heads.
  private var replicasToFollow: [Replica] {
    releaseMemory()
    return loadedReplicas
  }

  private var loadedReplicas: [Replica] {
    state.withLock { $0.tenants.values.map(\.tenant) }.filter(\.isLoaded).map(\.replica)
  }

  /// Stops following and appending; returns when what was submitted has been answered.
  ///
  /// A second call does nothing.
  public func close() {
    let (tenants, follower) = state.withLock { state in
      state.isClosed = true
      defer { state.follower = nil }
      return (state.tenants.values.map(\.tenant), state.follower)
    }
    follower?.stop()
    for tenant in tenants { tenant.appender.close() }
    pool.close()
  }

  // MARK: Memory

  /// A tenant whose graph is in memory.
  public struct LoadedTenant: Hashable, Sendable {
    /// Its name.
    public var name: String
    /// Bytes that its graph takes.
    public var graphBytes: Int
    /// The event at which it has stopped; nil while all is well.
    public var degraded: UndecodableEvent?
  }

  /// The tenants whose graphs are in memory, in byte order of their names; to look is not to ask.
  public var loadedTenants: [LoadedTenant] {
    loadedReplicas.map { LoadedTenant(name: $0.name, graphBytes: $0.graphBytes, degraded: $0.degraded) }
      .sorted { $0.name.precedes($1.name) }
  }

  /// Lets tenants go that were asked longest ago, until the graphs fit into the memory they may take.
  ///
  /// A tenant that somebody holds stays: whoever asks or appends holds it until answered, and so finishes on the graph that it
  /// began with. So does one whose appender has something to do, one that is waited for, one that is degraded, which must
  /// go on saying so, and the one asked last, or a limit below its size would load it for every question. Asked again, a
  /// tenant that left loads at the head: nothing that was acknowledged is missing.
  private func releaseMemory() {
    guard settings.graphMemory < Int.max else { return }
    releasing.sync {
      let sizes = Dictionary(uniqueKeysWithValues: loadedTenants.map { ($0.name, $0.graphBytes) })
      let excess = sizes.values.reduce(0, +) - settings.graphMemory
      guard excess > 0 else { return }
      // The tenants end with this statement, outside the store's lock: freeing a large graph takes time.
      let isFreed = !release(sizes, excess: excess).isEmpty
      if isFreed { Allocator.giveBack() }
    }
  }

  /// Takes out the tenants asked longest ago until the excess is gone, or nobody is left who may go.
  private func release(_ sizes: [String: Int], excess: Int) -> [Tenant] {
    state.withLock { state in
      var excess = excess
      var released: [Tenant] = []
      let names = state.tenants.sorted { $0.value.asked < $1.value.asked }.map(\.key)
      for name in names.dropLast() where excess > 0 {
        guard let bytes = sizes[name], let tenant = state.release(name) else { continue }
        excess -= bytes
        released.append(tenant)
      }
      return released
    }
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

extension EventStore.State {
  /// Takes a tenant out, unless somebody holds it or it has something to do.
  ///
  /// Whoever would hold it anew has to come through this state's lock; so who is alone with it here stays alone.
  fileprivate mutating func release(_ name: String) -> Tenant? {
    guard var kept = tenants.removeValue(forKey: name) else { return nil }
    let isFree =
      isKnownUniquelyReferenced(&kept.tenant) && kept.tenant.isLoaded && kept.tenant.appender.isIdle
      && !kept.tenant.replica.hasWaiters && kept.tenant.degraded == nil
    if isFree { return kept.tenant }
    tenants[name] = kept
    return nil
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
