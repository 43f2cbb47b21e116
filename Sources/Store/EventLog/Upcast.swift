import Governance
import JSON

/// Brings the bodies of older versions up to date, one step a version; the log itself is never rewritten.
///
/// Every version ever released has a golden body in `Tests/Cases/events` that must go on decoding.
enum Upcast {
  /// From one version of a type to the next.
  struct Step: Sendable {
    /// The event type.
    let type: String
    /// The version that the step starts from; it ends at the next.
    let from: Int64
    /// What is done to the body's members.
    let change: @Sendable (inout JSONObject) throws(JSONFieldError) -> Void
  }

  /// The steps there are.
  static let steps: [Step] = [
    // Version 1 said rule, subject and evidence; the rest follows from them, but for an owner, whom nobody had looked up.
    Step(type: "finding.raised", from: 1) { members throws(JSONFieldError) in
      var event = try FieldReader(.object(members))
      var data = try event.object("data")
      let finding = Finding(
        rule: try data.id("rule"), subject: try data.entity("subject"), evidence: try data.value("evidence"))
      try data.finish()
      members["data"] = Change.findingRaised(finding).data
    }
  ]

  /// The body in its current version; one of an unknown version comes back as it is, and is refused there.
  static func toCurrent(_ document: JSONValue) throws(JSONFieldError) -> JSONValue {
    // Nearly every event is current: it costs one look at its version.
    guard let version = document["version"]?.integerValue, let type = document["type"]?.stringValue,
      version < EventCodec.currentVersion(of: type), case .object(var members) = document
    else { return document }
    var reached = version
    while let step = steps.first(where: { $0.from == reached && $0.type.isExactly(type) }) {
      try step.change(&members)
      reached += 1
      members["version"] = .integer(reached)
    }
    return .object(members)
  }
}
