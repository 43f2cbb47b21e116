import API
import Dispatch
public import EventLog
import Foundation
import HTTP
public import Jobs
import Synchronization

/// The running service: listeners over one store, and jobs if asked for, started in order and stopped in reverse.
public final class Server: Sendable {
  /// How it is to run.
  public struct Configuration: Sendable {
    /// The loopback port of the API; 0 lets the system choose.
    public var port: Int
    /// The path of the API's Unix socket; nil for none.
    public var socket: String?
    /// How long running requests may take to finish when stopping.
    public var graceSeconds: Int

    /// A configuration; the port defaults to 8080, there is no Unix socket, and ten seconds of grace.
    public init(port: Int = 8080, socket: String? = nil, graceSeconds: Int = 10) {
      self.port = port
      self.socket = socket
      self.graceSeconds = graceSeconds
    }
  }

  /// The port that the API listens on.
  public let port: Int
  private let listeners: [Listener]
  private let scheduler: Scheduler?
  private let configuration: Configuration

  /// Starts to listen.
  ///
  /// Only on loopback and the Unix socket: until callers are authenticated, nothing else is offered.
  ///
  /// The store is followed, so that what other processes append is seen.
  ///
  /// - Parameters:
  ///   - configuration: how it is to run.
  ///   - store: the logs that it serves.
  ///   - scheduler: runs the jobs that are due, if this process is to; it starts last and stops first. The default is none.
  /// - Throws: `ListenerError`, and what the store throws.
  public init(_ configuration: Configuration, store: EventStore, scheduler: Scheduler? = nil) throws {
    try store.follow()
    let api = API(store: store)
    let tcp = try Listener(address: .loopback(configuration.port), problem: API.problem, handler: api.handle)
    var listeners = [tcp]
    if let socket = configuration.socket {
      do {
        listeners.append(try Listener(address: .unix(socket), problem: API.problem, handler: api.handle))
      } catch {
        tcp.stop(graceful: 0)
        throw error
      }
    }
    self.listeners = listeners
    self.configuration = configuration
    port = tcp.port
    self.scheduler = scheduler
    scheduler?.start()
  }

  /// Stops running jobs, lets running requests finish and closes the listeners, last opened first.
  public func stop() {
    scheduler?.stop()
    for listener in listeners.reversed() { listener.stop(graceful: configuration.graceSeconds) }
  }

  /// Waits until the process is asked to stop by SIGINT or SIGTERM.
  public static func waitForSignal() {
    let asked = DispatchSemaphore(value: 0)
    let sources = [SIGINT, SIGTERM].map { number in
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { asked.signal() }
      source.resume()
      return source
    }
    asked.wait()
    for source in sources { source.cancel() }
  }
}
