import EventLog
import HTTP
import JSON

/// One route: what the router serves and what `/openapi.json` says, from one description.
struct Endpoint: Sendable {
  /// Where the members of the input stand.
  enum Input: Sendable {
    /// In the query.
    case query([Member])
    /// In a JSON object, which may be left out where nothing in it is required.
    case body([Member])
    /// In the query, and beside it one JSON object on each line of the body (NDJSON).
    case lines([Member], each: [Member])
    /// Nowhere.
    case none
  }

  /// Who answers.
  enum Handler: Sendable {
    /// Answers one call to a tenant, or says what has to be waited for.
    case tenant(@Sendable (Call) throws -> Outcome)
    /// Answers for the service as a whole; it may wait.
    case service(@Sendable (EventStore) throws -> Outcome)
  }

  let method: HTTPMethod
  let pattern: String
  /// Names the operation in generated clients.
  let operation: String
  let summary: String
  let input: Input
  /// The status of a good answer.
  let status: Int
  /// Whether it records events, and so takes an idempotency key.
  let isWrite: Bool
  /// Members of the answer that need a word.
  var answer: [Member] = []
  let handler: Handler

  init(
    _ method: HTTPMethod, _ pattern: String, _ operation: String, _ summary: String, _ input: Input, status: Int = 200,
    isWrite: Bool = false, _ handler: @escaping @Sendable (Call) throws -> Outcome
  ) {
    self.init(method, pattern, operation, summary, input, status: status, isWrite: isWrite, handler: .tenant(handler))
  }

  init(
    _ method: HTTPMethod, _ pattern: String, _ operation: String, _ summary: String, _ input: Input, status: Int = 200,
    isWrite: Bool = false, handler: Handler
  ) {
    self.method = method
    self.pattern = pattern
    self.operation = operation
    self.summary = summary
    self.input = input
    self.status = status
    self.isWrite = isWrite
    self.handler = handler
  }
}

/// What a handler has to say.
enum Outcome: Sendable {
  /// The answer, found on the caller's thread.
  case now(Response)
  /// An answer that waits for PostgreSQL: it goes to a worker.
  case waiting(@Sendable () throws -> Response)
  /// A batch to be recorded, and the answer to its receipt; `addressed` is the member that the path names.
  case recording(Tenant, Submission, addressed: String?, @Sendable (Receipt) -> Response)
}

/// One member of an input, as OpenAPI describes it.
struct Member: Sendable {
  let name: String
  let isRequired: Bool
  let schema: JSONValue
  let summary: String

  init(_ name: String, _ schema: JSONValue, required: Bool = false, _ summary: String) {
    self.name = name
    self.isRequired = required
    self.schema = schema
    self.summary = summary
  }
}

/// One request to a tenant.
struct Call: Sendable {
  let request: Request
  let parameters: Parameters
  let headers: CallHeaders
  let tenant: Tenant
  let questions: Questions

  /// Whether the input stands in the query.
  var isQuery: Bool { request.method == .get || request.method == .head }

  /// The input: the query's members, or those of the body.
  func input() throws(Problem) -> JSONObject { isQuery ? try query() : try body() }

  /// The query's members, whatever the method.
  func query() throws(Problem) -> JSONObject { try Self.object(of: request.query) }

  /// Names whose values are not text; what does not read as their kind stays text and is refused as such.
  private static let integers: Set<String> = ["limit"]
  private static let bools: Set<String> = ["privileged"]

  private static func object(of query: [(name: String, value: String)]) throws(Problem) -> JSONObject {
    var object = JSONObject()
    for (name, text) in query {
      var value = JSONValue.string(text)
      if integers.contains(name), let integer = Int64(text) { value = .integer(integer) }
      if bools.contains(name), text == "true" || text == "false" { value = .bool(text == "true") }
      guard object.append(name, value) else {
        throw Problem(JSONFieldError(pointer: "/" + name, problem: "must be given once"), isQuery: true)
      }
    }
    return object
  }

  /// Whether the body says that it is JSON.
  var isJSON: Bool {
    guard let type = request.headers["Content-Type"] else { return false }
    // As nearly every client writes it.
    if type == "application/json" { return true }
    let end = type.utf8.firstIndex { $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: " ") }
    return String(type[..<(end ?? type.endIndex)]).lowercased() == "application/json"
  }

  /// The body as an object; an empty body is an empty object.
  private func body() throws(Problem) -> JSONObject {
    if let first = request.query.first {
      throw Problem(JSONFieldError(pointer: "/" + first.name, problem: "is not a known parameter"), isQuery: true)
    }
    guard !request.body.isEmpty else { return JSONObject() }
    guard isJSON else {
      throw Problem(.notJSON, "send the body with Content-Type: application/json")
    }
    let value: JSONValue
    do throws(JSONError) { value = try JSONValue(parsing: request.body) } catch { throw Problem(error) }
    guard let object = value.objectValue else {
      throw Problem(JSONFieldError(pointer: "", problem: "must be an object"), isQuery: false)
    }
    return object
  }
}

extension Response {
  /// An answer in JSON, with the position it is true at.
  static func json(_ bytes: [UInt8], status: Int = 200, position: Int64? = nil) -> Response {
    var headers: Headers = ["Content-Type": "application/json"]
    if let position { headers.append("Tenure-Position", String(position)) }
    return Response(status: status, headers: headers, body: .bytes(bytes))
  }
}
