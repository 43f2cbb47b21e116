import Postgres

/// How long the rows of usage are kept; the roll-up stays.
public enum UsageWindow {
  /// What a tenant keeps that says nothing else: a year, so that what happens once a year shows as used, and five weeks to look at
  /// it.
  public static let defaultDays = 400
  /// What a tenant may keep; ten years are ten years of partitions.
  public static let allowedDays = 1...3_653

  /// The tenant's window, held until the transaction ends: whoever closes a day waits.
  static func held(by tenant: Int32, on connection: Connection) throws -> Int {
    let days = try connection.query(
      "SELECT kept_days FROM tenure.usage_window WHERE tenant_id = \(tenant) FOR KEY SHARE")
    guard let row = days.first else {
      try make(for: tenant, on: connection)
      return try held(by: tenant, on: connection)
    }
    return Int(try row.int32(0))
  }

  /// Gives the tenant the default window, where it has none.
  static func make(for tenant: Int32, on connection: Connection) throws {
    try connection.run(
      """
      INSERT INTO tenure.usage_window (tenant_id, kept_days) VALUES (\(tenant), \(Int32(defaultDays))) ON CONFLICT DO NOTHING
      """)
  }
}
