import AccessGraph
import Conditions
import EventLog
import Governance
import HTTP
import JSON
import Temporal

/// `/v1/access/check`: one decision as GET or POST, or a batch of them as POST.
extension Endpoint {
  static let check: [Endpoint] = [
    Endpoint(
      .get, "/v1/access/check", "check", "Whether an identity may do it: the decision alone",
      .query([.identity] + whatIsDone(required: true) + [.at, .asKnownAt]), Check.answer),
    Endpoint(
      .post, "/v1/access/check", "checkByBody", "The same, once or for a batch of checks about one world",
      .body(
        [Member("identity", Schemas.id, "The identity's id; required unless checks is given")]
          + whatIsDone(required: false)
          + [
            Member("context", context, "What is known of the request; without it conditions on the request stay open"),
            Member("checks", checks, "Instead: many at once"), .at, .asKnownAt,
          ]),
      Check.answer),
  ]

  private static let checks: JSONValue = [
    "type": "array", "minItems": 1, "maxItems": .integer(Int64(Check.mostChecks)),
    "items": Schemas.object(
      [Member("identity", Schemas.id, required: true, "The identity's id")] + whatIsDone(required: true)
        + [Member("context", context, "What is known of this one's request; by default the batch's context")]),
    "examples": [[["identity": "alice", "action": "repo.write", "resource": "github.com/acme/site"]]],
  ]

  private static let context: JSONValue = [
    "type": "object", "maxProperties": .integer(Int64(RequestContext.mostMembers)),
    "additionalProperties": ["type": ["string", "integer", "boolean", "array"]],
    "examples": [["ip": "10.1.2.3", "mfa": true]],
  ]

  private static func whatIsDone(required: Bool) -> [Member] {
    [
      Member("action", Schemas.action, required: required, "What is done"),
      Member("resource", Schemas.path, required: required, "To exactly this resource"),
    ]
  }
}

/// Reads checks and answers them from memory, on the listener's own thread where they are asked as known at the head.
enum Check {
  /// Checks of one batch: it is one slice of work, some milliseconds for which appends wait.
  static let mostChecks = 1000

  @Sendable static func answer(_ call: Call) throws -> Outcome {
    if !call.isQuery, call.request.query.isEmpty, call.isJSON, let subject = CheckSubject(usual: call.request.body) {
      return .now(try call.questions.check(subject).response)
    }
    var reader = FieldReader(object: try call.input())
    let context = call.isQuery ? nil : try reader.context()
    let batch = call.isQuery ? nil : try batch(&reader, context)
    let subject = batch == nil ? try CheckSubject(&reader, context) : nil
    let (at, asKnownAt) = (try reader.optionalInstant("at"), try reader.asKnownAt())
    try reader.finish()
    let questions = call.questions
    if let subject {
      return try run(asKnownAt) { try questions.check(subject, at: at, asKnownAt: asKnownAt).response }
    }
    return try run(asKnownAt) { try questions.check(batch ?? [], at: at, asKnownAt: asKnownAt).response }
  }

  /// The member `checks`; nil where it is absent.
  private static func batch(_ reader: inout FieldReader, _ context: JSONObject?) throws -> [CheckSubject]? {
    guard let items = try reader.optionalArray("checks", maximumCount: .max) else { return nil }
    guard !items.isEmpty else { throw reader.error("checks", "must hold at least one check") }
    guard items.count <= mostChecks else {
      let place = Problem.Place(
        kind: "pointer", name: reader.pointer(to: "checks"), detail: "has more than \(mostChecks) elements")
      throw Problem(.limitExceeded, "a batch has at most \(mostChecks) checks", places: [place], limit: "checks_per_batch")
    }
    return try items.enumerated().map { index, item in
      var reader = try FieldReader(item, at: JSONPointer.child(index, of: reader.pointer(to: "checks")))
      let subject = try CheckSubject(&reader, try reader.context() ?? context)
      try reader.finish()
      return subject
    }
  }

  private static func run(_ asKnownAt: AsKnownAt, _ body: @escaping @Sendable () throws -> Response) throws -> Outcome {
    asKnownAt == .head ? .now(try body()) : .waiting(body)
  }
}

extension CheckSubject {
  fileprivate init(_ reader: inout FieldReader, _ context: JSONObject?) throws(JSONFieldError) {
    self.init(
      identity: try reader.id("identity"), action: try reader.action("action"), resource: try reader.path("resource"),
      context: context)
  }
}

extension FieldReader {
  /// The member `context`; nil where it is absent.
  fileprivate mutating func context() throws(JSONFieldError) -> JSONObject? {
    guard let value = optionalValue("context") else { return nil }
    return try RequestContext.read(value, at: pointer(to: "context"))
  }
}

extension CheckReport {
  fileprivate var response: Response { .json(json(), position: position) }
}

extension CheckBatchReport {
  fileprivate var response: Response { .json(json(), position: position) }
}
