import Dispatch
import Synchronization

/// Threads for what waits: cold tenants, and questions that go to PostgreSQL.
///
/// Bounded both ways, so that slow questions neither grow threads without end nor pile up unseen.
final class Workers: Sendable {
  /// Questions that run at the same time: as many as the store usually has read connections.
  static let running = 4
  /// Questions that may wait beside them; over it 503 with Retry-After.
  static let waiting = 256

  private struct State {
    var running = 0
    var waiting: [@Sendable () -> Void] = []
  }

  private let state = Mutex(State())
  private let queue = DispatchQueue(label: "tenure.api.workers", attributes: .concurrent)

  /// Runs the job on a thread of its own as soon as there is one; the answer is whether it was taken.
  func run(_ job: @escaping @Sendable () -> Void) -> Bool {
    let (isTaken, needsThread) = state.withLock { state in
      if state.running < Self.running {
        state.running += 1
        return (true, true)
      }
      guard state.waiting.count < Self.waiting else { return (false, false) }
      state.waiting.append(job)
      return (true, false)
    }
    if needsThread { queue.async { self.work(job) } }
    return isTaken
  }

  private func work(_ first: @Sendable () -> Void) {
    first()
    while let next = takeNext() { next() }
  }

  private func takeNext() -> (@Sendable () -> Void)? {
    state.withLock { state in
      if state.waiting.isEmpty {
        state.running -= 1
        return nil
      }
      return state.waiting.removeFirst()
    }
  }
}
