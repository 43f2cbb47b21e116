import Synchronization
public import Temporal

/// A clock that tests set.
public final class TestClock: Sendable {
  private let present: Mutex<Instant>

  /// A clock that stands at an instant.
  public init(_ start: Instant) { present = Mutex(start) }

  /// What it shows.
  public var now: Instant {
    get { present.withLock { $0 } }
    set { present.withLock { $0 = newValue } }
  }
}
