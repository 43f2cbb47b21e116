import EventLog
import Governance
import HTTP
import JSON

/// A kind of problem: its stable code, the status it usually has, and its title.
struct ProblemKind: Hashable, Sendable {
  let code: String
  let status: Int
  let title: String

  static let malformed = ProblemKind(code: "malformed", status: 400, title: "The request is malformed")
  static let limitExceeded = ProblemKind(code: "limit_exceeded", status: 400, title: "A limit was exceeded")
  static let notFound = ProblemKind(code: "not_found", status: 404, title: "Not found")
  static let unknownTenant = ProblemKind(code: "unknown_tenant", status: 404, title: "There is no such tenant")
  static let methodNotAllowed = ProblemKind(code: "method_not_allowed", status: 405, title: "The method is not allowed here")
  static let bodyTooLarge = ProblemKind(code: "body_too_large", status: 413, title: "The body is too large")
  static let notJSON = ProblemKind(code: "unsupported_media_type", status: 415, title: "The body must be application/json")
  static let headersTooLarge = ProblemKind(code: "headers_too_large", status: 431, title: "The headers are too large")
  static let failed = ProblemKind(code: "failed", status: 500, title: "The request failed")
  static let overloaded = ProblemKind(code: "overloaded", status: 503, title: "Too much is waiting")
  static let degraded = ProblemKind(code: "degraded", status: 503, title: "The tenant is degraded")
  static let unavailable = ProblemKind(code: "unavailable", status: 503, title: "The database cannot be reached")
  static let outcomeUnknown = ProblemKind(code: "outcome_unknown", status: 503, title: "The outcome is not known")
  static let positionNotReached = ProblemKind(
    code: "position_not_reached", status: 503, title: "The position was not reached in time")

  /// The kind that a refusal has.
  static func refusal(_ code: Refusal.Code) -> ProblemKind {
    switch code {
    case .malformed: malformed
    case .limitExceeded: limitExceeded
    case .unknownReference: ProblemKind(code: code.rawValue, status: 409, title: "A reference does not exist")
    case .alreadyExists: ProblemKind(code: code.rawValue, status: 409, title: "It exists already")
    case .notFound: ProblemKind(code: code.rawValue, status: 409, title: "It does not exist")
    case .noChange: ProblemKind(code: code.rawValue, status: 409, title: "It is so already")
    case .notHeld: ProblemKind(code: code.rawValue, status: 409, title: "It does not hold")
    case .idUsed: ProblemKind(code: code.rawValue, status: 409, title: "The id was used before")
    case .cycle: ProblemKind(code: code.rawValue, status: 409, title: "It would make a cycle")
    case .separationOfDuties: ProblemKind(code: code.rawValue, status: 409, title: "A policy keeps these roles apart")
    case .reasonRequired: ProblemKind(code: code.rawValue, status: 409, title: "A reason is required")
    case .approvalRequired: ProblemKind(code: code.rawValue, status: 409, title: "It takes an approved request")
    case .notPermitted: ProblemKind(code: code.rawValue, status: 409, title: "The policy does not let this be asked for")
    case .notEntitled: ProblemKind(code: code.rawValue, status: 409, title: "This identity may not do it")
    case .wrongState: ProblemKind(code: code.rawValue, status: 409, title: "The request does not stand there")
    case .tooLong: ProblemKind(code: code.rawValue, status: 409, title: "It would last too long")
    case .changedMeanwhile: ProblemKind(code: code.rawValue, status: 409, title: "Something changed meanwhile")
    case .notVoidable: ProblemKind(code: code.rawValue, status: 409, title: "The event cannot be voided")
    case .keyReused: ProblemKind(code: code.rawValue, status: 422, title: "The idempotency key came with another body")
    }
  }

  /// Every kind there is, once for each code.
  static let all: [ProblemKind] =
    [
      malformed, limitExceeded, notFound, unknownTenant, methodNotAllowed, bodyTooLarge, notJSON, headersTooLarge, failed,
      overloaded, degraded, unavailable, outcomeUnknown, positionNotReached,
    ] + Refusal.Code.allCases.map(refusal).filter { ![malformed, limitExceeded].contains($0) && $0.code != notFound.code }
}

/// An answer that says what is wrong, as RFC 9457 has it.
struct Problem: Error, Sendable {
  /// One place in the request, and what is wrong with it.
  struct Place: Hashable, Sendable {
    /// `pointer` into the body (RFC 6901), `parameter` of the query, or `header`.
    let kind: String
    let name: String
    let detail: String
  }

  let kind: ProblemKind
  var status: Int
  var detail: String
  var places: [Place] = []
  /// The limit that was hit, by name.
  var limit: String?
  /// Ask again after so many seconds.
  var retryAfterSeconds: Int?
  /// The key to ask again with.
  var commandID: String?

