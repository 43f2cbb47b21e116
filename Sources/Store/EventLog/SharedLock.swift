import Synchronization

/// A readers–writer lock: many share it, or one has it alone.
///
/// A reader takes any one of several gates and a writer all of them, so that to share it costs two atomic operations and no
/// allocation, whatever the number of readers. A writer that meets a reader first waits for that one while others come and go:
/// behind one long reader short ones do not wait. After a few it bars the way, so that it is not starved. Not recursive: to
/// take it alone while sharing it blocks for ever.
final class SharedLock: Sendable {
  /// A lock of its own, in memory of its own.
  private final class Gate: Sendable {
    let mutex = Mutex<Void>(())
    // A line of cache beside the lock, so that readers on two processors do not pull one line to and fro.
    private let padding = (UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0), UInt64(0))
  }

  /// Readers at the same time without one waiting for another: more than the threads that serve and work.
  private static let gateCount = 16
  /// Readers that a writer waits for before it bars the way.
  private static let patience = 4

  /// What a reader meets.
  private static let (open, barred, taken) = (0, 1, 2)

  private let gates = (0..<gateCount).map { _ in Gate() }
  /// Held by the writer from its wish to its end.
  private let turnstile = Mutex<Void>(())
  private let way = Atomic<Int>(open)

  /// Whether to share it waits for no other reader.
  ///
  /// A glance: the next moment it may be otherwise.
  var isOpenToReaders: Bool { way.load(ordering: .acquiring) != Self.barred }

  /// Runs the body while others may do the same.
  func shared(_ body: () -> Void) {
    var isDone = false
    while !isDone {
      if way.load(ordering: .acquiring) != Self.open { turnstile.withLock { _ in } }
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
      defer { way.store(Self.open, ordering: .releasing) }
      for _ in 0..<Self.patience {
        guard let busy = takeAllIfFree(from: 0, body) else { return }
        gates[busy].mutex.withLock { _ in }
      }
      way.store(Self.barred, ordering: .releasing)
      takeAll(from: 0, body)
    }
  }

  /// Runs the body if every gate is free; otherwise says which is not.
  private func takeAllIfFree(from first: Int, _ body: () -> Void) -> Int? {
    guard first < gates.count else {
      runAlone(body)
      return nil
    }
    let further = gates[first].mutex.withLockIfAvailable { _ in takeAllIfFree(from: first + 1, body) }
    return further ?? first
  }

  private func takeAll(from first: Int, _ body: () -> Void) {
    guard first < gates.count else { return runAlone(body) }
    gates[first].mutex.withLock { _ in takeAll(from: first + 1, body) }
  }

  private func runAlone(_ body: () -> Void) {
    way.store(Self.taken, ordering: .releasing)
    body()
  }
}
