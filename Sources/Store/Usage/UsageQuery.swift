import EventLog
import Postgres
public import Temporal

/// Which usage is asked for: all that is set must match.
public struct UsageFilter: Hashable, Sendable {
  /// Who did it.
  public var identity: String?
  /// What was done, as permissions name it.
  public var action: String?
  /// With exactly what.
  public var resource: String?
  /// From where.
  public var address: String?
  /// With which key, token or password.
  public var credential: String?
  /// In which session.
  public var session: String?
  /// The first instant.
  public var from: Instant?
  /// The first instant after it.
  public var to: Instant?

  /// All usage.
  public init(
    identity: String? = nil, action: String? = nil, resource: String? = nil, address: String? = nil,
    credential: String? = nil, session: String? = nil, from: Instant? = nil, to: Instant? = nil
  ) {
    self.identity = identity
    self.action = action
    self.resource = resource
    self.address = address
    self.credential = credential
    self.session = session
    self.from = from
    self.to = to
  }
}

/// One use, as it is stored.
public struct StoredUsage: Hashable, Sendable {
  /// What the source told.
  public var record: UsageRecord
  /// Which system told it.
  public var source: String
  /// When it was learnt.
  public var recordedAt: Instant
  /// Its place among the others.
  public var place: UsagePlace
}

/// A place in the order of usage: by time, and within an instant by key.
public struct UsagePlace: Hashable, Sendable {
  /// When it was.
  public var at: Instant
  /// Which of those of that instant, 32 hexadecimal digits.
  public var key: String

  /// A place.
  public init(at: Instant, key: String) {
    self.at = at
    self.key = key
  }
}

extension UsageStore {
  /// Rows of one page at most.
  public static let maximumPage = 1_000
  /// Partitions that one statement opens at most: with each it locks a table and seven indexes, and a server has by default some
  /// 6,400 locks for everybody.
  static let partitionsPerSlice = 31

  /// Uses that match, the newest first; only of days whose rows are kept.
  ///
  /// One round trip, and one more for each 31 partitions that are looked through.
  /// - Parameters:
  ///   - place: where to go on; ``StoredUsage/place`` of the last one. The default is the newest.
  ///   - limit: at most ``maximumPage``. The default is 100.
  /// - Returns: as many as the limit, unless there are no more.
  public func rows(_ filter: UsageFilter, before place: UsagePlace? = nil, limit: Int = 100) throws -> [StoredUsage] {
    try tenant.withConnection { try rows(filter, before: place, limit: limit, on: $0) }
  }

  func rows(_ filter: UsageFilter, before place: UsagePlace?, limit: Int, on connection: Connection) throws -> [StoredUsage] {
    let limit = min(max(limit, 1), Self.maximumPage)
    var found: [StoredUsage] = []
    for slice in try slices(filter, before: place, on: connection) where found.count < limit {
      let rows = try connection.query(select(filter, slice, before: place, limit: limit - found.count))
      found += try rows.map { try StoredUsage($0) }
    }
    return found
  }

  /// The days that are there and may match, the newest first.
  private func slices(
    _ filter: UsageFilter, before place: UsagePlace?, on connection: Connection
  ) throws -> [ClosedRange<UsageDay>] {
    try slices(from: filter.from ?? .earliest, to: min(filter.to ?? .latest, place?.at ?? .latest), on: connection)
  }

