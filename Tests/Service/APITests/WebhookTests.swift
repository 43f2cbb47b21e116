import EventLog
import HTTP
import JSON
import Jobs
import TestSupport
import Testing

@testable import API

/// `/v1/webhooks`: made, listed, ended, and what each was told.
@Suite struct WebhookTests {
  private func empty() async throws -> Client { try await Organisation.empty().client }

  private static let hook = #"{"url":"http://127.0.0.1:1/hook/token-7","types":["assignment.*","finding.raised"]}"#

  @Test func `a webhook is made with a secret that no other answer has`() async throws {
    let client = try await empty()
    try await client.post("/v1/identities", #"{"id":"ada","kind":"person"}"#).expect(201)
    let made = try await client.post("/v1/webhooks", Self.hook)
    made.expect(201, "\"pending\":0", "\"since\":1", "\"types\":[\"assignment.*\",\"finding.raised\"]")
    #expect(made.headers["Cache-Control"] == "no-store")
    #expect(made.headers["Tenure-Position"] == "1")
    let secret = try #require(made.json["secret"]?.stringValue)
    #expect(secret.hasPrefix("whsec_"))
    #expect(secret.utf8.count == 6 + 44)
    let id = try #require(made.json["webhook"]?["id"]?.stringValue)
    try await client.post("/v1/webhooks", #"{"url":"https://example.org","since":0}"#).expect(
      201, "\"types\":[\"*\"]", "\"since\":0")
    let answers = [
      try await client.get("/v1/webhooks"), try await client.get("/v1/webhooks/\(id)/deliveries"),
      try await client.post("/v1/webhooks/\(id)/deliveries/retry", ""),
      try await client.post("/v1/webhooks/\(id)/end", ""), try await client.post("/v1/webhooks/\(id)/end", ""),
      try await client.get("/v1/webhooks"), try await client.get("/openapi.json"),
    ]
    #expect(answers.map(\.status) == [200, 200, 200, 200, 409, 200, 200])
    for answer in answers.dropLast() { #expect(!answer.body.contains("whsec_") && !answer.body.contains(secret.dropFirst(6))) }
    #expect(answers[0].json["webhooks"]?.arrayValue?.count == 2)
    let ended = answers[5].json["webhooks"]?.arrayValue?.filter { $0["ended_because"] == "asked" }
    #expect(ended?.map { $0["id"]?.stringValue } == [id])
    answers[4].expect(409, "\"code\":\"not_held\"")
    // They are configuration: the log has nothing of them.
    try await client.get("/v1/events").expect(200, "\"position\":1")
    #expect(try await client.get("/v1/events").json["events"]?.arrayValue?.count == 1)
  }

  @Test func `webhooks are listed page by page`() async throws {
    let client = try await empty()
    var made: [String] = []
    for _ in 0..<5 {
      let answer = try await client.post("/v1/webhooks", Self.hook)
      made.append(try #require(answer.json["webhook"]?["id"]?.stringValue))
    }
    var pages: [[String]] = []
    var cursor: String?
    repeat {
      let answer = try await client.get("/v1/webhooks?limit=2" + (cursor.map { "&cursor=\($0)" } ?? ""))
      answer.expect(200)
      pages.append(answer.json["webhooks"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? [])
      cursor = answer.json["next_cursor"]?.stringValue
    } while cursor != nil
    #expect(pages.map(\.count) == [2, 2, 1] && pages.flatMap { $0 } == made.sorted())
  }

  @Test func `deliveries are listed page by page, by state, and sent again when asked`() async throws {
    let client = try await empty()
    let made = try await client.post("/v1/webhooks", Self.hook.replacing("assignment.*", with: "identity.*"))
    let id = try #require(made.json["webhook"]?["id"]?.stringValue)
    for number in 0..<5 { try await client.post("/v1/identities", "{\"id\":\"p\(number)\",\"kind\":\"person\"}").expect(201) }
    try runJob(client)
    var pages: [[Int64]] = []
    var cursor: String?
    repeat {
      let answer = try await client.get("/v1/webhooks/\(id)/deliveries?limit=2" + (cursor.map { "&cursor=\($0)" } ?? ""))
      answer.expect(200, "\"state\":\"pending\"")
      pages.append(answer.json["deliveries"]?.arrayValue?.compactMap { $0["position"]?.integerValue } ?? [])
      cursor = answer.json["next_cursor"]?.stringValue
    } while cursor != nil
    #expect(pages == [[5, 4], [3, 2], [1]])
    #expect(try await client.get("/v1/webhooks/\(id)/deliveries?state=dead").json["deliveries"]?.arrayValue?.isEmpty == true)
    // The receiver is not there: the first failed, and the webhook rests.
    let first = try await client.get("/v1/webhooks/\(id)/deliveries?state=pending").json["deliveries"]?.arrayValue?.last
    #expect(first?["attempts"] == 1)
    #expect(first?["last_error"]?.stringValue?.isEmpty == false)
    #expect(first?["last_error"]?.stringValue?.contains("token-7") == false)
    try await client.get("/v1/webhooks").expect(200, "\"resting_until\"", "\"troubles\":1", "\"pending\":5")
    try await client.post("/v1/webhooks/\(id)/deliveries/1/retry", "").expect(200, "\"retried\":1")
    let list = try await client.get("/v1/webhooks")
    #expect(!list.body.contains("resting_until"))
    try await client.post("/v1/webhooks/\(id)/deliveries/6/retry", "").expect(404, "\"code\":\"not_found\"")
    try await client.post("/v1/webhooks/\(id)/deliveries/x/retry", "").expect(400)
    try await client.post("/v1/webhooks/\(id)/deliveries/retry", "").expect(200, "\"retried\":0")
  }

  /// A run of deliver-webhooks, as another process would do it.
  private func runJob(_ client: Client) throws {
    let runner = try JobRunner(store: client.store.store, connection: try ScratchDatabase.connect(), process: "test/1")
    let connection = try ScratchDatabase.connect()
    let tenant = try #require(try JobTenant.all(named: client.tenant, on: connection).first)
    let job = try #require(Job.named("deliver-webhooks"))
    #expect(try runner.run(job, for: tenant)?.state == .succeeded)
  }

  @Test(
    arguments: [
      (#"{}"#, "/url"), (#"{"url":7}"#, "/url"), (#"{"url":"http://example.org/token-7"}"#, "/url"),
      (#"{"url":"https://user:token-7@example.org/"}"#, "/url"), (#"{"url":"https://example.org","types":[]}"#, "/types"),
      (#"{"url":"https://example.org","types":["nothing.*"]}"#, "/types"),
      (#"{"url":"https://example.org","since":1}"#, "/since"),
      (#"{"url":"https://example.org","since":-1}"#, "/since"),
      (#"{"url":"https://example.org","secret":"whsec_x"}"#, "/secret"),
    ])
  func `what makes no sense is refused with its place, and an address is not repeated`(body: String, pointer: String)
    async throws
  {
    let answer = try await empty().post("/v1/webhooks", body)
    answer.expect(400, "\"pointer\":\"\(pointer)\"")
    #expect(!answer.body.contains("token-7"))
  }

  @Test func `there are twenty and no more, and none of another tenant`() async throws {
    let client = try await empty()
    for _ in 0..<20 { try await client.post("/v1/webhooks", Self.hook).expect(201) }
    try await client.post("/v1/webhooks", Self.hook).expect(400, "\"limit\":\"webhooks_per_tenant\"")
    let id = try #require(try await client.get("/v1/webhooks").json["webhooks"]?[0]?["id"]?.stringValue)
    let other = try await empty()
    for path in ["end", "deliveries/retry", "deliveries/1/retry"] {
      try await other.post("/v1/webhooks/\(id)/\(path)", "").expect(404, "\"parameter\":\"id\"")
    }
    try await other.get("/v1/webhooks/\(id)/deliveries").expect(404)
    #expect(try await other.get("/v1/webhooks").json["webhooks"]?.arrayValue?.isEmpty == true)
  }

  @Test(arguments: ["expire-grants:1", "lapse-requests:1", "warn-expiring:1", "peribolos:1"])
  func `the keys of jobs cannot be taken by a caller`(key: String) async throws {
    try await empty().post("/v1/identities", #"{"id":"ada","kind":"person"}"#, headers: [("Idempotency-Key", key)])
      .expect(400, "\"header\":\"Idempotency-Key\"")
  }
}
