internal import CMicroHTTPD
import Dispatch
import Glibc
import Synchronization

/// An HTTP/1.1 server on one address.
///
/// libmicrohttpd parses; a fixed number of threads serves all connections, so a handler must not block: what takes long is
/// answered with `Reply.later`.
public final class Listener: Sendable {
  /// The port bound, also where 0 was asked for; 0 for a Unix socket.
  public let port: Int

  private let core: ListenerCore
  private let running: Mutex<Running?>

  /// What there is to stop.
  @safe private struct Running: @unchecked Sendable {
    let daemon: OpaquePointer
    let clock: any DispatchSourceTimer
    let socket: ListeningSocket
    let connectionsPerThread: Int
  }

  /// How long busy threads may take to notice that the socket refuses, before it is parked.
  private static let settleSeconds = 0.02

  /// How long the last answers may take to leave after everything still waiting was answered 503.
  private static let farewellSeconds = 0.25

  /// Binds the address and starts to serve.
  ///
  /// - Parameters:
  ///   - address: Where to listen.
  ///   - limits: Bounds; the defaults are at each.
  ///   - threads: How many threads serve; the default is one a core.
  ///   - problem: Makes the answer to refused requests; the default has no body.
  ///   - log: Takes libmicrohttpd's messages, on any thread; the default drops them.
  ///   - handler: Answers a request, on one of the listener's threads.
  /// - Throws: `ListenerError` if the address cannot be bound or the threads not be started.
  public init(
    address: ListenerAddress, limits: ListenerLimits = ListenerLimits(), threads: Int = Listener.coreCount,
    problem: @escaping ProblemResponse = emptyProblemResponse, log: (@Sendable (String) -> Void)? = nil,
    handler: @escaping @Sendable (Request) -> Reply
  ) throws(ListenerError) {
    let core = ListenerCore(limits: limits, problem: problem, log: log, handler: handler)
    let socket = try ListeningSocket(address)
    guard let daemon = unsafe Self.start(core, socket, threads: threads) else {
      socket.file?.remove()
      throw ListenerError(.failed, "libmicrohttpd did not start; is the limit on open files below that on connections?")
    }
    let clock = DispatchSource.makeTimerSource()
    clock.schedule(deadline: .now() + 1, repeating: 1)
    clock.setEventHandler { core.advanceClock() }
    clock.resume()
    self.core = core
    self.port = socket.port
    running = unsafe Mutex(
      Running(daemon: daemon, clock: clock, socket: socket, connectionsPerThread: limits.connections / max(1, threads)))
  }

  deinit { stop(graceful: 0) }

  /// The number of processors online.
  public static let coreCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  /// Stops: accepts no more connections, lets running requests end for up to that many seconds, answers 503 to those that
  /// still wait, closes what is left.
  ///
  /// Not by `MHD_quiesce_daemon`: in 0.9.75 it and a busy thread may both take the socket out of the epoll set, and the
  /// second of them aborts the process. The socket is shut down instead, and parked so that it does not keep the threads
  /// busy; not where a thread may be at its limit of connections, since it would look for the socket in its set.
  ///
  /// Blocks until the threads have ended, and does nothing the second time. It must not be called from a handler, which
  /// would wait for itself.
  public func stop(graceful seconds: Int) {
    running.withLock { running in
      guard let stopping = running else { return }
      running = nil
      core.isStopping.store(true, ordering: .releasing)
      stopping.socket.refuse()
      stopping.socket.file?.remove()
      drain(seconds: Self.settleSeconds)
      if core.hasRunningRequests, core.connectionCount < stopping.connectionsPerThread { stopping.socket.park() }
      drain(seconds: Double(seconds))
      core.dismissWaiting()
      drain(seconds: Self.farewellSeconds)
      unsafe MHD_stop_daemon(stopping.daemon)
      stopping.clock.cancel()
    }
  }

  /// Waits until no request runs; looks often instead of being told, which would cost every request.
  private func drain(seconds: Double) {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while core.hasRunningRequests, clock.now < end { usleep(2000) }
  }

  private static func start(_ core: ListenerCore, _ socket: ListeningSocket, threads: Int) -> OpaquePointer? {
    let limits = core.limits
    let context = unsafe Unmanaged.passUnretained(core).toOpaque()
    func number(_ option: MHD_OPTION, _ value: Int) -> MHD_OptionItem {
      unsafe MHD_OptionItem(option: option, value: value, ptr_value: nil)
    }
    func callback<Function>(_ option: MHD_OPTION, _ function: Function) -> MHD_OptionItem {
      unsafe MHD_OptionItem(option: option, value: unsafeBitCast(function, to: Int.self), ptr_value: context)
    }
    var flags = MHD_USE_EPOLL_INTERNAL_THREAD.rawValue | MHD_ALLOW_SUSPEND_RESUME.rawValue
    if core.log != nil { flags |= MHD_USE_ERROR_LOG.rawValue }
    var options = unsafe [
      callback(.EXTERNAL_LOGGER, Callbacks.log),  // first, as the manual asks
      callback(.NOTIFY_CONNECTION, Callbacks.connection),
      callback(.NOTIFY_COMPLETED, Callbacks.completed),
      callback(.UNESCAPE_CALLBACK, Callbacks.leaveEscaped),
      number(.LISTEN_SOCKET, Int(socket.descriptor)),
      // Twice the limit: headers just above it are then ours to answer, and the buffer has room for a body's part.
      number(.CONNECTION_MEMORY_LIMIT, 2 * limits.headerBytes),
      number(.CONNECTION_LIMIT, limits.connections),
      number(.PER_IP_CONNECTION_LIMIT, limits.connectionsPerAddress ?? 0),
      number(.CONNECTION_TIMEOUT, limits.idleTimeoutSeconds),
      number(.STRICT_FOR_CLIENT, 1),  // a request without Host or with a space in its path is refused
    ]
    if threads > 1 { unsafe options.append(number(.THREAD_POOL_SIZE, threads)) }
    unsafe options.append(number(.END, 0))
    return unsafe shim_start_daemon(flags, Callbacks.access, context, &options)
  }
}
