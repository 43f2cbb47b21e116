import AccessGraph
import EventLog
public import Governance
import HTTP
import JSON
import Temporal

/// `/v1/findings`: what rules and jobs flagged, and what became of it.
extension Endpoint {
  static let findings: [Endpoint] =
    [
      Endpoint(
        .get, "/v1/findings", "listFindings", "The findings at a moment, by id",
        .query(
          [
            Member("state", Schemas.findingState, "open (the default), accepted, resolved, or all"),
            Member("rule", Schemas.id, "Only those of this rule"),
            Member("severity", Schemas.choice(Severity.self), "Only those that matter so much"),
            Member("owner", Schemas.id, "Only those that this identity has to mend"),
            Member("subject", Schemas.entity, "Only those about this entity"), .at, .asKnownAt,
          ] + Member.paging), FindingPages.list),
      Endpoint(
        .get, "/v1/findings/{id}", "getFinding", "One finding at a moment", .query([.at, .asKnownAt]), FindingPages.one),
      Endpoint(
        .post, "/v1/findings/{id}/apply", "applyFinding",
        "Does what mends it, and resolves it: of an unused permission the role is made smaller", .body(FindingMending.members),
        isWrite: true
      ) { call in try FindingMending(call).outcome(call) { try $0.application(of: $1, by: $2) } },
      Endpoint(
        .post, "/v1/findings/{id}/rollback", "rollBackFinding",
        "Takes back exactly what mended it, unless it was changed since, and opens it again", .body(FindingMending.members),
        isWrite: true
      ) { call in try FindingMending(call).outcome(call) { try $0.rollback(of: $1, by: $2) } },
    ]
    + [
      Write("finding.raise", "/v1/findings", status: 201), Write("finding.resolve", "/v1/findings/{id}/resolve"),
      Write("finding.accept", "/v1/findings/{id}/accept"),
    ].map(\.endpoint)
}

/// Reads findings and pages them.
private enum FindingPages {
  @Sendable static func list(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let filter = try FindingFilter(&reader)
    let view = try PagedView(call, input, &reader)
    try reader.finish()
    let after = try view.after
    return .waiting {
      let page = try call.questions.findings(
        filter, at: view.at, asKnownAt: view.asKnownAt, after: after ?? "", limit: view.page.rows)
      let after: (ShownFinding) -> JSONValue = { .string($0.standing.finding.id) }
      return view.response(
        "findings", page.findings, at: page.view, position: page.position,
        next: page.hasMore ? page.findings.last.map(after) : .none, after: after
      ) {
        $1.writeMembers(to: &$0)
      }
    }
  }

  @Sendable static func one(_ call: Call) throws -> Outcome {
    try call.one("finding") { try $0.finding($1, at: $2, asKnownAt: $3).map { ($0, $0.position) } }
  }
}

/// A finding to be mended, or that to be taken back.
private struct FindingMending: Sendable {
  static let members: [Member] = [
    Member("by", Schemas.id, "By whose authority"),
    Member(
      "unapproved", ["type": "boolean"], "Whether it is done though an elevation policy approves such changes; it is found"),
  ]

  let input: JSONObject
  let actor: String?
  let isUnapproved: Bool

  init(_ call: Call) throws {
    input = try call.input()
    var reader = FieldReader(object: input)
    actor = try reader.optionalID("by")
    isUnapproved = try reader.optionalBool("unapproved") ?? false
    try reader.finish()
  }

  func outcome(
    _ call: Call, _ commands: @escaping @Sendable (Questions, String, String?) throws -> FindingApplication
  ) -> Outcome {
    let id = call.parameters["id"]
    return .waiting {
      guard try call.questions.finding(id) != nil else { throw Problem(.notFound, "there is no finding \(id)") }
      return try PlannedBatch(call, input).record {
        var application: FindingApplication
        do { application = try commands(call.questions, id, actor) } catch let error as FindingApplicationError {
          throw Refusal(.wrongState, error.description)
        }
        application.commands[0].isUnapproved = isUnapproved
        return application.submission(recordedBy: Intake.recorder.id)
      }
    }
  }
}

extension FindingFilter {
  fileprivate init(_ reader: inout FieldReader) throws(JSONFieldError) {
    self.init()
    guard let states = FindingState.named(try reader.optionalString("state")) else {
      throw reader.error("state", "must be one of \(FindingState.words.joined(separator: ", "))")
    }
    self.states = states
    rule = try reader.optionalID("rule")
    severity = try reader.optionalString("severity") == nil ? nil : try reader.choice("severity", of: Severity.self)
    owner = try reader.optionalID("owner")
    subject = try reader.optionalString("subject") == nil ? nil : try reader.entity("subject")
  }
}

extension FindingState {
  /// The words by which a list of findings is asked for.
  public static let words = allCases.map(\.rawValue) + ["all"]

  /// The states that a word asks for: open where there is none; nil for any other word.
  public static func named(_ word: String?) -> Set<FindingState>? {
    guard let word else { return [.open] }
    if word == "all" { return Set(allCases) }
    return FindingState(rawValue: word).map { [$0] }
  }
}
