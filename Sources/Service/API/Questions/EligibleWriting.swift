import AccessGraph
import JSON
import Temporal

/// Why an answer over a stretch says nothing of eligible access.
///
/// Whom a policy concerns, what it requires and what it offers may each turn at any instant of it.
public let eligibleNotAnswered = "eligible access is told of moments, not of a stretch; ask with at"

/// Eligible access as answers write it.
extension Eligible {
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("identity", identity)
    writer.member("alone", alone.rawValue)
    writer.member("ways", ways)
    writer.endObject()
  }
}

extension Obtainable {
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("policy", policy)
    writer.member("requester", requester)
    switch access {
    case .role(let role, let scope):
      writer.member("role", role)
      writer.member("scope", scope)
    case .group(let group): writer.member("group", group)
    }
    writer.member("alone", alone.rawValue)
    writer.member("status", (isConditional ? Status.conditional : .allowed).rawValue)
    writer.member("longest_seconds", longestSeconds)
    writer.member("standing", allowsStanding)
    if isAskedByAnother { writer.member("asked_by_another", true) }
    writer.endObject()
  }
}

extension JSONWriter {
  mutating func member(_ name: String, _ ways: [EligibleWay]) {
    key(name)
    beginArray()
    for way in ways {
      beginObject()
      member("policy", way.policy)
      member("alone", way.alone.rawValue)
      member("status", way.status.rawValue)
      if way.isAskedByAnother { member("asked_by_another", true) }
      endObject()
    }
    endArray()
  }

  /// Null, for an empty list would read like nobody; and why.
  mutating func writeNotAnswered() {
    key("eligible")
    null()
    key("not_answered")
    beginObject()
    member("eligible", eligibleNotAnswered)
    endObject()
  }
}

extension AccessGraph {
  /// What stands beside a decision: nil where it allows.
  func eligible(
    _ identity: String, action: String, resource: String, from view: Viewpoint, unless status: Status
  ) -> [EligibleWay]? {
    status == .allowed ? nil : eligible(identity, action: action, resource: resource, from: view)
  }
}
