import EventLog
import Governance
import HTTP
import JSON
import Synchronization
import Temporal

/// `/v1/reviews`: access that is certified item by item, and the evidence of it.
extension Endpoint {
  static let reviews: [Endpoint] =
    [
      Endpoint(
        .get, "/v1/reviews", "listReviews", "The access reviews up to a moment, in the order of their opening",
        .query([Member("state", Schemas.choice(ReviewState.self), "Only those that stand there"), .at, .asKnownAt]),
        ReviewPages.list),
      Endpoint(
        .get, "/v1/reviews/{id}", "getReview", "One review: where it stands, its population verified anew, its summary",
        .query([.at, .asKnownAt])
      ) { try ReviewPages.one($0) },
      Endpoint(
        .get, "/v1/reviews/{id}/items", "listReviewItems", "Items of a review, each with what it gives and what speaks for it",
        .query(
          ReviewPages.filter + [
            .at, .asKnownAt, Member("from", Schemas.count(Limits.itemsPerReview), "The first item's number"),
          ]
            + [Member("limit", Schemas.count(PageSize.mostRows), "Items of the page")])
      ) { try ReviewPages.items($0) },
      Endpoint(
        .get, "/v1/reviews/{id}/report", "reportReview", "The evidence: every item with its reviewer, decision and execution",
        .query([.at, .asKnownAt])
      ) { try ReviewPages.report($0) },
      Endpoint(
        .post, "/v1/reviews/{id}/decide_many", "reviewDecideMany",
        "Decides the undecided items that a reviewer may decide and a filter admits, 10,000 at once, all or none; next is where to go on",
        .body([
          Member("by", Schemas.id, required: true, "The reviewer"),
          Member("decision", Schemas.choice(ReviewChoice.self), required: true, "keep or revoke"),
          Member("reason", Schemas.reason, required: true, "The rationale, for all of them"),
          Member("from", Schemas.count(Limits.itemsPerReview), "The number of the first item looked at"),
          Member("principal", Schemas.principal, "Only what this identity or group holds"),
          Member("role", Schemas.id, "Only assignments of this role"), Member("group", Schemas.id, "Only this group"),
          Member("recommendation", Schemas.choice(ReviewChoice.self), "Only that for which this is recommended"),
        ]), isWrite: true, ReviewPages.decideMany),
    ]
    + [
      Write("review.open", "/v1/reviews", status: 201), Write("review.assign", "/v1/reviews/{id}/assign"),
      Write("review.decide", "/v1/reviews/{id}/decide"), Write("review.remind", "/v1/reviews/{id}/remind"),
      Write("review.sign_off", "/v1/reviews/{id}/sign_off"), Write("review.close", "/v1/reviews/{id}/close"),
      Write("review.execute", "/v1/reviews/{id}/execute"), Write("review.complete", "/v1/reviews/{id}/complete"),
    ].map(\.endpoint)
}

/// Reads reviews and their items.
private enum ReviewPages {
  static let filter: [Member] = [
    Member("reviewer", Schemas.id, "Only what this identity may decide"),
    Member("decision_state", Schemas.choice(DecisionState.self), "Only what stands there"),
    Member("principal", Schemas.principal, "Only what this identity or group holds"),
    Member("role", Schemas.id, "Only assignments of this role"), Member("group", Schemas.id, "Only this group"),
    Member("recommendation", Schemas.choice(ReviewChoice.self), "Only that for which this is recommended"),
  ]

  @Sendable static func list(_ call: Call) throws -> Outcome {
    var reader = FieldReader(object: try call.input())
    let state = try reader.optionalString("state") == nil ? nil : try reader.choice("state", of: ReviewState.self)
    let (at, asKnownAt) = (try reader.optionalInstant("at"), try reader.asKnownAt())
    try reader.finish()
    return .waiting {
      let report = try call.questions.reviews(state: state, at: at, asKnownAt: asKnownAt)
      return .json(report.json(), position: report.position)
    }
  }

  /// A review as a whole, without its items.
  static func one(_ call: Call) throws -> Outcome {
    let (at, asKnownAt) = try moment(call)
    let id = call.parameters["id"]
    return .waiting {
      guard let found = try call.questions.review(id, at: at, asKnownAt: asKnownAt) else { throw missing(id) }
      return .json(found.json(), position: found.position)
    }
  }

