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
  private struct Running {
    let threads: [ServingThread]
    let acceptor: Acceptor
    let clock: any DispatchSourceTimer
    let socket: ListeningSocket
  }

  /// How long the last answers may take to leave after everything still waiting was answered 503.
  private static let farewellSeconds = 0.25

  /// Binds the address and starts to serve.
  ///
  /// - Parameters:
  ///   - address: Where to listen.
  ///   - limits: Bounds; the defaults are at each.
  ///   - threads: How many threads serve; the default is one a core.
  ///   - problem: Makes the answer to refused requests; the default has no body.
  ///   - log: Takes messages, libmicrohttpd's and our own, on any thread; the default drops them.
  ///   - handler: Answers a request, on one of the listener's threads.
  /// - Throws: `ListenerError` if the address cannot be bound or the threads not be started.
  public init(
    address: ListenerAddress, limits: ListenerLimits = ListenerLimits(), threads: Int = Listener.coreCount,
    problem: @escaping ProblemResponse = emptyProblemResponse, log: (@Sendable (String) -> Void)? = nil,
    handler: @escaping @Sendable (Request) -> Reply
  ) throws(ListenerError) {
    let wake = try WakeSignal()
    let connections = ConnectionTable(limits, threads: max(1, threads), endSignal: wake)
    let core = ListenerCore(limits: limits, connections: connections, problem: problem, log: log, handler: handler)
    let socket = try ListeningSocket(address)
    let serving = try Self.start(max(1, threads), core, socket)
    let acceptor = Acceptor(socket, serving, core, wake: wake)
    acceptor.start()
    let clock = DispatchSource.makeTimerSource()
    clock.schedule(deadline: .now() + 1, repeating: 1)
    clock.setEventHandler { core.advanceClock() }
    clock.resume()
    self.core = core
    self.port = socket.port
    running = Mutex(Running(threads: serving, acceptor: acceptor, clock: clock, socket: socket))
  }

  deinit { stop(graceful: 0) }

  /// The number of processors online.
  public static let coreCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

  /// Stops: accepts no more connections, lets running requests end for up to that many seconds, answers 503 to those that
  /// still wait, closes what is left.
  ///
  /// Blocks until the threads have ended, and does nothing the second time. It must not be called from a handler, which
  /// would wait for itself.
  public func stop(graceful seconds: Int) {
    running.withLock { running in
      guard let stopping = running else { return }
      running = nil
      core.isStopping.store(true, ordering: .releasing)
      stopping.acceptor.stop()
      stopping.socket.close()
      drain(seconds: Double(seconds))
      core.dismissWaiting()
      drain(seconds: Self.farewellSeconds)
      for thread in stopping.threads { thread.stop() }
      stopping.clock.cancel()
    }
  }

  /// Waits until no request runs; looks often instead of being told, which would cost every request.
  private func drain(seconds: Double) {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(seconds)
    while core.connections.hasRunningRequests, clock.now < end { usleep(2000) }
  }

  /// Starts all threads, or none and gives the address free.
  private static func start(
    _ count: Int, _ core: ListenerCore, _ socket: ListeningSocket
  ) throws(ListenerError) -> [ServingThread] {
    var started: [ServingThread] = []
    do throws(ListenerError) {
      for _ in 0..<count { started.append(try ServingThread(core)) }
      return started
    } catch {
      for thread in started { thread.stop() }
      socket.close()
      throw error
    }
  }
}
