internal import CMicroHTTPD
import Glibc

/// Wakes a thread that waits in `poll`, from any other.
///
/// The corresponding C function is `eventfd`.
final class WakeSignal: Sendable {
  /// Readable from a signal until it is taken.
  let descriptor: Int32

  init() throws(ListenerError) {
    let opened = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
    guard opened >= 0 else { throw ListenerError(.failed, "the limit on open files is reached") }
    descriptor = opened
  }

  deinit { close(descriptor) }

  func give() {
    eventfd_write(descriptor, 1)
  }

  /// Forgets the signals given so far.
  func take() {
    var count: eventfd_t = 0
    unsafe eventfd_read(descriptor, &count)
  }
}
