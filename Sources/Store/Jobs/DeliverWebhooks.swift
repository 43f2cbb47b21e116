import Dispatch
import EventLog
import HTTP
import JSON
import Postgres
import Synchronization
import Temporal

extension Job {
  /// Tells each webhook of the events that it asked for.
  ///
  /// Counts: `made`, deliveries made of new events; `delivered`, those that a receiver has acknowledged; `failed`, attempts
  /// that failed and are made again; `dead`, deliveries given up; `pruned`, where there are any, those of long ago
  /// that it let go.
  ///
  /// Each event is told at least once, or its delivery is dead and says why: a run that is killed between an answer and its note
  /// sends again, under the same `webhook-id`. To one webhook one request is under way at a time, and in each run they go out in the order of positions. One
  /// that fails is passed by later ones, so receivers who need the order look at the position, which each body has.
  public static let deliverWebhooks = deliverWebhooks(timeLimit: DeliverWebhooks.timeLimit)

  /// The same with another limit to each attempt.
  static func deliverWebhooks(timeLimit: Duration) -> Job {
    Job(
      name: "deliver-webhooks", summary: "tells webhooks of the events that they asked for",
      schedule: .fixed("* * * * *"), catchUp: .once
    ) { try DeliverWebhooks(context: $0, timeLimit: timeLimit).run() }
  }
}

/// One run of the job.
///
/// First it makes deliveries of the events that each webhook was not told of: in one statement with the position up to which that
/// is done, so that none is missed or made twice. Positions have no gaps and are committed in their order, so the position is a
/// cursor that skips nothing.
///
/// Then it sends what is due: to all webhooks at the same time, to each one after another, so that a receiver that hangs costs the
/// others nothing and the run no more than the limit of one attempt. All that is noted goes through the session that holds the
/// run's lock, on this thread.
///
/// A receiver that is not well, which does not answer, or answers 5xx, 408, 425 or 429, is left alone for a while that grows with
/// the troubles: a dead one costs the runs of all tenants one attempt every ten minutes. Any other answer is about the one
/// delivery, and the next follows at once.
private final class DeliverWebhooks {
  /// How long an attempt may take: receivers are to acknowledge first and to work then, as the specification tells them.
  static let timeLimit: Duration = .seconds(10)
  /// Events that one statement looks at.
  static let eventsPerPage: Int64 = 1_000
  /// Pages of events that a run looks at for each webhook, so that one told of a whole log keeps nobody waiting.
  static let pagesPerRun = 100
  /// Due deliveries of a webhook that are read at a time.
  static let duePerPage: Int64 = 100
  /// Days for which it is kept what a webhook was told, and when: an audit's year and a month.
  static let keptDays: Int64 = 400
  /// Old deliveries of each webhook that a run looks at: well under a second of work.
  static let prunedPerRun: Int64 = 1_000
  /// How long a run begins to send: less than the minute until the next, which makes deliveries of new events.
  static let sendingTime: Duration = .seconds(45)

  private let context: JobContext
  private let timeLimit: Duration
  private let now: Instant
  /// Made when first needed: most runs have nothing to send.
  private lazy var requests = OutgoingRequests()
  private let arrivals = Arrivals()
  private var made: Int64 = 0
  private var delivered: Int64 = 0
  private var failed: Int64 = 0
  private var dead: Int64 = 0

  init(context: JobContext, timeLimit: Duration) {
    self.context = context
    self.timeLimit = timeLimit
    now = context.clock()
  }

  func run() throws -> JobReport {
    let lanes = try openLanes()
    for lane in lanes { try makeDeliveries(for: lane.webhook) }
    try send(lanes)
    for lane in lanes where lane.dead > 0 {
      context.alarm(.deliveriesDead(tenant: context.tenant.name, webhook: lane.webhook, count: lane.dead))
    }
    let pruned = try prune()
    var counts = ["made": made, "delivered": delivered, "failed": failed, "dead": dead]
    if pruned > 0 { counts["pruned"] = pruned }
    return JobReport(counts: counts)
  }

