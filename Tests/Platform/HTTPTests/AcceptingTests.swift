import Foundation
import HTTP
import Synchronization
import Testing

/// How connections are accepted and given to threads; in one series with the listener's other tests.
extension ListenerTests {
  /// Requests that wait in the handler, so that each keeps a connection of its own.
  private final class Held: Sendable {
    private let requests = Mutex<[(thread: pthread_t, responder: Responder)]>([])
    private let arrival = DispatchSemaphore(value: 0)

    @Sendable func hold(_ request: Request) -> Reply {
      .later { responder in
        self.requests.withLock { $0.append((pthread_self(), responder)) }
        self.arrival.signal()
      }
    }

    func waitForArrivals(_ count: Int) {
      for _ in 1...count { arrival.wait() }
    }

    /// Answers the requests held, the latest `count` of them at most, and gives how many each thread had.
    @discardableResult func release(_ count: Int = .max) -> [pthread_t: Int] {
      let released = requests.withLock { requests in
        let released = requests.suffix(count)
        requests.removeLast(released.count)
        return released
      }
      for request in released { request.responder.respond(text("held")) }
      return Dictionary(grouping: released, by: \.thread).mapValues(\.count)
    }
  }

  @Test(arguments: [40, 31, 22]) func `connections opened in a burst are spread evenly over the threads`(count: Int) throws {
    let held = Held()
    let listener = try listener(handler: held.hold)
    let burst = try Curl(
      ["--parallel", "--parallel-immediate", "--parallel-max", "\(count)", url(listener, "/[1-\(count)]")])
    held.waitForArrivals(count)
    #expect(held.release().values.sorted() == [count / 2, count - count / 2])
    #expect(burst.finish().text == String(repeating: "held", count: count))
  }

  @Test func `an address has no more connections than it may, over all threads`() throws {
    var limits = ListenerLimits()
    limits.connectionsPerAddress = 3
    let held = Held()
    let listener = try listener(limits: limits) { $0.path == "/held" ? held.hold($0) : Self.echo($0) }
    let clients = try (1...3).map { _ in try Curl([url(listener, "/held")]) }
    held.waitForArrivals(3)
    let closed: [Int32] = [52, 56]  // 52: no answer, 56: reset
    #expect(try closed.contains(Curl.run(url(listener)).status))
    held.release()
    for client in clients { #expect(client.finish().text == "held") }
    while try Curl.run(url(listener)).status != 0 {}
  }

  @Test func `at the limit of connections further ones wait until one ends`() throws {
    var limits = ListenerLimits()
    limits.connections = 3
    let held = Held()
    let listener = try listener(limits: limits) { $0.path == "/held" ? held.hold($0) : Self.echo($0) }
    let clients = try (1...3).map { _ in try Curl([url(listener, "/held")]) }
    held.waitForArrivals(3)
    #expect(try Curl.run("--max-time", "0.2", url(listener)).status == 28)  // 28: not refused, and no answer in time
    let next = try Curl([url(listener, "/next")])
    held.release(1)
    #expect(next.finish().text == "get /next [] - 0")
    held.release()
    for client in clients { #expect(client.finish().text == "held") }
  }

  @Test func `a listener at its limit of connections can be stopped`() throws {
    var limits = ListenerLimits()
    limits.connections = 1
    let held = Held()
    let listener = try listener(limits: limits, handler: held.hold)
    let client = try Curl([url(listener, "/held")])
    held.waitForArrivals(1)
    let waiting = try Curl([url(listener)])
    listener.stop(graceful: 0)
    #expect(client.finish().text == "problem 503 /held")
    #expect(waiting.finish().status != 0)
  }

  @Test func `a Unix socket is served by all threads without complaints`() throws {
    let path = NSTemporaryDirectory() + "http-\(ProcessInfo.processInfo.processIdentifier)-threads.socket"
    let complaints = Mutex<[String]>([])
    let held = Held()
    let listener = try Listener(
      address: .unix(path), threads: 2, log: { text in complaints.withLock { $0.append(text) } }, handler: held.hold)
    let clients = try (1...4).map { _ in try Curl(["--unix-socket", path, "http://local/1"]) }
    held.waitForArrivals(4)
    #expect(held.release().values.sorted() == [2, 2])
    for client in clients { #expect(client.finish().text == "held") }
    listener.stop(graceful: 1)
    #expect(complaints.withLock { $0 } == [])
  }
}
