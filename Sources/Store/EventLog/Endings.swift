public import Governance
import Postgres
public import Temporal

/// Where an ending stands in the order of endings: by the end, then assignments by id before memberships by group and member, in the
/// order of their bytes.
public struct EndingPlace: Hashable, Sendable {
  /// The end.
  public var endedAt: Instant
  /// What ended; nil stands before all.
  public var item: GrantName?

  /// A place.
  public init(endedAt: Instant, item: GrantName? = nil) {
    self.endedAt = endedAt
    self.item = item
  }

  /// Kind, id or group, and member, as the database orders them.
  fileprivate var key: (kind: Int32, id: String, member: String) {
    switch item {
    case nil: (-1, "", "")
    case .assignment(let id)?: (0, id, "")
    case .membership(let group, let member)?: (1, group, member.description)
    }
  }

  /// What an event is filed under that takes it away; in the same order, for an assignment stands before a group.
  fileprivate var entity: String {
    switch item {
    case nil: ""
    case .assignment(let id)?: Entity(.assignment, id).description
    case .membership(let group, _)?: Entity.group(group).description
    }
  }

  /// A place as a row has it: the end, the kind, the id or group, and the member.
  fileprivate init?(_ row: Row) throws {
    guard let end = try row.optionalTimestamp(0) else { return nil }
    let id = try row.string(2)
    guard try row.int32(1) == 1 else {
      self.init(endedAt: Instant(end), item: .assignment(id))
      return
    }
    // Only bodies that decode come into the log.
    guard let member = Entity(text: try row.string(3)) else { return nil }
    self.init(endedAt: Instant(end), item: .membership(group: id, member: member))
  }
}

