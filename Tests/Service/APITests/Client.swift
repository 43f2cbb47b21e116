import EventLog
import HTTP
import JSON
import Synchronization
import Temporal
import Testing

@testable import API

/// A clock that the test sets.
final class TestClock: Sendable {
  private let instant: Mutex<Instant>

  init(_ text: String) throws { instant = Mutex(try Instant(rfc3339: text)) }

  var now: Instant { instant.withLock { $0 } }

  func set(_ text: String) throws {
    let next = try Instant(rfc3339: text)
    instant.withLock { $0 = next }
  }
}

/// A store that is closed when nobody uses it any more, so that its connections go back.
final class OpenStore: Sendable {
  let store: EventStore

  init(_ store: EventStore) { self.store = store }

  deinit { store.close() }
}

/// Sends requests to one tenant through the router, without a socket.
struct Client: Sendable {
  let dispatcher: Dispatcher
  let tenant: String
  /// Closed with the last copy.
  let store: OpenStore

  /// What came back.
  struct Reply: Sendable {
    let status: Int
    let headers: Headers
    let body: String

    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
  }

  func send(
    _ method: HTTPMethod, _ target: String, _ body: String? = nil, headers: [(String, String)] = []
  ) async throws -> Reply {
    try await send(method, target, body.map { Array($0.utf8) } ?? [], headers: headers)
  }

  func get(_ target: String, headers: [(String, String)] = []) async throws -> Reply {
    try await send(.get, target, headers: headers)
  }

  func post(_ target: String, _ body: String, headers: [(String, String)] = []) async throws -> Reply {
    try await send(.post, target, body, headers: headers)
  }

  func send(_ method: HTTPMethod, _ target: String, _ body: [UInt8], headers: [(String, String)]) async throws -> Reply {
    var fields = Headers()
    if !headers.contains(where: { $0.0 == "Tenure-Tenant" }) { fields.append("Tenure-Tenant", tenant) }
    if !body.isEmpty, !headers.contains(where: { $0.0 == "Content-Type" }) { fields.append("Content-Type", "application/json") }
    for (name, value) in headers { fields.append(name, value) }
    let parts = target.split(separator: "?", maxSplits: 1).map(String.init)
    let query = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { pair in
      let sides = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      return (name: sides[0], value: sides.count > 1 ? sides[1] : "")
    }
    let request = try Request(method: method, rawPath: parts[0], query: query, headers: fields, body: body)
    let response = await respond(to: request)
    return Reply(
      status: response.status, headers: response.headers, body: String(decoding: try bytes(response.body), as: UTF8.self))
  }

  private func respond(to request: Request) async -> Response {
    let routed = Routed()
    let router = API.makeRouter { endpoint, request, parameters in
      routed.put(dispatcher.answer(endpoint, request, parameters))
      return .now(Response(status: 200))
    }
    let reply = router.route(request)
    if let answer = routed.take() {
      return await withCheckedContinuation { continuation in answer.give { continuation.resume(returning: $0) } }
    }
    guard case .now(let response) = reply else { preconditionFailure("the router itself answers at once") }
    return response
  }

  private func bytes(_ body: Response.Body) throws -> [UInt8] {
    switch body {
    case .bytes(let bytes): return bytes
    case .stream(let next):
      var all: [UInt8] = []
      while let slice = try next() { all += slice }
      return all
    }
  }

  private final class Routed: Sendable {
    private let answer = Mutex<Answer?>(nil)

    func put(_ answer: Answer) { self.answer.withLock { $0 = answer } }
    func take() -> Answer? { answer.withLock { $0 } }
  }
}

extension Client.Reply {
  /// Expects a status and fragments of the body.
  func expect(_ status: Int, _ fragments: String..., at location: SourceLocation = #_sourceLocation) {
    expect(status, fragments, at: location)
  }

  func expect(_ status: Int, _ fragments: [String], at location: SourceLocation = #_sourceLocation) {
    #expect(self.status == status, "\(body)", sourceLocation: location)
    for fragment in fragments { #expect(body.contains(fragment), "\(fragment) in \(body)", sourceLocation: location) }
  }
}
