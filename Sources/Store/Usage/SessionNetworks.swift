import EventLog
public import Governance
import Postgres
public import Temporal

/// A session that was used from several networks.
public struct SessionNetworks: Hashable, Sendable {
  /// The session.
  public var session: String
  /// As whom it acted.
  public var identity: String
  /// The networks, in order: the first 16 bits of an IPv4 address, 32 of an IPv6 address.
  public var networks: [String]
  /// The first use.
  public var firstUsed: Instant
}

extension SessionNetworks {
  /// What other days show of the same session.
  fileprivate mutating func add(_ other: SessionNetworks) {
    networks = Array(Set(networks + other.networks).sorted { $0.precedes($1) }.prefix(UsageStore.addresses))
    if other.identity.precedes(identity) { identity = other.identity }
    firstUsed = min(firstUsed, other.firstUsed)
  }

  /// With no more networks than are told.
  fileprivate var told: SessionNetworks {
    var told = self
    told.networks = Array(networks.prefix(UsageStore.toldNetworks))
    return told
  }
}

extension UsageStore {
  /// Networks of a session that are looked at, each by an address of it: what is written in more ways than these says enough.
  fileprivate static let addresses = 200
  /// Sessions of one page at most, of each statement for it: each page is a pass over the rows, and so many are some megabytes.
  public static let sessionsPerPage = 10_000
  /// Networks of a session that are told.
  fileprivate static let toldNetworks = 20

  /// Sessions that were used from addresses of more than one network since an instant, by session.
  ///
  /// What is no address, as a service's name, is not looked at: a service acts for the session from its own network. Wider networks
  /// than a provider gives to one customer, so that a phone that changes its address is no finding. One round trip, and one more
  /// for each 31 partitions; a pass over the rows of the days that are kept since.
  ///
  /// PostgreSQL tells addresses apart by how their first two parts are written; of each such way one is looked at, which says what
  /// network it is, for the rest of an address does not. Of an IPv4 address that is written as one of IPv6 it looks at the first part
  /// in hexadecimal, or the first two in decimal.
  ///
  /// - Parameter limit: sessions that are looked at in the partitions of one statement.
  /// - Returns: the sessions, and the one to go on after; nil at the end.
  public func sessionsFromSeveralNetworks(
    since: Instant, after session: String = "", limit: Int
  ) throws -> (found: [SessionNetworks], next: String?) {
    var seen: [Entity: SessionNetworks] = [:]
    // Where one statement ends before its last session, all of them end there.
    var last: String?
    try tenant.withConnection { connection in
      for slice in try slices(from: since, to: .latest, on: connection) {
        let page = try sessions(in: slice, since: since, after: session, through: last, limit: limit, on: connection)
        for part in page { seen[Entity(.credential, part.session), default: part].add(part) }
        if page.count == limit { last = page.last?.session }
      }
    }
    let found = seen.sorted { $0.key < $1.key }.map(\.value).filter { found in
      found.networks.count > 1 && !(last?.precedes(found.session) ?? false)
    }
    return (found.map(\.told), last)
  }

  /// The first sessions that were used on some days, by session, from however many networks.
  private func sessions(
    in slice: ClosedRange<UsageDay>, since: Instant, after session: String, through last: String?, limit: Int,
    on connection: Connection
  ) throws -> [SessionNetworks] {
    try connection.query(
      """
      SELECT session, min(identity), (array_agg(address ORDER BY address))[:\(Int32(Self.addresses))], min(used_at)
      FROM (
        SELECT session, min(identity) AS identity, min(address) AS address, min(used_at) AS used_at
        FROM (
          SELECT session, identity, used_at, address
          FROM tenure.usage
          WHERE tenant_id = \(tenant.id) AND \(unsafe: slice.condition) AND used_at >= \(since.timestamp) AND session > \(session)
            AND (\(last) IS NULL OR session <= \(last))
            AND address ~ '^([0-9]{1,3}(\\.[0-9]{1,3}){3}|[0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f.]*)$'
        ) AS used
        GROUP BY session, substring(address FROM '^(?:[0:]+:[fF]{4}:[0-9A-Fa-f]+(?:\\.[0-9]+)?|[^.:]*[.:][^.:]*)')
      ) AS prefixes
      GROUP BY session ORDER BY session LIMIT \(Int64(limit))
      """
    ).map { row in
      let networks = Set(try row.array(2, of: String.self).compactMap(Self.network(of:)))
      return SessionNetworks(
        session: try row.string(0), identity: try row.string(1), networks: networks.sorted { $0.precedes($1) },
        firstUsed: Instant(try row.timestamp(3)))
    }
  }

