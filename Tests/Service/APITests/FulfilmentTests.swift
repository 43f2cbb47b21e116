import Governance
import JSON
import Testing

@testable import API

/// Whether ended access was taken away, over HTTP.
@Suite struct FulfilmentTests {
  /// leo's assignment has ended with leo; a directory that vouches for acme said so long ago, and has not been read since.
  private static let open = #""assignment":"leos","principal":"identity:leo","role":"viewer","scope":"acme""#

  private func observe(_ client: Client, _ command: String) async throws {
    try await client.post(
      "/v1/commands", #"{"observations":true,"source":"directory","commands":[\#(command)]}"#
    ).expect(200)
  }

  @Test func `an ending is listed, confirmed and seen`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    let listed = try await client.get("/v1/fulfilments")
    listed.expect(
      200, Self.open, #""stage":"recorded","executed":false"#, #""ended_at":"2024-02-01T00:00:00.000000Z""#,
      #""because":"principal_ended""#, #""age_seconds":2505600"#, #""acknowledged":null"#, #""next_cursor":null"#)
    let end = "2024-02-01T00:00:00Z"
    let body = #"{"by":"alice","ended_at":"\#(end)","stage":"acknowledged","evidence":"OPS-7"}"#
    let confirmed = try await client.post("/v1/assignments/leos/confirm_fulfilment", body)
    confirmed.expect(200, #""entity":"assignment:leos""#)
    let event = try #require(confirmed.json["events"]?[0]?.integerValue)
    try await client.get("/v1/fulfilments?stage=acknowledged").expect(
      200, Self.open, #""stage":"acknowledged""#, #""by":"alice","evidence":"OPS-7""#)
    try await client.get("/v1/events/\(event)").expect(200, #""type":"fulfilment.confirmed""#)
    // TEAM#398: leo is told to be gone, and the directory has him under the account that nobody retired.
    try await observe(
      client, #"{"type":"assignment.grant","id":"left","principal":"identity:leo","role":"viewer","scope":"acme"}"#)
    try await client.get("/v1/fulfilments").expect(
      200, #""stage":"observed_present""#, #""source":"directory""#, #""present":true,"shown_by":"left""#)
    try organisation.clock.set("2024-03-02T00:00:00Z")
    try await observe(client, #"{"type":"assignment.revoke","id":"left"}"#)
    try await client.get("/v1/fulfilments").expect(200, #""fulfilments":[]"#)
    try await client.get("/v1/fulfilments?stage=observed_absent&assignment=leos").expect(200, #""executed":true"#)
    // Then is answered as it was known then.
    try await client.get("/v1/fulfilments?assignment=leos&as_known_at=\(event)").expect(200, #""stage":"acknowledged""#)
    try await client.get("/v1/fulfilments?at=2024-01-31T00:00:00Z").expect(200, #""fulfilments":[]"#)
  }

  /// Threads 39 and 42 of the field notes: a session survives what it rests on, a derived credential its grant.
  ///
  /// So an end is not executed while one of them lives, whoever says that it is.
  @Test func `threads 39 and 42: an ending is not executed while a credential obtained under it is alive`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    for body in [
      #"{"id":"TOKEN","kind":"token","identity":"bob","holder":"bob","grant":"bobs"}"#,
      #"{"id":"SESSION","kind":"session","identity":"mona","holder":"bob","parent":"TOKEN","expires_at":"2024-03-03T00:00:00Z"}"#,
    ] { try await client.post("/v1/credentials", body).expect(201) }
    try await client.post("/v1/assignments/bobs/revoke", #"{"effective_at":"2024-03-02T00:00:00Z"}"#).expect(200)
    try organisation.clock.set("2024-03-02T01:00:00Z")
    try await client.post(
      "/v1/assignments/bobs/confirm_fulfilment",
      #"{"by":"alice","ended_at":"2024-03-02T00:00:00Z","stage":"observed_absent","evidence":"OPS-9"}"#
    ).expect(200)
    let listed = try await client.get("/v1/fulfilments")
    listed.expect(
      200, #""stage":"observed_absent","executed":false"#,
      #""credentials_alive":["SESSION","TOKEN"],"credentials_alive_count":2"#)
    // The token is taken away, and the session obtained with it goes on.
    try await client.post("/v1/credentials/TOKEN/revoke", "{}").expect(200)
    try await client.get("/v1/fulfilments?assignment=bobs").expect(
      200, #""executed":false"#, #""credentials_alive":["SESSION"]"#)
    try organisation.clock.set("2024-03-03T00:00:00Z")
    try await client.get("/v1/fulfilments?assignment=bobs&stage=all").expect(
      200, #""executed":true"#, #""credentials_alive":[],"credentials_alive_count":0"#)
    try await client.get("/v1/fulfilments?assignment=bobs&stage=all&at=2024-03-02T12:00:00Z").expect(200, #""executed":false"#)
  }

  @Test func `access that a request ended is listed with that`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try await client.post(
      "/v1/policies",
      """
      {"id": "elevate", "policy_type": "elevation", "rule": {"principals": ["identity:bob"], "roles": ["admin"],
       "scopes": ["acme"], "approvers": ["group:team"], "longest_seconds": 7200, "approvals": 1}}
      """
    ).expect(201)
    try await client.post(
      "/v1/requests",
      """
      {"id": "r1", "requester": "bob", "policy": "elevate", "duration_seconds": 3600, "reason": "disk full",
       "proposal": {"type": "assignment.grant", "principal": "identity:bob", "role": "admin", "scope": "acme/site"}}
      """
    ).expect(201)
    try await client.post("/v1/requests/r1/approve", #"{"by":"alice"}"#).expect(200)
    try await client.get("/v1/fulfilments?assignment=r1").expect(200, #""fulfilments":[]"#)
    try await client.post("/v1/requests/r1/end", #"{"by":"bob"}"#).expect(200)
    try await client.get("/v1/fulfilments?assignment=r1").expect(
      200, #""because":"request_ended""#, #""stage":"recorded""#)
    let list = try await client.get("/v1/fulfilments")
    #expect(list.json["fulfilments"]?.arrayValue?.compactMap { $0["assignment"]?.stringValue } == ["leos", "r1"])
    let since = try await client.get("/v1/fulfilments?since=2024-02-01T00:00:00.000001Z")
    #expect(since.json["fulfilments"]?.arrayValue?.compactMap { $0["assignment"]?.stringValue } == ["r1"])
    // Whose access it was does not confirm that it is gone, by another account either.
    let end = try #require(list.json["fulfilments"]?[1]?["ended_at"]?.stringValue)
    for by in ["bob", "mona"] {
      try await client.post(
        "/v1/assignments/r1/confirm_fulfilment",
        #"{"by":"\#(by)","ended_at":"\#(end)","stage":"observed_absent","evidence":"trust me"}"#
      ).expect(409, #""code":"not_entitled""#)
    }
  }

  @Test func `the end of a membership is listed, confirmed and seen`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try await observe(client, #"{"type":"group.revise","id":"team"}"#)
    try await client.post("/v1/groups/team/members/remove", #"{"member":"identity:alice"}"#).expect(200)
    let target = "/v1/fulfilments?group=team&member=identity:alice"
    let listed = try await client.get(target)
    listed.expect(
      200,
      #""kind":"membership","group":"team","assignment":null,"principal":"identity:alice","role":null,"scope":null,"source":"api","#,
      #""stage":"recorded","executed":false"#, #""because":"removed""#)
    let end = try #require(listed.json["fulfilments"]?[0]?["ended_at"]?.stringValue)
    let path = "/v1/groups/team/members/confirm_fulfilment"
    func body(_ by: String, _ member: String = "alice") -> String {
      #"{"member":"identity:\#(member)","by":"\#(by)","ended_at":"\#(end)","stage":"acknowledged","evidence":"OPS-7"}"#
    }
    try await client.post(path, body("alice")).expect(409, #""code":"not_entitled""#)
    try await client.post(path, body("alice", "bob")).expect(409, #""code":"not_found""#)
    try await client.post(path, #"{"by":"bob"}"#).expect(400)
    let confirmed = try await client.post(path, body("bob"))
    confirmed.expect(200, #""entity":"group:team""#)
    let event = try #require(confirmed.json["events"]?[0]?.integerValue)
    try await client.get("/v1/events/\(event)").expect(200, #""type":"fulfilment.confirmed""#, #""member":"identity:alice""#)
    try await client.get("/v1/fulfilments?stage=acknowledged").expect(200, #""by":"bob","evidence":"OPS-7""#)
    // The directory names the group, looks again, and does not show her.
    try organisation.clock.set("2024-03-02T00:00:00Z")
    try await observe(client, #"{"type":"coverage.begin","source":"directory","resource":"acme"}"#)
    try await client.get(target + "&stage=all").expect(200, #""stage":"observed_absent","executed":true"#)
    for (query, parameter) in [
      ("group=team", "member"), ("group=team&member=team", "member"),
      ("group=team&member=identity:alice&assignment=leos", "group"),
    ] { try await client.get("/v1/fulfilments?\(query)").expect(400, #""parameter":"\#(parameter)""#) }
  }

  @Test func `the pages of endings are the list`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    let grants = (0..<9).map {
      #"{"type":"assignment.grant","id":"x y \#($0)","principal":"identity:bob","role":"viewer","scope":"acme","expires_at":"2024-03-01T0\#(1 + $0 / 4):00:00Z"}"#
    }
    try await client.post("/v1/commands", #"{"commands":[\#(grants.joined(separator: ","))]}"#).expect(200)
    try organisation.clock.set("2024-03-02T00:00:00Z")
    let whole = try await client.get("/v1/fulfilments?stage=all").json["fulfilments"]?.arrayValue ?? []
    #expect(whole.count == 10)
    var collected: [JSONValue] = []
    var cursor = ""
    repeat {
      let page = try await client.get("/v1/fulfilments?stage=all&limit=3\(cursor)")
      page.expect(200)
      collected += page.json["fulfilments"]?.arrayValue ?? []
      cursor = page.json["next_cursor"]?.stringValue.map { "&cursor=\($0)" } ?? ""
      // What is recorded between two pages does not shift them.
      try await client.post("/v1/assignments/x%20y%20\(collected.count - 1)/record_expiry", "{}").expect(409)
      try await client.post("/v1/identities", #"{"id":"a\#(collected.count)","kind":"person"}"#).expect(201)
    } while !cursor.isEmpty && collected.count <= whole.count
    #expect(collected == whole)
  }

  @Test func `bad input names what is wrong`() async throws {
    let client = try await Organisation.told().client
    for (target, fragments) in [
      ("stage=gone", [#""parameter":"stage""#, "observed_present"]), ("stage=", [#""parameter":"stage""#]),
      ("since=soon", [#""parameter":"since""#]), ("assignment=", [#""parameter":"assignment""#]),
      ("limit=0", [#""parameter":"limit""#]), ("cursor=zzz", [#""parameter":"cursor""#]),
      ("colour=red", [#""parameter":"colour""#]),
    ] {
      try await client.get("/v1/fulfilments?\(target)").expect(400, fragments)
    }
    let path = "/v1/assignments/leos/confirm_fulfilment"
    let end = #""ended_at":"2024-02-01T00:00:00Z""#
    for (body, status, fragments) in [
      ("{}", 400, ["ended_at"]), (#"{"id":"leos"}"#, 400, ["is named by the path"]),
      (#"{"by":"alice",\#(end),"stage":"done","evidence":"x"}"#, 400, [#""/stage""#]),
      (#"{"by":"alice",\#(end),"stage":"acknowledged"}"#, 400, [#""/evidence""#]),
      (#"{"by":"alice",\#(end),"stage":"acknowledged","evidence":""}"#, 400, [#""/evidence""#]),
      (
        #"{"by":"alice","ended_at":"2024-02-02T00:00:00Z","stage":"acknowledged","evidence":"x"}"#, 409,
        ["not_held", "/ended_at"]
      ),
    ] {
      try await client.post(path, body).expect(status, fragments)
    }
    try await client.post(
      "/v1/assignments/site/confirm_fulfilment", #"{"by":"bob",\#(end),"stage":"acknowledged","evidence":"x"}"#
    )
    .expect(409, #""code":"not_held""#)
    try await client.post(
      "/v1/assignments/none/confirm_fulfilment", #"{"by":"bob",\#(end),"stage":"acknowledged","evidence":"x"}"#
    )
    .expect(404, #""code":"not_found""#)
  }
}
