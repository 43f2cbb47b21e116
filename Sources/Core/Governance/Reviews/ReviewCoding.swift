public import JSON
import Temporal

/// A review in JSON: the terms as a command or a policy gives them, beside them the progress, which only events have.
extension Review {
  /// Reads the members of a review; nil where the command names a review without saying it anew.
  init?(_ step: ReviewStep, reading data: inout FieldReader) throws(JSONFieldError) {
    var progress: ReviewProgress?
    if var part = try data.optionalObject("progress") {
      progress = try ReviewProgress(reading: &part)
      try part.finish()
    }
    if step != .opened, progress == nil { return nil }
    self.init(step: step, terms: try ReviewTerms(reading: &data), progress: progress)
    terms.policy = try data.optionalID("policy")
  }

  /// Adds the members of a review.
  func write(to data: inout JSONObject) {
    terms.write(to: &data)
    if let policy = terms.policy { data["policy"] = .string(policy) }
    if let progress { data["progress"] = progress.json }
  }

  /// The review as one object, without the step; from which it can be read again.
  public var json: JSONValue {
    var object = JSONObject()
    write(to: &object)
    return .object(object)
  }

  /// Reads what ``json`` gives.
  ///
  /// - Throws: `JSONFieldError` with a pointer; also where it is only proposed.
  public init(_ value: JSONValue, step: ReviewStep) throws(JSONFieldError) {
    var reader = try FieldReader(value)
    guard let review = try Review(step, reading: &reader), review.progress != nil else {
      throw reader.error("progress", "is missing")
    }
    try reader.finish()
    self = review
  }
}

extension ReviewQuery {
  init(reading reader: inout FieldReader) throws(JSONFieldError) {
    self.init()
    if reader.isGiven("scope") { scope = try reader.path("scope") }
    roles = try reader.ids("roles")
    groups = try reader.ids("groups")
    identities = try reader.ids("identities")
    isPrivileged = try reader.optionalBool("privileged") ?? false
  }

  func write(to data: inout JSONObject) {
    if let scope { data["scope"] = .string(scope) }
    for (name, ids) in [("roles", roles), ("groups", groups), ("identities", identities)] where !ids.isEmpty {
      data[name] = .array(ids.map { .string($0) })
    }
    if isPrivileged { data["privileged"] = true }
  }

  /// The query as an object.
  public var json: JSONValue {
    var object = JSONObject()
    write(to: &object)
    return .object(object)
  }
}

extension ReviewTerms {
  /// Ten years.
  private static let mostDays: Int64 = 3_650

  init(reading reader: inout FieldReader) throws(JSONFieldError) {
    self.init(query: try ReviewQuery(reading: &reader))
    let rules = try reader.optionalStrings("reviewers", maximumCount: Limits.reviewerRules) ?? []
    for (index, text) in rules.enumerated() {
      guard let rule = ReviewerRule(text) else {
        let at = JSONPointer.child(index, of: reader.pointer(to: "reviewers"))
        throw JSONFieldError(pointer: at, problem: "must be owner, manager, identity:ID or group:ID")
      }
      reviewers.append(rule)
    }
    escalation = try reader.principals("escalation") ?? []
    signsOff = try reader.principals("signs_off") ?? []
    decideWithinDays = try reader.count("days_to_decide", in: 1...Self.mostDays, usual: Self.usualDays)
    signOffWithinDays = try reader.count("sign_off_within_days", in: 0...Self.mostDays, usual: Self.usualSignOffDays)
    if let days = try reader.optionalArray("remind_days") {
      remindDays = []
      guard days.count <= Limits.remindersPerReview else {
        throw reader.error("remind_days", "must have at most \(Limits.remindersPerReview) members")
      }
      for (index, day) in days.enumerated() {
        guard let day = day.integerValue, (0...Self.mostDays).contains(day) else {
          let at = JSONPointer.child(index, of: reader.pointer(to: "remind_days"))
          throw JSONFieldError(pointer: at, problem: "must lie between 0 and \(Self.mostDays)")
        }
        remindDays.append(day)
      }
    }
    if reader.isGiven("at_deadline") {
      atDeadline = try reader.choice("at_deadline", of: DeadlineMeasure.self)
    }
    if reader.isGiven("executes") {
      executes = try reader.choice("executes", of: ReviewExecutionTime.self)
    }
  }

