public import Governance
import Postgres
public import Temporal

/// Numbers that PostgreSQL counts by itself, for whoever has to show that an answer is whole.
extension Tenant {
  /// How many entities of a kind exist at t as known at k, by the relation rows; one round trip.
  ///
  /// - Precondition: the kind is an identity, a group, a role or a policy.
  public func count(of kind: EntityKind, existingAt t: Instant, asKnownAt k: Int64) throws -> Int64 {
    let table =
      switch kind {
      case .identity: "identities"
      case .group: "groups"
      case .role: "roles"
      case .policy: "policies"
      default: preconditionFailure("these have no rows of their own")
      }
    return try count(
      """
      SELECT count(*) FROM tenure.\(identifier: table)
      WHERE tenant_id = \(id) AND valid @> \(t.timestamp) AND recorded_from <= \(k) AND (recorded_to IS NULL OR recorded_to > \(k))
      """)
  }

  /// How many events the log has, voided ones too; one round trip.
  ///
  /// - Parameters:
  ///   - types: their types; nil for all.
  ///   - stretch: when they took effect; nil for ever.
  ///   - last: the last position.
  public func countEvents(ofTypes types: [String]?, during stretch: Interval?, through last: Int64) throws -> Int64 {
    let (from, to) = (stretch?.from.timestamp, stretch?.to?.timestamp)
    return try count(
      """
      SELECT count(*) FROM tenure.event WHERE tenant_id = \(id) AND position <= \(last)
        AND (\(types == nil) OR type = ANY(\(types ?? [])))
        AND (\(from) IS NULL OR effective_at >= \(from)) AND (\(to) IS NULL OR effective_at < \(to))
      """)
  }

  /// How many of these positions have an event in the log, voided ones too; one round trip.
  ///
  /// - Parameter last: the last position.
  public func countEvents(at positions: [Int64], through last: Int64) throws -> Int64 {
    if positions.isEmpty { return 0 }
    return try count(
      """
      SELECT count(*) FROM tenure.event
      WHERE tenant_id = \(id) AND position <= \(last) AND position = ANY(\(positions))
      """)
  }

  /// When the first of all that is known took effect; nil while nothing is.
  ///
  /// One round trip, along the index by that instant.
  public func firstEffective(through last: Int64) throws -> Instant? {
    try pool.withConnection { connection in
      let rows = try connection.query(
        "SELECT min(effective_at) FROM tenure.event WHERE tenant_id = \(id) AND position <= \(last)")
      return try rows.first?.optionalTimestamp(0).map { Instant($0) }
    }
  }

  private func count(_ statement: SQL) throws -> Int64 {
    try pool.withConnection { try $0.query(statement).first?.int64(0) ?? 0 }
  }
}
