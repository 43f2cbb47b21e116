public import Governance
import JSON
public import Postgres
public import Temporal

/// Which findings are asked for.
public struct FindingFilter: Hashable, Sendable {
  /// Those of a rule; nil for any.
  public var rule: String?
  /// Those that matter so much; nil for any.
  public var severity: Severity?
  /// Those that stand in one of these.
  public var states: Set<FindingState>
  /// Those that an identity has to mend; nil for anybody's and nobody's.
  public var owner: String?
  /// Those about an entity; nil for any.
  public var subject: Entity?

  /// A filter; the default lets all through.
  public init(
    rule: String? = nil, severity: Severity? = nil, states: Set<FindingState> = Set(FindingState.allCases),
    owner: String? = nil, subject: Entity? = nil
  ) {
    self.rule = rule
    self.severity = severity
    self.states = states
    self.owner = owner
    self.subject = subject
  }
}

extension Tenant {
  /// Findings at t as known at k, by id; the same as `World.finding` says of each, but found by what they are.
  ///
  /// One round trip. Reads the rows of the rule, the subject or the owner that are asked about, else those of the tenant in the
  /// order of their ids until the page is full.
  ///
  /// - Parameters:
  ///   - id: the id to begin after. The default is the beginning.
  ///   - limit: how many at the most.
  public func findings(
    _ filter: FindingFilter, at t: Instant, asKnownAt k: Int64, after id: String = "", limit: Int
  ) throws -> [FindingStanding] {
    try withConnection { try FindingRows(tenant: self.id, on: $0).read(filter, at: t, asKnownAt: k, after: id, limit: limit) }
  }
}

/// The relation rows of findings.
public struct FindingRows {
  private let tenant: Int32
  private let connection: Connection

  /// The rows of a tenant.
  public init(tenant: Int32, on connection: Connection) {
    self.tenant = tenant
    self.connection = connection
  }

  /// Findings at t as known at k, by id, as ``Tenant/findings(_:at:asKnownAt:after:limit:)`` has it.
  public func read(
    _ filter: FindingFilter, at t: Instant, asKnownAt k: Int64, after id: String = "", limit: Int
  ) throws -> [FindingStanding] {
    try connection.query(statement(filter, at: t.timestamp, k, after: id, limit: Int64(limit))).map(Self.standing)
  }

  /// Put together of what is asked about, so that the plan is that of the question.
  private func statement(_ filter: FindingFilter, at: Timestamp, _ k: Int64, after id: String, limit: Int64) -> SQL {
    var sql = SQL.StringInterpolation(literalCapacity: 2_000, interpolationCount: 20)
    sql.appendLiteral("WITH known AS NOT MATERIALIZED (SELECT * FROM tenure.findings WHERE tenant_id = ")
    sql.appendInterpolation(tenant)
    sql.appendLiteral(" AND effective_at <= ")
    sql.appendInterpolation(at)
    append(knownAt: k, to: &sql)
    sql.appendLiteral(
      """
      ) SELECT f.id, f.rule, f.subject_kind, f.subject, f.severity, f.owner, f.evidence::text, f.fix::text, f.position,
        f.since_effective, s.state, a.position, a.expires_at, r.effective_at, r.position
      FROM known f
      LEFT JOIN LATERAL (
        SELECT position, expires_at FROM tenure.finding_acceptances
        WHERE finding = f.id AND (effective_at, position) >= (f.since_effective, f.since_position) AND tenant_id = 
      """)
    sql.appendInterpolation(tenant)
    append(" AND valid @> ", at, to: &sql)
    append(knownAt: k, to: &sql)
    append(") a ON f.valid @> ", at, to: &sql)
    sql.appendLiteral(
      """
       LEFT JOIN LATERAL (
        SELECT r.effective_at, r.position FROM known r
        WHERE r.id = f.id AND NOT r.begins AND r.effective_at = upper(f.valid)
          AND (r.effective_at, r.position) > (f.effective_at, f.position)
        ORDER BY r.position LIMIT 1
      """)
    append(") r ON NOT f.valid @> ", at, to: &sql)
    append(", LATERAL (SELECT CASE WHEN NOT f.valid @> ", at, to: &sql)
    sql.appendLiteral(
      """
       THEN 'resolved' WHEN a.position IS NOT NULL THEN 'accepted' ELSE 'open' END AS state) s
      WHERE f.begins AND NOT isempty(f.valid)
        AND NOT EXISTS (
          SELECT FROM known n
          WHERE n.id = f.id AND n.begins AND NOT isempty(n.valid)
            AND (n.effective_at, n.position) > (f.effective_at, f.position))
      """)
    append(filter, after: id, to: &sql)
    append(" ORDER BY f.id LIMIT ", limit, to: &sql)
    return SQL(stringInterpolation: sql)
  }

