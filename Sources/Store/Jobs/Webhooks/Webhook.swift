import AccessGraph
import Cryptography
public import EventLog
import Governance
import HTTP
public import JSON
public import Postgres
public import Temporal

/// An address that is told of events as they are recorded.
///
/// Operational configuration, kept in `tenure.webhook` and not in the log: see there why.
public struct Webhook: Hashable, Sendable {
  /// Why one has ended.
  public enum Ending: String, Hashable, Sendable {
    /// Somebody asked for it.
    case asked
    /// Its receiver answered 410 Gone.
    case gone
  }

  /// Webhooks of a tenant that have not ended: each costs a request for each event, and they are sent to at the same time.
  public static let maximumPerTenant = 20
  /// Patterns of one webhook: more than there are event types serve nobody.
  public static let maximumTypes = 50
  /// Bytes of a pattern of event types.
  public static let typeBytes = 100

  /// Its id, a UUID; unique among all tenants.
  public var id: String
  /// Where it is; not written into errors and logs, for it may carry a token.
  public var url: String
  /// Patterns of the event types that it is told of.
  public var types: [String]
  /// It is told of what was recorded after this position.
  public var since: Int64
  /// Deliveries are made of all matching events up to this position.
  public var madeThrough: Int64
  /// Attempts in a row that showed that the receiver is not well.
  public var troubles: Int32
  /// Nothing is sent before this moment; nil where it is well.
  public var restingUntil: Instant?
  /// When it was made.
  public var createdAt: Instant
  /// When it ended; nil while it has not.
  public var endedAt: Instant?
  /// Why it ended.
  public var ending: Ending?
}

/// Why a webhook cannot be made, ended or asked again.
///
/// None holds an address or a secret.
public enum WebhookError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The member of that name is not what it must be.
  case invalid(member: String, problem: String)
  /// There are so many already.
  case tooMany(limit: Int)
  /// The tenant has no webhook of that id.
  case unknown(String)
  /// The webhook has ended.
  case ended(String)
  /// The webhook has no delivery of that event.
  case noDelivery(Int64)
  /// The event was delivered already.
  case delivered(Int64)

  /// One line for an answer.
  public var description: String {
    switch self {
    case .invalid(let member, let problem): "\(member) \(problem)"
    case .tooMany(let limit): "there are \(limit) webhooks already; end one first"
    case .unknown(let id): "there is no webhook \(id)"
    case .ended(let id): "the webhook \(id) has ended; make another one"
    case .noDelivery(let position): "the webhook is not told of an event at position \(position)"
    case .delivered(let position): "the event at position \(position) was delivered already"
    }
  }
}

extension Webhook {
  /// Checks an address: https, or http to this machine.
  ///
  /// - Throws: ``WebhookError/invalid(member:problem:)``.
  public static func check(url: String) throws(WebhookError) {
    do throws(OutgoingAddressError) { _ = try OutgoingAddress(url) } catch {
      throw .invalid(member: "url", problem: error.description)
    }
  }

  /// Checks patterns of event types: each matches one at least, so that a slip of the pen is not silence for ever.
  ///
  /// - Throws: ``WebhookError/invalid(member:problem:)``.
  public static func check(types: [String]) throws(WebhookError) {
    guard (1...maximumTypes).contains(types.count) else {
      throw .invalid(member: "types", problem: "must be 1 to \(maximumTypes) patterns")
    }
    for type in types {
      guard type.utf8.count <= typeBytes, Verb.all.contains(where: { Pattern(type).matches($0.eventType) }) else {
        throw .invalid(
          member: "types",
          problem: "must be patterns such as assignment.* of at most \(typeBytes) bytes, each matching an event type")
      }
    }
  }

  /// Makes a webhook.
  ///
  /// Two at the same moment may pass the limit by one. One round trip.
  /// - Parameters:
  ///   - url: where it is.
  ///   - types: patterns of the event types that it is told of.
  ///   - position: it is told of what is recorded after it. The default is the head: nothing that there is yet.
  ///   - now: the present.
  ///   - randomness: for its id and its secret. The default is the machine's secure randomness.
  /// - Returns: the webhook, and its secret, which is never told again.
  /// - Throws: ``WebhookError``; `PostgresError`.
  public static func add(
    url: String, types: [String] = ["*"], since position: Int64? = nil, tenant: Int32, at now: Instant,
    randomness: Randomness = System.randomness, on connection: Connection
  ) throws -> (webhook: Webhook, secret: SigningSecret) {
    try check(url: url)
    try check(types: types)
    let id = UUIDv7(milliseconds: max(0, now.microseconds / 1000), random: randomness(UUIDv7.randomByteCount)).description
    let secret = SigningSecret(randomness)
    let rows = try connection.query(
      """
      INSERT INTO tenure.webhook (tenant_id, webhook_id, url, types, secret, since, made_through, created_at)
      SELECT h.tenant_id, \(id), \(url), \(types), \(secret.bytes), p.position, p.position, \(Timestamp(now))
      FROM tenure.head h CROSS JOIN LATERAL (SELECT coalesce(\(position), h.position) AS position) p
      WHERE h.tenant_id = \(tenant) AND p.position BETWEEN 0 AND h.position
        AND (SELECT count(*) FROM tenure.webhook w WHERE w.tenant_id = h.tenant_id AND w.ended_at IS NULL)
          < \(Int64(maximumPerTenant))
      RETURNING \(unsafe: columns)
      """)
    if let row = rows.first { return (try Webhook(row), secret) }
    let isOpen = try openCount(tenant: tenant, on: connection) < maximumPerTenant
    throw isOpen
      ? WebhookError.invalid(member: "since", problem: "must be a position of the log") : .tooMany(limit: maximumPerTenant)
  }

