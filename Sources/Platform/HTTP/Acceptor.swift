import Dispatch
import Glibc
import Synchronization

/// The one thread that accepts a listener's connections; it gives each to the serving thread that has the fewest.
///
/// At the limit of connections, further ones stay in the kernel's queue until one ends. Where the system has no descriptor or
/// memory for one, they stay there until one ends or some time has passed, since others may give back what is missing.
final class Acceptor: Sendable {
  /// How long the system is left alone when it is short of something: little for a client, much for a processor.
  private static let shortageMilliseconds: Int32 = 100

  private let socket: ListeningSocket
  private let threads: [ServingThread]
  private let core: ListenerCore
  private let wake: WakeSignal
  private let queue = DispatchQueue(label: "tenure.http.accept")

  /// The signal is that of the core's connections.
  init(_ socket: ListeningSocket, _ threads: [ServingThread], _ core: ListenerCore, wake: WakeSignal) {
    self.socket = socket
    self.threads = threads
    self.core = core
    self.wake = wake
  }

  /// Starts to accept, on a thread of its own.
  func start() {
    queue.async { self.run() }
  }

  /// Stops accepting, once the core says that it stops; returns when no connection is given to a thread any more.
  func stop() {
    wake.give()
    queue.sync {}
  }

  private func run() {
    var isShort = false
    while !core.isStopping.load(ordering: .acquiring) {
      guard core.connections.hasRoom() else {
        wait()
        continue
      }
      do throws(ListenerError) {
        if let connection = try socket.accept() { hand(connection) } else { wait(orFor: socket.descriptor) }
        isShort = false
      } catch {
        if !isShort { core.log?("connections wait to be accepted: \(error)") }
        isShort = true
        core.connections.awaitEnd()
        wait(milliseconds: Self.shortageMilliseconds)
      }
    }
  }

  /// Gives a connection to a thread, or closes it if its address has as many as it may.
  private func hand(_ connection: AcceptedConnection) {
    guard let thread = core.connections.enter(connection.descriptor, from: connection.address) else {
      core.log?("a connection is closed: its address has as many as it may")
      close(connection.descriptor)
      return
    }
    if !threads[thread].serve(connection) { core.connections.remove(connection.descriptor) }
  }

  /// Waits for the signal, for another descriptor to be readable, or for the time to be over; −1 waits without end.
  private func wait(orFor descriptor: Int32 = -1, milliseconds: Int32 = -1) {
    var sources = [wake.descriptor, descriptor].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    unsafe poll(&sources, nfds_t(sources.count), milliseconds)
    if sources[0].revents != 0 { wake.take() }
  }
}