  private func append(knownAt k: Int64, to sql: inout SQL.StringInterpolation) {
    append(" AND recorded_from <= ", k, to: &sql)
    append(" AND (recorded_to IS NULL OR recorded_to > ", k, to: &sql)
    sql.appendLiteral(")")
  }

  /// What is true of most rows stands in a CASE, which the planner takes for true of every other one: guessed at by itself it was
  /// taken for rare, and a page of 500 of 66,000 findings of a rule read and sorted all of them (300 ms instead of 11).
  private func append(_ filter: FindingFilter, after id: String, to sql: inout SQL.StringInterpolation) {
    if filter.states.count < FindingState.allCases.count {
      sql.appendLiteral(" AND CASE WHEN s.state = ANY (")
      sql.appendInterpolation(filter.states.map(\.rawValue).sorted())
      sql.appendLiteral(") THEN true ELSE false END")
    }
    // Ids begin with the rule, so that those of one rule lie together in the key.
    let begin = filter.rule.map { $0 + ":" } ?? ""
    append(" AND f.id > ", begin.precedes(id) ? id : begin, to: &sql)
    if let rule = filter.rule {
      append(" AND f.id < ", rule + ";", to: &sql)
      append(" AND CASE WHEN f.rule = ", rule, to: &sql)
      sql.appendLiteral(" THEN true ELSE false END")
    }
    if let severity = filter.severity { append(" AND f.severity = ", severity.rawValue, to: &sql) }
    if let owner = filter.owner { append(" AND f.owner = ", owner, to: &sql) }
    if let subject = filter.subject {
      append(" AND f.subject = ", subject.id, to: &sql)
      append(" AND f.subject_kind = ", subject.kind.rawValue, to: &sql)
    }
  }

  private func append<Value: PostgresValue>(
    _ text: String, _ value: Value, to sql: inout SQL.StringInterpolation
  ) {
    sql.appendLiteral(text)
    sql.appendInterpolation(value)
  }

  private static func standing(_ row: Row) throws -> FindingStanding {
    guard let kind = EntityKind(rawValue: try row.string(2)), let severity = Severity(rawValue: try row.string(4)) else {
      throw UndecodableEvent(
        position: try row.int64(8), problem: "its row in tenure.findings is no finding; run tenure rebuild")
    }
    var finding = Finding(
      rule: try row.string(1), subject: Entity(kind, try row.string(3)), evidence: try JSONValue(parsing: try row.string(6)),
      severity: severity, owner: try row.optionalString(5), fix: try JSONValue(parsing: try row.string(7)))
    finding.id = try row.string(0)
    let since = Instant(try row.timestamp(9))
    var standing = FindingStanding(finding, .open, raised: try row.int64(8), since: since)
    standing.state = FindingState(rawValue: try row.string(10)) ?? .open
    standing.acceptance = try row.optionalInt64(11).map {
      FindingStanding.Acceptance(position: $0, until: try row.optionalTimestamp(12).map(Instant.init(_:)))
    }
    standing.resolved = try row.optionalTimestamp(13).map { Moment(Instant($0), try row.int64(14)) }
    return standing
  }
}
