import Synchronization

/// A readers–writer lock: many share it, or one has it alone.
///
/// A reader takes any one of several gates and a writer all of them, so that to share it costs two atomic operations and no
/// allocation, whatever the number of readers. While a writer waits, new readers wait before the turnstile, so that it is not
/// starved. Not recursive: to take it alone while sharing it blocks for ever.
final class SharedLock: Sendable {
  /// A lock of its own, in memory of its own.
  private final class Gate: Sendable {
    let mutex = Mutex<Void>(())
    // A line of cache beside the lock, so that readers on two processors do not pull one line to and fro.
    private let padding = (UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0))
  }

  /// Readers at the same time without one waiting for another: more than the threads that serve and work.
  private static let gateCount = 16

  private let gates = (0..<gateCount).map { _ in Gate() }
  /// Held by the writer from its wish to its end.
  private let turnstile = Mutex<Void>(())
  private let isWanted = Atomic<Bool>(false)

  /// Runs the body while others may do the same.
  func shared(_ body: () -> Void) {
    var isDone = false
    while !isDone {
      if isWanted.load(ordering: .acquiring) { turnstile.withLock { _ in } }
      for gate in gates where !isDone {
        isDone = gate.mutex.withLockIfAvailable { _ in body() } != nil
      }
      // Every gate is taken, by a writer or by as many readers: wait for one and look again.
      if !isDone { gates[0].mutex.withLock { _ in } }
    }
  }

  /// Runs the body while nobody else does.
  func exclusive(_ body: () -> Void) {
    turnstile.withLock { _ in
      isWanted.store(true, ordering: .releasing)
      takeAll(from: 0, body)
      isWanted.store(false, ordering: .releasing)
    }
  }

  private func takeAll(from first: Int, _ body: () -> Void) {
    guard first < gates.count else { return body() }
    gates[first].mutex.withLock { _ in takeAll(from: first + 1, body) }
  }
}
