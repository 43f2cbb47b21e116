import AccessGraph
import Governance
import Postgres
import Relations

/// Where a graph comes from: the relation rows at a position; the events after it are applied as they come.
extension Replica {
  /// A graph at the head, and that head, both of one snapshot.
  ///
  /// O(facts). Within a transaction the caller has locked the head row, so that this tenant stands still as well.
  /// - Throws: ``EventLogError/degraded(_:)`` where the log holds what this program cannot read.
  func loadedGraph(on connection: Connection) throws -> (AccessGraph, Head) {
    if connection.isInTransaction { return try graphOfSnapshot(on: connection) }
    return try connection.transaction(.repeatableRead, readOnly: true) { try graphOfSnapshot(on: $0) }
  }

  private func graphOfSnapshot(on connection: Connection) throws -> (AccessGraph, Head) {
    guard let head = try Head.read(tenant, on: connection) else { throw EventLogError.headMissing(tenant: name) }
    return try readingSoundly {
      try requireReadable(through: head.position, on: connection)
      do {
        let loading = GraphLoading(tenant: tenant) { body, position in try EventCodec.decode(Array(body.utf8), at: position) }
        return (try loading.run(on: connection, position: head.position, recordedAt: head.recordedAt), head)
      } catch let contradiction as LoadingContradiction {
        alarm(.relationsContradicted(tenant: name, contradiction))
        return (try LogFold.graph(of: tenant, through: head.position, on: connection), head)
      }
    }
  }

  /// What the index of types has of the log: all but a few types, which every program knows.
  private static let isOfRareType = """
    type NOT IN ('membership.added', 'membership.removed', 'assignment.granted', 'assignment.revoked', 'identity.registered')
    """

  /// Decodes the first event of each of those types and of each later version, and looks that the log ends at the head.
  ///
  /// The rows say what the log says, so the log is not decoded when they are loaded. An event that this program cannot read is
  /// found all the same: by its type or version here, before anything is answered; by its body wherever one is decoded, which
  /// is when it comes after the position that is loaded (the tenant stops there), when a page shows it (that page fails), and by
  /// `verify`, which decodes them all. A body that some other program has spoilt after it was recorded is the last one's matter.
  ///
  /// One index probe for each type.
  /// - Throws: `UndecodableEvent`, the first in the log.
  private func requireReadable(through position: Int64, on connection: Connection) throws {
    let rows = try connection.query(
      """
      WITH RECURSIVE types (type) AS (
        SELECT min(type) FROM tenure.event WHERE tenant_id = \(tenant) AND \(unsafe: Self.isOfRareType)
        UNION ALL
        SELECT (
          SELECT min(e.type) FROM tenure.event e WHERE e.tenant_id = \(tenant) AND e.type > t.type AND \(unsafe: Self.isOfRareType))
        FROM types t WHERE t.type IS NOT NULL
      ), found (position) AS (
        SELECT (
          SELECT min(e.position) FROM tenure.event e
          WHERE e.tenant_id = \(tenant) AND e.type = t.type AND \(unsafe: Self.isOfRareType))
        FROM types t
        UNION
        SELECT min(position) FROM tenure.event WHERE tenant_id = \(tenant) AND version <> 1 GROUP BY type, version
        UNION
        SELECT max(position) FROM tenure.event WHERE tenant_id = \(tenant)
      )
      SELECT e.position, e.body FROM found f JOIN tenure.event e ON e.tenant_id = \(tenant) AND e.position = f.position
      ORDER BY e.position
      """)
    for row in rows { _ = try EventCodec.decode(Array(try row.string(1).utf8), at: try row.int64(0)) }
    let last = try rows.last?.int64(0) ?? 0
    guard last == position else { throw EventLogError.gap(expected: min(last, position) + 1, found: max(last, position) + 1) }
  }
}
