import Dispatch
import Foundation
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

  @Test func `behind one long reader a writer waits, and short readers do not`() {
    let lock = SharedLock()
    let (isReading, mayEnd, isWriting, hasEnded) = (
      DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0), DispatchSemaphore(value: 0)
    )
    let order = Mutex<[String]>([])
    Thread.detachNewThread {
      lock.shared {
        isReading.signal()
        mayEnd.wait()
        order.withLock { $0.append("long") }
      }
    }
    isReading.wait()
    Thread.detachNewThread {
      isWriting.signal()
      lock.exclusive { order.withLock { $0.append("writer") } }
      hasEnded.signal()
    }
    isWriting.wait()
    // Whether the writer waits by now or not: each of them gets in, for the long reader is still there.
    for _ in 0..<1_000 { lock.shared { #expect(lock.isOpenToReaders) } }
    order.withLock { $0.append("short") }
    mayEnd.signal()
    hasEnded.wait()
    #expect(order.withLock { $0 } == ["short", "long", "writer"])
  }
}
