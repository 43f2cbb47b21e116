public import JSON
public import Postgres
public import Temporal

/// What one webhook is told of one event, and how that went.
public struct WebhookDelivery: Hashable, Sendable {
  /// What became of it.
  public enum State: String, Hashable, Sendable, CaseIterable {
    /// It is to be sent, or sent again.
    case pending
    /// The receiver has acknowledged it.
    case delivered
    /// It was given up; nothing is sent unless somebody asks.
    case dead
  }

  /// The webhook.
  public var webhook: String
  /// The event's position.
  public var position: Int64
  /// What became of it.
  public var state: State
  /// When it was first to be sent.
  public var madeAt: Instant
  /// How often it was sent since it was made, or asked for again.
  public var attempts: Int32
  /// When it was first sent, of those.
  public var firstAttemptAt: Instant?
  /// When it was last sent.
  public var lastAttemptAt: Instant?
  /// Not sent again before; nil where it is not sent again.
  public var nextAttemptAt: Instant?
  /// The status of the last answer; nil where there was none.
  public var lastStatus: Int32?
  /// Why the last attempt failed.
  public var lastError: String?
}

extension WebhookDelivery {
  /// Deliveries that one question may list.
  public static let maximumListed = 1_000

  private static let columns = """
    webhook_id, position, state, made_at, attempts, first_attempt_at, last_attempt_at, next_attempt_at, last_status, last_error
    """

  private init(_ row: Row) throws {
    webhook = try row.string(0)
    position = try row.int64(1)
    let state = try row.string(2)
    guard let known = State(rawValue: state) else {
      throw UnreadableRow(description: "a delivery is in the state \(state), which this program does not know")
    }
    self.state = known
    madeAt = Instant(try row.timestamp(3))
    attempts = try row.int32(4)
    firstAttemptAt = try row.optionalTimestamp(5).map { Instant($0) }
    lastAttemptAt = try row.optionalTimestamp(6).map { Instant($0) }
    nextAttemptAt = try row.optionalTimestamp(7).map { Instant($0) }
    lastStatus = try row.optionalInt32(8)
    lastError = try row.optionalString(9)
  }

  /// Deliveries of a webhook, those of the newest events first.
  ///
  /// One round trip.
  /// - Parameters:
  ///   - state: only those. The default is all.
  ///   - before: only those of events before this position. The default is all.
  ///   - limit: how many at most, up to ``maximumListed``.
  public static func newest(
    of webhook: String, tenant: Int32, state: State? = nil, before: Int64? = nil, limit: Int, on connection: Connection
  ) throws -> [WebhookDelivery] {
    try connection.query(
      """
      SELECT \(unsafe: columns) FROM tenure.webhook_delivery
      WHERE tenant_id = \(tenant) AND webhook_id = \(webhook) AND position < \(before ?? .max)
        AND (\(state?.rawValue) IS NULL OR state = \(state?.rawValue))
      ORDER BY position DESC LIMIT \(Int64(min(limit, maximumListed)))
      """
    ).map { try WebhookDelivery($0) }
  }

  /// Has a delivery sent again by the next run, as if it were new: whatever it is but delivered.
  ///
  /// - Throws: ``WebhookError``; `PostgresError`.
  public static func retry(
    _ position: Int64, of webhook: String, tenant: Int32, at now: Instant, on connection: Connection
  ) throws {
    try connection.transaction { connection in
      try requireOpen(webhook, tenant: tenant, on: connection)
      let state = try connection.query(
        """
        SELECT state FROM tenure.webhook_delivery
        WHERE tenant_id = \(tenant) AND webhook_id = \(webhook) AND position = \(position) FOR UPDATE
        """
      ).first?.string(0)
      guard let state else { throw WebhookError.noDelivery(position) }
      guard state != State.delivered.rawValue else { throw WebhookError.delivered(position) }
      try connection.run(
        """
        UPDATE tenure.webhook_delivery SET state = 'pending', attempts = 0, first_attempt_at = NULL,
          next_attempt_at = \(Timestamp(now))
        WHERE tenant_id = \(tenant) AND webhook_id = \(webhook) AND position = \(position)
        """)
    }
  }

