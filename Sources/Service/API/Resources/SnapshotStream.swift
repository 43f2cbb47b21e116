import Synchronization

/// A snapshot as the producer of a streamed body, which is called from the listener's threads, one call at a time.
final class SnapshotStream: Sendable {
  private let snapshot: Mutex<Snapshot>

  init(_ snapshot: Snapshot) {
    self.snapshot = Mutex(snapshot)
  }

  /// The next bytes; nil at the end.
  func next() throws -> [UInt8]? { try snapshot.withLock { try $0.nextSlice() } }
}
