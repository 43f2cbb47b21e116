public import EventLog
public import HTTP

/// The JSON API: one entry, which the listener calls for each request.
///
/// It never waits on the caller's thread. Commands, cold tenants, `Tenure-Min-Position` and questions that go to
/// PostgreSQL are a `Reply.later`; questions that the graph answers as known at the head are answered at once.
public final class API: Sendable {
  private let router: Router

  /// The API over a store.
  public init(store: EventStore) {
    let dispatcher = Dispatcher(store: store)
    router = Self.makeRouter { endpoint, request, parameters in
      dispatcher.answer(endpoint, request, parameters).reply
    }
  }

  /// Answers a request, or promises to.
  ///
  /// Only requests to this machine's own names are answered: to be local is all the authentication there is, and a page in a
  /// browser could reach a local port under a name of its own (DNS rebinding).
  public func handle(_ request: Request) -> Reply {
    guard Self.isLocal(request.headers["Host"]) else {
      return .now(Problem.header("Host", "must be localhost, 127.0.0.1 or [::1]").response)
    }
    return router.route(request)
  }

  private static let localNames = ["127.0.0.1", "localhost", "[::1]"]

  private static func isLocal(_ host: String?) -> Bool {
    guard let host else { return true }
    let bytes = host.utf8
    let end =
      bytes.first == UInt8(ascii: "[")
      ? bytes.firstIndex(of: UInt8(ascii: "]")).map { bytes.index(after: $0) } : bytes.firstIndex(of: UInt8(ascii: ":"))
    let name = host[..<(end ?? host.endIndex)]
    return localNames.contains { $0 == name } || localNames.contains(name.lowercased())
  }

  /// The answer to a request that router or listener refuse: a `ProblemResponse` for the listener.
  public static func problem(_ status: Int, _ request: Request, _ allow: [HTTPMethod]) -> Response {
    let problem =
      switch status {
      case 400: Problem(.malformed, "the path or query is not percent-encoded UTF-8 without NUL")
      case 404: Problem(.notFound, "there is no such path; the paths are listed in /openapi.json")
      case 405: Problem(.methodNotAllowed, "this path allows \(allow.map(\.rawValue).joined(separator: ", "))")
      case 413: Problem(.bodyTooLarge, "send less at once, for instance several batches", limit: "body_bytes")
      case 431: Problem(.headersTooLarge, "send shorter headers, or the question as a POST", limit: "header_bytes")
      case 503:
        Problem(
          .overloaded, "too many requests wait; ask again later", limit: "suspended_connections",
          retryAfterSeconds: Problem.retrySeconds)
      default: Problem(.failed, "the request could not be answered")
      }
    return problem.response
  }

  /// A router over the endpoints; `answer` is called for each request to one of them.
  static func makeRouter(_ answer: @escaping @Sendable (Endpoint, Request, Parameters) -> Reply) -> Router {
    var router = Router(problem: problem)
    for endpoint in Endpoint.all {
      router.on(endpoint.method, endpoint.pattern) { request, parameters in answer(endpoint, request, parameters) }
    }
    return router
  }
}
