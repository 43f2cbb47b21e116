import EventLog
import Governance
import HTTP

/// An answer, or what gives it later.
enum Answer: Sendable {
  /// Takes the answer once, from any thread.
  typealias Taker = @Sendable (Response) -> Void

  case now(Response)
  case later(@Sendable (@escaping Taker) -> Void)

  /// The same for the listener.
  var reply: Reply {
    switch self {
    case .now(let response): .now(response)
    case .later(let begin): .later { responder in begin { responder.respond($0) } }
    }
  }

  /// Hands the answer over, now or later.
  func give(to taker: @escaping Taker) {
    switch self {
    case .now(let response): taker(response)
    case .later(let begin): begin(taker)
    }
  }
}

/// Brings a request to its endpoint and its answer back: finds the tenant, waits for positions, hands work to workers.
final class Dispatcher: Sendable {
  /// Milliseconds that `Tenure-Min-Position` waits at most: longer than a replica usually lags, shorter than clients wait.
  static let positionTimeoutMilliseconds = 5000

  private let store: EventStore
  private let positionTimeoutMilliseconds: Int
  private let workers = Workers()

  init(store: EventStore, positionTimeoutMilliseconds: Int = positionTimeoutMilliseconds) {
    self.store = store
    self.positionTimeoutMilliseconds = positionTimeoutMilliseconds
  }

  /// Answers a request that was routed to an endpoint.
  func answer(_ endpoint: Endpoint, _ request: Request, _ parameters: Parameters) -> Answer {
    let handler: @Sendable (Call) throws -> Outcome
    switch endpoint.handler {
    case .service(let service): return answer(isQuery: true) { try service(self.store) }
    case .tenant(let tenant): handler = tenant
    }
    let headers: CallHeaders
    do throws(Problem) {
      headers = try CallHeaders(request.headers)
    } catch {
      return .now(error.response)
    }
    guard let tenant = store.loaded(tenant: headers.tenant) else {
      return .later { taker in
        self.work(taker) {
          guard let tenant = try self.store.find(tenant: headers.tenant) else {
            throw Problem(
              .unknownTenant, "there is no tenant \(headers.tenant); an import or the start of the service makes one",
              places: [Problem.Place(kind: "header", name: "Tenure-Tenant", detail: "names no tenant")])
          }
          return self.answer(handler, request, parameters, headers, tenant)
        }
      }
    }
    return answer(handler, request, parameters, headers, tenant)
  }

  /// Waits for the position that the answer must include, and goes on.
  private func answer(
    _ handler: @escaping @Sendable (Call) throws -> Outcome, _ request: Request, _ parameters: Parameters,
    _ headers: CallHeaders, _ tenant: Tenant
  ) -> Answer {
    let call = Call(
      request: request, parameters: parameters, headers: headers, tenant: tenant, questions: Questions(tenant: tenant))
    let position = headers.minimumPosition
    if tenant.head.position >= position {
      if tenant.isReadable { return answer(isQuery: call.isQuery) { try handler(call) } }
      // Not on the listener's thread: whoever else it serves would wait for the questions of this tenant.
      return .later { taker in
        self.work(taker) { self.answer(isQuery: call.isQuery) { try handler(call) } }
      }
    }
    return .later { taker in
      tenant.whenReached(position, timeoutMilliseconds: self.positionTimeoutMilliseconds) { isReached in
        self.work(taker) {
          if isReached { return self.answer(isQuery: call.isQuery) { try handler(call) } }
          throw Problem(
            .positionNotReached, "position \(position) was not reached; the head is \(tenant.head.position)",
            places: [Problem.Place(kind: "header", name: "Tenure-Min-Position", detail: "lies above the head")],
            retryAfterSeconds: Problem.retrySeconds)
        }
      }
    }
  }

  private func answer(isQuery: Bool, _ handler: () throws -> Outcome) -> Answer {
    do {
      switch try handler() {
      case .now(let response): return .now(response)
      case .waiting(let body): return .later { taker in self.work(taker, isQuery: isQuery) { .now(try body()) } }
      case .recording(let tenant, let submission, let addressed, let answer):
        @Sendable func record(_ submission: Submission) -> Answer {
          .later { taker in
            tenant.submit(submission) { result in
              switch result {
              case .success(let receipt): taker(answer(receipt))
              case .failure(let failure): taker(Problem(failure).addressed(as: addressed).response)
              }
            }
          }
        }
        guard submission.needsWitness else { return record(submission) }
        return .later { taker in self.work(taker) { record(try tenant.witnessed(submission)) } }
      }
    } catch {
      return .now(Problem(error, isQuery: isQuery).response)
    }
  }

  /// Runs what waits on a worker, or refuses where too much waits already.
  private func work(
    _ taker: @escaping Answer.Taker, isQuery: Bool = false, _ body: @escaping @Sendable () throws -> Answer
  ) {
    let isTaken = workers.run {
      do {
        try body().give(to: taker)
      } catch {
        taker(Problem(error, isQuery: isQuery).response)
      }
    }
    if !isTaken {
      let problem = Problem(
        .overloaded, "more than \(Workers.waiting) questions wait; ask again later", limit: "questions_waiting",
        retryAfterSeconds: Problem.retrySeconds)
      taker(problem.response)
    }
  }
}

extension Problem {
  /// The same about a member that the path names: a parameter, and a 404 where what it names does not exist.
  fileprivate func addressed(as member: String?) -> Problem {
    guard let member, let index = places.firstIndex(where: { $0.name == "/" + member }) else { return self }
    let isMissing = kind == .refusal(.notFound) || kind == .refusal(.unknownReference)
    var problem = isMissing ? Problem(.notFound, detail, places: places) : self
    problem.places[index] = Place(kind: "parameter", name: member, detail: places[index].detail)
    return problem
  }
}
