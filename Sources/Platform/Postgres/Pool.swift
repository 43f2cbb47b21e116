import Dispatch
import Synchronization

/// Connections to one database, lent one at a time; any thread may ask.
///
/// A connection that broke, or that comes back within a transaction, is dropped and another is made when needed.
/// ``withConnection(_:)`` blocks its thread; ``run(_:)`` is the door for tasks, which never waits on the cooperative pool.
public final class Pool: Sendable {
  /// Milliseconds that a caller waits for a connection, unless told otherwise: longer than a command should ever take, shorter
  /// than a person's patience; then `.poolExhausted`.
  public static let defaultWaitMilliseconds = 5_000
  /// Bodies given to ``run(_:)`` that may wait for a connection; one more is refused at once with `.poolExhausted`.
  public static let maximumWaitingBodies = 4_096

  private let conninfo: String
  private let waitMilliseconds: Int
  private let prepare: @Sendable (Connection) throws -> Void
  /// A permit for each connection that may be lent.
  private let permits: DispatchSemaphore
  /// Serial, one for each connection: a serial queue has a thread of its own as soon as it has work, where a concurrent one
  /// would share the few threads that Swift's tasks run on.
  private let lanes: [DispatchQueue]
  private let state: Mutex<State>

  /// What threads share.
  private struct State {
    var isClosed = false
    /// Connections not lent, the one used last at the end.
    var idle: [Connection] = []
    /// The lanes that no body runs on.
    var freeLanes: [Int]
    /// Bodies that wait for a lane, those before `nextBody` already taken.
    var waiting: [Body] = []
    var nextBody = 0

    /// Places of bodies already taken, kept until there are so many.
    static let takenBodiesKept = 1_024

    mutating func takeBody() -> Body? {
      guard nextBody < waiting.count else {
        waiting.removeAll(keepingCapacity: true)
        nextBody = 0
        return nil
      }
      // What was taken is cleared away in batches, which costs each body a constant, however long the queue never empties.
      if nextBody >= Self.takenBodiesKept {
        waiting.removeFirst(nextBody)
        nextBody = 0
      }
      defer { nextBody += 1 }
      return waiting[nextBody]
    }
  }

  /// A body given to `run`, with the continuation it resumes.
  private typealias Body = @Sendable (Pool) -> Void

  /// A pool that connects when first asked.
  ///
  /// - Parameters:
  ///   - conninfo: As for ``Connection/init(_:applicationName:)``.
  ///   - maximumConnections: At least 1. The default is 8.
  ///   - waitMilliseconds: How long a caller waits for a connection. The default is ``defaultWaitMilliseconds``.
  ///   - prepare: Run once on each new connection, for settings. The default does nothing.
  public init(
    _ conninfo: String, maximumConnections: Int = 8, waitMilliseconds: Int = Pool.defaultWaitMilliseconds,
    prepare: @escaping @Sendable (Connection) throws -> Void = { _ in }
  ) {
    precondition(maximumConnections >= 1, "a pool of \(maximumConnections) connections")
    self.conninfo = conninfo
    self.waitMilliseconds = waitMilliseconds
    self.prepare = prepare
    // libdispatch traps if a semaphore ends below the value it began with: begun at 0 it cannot.
    permits = DispatchSemaphore(value: 0)
    for _ in 0..<maximumConnections { permits.signal() }
    lanes = (0..<maximumConnections).map { DispatchQueue(label: "tenure.postgres.\($0)") }
    state = Mutex(State(freeLanes: Array(0..<maximumConnections)))
  }

  /// Lends a connection to the body, blocking the calling thread until one is free.
  ///
  /// - Throws: What the body threw; or ``PostgresError`` with code `.poolExhausted` after the wait, `.poolClosed`, or
  ///   `.connectionFailed`.
  public func withConnection<T>(_ body: (Connection) throws -> T) throws -> T {
    guard permits.wait(timeout: .now() + .milliseconds(waitMilliseconds)) == .success else {
      throw PostgresError(
        .poolExhausted, "all \(lanes.count) connections were in use for \(waitMilliseconds) ms; raise the limit or try again")
    }
    defer { permits.signal() }
    let connection = try takeConnection()
    defer { giveBack(connection) }
    return try body(connection)
  }

  /// Lends a connection to the body on a thread of the pool; the calling task is suspended meanwhile, not its thread.
  ///
  /// - Throws: As ``withConnection(_:)``.
  public func run<T: Sendable>(_ body: @escaping @Sendable (Connection) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      let asked = ContinuousClock.now
      enqueue { pool in
        guard ContinuousClock.now - asked <= .milliseconds(pool.waitMilliseconds) else {
          continuation.resume(throwing: PostgresError(.poolExhausted, "no thread was free for \(pool.waitMilliseconds) ms"))
          return
        }
        continuation.resume(with: Result { try pool.withConnection(body) })
      } refused: {
        continuation.resume(
          throwing: PostgresError(.poolExhausted, "more than \(Self.maximumWaitingBodies) wait for a connection"))
      }
    }
  }

  /// Closes the connections not in use, and each other when it comes back; whoever asks from now on is refused.
  public func close() {
    let idle = state.withLock { state in
      state.isClosed = true
      defer { state.idle = [] }
      return state.idle
    }
    // Released here, outside the lock: saying goodbye to a server takes a system call.
    _ = consume idle
  }

  private func takeConnection() throws -> Connection {
    while true {
      let (isClosed, connection) = state.withLock { ($0.isClosed, $0.idle.popLast()) }
      if isClosed { throw PostgresError(.poolClosed, "no connection is lent any more") }
      guard let connection else { break }
      // A server that was restarted meanwhile has ended the session; that is not the caller's trouble.
      if !connection.hasDiedIdle() { return connection }
    }
    let connection = try Connection(conninfo)
    try prepare(connection)
    return connection
  }

  private func giveBack(_ connection: Connection) {
    guard connection.isOpen, !connection.isBusy, !connection.isInTransaction else { return }
    state.withLock { state in
      if !state.isClosed { state.idle.append(connection) }
    }
  }

  private func enqueue(_ body: @escaping Body, refused: () -> Void) {
    enum Place { case lane(Int), queue, none }
    let place = state.withLock { state -> Place in
      if let lane = state.freeLanes.popLast() { return .lane(lane) }
      guard state.waiting.count - state.nextBody < Self.maximumWaitingBodies else { return .none }
      state.waiting.append(body)
      return .queue
    }
    switch place {
    case .lane(let lane): lanes[lane].async { self.work(lane, first: body) }
    case .queue: break
    case .none: refused()
    }
  }

  /// Runs bodies on a lane until none waits.
  private func work(_ lane: Int, first: Body) {
    first(self)
    while true {
      let next = state.withLock { state -> Body? in
        if let body = state.takeBody() { return body }
        state.freeLanes.append(lane)
        return nil
      }
      guard let next else { return }
      next(self)
    }
  }
}
