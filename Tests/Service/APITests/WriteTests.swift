import HTTP
import JSON
import Testing

@testable import API

/// Every path that records something, and what holds for all of them.
@Suite struct WriteTests {
  private static func asking(_ id: String?, _ more: String = "") -> String {
    let id = id.map { #""id":"\#($0)","# } ?? ""
    let proposal = #"{"type":"assignment.grant","principal":"identity:bob","role":"admin","scope":"acme/site"}"#
    return #"{\#(id)"requester":"bob","policy":"ask","duration_seconds":600,"proposal":\#(proposal)\#(more)}"#
  }

  @Test func `every command has its path`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    let rows: [(String, String, Int)] = [
      ("/v1/identities", #"{"id":"zoe","kind":"person","attributes":{"email":"zoe@acme.example"}}"#, 201),
      ("/v1/identities/zoe/revise", #"{"kind":"person","attributes":{"level":1}}"#, 200),
      ("/v1/identities/zoe/suspend", "{}", 200),
      ("/v1/identities/zoe/resume", "", 200), ("/v1/identities", #"{"id":"zoes","kind":"account"}"#, 201),
      ("/v1/identities/zoes/link", #"{"person":"zoe"}"#, 200), ("/v1/identities/zoes/unlink", "", 200),
      ("/v1/identities/zoes/retire", "", 200), ("/v1/groups", #"{"id":"night/shift"}"#, 201),
      ("/v1/groups/night%2Fshift/revise", #"{"attributes":{"owner":"alice"}}"#, 200),
      ("/v1/groups/night%2Fshift/members", #"{"member":"identity:zoe","expires_at":"2025-01-01T00:00:00Z"}"#, 201),
      ("/v1/groups/night%2Fshift/members/remove", #"{"member":"identity:zoe"}"#, 200),
      ("/v1/groups/night%2Fshift/delete", "", 200),
      ("/v1/roles", #"{"id":"writer","permissions":[{"actions":["repo.write"],"resources":["acme/*"]}]}"#, 201),
      ("/v1/roles/writer/revise", #"{"permissions":[{"actions":["repo.write"]}],"includes":["viewer"]}"#, 200),
      (
        "/v1/assignments",
        #"{"id":"z","principal":"identity:zoe","role":"writer","scope":"*","expires_at":"2024-06-01T00:00:00Z"}"#, 201
      ),
      ("/v1/assignments/z/extend", #"{"expires_at":"2024-07-01T00:00:00Z"}"#, 200), ("/v1/assignments/z/revoke", "", 200),
      ("/v1/roles/writer/retire", "", 200),
      ("/v1/policies", #"{"id":"p","policy_type":"privileged","rule":{"actions":["repo.*"]}}"#, 201),
      ("/v1/policies/p/revise", #"{"policy_type":"privileged","rule":{"actions":["repo.admin"]}}"#, 200),
      ("/v1/policies/p/retire", "", 200), ("/v1/resources", #"{"path":"acme/new"}"#, 200),
      ("/v1/resources/acme%2Fnew/remove", "", 200), ("/v1/sources", #"{"id":"s"}"#, 201),
      ("/v1/sources/s/revise", #"{"attributes":{"note":"x"}}"#, 200),
      ("/v1/sources/s/coverage/begin", #"{"resource":"other"}"#, 200),
      ("/v1/sources/s/coverage/gap", #"{"resource":"other","until":"2024-04-01T00:00:00Z"}"#, 200),
      ("/v1/sources/s/coverage/end", #"{"resource":"other"}"#, 200), ("/v1/sources/s/retire", "", 200),
      ("/v1/events/1/void", #"{"reason":"a mistake"}"#, 200),
      ("/v1/findings", #"{"rule":"unused","subject":"identity:zoe","evidence":{"days":90}}"#, 201),
      (
        "/v1/findings/unused:47cf483705ff8eb1b1eeab42/accept", #"{"until":"2024-09-01T00:00:00Z","reason":"until the autumn"}"#,
        200
      ),
      ("/v1/findings/unused:47cf483705ff8eb1b1eeab42/resolve", #"{"reason":"it was used"}"#, 200),
      (
        "/v1/policies",
        #"{"id":"ask","policy_type":"elevation","rule":{"roles":["admin"],"scopes":["acme"],"approvers":["identity:alice"],"longest_seconds":3600,"decide_within_seconds":60}}"#,
        201
      ),
      ("/v1/requests", Self.asking("r1"), 201), ("/v1/requests", Self.asking("r2"), 201),
      ("/v1/requests", Self.asking("r3"), 201), ("/v1/requests", Self.asking("r4"), 201),
      ("/v1/requests/r1/revise", Self.asking(nil, #","start":"claim""#), 200),
      ("/v1/requests/r1/approve", #"{"by":"alice"}"#, 200), ("/v1/requests/r1/claim", #"{"by":"bob"}"#, 200),
      ("/v1/requests/r1/end", #"{"by":"bob"}"#, 200), ("/v1/requests/r2/deny", #"{"by":"alice"}"#, 200),
      ("/v1/requests/r3/withdraw", #"{"by":"bob"}"#, 200),
      ("/v1/credentials", #"{"id":"AKIA1","kind":"key","identity":"bob","holder":"bob"}"#, 201),
      ("/v1/credentials/AKIA1/revoke", "", 200),
      (
        "/v1/assignments/leos/confirm_fulfilment",
        #"{"by":"alice","ended_at":"2024-02-01T00:00:00Z","stage":"acknowledged","evidence":"OPS-7"}"#, 200
      ), ("/v1/identities", #"{"id":"olga","kind":"person"}"#, 201),
      (
        "/v1/reviews",
        #"{"id":"q1","identities":["bob"],"reviewers":["identity:alice"],"signs_off":["identity:olga"]}"#, 201
      ),
      ("/v1/reviews/q1/remind", #"{"days_before":7,"outstanding":[{"reviewer":"alice","items":2}]}"#, 200),
      ("/v1/reviews/q1/assign", #"{"item":"assignment:late","reviewer":"alice","by":"olga"}"#, 200),
      ("/v1/reviews/q1/decide", #"{"item":"assignment:late","decision":"revoke","by":"alice","reason":"by mail"}"#, 200),
      ("/v1/reviews/q1/decide_many", #"{"decision":"keep","by":"alice","reason":"as agreed"}"#, 200),
      ("/v1/reviews/q1/sign_off", #"{"by":"olga"}"#, 200), ("/v1/reviews/q1/close", "", 200),
      ("/v1/reviews/q1/execute", #"{"item":"assignment:late"}"#, 200), ("/v1/reviews/q1/complete", "", 200),
    ]
    for (path, body, status) in rows {
      let reply = try await client.post(path, body)
      reply.expect(status, #""replayed":false"#, #""command_id":""#)
      #expect(reply.headers["Tenure-Position"] == reply.json["position"]?.integerValue.map(String.init))
    }
    try await client.post(
      "/v1/assignments",
      #"{"id":"brief","principal":"identity:zoe","role":"viewer","scope":"*","expires_at":"2024-03-02T00:00:00Z"}"#
    ).expect(201)
    try organisation.clock.set("2024-03-03T00:00:00Z")
    try await client.post(
      "/v1/assignments/brief/record_expiry", #"{"effective_at":"2024-03-02T00:00:00Z","reason":"by itself"}"#
    ).expect(200)
    try await client.post(
      "/v1/groups", #"{"id":"visitors"}"#
    ).expect(201)
    try await client.post(
      "/v1/groups/visitors/members", #"{"member":"identity:zoe","expires_at":"2024-03-04T00:00:00Z"}"#
    ).expect(201)
    try organisation.clock.set("2024-03-05T00:00:00Z")
    try await client.post(
      "/v1/groups/visitors/members/record_expiry",
      #"{"member":"identity:zoe","effective_at":"2024-03-04T00:00:00Z","reason":"by itself"}"#
    ).expect(200, #""entity":"group:visitors""#)
    try await client.post(
      "/v1/groups/visitors/members/confirm_fulfilment",
      #"{"member":"identity:zoe","by":"alice","ended_at":"2024-03-04T00:00:00Z","stage":"acknowledged","evidence":"OPS-8"}"#
    ).expect(200, #""entity":"group:visitors""#)
    let waiting = try await client.get("/v1/requests/r4?at=2024-03-01T00:00:00.5Z")
    let end = try #require(waiting.json["progress"]?["expires_at"]?.stringValue)
    try await client.post("/v1/requests/r4/record_lapse", #"{"effective_at":"\#(end)","reason":"by itself"}"#).expect(
      200, #""state":"lapsed""#)
    // A finding mended and given back and an incident contained have tests of their own.
    let tried = Set(rows.map { $0.0 }).count + 4 + 3
    #expect(tried == Endpoint.all.count { $0.isWrite && $0.pattern != "/v1/commands" })
  }

  @Test func `a caller, a trace and a key stand in the event`() async throws {
    let client = try await Organisation.empty().client
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    let headers = [("Idempotency-Key", "\"k-1\""), ("traceparent", trace)]
    try await client.post("/v1/identities", #"{"id":"a","kind":"person"}"#, headers: headers).expect(
      201, #""command_id":"k-1""#)
    try await client.get("/v1/events/1").expect(
      200, #""command_id":"k-1""#, #""correlation_id":"0af7651916cd43dd8448eb211c80319c""#, #""source":"api""#,
      #""recorded_by":{"authentication":"local","id":"api"}"#)
  }

  @Test func `the same key with the same body is answered again`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    let body = #"{"principal":"identity:bob","role":"viewer","scope":"*"}"#
    let first = try await client.post("/v1/assignments", body, headers: [("Idempotency-Key", "again")])
    first.expect(201, #""replayed":false"#, #""entity":"assignment:a-"#)
    try organisation.clock.set("2024-03-05T00:00:00Z")
    let second = try await client.post("/v1/assignments", body, headers: [("Idempotency-Key", "\"again\"")])
    second.expect(201, #""replayed":true"#)
    for member in ["entity", "events", "recorded_at", "command_id"] { #expect(first.json[member] == second.json[member]) }
    try await client.post(
      "/v1/assignments", #"{"principal":"identity:bob","role":"viewer","scope":"acme"}"#,
      headers: [("Idempotency-Key", "again")]
    ).expect(422, #""code":"idempotency_key_reused""#)
    let without = try await client.post("/v1/assignments", body)
    without.expect(201)
    #expect(without.json["entity"] != first.json["entity"])
  }

  @Test func `an atomic batch is recorded whole or not at all`() async throws {
    let client = try await Organisation.empty().client
    let batch = """
      {"commands": [{"type": "identity.register", "id": "a", "kind": "person"},
        {"type": "group.create", "id": "g"},
        {"type": "membership.add", "group": "g", "member": "identity:missing"}]}
      """
    try await client.post("/v1/commands", batch).expect(409, #""code":"unknown_reference""#, #""pointer":"/commands/2/member""#)
    try await client.get("/v1/events").expect(200, #""events":[]"#)
    let good = batch.replacing("missing", with: "a")
    try await client.post("/v1/commands", good).expect(200, #""events":[1,2,3]"#)
  }

  @Test func `a batch that is not atomic records what it can`() async throws {
    let client = try await Organisation.empty().client
    let batch = """
      {"atomic": false, "commands": [{"type": "identity.register", "id": "a", "kind": "person"},
        {"type": "membership.add", "group": "g", "member": "identity:a"},
        {"type": "identity.register", "id": "b", "kind": "person"}]}
      """
    let headers = [("Idempotency-Key", "batch")]
    let reply = try await client.post("/v1/commands", batch, headers: headers)
    reply.expect(200, #""pointer":"/commands/1/group""#)
    #expect(reply.json["results"]?.arrayValue?.map { $0["status"]?.integerValue } == [200, 409, 200])
    let again = try await client.post("/v1/commands", batch, headers: headers)
    #expect(again.json["results"]?[0]?["replayed"] == true)
    #expect(again.json["position"] == 2)
  }

  @Test func `observations become what they refer to`() async throws {
    let client = try await Organisation.empty().client
    try await client.post(
      "/v1/commands",
      """
      {"observations": true, "source": "scan", "basis": "observed", "commands": [
        {"type": "membership.add", "group": "g", "member": "identity:a", "effective_at": "2023-01-01T00:00:00Z"}]}
      """
    ).expect(200)
    try await client.get("/v1/identities/a").expect(200, #""kind":"placeholder""#)
    try await client.get("/v1/events?type=finding.raised").expect(200, #""rule":"unknown_reference""#, #""source":"scan""#)
  }
}
