public import EventLog
public import Temporal
public import Usage

/// Where an import's usage goes: a tenant's, or in tests a list.
public protocol UsageDestination {
  /// The last instant that a use may have: what lies further ahead of the present is a mistake of somebody's clock.
  var latest: Instant { get }

  /// Makes room for uses as old as that; answers for how many days uses are kept from now on, where that had to change.
  func makeRoom(for oldest: Instant) throws -> Int?

  /// Records uses that a source tells, in order of time; what was recorded before counts as repeated.
  func record(_ records: [UsageRecord], source: String) throws -> UsageReceipt
}

/// A tenant's usage as a destination.
public struct TenantUsage: UsageDestination {
  private let tenant: Tenant

  /// Usage goes to this tenant.
  public init(_ tenant: Tenant) { self.tenant = tenant }

  /// An hour ahead of the present.
  public var latest: Instant { tenant.now.adding(microseconds: UsageLimits.skewMicroseconds) }

  /// Days kept beyond the oldest use, so that what was imported can also be looked at.
  private static let marginDays: Int64 = 35

  /// Keeps uses for longer, where the tenant never said for how long.
  ///
  /// A window that somebody chose stays: what is older then counts as too old.
  public func makeRoom(for oldest: Instant) throws -> Int? {
    let store = UsageStore(tenant)
    let age = max(0, oldest.distance(to: tenant.now)) / 86_400_000_000
    guard try store.keptDays() == UsageWindow.defaultDays, age >= Int64(UsageWindow.defaultDays) else { return nil }
    let days = min(Int(age + Self.marginDays), UsageWindow.allowedDays.upperBound)
    try store.keep(days: days)
    return days
  }

  /// Records in as many transactions as it takes.
  public func record(_ records: [UsageRecord], source: String) throws -> UsageReceipt {
    try UsageStore(tenant).recordAll(records, source: source)
  }
}
