import EventLog
import Postgres
public import Temporal

/// What an identity did with what on one day: the roll-up's entry.
public struct DailyUsage: Hashable, Sendable {
  /// Who did it.
  public var identity: String
  /// What was done, as permissions name it.
  public var action: String
  /// With what; nil where the sources name nothing.
  public var resource: String?
  /// On which day, in UTC.
  public var day: UsageDay
  /// How many times.
  public var uses: Int64
  /// Of them, how many were denied.
  public var denied: Int64
  /// Of them, how many were permitted and went wrong.
  public var failed: Int64
  /// The first use.
  public var firstUsed: Instant
  /// The last use.
  public var lastUsed: Instant
  /// The first use that was not denied; nil where all were.
  public var firstPermitted: Instant?
  /// The last use that was not denied.
  public var lastPermitted: Instant?
}

/// A place in the order of the roll-up: by identity, action, resource and day.
public struct DailyUsagePlace: Hashable, Sendable {
  /// Who did it.
  public var identity: String
  /// What was done.
  public var action: String
  /// With what; empty for nothing.
  public var resource: String
  /// The first instant of the day.
  public var day: Instant

  /// The place of an entry.
  public init(_ usage: DailyUsage) {
    identity = usage.identity
    action = usage.action
    resource = usage.resource ?? ""
    day = usage.day.start
  }

  /// A place.
  public init(identity: String, action: String, resource: String, day: Instant) {
    self.identity = identity
    self.action = action
    self.resource = resource
    self.day = day
  }
}

extension UsageStore {
  /// Entries of one page at most.
  public static let maximumDailyPage = 10_000

  /// Usage by identity, action, resource and day, in that order; of any day, current whether it is rolled up or not.
  ///
  /// One round trip: one pass over the index of the roll-up, and over the rows of the days that have new ones.
  /// - Parameters:
  ///   - identities: whose. The default is everybody's.
  ///   - action: what was done. The default is anything.
  ///   - resource: with exactly what. The default is anything.
  ///   - days: on which days. The default is all.
  ///   - place: where to go on after. The default is the beginning.
  ///   - limit: at most ``maximumDailyPage``. The default is that.
  /// - Returns: as many as the limit, unless there are no more.
  public func daily(
    of identities: [String]? = nil, action: String? = nil, resource: String? = nil,
    days: ClosedRange<UsageDay> = UsageDay(of: .earliest)...UsageDay(of: .latest), after place: DailyUsagePlace? = nil,
    limit: Int = maximumDailyPage
  ) throws -> [DailyUsage] {
    try tenant.withConnection {
      try daily(of: identities, action: action, resource: resource, days: days, after: place, limit: limit, on: $0)
    }
  }

  func daily(
    of identities: [String]?, action: String?, resource: String?, days: ClosedRange<UsageDay>, after place: DailyUsagePlace?,
    limit: Int, on connection: Connection
  ) throws -> [DailyUsage] {
    let limit = min(max(limit, 1), Self.maximumDailyPage)
    let after = place?.day.timestamp
    return try connection.query(
      """
      SELECT identity, action, resource, day::timestamp AT TIME ZONE 'UTC', uses, denied, failed, first_used, last_used,
        first_permitted, last_permitted
      FROM tenure.usage_by_day(
        \(tenant.id), (\(days.lowerBound.start.timestamp) AT TIME ZONE 'UTC')::date,
        (\(days.upperBound.start.timestamp) AT TIME ZONE 'UTC')::date, \(identities), \(action), \(resource),
        \(place?.identity), \(place?.action), \(place?.resource), (\(after) AT TIME ZONE 'UTC')::date, \(Int64(limit)))
      """
    ).map { try DailyUsage($0) }
  }
}

extension UsageStore {
  /// When identities were last seen to do anything that was permitted, up to an instant; who never was is left out.
  ///
  /// Of a day whose rows are gone only the first and the last use are known to the instant. One round trip; O(entries of these
  /// identities), and a look at the rows of each entry of the instant's own day.
  public func lastUses(of identities: [String], through moment: Instant) throws -> [String: Instant] {
    let day = UsageDay(of: moment)
    let rows = try tenant.withConnection { connection in
      try connection.query(
        """
        SELECT identity, max(used) FROM (
          SELECT identity, last_permitted AS used
          FROM tenure.usage_by_day(
            \(tenant.id), '-infinity'::date, (\(day.start.timestamp) AT TIME ZONE 'UTC')::date - 1, \(identities), NULL, NULL, NULL,
            NULL, NULL, NULL, \(Int64.max))
          UNION ALL
          SELECT identity, CASE WHEN last_permitted <= \(moment.timestamp) THEN last_permitted ELSE coalesce(
            (SELECT max(u.used_at) FROM tenure.usage u
              WHERE u.tenant_id = \(tenant.id) AND u.used_at >= \(unsafe: day.literal)
                AND u.used_at < \(unsafe: day.adding(days: 1).literal) AND u.used_at <= \(moment.timestamp)
                AND u.identity = d.identity AND u.action = d.action AND coalesce(u.resource, '') = d.resource
                AND u.outcome <> 'denied'),
            CASE WHEN first_permitted <= \(moment.timestamp) THEN first_permitted END) END
          FROM tenure.usage_by_day(
            \(tenant.id), (\(day.start.timestamp) AT TIME ZONE 'UTC')::date, (\(day.start.timestamp) AT TIME ZONE 'UTC')::date,
            \(identities), NULL, NULL, NULL, NULL, NULL, NULL, \(Int64.max)) AS d
        ) AS uses
        WHERE used IS NOT NULL GROUP BY identity
        """)
    }
    return Dictionary(uniqueKeysWithValues: try rows.map { (try $0.string(0), Instant(try $0.timestamp(1))) })
  }
}

extension DailyUsage {
  fileprivate init(_ row: Row) throws {
    identity = try row.string(0)
    action = try row.string(1)
    let text = try row.string(2)
    resource = text.isEmpty ? nil : text
    day = UsageDay(of: Instant(try row.timestamp(3)))
    uses = try row.int64(4)
    denied = try row.int64(5)
    failed = try row.int64(6)
    firstUsed = Instant(try row.timestamp(7))
    lastUsed = Instant(try row.timestamp(8))
    firstPermitted = try row.optionalTimestamp(9).map { Instant($0) }
    lastPermitted = try row.optionalTimestamp(10).map { Instant($0) }
  }
}
