import EventLog
import Governance
import HTTP
import JSON
import Temporal
import Usage

/// `/v1/usage`: what identities did, as sources tell it.
extension Endpoint {
  static let usage: [Endpoint] = [
    Endpoint(
      .post, "/v1/usage", "recordUsage", "Records a batch of usage, in any order and as often as it comes",
      .lines([Member("source", Schemas.id, required: true, "The system that tells it")], each: recordMembers),
      UsageIntake.record),
    Endpoint(
      .get, "/v1/usage", "listUsage", "Usage as it was told, the newest first; only of the days whose rows are kept",
      .query(filterMembers + addressMembers + Member.paging), UsagePages.rows),
    Endpoint(
      .get, "/v1/usage/daily", "listDailyUsage", "Usage by identity, action, resource and day",
      .query(filterMembers + Member.paging), UsagePages.daily),
    Endpoint(
      .get, "/v1/usage/paths", "listUsagePaths", "Usage by day, with the assignments that covered the first and the last use",
      .query([Member("identity", Schemas.id, "Who did it"), .from, .to, .asKnownAt] + Member.paging), UsagePages.paths),
  ]

  private static let recordMembers = [
    Member("id", Schemas.id, required: true, "What the source calls it"),
    Member("at", Schemas.instant, required: true, "When it was"),
    Member("identity", Schemas.id, required: true, "Who did it; of a session, as whom it acts"),
    Member("action", Schemas.action, "What permissions call it; absent, what they call source_action"),
    Member("source_action", Schemas.action, "What the source calls it"),
    Member("resource", Schemas.path, "With what"), Member("session", Schemas.id, "The session that acted"),
    Member("credential", Schemas.id, "The key, token or password"), Member("address", Schemas.id, "Where the caller was"),
    Member("agent", Schemas.text, "The program that called"),
    Member("outcome", Schemas.choice(UsageOutcome.self), "What came of it; absent, allowed"),
    Member("error_code", Schemas.id, "The source's word for what went wrong"),
  ]

  private static let filterMembers = [
    Member("identity", Schemas.id, "Who did it"), Member("action", Schemas.action, "What was done"),
    Member("resource", Schemas.path, "With exactly what"), .from, .to,
  ]

  private static let addressMembers = [
    Member("address", Schemas.id, "From where"), Member("credential", Schemas.id, "With which key, token or password"),
    Member("session", Schemas.id, "In which session"),
  ]
}

/// Takes batches in.
private enum UsageIntake {
  @Sendable static func record(_ call: Call) throws -> Outcome {
    var reader = FieldReader(object: try call.query())
    let source: String
    do {
      source = try reader.id("source")
      try reader.finish()
    } catch {
      throw Problem(error, isQuery: true)
    }
    guard call.isNDJSON else {
      throw Problem(.notJSON, "send the body with Content-Type: application/x-ndjson, one JSON object on each line")
    }
    return .waiting {
      let records: [UsageRecord]
      do throws(UsageLineError) { records = try UsageLines.read(call.request.body) } catch { throw Problem(error) }
      let receipt: UsageReceipt
      do { receipt = try UsageStore(call.tenant).record(records, source: source) } catch let error as UsageStoreError {
        throw Problem(error)
      }
      var object = receipt.json
      object["source"] = .string(source)
      object["position"] = .integer(call.tenant.head.position)
      return .json(JSONValue.object(object).canonicalBytes(), position: call.tenant.head.position)
    }
  }
}

extension Call {
  /// Whether the body says that it is lines of JSON.
  fileprivate var isNDJSON: Bool {
    let type = request.headers["Content-Type"]?.split(separator: ";").first.map { $0.lowercased() } ?? ""
    return type == "application/x-ndjson" || type == "application/ndjson"
  }
}

extension Problem {
  /// A bad line: as a place it is `/index/field`, as if the lines were an array.
  fileprivate init(_ error: UsageLineError) {
    let place = Place(kind: "pointer", name: "/\(error.line - 1)\(error.pointer)", detail: error.problem)
    self.init(.malformed, "\(error); nothing was stored", places: [place])
  }

  fileprivate init(_ error: UsageStoreError) {
    let text = "\(error); nothing was stored"
    switch error {
    case .tooMany: self.init(.limitExceeded, text, limit: "usage_records_per_batch")
    case .tooManyDays: self.init(.limitExceeded, text, limit: "usage_days_per_batch")
    case .invalid(let record, let field, let problem):
      self.init(.malformed, text, places: [Place(kind: "pointer", name: "/\(record)/\(field)", detail: problem)])
    case .badSource, .badWindow: self.init(.malformed, text)
    case .unsettled, .unreadable: self.init(.unavailable, text, retryAfterSeconds: Self.retrySeconds)
    }
  }
}

