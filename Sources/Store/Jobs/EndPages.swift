import Governance
import JSON
import Postgres
import Temporal

/// The ends that grants carry of their own, assignments and memberships, page by page in the order of the index on them.
struct EndPages {
  /// Ends that one statement looks at, and one transaction records at most: well under a second of work.
  static let endsPerPage = 1_000

  /// What is granted; each kind has a table and an index of its own.
  enum Kind: CaseIterable {
    case assignment, membership

    /// What a page takes of a row: the fact's names, what must exist for it to hold, and where it began.
    fileprivate var columns: String {
      switch self {
      case .assignment:
        "id AS name, 'role' AS given_kind, role_id AS given, principal_kind AS holder_kind, principal AS holder, begun_effective, "
          + "begun_position, scope"
      case .membership:
        "group_id AS name, 'group' AS given_kind, group_id AS given, member_kind AS holder_kind, member AS holder, "
          + "effective_at AS begun_effective, position AS begun_position, '*' AS scope"
      }
    }

    var table: String {
      switch self {
      case .assignment: "tenure.assignments"
      case .membership: "tenure.memberships"
      }
    }

    /// The rule of the finding that warns of an end; never changed after release.
    var warning: String {
      switch self {
      case .assignment: "assignment_expiring"
      case .membership: "membership_expiring"
      }
    }

    /// Whether a finding f warns of an end of a.
    var isWarnedOf: String {
      switch self {
      case .assignment: "a.id = f.subject"
      case .membership: "a.group_id = f.subject AND a.member_kind || ':' || a.member = f.evidence ->> 'member'"
      }
    }

    /// Whether an event e records that end of p.
    fileprivate var isRecorded: String {
      switch self {
      case .assignment: "e.type = 'assignment.expired' AND e.entity = 'assignment:' || p.name"
      case .membership:
        "e.type = 'membership.expired' AND e.entity = 'group:' || p.name "
          + "AND (e.body::jsonb #>> '{data,member}') COLLATE \"C\" = p.holder_kind || ':' || p.holder"
      }
    }
  }

  /// The place of an end in the order of the index.
  struct Place {
    var end: Instant
    var position: Int64 = 0
    var recordedFrom: Int64 = 0
  }

  /// A grant that comes, or came, to its own end.
  struct End {
    /// The assignment or the membership.
    let fact: Fact
    /// When it was granted.
    let begun: Instant
    let end: Instant
    /// On what it was granted; `*` for a membership, which lies nowhere.
    let scope: String
  }

  let context: JobContext
  /// The present: what lies ahead counts if it holds now, what lies behind if it held until it ended.
  let now: Instant
  /// Whether ends that are recorded already are left out.
  let leavesOutRecorded: Bool

