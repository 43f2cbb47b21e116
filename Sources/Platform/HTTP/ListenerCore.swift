internal import CMicroHTTPD
import Synchronization

/// What a listener's threads, its clock and its stopping share.
final class ListenerCore: Sendable {
  private struct Waiting {
    var isOpen = true
    var replies: [ObjectIdentifier: PendingReply] = [:]
  }

  let limits: ListenerLimits
  let handler: @Sendable (Request) -> Reply
  let problem: ProblemResponse
  let log: (@Sendable (String) -> Void)?
  /// Seconds since the start, advanced by the clock; cheaper to read at each request than the system's time.
  let now = Atomic<Int>(0)
  /// True from the moment `stop` is called: each answer closes its connection.
  let isStopping = Atomic<Bool>(false)
  /// The open connections, over all threads.
  let connections: ConnectionTable
  private let waiting = Mutex(Waiting())

  init(
    limits: ListenerLimits, connections: ConnectionTable, problem: @escaping ProblemResponse,
    log: (@Sendable (String) -> Void)?, handler: @escaping @Sendable (Request) -> Reply
  ) {
    self.limits = limits
    self.connections = connections
    self.problem = problem
    self.log = log
    self.handler = handler
  }

  /// One second has passed: cuts every connection whose request did not arrive in time.
  func advanceClock() {
    let time = now.add(1, ordering: .relaxed).newValue
    connections.forEach { connection in
      if connection.deadline.load(ordering: .relaxed) <= time { _ = shim_shut_down(connection.socket) }
    }
  }

  /// Counts a reply among those waiting; false if there are too many or the listener is closing.
  func admit(_ reply: PendingReply) -> Bool {
    waiting.withLock { waiting in
      guard waiting.isOpen, waiting.replies.count < limits.suspendedConnections else { return false }
      waiting.replies[ObjectIdentifier(reply)] = reply
      return true
    }
  }

  func release(_ reply: PendingReply) {
    waiting.withLock { _ = $0.replies.removeValue(forKey: ObjectIdentifier(reply)) }
  }

  /// Answers every waiting reply with 503 and admits no more; libmicrohttpd cannot stop while a connection is suspended.
  func dismissWaiting() {
    let replies = waiting.withLock { waiting in
      waiting.isOpen = false
      return Array(waiting.replies.values)
    }
    for reply in replies { reply.answer(refusal(503, reply.request)) }
  }

  /// The answer to a refused request, with what its status calls for.
  func refusal(_ status: Int, _ request: Request) -> Response {
    var response = problem(status, request, [])
    if status == 503 { response.headers.appendIfAbsent("Retry-After", "\(limits.retryAfterSeconds)") }
    return response
  }
}
