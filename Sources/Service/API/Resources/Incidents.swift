import AccessGraph
import EventLog
import Governance
import HTTP
import JSON
import Temporal

/// `/v1/incidents`: an incident replayed, and a plan to contain it; neither records anything.
extension Endpoint {
  static let incidents: [Endpoint] = [
    Endpoint(
      .post, "/v1/incidents/replay", "replayIncident",
      "Who had a part in an incident, what they could do, did and changed, and who else was touched",
      .body(members + [Member("without", Schemas.positions, "Events to be taken out of the world"), .asKnownAt]), replay),
    Endpoint(
      .post, "/v1/incidents/contain", "planContainment",
      "What would contain it: identities to suspend, credentials to revoke, grants to end, and what breaks with them",
      .body(members + [Member("reason", Schemas.reason, required: true, "Why")]), contain),
  ]

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
    var reader = FieldReader(object: try call.input())
    let question = try IncidentQuestion(&reader)
    let reason = try reader.string("reason", maximumBytes: Limits.reasonBytes)
    try reader.finish()
    return .waiting {
      .json(try call.questions.containment(of: question, authority: Authority(reason: reason)).json())
    }
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