  /// Deliveries that one call has sent again: well under a second of work.
  public static let maximumRetried = 10_000

  /// Has dead deliveries of a webhook sent again by the next runs, as if they were new: those of the oldest events, at most
  /// ``maximumRetried``; again until none is left.
  ///
  /// - Parameter limit: how many at most. The default is ``maximumRetried``.
  /// - Returns: how many they are.
  /// - Throws: ``WebhookError``; `PostgresError`.
  public static func retryDead(
    of webhook: String, tenant: Int32, limit: Int = maximumRetried, at now: Instant, on connection: Connection
  ) throws -> Int {
    try connection.transaction { connection in
      try requireOpen(webhook, tenant: tenant, on: connection)
      return try connection.run(
        """
        UPDATE tenure.webhook_delivery d SET state = 'pending', attempts = 0, first_attempt_at = NULL,
          next_attempt_at = \(Timestamp(now))
        FROM (
          SELECT position FROM tenure.webhook_delivery
          WHERE tenant_id = \(tenant) AND webhook_id = \(webhook) AND state = 'dead'
          ORDER BY position LIMIT \(Int64(min(limit, maximumRetried)))) dead
        WHERE d.tenant_id = \(tenant) AND d.webhook_id = \(webhook) AND d.position = dead.position AND d.state = 'dead'
        """)
    }
  }

  /// Locks a webhook that has not ended, so that it does not meanwhile, and has it sent to at once: who asks knows that it is well.
  private static func requireOpen(_ webhook: String, tenant: Int32, on connection: Connection) throws {
    let isOpen = try connection.run(
      """
      UPDATE tenure.webhook SET resting_until = NULL
      WHERE tenant_id = \(tenant) AND webhook_id = \(webhook) AND ended_at IS NULL
      """)
    if isOpen == 1 { return }
    _ = try Webhook.find(webhook, tenant: tenant, on: connection)
    throw WebhookError.ended(webhook)
  }

  /// Deliveries of a kind that are counted: whether there are more is no other news.
  public static let maximumCounted: Int64 = 10_000

  /// How many deliveries of webhooks are pending and dead, each up to ``maximumCounted``, through the indexes of those.
  public static func counts(
    of webhooks: [Webhook], tenant: Int32, on connection: Connection
  ) throws -> [String: (pending: Int64, dead: Int64)] {
    var counts: [String: (pending: Int64, dead: Int64)] = [:]
    let rows = try connection.query(
      """
      SELECT w.id,
        (SELECT count(*) FROM (
          SELECT FROM tenure.webhook_delivery d
          WHERE d.tenant_id = \(tenant) AND d.webhook_id = w.id AND d.state = 'pending' LIMIT \(maximumCounted)) pending),
        (SELECT count(*) FROM (
          SELECT FROM tenure.webhook_delivery d
          WHERE d.tenant_id = \(tenant) AND d.webhook_id = w.id AND d.state = 'dead' LIMIT \(maximumCounted)) dead)
      FROM unnest(\(webhooks.map(\.id))) w (id)
      """)
    for row in rows { counts[try row.string(0)] = (try row.int64(1), try row.int64(2)) }
    return counts
  }
}

extension WebhookDelivery {
  /// As answers have it.
  public var json: JSONValue {
    var object: JSONObject = [
      "webhook": .string(webhook), "position": .integer(position), "state": .string(state.rawValue),
      "made_at": .string(madeAt.description), "attempts": .integer(Int64(attempts)),
    ]
    if let firstAttemptAt { object["first_attempt_at"] = .string(firstAttemptAt.description) }
    if let lastAttemptAt { object["last_attempt_at"] = .string(lastAttemptAt.description) }
    if let nextAttemptAt { object["next_attempt_at"] = .string(nextAttemptAt.description) }
    if let lastStatus { object["last_status"] = .integer(Int64(lastStatus)) }
    if let lastError { object["last_error"] = .string(lastError) }
    return .object(object)
  }
}
