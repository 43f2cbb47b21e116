import AccessGraph
import EventLog
import Foundation
import Governance
import HTTP
import JSON
import Postgres
import Synchronization
import Temporal
import TestSupport
import Testing

@testable import Jobs

/// Systems that asked for events are told of them, at least once, whatever fails in between.
@Suite struct DeliverWebhooksTests {
  let work: Workplace
  let receiver: Receiver

  init() throws {
    work = try Workplace()
    receiver = try Receiver()
  }

  // MARK: What the tests do

  private func add(_ url: String? = nil, types: [String] = ["*"], since: Int64? = nil) throws -> (Webhook, SigningSecret) {
    let made = try Webhook.add(
      url: url ?? receiver.url(), types: types, since: since, tenant: work.tenant.id, at: work.clock.now, on: work.connection)
    return (made.webhook, made.secret)
  }

  private func webhook(_ id: String) throws -> Webhook { try Webhook.find(id, tenant: work.tenant.id, on: work.connection) }

  private func deliveries(_ webhook: Webhook) throws -> [WebhookDelivery] {
    try WebhookDelivery.newest(of: webhook.id, tenant: work.tenant.id, limit: 10_000, on: work.connection).reversed()
  }

  /// Runs the job as a process would; what it has to say is appended to the alarms.
  @discardableResult
  private func run(_ job: Job = .deliverWebhooks, _ alarms: Alarms = Alarms()) throws -> JobRun {
    let runner = try JobRunner(store: work.store, connection: work.connection, process: "test/1") { alarms.add($0) }
    let run = try #require(try runner.run(job, for: work.jobTenant))
    #expect(run.state == .succeeded, "\(run.error ?? "")")
    return run
  }

  private final class Alarms: Sendable {
    private let all = Mutex<[String]>([])
    func add(_ alarm: JobAlarm) { all.withLock { $0.append("\(alarm)") } }
    var texts: [String] { all.withLock { $0 } }
  }

  private func counts(made: Int64 = 0, delivered: Int64 = 0, failed: Int64 = 0, dead: Int64 = 0) -> [String: Int64] {
    ["made": made, "delivered": delivered, "failed": failed, "dead": dead]
  }

  private func register(_ count: Int, from first: Int = 0) throws {
    let changes = (first..<first + count).map { Change.identityRegistered(id: "p\($0)", kind: .person, attributes: [:]) }
    try work.tenant.submitAndWait(
      Submission(
        mode: .observation, source: "test", basis: .observed, recordedBy: Recorder(id: "test", authentication: "local"),
        commands: changes.map { Command($0) }))
  }