  func write(to data: inout JSONObject) {
    query.write(to: &data)
    // A command that leaves all this to its policy says nothing of it.
    if reviewers.isEmpty { return }
    data["reviewers"] = .array(reviewers.map { .string($0.text) })
    if !escalation.isEmpty { data["escalation"] = .array(escalation.map { .string($0.description) }) }
    if !signsOff.isEmpty { data["signs_off"] = .array(signsOff.map { .string($0.description) }) }
    data["days_to_decide"] = .integer(decideWithinDays)
    data["sign_off_within_days"] = .integer(signOffWithinDays)
    data["remind_days"] = .array(remindDays.map { .integer($0) })
    data["at_deadline"] = .string(atDeadline.rawValue)
    data["executes"] = .string(executes.rawValue)
  }
}

extension ReviewProgress {
  init(reading part: inout FieldReader) throws(JSONFieldError) {
    state = try part.choice("state", of: ReviewState.self)
    var frozen = try part.object("population")
    population = FrozenPopulation(
      at: try frozen.instant("at"), position: try frozen.integer("position"), count: try frozen.integer("count"),
      digest: try frozen.string("sha256", maximumBytes: Limits.identifierBytes))
    try frozen.finish()
    deadline = try part.instant("deadline")
    reminded = try part.array("reminded", maximumCount: Limits.remindersPerReview).compactMap(\.integerValue)
    if var signed = try part.optionalObject("signed_off") {
      signature = ReviewSignature(by: try signed.id("by"), at: try signed.instant("at"))
      try signed.finish()
    }
    if var closed = try part.optionalObject("closed") {
      closing = ReviewClosing(
        by: try closed.optionalID("by"), at: try closed.instant("at"), isUnsigned: try closed.bool("unsigned"),
        undecided: try closed.integer("undecided"))
      try closed.finish()
    }
  }

  /// The progress as it stands in an event and in answers.
  public var json: JSONValue {
    var object = JSONObject()
    object["state"] = .string(state.rawValue)
    object["population"] = [
      "at": .string(population.at.description), "position": .integer(population.position),
      "count": .integer(population.count), "sha256": .string(population.digest),
    ]
    object.put("deadline", deadline)
    object["reminded"] = .array(reminded.map { .integer($0) })
    if let signature { object["signed_off"] = ["by": .string(signature.by), "at": .string(signature.at.description)] }
    if let closing {
      var part: JSONObject = ["unsigned": .bool(closing.isUnsigned), "undecided": .integer(closing.undecided)]
      part.put("at", closing.at)
      if let by = closing.by { part["by"] = .string(by) }
      object["closed"] = .object(part)
    }
    return .object(object)
  }
}

extension ReviewReminder {
  init(reading data: inout FieldReader) throws(JSONFieldError) {
    self.init(daysBefore: try data.integer("days_before"), outstanding: [])
    for (index, item) in try data.array("outstanding", maximumCount: Limits.reviewersReminded).enumerated() {
      var reader = try FieldReader(item, at: JSONPointer.child(index, of: data.pointer(to: "outstanding")))
      outstanding.append(Load(reviewer: try reader.id("reviewer"), items: try reader.integer("items")))
      try reader.finish()
    }
  }

  func write(to data: inout JSONObject) {
    data["days_before"] = .integer(daysBefore)
    data["outstanding"] = .array(
      outstanding.map { ["reviewer": .string($0.reviewer), "items": .integer($0.items)] })
  }
}

extension ReviewStep {
  private static let prefix = "review."

  /// The type of the event that records it.
  public var eventType: String { Self.prefix + rawValue }

  /// The step that an event type records; nil for another type.
  public init?(eventType: String) {
    guard eventType.utf8.starts(with: Self.prefix.utf8) else { return nil }
    self.init(rawValue: String(eventType.dropFirst(Self.prefix.count)))
  }
}

extension FieldReader {
  /// Whether there is such a member; its value is read again by what it should be.
  mutating func isGiven(_ name: String) -> Bool {
    if case .some = optionalValue(name) { true } else { false }
  }

  mutating func optionalCount(_ name: String, in range: ClosedRange<Int64>) throws(JSONFieldError) -> Int64? {
    guard let count = try optionalInteger(name) else { return nil }
    guard range.contains(count) else { throw error(name, "must lie between \(range.lowerBound) and \(range.upperBound)") }
    return count
  }

  mutating func count(
    _ name: String, in range: ClosedRange<Int64>, usual: Int64
  ) throws(JSONFieldError) -> Int64 {
    try optionalCount(name, in: range) ?? usual
  }
}