  /// A review with all its items, sent slice by slice.
  static func report(_ call: Call) throws -> Outcome {
    let (at, asKnownAt) = try moment(call)
    let id = call.parameters["id"]
    return .waiting {
      guard let found = try call.questions.reviewItems(of: id, at: at, asKnownAt: asKnownAt) else { throw missing(id) }
      var response = Response.json([], position: found.position)
      let stream = ReviewStream(found)
      response.body = .stream { try stream.next() }
      return response
    }
  }

  private static func moment(_ call: Call) throws -> (at: Instant?, asKnownAt: AsKnownAt) {
    var reader = FieldReader(object: try call.input())
    let (at, asKnownAt) = (try reader.optionalInstant("at"), try reader.asKnownAt())
    try reader.finish()
    return (at, asKnownAt)
  }

  private static func missing(_ id: String) -> Problem { Problem(.notFound, "there was no review \(id) then") }

  static func items(_ call: Call) throws -> Outcome {
    var reader = FieldReader(object: try call.input())
    let (at, asKnownAt) = (try reader.optionalInstant("at"), try reader.asKnownAt())
    let filter = try ReviewFilter(reading: &reader)
    let first = try reader.optionalString("from").map { text throws(JSONFieldError) in
      guard let number = Int(text), number > 0 else { throw reader.error("from", "must be the number of an item: 1, 2, 3, …") }
      return number
    }
    let limit = try reader.limit()
    try reader.finish()
    let id = call.parameters["id"]
    return .waiting {
      let found = try call.questions.reviewPage(id, filter, at: at, asKnownAt: asKnownAt, from: first ?? 1, limit: limit)
      guard let found else { throw missing(id) }
      return .json(found.json(), position: found.position)
    }
  }

  @Sendable static func decideMany(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let choice = try reader.choice("decision", of: ReviewChoice.self)
    guard choice == .keep || choice == .revoke else { throw reader.error("decision", "must be keep or revoke for several") }
    let (by, reason) = (try reader.id("by"), try reader.string("reason", maximumBytes: Limits.reasonBytes))
    let filter = try ReviewFilter(reading: &reader)
    let first = try reader.optionalInteger("from") ?? 1
    guard (1...Int64(Limits.itemsPerReview)).contains(first) else {
      throw reader.error("from", "must be the number of an item: 1, 2, 3, …")
    }
    try reader.finish()
    let id = call.parameters["id"]
    return .waiting {
      func decisions(from number: Int, limit: Int = Limits.commandsPerBatch) throws -> ManyDecisions {
        let found = try call.questions.decisions(
          inAll: filter, of: id, choice, by: by, authority: Authority(reason: reason), from: number, limit: limit)
        guard let found else { throw Problem(.notFound, "there is no review \(id)") }
        return found
      }
      // Each command counts for itself; who has more to decide than a batch takes asks again from the next one on.
      var planned: ManyDecisions?
      return try PlannedBatch(call, input).record {
        if let earlier = planned {
          planned?.commands = try call.questions.stillAsSeen(earlier.commands)
        } else {
          planned = try decisions(from: Int(first))
        }
        guard let commands = planned?.commands, !commands.isEmpty else {
          throw Refusal(.noChange, "there is nothing that \(by) could decide")
        }
        return Intake.governed(commands, call)
      } answering: { writer, receipt in
        writer.member("entity", Entity(.review, id).description)
        // What is executed at once makes events besides.
        writer.member("decided", Int64(try call.questions.countDecided(by: receipt.events)))
        var next = planned?.next
        if planned == nil, let last = try call.questions.lastDecided(of: id, by: receipt.events) {
          next = try decisions(from: last + 1, limit: 0).next
        }
        writer.member("next", next.map(Int64.init))
      }
    }
  }
}

/// The items of a review as the producer of a streamed body, which is called from the listener's threads, one call at a time.
private final class ReviewStream: Sendable {
  private let items: Mutex<ReviewItems>

  init(_ items: ReviewItems) { self.items = Mutex(items) }

  /// The next bytes; nil at the end.
  func next() throws -> [UInt8]? { try items.withLock { try $0.nextBytes() } }
}

extension ReviewFilter {
  /// Reads the members of a filter; all may be left out.
  init(reading reader: inout FieldReader) throws(JSONFieldError) {
    self.init()
    reviewer = try reader.optionalID("reviewer")
    if try reader.optionalString("decision_state") != nil {
      decisionState = try reader.choice("decision_state", of: DecisionState.self)
    }
    if try reader.optionalString("principal") != nil { principal = try reader.principal("principal") }
    role = try reader.optionalID("role")
    group = try reader.optionalID("group")
    if try reader.optionalString("recommendation") != nil {
      recommendation = try reader.choice("recommendation", of: ReviewChoice.self)
    }
  }
}