/// What the log and its neighbours say of endings, each in one round trip but for readings, which take one a source.
extension Tenant {
  /// Where grants may have ended, in order: every place at which one has, whatever is known, and others.
  ///
  /// The database proposes and the graph says which of them are endings. Ends that assignments and memberships carry of their own
  /// are read in the order of an index, and so are events that took one of them away, however many at one instant. Of events that
  /// took many together, such as the end of a role, so many are read, and all that each took.
  ///
  /// - Returns: the places, and where to go on: nil at the end.
  func endingCandidates(
    after place: EndingPlace, through t: Instant, limit: Int
  ) throws -> (places: [EndingPlace], next: EndingPlace?) {
    let (end, last, rows) = (place.endedAt.timestamp, t.timestamp, Int64(limit))
    let key = place.key
    // First what ended or was taken away by itself, without doubles before the limit: so many, or all there are. Losses that took
    // many together are read as far as these reach and no further, with ties: an instant is read as a whole.
    let statement: SQL = """
      WITH single AS MATERIALIZED (
        (SELECT DISTINCT expires_at AS ended_at, 0 AS sort, id, '' COLLATE "C" AS member FROM tenure.assignments
          WHERE tenant_id = \(id) AND expires_at >= \(end) AND expires_at <= \(last)
            AND (expires_at, 0, id, '') > (\(end), \(key.kind), \(key.id), \(key.member))
          ORDER BY ended_at, id LIMIT \(rows))
        UNION
        (SELECT DISTINCT expires_at AS ended_at, 1 AS sort, group_id, member_kind || ':' || member FROM tenure.memberships
          WHERE tenant_id = \(id) AND expires_at >= \(end) AND expires_at <= \(last)
            AND (expires_at, 1, group_id, member_kind || ':' || member)
              > (\(end), \(key.kind), \(key.id), \(key.member))
          ORDER BY ended_at, group_id, member_kind || ':' || member LIMIT \(rows))
        UNION
        SELECT ended_at, CASE WHEN entity LIKE 'assignment:%' THEN 0 ELSE 1 END,
          substr(entity, strpos(entity, ':') + 1), member
        FROM (
          SELECT DISTINCT effective_at AS ended_at, entity, coalesce(body::jsonb #>> '{data,member}', '') COLLATE "C" AS member
          FROM tenure.event
          WHERE tenant_id = \(id) AND type IN ('assignment.revoked', 'membership.removed')
            AND effective_at >= \(end) AND effective_at <= \(last)
            AND (effective_at, entity, coalesce(body::jsonb #>> '{data,member}', '') COLLATE "C")
              > (\(end), \(place.entity), \(key.member))
          ORDER BY ended_at, entity, member LIMIT \(rows)) taken
        ORDER BY ended_at, sort, id, member LIMIT \(rows)
      ), losses AS MATERIALIZED (
        SELECT effective_at, split_part(entity, ':', 1) AS kind, substr(entity, strpos(entity, ':') + 1) AS id
        FROM tenure.event
        WHERE tenant_id = \(id) AND type IN ('group.deleted', 'identity.retired', 'role.retired')
          AND effective_at >= \(end)
          AND effective_at <= (SELECT CASE WHEN count(*) >= \(rows) THEN max(ended_at) ELSE \(last) END FROM single)
        ORDER BY effective_at FETCH FIRST \(rows) ROWS WITH TIES
      ), edge AS (
        SELECT CASE WHEN count(*) >= \(rows) THEN max(effective_at) END AS at FROM losses
      )
      SELECT c.ended_at, c.sort, c.id, c.member, edge.at FROM edge LEFT JOIN LATERAL (
        SELECT ended_at, sort, id, member FROM (
          SELECT ended_at, sort, id, member FROM single
          UNION
          SELECT l.effective_at, 0, a.id, '' FROM losses l
          JOIN tenure.assignments a ON a.tenant_id = \(id) AND a.role_id = l.id
          WHERE l.kind = 'role' AND a.effective_at <= l.effective_at AND coalesce(a.expires_at >= l.effective_at, true)
          UNION
          SELECT l.effective_at, 0, a.id, '' FROM losses l
          JOIN tenure.assignments a ON a.tenant_id = \(id) AND a.principal = l.id AND a.principal_kind = l.kind
          WHERE l.kind IN ('group', 'identity')
            AND a.effective_at <= l.effective_at AND coalesce(a.expires_at >= l.effective_at, true)
          UNION
          SELECT l.effective_at, 1, m.group_id, m.member_kind || ':' || m.member FROM losses l
          JOIN tenure.memberships m ON m.tenant_id = \(id) AND m.member = l.id AND m.member_kind = l.kind
          WHERE l.kind IN ('group', 'identity')
            AND m.effective_at <= l.effective_at AND coalesce(m.expires_at >= l.effective_at, true)
          UNION
          SELECT l.effective_at, 1, m.group_id, m.member_kind || ':' || m.member FROM losses l
          JOIN tenure.memberships m ON m.tenant_id = \(id) AND m.group_id = l.id
          WHERE l.kind = 'group' AND m.effective_at <= l.effective_at AND coalesce(m.expires_at >= l.effective_at, true)
        ) candidates
        WHERE (ended_at, sort, id, member) > (\(end), \(key.kind), \(key.id), \(key.member))
          AND ended_at <= coalesce(edge.at, \(last))
        ORDER BY ended_at, sort, id, member LIMIT \(rows)
      ) c ON true
      ORDER BY c.ended_at, c.sort, c.id, c.member
      """
    return try pool.withConnection { connection in
      var places: [EndingPlace] = []
      var edge: Instant?
      for row in try connection.query(statement) {
        edge = try row.optionalTimestamp(4).map { Instant($0) }
        if let place = try EndingPlace(row) { places.append(place) }
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

  /// The events that say something of endings and change no world, up to k, in order; voided ones among them.
  ///
  /// O(endings): those of a group's memberships are filed under the group, and found by the member beside it.
  func endingEvidence(of endings: [GrantEnding], asKnownAt k: Int64) throws -> [Event] {
    guard !endings.isEmpty else { return [] }
    var assignments: [String] = []
    var groups: [String] = []
    var members: [String] = []
    for ending in endings {
      switch ending.item {
      case .assignment(let id): assignments.append(Entity(.assignment, id).description)
      case .membership(let group, let member):
        groups.append(Entity.group(group).description)
        members.append(member.description)
      }
    }
    let statement: SQL = """
      SELECT position, body FROM tenure.event
      WHERE tenant_id = \(id) AND entity = ANY(\(assignments)) AND type IN ('assignment.expired', 'fulfilment.confirmed')
        AND position <= \(k)
      UNION ALL
      SELECT e.position, e.body FROM unnest(\(groups), \(members)) AS ended(entity, member)
      JOIN tenure.event e ON e.tenant_id = \(id) AND e.entity = ended.entity
        AND (e.body::jsonb #>> '{data,member}') COLLATE "C" = ended.member
        AND e.type IN ('membership.expired', 'fulfilment.confirmed') AND e.position <= \(k)
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
