import Governance
import Postgres
public import Temporal

/// Where an ending stands in the order of endings: by the end, then by the assignment's id in the order of its bytes.
public struct EndingPlace: Hashable, Sendable {
  /// The end.
  public var endedAt: Instant
  /// The assignment; the empty text stands before all.
  public var assignment: String

  /// A place.
  public init(endedAt: Instant, assignment: String = "") {
    self.endedAt = endedAt
    self.assignment = assignment
  }
}

/// What the log and its neighbours say of endings, each in one round trip but for readings, which take one a source.
extension Tenant {
  /// Where assignments may have ended, in order: every place at which one has, whatever is known, and others.
  ///
  /// The database proposes and the graph says which of them are endings. Ends that assignments carry of their own are read in the
  /// order of an index; of events that took assignments away so many are read, and what these were. Of one that took many
  /// together, such as the end of a role, all are read.
  ///
  /// - Returns: the places, and where to go on: nil at the end.
  func endingCandidates(
    after place: EndingPlace, through t: Instant, limit: Int
  ) throws -> (places: [EndingPlace], next: EndingPlace?) {
    let (end, last, rows) = (place.endedAt.timestamp, t.timestamp, Int64(limit))
    // With ties: an instant is read as a whole. Ends are without doubles before their limit, for cut short by them they would end
    // before the losses do.
    let statement: SQL = """
      WITH losses AS MATERIALIZED (
        SELECT effective_at, split_part(entity, ':', 1) AS kind, substr(entity, strpos(entity, ':') + 1) AS id
        FROM tenure.event
        WHERE tenant_id = \(id) AND type IN ('assignment.revoked', 'group.deleted', 'identity.retired', 'role.retired')
          AND effective_at >= \(end) AND effective_at <= \(last)
        ORDER BY effective_at FETCH FIRST \(rows) ROWS WITH TIES
      ), edge AS (
        SELECT CASE WHEN count(*) >= \(rows) THEN max(effective_at) END AS at FROM losses
      )
      SELECT c.ended_at, c.id, edge.at FROM edge LEFT JOIN LATERAL (
        SELECT ended_at, id FROM (
          (SELECT DISTINCT expires_at AS ended_at, id FROM tenure.assignments
            WHERE tenant_id = \(id) AND expires_at >= \(end) AND expires_at <= \(last)
              AND (expires_at, id) > (\(end), \(place.assignment))
            ORDER BY ended_at, id LIMIT \(rows))
          UNION
          SELECT effective_at, id FROM losses WHERE kind = 'assignment'
          UNION
          SELECT l.effective_at, a.id FROM losses l
          JOIN tenure.assignments a ON a.tenant_id = \(id) AND a.role_id = l.id
          WHERE l.kind = 'role' AND a.effective_at <= l.effective_at AND coalesce(a.expires_at >= l.effective_at, true)
          UNION
          SELECT l.effective_at, a.id FROM losses l
          JOIN tenure.assignments a ON a.tenant_id = \(id) AND a.principal = l.id AND a.principal_kind = l.kind
          WHERE l.kind IN ('group', 'identity')
            AND a.effective_at <= l.effective_at AND coalesce(a.expires_at >= l.effective_at, true)
        ) candidates
        WHERE (ended_at, id) > (\(end), \(place.assignment)) AND ended_at <= coalesce(edge.at, \(last))
        ORDER BY ended_at, id LIMIT \(rows)
      ) c ON true
      ORDER BY c.ended_at, c.id
      """
    return try pool.withConnection { connection in
      var places: [EndingPlace] = []
      var edge: Instant?
      for row in try connection.query(statement) {
        edge = try row.optionalTimestamp(2).map { Instant($0) }
        guard let end = try row.optionalTimestamp(0) else { continue }
        places.append(EndingPlace(endedAt: Instant(end), assignment: try row.string(1)))
      }
      if places.count == limit { return (places, places.last) }
      return (places, edge.map { EndingPlace(endedAt: $0.next) })
    }
  }

