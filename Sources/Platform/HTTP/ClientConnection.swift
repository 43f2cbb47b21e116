internal import CMicroHTTPD
import Synchronization

/// One client's connection, reused for its requests one after the other.
///
/// INVARIANT: the plain variables belong to the one libmicrohttpd thread that serves the connection; other threads see only
/// the atomics and, through a responder, the pending reply.
@safe final class ClientConnection: Sendable {
  private let listener: ListenerCore
  let socket: Int32
  /// The second (`ListenerCore.now`) by which the request must have arrived in full; never while it is answered.
  let deadline: Atomic<Int>
  /// True from a request's headers to the end of its answer.
  let isRunning = Atomic<Bool>(false)
  nonisolated(unsafe) private var body: [UInt8] = []
  nonisolated(unsafe) private var isBodyTooLarge = false
  nonisolated(unsafe) private var pending: PendingReply?

  /// Memory set aside on a client's word alone; a longer body grows as its bytes arrive.
  private static let bodyBytesReserved = 64 * 1024

  init(listener: ListenerCore, socket: Int32) {
    self.listener = listener
    self.socket = socket
    deadline = Atomic(listener.now.load(ordering: .relaxed) + listener.limits.requestTimeoutSeconds)
  }

  /// The headers are there: refuses what is too large before `100 Continue` is sent; libmicrohttpd then closes.
  func begin(_ incoming: IncomingRequest) -> MHD_Result {
    isRunning.store(true, ordering: .releasing)
    if incoming.headerSize > listener.limits.headerBytes { return refuse(431, incoming) }
    guard let length = incoming.contentLength else { return .YES }
    if length > listener.limits.bodyBytes { return refuse(413, incoming) }
    unsafe body.reserveCapacity(min(length, Self.bodyBytesReserved))
    return .YES
  }

  /// A part of the body is there.
  ///
  /// libmicrohttpd takes no answer in the middle of a body, so one without a length that grows too large is thrown away to
  /// its end; twice the limit is answered by closing the connection.
  func receive(_ part: UnsafeRawBufferPointer) -> MHD_Result {
    if unsafe body.count + part.count > listener.limits.bodyBytes {
      if unsafe isBodyTooLarge { return .NO }
      unsafe isBodyTooLarge = true
      unsafe body.removeAll()
    }
    unsafe body.append(contentsOf: part)
    return .YES
  }

  /// The request is there in full, or a waiting reply has its answer.
  func finish(_ incoming: IncomingRequest) -> MHD_Result {
    if let pending = unsafe pending { return send(pending, on: incoming.handle) }
    deadline.store(.max, ordering: .relaxed)
    if unsafe isBodyTooLarge {
      return send(closing(listener.refusal(413, incoming.read(body: []).request)), on: incoming.handle)
    }
    let (request, isMalformed) = unsafe incoming.read(body: body)
    if isMalformed { return send(listener.refusal(400, request), on: incoming.handle) }
    switch listener.handler(request) {
    case .now(let response):
      return send(response, request, on: incoming.handle)
    case .later(let start):
      let reply = PendingReply(request)
      guard listener.admit(reply) else { return send(listener.refusal(503, request), on: incoming.handle) }
      unsafe pending = reply
      start(Responder(pending: reply, problem: listener.problem))
      return send(reply, on: incoming.handle)
    }
  }

  /// The answer is sent or the request has failed; the connection is ready for the next one or about to close.
  func end() {
    if let pending = unsafe pending { listener.release(pending) }
    unsafe pending = nil
    unsafe body = []
    unsafe isBodyTooLarge = false
    let limits = listener.limits
    deadline.store(
      listener.now.load(ordering: .relaxed) + limits.idleTimeoutSeconds + limits.requestTimeoutSeconds, ordering: .relaxed)
    isRunning.store(false, ordering: .releasing)
  }

  /// Sends a reply that was promised, or waits for it.
  private func send(_ reply: PendingReply, on connection: SuspendedConnection) -> MHD_Result {
    guard let response = reply.takeOrSuspend(connection) else { return .YES }
    listener.release(reply)
    unsafe pending = nil
    return send(response, reply.request, on: connection)
  }

  private func refuse(_ status: Int, _ incoming: IncomingRequest) -> MHD_Result {
    deadline.store(.max, ordering: .relaxed)
    return send(closing(listener.refusal(status, incoming.read(body: []).request)), on: incoming.handle)
  }

  /// Sends a handler's answer, or 500 if its headers cannot be sent.
  private func send(_ response: Response, _ request: Request, on connection: SuspendedConnection) -> MHD_Result {
    if send(response, on: connection) == .YES { return .YES }
    listener.log?("an answer of status \(response.status) has a header that cannot be sent")
    return send(listener.refusal(500, request), on: connection)
  }

  private func send(_ response: Response, on connection: SuspendedConnection) -> MHD_Result {
    let isStopping = listener.isStopping.load(ordering: .relaxed)
    return queue(isStopping ? closing(response) : response, on: connection, log: listener.log)
  }

  private func closing(_ response: Response) -> Response {
    var response = response
    response.headers.set("Connection", "close")
    return response
  }
}
