import Dispatch
import Synchronization

/// One value that a thread waits for and another gives.
final class Answer<Value: Sendable>: Sendable {
  private let value = Mutex<Value?>(nil)
  private let isGiven = DispatchSemaphore(value: 0)

  /// Gives the value; to be called once.
  func give(_ value: Value) {
    self.value.withLock { $0 = value }
    isGiven.signal()
  }

  /// Blocks until the value is given.
  func wait() -> Value {
    while true {
      isGiven.wait()
      if let value = value.withLock({ $0 }) { return value }
    }
  }
}
