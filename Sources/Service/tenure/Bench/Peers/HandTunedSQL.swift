import Postgres
import Temporal

/// The peer of `who`: what an expert in PostgreSQL makes of the same relation tables for this one question.
///
/// Each text is interned as an integer. A membership's and a grant's stretch is cut beforehand to that of both its ends, so that
/// the query joins neither; nestings lie apart from memberships; every table has one covering B-tree index, and the tables are
/// vacuumed, so that scans read the index alone. The planner is told what it cannot know: just-in-time compilation costs more
/// than it gains here, and few groups are reached, each through the index. It answers only at the head, for an organisation
/// without suspensions and linked accounts: less than the functions do, which makes it quicker.
struct HandTunedSQL {
  private let connection: Connection
  private let resources: [String: [Int32]]

  /// Makes the interned copies of a tenant's current rows.
  init(tenant: Int32, resources: [String], on connection: Connection) throws {
    self.connection = connection
    for statement in Self.making(tenant) { try connection.execute(statement) }
    for setting in Self.settings { try connection.execute(setting) }
    var numbers: [String: [Int32]] = [:]
    for resource in resources {
      // The client knows the numbers of the scopes that cover its resource, as ours finds them in its own table of texts.
      numbers[resource] = try connection.query(
        "SELECT no FROM interned.scope WHERE id = ANY (tenure.scopes_covering(\(resource)))"
      ).map { try $0.int32(0) }
    }
    self.resources = numbers
  }

  /// What the query gives for each answer.
  private enum Form: String {
    /// A number a row.
    case rows = "no FROM found"
    /// All numbers as one array: less protocol, one more step in the server.
    case array = "array_agg(no) FROM found"
    /// The names in the order of their bytes.
    case names = "n.id FROM found JOIN interned.node n ON n.no = found.no ORDER BY n.id COLLATE \"C\""
  }

  /// The identities' numbers as rows, without order, received in binary; answers how many there are.
  func numbers(action: String, resource: String, at t: Instant) throws -> Int {
    try connection.query(question(.rows, action, resource, t)).count
  }

  /// The same as one array in binary, which is not looked at beyond its length.
  func array(action: String, resource: String, at t: Instant) throws -> Int {
    let rows = try connection.query(question(.array, action, resource, t))
    guard let row = rows.first, !row.isNull(0) else { return 0 }
    // An array's header has 20 bytes, and each integer four after its own length (PostgreSQL, array_send).
    return try row.withBytes(0) { ($0.byteCount - 20) / 8 }
  }

  /// The identities' names in the order of their bytes.
  func names(action: String, resource: String, at t: Instant) throws -> [String] {
    try connection.query(question(.names, action, resource, t)).map { try $0.string(0) }
  }

  private func question(_ form: Form, _ action: String, _ resource: String, _ at: Instant) -> SQL {
    let t = Timestamp(microsecondsSinceUnixEpoch: at.microseconds)
    let scopes = resources[resource] ?? []
    return """
      WITH RECURSIVE covering AS MATERIALIZED (
        SELECT role_no, principal_no, is_group FROM interned.assignment
        WHERE scope_no = ANY (\(scopes)) AND valid_from <= \(t) AND valid_to > \(t)
      ), closure AS (
        SELECT DISTINCT role_no AS root, role_no FROM covering
        UNION
        SELECT c.root, i.included_no FROM closure c
        JOIN interned.inclusion i ON i.role_no = c.role_no AND i.valid_from <= \(t) AND i.valid_to > \(t)
      ), granting AS MATERIALIZED (
        SELECT DISTINCT c.root FROM closure c
        JOIN interned.permission p ON p.role_no = c.role_no AND p.valid_from <= \(t) AND p.valid_to > \(t)
          AND \(action) LIKE ANY (p.action_likes) AND \(resource) LIKE ANY (p.resource_likes)
      ), reached AS (
        SELECT a.principal_no AS no FROM covering a JOIN granting g ON g.root = a.role_no WHERE a.is_group
        UNION
        SELECT n.child_no FROM reached r
        JOIN interned.nesting n ON n.group_no = r.no AND n.valid_from <= \(t) AND n.valid_to > \(t)
      ), found AS (
        SELECT m.identity_no AS no FROM reached r
        JOIN interned.membership m ON m.group_no = r.no AND m.valid_from <= \(t) AND m.valid_to > \(t)
        UNION
        SELECT a.principal_no FROM covering a JOIN granting g ON g.root = a.role_no WHERE NOT a.is_group
      )
      SELECT \(unsafe: form.rawValue)
      """
  }

  private static let settings = [
    "SET jit = off", "SET work_mem = '256MB'", "SET enable_hashjoin = off", "SET enable_mergejoin = off",
    "SET enable_seqscan = off", "SET plan_cache_mode = force_generic_plan",
  ]

  /// The stretch of a fact, cut to that in which the entities at its ends have existed since before it began.
  private static func stretch(_ ends: [String]) -> String {
    let until = (["coalesce(upper(f.valid), 'infinity')"] + ends.map { "\($0).until" }).joined(separator: ", ")
    return "lower(f.valid) AS valid_from, least(\(until)) AS valid_to"
  }

  private static func end(_ alias: String, _ node: String, began: (String, String)) -> String {
    """
    JOIN interned.existence \(alias) ON \(alias).no = \(node)
      AND (\(alias).since_effective, \(alias).since_position) <= (f.\(began.0), f.\(began.1))
      AND \(alias).until > lower(f.valid)
    """
  }

