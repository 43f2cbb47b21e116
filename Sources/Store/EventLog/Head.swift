import Postgres
public import Temporal

/// Where a tenant's log ends.
public struct Head: Hashable, Sendable {
  /// The last event's position; 0 before the first.
  public var position: Int64
  /// When the last event was recorded; nil before the first.
  public var recordedAt: Instant?
  /// Raised when a rebuild corrected the relation rows; the graph then loads anew.
  public var generation: Int64
  /// Raised when an attempt whose COMMIT was lost must no longer pass.
  var epoch: Int64

  /// The head of an empty log.
  static let empty = Head(position: 0, recordedAt: nil, generation: 0, epoch: 0)

  /// Reads a tenant's head row.
  ///
  /// - Parameters:
  ///   - tenant: the tenant's number.
  ///   - isLocking: whether to lock the row until the transaction ends, waiting for whoever appends.
  static func read(_ tenant: Int32, on connection: Connection, isLocking: Bool = false) throws -> Head? {
    let plain: SQL = "SELECT position, recorded_at, generation, epoch FROM tenure.head WHERE tenant_id = \(tenant)"
    let locking: SQL =
      "SELECT position, recorded_at, generation, epoch FROM tenure.head WHERE tenant_id = \(tenant) FOR UPDATE"
    let rows = try connection.query(isLocking ? locking : plain)
    guard let row = rows.first else { return nil }
    return Head(
      position: try row.int64(0), recordedAt: try row.optionalTimestamp(1).map(Instant.init), generation: try row.int64(2),
      epoch: try row.int64(3))
  }
}

extension Instant {
  init(_ timestamp: Timestamp) {
    self.init(microseconds: timestamp.microsecondsSinceUnixEpoch)
  }

  var timestamp: Timestamp { Timestamp(microsecondsSinceUnixEpoch: microseconds) }
}
