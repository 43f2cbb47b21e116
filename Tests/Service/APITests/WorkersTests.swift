import Dispatch
import Synchronization
import Testing

@testable import API

/// What waits is bounded.
@Suite struct WorkersTests {
  @Test func `so many run, so many wait, and the next is refused`() async {
    let workers = Workers()
    let gate = DispatchSemaphore(value: 0)
    let done = Atomic<Int>(0)
    let most = Workers.running + Workers.waiting
    await withCheckedContinuation { continuation in
      let job: @Sendable () -> Void = {
        gate.wait()
        if done.add(1, ordering: .acquiringAndReleasing).newValue == most { continuation.resume() }
      }
      for _ in 0..<most { #expect(workers.run(job)) }
      #expect(!workers.run(job))
      for _ in 0..<most { gate.signal() }
    }
    await withCheckedContinuation { continuation in
      #expect(workers.run { continuation.resume() })
    }
  }
}