/// Pages of usage, each after a few round trips.
private enum UsagePages {
  @Sendable static func rows(_ call: Call) throws -> Outcome {
    let (input, question) = (try call.input(), try question(call))
    var reader = FieldReader(object: input)
    var filter = try filter(&reader)
    filter.address = try reader.optionalID("address")
    filter.credential = try reader.optionalID("credential")
    filter.session = try reader.optionalID("session")
    let cursor = try Cursor.read(&reader, question: question)
    let page = PageSize(rows: try reader.limit())
    try reader.finish()
    let place = try cursor.map { try UsagePlace(cursor: $0) }
    return .waiting { [filter] in
      let report = try call.questions.usage(filter, before: place, limit: page.rows)
      return call.page("usage", report.rows, page, hasMore: report.hasMore, question) {
        $1.writeMembers(to: &$0)
      } place: {
        .array([.string($0.place.at.description), .string($0.place.key)])
      }
    }
  }

  @Sendable static func daily(_ call: Call) throws -> Outcome {
    let (input, question) = (try call.input(), try question(call))
    var reader = FieldReader(object: input)
    let filter = try filter(&reader)
    let cursor = try Cursor.read(&reader, question: question)
    let page = PageSize(rows: try reader.limit())
    try reader.finish()
    let place = try cursor.map { try DailyUsagePlace(cursor: $0) }
    return .waiting {
      let report = try call.questions.dailyUsage(filter, after: place, limit: page.rows)
      return call.page("days", report.entries, page, hasMore: report.hasMore, question) {
        $1.writeMembers(to: &$0)
      } place: {
        DailyUsagePlace($0).cursor
      }
    }
  }

  @Sendable static func paths(_ call: Call) throws -> Outcome {
    let (input, question) = (try call.input(), try question(call))
    var reader = FieldReader(object: input)
    var filter = UsageFilter(identity: try reader.optionalID("identity"))
    (filter.from, filter.to) = try stretch(&reader)
    let known = try reader.asKnownAt()
    let cursor = try Cursor.read(&reader, question: question)
    let page = PageSize(rows: try reader.limit())
    try reader.finish()
    let place = try cursor.map { try DailyUsagePlace(cursor: $0) }
    let asKnownAt = cursor.map { AsKnownAt.position($0.asKnownAt) } ?? known
    return .waiting { [filter] in
      let report = try call.questions.usagePaths(filter, asKnownAt: asKnownAt, after: place, limit: page.rows)
      return call.page(
        "paths", report.entries, page, hasMore: report.hasMore, question, asKnownAt: report.asKnownAt
      ) {
        $1.writeMembers(to: &$0)
      } place: {
        DailyUsagePlace($0.usage).cursor
      }
    }
  }

  private static func question(_ call: Call) throws -> String { Cursor.question(call.request.rawPath, try call.input()) }

  private static func filter(_ reader: inout FieldReader) throws -> UsageFilter {
    var filter = UsageFilter(
      identity: try reader.optionalID("identity"), action: try reader.optionalAction("action"),
      resource: try reader.optionalAction("resource"))
    (filter.from, filter.to) = try stretch(&reader)
    return filter
  }

  private static func stretch(_ reader: inout FieldReader) throws -> (Instant?, Instant?) {
    let stretch = try reader.stretch()
    return (stretch.flatMap { $0.from == .earliest ? nil : $0.from }, stretch?.to)
  }
}

extension Call {
  /// A page of rows, and the cursor after its last.
  fileprivate func page<Row>(
    _ name: String, _ rows: [Row], _ page: PageSize, hasMore: Bool, _ question: String, asKnownAt k: Int64? = nil,
    write: (inout JSONWriter, Row) -> Void, place: (Row) -> JSONValue
  ) -> Response {
    let position = tenant.head.position
    var writer = JSONWriter()
    writer.beginObject()
    if let k { writer.member("as_known_at", k) }
    writer.member("position", position)
    writer.key(name)
    writer.beginArray()
    var written = 0
    for row in rows {
      if page.isFull(rows: written, bytes: writer.bytes.count) { break }
      writer.beginObject()
      write(&writer, row)
      writer.endObject()
      written += 1
    }
    writer.endArray()
    let isCut = hasMore || written < rows.count
    let cursor = isCut && written > 0 ? Cursor(at: nil, asKnownAt: k ?? position, place: place(rows[written - 1])) : nil
    writer.member("next_cursor", cursor?.text(for: question))
    writer.endObject()
    return .json(writer.take(), position: position)
  }
}

private let badCursor = JSONFieldError(pointer: "/cursor", problem: "must be a next_cursor of the same question")

extension UsagePlace {
  fileprivate init(cursor: Cursor) throws(JSONFieldError) {
    guard let at = cursor.place[0]?.stringValue.flatMap({ try? Instant(rfc3339: $0) }), let key = cursor.place[1]?.stringValue
    else { throw badCursor }
    self.init(at: at, key: key)
  }
}

extension DailyUsagePlace {
  fileprivate var cursor: JSONValue {
    .array([.string(identity), .string(action), .string(resource), .string(day.description)])
  }

  fileprivate init(cursor: Cursor) throws(JSONFieldError) {
    let texts = cursor.place.arrayValue?.compactMap(\.stringValue) ?? []
    guard texts.count == 4, let day = try? Instant(rfc3339: texts[3]) else { throw badCursor }
    self.init(identity: texts[0], action: texts[1], resource: texts[2], day: day)
  }
}
