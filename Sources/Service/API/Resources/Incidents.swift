import AccessGraph
import EventLog
import Governance
import HTTP
import JSON
import Temporal

/// `/v1/incidents`: an incident replayed, a plan to contain it, which records nothing, and the same plan carried out.
extension Endpoint {
  static let incidents: [Endpoint] = [
    Endpoint(
      .post, "/v1/incidents/replay", "replayIncident",
      "Who had a part in an incident, what they could do, did and changed, and who else was touched",
      .body(members + [Member("without", Schemas.positions, "Events to be taken out of the world"), .asKnownAt]), replay),
    Endpoint(
      .post, "/v1/incidents/contain", "planContainment",
      "What would contain it: identities to suspend, credentials to revoke, grants to end, and what breaks with them",
      .body(containing), contain),
    Endpoint(
      .post, "/v1/incidents/contain/apply", "containIncident",
      "Plans it anew and does it: all steps as one batch, or none where a rule forbids one", .body(containing), isWrite: true,
      apply),
  ]

  private static var containing: [Member] {
    members + [
      Member("reason", Schemas.reason, required: true, "Why"), Member("actor", Schemas.actor, "Who contains it"),
      Member("authorised_by", Schemas.approval, "Who approved that, as the caller says"),
      Member("ticket", Schemas.ticket, "Where it is dealt with"),
      Member("reviewers", Schemas.reviewers, "Who reviews what is left; absent, the owner, then the manager"),
      Member("escalation", Schemas.principals, "Who reviews what nobody may by those rules"),
      Member("signs_off", Schemas.principals, "Who may sign the review off"),
    ]
  }

  private static let members: [Member] = [
    Member("identities", Schemas.ids(IncidentQuestion.mostNames), "Identities"),
    Member("credentials", Schemas.ids(IncidentQuestion.mostNames), "Credentials"),
    Member("sessions", Schemas.ids(IncidentQuestion.mostNames), "Sessions, as usage names them"),
    Member("addresses", Schemas.ids(IncidentQuestion.mostNames), "Addresses, as usage names them"),
    Member("from", Schemas.instant, required: true, "When it began"),
    Member("to", Schemas.instant, "The first instant after it; absent, now"),
  ]

  @Sendable private static func replay(_ call: Call) throws -> Outcome {
    var reader = FieldReader(object: try call.input())
    var question = try IncidentQuestion(&reader)
    question.without = try reader.positions("without")
    let asKnownAt = try reader.asKnownAt()
    try reader.finish()
    return .waiting { [question] in
      let report = try call.questions.incident(question, asKnownAt: asKnownAt)
      return .json(report.json(), position: report.position)
    }
  }

  @Sendable private static func contain(_ call: Call) throws -> Outcome {
    let asked = try AskedContainment(try call.input())
    return .waiting { .json(try asked.plan(call.questions).json()) }
  }

  @Sendable private static func apply(_ call: Call) throws -> Outcome {
    let input = try call.input()
    let asked = try AskedContainment(input)
    return .waiting {
      try PlannedBatch(call, input).record {
        let plan = try asked.plan(call.questions)
        if plan.steps.isEmpty { throw Refusal(.noChange, "there is nothing to contain") }
        return plan.submission(recordedBy: Intake.recorder.id, source: "incident")
      }
    }
  }
}

/// What a containment is asked with.
private struct AskedContainment: Sendable {
  let question: IncidentQuestion
  let authority: Authority
  let review: ContainmentReview

  init(_ input: JSONObject) throws(JSONFieldError) {
    var reader = FieldReader(object: input)
    question = try IncidentQuestion(&reader)
    authority = try Authority(reading: &reader)
    if authority.reason?.isEmpty ?? true { throw reader.error("reason", "is missing") }
    var review = ContainmentReview()
    if let rules = try reader.texts("reviewers", most: Limits.reviewerRules, ReviewerRule.init), !rules.isEmpty {
      review.reviewers = rules
    }
    review.escalation = try reader.texts("escalation", most: Limits.principalsPerPolicy, Self.principal) ?? []
    review.signsOff = try reader.texts("signs_off", most: Limits.principalsPerPolicy, Self.principal) ?? []
    self.review = review
    try reader.finish()
  }

  private static func principal(_ text: String) -> Entity? {
    guard let entity = Entity(text: text), entity.kind == .identity || entity.kind == .group else { return nil }
    return entity
  }

  func plan(_ questions: Questions) throws -> Containment {
    try questions.containment(of: question, authority: authority, review: review)
  }
}

extension IncidentQuestion {
  fileprivate init(_ reader: inout FieldReader) throws(JSONFieldError) {
    let from = try reader.instant("from")
    guard let during = Interval(exactly: from, to: try reader.optionalInstant("to")) else {
      throw reader.error("to", "must be later than from")
    }
    self.init(
      identities: try reader.names("identities"), credentials: try reader.names("credentials"),
      sessions: try reader.names("sessions"), addresses: try reader.names("addresses"), during: during)
    if identities.isEmpty, credentials.isEmpty, sessions.isEmpty, addresses.isEmpty {
      throw reader.error("identities", "or credentials, sessions or addresses must name somebody")
    }
  }
}

extension FieldReader {
  /// Texts that each say something; nil where the member is absent.
  fileprivate mutating func texts<Value>(
    _ name: String, most: Int, _ read: (String) -> Value?
  ) throws(JSONFieldError) -> [Value]? {
    guard let texts = try optionalStrings(name, maximumCount: most) else { return nil }
    var values: [Value] = []
    for (index, text) in texts.enumerated() {
      guard let value = read(text) else {
        throw JSONFieldError(
          pointer: JSONPointer.child(index, of: pointer(to: name)), problem: "is nobody who could: identity:ID or group:ID")
      }
      values.append(value)
    }
    return values
  }

  fileprivate mutating func names(_ name: String) throws(JSONFieldError) -> [String] {
    try optionalStrings(name, maximumCount: IncidentQuestion.mostNames) ?? []
  }

  fileprivate mutating func positions(_ name: String) throws(JSONFieldError) -> [Int64] {
    guard let items = try optionalArray(name, maximumCount: IncidentQuestion.mostNames) else { return [] }
    return try items.enumerated().map { index, item throws(JSONFieldError) in
      guard let position = item.integerValue, position > 0 else {
        throw JSONFieldError(pointer: JSONPointer.child(index, of: pointer(to: name)), problem: "must be a position")
      }
      return position
    }
  }
}
