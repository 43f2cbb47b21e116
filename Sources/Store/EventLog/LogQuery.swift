public import Governance
import Postgres
public import Temporal

/// Which events of a log are asked for: all that is set must match.
public struct LogFilter: Hashable, Sendable {
  /// Who did it at the source.
  public var actor: String?
  /// Who wrote it here.
  public var recorder: String?
  /// The ticket, as `system:key`, or its key alone.
  public var ticket: String?
  /// The event type.
  public var type: String?
  /// The entity that the event is filed under.
  public var entity: Entity?
  /// The source that the facts belong to.
  public var source: String?
  /// The first instant at which it took effect.
  public var effectiveFrom: Instant?
  /// The first instant at which it no longer did.
  public var effectiveTo: Instant?
  /// The first instant of its recording.
  public var recordedFrom: Instant?
  /// The first instant after its recording.
  public var recordedTo: Instant?
  /// The last position that is known.
  public var through: Int64?

  /// All events.
  public init() {}
}

/// A page of a log.
public struct LogPage: Hashable, Sendable {
  /// The events in the order of position.
  public var events: [RecordedEvent]
  /// The position to go on after; nil at the end.
  public var next: Int64?
}

extension Tenant {
  /// Events of one page at most.
  public static let maximumLogPage = 1_000
  /// Bytes of bodies after which a page ends: one answer must not fill a client's memory.
  ///
  /// A page has one event at least.
  public static let logPageBytes = 4 << 20

  /// A page of the events that match, in the order of position; one round trip.
  ///
  /// - Parameters:
  ///   - filter: what must match.
  ///   - position: the position before the first; ``LogPage/next`` of the page before. The default is the beginning.
  ///   - limit: events at most, at most ``maximumLogPage``. The default is 100.
  public func log(_ filter: LogFilter, after position: Int64 = 0, limit: Int = 100) throws -> LogPage {
    let limit = min(max(limit, 1), Self.maximumLogPage)
    let entity = filter.entity?.description
    // What may stand behind the system of a ticket that is asked for with or without it: that is indexed.
    let ticketKeys = filter.ticket.map { [$0, String($0.drop { $0 != ":" }.dropFirst())] } ?? []
    // A filter that is not set is a constant true to the planner, which sees the values.
    let statement: SQL = """
      SELECT position, body, found FROM (
        SELECT position, body, count(*) OVER () AS found,
          sum(octet_length(body)) OVER (ORDER BY position) - octet_length(body) AS before
        FROM (
          SELECT position, body FROM tenure.event
          WHERE tenant_id = \(id) AND position > \(position) AND position <= \(filter.through ?? Int64.max)
            AND (\(filter.actor) IS NULL OR actor = \(filter.actor))
            AND (\(filter.recorder) IS NULL OR recorded_by = \(filter.recorder))
            AND (\(filter.ticket) IS NULL OR substr(ticket, strpos(ticket, ':') + 1) = ANY(\(ticketKeys))
              AND \(filter.ticket) IN (ticket, substr(ticket, strpos(ticket, ':') + 1)))
            AND (\(filter.type) IS NULL OR type = \(filter.type))
            AND (\(entity) IS NULL OR entity = \(entity))
            AND (\(filter.source) IS NULL OR source = \(filter.source))
            AND (\(filter.effectiveFrom?.timestamp) IS NULL OR effective_at >= \(filter.effectiveFrom?.timestamp))
            AND (\(filter.effectiveTo?.timestamp) IS NULL OR effective_at < \(filter.effectiveTo?.timestamp))
            AND position > coalesce(
              tenure.position_recorded_by(\(id), \(filter.recordedFrom?.timestamp) - interval '1 microsecond'), 0)
            AND position <= coalesce(
              tenure.position_recorded_by(\(id), \(filter.recordedTo?.timestamp) - interval '1 microsecond'), \(Int64.max))
          ORDER BY position LIMIT \(Int64(limit) + 1)
        ) matching
      ) counted WHERE before < \(Int64(Self.logPageBytes)) ORDER BY position
      """
    return try pool.withConnection { connection in
      let rows = try connection.query(statement)
      let events = try rows.prefix(limit).map(Self.recorded)
      let found = try rows.first?.int64(2) ?? 0
      return LogPage(events: events, next: found > events.count ? events.last?.event.position : nil)
    }
  }
}
