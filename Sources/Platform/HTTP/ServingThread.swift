internal import CMicroHTTPD

/// One of the threads that serve: a libmicrohttpd daemon without a socket to listen on.
///
/// Not libmicrohttpd's own pool, whose threads share the listening socket: which of them accepts a connection is luck, and
/// often it is the same one.
@safe final class ServingThread: @unchecked Sendable {
  private let daemon: OpaquePointer

  /// How long a serving thread may keep a processor that others wait for: the least that Linux takes.
  ///
  /// A request takes a few microseconds, and who is owed one should not wait a usual slice, of 3 ms, behind work that is in no
  /// hurry: a thread whose slice is shorter goes first (sched(7), EEVDF).
  private static let sliceNanoseconds: UInt64 = 100_000

  /// Starts to serve the connections it is given.
  ///
  /// - Precondition: `core` lives until `stop` has returned.
  init(_ core: ListenerCore) throws(ListenerError) {
    let context = unsafe Unmanaged.passUnretained(core).toOpaque()
    func number(_ option: MHD_OPTION, _ value: Int) -> MHD_OptionItem {
      unsafe MHD_OptionItem(option: option, value: value, ptr_value: nil)
    }
    func callback<Function>(_ option: MHD_OPTION, _ function: Function) -> MHD_OptionItem {
      unsafe MHD_OptionItem(option: option, value: unsafeBitCast(function, to: Int.self), ptr_value: context)
    }
    var flags =
      MHD_USE_NO_LISTEN_SOCKET.rawValue | MHD_USE_EPOLL_INTERNAL_THREAD.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue
    if core.log != nil { flags |= MHD_USE_ERROR_LOG.rawValue }
    let limits = core.limits
    var options = unsafe [
      callback(.EXTERNAL_LOGGER, Callbacks.log),  // first, as the manual asks
      callback(.NOTIFY_CONNECTION, Callbacks.connection),
      callback(.NOTIFY_COMPLETED, Callbacks.completed),
      callback(.UNESCAPE_CALLBACK, Callbacks.leaveEscaped),
      // Twice the limit: headers just above it are then ours to answer, and the buffer has room for a body's part.
      number(.CONNECTION_MEMORY_LIMIT, 2 * limits.headerBytes),
      // Out of reach, since `ConnectionTable` counts: a 0.9.75 thread that reaches it never gives back a lock.
      number(.CONNECTION_LIMIT, limits.connections + 1),
      number(.CONNECTION_TIMEOUT, limits.idleTimeoutSeconds),
      number(.STRICT_FOR_CLIENT, 1),  // a request without Host or with a space in its path is refused
      number(.END, 0),
    ]
    // The daemon's thread inherits it.
    let usual = shim_set_slice(Self.sliceNanoseconds)
    defer { if usual != 0 { _ = shim_set_slice(usual) } }
    guard let daemon = unsafe shim_start_daemon(flags, Callbacks.access, context, &options) else {
      throw ListenerError(.failed, "libmicrohttpd did not start; is the limit on open files or on threads reached?")
    }
    unsafe self.daemon = daemon
  }

  /// Takes over a connection, to close it in the end; false if it could not and closed it at once.
  ///
  /// TCP_NODELAY is libmicrohttpd's to set: it does with a connection's first answer, and would also if it were set.
  func serve(_ connection: AcceptedConnection) -> Bool {
    unsafe connection.withName { unsafe MHD_add_connection(daemon, connection.descriptor, $0, $1) == .YES }
  }

  /// Ends the thread and closes its connections; once, and with no reply waiting.
  func stop() {
    unsafe MHD_stop_daemon(daemon)
  }
}