  /// Lets go what webhooks were told long ago, of ended ones too.
  private func prune() throws -> Int64 {
    let before = now.adding(microseconds: -Self.keptDays * 86_400_000_000)
    let rows = try context.connection.query(
      """
      SELECT coalesce(sum(tenure.prune_deliveries(tenant_id, webhook_id, \(Timestamp(before)), \(Self.prunedPerRun))), 0)::int8
      FROM tenure.webhook WHERE tenant_id = \(context.tenant.id)
      """)
    return try rows[0].int64(0)
  }

  // MARK: Making

  private func makeDeliveries(for webhook: String) throws {
    for _ in 0..<Self.pagesPerRun where !context.isOver() {
      let rows = try context.connection.query(
        """
        WITH w AS MATERIALIZED (
          SELECT * FROM tenure.webhook
          WHERE tenant_id = \(context.tenant.id) AND webhook_id = \(webhook) AND ended_at IS NULL FOR UPDATE
        ), reached AS MATERIALIZED (
          -- Where another run came between: its position may be above the head that this statement sees.
          SELECT greatest(w.made_through, least(h.position, w.made_through + \(Self.eventsPerPage))) AS position, h.position AS head
          FROM w JOIN tenure.head h ON h.tenant_id = w.tenant_id
        ), made AS (
          INSERT INTO tenure.webhook_delivery (tenant_id, webhook_id, position, state, made_at, next_attempt_at)
          SELECT w.tenant_id, w.webhook_id, e.position, 'pending', \(Timestamp(now)), \(Timestamp(now))
          FROM w CROSS JOIN reached r
          JOIN tenure.event e ON e.tenant_id = w.tenant_id AND e.position > w.made_through AND e.position <= r.position
          WHERE EXISTS (SELECT FROM unnest(w.types) t WHERE e.type LIKE tenure.like_pattern(t))
          ON CONFLICT DO NOTHING RETURNING position
        )
        UPDATE tenure.webhook u SET made_through = r.position FROM reached r
        WHERE u.tenant_id = \(context.tenant.id) AND u.webhook_id = \(webhook)
        RETURNING (SELECT count(*) FROM made), r.position < r.head
        """)
      guard let row = rows.first else { return }
      made += try row.int64(0)
      if try !row.bool(1) { return }
    }
  }

  // MARK: Sending

  /// The webhooks that may be sent to now.
  private func openLanes() throws -> [Lane] {
    let rows = try context.connection.query(
      """
      SELECT webhook_id, url, secret, troubles, resting_until IS NOT NULL AND resting_until > \(Timestamp(now))
      FROM tenure.webhook WHERE tenant_id = \(context.tenant.id) AND ended_at IS NULL ORDER BY created_at, webhook_id
      """)
    return try rows.map { row in
      let lane = Lane(
        webhook: try row.string(0), url: try row.string(1), secret: SigningSecret(stored: try row.bytes(2)),
        troubles: try row.int32(3))
      lane.isDone = try row.bool(4)
      return lane
    }
  }

  /// Sends until nothing is due or the time is over; returns when all that was sent is noted.
  private func send(_ lanes: [Lane]) throws {
    let end = ContinuousClock.now + Self.sendingTime
    var underWay = 0
    while true {
      for (index, lane) in lanes.enumerated() where !lane.isDone && !lane.isBusy {
        if context.isOver() || ContinuousClock.now > end { break }
        underWay += try sendNext(of: lane, index) ? 1 : 0
      }
      if underWay == 0 { return }
      let arrival = arrivals.take()
      underWay -= 1
      lanes[arrival.lane].isBusy = false
      try note(arrival, lanes[arrival.lane])
    }
  }

  /// Sends the next that is due; false, and the lane is done, where there is none.
  private func sendNext(of lane: Lane, _ index: Int) throws -> Bool {
    while let due = try nextDue(lane) {
      guard let body = try body(of: due.position, to: lane.webhook) else { continue }
      send(due, body, lane, index)
      return true
    }
    lane.isDone = true
    return false
  }

