internal import CMicroHTTPD
import Synchronization

/// The right to answer one request, once, from any thread.
///
/// Dropped unanswered, it answers 500.
public final class Responder: Sendable {
  private let pending: PendingReply
  private let problem: ProblemResponse
  private let isUsed = Atomic<Bool>(false)

  init(pending: PendingReply, problem: @escaping ProblemResponse) {
    self.pending = pending
    self.problem = problem
  }

  deinit {
    if !isUsed.load(ordering: .acquiring) { pending.answer(problem(500, pending.request, [])) }
  }

  /// Sends the answer; does nothing if the listener stopped meanwhile.
  ///
  /// - Precondition: called once; a second call is a programmer error and traps.
  public func respond(_ response: Response) {
    let wasUsed = isUsed.exchange(true, ordering: .acquiringAndReleasing)
    precondition(!wasUsed, "a responder answers once")
    pending.answer(response)
  }
}

/// libmicrohttpd's connection, named from another thread; valid from suspension to resumption.
@safe struct SuspendedConnection: @unchecked Sendable {
  let handle: OpaquePointer
}

/// The answer that a waiting connection waits for: a small state machine shared by the listener's thread and the responder.
///
/// INVARIANT: a connection is suspended once at most and resumed once for each suspension. The C calls are made under the
/// lock, so that a resumption cannot overtake its suspension and no connection is resumed after it was given back.
final class PendingReply: Sendable {
  private enum State {
    case open
    case suspended(SuspendedConnection)
    case answered(Response)
    case taken
  }

  /// What is to be answered.
  let request: Request
  private let state = Mutex(State.open)

  init(_ request: Request) {
    self.request = request
  }

  /// Keeps the first answer and wakes the connection; later answers (after a stop) are dropped.
  func answer(_ response: Response) {
    state.withLock { state in
      switch state {
      case .open:
        state = .answered(response)
      case .suspended(let connection):
        state = .answered(response)
        unsafe MHD_resume_connection(connection.handle)
      case .answered, .taken:
        break
      }
    }
  }

  /// Gives the answer if there is one, and otherwise suspends the connection; called on the connection's own thread.
  func takeOrSuspend(_ connection: SuspendedConnection) -> Response? {
    state.withLock { state in
      switch state {
      case .open:
        state = .suspended(connection)
        unsafe MHD_suspend_connection(connection.handle)
        return nil
      case .answered(let response):
        state = .taken
        return response
      case .suspended, .taken:
        return nil
      }
    }
  }
}
