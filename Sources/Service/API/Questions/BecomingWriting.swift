import AccessGraph
import JSON
import Temporal

/// Ways of becoming another identity as answers write them.
extension Becoming {
  /// Writes it as an object.
  ///
  /// - Parameter writePath: writes the target's path as a member, where there is one.
  func write(to writer: inout JSONWriter, _ writePath: (Path, inout JSONWriter) -> Void = { _, _ in }) {
    writer.beginObject()
    writer.member("identity", identity)
    writer.member("as", target)
    writer.member("status", status.rawValue)
    writer.key("steps")
    writer.beginArray()
    for step in steps { step.write(to: &writer) }
    writer.endArray()
    if let path { writePath(path, &writer) }
    writer.endObject()
  }
}

extension StretchBecoming {
  /// Writes it as an object.
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("identity", identity)
    writer.member("as", target)
    writer.member("allowed", allowed)
    writer.member("conditional", conditional)
    writer.member("unknown", unknown)
    writer.key("steps")
    writer.beginArray()
    for step in steps {
      writer.beginObject()
      writer.member("identity", step.identity)
      writer.member("becomes", step.becomes)
      writer.member("action", step.action)
      writer.member("assignment", step.assignment)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }
}

extension BecomingStep {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("identity", identity)
    writer.member("account", account)
    writer.member("becomes", becomes)
    writer.member("action", action)
    writer.member("assignment", assignment)
    writer.member("status", status.rawValue)
    writer.member("conditions", conditions)
    writer.member("event", position)
    writer.endObject()
  }
}