  /// What a receiver that knows only the specification says to what came.
  private func verified(_ deliveries: [Receiver.Delivery], _ secret: String) throws -> String {
    let file = FileManager.default.temporaryDirectory.appending(path: "tenure-verify-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: file) }
    let lines = deliveries.map { delivery in
      let line: JSONValue = [
        "id": .string(delivery.id), "timestamp": .string(delivery.timestamp), "signature": .string(delivery.signature),
        "body": .string(Data(delivery.body).base64EncodedString()), "secret": .string(secret),
      ]
      return line.canonicalText + "\n"
    }
    try Data(lines.joined().utf8).write(to: file)
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [
      "python3", URL(filePath: #filePath).deletingLastPathComponent().appending(path: "verify.py").path, file.path,
    ]
    process.standardOutput = output
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: text, as: UTF8.self)
  }

  // MARK: What is kept

  @Test func `what a webhook was told long ago goes, what is still to be told stays`() throws {
    let (webhook, _) = try add()
    try register(3)
    #expect(try run().counts == counts(made: 3, delivered: 3))
    work.clock.now = hour(24 * 300)
    try register(2, from: 3)
    try run()
    _ = try work.connection.query(
      """
      UPDATE tenure.webhook_delivery SET state = CASE position WHEN 8 THEN 'dead' ELSE 'pending' END, last_status = NULL,
        next_attempt_at = CASE position WHEN 9 THEN \(Timestamp(hour(24 * 9_999))) END
      WHERE tenant_id = \(work.tenant.id) AND position IN (8, 9)
      """)
    work.clock.now = hour(24 * 401)
    let pruned = try run()
    #expect(pruned.counts["pruned"] == 3)
    #expect(try deliveries(webhook).map(\.position) == [8, 9])
    work.clock.now = hour(24 * 701)
    #expect(try run().counts["pruned"] == 1)
    #expect(try deliveries(webhook).map(\.position) == [9])
    #expect(throws: PostgresError.self) { try work.connection.execute("DELETE FROM tenure.webhook_delivery") }
  }

  @Test func `dead deliveries are sent again so many at a time`() throws {
    let (webhook, _) = try add()
    try register(5)
    try run()
    _ = try work.connection.query(
      """
      UPDATE tenure.webhook_delivery SET state = 'dead', last_status = NULL, next_attempt_at = NULL
      WHERE tenant_id = \(work.tenant.id)
      """)
    func retry() throws -> Int {
      try WebhookDelivery.retryDead(
        of: webhook.id, tenant: work.tenant.id, limit: 3, at: work.clock.now, on: work.connection)
    }
    #expect([try retry(), try retry(), try retry()] == [3, 2, 0])
  }

  // MARK: What is told

  @Test func `an event is told once, as it stands in the log, under a signature that Python verifies`() throws {
    let (webhook, secret) = try add()
    #expect(try run().counts == counts())
    try work.submit(.grant("a1", until: hour(8)))
    try register(2)
    work.clock.now = hour(1)
    #expect(try run().counts == counts(made: 3, delivered: 3))
    #expect(try run().counts == counts())
    let got = receiver.deliveries
    #expect(got.map(\.position) == [5, 6, 7])
    #expect(got.map(\.id) == [5, 6, 7].map { "\(webhook.id):\($0)" })
    #expect(got.allSatisfy { $0.timestamp == "\(hour(1).microseconds / 1_000_000)" })
    var bodies: [Int64: String] = [:]
    try work.tenant.export { bodies[$0.position] = $0.body }
    for delivery in got {
      let event = try EventCodec.decode(Array(try #require(bodies[delivery.position]).utf8), at: delivery.position)
      #expect(
        String(decoding: delivery.body, as: UTF8.self)
          == "{\"type\":\"\(event.change.type)\",\"timestamp\":\"\(event.recordedAt)\",\"tenant\":\"\(work.tenant.name)\","
          + "\"position\":\(delivery.position),\"event\":\(try #require(bodies[delivery.position]))}")
    }
    #expect(try verified(got, secret.text) == "3 genuine, 0 forged\n")
    // The verification sees what it is to see.
    var forged = got
    forged[1] = Receiver.Delivery(
      id: got[1].id, timestamp: got[1].timestamp, signature: got[1].signature, body: got[1].body + [0x20])
    forged[2] = Receiver.Delivery(id: got[1].id, timestamp: got[2].timestamp, signature: got[2].signature, body: got[2].body)
    #expect(try verified(forged, secret.text) == "1 genuine, 2 forged\n")
    #expect(try verified(got, try add().1.text) == "0 genuine, 3 forged\n")
    let kept = try deliveries(webhook)
    #expect(kept.map(\.state) == [.delivered, .delivered, .delivered])
    #expect(
      kept.allSatisfy { $0.attempts == 1 && $0.lastAttemptAt == hour(1) && $0.lastStatus == 204 && $0.nextAttemptAt == nil })
  }

  @Test func `each webhook is told of the types and from the position that it asked for`() throws {
    try work.submit(.grant("old", until: nil))
    let (all, _) = try add(since: 0)
    let (grants, _) = try add(receiver.url("/grants"), types: ["assignment.*", "finding.raised"])
    let (endings, _) = try add(receiver.url("/ends"), types: ["assignment.expired", "assignment.rev?ked"])
    try work.submit(.grant("a1", until: hour(1)), .grant("a2", until: nil))
    try register(1)
    try work.submit(.assignmentRevoked(id: "a2"), .assignmentExpired(id: "a1"), at: hour(1))
    #expect(try run().counts == counts(made: 10 + 4 + 2, delivered: 16))
    #expect(try deliveries(all).map(\.position) == Array(1...10))
    #expect(try deliveries(grants).map(\.position) == [6, 7, 9, 10])
    #expect(try deliveries(endings).map(\.position) == [9, 10])
    #expect(try webhook(endings.id).madeThrough == 10)
  }

  @Test func `many events come in the order of positions, across pages, one request at a time`() throws {
    let underWay = Mutex((now: 0, most: 0))
    receiver.answers { _ in
      underWay.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
      return .later { responder in
        underWay.withLock { $0.now -= 1 }
        responder.respond(Response(status: 200))
      }
    }
    let (webhook, _) = try add(types: ["identity.*"])
    try register(1_150)
    try work.submit(.grant("a1", until: nil))
    try register(1, from: 2_000)
    #expect(try run().counts == counts(made: 1_151, delivered: 1_151))
    #expect(receiver.positions == Array(5...1_154) + [1_156])
    #expect(underWay.withLock { $0.most } == 1)
    #expect(try self.webhook(webhook.id).madeThrough == 1_156)
  }

  @Test func `events recorded while a run goes on are told by it or the next, and none is missed`() throws {
    let (_, _) = try add()
    try register(3)
    let tenant = work.tenant
    let recorded = Mutex(0)
    receiver.answers { _ in
      let number = recorded.withLock { recorded in
        recorded += 1
        return recorded
      }
      // In the middle of the run, at most so many.
      if number <= 4 {
        _ = try? tenant.submitAndWait(
          Submission(
            mode: .observation, source: "test", basis: .observed, recordedBy: Recorder(id: "test", authentication: "local"),
            commands: [Command(.identityRegistered(id: "late\(number)", kind: .person, attributes: [:]))]))
      }
      return .now(Response(status: 200))
    }
    #expect(try run().counts == counts(made: 3, delivered: 3))
    #expect(try run().counts == counts(made: 3, delivered: 3))
    #expect(try run().counts == counts(made: 1, delivered: 1))
    #expect(try run().counts == counts())
    #expect(receiver.positions == Array(5...11))
  }

  // MARK: What fails

  /// AWS TEAM asked once to revoke, met a conflict, and never asked again (TEAM#513).
  @Test func `a receiver that answers 500 for a week gets it still`() throws {
    let alarms = Alarms()
    let (webhook, secret) = try add()
    try register(1)
    receiver.answers(500)
    let begun = work.clock.now
    var times: [Instant] = []
    while begun.distance(to: work.clock.now) < 7 * 24 * 3_600_000_000 {
      times.append(work.clock.now)
      #expect(try run(.deliverWebhooks, alarms).counts == counts(made: times.count == 1 ? 1 : 0, failed: 1))
      #expect(alarms.texts.count == (times.count < 5 ? 0 : 1))
      let delivery = try #require(try deliveries(webhook).first)
      #expect(delivery.state == .pending)
      #expect(delivery.attempts == Int32(times.count))
      #expect(delivery.firstAttemptAt == begun)
      #expect(delivery.lastError == "answered 500")
      // A moment before, nothing is sent.
      let next = try #require(delivery.nextAttemptAt)
      work.clock.now = next.adding(microseconds: -1)
      #expect(try run().counts == counts())
      work.clock.now = next
    }
    // 5 s, 30 s, 2 min, 10 min, 1 h, 3 h, 6 h, then every 12 h, each with a fifth more at most.
    let pauses = zip(times, times.dropFirst()).map { Double($0.distance(to: $1)) / 1_000_000 }
    for (pause, usual) in zip(pauses, [5, 30, 120, 600, 3_600, 10_800, 21_600] + Array(repeating: 43_200.0, count: 20)) {
      #expect(pause >= usual && pause < 1.2 * usual)
    }
    #expect((18...22).contains(times.count))
    receiver.answers(204)
    #expect(try run().counts == counts(delivered: 1))
    let delivery = try #require(try deliveries(webhook).first)
    #expect(delivery.state == .delivered)
    #expect(delivery.attempts == Int32(times.count) + 1)
    #expect(delivery.lastError == nil)
    #expect(try self.webhook(webhook.id).troubles == 0)
    let got = receiver.deliveries
    #expect(Set(got.map(\.id)).count == 1)
    #expect(Set(got.map(\.timestamp)).count == got.count)
    #expect(try verified(got, secret.text) == "\(got.count) genuine, 0 forged\n")
  }

  @Test func `after eight days it is given up with an alarm, and sent again only when asked`() throws {
    let (webhook, _) = try add()
    try register(1)
    receiver.answers(500)
    let (begun, alarms) = (work.clock.now, Alarms())
    var delivery: WebhookDelivery
    repeat {
      try run(.deliverWebhooks, alarms)
      delivery = try #require(try deliveries(webhook).first)
      if let next = delivery.nextAttemptAt { work.clock.now = next }
    } while delivery.state == .pending
    #expect(delivery.state == .dead)
    #expect(delivery.nextAttemptAt == nil)
    #expect(delivery.lastError == "answered 500")
    let eightDays: Int64 = 8 * 24 * 3_600_000_000
    #expect(begun.distance(to: try #require(delivery.lastAttemptAt)) >= eightDays)
    #expect(begun.distance(to: try #require(delivery.lastAttemptAt)) < eightDays + 15 * 3_600_000_000)
    #expect(alarms.texts.count == 2)
    #expect(
      alarms.texts.first == "webhook \(webhook.id) of tenant \(work.tenant.name) has failed 5 times in a row; "
        + "tenure webhook deliveries says how")
    #expect(
      alarms.texts.last?.hasPrefix("deliveries given up to webhook \(webhook.id) of tenant \(work.tenant.name): 1;") == true)
    receiver.forget()
    receiver.answers(204)
    work.clock.now = work.clock.now.adding(microseconds: eightDays)
    #expect(try run().counts == counts())
    #expect(receiver.deliveries.isEmpty)
    #expect(
      try WebhookDelivery.retryDead(of: webhook.id, tenant: work.tenant.id, at: work.clock.now, on: work.connection) == 1)
    #expect(try deliveries(webhook).first?.attempts == 0)
    #expect(try run().counts == counts(delivered: 1))
    #expect(receiver.positions == [5])
    #expect(throws: WebhookError.delivered(5)) {
      try WebhookDelivery.retry(5, of: webhook.id, tenant: work.tenant.id, at: work.clock.now, on: work.connection)
    }
    #expect(throws: WebhookError.noDelivery(1)) {
      try WebhookDelivery.retry(1, of: webhook.id, tenant: work.tenant.id, at: work.clock.now, on: work.connection)
    }
  }

  @Test func `what a dead one is asked for again has its whole schedule anew`() throws {
    let (webhook, _) = try add()
    try register(1)
    receiver.answers(500)
    try run()
    work.clock.now = work.clock.now.adding(microseconds: RetrySchedule.givenUpAfter)
    #expect(try run().counts == counts(dead: 1))
    try WebhookDelivery.retry(5, of: webhook.id, tenant: work.tenant.id, at: work.clock.now, on: work.connection)
    #expect(try run().counts == counts(failed: 1))
    let delivery = try #require(try deliveries(webhook).first)
    #expect(delivery.attempts == 1)
    #expect(work.clock.now.distance(to: try #require(delivery.nextAttemptAt)) < 6_000_001)
  }

  @Test func `a receiver that hangs costs the others nothing, and itself rests`() throws {
    let (held, silent) = (Held(), try Receiver())
    defer { held.release() }
    silent.answers { _ in held.reply }
    let (hanging, _) = try add(silent.url())
    let (well, _) = try add()
    try register(40)
    // Forty times the limit of an attempt would show: after the first the rest of it waits.
    let run = try run(.deliverWebhooks(timeLimit: .milliseconds(400)))
    #expect(run.counts == counts(made: 80, delivered: 40, failed: 1))
    #expect(receiver.positions == Array(5...44))
    #expect(silent.positions == [5])
    #expect(try deliveries(well).allSatisfy { $0.state == .delivered })
    let first = try #require(try deliveries(hanging).first)
    #expect(first.state == .pending)
    #expect(first.lastStatus == nil)
    #expect(first.lastError?.hasPrefix("no answer within 0.4") == true)
    let rest = try #require(try webhook(hanging.id).restingUntil)
    #expect(try self.run().counts == counts())
    held.release()
    silent.answers(204)
    work.clock.now = rest
    // The one that failed rests a little longer; the others do not wait for it.
    #expect(try self.run().counts == counts(delivered: 39))
    #expect(silent.positions.dropFirst() == Array(6...44)[...])
    work.clock.now = hour(1)
    #expect(try self.run().counts == counts(delivered: 1))
    #expect(silent.positions.last == 5)
  }

  @Test func `one event that a receiver does not like is passed by the later ones`() throws {
    let (webhook, _) = try add()
    try register(5)
    receiver.answers { .now(Response(status: $0.position == 6 ? 422 : 200)) }
    #expect(try run().counts == counts(made: 5, delivered: 4, failed: 1))
    #expect(receiver.positions == [5, 6, 7, 8, 9])
    #expect(try self.webhook(webhook.id).restingUntil == nil)
    let delivery = try deliveries(webhook)[1]
    #expect(delivery.state == .pending)
    #expect(delivery.lastError == "answered 422")
    receiver.answers(200)
    work.clock.now = hour(1)
    #expect(try run().counts == counts(delivered: 1))
    #expect(receiver.positions.last == 6)
  }

  @Test func `a receiver that asks for time has it, up to an hour`() throws {
    let (webhook, _) = try add()
    try register(3)
    for (asked, had) in [("90", 90), ("86400", 3_600)] as [(String, Int64)] {
      receiver.forget()
      receiver.answers(429, ["Retry-After": asked])
      #expect(try run().counts["failed"] == 1)
      #expect(receiver.deliveries.count == 1)
      let rest = try #require(try self.webhook(webhook.id).restingUntil)
      #expect(work.clock.now.distance(to: rest) == had * 1_000_000)
      work.clock.now = rest.adding(microseconds: -1)
      #expect(try run().counts == counts())
      work.clock.now = rest
    }
    receiver.answers(200)
    work.clock.now = hour(3)
    #expect(try run().counts == counts(delivered: 3))
  }

  @Test func `a redirect is a failure, and what it points to sees nothing`() throws {
    let target = try Receiver()
    let (webhook, _) = try add()
    try register(1)
    receiver.answers(307, ["Location": target.url()])
    #expect(try run().counts == counts(made: 1, failed: 1))
    #expect(try deliveries(webhook).first?.lastError == "answered 307: redirects are not followed")
    // Had it been followed, it would have come before this.
    _ = try add(target.url("/own"))
    try register(1, from: 1)
    receiver.answers(204)
    #expect(try run().counts["delivered"] == 2)
    #expect(target.positions == [6])
  }

  @Test func `a receiver that is gone ends its webhook with an alarm`() throws {
    let (webhook, _) = try add()
    try register(3)
    let alarms = Alarms()
    receiver.answers(410)
    #expect(try run(.deliverWebhooks, alarms).counts == counts(made: 3, dead: 1))
    #expect(receiver.positions == [5])
    #expect(
      alarms.texts == ["webhook \(webhook.id) of tenant \(work.tenant.name) has ended: its receiver answered 410 Gone"])
    let ended = try self.webhook(webhook.id)
    #expect(ended.ending == .gone)
    #expect(ended.endedAt == work.clock.now)
    #expect(try deliveries(webhook).map(\.state) == [.dead, .dead, .dead])
    #expect(
      try work.connection.query("SELECT FROM tenure.webhook WHERE secret IS NOT NULL AND webhook_id = \(webhook.id)").isEmpty)
    try register(1, from: 9)
    work.clock.now = hour(500)
    #expect(try run().counts == counts())
    #expect(receiver.positions == [5])
    #expect(throws: WebhookError.ended(webhook.id)) {
      try WebhookDelivery.retryDead(of: webhook.id, tenant: work.tenant.id, at: work.clock.now, on: work.connection)
    }
    #expect(throws: WebhookError.ended(webhook.id)) {
      try Webhook.end(webhook.id, tenant: work.tenant.id, at: work.clock.now, on: work.connection)
    }
  }

  @Test func `a webhook that is ended while a request is under way keeps its acknowledgement`() throws {
    let (webhook, _) = try add()
    try register(2)
    let (tenant, clock) = (work.jobTenant, work.clock)
    receiver.answers { _ in
      if let connection = try? JobsDatabase.connect() {
        try? Webhook.end(webhook.id, tenant: tenant.id, at: clock.now, on: connection)
      }
      return .now(Response(status: 200))
    }
    try run()
    #expect(try deliveries(webhook).first?.state == .delivered)
    #expect(try self.webhook(webhook.id).ending == .asked)
    try run()
    #expect(receiver.positions == [5])
  }

  // MARK: Killed, repeated

  @Test func `killed between the answer and its note, it is told again under the same id, and nothing is lost`() throws {
    let (webhook, _) = try add()
    try register(6)
    let connection = try JobsDatabase.connect()
    let process = connection.backendProcessID
    receiver.answers { delivery in
      // The server ends the session of the run, as when its process is killed: the answer comes, and cannot be noted.
      if delivery.position == 7, let superuser = try? Connection(ScratchDatabase.conninfo(user: EmbeddedServer.superuser)) {
        _ = try? superuser.query("SELECT pg_terminate_backend(\(process), 10000)")
      }
      return .now(Response(status: 200))
    }
    let runner = try JobRunner(store: work.store, connection: connection, process: "killed/1")
    #expect(throws: PostgresError.self) { try runner.run(.deliverWebhooks, for: work.jobTenant) }
    #expect(receiver.positions == [5, 6, 7])
    receiver.answers(200)
    #expect(try run().counts == counts(delivered: 4))
    #expect(receiver.positions == [5, 6, 7, 7, 8, 9, 10])
    #expect(receiver.deliveries[2].id == receiver.deliveries[3].id)
    #expect(receiver.deliveries[2].body == receiver.deliveries[3].body)
    #expect(try deliveries(webhook).allSatisfy { $0.state == .delivered })
    #expect(
      try JobRun.newest(of: ["deliver-webhooks"], tenant: work.tenant.name, limit: 2, on: work.connection).map(\.state)
        == [.succeeded, .lost])
  }

  @Test func `a second run waits for the first, and two without the lock make each delivery once`() throws {
    let (webhook, _) = try add()
    try register(4)
    let second = try JobsDatabase.connect()
    let result = Mutex<[JobReport]>([])
    let context = JobContext(
      tenant: work.jobTenant, connection: second, clock: work.store.settings.clock, reached: nil, isOver: { false },
      openTenant: { throw Unexpected() })
    let (store, jobTenant) = (work.store, work.jobTenant)
    let isFirst = Mutex(true)
    let isLocked = Mutex<Bool?>(nil)
    // While the first request of the first run waits for its answer, another run begins.
    let other = OtherRun(context)
    receiver.answers { [receiver] _ in
      guard
        isFirst.withLock({ isFirst in
          defer { isFirst = false }
          return isFirst
        })
      else { return .now(Response(status: 200)) }
      return .later { responder in
        other.queue.async {
          if let connection = try? JobsDatabase.connect(),
            let runner = try? JobRunner(store: store, connection: connection, process: "test/2")
          {
            isLocked.withLock { $0 = try? runner.run(.deliverWebhooks, for: jobTenant) == nil }
          }
          if let report = try? Job.deliverWebhooks.work(other.context) { result.withLock { $0.append(report) } }
          withExtendedLifetime(receiver) { responder.respond(Response(status: 200)) }
        }
      }
    }
    #expect(try run().counts["made"] == 4)
    #expect(isLocked.withLock { $0 } == true)
    let report = try #require(result.withLock { $0.first })
    #expect(report.counts == counts(delivered: 4))
    #expect(try deliveries(webhook).map(\.state) == [.delivered, .delivered, .delivered, .delivered])
    // The one that both were at came twice, under the same id.
    #expect(receiver.positions == [5, 5, 6, 7, 8])
    #expect(Set(receiver.deliveries.map(\.id)).count == 4)
    #expect(try run().counts == counts())
  }

  /// Lends what is made on one thread to another, once.
  private final class OtherRun: @unchecked Sendable {
    let context: JobContext
    let queue = DispatchQueue(label: "other-run")
    init(_ context: JobContext) { self.context = context }
  }

  private struct Unexpected: Error {}

  @Test func `cut short it leaves the rest to the next run`() throws {
    _ = try add()
    try register(30)
    let asked = Mutex(0)
    let context = work.context(isOver: {
      asked.withLock { asked in
        asked += 1
        return asked > 10
      }
    })
    let report = try Job.deliverWebhooks.work(context)
    #expect(report.counts["made"] == 30)
    #expect((1..<30).contains(receiver.deliveries.count))
    try run()
    #expect(receiver.positions == Array(5...34))
  }

  // MARK: Limits and secrets

  @Test func `there are so many webhooks and no more, and what makes no sense is refused`() throws {
    for _ in 0..<Webhook.maximumPerTenant { _ = try add() }
    #expect(throws: WebhookError.tooMany(limit: 20)) { try add() }
    let first = try #require(try Webhook.list(tenant: work.tenant.id, on: work.connection).first)
    try Webhook.end(first.id, tenant: work.tenant.id, at: hour(1), on: work.connection)
    #expect(throws: WebhookError.self) { try add(since: 5) }
    #expect(throws: WebhookError.self) { try add(since: -1) }
    #expect(throws: WebhookError.self) { try add("http://example.org/hook") }
    #expect(throws: WebhookError.self) { try add(types: []) }
    #expect(throws: WebhookError.self) { try add(types: ["assignment.granted", "asignment.*"]) }
    #expect(throws: WebhookError.self) { try add(types: Array(repeating: "*", count: 51)) }
    _ = try add(since: 4)
    #expect(throws: WebhookError.unknown("x")) {
      try Webhook.end("x", tenant: work.tenant.id, at: hour(1), on: work.connection)
    }
    // What is another tenant's is not there.
    let other = try Workplace()
    #expect(throws: WebhookError.unknown(first.id)) {
      try Webhook.end(first.id, tenant: other.tenant.id, at: hour(1), on: work.connection)
    }
    #expect(try Webhook.list(tenant: other.tenant.id, on: work.connection).isEmpty)
  }

  @Test func `a secret is told once and by its text only`() throws {
    let token = "token-in-the-address"
    let (webhook, secret) = try add("https://127.0.0.1:1/\(token)")
    let text = secret.text
    #expect(text.hasPrefix("whsec_"))
    #expect(Data(base64Encoded: String(text.dropFirst(6)))?.count == 32)
    #expect(try add().1.text != text)
    var dumped = ""
    dump(secret, to: &dumped)
    dump((webhook, secret), to: &dumped)
    let printed =
      "\(secret) \(String(reflecting: secret)) \([secret]) \(webhook) \(webhook.json(pending: 0, dead: 0)) \(dumped)"
    #expect(!printed.contains(text.dropFirst(6)))
    for byte in [UInt8](secret.bytes.prefix(4)) { #expect(!dumped.contains("- \(byte)\n")) }
    try register(1)
    let alarms = Alarms()
    let run = try run(.deliverWebhooks, alarms)
    let said = "\(run) \(try deliveries(webhook)) \(alarms.texts)"
    #expect(!said.contains(text.dropFirst(6)))
    #expect(!said.contains(token))
  }

  @Test func `a reader of the database sees neither webhooks nor deliveries, and the service changes no address`() throws {
    _ = try add()
    let superuser = try Connection(try ScratchDatabase.conninfo(user: EmbeddedServer.superuser) + " dbname=jobs")
    try superuser.execute("SET ROLE tenure_reader")
    for table in ["webhook", "webhook_delivery"] {
      let error = #expect(throws: PostgresError.self) { try superuser.execute("SELECT FROM tenure.\(table)") }
      #expect(error?.sqlState == "42501")
    }
    for statement in [
      "UPDATE tenure.webhook SET url = 'https://example.org'", "UPDATE tenure.webhook SET types = '{*}'",
      "DELETE FROM tenure.webhook", "DELETE FROM tenure.webhook_delivery", "UPDATE tenure.webhook_delivery SET position = 1",
    ] {
      let error = #expect(throws: PostgresError.self) { try work.connection.execute(statement) }
      #expect(error?.sqlState == "42501", "\(statement)")
    }
  }
}
