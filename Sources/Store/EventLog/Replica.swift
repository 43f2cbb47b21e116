import AccessGraph
import Dispatch
import Governance
import Postgres
import Synchronization
import Temporal

/// One tenant's graph in this process, and where it stands.
///
/// Everything that changes it runs on `queue`, a serial queue of its own: appends, catching up and loading anew never overlap.
final class Replica: Sendable {
  /// Events that are read and decoded before they are applied together, so that readers wait for a moment only.
  private static let eventsPerSlice = 512

  let tenant: Int32
  let name: String
  let queue: DispatchQueue
  /// Where waiters are told without waiting for an append.
  private let callbacks = DispatchQueue(label: "tenure.waiters")
  let graph = SharedGraph()
  let alarm: @Sendable (Alarm) -> Void
  private let state = Mutex(State())

  /// What threads share beside the graph.
  private struct State {
    var head = Head.empty
    var degraded: UndecodableEvent?
    var waiters: [Int: (position: Int64, done: @Sendable (Bool) -> Void)] = [:]
    var nextWaiter = 0
    var isCatchUpQueued = false
  }

  init(tenant: Int32, name: String, alarm: @escaping @Sendable (Alarm) -> Void) {
    self.tenant = tenant
    self.name = name
    self.alarm = alarm
    queue = DispatchQueue(label: "tenure.tenant.\(name)")
  }

  deinit {
    for waiter in state.withLock({ $0.waiters.values }) { waiter.done(false) }
  }

  var head: Head { state.withLock { $0.head } }
  var degraded: UndecodableEvent? { state.withLock { $0.degraded } }

  /// Throws where the tenant has stopped at an event that cannot be read.
  func requireSound() throws(EventLogError) {
    if let event = degraded { throw .degraded(event) }
  }

  /// Bytes that the graph takes.
  ///
  /// Waits for who changes it.
  var graphBytes: Int { graph.read { $0.bytes } }

  /// Whether somebody waits for a position.
  var hasWaiters: Bool { state.withLock { !$0.waiters.isEmpty } }

  // MARK: Following the log; on the queue

  /// Loads a new graph and puts it in the old one's place.
  ///
  /// O(facts).
  func load(on connection: Connection) throws {
    let (fresh, head) = try loadedGraph(on: connection)
    graph.replace(with: fresh)
    advance(to: head)
  }

  /// Applies and publishes what others have appended; loads anew where a rebuild says so.
  ///
  /// - Throws: ``EventLogError/degraded(_:)`` at an event that cannot be read; everything before it is kept from readers too.
  func catchUp(on connection: Connection) throws {
    guard let head = try Head.read(tenant, on: connection) else { throw EventLogError.headMissing(tenant: name) }
    try catchUp(to: head, on: connection)
  }

  /// The same to a head that was read before.
  func catchUp(to head: Head, on connection: Connection) throws {
    try requireSound()
    let known = self.head
    guard head.generation == known.generation else { return try load(on: connection) }
    if head.position > known.position {
      do {
        try readingSoundly {
          try fold(after: known.position, through: head.position, on: connection) { events in
            graph.change { graph in
              for event in events { graph.apply(event) }
            }
          }
        }
      } catch {
        graph.change { $0.undo() }
        throw error
      }
      graph.change { $0.publish() }
    }
    advance(to: head)
  }

  /// Has the queue catch up soon; many requests are one.
  func catchUpSoon(_ pool: Pool) {
    let isFirst = state.withLock { state in
      defer { state.isCatchUpQueued = true }
      return !state.isCatchUpQueued && state.degraded == nil
    }
    guard isFirst else { return }
    queue.async {
      self.state.withLock { $0.isCatchUpQueued = false }
      // A failure to read is the follower's to report: it comes back within its interval.
      _ = try? pool.withConnection { try self.catchUp(on: $0) }
    }
  }

  /// Readers see everything up to the head; whoever waits for it is told.
  ///
  /// What is applied above it stays tentative.
  func publish(_ head: Head) {
    graph.change { $0.publish(to: head.position) }
    advance(to: head)
  }

  private func advance(to head: Head) {
    let reached = state.withLock { state in
      state.head = head
      let reached = state.waiters.filter { $0.value.position <= head.position }
      for number in reached.keys { state.waiters[number] = nil }
      return reached.values.map(\.done)
    }
    for done in reached { done(true) }
  }

  private func fold(
    after position: Int64, through last: Int64, on connection: Connection, _ apply: ([Event]) -> Void
  ) throws {
    var slice: [Event] = []
    try LogFold.read(tenant, after: position, through: last, on: connection) { found, row in
      slice.append(try EventCodec.decode(Array(try row.string().utf8), at: found))
      guard slice.count == Self.eventsPerSlice else { return }
      apply(slice)
      slice.removeAll(keepingCapacity: true)
    }
    apply(slice)
  }

  /// Stops the tenant where the body meets an event that cannot be read.
  func readingSoundly<T>(_ body: () throws -> T) throws -> T {
    do {
      return try body()
    } catch let error as UndecodableEvent {
      stop(at: error)
      throw EventLogError.degraded(error)
    } catch EventLogError.gap(let expected, let found) {
      let error = UndecodableEvent(position: expected, problem: "is missing from the log, which goes on at \(found)")
      stop(at: error)
      throw EventLogError.degraded(error)
    }
  }

  private func stop(at event: UndecodableEvent) {
    let waiters = state.withLock { state in
      state.degraded = event
      defer { state.waiters = [:] }
      return state.waiters.values.map(\.done)
    }
    alarm(.degraded(tenant: name, event))
    for done in waiters { done(false) }
  }

  // MARK: Waiting

  /// Calls back once the position is published (true), or the time is over or the tenant has stopped (false).
  func whenReached(_ position: Int64, timeoutMilliseconds: Int, _ done: @escaping @Sendable (Bool) -> Void) {
    enum Answer { case now(Bool), later(Int) }
    let answer = state.withLock { state -> Answer in
      if state.degraded != nil { return .now(false) }
      if state.head.position >= position { return .now(true) }
      state.nextWaiter += 1
      state.waiters[state.nextWaiter] = (position, done)
      return .later(state.nextWaiter)
    }
    switch answer {
    case .now(let isReached): callbacks.async { done(isReached) }
    case .later(let number):
      // Weak: a graph that leaves memory must not stay for who was answered long before his time was over.
      callbacks.asyncAfter(deadline: .now() + .milliseconds(timeoutMilliseconds)) { [weak self] in
        let late = self?.state.withLock { $0.waiters.removeValue(forKey: number) }
        late?.done(false)
      }
    }
  }
}
