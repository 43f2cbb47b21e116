/// An answer to a request.
public struct Response: Sendable {
  /// The body of an answer.
  public enum Body: Sendable {
    /// All bytes at once; `Content-Length` is sent.
    case bytes([UInt8])
    /// Slices produced as the client takes them, sent in chunks.
    ///
    /// The producer is called again and again on a listener's thread, never two calls at a time; nil ends the stream, an
    /// empty slice is skipped. A slice lies in memory as a whole, so it should be some tens of kilobytes. An error cuts
    /// the connection, and the missing last chunk shows the client that the stream is truncated.
    case stream(@Sendable () throws -> [UInt8]?)
  }

  /// The status code, 200…599.
  public let status: Int
  /// The header fields, without those the listener adds (`Date`, `Content-Length`, `Transfer-Encoding`).
  public var headers: Headers
  /// The body; not sent in answer to HEAD.
  public var body: Body

  /// Makes an answer; the default is no header and no body.
  ///
  /// - Precondition: the status is 200…599.
  public init(status: Int, headers: Headers = Headers(), body: Body = .bytes([])) {
    precondition((200...599).contains(status), "a final status is 200…599")
    self.status = status
    self.headers = headers
    self.body = body
  }
}

/// What a handler gives back: the answer, or a promise of it.
public enum Reply: Sendable {
  /// The answer.
  case now(Response)
  /// The connection waits without a thread; the closure is called once, at once, on the listener's thread, and hands the
  /// responder to whoever will answer.
  case later(@Sendable (Responder) -> Void)
}

/// Makes the answer for a request that router or listener refuse.
///
/// The status tells why: 400 malformed path or query, 404 no such path, 405 no such method (with the allowed ones), 413
/// over `bodyBytes`, 431 over `headerBytes`, 500 a responder dropped unanswered or an answer that cannot be sent, 503 over
/// `suspendedConnections` or stopping. `Allow` and `Retry-After` are added where they are missing.
public typealias ProblemResponse = @Sendable (_ status: Int, _ request: Request, _ allow: [HTTPMethod]) -> Response

/// The answer to refused requests unless the caller has a better one: the status and no body.
public let emptyProblemResponse: ProblemResponse = { status, _, _ in Response(status: status) }
