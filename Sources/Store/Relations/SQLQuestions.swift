public import AccessGraph
import Governance
import JSON
public import Postgres
public import Temporal

/// The questions as the SQL functions answer them, for readers that have no graph; the answers are the graph's.
///
/// What they do not say is whether an access is without entitlement, and which part of a condition is open.
public enum SQLQuestions {
  /// Who may do an action on exactly this resource at a moment.
  ///
  /// One round trip.
  public static func who(
    tenant: String, action: String, resource: String, from view: Viewpoint, on connection: Connection
  ) throws -> [Holder] {
    let at = Timestamp(view.at)
    let rows = try connection.query(
      "SELECT identity, status FROM tenure.who_had_access(\(tenant), \(action), \(resource), \(at), \(view.asKnownAt))")
    return try rows.map { row in
      Holder(identity: try row.string(0), status: try status(row.string(1)), isWithoutEntitlement: false)
    }
  }

  /// Who might do it at any time in a stretch, with when.
  ///
  /// One round trip.
  public static func who(
    tenant: String, action: String, resource: String, during stretch: Interval, asKnownAt k: Int64, on connection: Connection
  ) throws -> [StretchHolder] {
    let from = Timestamp(stretch.from)
    let to = stretch.to.map { Timestamp($0) }
    let rows = try connection.query(
      """
      SELECT w.identity, w.status, h.held
      FROM tenure.who_had_access_during(\(tenant), \(action), \(resource), \(from), \(to), \(k)) AS w
      CROSS JOIN LATERAL unnest(w.held) AS h (held)
      """)
    var holders: [StretchHolder] = []
    for row in rows {
      let identity = try row.string(0)
      let range = try row.range(2)
      let interval = Interval(
        from: Instant(microseconds: range.lower?.microsecondsSinceUnixEpoch ?? Instant.earliest.microseconds),
        to: range.upper.map { Instant(microseconds: $0.microsecondsSinceUnixEpoch) })
      if holders.last?.identity.isExactly(identity) != true {
        let none = IntervalSet()
        holders.append(StretchHolder(identity: identity, allowed: none, conditional: none, unknown: none))
      }
      switch try status(row.string(1)) {
      case .allowed: holders[holders.count - 1].allowed.insert(interval)
      case .conditional: holders[holders.count - 1].conditional.insert(interval)
      case .unknown, .denied: holders[holders.count - 1].unknown.insert(interval)
      }
    }
    return holders
  }

  /// What an identity may do at a moment.
  ///
  /// One round trip.
  public static func what(
    tenant: String, identity: String, from view: Viewpoint, on connection: Connection
  ) throws -> [HeldRight] {
    let at = Timestamp(view.at)
    let rows = try connection.query(
      """
      SELECT action, unknown_role, resource, scope, conditions::text, effect, status, restricted_by::text
      FROM tenure.what_could(\(tenant), \(identity), \(at), \(view.asKnownAt))
      """)
    return try rows.map { row in
      let right = try right(of: row, from: 0)
      return HeldRight(
        right: right,
        remainder: Remainder(
          status: try status(row.string(6)), openConditions: right.conditions,
          restrictedBy: try JSONValue(parsing: try row.string(7)).arrayValue?.map(denial) ?? []),
        isWithoutEntitlement: false)
    }
  }

  /// A right from six columns: action, unknown role, resource, scope, the conditions as text, and the effect.
  static func right(of row: Row, from column: Int) throws -> Right {
    Right(
      effect: try row.string(column + 5) == PermissionEffect.deny.rawValue ? .deny : .allow,
      action: try row.optionalString(column), unknownRole: try row.optionalString(column + 1),
      resource: try row.string(column + 2), scope: try row.string(column + 3),
      conditions: try JSONValue(parsing: try row.string(column + 4)).arrayValue ?? [])
  }

  /// A restriction from `{"kind": "deny", "id": "frozen-quarter"}`.
  private static func denial(_ restriction: JSONValue) -> Denial {
    let id = restriction["id"]?.stringValue ?? ""
    switch restriction["kind"]?.stringValue {
    case "deny": return .policy(id)
    case "boundary": return .boundary(id)
    default: return .assignment(id)
    }
  }

  private static func status(_ text: String) throws(PostgresError) -> Status {
    guard let status = Status(rawValue: text) else { preconditionFailure("tenure.who_had_access gave status \(text)") }
    return status
  }
}
