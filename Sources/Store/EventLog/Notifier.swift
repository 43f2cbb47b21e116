import Dispatch
import Postgres
import Synchronization

/// Tells other processes that tenants have new events, in transactions of its own: inside an append's it would make the appends
/// of all tenants wait for one another.
///
/// What comes within an interval of a message goes out in the next, together.
final class Notifier: Sendable {
  /// The channel; a message's payload is the tenants' numbers, parted by spaces.
  static let channel = "tenure_log"
  /// Tenants named in one message: the payload stays far below PostgreSQL's 8,000 bytes.
  private static let tenantsPerMessage = 500

  /// Between two messages: each is a transaction that is written to disk, and listeners are told soon enough.
  private static let intervalMilliseconds = 20

  private let pool: Pool
  private let queue = DispatchQueue(label: "tenure.notify")
  private let state = Mutex(State())

  private struct State {
    var tenants: Set<Int32> = []
    var isSending = false
  }

  init(pool: Pool) { self.pool = pool }

  /// Has the tenant announced soon.
  ///
  /// Never blocks.
  func notify(_ tenant: Int32) {
    let isFirst = state.withLock { state in
      state.tenants.insert(tenant)
      defer { state.isSending = true }
      return !state.isSending
    }
    if isFirst { queue.async { self.send() } }
  }

  private func send() {
    let tenants = state.withLock { state -> [Int32] in
      let tenants = Array(state.tenants.prefix(Self.tenantsPerMessage))
      state.tenants.subtract(tenants)
      if tenants.isEmpty { state.isSending = false }
      return tenants
    }
    if tenants.isEmpty { return }
    // A message lost costs the others one interval of their follower, which asks by itself.
    _ = try? pool.withConnection { connection in
      try connection.notify(Self.channel, tenants.map(\.description).joined(separator: " "))
    }
    queue.asyncAfter(deadline: .now() + .milliseconds(Self.intervalMilliseconds)) { self.send() }
  }
}