  /// The next ends of a kind.
  ///
  /// One round trip; some index probes for each end.
  ///
  /// - Returns: those that are none the less for a loss, an extension or the end of what they rest on, and the place of the last
  ///   one looked at; nil where there are no more.
  func page(of kind: Kind, after place: Place, through last: Instant) throws -> (ends: [End], last: Place?) {
    // The rows of the page first, whatever they are: so the work of one statement is bounded, however few of them count.
    let rows = try context.connection.query(
      """
      WITH page AS MATERIALIZED (
        SELECT tenant_id, expires_at, position, recorded_from, recorded_to, valid, \(unsafe: kind.columns),
          least(expires_at - interval '1 microsecond', \(Timestamp(now))) AS moment
        FROM \(unsafe: kind.table)
        WHERE tenant_id = \(context.tenant.id) AND expires_at IS NOT NULL AND expires_at <= \(Timestamp(last))
          AND (expires_at, position, recorded_from) > (\(Timestamp(place.end)), \(place.position), \(place.recordedFrom))
        ORDER BY expires_at, position, recorded_from LIMIT \(Int64(Self.endsPerPage))
      )
      SELECT p.expires_at, p.position, p.recorded_from, p.name, p.holder_kind, p.holder, p.begun_effective,
        p.scope, coalesce(p.recorded_to IS NULL AND upper(p.valid) = p.expires_at AND p.valid @> p.moment, false)
        -- What is given and who holds it existed at the moment, without a break since before it was granted.
        AND CASE p.given_kind
          WHEN 'role' THEN EXISTS (
            SELECT FROM tenure.roles r
            WHERE r.tenant_id = p.tenant_id AND r.id = p.given AND r.recorded_to IS NULL AND r.valid @> p.moment
              AND (r.since_effective, r.since_position) <= (p.begun_effective, p.begun_position))
          ELSE EXISTS (
            SELECT FROM tenure.groups g
            WHERE g.tenant_id = p.tenant_id AND g.id = p.given AND g.recorded_to IS NULL AND g.valid @> p.moment
              AND (g.since_effective, g.since_position) <= (p.begun_effective, p.begun_position))
          END
        AND CASE p.holder_kind
          WHEN 'identity' THEN EXISTS (
            SELECT FROM tenure.identities i
            WHERE i.tenant_id = p.tenant_id AND i.id = p.holder AND i.recorded_to IS NULL AND i.valid @> p.moment
              AND (i.since_effective, i.since_position) <= (p.begun_effective, p.begun_position))
          ELSE EXISTS (
            SELECT FROM tenure.groups g
            WHERE g.tenant_id = p.tenant_id AND g.id = p.holder AND g.recorded_to IS NULL AND g.valid @> p.moment
              AND (g.since_effective, g.since_position) <= (p.begun_effective, p.begun_position))
          END
        AND NOT (\(leavesOutRecorded) AND EXISTS (
          SELECT FROM tenure.event e
          WHERE e.tenant_id = p.tenant_id AND e.effective_at = p.expires_at AND \(unsafe: kind.isRecorded)))
      FROM page p ORDER BY p.expires_at, p.position, p.recorded_from
      """)
    var ends: [End] = []
    var looked: Place?
    for row in rows {
      let place = Place(end: Instant(try row.timestamp(0)), position: try row.int64(1), recordedFrom: try row.int64(2))
      if try row.bool(8) {
        ends.append(
          End(
            fact: try fact(of: kind, row), begun: Instant(try row.timestamp(6)), end: place.end,
            scope: try row.optionalString(7) ?? "*"))
      }
      looked = place
    }
    return (ends, rows.count < Self.endsPerPage ? nil : looked)
  }

  private func fact(of kind: Kind, _ row: Row) throws -> Fact {
    let name = try row.string(3)
    switch kind {
    case .assignment: return .assignment(id: name)
    case .membership:
      let (kind, id) = (try row.string(4), try row.string(5))
      return .membership(group: name, member: kind == EntityKind.identity.rawValue ? .identity(id) : .group(id))
    }
  }
}

extension EndPages.End {
  /// What names the grant among others of its kind: no id holds the character between two.
  var name: String {
    switch fact {
    case .assignment(let id): id
    case .membership(let group, let member): "\(group)\u{0}\(member)"
    default: preconditionFailure("only grants come to an end of their own")
    }
  }

  /// The evidence that it came to its end.
  var expiry: Change {
    switch fact {
    case .assignment(let id): .assignmentExpired(id: id)
    case .membership(let group, let member): .membershipExpired(group: group, member: member)
    default: preconditionFailure("only grants come to an end of their own")
    }
  }

  /// The warning that it comes to its end.
  var warning: Finding {
    switch fact {
    case .membership: finding(EndPages.Kind.membership.warning)
    default: finding(EndPages.Kind.assignment.warning)
    }
  }

  /// A finding about this end.
  func finding(_ rule: String) -> Finding {
    switch fact {
    case .assignment(let id):
      Finding(rule: rule, subject: Entity(.assignment, id), evidence: ["expires_at": .string(end.description)])
    case .membership(let group, let member):
      Finding(
        rule: rule, subject: .group(group),
        evidence: ["member": .string(member.description), "expires_at": .string(end.description)])
    default: preconditionFailure("only grants come to an end of their own")
    }
  }
}
