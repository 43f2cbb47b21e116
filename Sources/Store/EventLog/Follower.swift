import Dispatch
import Postgres
import Synchronization

/// Keeps the loaded tenants up with what other processes append: listens, and asks by itself in case a message was lost.
final class Follower: Sendable {
  /// How long a lost message can go unnoticed.
  static let pollMilliseconds = 500
  /// Before the next attempt to connect.
  private static let reconnectMilliseconds = 1_000

  private let conninfo: String
  private let pool: Pool
  private let loaded: @Sendable () -> [Replica]
  private let alarm: @Sendable (Alarm) -> Void
  private let queue = DispatchQueue(label: "tenure.follow")
  private let isStopped = Mutex(false)
  private let stopping = DispatchSemaphore(value: 0)

  init(
    conninfo: String, pool: Pool, loaded: @escaping @Sendable () -> [Replica], alarm: @escaping @Sendable (Alarm) -> Void
  ) {
    self.conninfo = conninfo
    self.pool = pool
    self.loaded = loaded
    self.alarm = alarm
  }

  /// Starts following, on a thread of its own.
  func start() {
    queue.async { self.run() }
  }

  /// Stops following; returns when it has, within one interval.
  func stop() {
    isStopped.withLock { $0 = true }
    stopping.signal()
    queue.sync {}
  }

  private var isRunning: Bool { !isStopped.withLock { $0 } }

  private func run() {
    var isLost = false
    while isRunning {
      do {
        let connection = try Connection(conninfo, applicationName: "tenure follow")
        try connection.listen(Notifier.channel)
        isLost = false
        while isRunning { try follow(on: connection) }
      } catch {
        if !isLost { alarm(.followerLost("\(error)")) }
        isLost = true
        _ = stopping.wait(timeout: .now() + .milliseconds(Self.reconnectMilliseconds))
      }
    }
  }

  /// Waits for a message or for the interval to end, then asks where the heads are.
  private func follow(on connection: Connection) throws {
    _ = try connection.notifications(waiting: Self.pollMilliseconds)
    let replicas = loaded().filter { $0.degraded == nil }
    guard !replicas.isEmpty else { return }
    let rows = try connection.query(
      "SELECT tenant_id, position, generation FROM tenure.head WHERE tenant_id = ANY(\(replicas.map(\.tenant)))")
    var heads: [Int32: (position: Int64, generation: Int64)] = [:]
    for row in rows { heads[try row.int32(0)] = (try row.int64(1), try row.int64(2)) }
    for replica in replicas {
      guard let found = heads[replica.tenant] else { continue }
      let known = replica.head
      // An append of our own may be committed and not yet published: catching up then finds nothing left to do.
      if found.position > known.position || found.generation != known.generation { replica.catchUpSoon(pool) }
    }
  }
}
