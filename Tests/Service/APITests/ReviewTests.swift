import EventLog
import Governance
import JSON
import Temporal
import Testing
import Usage

@testable import API

/// Access reviews over HTTP: opened, decided, signed off, closed and reported.
@Suite struct ReviewTests {
  private func opened(_ more: String = "") async throws -> Organisation {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try await client.post("/v1/identities", #"{"id":"carla","kind":"person"}"#).expect(201)
    try await client.post("/v1/identities", #"{"id":"dora","kind":"person"}"#).expect(201)
    try await client.post(
      "/v1/reviews",
      #"{"id":"q1","scope":"acme","reviewers":["identity:alice"],"escalation":["identity:carla"],"signs_off":["identity:dora"]\#(more)}"#
    ).expect(201, #""entity":"review:q1""#)
    return organisation
  }

  @Test func `a review goes from its opening to its report`() async throws {
    let organisation = try await opened()
    let client = organisation.client
    try await client.get("/v1/reviews?state=open").expect(200, #""id":"q1""#, #""overdue":false"#)
    try await client.get("/v1/reviews/q1").expect(200, #""matches":true"#, #""items":[]"#, #""completion_percent":0"#)
    let items = try await client.get("/v1/reviews/q1/items?decision_state=undecided")
    items.expect(200, #""last_use":{"observable":false,"reason":"never_covered"}"#, #""entitlements""#, #""because":"holder""#)
    let late = try #require(
      items.json["items"]?.arrayValue?.first { $0["item"]?.stringValue == "assignment:late" })
    let digest = try #require(late["digest"]?.stringValue)
    // bob holds it, mona is his account, carla is only escalated to.
    for by in ["bob", "mona", "carla"] {
      try await client.post("/v1/reviews/q1/decide", #"{"item":"assignment:late","decision":"keep","by":"\#(by)"}"#).expect(
        409, #""code":"not_entitled""#)
    }
    try await client.post("/v1/reviews/q1/decide", #"{"item":"assignment:late","decision":"revoke","by":"alice"}"#).expect(
      409, #""code":"reason_required""#)
    try await client.post(
      "/v1/reviews/q1/decide",
      #"{"item":"assignment:late","decision":"keep","by":"alice","digest":"\#(String(repeating: "0", count: 64))"}"#
    ).expect(409, #""code":"changed_meanwhile""#)
    try await client.post(
      "/v1/reviews/q1/decide",
      #"{"item":"assignment:late","decision":"revoke","by":"alice","digest":"\#(digest)","reason":"told by mail only"}"#
    ).expect(200)
    try await client.post("/v1/reviews/q1/decide_many", #"{"by":"alice","decision":"keep","reason":"as agreed"}"#).expect(
      200, #""decided":"#)
    try await client.post("/v1/reviews/q1/decide_many", #"{"by":"alice","decision":"keep","reason":"as agreed"}"#).expect(
      409, #""code":"no_change""#)
    try await client.post("/v1/reviews/q1/decide_many", #"{"by":"carla","decision":"keep","reason":"seen"}"#).expect(200)
    try await client.get("/v1/reviews/q1").expect(200, #""completion_percent":100"#, #""undecided":0"#)
    try await client.post("/v1/reviews/q1/close", "{}").expect(409, #""code":"reason_required""#)
    try await client.post("/v1/reviews/q1/sign_off", #"{"by":"alice"}"#).expect(409, #""code":"not_entitled""#)
    try await client.post("/v1/reviews/q1/sign_off", #"{"by":"dora"}"#).expect(200)
    try await client.post("/v1/reviews/q1/close", "{}").expect(200)
    try await client.post("/v1/reviews/q1/execute", #"{"item":"assignment:late"}"#).expect(200)
    try await client.post("/v1/reviews/q1/complete", "{}").expect(200)
    let report = try await client.get("/v1/reviews/q1/report")
    report.expect(
      200, #""matches":true"#, #""signed_off":{"at":"#, #""executing_event":"#, #""fulfilment":"recorded""#, #""bulk":true"#,
      #""rationale":"told by mail only""#, #""self_reviews":0"#, #""state":"completed""#)
    try await client.get("/v1/reviews/none").expect(404, #""code":"not_found""#)
    // As it was then.
    try await client.get(
      "/v1/reviews/q1?as_known_at=\(report.json["review"]?["progress"]?["population"]?["position"]?.integerValue ?? 0)"
    )
    .expect(404)
  }

  @Test func `what ends while many are decided keeps none of the others from it`() async throws {
    let organisation = try await opened()
    let client = organisation.client
    try await client.post("/v1/identities", #"{"id":"erin","kind":"person"}"#).expect(201)
    for id in ["e1", "e2", "e3"] {
      try await client.post(
        "/v1/assignments", #"{"id":"\#(id)","principal":"identity:erin","role":"viewer","scope":"acme"}"#
      ).expect(201)
    }
    try await client.post("/v1/reviews", #"{"id":"q2","scope":"acme","reviewers":["identity:carla"]}"#).expect(201)
    let tenant = try #require(try client.store.store.find(tenant: client.tenant))
    let questions = Questions(tenant: tenant)
    var filter = ReviewFilter()
    filter.principal = .identity("erin")
    let found = try questions.decisions(
      inAll: filter, of: "q2", .keep, by: "carla", authority: Authority(reason: "as agreed"))
    let planned = try #require(found?.commands)
    #expect(planned.count == 3)
    try await client.post("/v1/assignments/e2/revoke", "{}").expect(200)
    var isFirst = true
    let receipt = try tenant.submitAndWait(attempts: 2) {
      defer { isFirst = false }
      return RequestIntake.submission(isFirst ? planned : try questions.stillAsSeen(planned), recordedBy: "test")
    }
    #expect(receipt.events.count == 2)
    try await client.get("/v1/reviews/q2/items?principal=identity:erin&decision_state=decided").expect(
      200, #""item":"assignment:e1""#, #""item":"assignment:e3""#)
    try await client.get("/v1/reviews/q2/items?decision_state=ended").expect(200, #""item":"assignment:e2""#)
    try await client.post("/v1/assignments/e1/revoke", "{}").expect(200)
    try await client.post("/v1/assignments/e3/revoke", "{}").expect(200)
    #expect(throws: Refusal.self) { try questions.stillAsSeen(planned) }
  }

  @Test func `pages of any size are the whole, and each review has its own`() async throws {
    let organisation = try await opened()
    let client = organisation.client
    try await client.post("/v1/identities", #"{"id":"erin","kind":"person"}"#).expect(201)
    for number in 1...4 {
      try await client.post(
        "/v1/assignments", #"{"id":"e\#(number)","principal":"identity:erin","role":"viewer","scope":"acme"}"#
      ).expect(201)
    }
    // The same question at another position.
    try await client.post(
      "/v1/reviews", #"{"id":"q2","scope":"acme","reviewers":["identity:alice"],"escalation":["identity:carla"]}"#
    ).expect(201)
    try await client.post("/v1/assignments/e1/revoke", "{}").expect(200)
    func listed(_ review: String, _ query: String = "") async throws -> [JSONValue] {
      var (found, from): ([JSONValue], Int64?) = ([], 1)
      while let first = from {
        let page = try await client.get("/v1/reviews/\(review)/items?from=\(first)&\(query)")
        page.expect(200, #""matches":true"#)
        found += try #require(page.json["items"]?.arrayValue)
        from = page.json["next"]?.integerValue
      }
      return found
    }
    let names = ["number", "item", "digest", "decision_state", "review_by", "changed_since_opening"]
    for (review, count) in [("q1", 5), ("q2", 9), ("q1", 5)] {
      let report = try await client.get("/v1/reviews/\(review)/report")
      let whole = try #require(report.json["items"]?.arrayValue)
      #expect(whole.count == count)
      for limit in [1, 2, 3, 100] {
        let pages = try await listed(review, "limit=\(limit)")
        #expect(pages.map { item in names.map { item[$0] } } == whole.map { item in names.map { item[$0] } })
        let ended = try await listed(review, "limit=\(limit)&decision_state=ended").map { $0["item"]?.stringValue }
        #expect(ended == (review == "q2" ? ["assignment:e1"] : []))
      }
    }
    try await client.get("/v1/reviews/q1/items?from=6").expect(200, #""items":[]"#, #""next":null"#)
    try await client.get("/v1/reviews/q1/items?from=0").expect(400, #""parameter":"from""#)
  }

  @Test func `an item shows when it was used last, and since when no use was seen`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try await client.post("/v1/sources", #"{"id":"trail","attributes":{"delivers_usage":true}}"#).expect(201)
    try await client.post("/v1/sources/trail/coverage/begin", #"{"resource":"acme"}"#).expect(200)
    try organisation.clock.set("2024-04-01T00:00:00Z")
    let record = UsageRecord(
      id: "u1", at: try Instant(rfc3339: "2024-03-20T00:00:00Z"), identity: "bob", action: "repo.admin", resource: "acme/vault")
    _ = try UsageStore(try organisation.questions.tenant).record([record], source: "trail")
    try await client.post("/v1/reviews", #"{"id":"q2","scope":"acme","reviewers":["identity:alice"]}"#).expect(201)
    let items = try #require(try await client.get("/v1/reviews/q2/items").json["items"]?.arrayValue)
    func lastUse(_ item: String) -> JSONValue? { items.first { $0["item"]?.stringValue == item }?["assessment"]?["last_use"] }
    #expect(lastUse("assignment:late") == ["observable": true, "at": "2024-03-20T00:00:00.000000Z"])
    #expect(lastUse("assignment:site") == ["observable": true, "none_since": "2024-03-01T00:00:00.000001Z"])
    // alice is in the team, the team in the department, which has it.
    try await client.post("/v1/reviews", #"{"id":"q3","groups":["department"],"reviewers":["identity:bob"]}"#).expect(201)
    func uses(_ review: String) async throws -> [String: JSONValue] {
      let items = try #require(try await client.get("/v1/reviews/\(review)/items").json["items"]?.arrayValue)
      return Dictionary(
        uniqueKeysWithValues: items.map { ($0["item"]?.stringValue ?? "", $0["assessment"]?["last_use"] ?? .null) })
    }
    let unused: JSONValue = ["observable": true, "none_since": "2024-03-01T00:00:00.000001Z"]
    #expect(try await uses("q3")["membership:team identity:alice"] == unused)
    #expect(try await uses("q3")["membership:department group:team"] == unused)
    let used = UsageRecord(
      id: "u2", at: try Instant(rfc3339: "2024-03-21T00:00:00Z"), identity: "alice", action: "repo.read",
      resource: "acme/site/x")
    _ = try UsageStore(try organisation.questions.tenant).record([used], source: "trail")
    let then: JSONValue = ["observable": true, "at": "2024-03-21T00:00:00.000000Z"]
    #expect(try await uses("q3")["membership:team identity:alice"] == then)
    #expect(try await uses("q3")["membership:department group:team"] == then)
    // Once coverage has ended, what was seen until then is told.
    try await client.post("/v1/sources/trail/coverage/end", #"{"resource":"acme"}"#).expect(200)
    let ended = try #require(try await uses("q2")["assignment:late"])
    #expect(ended["reason"] == "coverage_ended" && ended["at"] == "2024-03-20T00:00:00.000000Z")
    let site = try #require(try await uses("q3")["assignment:site"])
    #expect(site["seen_from"] == "2024-03-01T00:00:00.000001Z" && site["observable"] == false)
    #expect(site["seen_until"]?.stringValue?.hasPrefix("2024-04-01T00:00:00") == true)
  }

  @Test func `several are decided part by part, from the next one on, as all are at once`() async throws {
    let organisation = try await opened()
    let client = organisation.client
    try await client.post("/v1/identities", #"{"id":"erin","kind":"person"}"#).expect(201)
    for number in 1...9 {
      try await client.post(
        "/v1/assignments", #"{"id":"e\#(number)","principal":"identity:erin","role":"viewer","scope":"acme"}"#
      ).expect(201)
    }
    try await client.post("/v1/reviews", #"{"id":"q5","scope":"acme","reviewers":["identity:carla"]}"#).expect(201)
    let questions = try organisation.questions
    func decisions(from number: Int, _ limit: Int) throws -> ManyDecisions {
      try #require(
        try questions.decisions(
          inAll: ReviewFilter(), of: "q5", .keep, by: "carla", authority: Authority(reason: "seen"), from: number, limit: limit)
      )
    }
    let whole = try decisions(from: 1, 1_000)
    #expect(whole.commands.count == 14 && whole.next == nil)
    for limit in [1, 3, 14, 15] {
      var parts: [Command] = []
      var next: Int? = 1
      while let number = next {
        let part = try decisions(from: number, limit)
        #expect(part.commands.count <= limit)
        (parts, next) = (parts + part.commands, part.next)
      }
      #expect(parts == whole.commands, "\(limit)")
    }
    try await client.post(
      "/v1/reviews/q5/decide_many", #"{"by":"carla","decision":"keep","reason":"seen","from":4}"#
    ).expect(200, #""decided":11"#, #""next":null"#)
    try await client.get("/v1/reviews/q5").expect(200, #""undecided":3"#)
    try await client.post(
      "/v1/reviews/q5/decide_many", #"{"by":"carla","decision":"keep","reason":"seen","from":0}"#
    ).expect(400, #""/from""#)
  }

  @Test func `a decision in a batch is judged as one alone, and refused with all of it`() async throws {
    let organisation = try await opened()
    let client = organisation.client
    try await client.post(
      "/v1/commands",
      #"{"commands":[{"type":"review.decide","id":"q1","item":"assignment:late","decision":"keep","by":"alice"},{"type":"review.decide","id":"q1","item":"assignment:late","decision":"keep","by":"bob"}]}"#
    ).expect(409, #""pointer":"/commands/1/by""#)
    try await client.get("/v1/reviews/q1").expect(200, #""decided":0"#)
    // What is said in an event is decided, not said.
    try await client.post(
      "/v1/reviews/q1/decide", #"{"item":"assignment:late","by":"alice","decision":"keep","state":{}}"#
    ).expect(400)
  }

  @Test func `who is one of many reviewers finds what is his to decide, however many there are`() async throws {
    let organisation = try await opened()
    let client = organisation.client
    let people = (10..<35).map { "p\($0)" }
    let commands =
      [#"{"type":"group.create","id":"board"}"#]
      + people.flatMap { id in
        [
          #"{"type":"identity.register","id":"\#(id)","kind":"person"}"#,
          #"{"type":"membership.add","group":"board","member":"identity:\#(id)"}"#,
        ]
      } + [#"{"type":"review.open","id":"q9","reviewers":["group:board"],"scope":"acme"}"#]
    try await client.post("/v1/commands", #"{"commands":["# + commands.joined(separator: ",") + "]}").expect(200)
    // More than are named at an item.
    #expect(people.count > ItemReviewers.most)
    for id in ["p10", "p34"] {
      try await client.get("/v1/reviews/q9/items?reviewer=\(id)").expect(200, #""item":"assignment:late""#)
    }
    #expect(try await client.get("/v1/reviews/q9/items?reviewer=alice").json["items"]?.arrayValue?.isEmpty == true)
    try await client.post(
      "/v1/reviews/q9/decide_many", #"{"by":"p34","decision":"keep","reason":"as agreed"}"#
    ).expect(200, #""next":null"#)
  }
}