  /// When identities did anything last, denied or not; those that never did are left out.
  ///
  /// Some four round trips: a look at an index of the roll-up for each, and of the days that are not rolled up.
  public func lastUses(of identities: [String]) throws -> [Entity: Instant] {
    if identities.isEmpty { return [:] }
    var uses: [Entity: Instant] = [:]
    try tenant.withConnection { connection in
      func note(_ rows: Rows) throws {
        for row in rows {
          let identity = Entity.identity(try row.string(0))
          uses[identity] = max(uses[identity] ?? .earliest, Instant(try row.timestamp(1)))
        }
      }
      // The roll-up last: what is rolled up, or closed, meanwhile is then in it.
      if let first = try UsageRollUp.markedDays(of: tenant.id, on: connection).first {
        for slice in try slices(from: first.start, to: .latest, on: connection) {
          try note(
            connection.query(
              """
              SELECT identity, max(used_at) FROM tenure.usage
              WHERE tenant_id = \(tenant.id) AND \(unsafe: slice.condition) AND identity = ANY(\(identities)) GROUP BY identity
              """))
        }
      }
      try note(
        connection.query(
          """
          SELECT i.identity, u.last_used FROM unnest(\(identities)) AS i (identity), LATERAL (
            SELECT max(d.last_used) AS last_used FROM tenure.usage_daily d
            WHERE d.tenant_id = \(tenant.id) AND d.identity = i.identity
          ) u WHERE u.last_used IS NOT NULL
          """))
    }
    return uses
  }

  /// The network that an address lies in; nil for what is no address.
  static func network(of address: String) -> String? {
    let parts = address.split(separator: ".", omittingEmptySubsequences: false)
    if parts.count == 4, parts.allSatisfy({ UInt8($0) != nil }) { return "\(parts[0]).\(parts[1]).0.0/16" }
    let groups = address.split(separator: ":", omittingEmptySubsequences: false)
    if let mapped = mapped(groups) { return mapped }
    guard groups.count > 2, groups.count <= 9, groups.allSatisfy({ $0.isEmpty || UInt16($0, radix: 16) != nil }) else {
      return nil
    }
    // Behind the two colons that stand for zeros nothing is of the first bits.
    let first = groups.prefix { !$0.isEmpty }.prefix(2).compactMap { UInt16($0, radix: 16) }
    let filled = first + Array(repeating: 0, count: 2 - first.count)
    return filled.map { String($0, radix: 16) }.joined(separator: ":") + "::/32"
  }

  /// The network of an IPv4 address that is written as one of IPv6, `::ffff:192.0.2.1` or `::ffff:c000:201`; nil for any other.
  ///
  /// RFC 4291, 2.5.5.2: 80 bits of zeros, 16 of ones, and the address.
  private static func mapped(_ groups: [Substring]) -> String? {
    let isDotted = groups.last?.contains(".") ?? false
    let head = groups.dropLast(isDotted ? 1 : 2)
    guard let ones = head.last, UInt16(ones, radix: 16) == 0xffff else { return nil }
    let zeros = head.dropLast()
    guard zeros.allSatisfy({ $0.isEmpty || UInt16($0, radix: 16) == 0 }), zeros.contains("") || zeros.count == 5 else {
      return nil
    }
    if isDotted { return groups.last.flatMap { network(of: String($0)) } }
    guard let first = UInt16(groups[head.endIndex], radix: 16) else { return nil }
    return "\(first >> 8).\(first & 0xff).0.0/16"
  }
}
