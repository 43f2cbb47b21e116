import Governance
import Postgres
import Temporal

/// The ends that assignments carry of their own, page by page in the order of the index on them.
struct EndPages {
  /// Ends that one statement looks at, and one transaction records at most: well under a second of work.
  static let endsPerPage = 1_000

  /// The place of an end in the order of the index.
  struct Place {
    var end: Instant
    var position: Int64 = 0
    var recordedFrom: Int64 = 0
  }

  /// An assignment that comes, or came, to its own end.
  struct End {
    let id: String
    /// When it was granted.
    let begun: Instant
    let end: Instant
  }

  let context: JobContext
  /// The present: what lies ahead counts if it holds now, what lies behind if it held until it ended.
  let now: Instant
  /// Whether ends that `assignment.expired` records already are left out.
  let leavesOutRecorded: Bool

  /// The next ends.
  ///
  /// One round trip; some index probes for each end.
  ///
  /// - Returns: those that are none the less for a revocation, an extension or the end of a role or principal, and the place of
  ///   the last one looked at; nil where there are no more.
  func page(after place: Place, through last: Instant) throws -> (ends: [End], last: Place?) {
    // The rows of the page first, whatever they are: so the work of one statement is bounded, however few of them count.
    let rows = try context.connection.query(
      """
      WITH page AS MATERIALIZED (
        SELECT *, least(a.expires_at - interval '1 microsecond', \(Timestamp(now))) AS moment FROM tenure.assignments a
        WHERE a.tenant_id = \(context.tenant.id) AND a.expires_at IS NOT NULL AND a.expires_at <= \(Timestamp(last))
          AND (a.expires_at, a.position, a.recorded_from)
            > (\(Timestamp(place.end)), \(place.position), \(place.recordedFrom))
        ORDER BY a.expires_at, a.position, a.recorded_from LIMIT \(Int64(Self.endsPerPage))
      )
      SELECT p.expires_at, p.position, p.recorded_from, p.id, p.begun_effective,
        coalesce(p.recorded_to IS NULL AND upper(p.valid) = p.expires_at AND p.valid @> p.moment, false)
        -- Its role and its principal existed at the moment, without a break since before it was granted.
        AND EXISTS (
          SELECT FROM tenure.roles r
          WHERE r.tenant_id = p.tenant_id AND r.id = p.role_id AND r.recorded_to IS NULL AND r.valid @> p.moment
            AND (r.since_effective, r.since_position) <= (p.begun_effective, p.begun_position))
        AND CASE p.principal_kind
          WHEN 'identity' THEN EXISTS (
            SELECT FROM tenure.identities i
            WHERE i.tenant_id = p.tenant_id AND i.id = p.principal AND i.recorded_to IS NULL AND i.valid @> p.moment
              AND (i.since_effective, i.since_position) <= (p.begun_effective, p.begun_position))
          ELSE EXISTS (
            SELECT FROM tenure.groups g
            WHERE g.tenant_id = p.tenant_id AND g.id = p.principal AND g.recorded_to IS NULL AND g.valid @> p.moment
              AND (g.since_effective, g.since_position) <= (p.begun_effective, p.begun_position))
          END
        AND NOT (\(leavesOutRecorded) AND EXISTS (
          SELECT FROM tenure.event e
          WHERE e.tenant_id = p.tenant_id AND e.type = 'assignment.expired' AND e.entity = 'assignment:' || p.id
            AND e.effective_at = p.expires_at))
      FROM page p ORDER BY p.expires_at, p.position, p.recorded_from
      """)
    var ends: [End] = []
    var looked: Place?
    for row in rows {
      let place = Place(end: Instant(try row.timestamp(0)), position: try row.int64(1), recordedFrom: try row.int64(2))
      if try row.bool(5) {
        ends.append(End(id: try row.string(3), begun: Instant(try row.timestamp(4)), end: place.end))
      }
      looked = place
    }
    return (ends, rows.count < Self.endsPerPage ? nil : looked)
  }
}
