import Governance
import HTTP
import JSON
import Testing

@testable import API

/// Bad requests, one table row each: the status, the code, and the place that is named.
@Suite struct BadInputTests {
  @Test func `a bad question names the parameter`() async throws {
    let client = try await Organisation.told().client
    let long = String(repeating: "x", count: Limits.identifierBytes + 1)
    let rows: [(String, Int, [String])] = [
      ("/v1/access/who", 400, ["must ask about one of"]),
      ("/v1/access/who?action=repo.read", 400, [#""parameter":"resource""#]),
      ("/v1/access/who?resource=acme", 400, [#""parameter":"action""#]),
      ("/v1/access/who?role=viewer&group=team", 400, ["must ask about one of"]),
      ("/v1/access/who?role=viewer&colour=red", 400, [#""parameter":"colour""#, "is not a known field"]),
      ("/v1/access/who?role=viewer&role=admin", 400, [#""parameter":"role""#, "must be given once"]),
      ("/v1/access/who?role=viewer&at=2024-01-01", 400, [#""parameter":"at""#]),
      ("/v1/access/who?role=viewer&at=2024-01-01T00:00:60Z", 400, [#""parameter":"at""#]),
      ("/v1/access/who?role=viewer&at=2024-01-01T00:00:00", 400, [#""parameter":"at""#, "offset"]),
      ("/v1/access/who?role=viewer&at=2024-01-01T00:00:00Z&from=2024-01-01T00:00:00Z", 400, [#""parameter":"at""#]),
      ("/v1/access/who?role=viewer&from=2024-02-01T00:00:00Z&to=2024-01-01T00:00:00Z", 400, [#""parameter":"to""#]),
      ("/v1/access/who?role=viewer&as_known_at=soon", 400, [#""parameter":"as_known_at""#]),
      ("/v1/access/who?role=viewer&as_known_at=999999", 400, ["999999", "above the head"]),
      ("/v1/access/who?role=viewer&limit=0", 400, [#""parameter":"limit""#, "1 to 10000"]),
      ("/v1/access/who?role=viewer&limit=many", 400, [#""parameter":"limit""#, "integer"]),
      ("/v1/access/who?role=viewer&cursor=zzz", 400, [#""parameter":"cursor""#]),
      ("/v1/access/who?privileged=false", 400, [#""parameter":"privileged""#]),
      ("/v1/access/who?role=\(long)", 400, [#""parameter":"role""#, "512 bytes"]),
      ("/v1/access/who?action=a&resource=acme//site", 400, [#""parameter":"resource""#, "empty segment"]),
      ("/v1/access/who?action=a&resource=acme/*", 400, [#""parameter":"resource""#, "wildcards"]),
      ("/v1/access/what", 400, [#""parameter":"identity""#, "is missing"]),
      ("/v1/access/why?identity=alice&action=repo.read", 400, [#""parameter":"resource""#]),
      ("/v1/access/why?identity=alice&action=repo.read&resource=acme&limit=1001", 400, [#""parameter":"limit""#]),
      ("/v1/access/timeline?identity=", 400, [#""parameter":"identity""#, "empty"]),
      ("/v1/access/diff?from=yesterday", 400, [#""parameter":"from""#]),
      ("/v1/find?text=", 400, [#""parameter":"text""#]), ("/v1/find", 400, [#""parameter":"text""#]),
      ("/v1/events?type=identity.exploded", 400, [#""parameter":"type""#]),
      ("/v1/events?entity=alice", 400, [#""parameter":"entity""#]),
      ("/v1/events/zero", 400, [#""parameter":"position""#]), ("/v1/events/0", 400, [#""parameter":"position""#]),
      ("/v1/events/999999", 404, [#""code":"not_found""#]), ("/v1/identities/nobody", 404, [#""code":"not_found""#]),
      ("/v1/groups/none/members", 404, [#""code":"not_found""#]), ("/v1/nothing", 404, [#""code":"not_found""#]),
      ("/v1/identities/alice?at=2023-01-01T00:00:00Z", 404, ["not heard of"]),
    ]
    for (target, status, fragments) in rows {
      let reply = try await client.get(target)
      reply.expect(status, fragments)
      #expect(reply.headers["Content-Type"] == "application/problem+json")
      #expect(reply.json["type"]?.stringValue == reply.json["code"]?.stringValue.map { "/problems/\($0)" })
    }
  }

  @Test func `a bad command names the member`() async throws {
    let client = try await Organisation.told().client
    let long = String(repeating: "x", count: Limits.identifierBytes + 1)
    let rows: [(String, String, Int, [String])] = [
      ("/v1/identities", "", 400, [#""pointer":"/id""#, "is missing"]), ("/v1/identities", "[]", 400, ["must be an object"]),
      ("/v1/identities", "{", 400, ["not JSON"]), ("/v1/identities", #"{"id":"a","id":"b"}"#, 400, ["a name appears twice"]),
      ("/v1/identities", #"{"id":1,"kind":"person"}"#, 400, [#""pointer":"/id""#, "must be a string"]),
      ("/v1/identities", #"{"id":"x","kind":"robot"}"#, 400, [#""pointer":"/kind""#]),
      ("/v1/identities", #"{"id":"x","kind":"person","colour":"red"}"#, 400, [#""pointer":"/colour""#]),
      ("/v1/identities", #"{"id":"","kind":"person"}"#, 400, [#""pointer":"/id""#]),
      ("/v1/identities", #"{"id":"\#(long)","kind":"person"}"#, 400, [#""pointer":"/id""#, "512 bytes"]),
      ("/v1/identities", #"{"id":"a\u0000b","kind":"person"}"#, 400, ["U+0000"]),
      ("/v1/identities", #"{"id":"a\ud800","kind":"person"}"#, 400, ["surrogate"]),
      ("/v1/identities", #"{"id":"x","kind":"person","effective_at":"2024-01-01"}"#, 400, [#""pointer":"/effective_at""#]),
      ("/v1/identities", #"{"id":"x","kind":"person","attributes":{"a":{"b":1}}}"#, 400, [#""pointer":"/attributes/a""#]),
      ("/v1/identities", #"{"id":"x","kind":"person","attributes":{"a":1.5}}"#, 400, [#""pointer":"/attributes/a""#]),
      ("/v1/identities", #"{"id":"alice","kind":"person"}"#, 409, [#""code":"already_exists""#, #""pointer":"/id""#]),
      ("/v1/identities/nobody/suspend", "", 404, [#""code":"not_found""#]),
      ("/v1/identities/nobody/retire", "", 404, [#""code":"not_found""#]),
      ("/v1/identities/nobody/revise", #"{"kind":"person"}"#, 404, [#""code":"not_found""#]),
      ("/v1/identities/alice/resume", "", 409, [#""code":"not_held""#]),
      ("/v1/identities/alice/suspend", #"{"id":"bob"}"#, 400, [#""pointer":"/id""#, "named by the path"]),
      ("/v1/identities/alice/suspend", #"{"effective_at":"2024-01-02T00:00:00Z"}"#, 409, [#""code":"reason_required""#]),
      ("/v1/identities/\(long)/suspend", "", 400, [#""parameter":"id""#]),
      ("/v1/groups/team/members", #"{"member":"role:admin"}"#, 400, [#""pointer":"/member""#]),
      ("/v1/groups/team/members", #"{"member":"identity:nobody"}"#, 409, [#""code":"unknown_reference""#]),
      ("/v1/groups/none/members", #"{"member":"identity:alice"}"#, 404, [#""code":"not_found""#]),
      ("/v1/groups/team/members", #"{"member":"group:department"}"#, 409, [#""code":"cycle""#]),
      ("/v1/groups/team/members", #"{"member":"identity:alice"}"#, 409, [#""code":"no_change""#]),
      (
        "/v1/roles", #"{"id":"r","permissions":[{"effect":"forbid","actions":["a"]}]}"#, 400,
        [#""pointer":"/permissions/0/effect""#]
      ),
      (
        "/v1/roles", #"{"id":"r","permissions":[{"actions":["a"],"condition":{"StringIs":{"identity.id":"x"}}}]}"#, 400,
        [#""pointer":"/permissions/0/condition/StringIs""#, "is not a known operator"]
      ),
      (
        "/v1/access/check", #"{"identity":"alice","action":"a","resource":"r","context":{"ip":"10.0.0.300"}}"#, 400,
        [#""pointer":"/context/ip""#, "must be an IP address"]
      ),
      (
        "/v1/access/check", #"{"identity":"alice","action":"a","resource":"r","context":{"colour":"red"}}"#, 400,
        [#""pointer":"/context/colour""#]
      ),
      ("/v1/roles", #"{"id":"r","permissions":[{"actions":[]}]}"#, 400, [#""pointer":"/permissions/0/actions""#]),
      ("/v1/roles", #"{"id":"r"}"#, 400, [#""pointer":"/permissions""#]),
      ("/v1/roles/viewer/revise", #"{"permissions":[],"includes":["admin"]}"#, 409, [#""code":"cycle""#]),
      ("/v1/assignments", #"{"principal":"identity:bob","role":"viewer","scope":""}"#, 400, [#""pointer":"/scope""#]),
      ("/v1/assignments", #"{"principal":"identity:bob","role":"none","scope":"*"}"#, 409, [#""pointer":"/role""#]),
      (
        "/v1/assignments", #"{"id":"site","principal":"identity:bob","role":"viewer","scope":"*"}"#, 409, [#""code":"id_used""#]
      ),
      ("/v1/assignments/none/revoke", "", 409, [#""code":"not_held""#]),
      ("/v1/policies", #"{"id":"d","policy_type":"deny","rule":{}}"#, 400, [#""pointer":"/rule/actions""#]),
      ("/v1/policies", #"{"id":"d","policy_type":"elevation","rule":{}}"#, 400, [#""pointer":"/rule/roles""#]),
      ("/v1/resources", #"{"path":"/acme"}"#, 400, [#""pointer":"/path""#]),
      ("/v1/events/999999/void", #"{"reason":"x"}"#, 404, [#""code":"not_found""#]),
      ("/v1/events/1/void", "", 409, [#""code":"reason_required""#]),
      ("/v1/events/one/void", #"{"reason":"x"}"#, 400, [#""parameter":"position""#]),
      ("/v1/commands", "{}", 400, [#""pointer":"/commands""#]),
      ("/v1/commands", #"{"commands":[]}"#, 400, [#""pointer":"/commands""#]),
      ("/v1/commands", #"{"commands":[{"type":"identity.explode"}]}"#, 400, [#""pointer":"/commands/0/type""#]),
      ("/v1/commands", #"{"commands":[{"id":"x"}]}"#, 400, [#""pointer":"/commands/0/type""#]),
      ("/v1/commands", #"{"commands":[7]}"#, 400, [#""pointer":"/commands/0""#]),
      ("/v1/commands", #"{"observations":true,"commands":[{"type":"group.create","id":"g"}]}"#, 400, [#""pointer":"/source""#]),
      ("/v1/commands", #"{"source":"s","commands":[{"type":"group.create","id":"g"}]}"#, 400, [#""pointer":"/source""#]),
      ("/v1/access/who", #"{"role":7}"#, 400, [#""pointer":"/role""#]),
      ("/v1/access/who", #"{"role":"viewer","limit":"5"}"#, 400, [#""pointer":"/limit""#]),
      ("/v1/access/what?identity=bob", #"{"identity":"bob"}"#, 400, [#""parameter":"identity""#]),
    ]
    let before = try await client.get("/v1/events?limit=1").json["position"]
    for (path, body, status, fragments) in rows {
      let reply = try await client.post(path, body)
      reply.expect(status, fragments)
      #expect(reply.headers["Content-Type"] == "application/problem+json")
      #expect(reply.json["status"]?.integerValue == Int64(status))
    }
    #expect(try await client.get("/v1/events?limit=1").json["position"] == before)
  }

  @Test func `a batch and a body have limits`() async throws {
    let client = try await Organisation.empty().client
    let one = #"{"type":"group.create","id":"g"}"#
    let many = Array(repeating: one, count: Limits.commandsPerBatch + 1).joined(separator: ",")
    try await client.post("/v1/commands", #"{"commands":[\#(many)]}"#).expect(400, #""limit":"commands_per_batch""#, "10000")
    let large = #"{"id":"\#(String(repeating: "x", count: JSONLimits.standard.bytes))"}"#
    try await client.post("/v1/groups", large).expect(413, #""limit":"body_bytes""#)
    let deep = String(repeating: "[", count: 100)
    try await client.post("/v1/groups", deep).expect(400, #""limit":"json_depth""#)
    try await client.send(.post, "/v1/groups", [0x7B, 0x22, 0xFF, 0x22, 0x7D], headers: []).expect(400, "not UTF-8")
    try await client.get("/v1/events").expect(200, #""events":[]"#)
  }

  @Test func `a bad header names the header`() async throws {
    let client = try await Organisation.told().client
    let rows: [([(String, String)], Int, [String])] = [
      ([("Tenure-Tenant", "nowhere")], 404, [#""code":"unknown_tenant""#]),
      ([("Tenure-Tenant", "no such name")], 404, [#""code":"unknown_tenant""#]),
      ([("Tenure-Min-Position", "soon")], 400, [#""header":"Tenure-Min-Position""#]),
      ([("Tenure-Min-Position", "-1")], 400, [#""header":"Tenure-Min-Position""#]),
      ([("Idempotency-Key", "")], 400, [#""header":"Idempotency-Key""#]),
      ([("Idempotency-Key", String(repeating: "k", count: 256))], 400, ["255 bytes"]),
      ([("Idempotency-Key", "a"), ("Idempotency-Key", "b")], 400, ["must be given once"]),
      ([("Idempotency-Key", "a b")], 400, [#""header":"Idempotency-Key""#]),
    ]
    for (headers, status, fragments) in rows {
      try await client.get("/v1/identities", headers: headers).expect(status, fragments)
    }
    try await client.post("/v1/groups", #"{"id":"g"}"#, headers: [("Content-Type", "text/plain")]).expect(
      415, #""code":"unsupported_media_type""#)
    let wrong = try await client.send(.delete, "/v1/groups")
    wrong.expect(405, #""code":"method_not_allowed""#)
    #expect(wrong.headers["Allow"] == "GET, HEAD, POST, OPTIONS")
  }
}
