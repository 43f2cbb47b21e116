import Dispatch
import Foundation
import FoundationNetworking
import Synchronization

/// A POST to another system.
public struct OutgoingRequest: Sendable {
  /// Where it goes, and nowhere else.
  public var address: OutgoingAddress
  /// The header fields, without those that the connection adds.
  public var headers: Headers
  /// The body, sent as it is.
  public var body: [UInt8]

  /// A request.
  public init(to address: OutgoingAddress, headers: Headers, body: [UInt8]) {
    self.address = address
    self.headers = headers
    self.body = body
  }
}

/// What came of a request.
public enum OutgoingOutcome: Hashable, Sendable {
  /// The status, and after how many seconds to ask again where the answer says that (`Retry-After` as a number; its form as a
  /// date is not read).
  case answered(status: Int, retryAfterSeconds: Int?)
  /// There was no answer; why, in one line. The other side may have got the request all the same.
  case unanswered(String)
}

/// The one door through which we are the HTTP client: FoundationNetworking's, which is libcurl.
///
/// Certificates are verified. Redirects are not followed: what was meant for one address must not go to another, so a redirect
/// is an answer like any other. Nothing is kept between requests: no cookies, no cache, no credentials.
public final class OutgoingRequests: Sendable {
  /// Bytes of an answer's body up to which it is read, so that its connection can be used again; nobody looks at it.
  ///
  /// A longer one, or one that does not say how long it is, is cut.
  static let bodyBytesRead: Int64 = 64 << 10
  /// Bytes of the reason why there was no answer.
  private static let reasonBytes = 200

  /// Where answers are heard: a serial queue has a thread whenever it needs one.
  ///
  /// URLSession's own waits for one of the few that the process shares: while they are all blocked, what an endless answer
  /// sends piles up in memory, and no answer is heard in time.
  private static let answers = DispatchQueue(label: "tenure.outgoing.answers")

  private let session: URLSession
  private let exchanges = Exchanges()
  private let timers = DispatchQueue(label: "tenure.outgoing")
  private let agent: String

  /// A client.
  ///
  /// - Parameter agent: who it says that it is. The default is `Tenure`.
  public init(agent: String = "Tenure") {
    let configuration = URLSessionConfiguration.ephemeral
    configuration.httpCookieStorage = nil
    configuration.httpShouldSetCookies = false
    configuration.urlCache = nil
    configuration.urlCredentialStorage = nil
    let delegateQueue = OperationQueue()
    // It is not retained, and lives as long as the process.
    unsafe delegateQueue.underlyingQueue = Self.answers
    delegateQueue.maxConcurrentOperationCount = 1
    session = URLSession(configuration: configuration, delegate: exchanges, delegateQueue: delegateQueue)
    self.agent = agent
  }

  deinit { close() }

  /// Ends what is under way, unanswered; nothing can be sent afterwards.
  public func close() { session.invalidateAndCancel() }

  /// Sends a request.
  ///
  /// Never blocks.
  /// - Parameters:
  ///   - request: what is sent.
  ///   - timeLimit: how long it may take from now until the answer's status is there.
  ///   - completion: called once, on a thread of the client's, within the time limit.
  public func send(
    _ request: OutgoingRequest, timeLimit: Duration, completion: @escaping @Sendable (OutgoingOutcome) -> Void
  ) {
    let seconds = Double(timeLimit.components.seconds) + Double(timeLimit.components.attoseconds) / 1e18
    // URLSession's own limit is one of silence; it stands behind ours, which is one of the whole.
    var urlRequest = URLRequest(
      url: request.address.url, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: max(1, 2 * seconds))
    urlRequest.httpMethod = "POST"
    urlRequest.httpBody = Data(request.body)
    urlRequest.setValue(agent, forHTTPHeaderField: "User-Agent")
    for field in request.headers.all { urlRequest.setValue(field.value, forHTTPHeaderField: field.name) }
    let task = session.dataTask(with: urlRequest)
    exchanges.begin(task.taskIdentifier, completion)
    timers.asyncAfter(deadline: .now() + seconds) { [exchanges] in
      exchanges.finish(task.taskIdentifier, .unanswered("no answer within \(timeLimit)"))
      task.cancel()
    }
    task.resume()
  }

  /// One line about an error, without the address.
  fileprivate static func reason(_ error: any Error) -> String {
    if let error = error as? URLError, error.code == .timedOut { return "no answer in time" }
    let text = (error as NSError).localizedDescription
    return String(decoding: text.utf8.prefix(reasonBytes), as: UTF8.self)
  }
}

/// The requests under way, each until its answer's status is there.
private final class Exchanges: NSObject, URLSessionDataDelegate, Sendable {
  private let open = Mutex<[Int: @Sendable (OutgoingOutcome) -> Void]>([:])

  func begin(_ task: Int, _ completion: @escaping @Sendable (OutgoingOutcome) -> Void) {
    open.withLock { $0[task] = completion }
  }

  /// Calls back, the first time.
  func finish(_ task: Int, _ outcome: OutgoingOutcome) {
    open.withLock { $0.removeValue(forKey: task) }?(outcome)
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
  ) {
    completionHandler(nil)
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
  ) {
    if let response = response as? HTTPURLResponse {
      let seconds = response.value(forHTTPHeaderField: "Retry-After").flatMap { Int($0) }
      // The status says it all: the body is not waited for, nor, after a 401, what URLSession would do about it.
      finish(dataTask.taskIdentifier, .answered(status: response.statusCode, retryAfterSeconds: seconds))
      let isShort = (0...OutgoingRequests.bodyBytesRead).contains(response.expectedContentLength)
      // Here and not by the completion handler, whose answer swift-corelibs-foundation ignores.
      if !isShort, response.statusCode != 204 { dataTask.cancel() }
    }
    completionHandler(.allow)
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    finish(task.taskIdentifier, .unanswered(error.map { OutgoingRequests.reason($0) } ?? "the connection was closed"))
  }
}
