import Glibc

/// An open file that `flock` is used on; closing it releases the lock, and so does the end of the process, however it comes.
///
/// The lock belongs to this opening of the file, so two in one process exclude each other as two processes do.
struct FileLock: ~Copyable {
  enum Kind {
    case shared
    case exclusive
  }

  /// How often a lock held by another is tried again; nobody notices so short a wait, and it costs nothing.
  static let retryMicroseconds: UInt32 = 20_000

  private let descriptor: Int32

  init(path: String) throws(EmbeddedServerError) {
    // Close-on-exec: a server that inherited the descriptor would hold the lock for good.
    descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw EmbeddedServerError(.dataDirectory, "cannot open `\(path)`: \(describe(errno))")
    }
  }

  deinit {
    close(descriptor)
  }

  /// Takes the lock, or changes its kind, without waiting; false if another holds it, and then it is not held at all.
  func tryLock(_ kind: Kind) -> Bool {
    flock(descriptor, (kind == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0
  }

  /// Takes the lock, waiting for others to release it; false if the time is over.
  func lock(_ kind: Kind, withinSeconds seconds: Int, whileWaiting: () -> Void = {}) -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    if tryLock(kind) { return true }
    whileWaiting()
    while ContinuousClock.now < deadline {
      usleep(Self.retryMicroseconds)
      if tryLock(kind) { return true }
    }
    return false
  }
}

/// The system's words for an `errno`.
func describe(_ code: Int32) -> String {
  unsafe String(cString: strerror(code))
}
