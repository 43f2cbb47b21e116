import AccessGraph
public import EventLog
public import Governance
public import JSON
public import Temporal

/// The answer to `separation`: who held roles together that are to be apart.
public struct SeparationReport: Report {
  /// The stretch.
  public var during: Interval
  /// The last position that is known.
  public var asKnownAt: Int64
  /// The head it was read at.
  public var position: Int64
  /// By policy and identity.
  public var conflicts: [SeparationConflict]
}

extension SeparationReport: ListReport {
  /// Writes the report.
  public func write(to writer: inout JSONWriter) { writeWhole(to: &writer) }

  var lists: [(name: String, count: Int)] { [("conflicts", conflicts.count)] }

  func writeHead(to writer: inout JSONWriter) {
    writer.member("question", "separation")
    writer.member("from", during.from)
    writer.member("to", during.to)
    writer.member("as_known_at", asKnownAt)
    writer.member("position", position)
  }

  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter) {
    let conflict = conflicts[index]
    writer.beginObject()
    writer.member("policy", conflict.policy)
    writer.member("identity", conflict.identity)
    writer.member("roles", conflict.roles.map { .string($0) })
    writer.member("held", conflict.held)
    writer.endObject()
  }
}

extension Questions {
  /// Who held roles together that a policy keeps apart, or that are named, at any time in a stretch.
  public func separation(
    _ question: SeparationQuestion, during stretch: Interval = .always, asKnownAt: AsKnownAt = .head
  ) throws -> SeparationReport {
    try ask(nil, asKnownAt) { graph, view in
      SeparationReport(
        during: stretch, asKnownAt: view.asKnownAt, position: graph.position,
        conflicts: graph.world(asKnownAt: view.asKnownAt).separationConflicts(question, during: stretch))
    }
  }
}
