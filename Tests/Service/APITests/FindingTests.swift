import Governance
import JSON
import Testing

@testable import API

/// What was found, over HTTP.
@Suite struct FindingTests {
  private func raise(_ client: Client, _ body: String) async throws -> String {
    let reply = try await client.post("/v1/findings", body)
    reply.expect(201, #""replayed":false"#)
    return try #require(reply.json["finding"]?.stringValue)
  }

  @Test func `a finding is raised, listed, accepted, resolved and asked about as it was`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try await client.get("/v1/findings").expect(200, #""findings":[]"#, #""next_cursor":null"#)
    let id = try await raise(client, #"{"rule":"empty_group","subject":"group:team","evidence":{}}"#)
    let raised = try await client.get("/v1/findings/\(id)")
    raised.expect(
      200, #""state":"open","severity":"low","rule":"empty_group","subject":"group:team""#, #""accepted_until":null"#,
      #""fix":"delete the group, or fill it""#, #""answer":null"#)
    let event = try #require(raised.json["event"]?.integerValue)
    try await client.post("/v1/findings", #"{"rule":"empty_group","subject":"group:team","evidence":{}}"#).expect(
      409, #""code":"no_change""#)
    try await client.post("/v1/findings/\(id)/accept", #"{"until":"2024-04-01T00:00:00Z"}"#).expect(
      409, #""code":"reason_required""#)
    try await client.post(
      "/v1/findings/\(id)/accept", #"{"until":"2024-04-01T00:00:00Z","reason":"filled in spring","actor":{"id":"alice"}}"#
    ).expect(200, "\"entity\":\"finding:\(id)\"")
    try await client.get("/v1/findings").expect(200, #""findings":[]"#)
    try await client.get("/v1/findings?state=accepted").expect(
      200, #""accepted_until":"2024-04-01T00:00:00.000000Z""#, #""reason":"filled in spring""#, #""actor":{"id":"alice"}"#)
    try await client.get("/v1/findings?at=2024-04-01T00:00:00Z").expect(200, #""state":"open""#)
    try organisation.clock.set("2024-03-05T00:00:00Z")
    try await client.post("/v1/findings/\(id)/resolve", #"{"reason":"it was deleted"}"#).expect(200)
    try await client.get("/v1/findings?state=resolved").expect(
      200, #""resolved_at":"2024-03-05T00:00:00.000000Z""#, #""reason":"it was deleted""#)
    try await client.get("/v1/findings?as_known_at=\(event)").expect(200, #""state":"open""#)
    try await client.get("/v1/findings?state=all&at=2024-02-01T00:00:00Z").expect(200, #""findings":[]"#)
    try await client.post("/v1/findings/\(id)/resolve", #"{"reason":"again"}"#).expect(409, #""code":"not_held""#)
    try await client.get("/v1/findings/none").expect(404)
    try await client.post("/v1/events/\(event)/void", #"{"reason":"a mistake"}"#).expect(409, #""code":"not_voidable""#)
  }

  @Test func `a finding is mended and given back over HTTP, once for each key`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    let permission = RolePattern("repo.read", of: Permission(actions: ["repo.read"])).json.canonicalText
    let id = try await raise(
      client, #"{"rule":"unused_permission","subject":"role:viewer","evidence":{"permission":\#(permission)}}"#)
    let mended = try await client.post("/v1/findings/\(id)/apply", #"{"by":"alice"}"#, headers: [("Idempotency-Key", "m1")])
    mended.expect(200, #""replayed":false"#)
    try await client.get("/v1/findings/\(id)").expect(200, #""state":"resolved""#)
    try await client.get("/v1/roles/viewer").expect(200, #""permissions":[]"#)
    let again = try await client.post("/v1/findings/\(id)/apply", #"{"by":"alice"}"#, headers: [("Idempotency-Key", "m1")])
    again.expect(200, #""replayed":true"#)
    #expect(again.json["events"] == mended.json["events"])
    try await client.post("/v1/findings/\(id)/apply", "").expect(409, #""code":"wrong_state""#, "no open finding")
    try await client.post("/v1/findings/\(id)/rollback", "").expect(200, #""replayed":false"#)
    try await client.get("/v1/roles/viewer").expect(200, "repo.read")
    // A key is of one question: of another body, path or command it is refused, whichever came first.
    for (path, body) in [
      ("/v1/findings/\(id)/apply", #"{"by":"bob"}"#), ("/v1/findings/\(id)/rollback", #"{"by":"alice"}"#),
      ("/v1/identities", #"{"id":"zed","kind":"person"}"#),
    ] {
      try await client.post(path, body, headers: [("Idempotency-Key", "m1")]).expect(
        422, #""code":"idempotency_key_reused""#)
    }
    try await client.post("/v1/identities", #"{"id":"yan","kind":"person"}"#, headers: [("Idempotency-Key", "m2")]).expect(201)
    try await client.post("/v1/findings/\(id)/apply", #"{"by":"bob"}"#, headers: [("Idempotency-Key", "m2")]).expect(
      422, #""code":"idempotency_key_reused""#)
    try await client.get("/v1/findings/\(id)").expect(200, #""state":"open""#)
    try await client.post("/v1/findings/none/apply", "").expect(404)
    try await client.post("/v1/findings/\(id)/apply", #"{"who":"alice"}"#).expect(400, "who")
  }

  @Test func `findings are listed by what they are, page by page`() async throws {
    let client = try await Organisation.told().client
    var ids: [String] = []
    for (rule, severity, number) in [("b", "high", 0), ("a", "low", 0), ("b", "low", 1), ("b", "high", 2)] {
      ids.append(
        try await raise(
          client,
          #"{"rule":"\#(rule)","subject":"group:g\#(number)","evidence":{},"severity":"\#(severity)","owner":"alice"}"#))
    }
    func listed(_ query: String) async throws -> [String] {
      var found: [String] = []
      var cursor = ""
      repeat {
        let page = try await client.get("/v1/findings?limit=1&\(query)\(cursor)")
        page.expect(200)
        for item in page.json["findings"]?.arrayValue ?? [] { found.append(item["id"]?.stringValue ?? "") }
        cursor = page.json["next_cursor"]?.stringValue.map { "&cursor=\($0)" } ?? ""
      } while !cursor.isEmpty
      return found
    }
    #expect(try await listed("") == ids.sorted())
    #expect(try await listed("rule=b") == [ids[0], ids[2], ids[3]].sorted())
    #expect(try await listed("rule=b&severity=high") == [ids[0], ids[3]].sorted())
    #expect(try await listed("subject=group:g0") == [ids[0], ids[1]].sorted())
    #expect(try await listed("owner=alice") == ids.sorted())
    #expect(try await listed("owner=bob").isEmpty)
    try await client.get("/v1/findings?state=closed").expect(400, #""parameter":"state""#)
    try await client.get("/v1/findings?severity=huge").expect(400)
  }
}
