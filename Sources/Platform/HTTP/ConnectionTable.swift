import Synchronization

/// A listener's open connections, from being accepted to being closed: who serves them, and how many there are.
///
/// libmicrohttpd counts for each of its daemons; what is bounded for the listener is counted here.
final class ConnectionTable: Sendable {
  private struct Entry {
    let thread: Int
    let address: ClientAddress?
    /// Nil until the thread has taken the connection up.
    var connection: ClientConnection?
  }

  private struct Table {
    var entries: [Int32: Entry] = [:]
    var perThread: [Int]
    var perAddress: [ClientAddress: Int] = [:]
    var isEndAwaited = false

    mutating func remove(_ descriptor: Int32) -> Bool {
      guard let entry = entries.removeValue(forKey: descriptor) else { return false }
      perThread[entry.thread] -= 1
      guard let address = entry.address, let count = perAddress[address] else { return true }
      perAddress[address] = count > 1 ? count - 1 : nil
      return true
    }
  }

  private let limit: Int
  private let limitPerAddress: Int?
  private let table: Mutex<Table>
  private let endSignal: WakeSignal

  /// An empty table; the signal tells of an awaited end.
  init(_ limits: ListenerLimits, threads: Int, endSignal: WakeSignal) {
    limit = limits.connections
    limitPerAddress = limits.connectionsPerAddress
    self.endSignal = endSignal
    table = Mutex(Table(perThread: Array(repeating: 0, count: threads)))
  }

  /// True if one more may be accepted; if not, the end of one gives the signal.
  func hasRoom() -> Bool {
    table.withLock { table in
      if table.entries.count < limit { return true }
      table.isEndAwaited = true
      return false
    }
  }

  /// Asks for the signal at the next end of a connection.
  func awaitEnd() {
    table.withLock { $0.isEndAwaited = true }
  }

  /// Enters an accepted connection and gives the thread with the fewest; nil if its address has as many as it may.
  func enter(_ descriptor: Int32, from address: ClientAddress?) -> Int? {
    table.withLock { table in
      // The number is given anew, so what was entered under it is closed: of a connection that it had no memory to begin,
      // libmicrohttpd does not tell the end.
      _ = table.remove(descriptor)
      let address = limitPerAddress == nil ? nil : address
      if let address, let limitPerAddress {
        guard table.perAddress[address, default: 0] < limitPerAddress else { return nil }
        table.perAddress[address, default: 0] += 1
      }
      let thread = table.perThread.indices.min { table.perThread[$0] < table.perThread[$1] } ?? 0
      table.perThread[thread] += 1
      table.entries[descriptor] = Entry(thread: thread, address: address)
      return thread
    }
  }

  /// Its thread has taken the connection up.
  func opened(_ connection: ClientConnection) {
    table.withLock { $0.entries[connection.socket]?.connection = connection }
  }

  /// Forgets a connection that ends, before its number can be given to another.
  func remove(_ descriptor: Int32) {
    let isAwaited = table.withLock { table in
      guard table.remove(descriptor), table.isEndAwaited else { return false }
      table.isEndAwaited = false
      return true
    }
    if isAwaited { endSignal.give() }
  }

  /// Calls a function with each connection that is served.
  ///
  /// The lock is held meanwhile, so that no socket can be closed and its number given to another.
  func forEach(_ body: (ClientConnection) -> Void) {
    table.withLock { table in
      for entry in table.entries.values { entry.connection.map(body) }
    }
  }

  /// True while a request is being received or answered.
  var hasRunningRequests: Bool {
    table.withLock { $0.entries.values.contains { $0.connection?.isRunning.load(ordering: .acquiring) ?? false } }
  }
}
