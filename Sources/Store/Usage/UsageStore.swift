public import EventLog
import Governance
import Postgres
import Schema
import Temporal

/// The usage of one tenant: what sources tell is recorded here, and asked for.
///
/// Calls block the calling thread.
public struct UsageStore: Sendable {
  let tenant: Tenant

  /// The usage of a tenant.
  public init(_ tenant: Tenant) { self.tenant = tenant }

  // MARK: Recording

  /// Attempts at a batch whose days are dropped under it: each time it finds them closed, so the second one ends.
  private static let attempts = 3

  /// Records what a source tells, in one transaction.
  ///
  /// Batches may come late, again and in any order: a record counts once by source and id. Where the connection is lost, send the
  /// batch again. Some seven round trips, and two more where days are new.
  ///
  /// Where more than ``UsageRollUp/markedDaysAtMost`` days are then not rolled up, the oldest are.
  /// - Parameters:
  ///   - records: at most ``UsageLimits/recordsPerBatch``, of at most ``UsageLimits/daysPerBatch`` days.
  ///   - source: the system that tells it.
  /// - Throws: ``UsageStoreError``, and nothing is stored; `PostgresError`.
  public func record(_ records: [UsageRecord], source: String) throws -> UsageReceipt {
    if records.isEmpty { return UsageReceipt() }
    let batch = try UsageBatch(records, source: source, tenant: tenant.id, now: tenant.now)
    return try tenant.withConnection { connection in
      for _ in 0..<Self.attempts {
        try batch.makeDays(on: connection)
        do {
          let receipt = try connection.transaction { try batch.write(on: $0) }
          if receipt.new > 0 { try UsageRollUp.trim(of: tenant.id, on: connection) }
          return receipt
        } catch let error as PostgresError where error.sqlState == UsageBatch.noPartition {
          continue
        }
      }
      throw UsageStoreError.unsettled
    }
  }

  /// Records what a source tells, in as many batches as it takes; what comes before a failure stays.
  public func recordAll(_ records: [UsageRecord], source: String) throws -> UsageReceipt {
    var receipt = UsageReceipt()
    var gathering = UsageGathering()
    for one in records { if let batch = gathering.add(one) { receipt += try record(batch, source: source) } }
    receipt += try record(gathering.take(), source: source)
    return receipt
  }

  // MARK: The window

  /// How many days rows are kept.
  public func keptDays() throws -> Int {
    try tenant.withConnection { connection in
      let rows = try connection.query("SELECT kept_days FROM tenure.usage_window WHERE tenant_id = \(tenant.id)")
      return try rows.first.map { Int(try $0.int32(0)) } ?? UsageWindow.defaultDays
    }
  }

  /// Keeps rows for so many days from now on; what was dropped does not come back.
  public func keep(days: Int) throws {
    guard UsageWindow.allowedDays.contains(days) else { throw UsageStoreError.badWindow(days: days) }
    _ = try tenant.withConnection { connection in
      try connection.run(
        """
        INSERT INTO tenure.usage_window (tenant_id, kept_days) VALUES (\(tenant.id), \(Int32(days)))
        ON CONFLICT (tenant_id) DO UPDATE SET kept_days = excluded.kept_days
        """)
    }
  }
}