  private func nextDue(_ lane: Lane) throws -> Due? {
    if lane.due.isEmpty, !lane.isReadToEnd {
      let rows = try context.connection.query(
        """
        -- Apart, so that the order is no reason to look for them among all that was delivered.
        WITH due AS MATERIALIZED (
          SELECT position, attempts, first_attempt_at FROM tenure.webhook_delivery
          WHERE tenant_id = \(context.tenant.id) AND webhook_id = \(lane.webhook) AND state = 'pending'
            AND next_attempt_at <= \(Timestamp(now)) AND position > \(lane.lastPosition)
        )
        SELECT position, attempts, first_attempt_at FROM due ORDER BY position LIMIT \(Self.duePerPage)
        """)
      lane.due = try rows.map { row in
        Due(
          position: try row.int64(0), attempts: try row.int32(1),
          firstAttemptAt: try row.optionalTimestamp(2).map { Instant($0) })
      }[...]
      lane.isReadToEnd = rows.count < Self.duePerPage
      lane.lastPosition = lane.due.last?.position ?? lane.lastPosition
    }
    return lane.due.popFirst()
  }

  private func send(_ due: Due, _ body: [UInt8], _ lane: Lane, _ index: Int) {
    // The tenant's name may hold full stops, and a webhook's id is no other tenant's.
    let id = "\(lane.webhook):\(due.position)"
    let at = context.clock()
    var headers: Headers = ["Content-Type": "application/json"]
    for field in lane.secret.headers(id: id, seconds: at.microseconds / 1_000_000, body: body) {
      headers.append(field.name, field.value)
    }
    lane.isBusy = true
    let arrive = { @Sendable [arrivals] outcome in
      arrivals.put(Arrival(lane: index, id: id, due: due, sentAt: at, outcome: outcome))
    }
    do throws(OutgoingAddressError) {
      let request = OutgoingRequest(to: try OutgoingAddress(lane.url), headers: headers, body: body)
      requests.send(request, timeLimit: timeLimit, completion: arrive)
    } catch {
      // Checked when it was made, perhaps by an older version: what one webhook gets wrong keeps no other waiting.
      arrive(.unanswered("the address \(error)"))
    }
  }

  /// What is told of an event: its body as it stands in the log, and beside it what a receiver looks at first.
  ///
  /// Nil where there is nothing to tell any more: the webhook was ended since the delivery was read.
  private func body(of position: Int64, to webhook: String) throws -> [UInt8]? {
    let rows = try context.connection.query(
      """
      SELECT e.type, e.recorded_at, e.body
      FROM tenure.webhook_delivery d JOIN tenure.event e ON e.tenant_id = d.tenant_id AND e.position = d.position
      WHERE d.tenant_id = \(context.tenant.id) AND d.webhook_id = \(webhook) AND d.position = \(position) AND d.state = 'pending'
      """)
    guard let row = rows.first else { return nil }
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("type")
    writer.string(try row.string(0))
    writer.key("timestamp")
    writer.string(Instant(try row.timestamp(1)).description)
    writer.key("tenant")
    writer.string(context.tenant.name)
    writer.key("position")
    writer.integer(position)
    writer.key("event")
    writer.rawJSON(try row.string(2).utf8)
    writer.endObject()
    return writer.take()
  }

  // MARK: Noting

  private func note(_ arrival: Arrival, _ lane: Lane) throws {
    switch arrival.outcome {
    case .answered(let status, _) where (200...299).contains(status):
      delivered += 1
      try note(arrival, lane, .delivered, status: status)
      try noteHealth(lane, isWell: true)
    case .answered(let status, _) where status == 410:
      dead += 1
      lane.isDone = true
      try note(arrival, lane, .dead, status: status, error: "answered 410 Gone")
      try endGone(lane.webhook)
    case .answered(let status, let seconds):
      let isWell = status < 500 && ![408, 425, 429].contains(status)
      let error = (300...399).contains(status) ? "answered \(status): redirects are not followed" : "answered \(status)"
      try noteFailure(arrival, lane, status: status, error: error, isWell: isWell, retryAfterSeconds: seconds)
    case .unanswered(let why):
      try noteFailure(arrival, lane, status: nil, error: why, isWell: false, retryAfterSeconds: nil)
    }
  }

  private func endGone(_ webhook: String) throws {
    do {
      try Webhook.end(webhook, tenant: context.tenant.id, because: .gone, at: context.clock(), on: context.connection)
      context.alarm(.webhookGone(tenant: context.tenant.name, webhook: webhook))
    } catch WebhookError.ended {
      // By somebody else meanwhile, who knows.
    }
  }

