public import AccessGraph
public import EventLog
public import Governance
public import JSON
public import Temporal

/// A page of endings, and how far each has come.
public struct FulfilmentListReport: Report {
  /// The endings, the oldest first.
  public var fulfilments: [Fulfilment]
  /// The place that the next page begins after; nil where there is none.
  public var next: EndingPlace?
  /// The moment.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.write(view, position)
    writer.list("fulfilments", fulfilments) { $1.writeMembers(to: &$0, at: view.at) }
    writer.member("is_whole", next == nil)
    writer.endObject()
  }
}

extension Questions {
  /// How far endings of grants have come by a moment; the oldest first.
  ///
  /// Unlike other questions it goes to PostgreSQL at any moment, for the log knows what the graph does not.
  ///
  /// - Parameters:
  ///   - place: the place to begin after. The default is the beginning.
  ///   - limit: how many at the most.
  public func fulfilments(
    _ filter: FulfilmentFilter = FulfilmentFilter(), at: Instant? = nil, asKnownAt: AsKnownAt = .head,
    after place: EndingPlace? = nil, limit: Int
  ) throws -> FulfilmentListReport {
    let (view, position) = try ask(at, asKnownAt) { graph, view in (view, graph.position) }
    let page = try tenant.fulfilments(filter, at: view.at, asKnownAt: view.asKnownAt, after: place, limit: limit)
    return FulfilmentListReport(fulfilments: page.fulfilments, next: page.next, view: view, position: position)
  }

  /// How a grant has ended by now; nil where it has not.
  public func ending(of item: GrantName) throws -> GrantEnding? {
    try ask(nil, .head) { graph, view in graph.world(asKnownAt: view.asKnownAt).ending(of: item, at: view.at) }
  }
}

extension Fulfilment {
  /// Credentials that are named of one ending: `/v1/credentials?grant=` lists them all.
  private static let mostCredentials = 100

  /// Writes its members; a stage that has not been reached is `null`.
  func writeMembers(to writer: inout JSONWriter, at t: Instant) {
    writer.member("kind", ending.item.kind)
    writer.member("group", ending.item.group)
    writer.member("assignment", ending.item.assignment)
    writer.member("principal", ending.principal.description)
    writer.member("role", ending.grant?.role)
    writer.member("scope", ending.grant?.scope)
    writer.member("source", ending.source)
    writer.member("stage", stage.rawValue)
    writer.member("executed", isExecuted)
    writer.member("ended_at", ending.endedAt)
    writer.member("because", ending.reason.rawValue)
    writer.member("age_seconds", ending.endedAt.distance(to: t) / 1_000_000)
    writer.key("recorded")
    if let recorded { recorded.write(to: &writer) } else { writer.null() }
    writer.member("sent_at", sentAt)
    writer.key("acknowledged")
    if let acknowledged { acknowledged.write(to: &writer) } else { writer.null() }
    writer.key("vouched_absent")
    if let vouchedAbsent { vouchedAbsent.write(to: &writer) } else { writer.null() }
    writer.key("observed")
    if let observed { observed.write(to: &writer) } else { writer.null() }
    writer.member("enforced", isEnforced)
    writer.member("credentials_alive", credentialsAlive.prefix(Self.mostCredentials).map { .string($0) })
    writer.member("credentials_alive_count", Int64(credentialsAlive.count))
  }
}

extension FulfilmentStep {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writeMembers(to: &writer)
    writer.endObject()
  }

  fileprivate func writeMembers(to writer: inout JSONWriter) {
    writer.member("event", position)
    writer.member("at", at)
    writer.member("recorded_at", recordedAt)
  }
}

extension RecordedConfirmation {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    step.writeMembers(to: &writer)
    writer.member("by", confirmation.by)
    writer.member("evidence", confirmation.evidence)
    writer.endObject()
  }
}

extension Observed {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("source", source)
    writer.member("at", at)
    writer.member("event", position)
    writer.member("present", shownBy != nil)
    writer.member("shown_by", shownBy)
    writer.endObject()
  }
}