  private static func making(_ tenant: Int32) -> [String] {
    let current = "f.tenant_id = \(tenant) AND f.recorded_to IS NULL AND NOT isempty(f.valid)"
    let entry = ("effective_at", "position")
    func existence(_ kind: String, _ table: String) -> String {
      """
      SELECT n.no, f.since_effective, f.since_position, max(coalesce(upper(f.valid), 'infinity')) AS until
      FROM tenure.\(table) f JOIN interned.node n ON n.kind = '\(kind)' AND n.id = f.id WHERE \(current)
      GROUP BY 1, 2, 3
      """
    }
    func nodes(_ kind: String, _ table: String) -> String {
      "SELECT DISTINCT '\(kind)' COLLATE \"C\" AS kind, id FROM tenure.\(table) WHERE tenant_id = \(tenant)"
    }
    func members(_ kind: String, _ column: String) -> String {
      """
      SELECT g.no AS group_no, m.no AS \(column), \(stretch(["ge", "me"]))
      FROM tenure.memberships f
      JOIN interned.node g ON g.kind = 'group' AND g.id = f.group_id
      JOIN interned.node m ON m.kind = '\(kind)' AND m.id = f.member
      \(end("ge", "g.no", began: entry)) \(end("me", "m.no", began: entry))
      WHERE \(current) AND f.member_kind = '\(kind)' ORDER BY 1, 3
      """
    }
    return [
      "DROP SCHEMA IF EXISTS interned CASCADE", "CREATE SCHEMA interned",
      """
      CREATE TABLE interned.node AS SELECT row_number() OVER ()::int AS no, kind, id FROM (
        \(nodes("identity", "identities")) UNION ALL \(nodes("group", "groups")) UNION ALL \(nodes("role", "roles"))) x
      """,
      "ALTER TABLE interned.node ADD PRIMARY KEY (no)", "CREATE UNIQUE INDEX ON interned.node (kind, id) INCLUDE (no)",
      "ANALYZE interned.node",
      """
      CREATE TABLE interned.existence AS \(existence("identity", "identities")) UNION ALL \(existence("group", "groups"))
        UNION ALL \(existence("role", "roles"))
      """,
      "CREATE INDEX ON interned.existence (no)", "ANALYZE interned.existence",
      """
      CREATE TABLE interned.scope AS SELECT row_number() OVER ()::int AS no, scope AS id FROM (
        SELECT DISTINCT scope FROM tenure.assignments WHERE tenant_id = \(tenant) AND scope IS NOT NULL) x
      """,
      "CREATE UNIQUE INDEX ON interned.scope (id) INCLUDE (no)", "ANALYZE interned.scope",
      "CREATE TABLE interned.membership AS \(members("identity", "identity_no"))",
      "CREATE INDEX ON interned.membership (group_no, valid_from, valid_to) INCLUDE (identity_no)",
      "CREATE TABLE interned.nesting AS \(members("group", "child_no"))",
      "CREATE INDEX ON interned.nesting (group_no, valid_from, valid_to) INCLUDE (child_no)",
      """
      CREATE TABLE interned.assignment AS
      SELECT s.no AS scope_no, r.no AS role_no, p.no AS principal_no, f.principal_kind = 'group' AS is_group,
        \(stretch(["pe", "re"]))
      FROM tenure.assignments f
      JOIN interned.scope s ON s.id = f.scope
      JOIN interned.node p ON p.kind = f.principal_kind AND p.id = f.principal
      JOIN interned.node r ON r.kind = 'role' AND r.id = f.role_id
      \(end("pe", "p.no", began: ("begun_effective", "begun_position")))
      \(end("re", "r.no", began: ("begun_effective", "begun_position")))
      WHERE \(current)
      """,
      """
      CREATE INDEX ON interned.assignment (scope_no, valid_from, valid_to) INCLUDE (role_no, principal_no, is_group)
      """,
      """
      CREATE TABLE interned.inclusion AS
      SELECT o.no AS role_no, i.no AS included_no, \(stretch(["ie"]))
      FROM tenure.roles f CROSS JOIN LATERAL unnest(f.includes) AS x (id)
      JOIN interned.node o ON o.kind = 'role' AND o.id = f.id
      JOIN interned.node i ON i.kind = 'role' AND i.id = x.id
      \(end("ie", "i.no", began: entry))
      WHERE \(current)
      """,
      "CREATE INDEX ON interned.inclusion (role_no, valid_from, valid_to) INCLUDE (included_no)",
      """
      CREATE TABLE interned.permission AS
      SELECT n.no AS role_no, \(stretch([])), p.action_likes, p.resource_likes
      FROM tenure.roles f JOIN interned.node n ON n.kind = 'role' AND n.id = f.id
      JOIN tenure.role_permissions p
        ON p.tenant_id = f.tenant_id AND p.role_id = f.id AND p.position = f.position AND p.effect = 'allow'
      WHERE \(current)
      """,
      "CREATE INDEX ON interned.permission (role_no, valid_from, valid_to) INCLUDE (action_likes, resource_likes)",
    ]
      + ["node", "scope", "membership", "nesting", "assignment", "inclusion", "permission"].map {
        "VACUUM (ANALYZE) interned.\($0)"
      }
  }
}