  private func noteFailure(
    _ arrival: Arrival, _ lane: Lane, status: Int?, error: String, isWell: Bool, retryAfterSeconds: Int?
  ) throws {
    let (due, at) = (arrival.due, context.clock())
    let isGivenUp = (due.firstAttemptAt ?? arrival.sentAt).distance(to: at) >= RetrySchedule.givenUpAfter
    if isGivenUp {
      dead += 1
      lane.dead += 1
      try note(arrival, lane, .dead, status: status, error: error)
    } else {
      failed += 1
      let attempts = due.attempts + 1
      let pause = RetrySchedule.pause(
        after: attempts, jitter: RetrySchedule.jitter(of: arrival.id, attempt: attempts), retryAfterSeconds: retryAfterSeconds)
      try note(arrival, lane, .pending, status: status, error: error, next: at.adding(microseconds: pause))
    }
    try noteHealth(lane, isWell: isWell, retryAfterSeconds: retryAfterSeconds)
  }

  /// An acknowledgement counts even where the webhook ended meanwhile; a failure then changes nothing.
  private func note(
    _ arrival: Arrival, _ lane: Lane, _ state: WebhookDelivery.State, status: Int?, error: String? = nil, next: Instant? = nil
  ) throws {
    try context.connection.run(
      """
      UPDATE tenure.webhook_delivery SET state = \(state.rawValue), attempts = attempts + 1,
        first_attempt_at = coalesce(first_attempt_at, \(Timestamp(arrival.sentAt))),
        last_attempt_at = \(Timestamp(arrival.sentAt)), next_attempt_at = \(next.map { Timestamp($0) }),
        last_status = \(status.map { Int32($0) }), last_error = \(error)
      WHERE tenant_id = \(context.tenant.id) AND webhook_id = \(lane.webhook) AND position = \(arrival.due.position)
        AND (state = 'pending' OR (state = 'dead' AND \(state == .delivered)))
      """)
  }

  private func noteHealth(_ lane: Lane, isWell: Bool, retryAfterSeconds: Int? = nil) throws {
    if isWell, lane.troubles == 0 { return }
    lane.troubles = isWell ? 0 : lane.troubles + 1
    if !isWell { lane.isDone = true }
    if lane.troubles == RetrySchedule.troublesAlarmed {
      context.alarm(.receiverUnwell(tenant: context.tenant.name, webhook: lane.webhook, troubles: lane.troubles))
    }
    let rest = isWell ? nil : RetrySchedule.rest(after: lane.troubles, retryAfterSeconds: retryAfterSeconds)
    try context.connection.run(
      """
      UPDATE tenure.webhook SET troubles = \(lane.troubles),
        resting_until = \(rest.map { Timestamp(context.clock().adding(microseconds: $0)) })
      WHERE tenant_id = \(context.tenant.id) AND webhook_id = \(lane.webhook) AND ended_at IS NULL
      """)
  }
}

/// A delivery that is due.
private struct Due: Sendable {
  let position: Int64
  /// How often it was sent.
  let attempts: Int32
  let firstAttemptAt: Instant?
}

/// What goes to one webhook in a run, one after another.
private final class Lane {
  let webhook: String
  let url: String
  let secret: SigningSecret
  var troubles: Int32
  /// What was read and is not sent yet, in the order of positions.
  var due: ArraySlice<Due> = []
  /// The last position that was read.
  var lastPosition: Int64 = 0
  var isReadToEnd = false
  /// Whether a request is under way.
  var isBusy = false
  /// Whether nothing more is sent in this run.
  var isDone = false
  /// Deliveries given up.
  var dead: Int64 = 0

  init(webhook: String, url: String, secret: SigningSecret, troubles: Int32) {
    self.webhook = webhook
    self.url = url
    self.secret = secret
    self.troubles = troubles
  }
}

/// What came of one request.
private struct Arrival: Sendable {
  let lane: Int
  let id: String
  let due: Due
  let sentAt: Instant
  let outcome: OutgoingOutcome
}

/// What came and is not noted yet: put by the client's threads, taken by the run's.
private final class Arrivals: Sendable {
  private let waiting = Mutex<[Arrival]>([])
  private let count = DispatchSemaphore(value: 0)

  func put(_ arrival: Arrival) {
    waiting.withLock { $0.append(arrival) }
    count.signal()
  }

  /// Waits for the next; each request has one within its time limit.
  func take() -> Arrival {
    count.wait()
    return waiting.withLock { $0.removeFirst() }
  }
}