  /// The days that are there of some time, the newest first, in runs without a closed one between.
  ///
  /// Each run is of so many partitions that a statement may open them; each needs a statement of its own, and no transaction around
  /// them, for locks stay to the end of it.
  func slices(from first: Instant, to last: Instant, on connection: Connection) throws -> [ClosedRange<UsageDay>] {
    // A partition is named by its day, or by its month.
    let rows = try connection.query(
      """
      SELECT d AT TIME ZONE 'UTC', c.day IS NOT NULL, b.first AT TIME ZONE 'UTC'
      FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
      CROSS JOIN LATERAL (
        SELECT to_date(rpad(substr(p.relname::text, 7), 8, '01'), 'YYYYMMDD')::timestamp,
          CASE WHEN length(p.relname::text) = 12 THEN interval '1 month' ELSE interval '1 day' END
      ) AS b (first, span)
      CROSS JOIN LATERAL generate_series(b.first, b.first + b.span - interval '1 day', interval '1 day') AS d
      LEFT JOIN tenure.usage_closed_day c ON c.tenant_id = \(tenant.id) AND c.day = d::date
      WHERE i.inhparent = 'tenure.usage'::regclass
        AND d BETWEEN date_trunc('day', \(first.timestamp) AT TIME ZONE 'UTC') AND \(last.timestamp) AT TIME ZONE 'UTC'
      ORDER BY d DESC
      """)
    var slices: [ClosedRange<UsageDay>] = []
    var partitions: Set<Instant> = []
    for row in rows {
      let day = UsageDay(of: Instant(try row.timestamp(0)))
      let partition = Instant(try row.timestamp(2))
      if try row.bool(1) {
        partitions = []
      } else if !partitions.isEmpty, partitions.contains(partition) || partitions.count < Self.partitionsPerSlice,
        let slice = slices.popLast()
      {
        slices.append(day...slice.upperBound)
        partitions.insert(partition)
      } else {
        slices.append(day...day)
        partitions = [partition]
      }
    }
    return slices
  }

  private func select(
    _ filter: UsageFilter, _ slice: ClosedRange<UsageDay>, before place: UsagePlace?, limit: Int
  ) -> SQL {
    let key = place.flatMap { UUIDBytes(text: $0.key) }
    // A filter that is not set is a constant true to the planner, which sees the values; it sees the days in the text.
    return """
      SELECT used_at, key, source, id, identity, action, source_action, resource, session, credential, address, agent, outcome,
        error_code, recorded_at
      FROM tenure.usage
      WHERE tenant_id = \(tenant.id) AND \(unsafe: slice.condition)
        AND used_at >= \(filter.from?.timestamp ?? Instant.earliest.timestamp)
        AND used_at < \(filter.to?.timestamp ?? Instant.latest.timestamp)
        AND used_at <= \(place?.at.timestamp ?? Instant.latest.timestamp)
        AND (\(key) IS NULL OR (used_at, key) < (\(place?.at.timestamp), \(key)))
        AND (\(filter.identity) IS NULL OR identity = \(filter.identity))
        AND (\(filter.action) IS NULL OR action = \(filter.action))
        AND (\(filter.resource) IS NULL OR resource = \(filter.resource))
        AND (\(filter.address) IS NULL OR address = \(filter.address))
        AND (\(filter.credential) IS NULL OR credential = \(filter.credential))
        AND (\(filter.session) IS NULL OR session = \(filter.session))
      ORDER BY used_at DESC, key DESC LIMIT \(Int64(limit))
      """
  }
}

extension ClosedRange<UsageDay> {
  /// That a use was on one of these days, with the days in the text.
  var condition: String {
    "used_at >= \(lowerBound.literal) AND used_at < \(upperBound.adding(days: 1).literal)"
  }
}

extension StoredUsage {
  fileprivate init(_ row: Row) throws {
    guard let outcome = UsageOutcome(rawValue: try row.string(12)) else {
      throw UsageStoreError.unreadable
    }
    let at = Instant(try row.timestamp(0))
    record = UsageRecord(
      id: try row.string(3), at: at, identity: try row.string(4), action: try row.string(5),
      sourceAction: try row.optionalString(6), resource: try row.optionalString(7), session: try row.optionalString(8),
      credential: try row.optionalString(9), address: try row.optionalString(10), agent: try row.optionalString(11),
      outcome: outcome, errorCode: try row.optionalString(13))
    source = try row.string(2)
    recordedAt = Instant(try row.timestamp(14))
    place = UsagePlace(at: at, key: try row.uuid(1).description)
  }
}