  /// The newest reading of each source up to t, as known at k; see ``Reading``.
  ///
  /// First the newest events of the log, where a source that speaks often is found; then what a silent one wrote, wherever that
  /// is, by the index that says in which pages it stands (BRIN, see `event_by_circumstance`). So it costs ``eventsWalkedBack``
  /// events and those of the source, and never the log. A B-tree by source and time would find it at once, and every event of a
  /// connector would pay for it.
  ///
  /// - Parameter walked: events that are looked at first. The default is ``eventsWalkedBack``.
  func readings(
    of sources: [String], at t: Instant, asKnownAt k: Int64, walking walked: Int64 = eventsWalkedBack
  ) throws -> [Reading] {
    try pool.withConnection { connection in
      try sources.compactMap { source in
        let edge = k - walked
        if let found = try Self.reading(
          of: source, on: connection,
          """
          SELECT e.effective_at, e.position FROM tenure.event e
          WHERE e.tenant_id = \(id) AND e.source = \(source) AND e.basis = 'observed' AND e.effective_at <= \(t.timestamp)
            AND e.position <= \(k) AND e.position > \(edge)
            AND NOT EXISTS (
              SELECT FROM tenure.event v
              WHERE v.tenant_id = e.tenant_id AND v.entity = 'event:' || e.position AND v.type = 'event.voided'
                AND v.position <= \(k))
          ORDER BY e.position DESC LIMIT 1
          """)
        {
          return found
        }
        return try Self.reading(
          of: source, on: connection,
          """
          -- Apart, so that the order is no reason to walk along the log.
          WITH own AS MATERIALIZED (
            SELECT e.effective_at, e.position FROM tenure.event e
            WHERE e.tenant_id = \(id) AND e.source = \(source) AND e.basis = 'observed' AND e.effective_at <= \(t.timestamp)
              AND e.position <= \(edge)
          )
          SELECT own.effective_at, own.position FROM own
          WHERE NOT EXISTS (
            SELECT FROM tenure.event v
            WHERE v.tenant_id = \(id) AND v.entity = 'event:' || own.position AND v.type = 'event.voided' AND v.position <= \(k))
          ORDER BY own.position DESC LIMIT 1
          """)
      }
    }
  }

  /// Events among which a reading is looked for before anything else: those of an hour of a busy tenant.
  static let eventsWalkedBack: Int64 = 10_000

  private static func reading(of source: String, on connection: Connection, _ statement: SQL) throws -> Reading? {
    guard let row = try connection.query(statement).first else { return nil }
    return Reading(source: source, at: Instant(try row.timestamp(0)), position: try row.int64(1))
  }

  /// The events that say something of the ends of assignments and change no world, up to k, in order; voided ones among them.
  func endingEvidence(of assignments: [String], asKnownAt k: Int64) throws -> [Event] {
    guard !assignments.isEmpty else { return [] }
    let entities = assignments.map { Entity(.assignment, $0).description }
    let statement: SQL = """
      SELECT position, body FROM tenure.event
      WHERE tenant_id = \(id) AND entity = ANY(\(entities)) AND type IN ('assignment.expired', 'fulfilment.confirmed')
        AND position <= \(k)
      ORDER BY position
      """
    return try pool.withConnection { try $0.query(statement).map { try Self.recorded($0).event } }
  }

  /// When webhooks first delivered events, by position, up to t and before k + 1 was recorded.
  ///
  /// A delivery that was asked for again by hand counts from then on.
  func deliveries(of positions: [Int64], at t: Instant, asKnownAt k: Int64) throws -> [Int64: Instant] {
    guard !positions.isEmpty else { return [:] }
    return try pool.withConnection { connection in
      let rows = try connection.query(
        """
        SELECT d.position, min(d.last_attempt_at)
        FROM tenure.webhook w
        JOIN tenure.webhook_delivery d ON d.tenant_id = w.tenant_id AND d.webhook_id = w.webhook_id
        WHERE w.tenant_id = \(id) AND d.position = ANY(\(positions)) AND d.state = 'delivered'
          AND d.last_attempt_at <= \(t.timestamp)
          AND NOT EXISTS (
            SELECT FROM tenure.event n
            WHERE n.tenant_id = w.tenant_id AND n.position = \(k) + 1 AND n.recorded_at <= d.last_attempt_at)
        GROUP BY d.position
        """)
      return Dictionary(uniqueKeysWithValues: try rows.map { (try $0.int64(0), Instant(try $0.timestamp(1))) })
    }
  }
}