  /// Seconds after which to ask again when something was busy: what waits is bounded and moves on quickly.
  static let retrySeconds = 1
  /// Seconds after which to ask again when something must be mended first.
  static let mendSeconds = 10

  init(_ kind: ProblemKind, _ detail: String, places: [Place] = [], limit: String? = nil, retryAfterSeconds: Int? = nil) {
    self.kind = kind
    status = kind.status
    self.detail = detail
    self.places = places
    self.limit = limit
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// Something wrong with a header.
  static func header(_ name: String, _ detail: String) -> Problem {
    Problem(.malformed, "\(name) \(detail)", places: [Place(kind: "header", name: name, detail: detail)])
  }

  /// The members of the problem document.
  var json: JSONValue {
    var object: JSONObject = [
      "type": .string("/problems/\(kind.code)"), "title": .string(kind.title), "status": .integer(Int64(status)),
      "code": .string(kind.code), "detail": .string(detail),
    ]
    if !places.isEmpty {
      object["errors"] = .array(
        places.map { [$0.kind: .string($0.name), "detail": .string($0.detail)] as JSONObject }.map(JSONValue.object))
    }
    if let limit { object["limit"] = .string(limit) }
    if let commandID { object["command_id"] = .string(commandID) }
    return .object(object)
  }

  var response: Response {
    var headers: Headers = ["Content-Type": "application/problem+json"]
    if let retryAfterSeconds { headers.append("Retry-After", String(retryAfterSeconds)) }
    return Response(status: status, headers: headers, body: .bytes(json.canonicalBytes()))
  }
}

// MARK: What others throw

extension Problem {
  /// The problem that an error is.
  ///
  /// - Parameter isQuery: whether the input came from the query, whose members are named as parameters.
  init(_ error: any Error, isQuery: Bool) {
    switch error {
    case let problem as Problem: self = problem
    case let error as JSONFieldError: self.init(error, isQuery: isQuery)
    case let refusal as Refusal: self.init(refusal)
    case let failure as SubmissionFailure: self.init(failure)
    case let error as EventLogError: self.init(error)
    case let event as UndecodableEvent: self.init(EventLogError.degraded(event))
    default:
      // Nothing of the error itself: it may carry what the caller must not see.
      self.init(
        .unavailable, "the answer could not be read from the database; nothing was recorded",
        retryAfterSeconds: Self.mendSeconds)
    }
  }

  init(_ error: JSONFieldError, isQuery: Bool) {
    let name = isQuery ? String(error.pointer.dropFirst()) : error.pointer
    self.init(
      .malformed, isQuery ? "\(name) \(error.problem)" : error.description,
      places: [Place(kind: isQuery ? "parameter" : "pointer", name: name, detail: error.problem)])
  }

  init(_ error: JSONError) {
    switch error.kind {
    case .tooLong:
      self.init(.bodyTooLarge, error.description, limit: "body_bytes")
    case .tooDeep:
      self.init(.malformed, error.description, limit: "json_depth")
    default:
      self.init(
        .malformed, "the body is not JSON: \(error)",
        places: [Place(kind: "pointer", name: error.pointer, detail: error.reason)])
    }
  }

  init(_ refusal: Refusal) {
    self.init(
      .refusal(refusal.code), refusal.description,
      places: [Place(kind: "pointer", name: refusal.pointer, detail: refusal.message)])
  }

  init(_ failure: SubmissionFailure) {
    switch failure {
    case .refused(let refusal): self.init(refusal)
    case .degraded: self.init(.degraded, failure.description, retryAfterSeconds: Self.mendSeconds)
    case .overloaded:
      self.init(.overloaded, failure.description, limit: "submissions_waiting", retryAfterSeconds: Self.retrySeconds)
    case .overloadedBytes:
      self.init(.overloaded, failure.description, limit: "submission_bytes_waiting", retryAfterSeconds: Self.retrySeconds)
    case .nothingRecorded:
      self.init(.unavailable, "the database did not answer; nothing was recorded", retryAfterSeconds: Self.mendSeconds)
    case .outcomeUnknown(let key, _):
      self.init(
        .outcomeUnknown, "whether it was recorded is not known; send the same again with this Idempotency-Key",
        retryAfterSeconds: Self.mendSeconds)
      commandID = key
    case .closed: self.init(.unavailable, failure.description, retryAfterSeconds: Self.mendSeconds)
    }
  }

  init(_ error: EventLogError) {
    switch error {
    case .badTenantName: self = .header("Tenure-Tenant", error.description)
    case .futurePosition: self.init(.malformed, error.description)
    case .degraded: self.init(.degraded, error.description, retryAfterSeconds: Self.mendSeconds)
    default: self.init(.unavailable, error.description, retryAfterSeconds: Self.mendSeconds)
    }
  }
}