  /// Ends a webhook: its secret is taken away, and what it was still to be told is given up.
  ///
  /// - Throws: ``WebhookError/unknown(_:)``, ``WebhookError/ended(_:)``; `PostgresError`.
  public static func end(
    _ id: String, tenant: Int32, because ending: Ending = .asked, at now: Instant, on connection: Connection
  ) throws {
    try connection.transaction { connection in
      // First the webhook, which whoever makes deliveries locks: after it no more are made.
      let isEnded = try connection.run(
        """
        UPDATE tenure.webhook SET ended_at = \(Timestamp(now)), ended_because = \(ending.rawValue), secret = NULL
        WHERE tenant_id = \(tenant) AND webhook_id = \(id) AND ended_at IS NULL
        """)
      guard isEnded == 1 else {
        _ = try find(id, tenant: tenant, on: connection)
        throw WebhookError.ended(id)
      }
      try connection.run(
        """
        UPDATE tenure.webhook_delivery SET state = 'dead', next_attempt_at = NULL,
          last_error = \(ending == .gone ? "the webhook has ended: its receiver answered 410 Gone" : "the webhook was ended")
        WHERE tenant_id = \(tenant) AND webhook_id = \(id) AND state = 'pending'
        """)
    }
  }

  /// Webhooks that one question may list.
  public static let maximumListed = 1_000

  /// Webhooks of a tenant, ended ones too, in the order of their ids, which is that of their making.
  ///
  /// One round trip.
  /// - Parameters:
  ///   - id: those after it. The default is the first.
  ///   - limit: how many at most, up to ``maximumListed``, which is the default.
  public static func list(
    after id: String = "", limit: Int = maximumListed, tenant: Int32, on connection: Connection
  ) throws -> [Webhook] {
    try connection.query(
      """
      SELECT \(unsafe: columns) FROM tenure.webhook WHERE tenant_id = \(tenant) AND webhook_id > \(id)
      ORDER BY webhook_id LIMIT \(Int64(min(limit, maximumListed)))
      """
    ).map { try Webhook($0) }
  }

  /// How many webhooks there are that have not ended.
  static func openCount(tenant: Int32, on connection: Connection) throws -> Int {
    Int(
      try connection.query(
        "SELECT count(*) FROM tenure.webhook WHERE tenant_id = \(tenant) AND ended_at IS NULL")[0].int64(0))
  }

  /// The webhook of an id.
  ///
  /// - Throws: ``WebhookError/unknown(_:)``; `PostgresError`.
  public static func find(_ id: String, tenant: Int32, on connection: Connection) throws -> Webhook {
    let rows = try connection.query(
      "SELECT \(unsafe: columns) FROM tenure.webhook WHERE tenant_id = \(tenant) AND webhook_id = \(id)")
    guard let row = rows.first else { throw WebhookError.unknown(id) }
    return try Webhook(row)
  }

  /// What ``init(_:)`` reads; never the secret.
  static let columns = """
    webhook_id, url, types, since, made_through, troubles, resting_until, created_at, ended_at, ended_because
    """

  init(_ row: Row) throws {
    id = try row.string(0)
    url = try row.string(1)
    types = try row.array(2)
    since = try row.int64(3)
    madeThrough = try row.int64(4)
    troubles = try row.int32(5)
    restingUntil = try row.optionalTimestamp(6).map { Instant($0) }
    createdAt = Instant(try row.timestamp(7))
    endedAt = try row.optionalTimestamp(8).map { Instant($0) }
    ending = try row.optionalString(9).flatMap { Ending(rawValue: $0) }
  }
}

extension Webhook {
  /// As answers have it; without its secret.
  public func json(pending: Int64, dead: Int64) -> JSONValue {
    var object: JSONObject = [
      "id": .string(id), "url": .string(url), "types": .array(types.map { .string($0) }), "since": .integer(since),
      "made_through": .integer(madeThrough), "created_at": .string(createdAt.description), "pending": .integer(pending),
      "dead": .integer(dead), "troubles": .integer(Int64(troubles)),
    ]
    if let restingUntil { object["resting_until"] = .string(restingUntil.description) }
    if let endedAt { object["ended_at"] = .string(endedAt.description) }
    if let ending { object["ended_because"] = .string(ending.rawValue) }
    return .object(object)
  }
}
