import Dispatch
import Synchronization
import Testing

@testable import EventLog

/// The readers–writer lock around a graph.
@Suite struct SharedLockTests {
  /// Counts that only the lock keeps together.
  private final class Pair: @unchecked Sendable {
    var first = 0
    var second = 0
    let torn = Atomic(0)
    let runs = Atomic(0)
  }

  @Test func `readers never see half a change, and no change is lost`() {
    let (lock, pair) = (SharedLock(), Pair())
    let (writers, changes) = (4, 500)
    DispatchQueue.concurrentPerform(iterations: 3 * writers) { worker in
      for _ in 0..<changes {
        if worker < writers {
          lock.exclusive {
            pair.first += 1
            pair.second += 1
          }
        } else {
          lock.shared {
            if pair.first != pair.second { pair.torn.add(1, ordering: .relaxed) }
            pair.runs.add(1, ordering: .relaxed)
          }
        }
      }
    }
    #expect(pair.torn.load(ordering: .relaxed) == 0)
    #expect(pair.runs.load(ordering: .relaxed) == 2 * writers * changes)
    #expect(pair.first == writers * changes)
  }
}
