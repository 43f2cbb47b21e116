import HTTP
import JSON
import Synchronization
import Temporal

/// A system that webhooks are sent to: it keeps what it got, and answers as the test says.
final class Receiver: Sendable {
  /// One request.
  struct Delivery: Hashable, Sendable {
    let id: String
    let timestamp: String
    let signature: String
    let body: [UInt8]

    var json: JSONValue { (try? JSONValue(parsing: body)) ?? .null }
    var position: Int64 { json["position"]?.integerValue ?? 0 }
  }

  /// What it answers; by default 204.
  typealias Answer = @Sendable (Delivery) -> Reply

  private let got = Mutex<[Delivery]>([])
  private let answer = Mutex<Answer>({ _ in .now(Response(status: 204)) })
  private let listener = Mutex<Listener?>(nil)

  init() throws {
    let started = try Listener(address: .loopback(0), threads: 2) { [weak self] request in
      self?.receive(request) ?? .now(Response(status: 503))
    }
    listener.withLock { $0 = started }
  }

  deinit { listener.withLock { $0 }?.stop(graceful: 0) }

  private func receive(_ request: Request) -> Reply {
    let delivery = Delivery(
      id: request.headers["webhook-id"] ?? "", timestamp: request.headers["webhook-timestamp"] ?? "",
      signature: request.headers["webhook-signature"] ?? "", body: request.body)
    got.withLock { $0.append(delivery) }
    return answer.withLock { $0 }(delivery)
  }

  /// Everything that came, in its order.
  var deliveries: [Delivery] { got.withLock { $0 } }

  /// The positions of the events that came, in their order.
  var positions: [Int64] { deliveries.map(\.position) }

  func forget() { got.withLock { $0 = [] } }

  func answers(_ reply: @escaping Answer) { answer.withLock { $0 = reply } }

  func answers(_ status: Int, _ headers: Headers = [:]) { answers { _ in .now(Response(status: status, headers: headers)) } }

  func url(_ path: String = "/hook") -> String { "http://127.0.0.1:\(listener.withLock { $0?.port ?? 0 })\(path)" }
}

/// Responders that wait: a receiver that hangs.
final class Held: Sendable {
  private let responders = Mutex<[Responder]>([])

  func hold(_ responder: Responder) { responders.withLock { $0.append(responder) } }

  /// Answers all of them.
  func release(_ status: Int = 204) {
    let all = responders.withLock { responders in
      defer { responders = [] }
      return responders
    }
    for responder in all { responder.respond(Response(status: status)) }
  }

  var reply: Reply { .later { [self] in hold($0) } }
}
