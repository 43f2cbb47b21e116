import AccessGraph
public import JSON
import Temporal

extension WhyReport {
  /// Writes the report; each step names the event that it rests on, and the events follow once each.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writeMembers(to: &writer)
    writer.endObject()
  }

  func writeMembers(to writer: inout JSONWriter) {
    writer.member("question", "why")
    writer.member("identity", identity)
    writer.member("action", action)
    writer.member("resource", resource)
    writer.write(view, position, coverage)
    writer.member("status", answer.status.rawValue)
    writer.member("reason", answer.reason)
    writer.write(decidedBy: answer.decidedBy)
    if let eligible { writer.member("eligible", eligible) }
    writer.key("paths")
    writer.beginArray()
    for path in answer.paths { write(path, to: &writer) }
    writer.endArray()
    writer.key("becoming")
    writer.beginArray()
    for way in becoming.ways {
      way.write(to: &writer) { path, writer in
        writer.key("path")
        write(path, to: &writer)
      }
    }
    writer.endArray()
    if !becoming.isWhole { writer.member("becoming_is_whole", false) }
    writer.member("truncated", answer.isTruncated)
    writer.write(events)
  }

  private func write(_ path: Path, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("status", path.status.rawValue)
    writer.member("conditions", path.conditions)
    writer.key("steps")
    writer.beginArray()
    for step in path.steps {
      writer.beginObject()
      step.kind.write(to: &writer)
      writer.member("event", step.position)
      writer.member("effective_at", step.effectiveAt)
      writer.member("expires_at", step.expiresAt)
      writer.member("due_at", step.dueAt)
      writer.member("without_entitlement", step.dueAt != nil)
      writer.member("learnt", events[step.position]?.learntText(after: view.at))
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}

extension TimelineReport: ListReport {
  /// Writes the report; each turn names the events that caused it, and the events follow once each.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    _ = writeMembers(to: &writer)
    writer.write(events)
    writer.endObject()
  }

  var lists: [(name: String, count: Int)] { [("turns", turns.count)] }

  func writeHead(to writer: inout JSONWriter) {
    writer.member("question", "timeline")
    writer.member("identity", identity)
    writer.member("identity_known", isKnown)
    writer.member("resource", resource)
    writer.member("judged", true)
    writer.write(during, asKnownAt, position, coverage)
  }

  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter) {
    let row = turns[index]
    writer.beginObject()
    writer.member("at", row.turn.at)
    writer.member("turn", row.turn.kind.rawValue)
    writer.member("before", row.turn.before?.rawValue)
    writer.member("now", row.turn.now?.rawValue)
    writer.key("right")
    writer.beginObject()
    row.turn.right.write(to: &writer)
    writer.endObject()
    writer.key("causes")
    writer.beginArray()
    for cause in row.turn.causes {
      writer.beginObject()
      writer.member("event", cause.position)
      writer.member("expiry", cause.isExpiry)
      writer.member("due_at", cause.dueAt)
      writer.member("learnt", events[cause.position]?.learntText(after: row.turn.at))
      writer.endObject()
    }
    writer.endArray()
    if row.turn.kind == .lost { row.writeLoss(to: &writer) }
    writer.endObject()
  }
}

extension TimelineTurn {
  fileprivate func writeLoss(to writer: inout JSONWriter) {
    writer.member("due_at", dueAt)
    writer.key("without_entitlement")
    guard let overrun = withoutEntitlement else { return writer.null() }
    writer.beginObject()
    writer.member("from", overrun.from)
    writer.member("to", overrun.to)
    writer.member("lasted", overrun.lasted.description)
    writer.endObject()
  }
}

extension EventNote {
  /// "6 days later", or nil where it was known at t.
  func learntText(after t: Instant) -> String? { learnt(after: t).map { "\($0) later" } }
}

extension JSONWriter {
  mutating func write(_ events: [Int64: EventNote]) {
    key("events")
    beginArray()
    for (_, note) in events.sorted(by: { $0.key < $1.key }) { note.write(to: &self) }
    endArray()
  }
}

extension Step.Kind {
  fileprivate func write(to writer: inout JSONWriter) {
    switch self {
    case .identity(let id): writer.write(kind: "identity", id: id)
    case .account(let id): writer.write(kind: "account", id: id)
    case .builtIn(let id): writer.write(kind: "built_in", id: id)
    case .group(let id): writer.write(kind: "group", id: id)
    case .assignment(let id, let role, let scope):
      writer.write(kind: "assignment", id: id)
      writer.member("role", role)
      writer.member("scope", scope)
    case .role(let id): writer.write(kind: "role", id: id)
    case .permission(let role, let index):
      writer.write(kind: "permission", id: role)
      writer.member("index", index < 0 ? nil : Int64(index))
    }
  }
}

extension JSONWriter {
  fileprivate mutating func write(kind: String, id: String) {
    member("kind", kind)
    member("id", id)
  }
}
