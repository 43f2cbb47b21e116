public import AccessGraph
public import EventLog
public import Governance
public import JSON
public import Temporal

/// A finding as it is shown: where it stands, and who has said what of it.
public struct ShownFinding: Hashable, Sendable {
  /// Where it stands.
  public var standing: FindingStanding
  /// The event that accepted it, where it is accepted, or resolved it, where it is resolved.
  public var answer: EventNote?

  /// Writes its members.
  func writeMembers(to writer: inout JSONWriter) {
    let finding = standing.finding
    writer.member("id", finding.id)
    writer.member("state", standing.state.rawValue)
    writer.member("severity", finding.severity.rawValue)
    writer.member("rule", finding.rule)
    writer.member("subject", finding.subject.description)
    writer.member("owner", finding.owner)
    writer.member("since", standing.since)
    writer.member("event", standing.raised)
    writer.key("evidence")
    writer.value(finding.evidence)
    writer.key("fix")
    writer.value(finding.fix)
    writer.member("accepted_until", standing.acceptance?.until)
    writer.member("resolved_at", standing.resolved?.effective)
    writer.key("answer")
    if let answer { answer.write(to: &writer) } else { writer.null() }
  }
}

/// One finding at a moment.
public struct FindingReport: Report {
  /// The finding.
  public var shown: ShownFinding
  /// The moment.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.write(view, position)
    shown.writeMembers(to: &writer)
    writer.endObject()
  }
}

/// A page of findings.
public struct FindingListReport: Report {
  /// The findings, by id.
  public var findings: [ShownFinding]
  /// Whether there are more.
  public var hasMore: Bool
  /// The moment.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.write(view, position)
    writer.list("findings", findings) { $1.writeMembers(to: &$0) }
    writer.member("is_whole", !hasMore)
    writer.endObject()
  }
}

extension Questions {
  /// A finding at a moment; nil where it was never raised by then.
  public func finding(_ id: String, at: Instant? = nil, asKnownAt: AsKnownAt = .head) throws -> FindingReport? {
    let found = try ask(at, asKnownAt) { graph, view in
      (graph.world(asKnownAt: view.asKnownAt).finding(id, at: view.at), view, graph.position)
    }
    guard let standing = found.0 else { return nil }
    return FindingReport(shown: try shown([standing])[0], view: found.1, position: found.2)
  }

  /// Findings at a moment, by id.
  ///
  /// Two round trips, at any moment: the graph finds them by their ids only.
  ///
  /// - Parameters:
  ///   - id: the id to begin after. The default is the beginning.
  ///   - limit: how many at the most.
  public func findings(
    _ filter: FindingFilter, at: Instant? = nil, asKnownAt: AsKnownAt = .head, after id: String = "", limit: Int
  ) throws -> FindingListReport {
    let (view, position) = try ask(at, asKnownAt) { graph, view in (view, graph.position) }
    // One more than asked for tells whether there are more.
    let found = try tenant.findings(filter, at: view.at, asKnownAt: view.asKnownAt, after: id, limit: limit + 1)
    return FindingListReport(
      findings: try shown(Array(found.prefix(limit))), hasMore: found.count > limit, view: view, position: position)
  }

  private func shown(_ standings: [FindingStanding]) throws -> [ShownFinding] {
    let answers = try notes(standings.compactMap(\.answer))
    return standings.map { ShownFinding(standing: $0, answer: $0.answer.flatMap { answers[$0] }) }
  }
}

extension FindingStanding {
  fileprivate var answer: Int64? { acceptance?.position ?? resolved?.position }
}
