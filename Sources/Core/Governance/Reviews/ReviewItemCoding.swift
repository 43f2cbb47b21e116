public import JSON
import Temporal

/// What is said and what has become of an item, in JSON.
extension ReviewItemOrder {
  init(_ step: ReviewItemStep, reading data: inout FieldReader) throws(JSONFieldError) {
    self.init()
    switch step {
    case .executed: return
    case .assigned: reviewer = try data.id("reviewer")
    case .decided:
      choice = try data.choice("decision", of: ReviewChoice.self)
      digest = try data.optionalString("digest", maximumBytes: Limits.identifierBytes)
      reviewer = try data.optionalID("reviewer")
      reduction = try data.reduction()
      isBulk = try data.optionalBool("bulk") ?? false
    }
  }

  func write(to data: inout JSONObject) {
    if let choice { data["decision"] = .string(choice.rawValue) }
    if let digest { data["digest"] = .string(digest) }
    if let reviewer { data["reviewer"] = .string(reviewer) }
    if let reduction { data["reduction"] = reduction.json }
    if isBulk { data["bulk"] = true }
  }
}

extension ReviewReduction {
  var json: JSONValue {
    var object = JSONObject()
    if let role { object["role"] = .string(role) }
    if let scope { object["scope"] = .string(scope) }
    object.put("expires_at", expiresAt)
    return .object(object)
  }
}

extension FieldReader {
  fileprivate mutating func reduction() throws(JSONFieldError) -> ReviewReduction? {
    guard var part = try optionalObject("reduction") else { return nil }
    var reduction = ReviewReduction(role: try part.optionalID("role"))
    if part.isGiven("scope") { reduction.scope = try part.path("scope") }
    reduction.expiresAt = try part.optionalInstant("expires_at")
    try part.finish()
    return reduction
  }

  mutating func reviewItem() throws(JSONFieldError) -> GrantName {
    // A group's id may take three times its bytes, since blanks in it are escaped.
    let text = try string("item", maximumBytes: 4 * Limits.identifierBytes + Limits.kindBytes)
    guard let item = GrantName(text: text) else {
      throw error("item", "must have the form assignment:ID or membership:GROUP KIND:ID")
    }
    return item
  }
}

extension ReviewItemState {
  /// Reads what ``json`` gives.
  public init(_ value: JSONValue, step: ReviewItemStep, at pointer: String = "") throws(JSONFieldError) {
    self.init(step: step)
    var reader = try FieldReader(value, at: pointer)
    if var part = try reader.optionalObject("assigned") {
      assignment = ReviewAssignment(
        reviewer: try part.id("reviewer"), by: try part.id("by"), at: try part.instant("at"),
        isDelegated: try part.optionalBool("delegated") ?? false,
        reason: try part.optionalString("reason", maximumBytes: Limits.reasonBytes))
      try part.finish()
    }
    if var part = try reader.optionalObject("decided") {
      decision = ReviewDecision(
        choice: try part.choice("decision", of: ReviewChoice.self),
        digest: try part.string("digest", maximumBytes: Limits.identifierBytes), by: try part.id("by"),
        route: try part.choice("as", of: ReviewerRoute.self), at: try part.instant("at"),
        rationale: try part.optionalString("rationale", maximumBytes: Limits.reasonBytes),
        isBulk: try part.optionalBool("bulk") ?? false, reduction: try part.reduction())
      try part.finish()
    }
    if var part = try reader.optionalObject("executed") {
      execution = ReviewExecution(
        measure: try part.choice("measure", of: ReviewMeasure.self),
        outcome: try part.choice("outcome", of: ReviewExecution.Outcome.self), at: try part.instant("at"),
        code: try part.optionalID("code"),
        message: try part.optionalString("message", maximumBytes: Limits.reasonBytes))
      try part.finish()
    }
    try reader.finish()
  }

  /// The state as it stands in an event and in answers; the step is the event's type.
  public var json: JSONValue {
    var object = JSONObject()
    if let assignment {
      var part: JSONObject = ["reviewer": .string(assignment.reviewer), "by": .string(assignment.by)]
      part.put("at", assignment.at)
      if assignment.isDelegated { part["delegated"] = true }
      if let reason = assignment.reason { part["reason"] = .string(reason) }
      object["assigned"] = .object(part)
    }
    if let decision { object["decided"] = decision.json }
    if let execution {
      var part: JSONObject = [
        "measure": .string(execution.measure.rawValue), "outcome": .string(execution.outcome.rawValue),
      ]
      part.put("at", execution.at)
      if let code = execution.code { part["code"] = .string(code) }
      if let message = execution.message { part["message"] = .string(message) }
      object["executed"] = .object(part)
    }
    return .object(object)
  }
}

extension ReviewDecision {
  fileprivate var json: JSONValue {
    var part: JSONObject = [
      "decision": .string(choice.rawValue), "digest": .string(digest), "by": .string(by), "as": .string(route.rawValue),
    ]
    part.put("at", at)
    if let rationale { part["rationale"] = .string(rationale) }
    if isBulk { part["bulk"] = true }
    if let reduction { part["reduction"] = reduction.json }
    return .object(part)
  }
}

extension ReviewItemStep {
  private static let prefix = "review."

  /// The type of the event that records it.
  public var eventType: String { Self.prefix + rawValue }

  /// The step that an event type records; nil for another type.
  public init?(eventType: String) {
    guard eventType.utf8.starts(with: Self.prefix.utf8) else { return nil }
    self.init(rawValue: String(eventType.dropFirst(Self.prefix.count)))
  }
}
