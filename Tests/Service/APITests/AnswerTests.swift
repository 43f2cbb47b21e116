import EventLog
import HTTP
import JSON
import Postgres
import TestSupport
import Testing

@testable import API

/// Good requests, one table row each: what is asked, and what stands in the answer.
@Suite struct AnswerTests {
  @Test func `every question has its answer`() async throws {
    let client = try await Organisation.told().client
    let rows: [(String, [String])] = [
      (
        "/v1/access/who?action=repo.write&resource=acme/site",
        [
          #""identities":[{"identity":"alice","status":"allowed","without_entitlement":false}]"#, #""sources":["directory"]"#,
          #""complete":true"#, #""at":"2024-03-01T00:00:00.000000Z""#, #""next_cursor":null"#,
        ]
      ),
      (
        "/v1/access/who?action=repo.read&resource=acme/docs",
        [#"{"identity":"bob","status":"conditional""#]
      ),
      (
        "/v1/access/who?action=repo.read&resource=acme/docs&at=2024-01-27T00:00:00Z",
        [#"{"identity":"leo","status":"allowed","without_entitlement":true}"#]
      ),
      ("/v1/access/who?role=viewer", [#""identity":"alice""#, #""identity":"bob""#, #""role":"viewer""#]),
      ("/v1/access/who?group=department", [#""identities":[{"identity":"alice""#]),
      (
        "/v1/access/who?privileged=true",
        [#""identity":"alice""#, #""complete":false"#, "no source vouches for the whole tenant"]
      ),
      ("/v1/access/who?action=repo.read&resource=elsewhere", [#""identities":[]"#, "no source vouches for elsewhere"]),
      (
        "/v1/access/who?action=repo.read&resource=acme/docs&from=2024-01-01T00:00:00Z&to=2025-01-01T00:00:00Z",
        [#"{"identity":"leo","allowed":[{"from":"2024-01-01T00:00:00.000000Z","to":"2024-02-01T00:00:00.000000Z"}]"#]
      ),
      (
        "/v1/access/who?action=repo.write&resource=acme/vault&as_known_at=2024-02-03T00:00:00Z&at=2024-02-03T00:00:00Z",
        [#""identities":[]"#]
      ),
      ("/v1/access/who?action=repo.write&resource=acme/vault&as_known_at=19", [#""as_known_at":19"#, #""identities":[]"#]),
      (
        "/v1/access/what?identity=alice",
        [#""action":"repo.*""#, #""scope":"acme/site""#, #""identity_known":true"#]
      ),
      ("/v1/access/what?identity=nobody", [#""identity_known":false"#, #""rights":[]"#]),
      (
        "/v1/access/what?identity=leo&from=2024-01-01T00:00:00Z&to=2024-03-01T00:00:00Z",
        [#""held":[{"from":"2024-01-01T00:00:00.000000Z","to":"2024-02-01T00:00:00.000000Z"}]"#]
      ),
      (
        "/v1/access/why?identity=alice&action=repo.write&resource=acme/site",
        [
          #""status":"allowed""#, #"{"kind":"group","id":"team","event":10"#, #"{"kind":"group","id":"department","event":11"#,
          #""kind":"assignment","id":"site","role":"admin","scope":"acme/site""#, #""actor":null"#, #""authorised_by":null"#,
          #""recorded_by":{"authentication":"local","id":"api"}"#, #""learnt":null"#,
        ]
      ),
      (
        "/v1/access/why?identity=bob&action=repo.write&resource=acme/vault&at=2024-02-03T00:00:00Z",
        [#""learnt":"6 days later""#, #""reason":"told by mail""#]
      ),
      (
        "/v1/access/why?identity=leo&action=repo.read&resource=acme&at=2024-01-27T00:00:00Z",
        [#""due_at":"2024-01-26T00:00:00.000000Z","without_entitlement":true"#]
      ),
      ("/v1/access/why?identity=nobody&action=repo.read&resource=acme", [#""reason":"identity_unknown""#]),
      (
        "/v1/access/timeline?identity=leo&from=2024-01-01T00:00:00Z",
        [
          #""turn":"gained""#, #""turn":"lost""#, #""due_at":"2024-01-26T00:00:00.000000Z""#,
          #""without_entitlement":{"from":"2024-01-26T00:00:00.000000Z","to":"2024-02-01T00:00:00.000000Z","lasted":"6 days"}"#,
          #""actor":{"id":"hr-bot"}"#, #""ticket":{"key":"HR-7","system":"hr"}"#,
        ]
      ),
      (
        "/v1/access/diff?resource=acme&from=2024-01-15T00:00:00Z&to=2024-02-15T00:00:00Z",
        [#""gained":[{"identity":"bob","action":"repo.*""#, #""lost":[{"identity":"leo","action":"repo.read""#]
      ),
      (
        "/v1/access/diff?from=2024-02-03T00:00:00Z&to=2024-02-03T00:00:00Z&from_as_known_at=2024-02-03T00:00:00Z",
        [#""gained":[{"identity":"bob""#, #""lost":[]"#]
      ),
      (
        "/v1/access/snapshot?at=2024-01-15T00:00:00Z",
        [#""question":"snapshot""#, #"{"identity":"alice","action":"repo.*""#, #"{"identity":"leo""#]
      ),
      ("/v1/find?text=alice", [#"{"identity":"alice","kind":"person","matched":"id"}"#, #""truncated":false"#]),
    ]
    for (target, fragments) in rows { try await client.get(target).expect(200, fragments) }
  }

  @Test func `rights are listed with what is left of them`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    for (at, id, type, rule) in [
      ("2024-03-02", "frozen", "deny", #"{"actions":["repo.*"],"resources":["acme/site/old*"]}"#),
      ("2024-03-03", "leavers", "deny", #"{"principals":["identity:alice"],"actions":["*"]}"#),
      ("2024-03-04", "office", "boundary", #"{"principals":["identity:bob"],"permissions":[{"actions":["repo.read"]}]}"#),
    ] {
      try organisation.clock.set("\(at)T00:00:00Z")
      try await client.post("/v1/policies", #"{"id":"\#(id)","policy_type":"\#(type)","rule":\#(rule)}"#).expect(201)
    }
    let admin = #""action":"repo.*","resource":"*","scope":"acme/site","conditions":[]"#
    let rows: [(String, [String])] = [
      (
        "/v1/access/what?identity=alice&at=2024-03-01T00:00:00Z",
        [admin + #","status":"allowed","open_conditions":[],"restricted_by":[],"without_entitlement":false"#]
      ),
      (
        "/v1/access/what?identity=alice&at=2024-03-02T00:00:00Z",
        [admin + #","status":"allowed","open_conditions":[],"restricted_by":[{"kind":"deny","id":"frozen"}]"#]
      ),
      (
        "/v1/access/what?identity=alice",
        [admin + #","status":"denied","open_conditions":[],"restricted_by":[{"kind":"deny","id":"leavers"}]"#]
      ),
      (
        "/v1/access/what?identity=bob",
        [
          #""scope":"acme","conditions":[{"Bool":{"request.mfa":["true"]}}],"status":"conditional","#
            + #""open_conditions":[{"Bool":{"request.mfa":["true"]}}],"restricted_by":[{"kind":"deny","id":"frozen"}]"#,
          #""action":"repo.*","resource":"*","scope":"acme/vault","conditions":[],"status":"allowed","open_conditions":[],"#
            + #""restricted_by":[{"kind":"boundary","id":"office"}]"#,
        ]
      ),
      ("/v1/access/snapshot", [#"{"identity":"alice","# + admin + #","status":"denied""#]),
      (
        "/v1/access/diff?from=2024-03-01T00:00:00Z&to=2024-03-02T00:00:00Z&identity=alice",
        [#""gained":[],"lost":[]"#, #""changed":[{"identity":"alice","# + admin, #""before":{"status":"allowed""#]
      ),
      (
        "/v1/access/diff?from=2024-03-02T00:00:00Z&to=2024-03-03T00:00:00Z",
        [#""gained":[],"lost":[{"identity":"alice","# + admin, #"{"kind":"deny","id":"frozen"}]"#, #""changed":[]"#]
      ),
      (
        "/v1/access/timeline?identity=alice&from=2024-03-03T00:00:00Z",
        [
          #""judged":true"#,
          #"{"at":"2024-03-03T00:00:00.000000Z","turn":"lost","before":"allowed","now":null,"right":{"# + admin,
        ]
      ),
      (
        "/v1/access/what?identity=alice&from=2024-03-01T00:00:00Z",
        [
          admin + #","status":"allowed","held":[{"from":"2024-03-01T00:00:00.000000Z","to":"2024-03-03T00:00:00.000000Z"}]"#
            + #","conditional":[],"denied":[{"from":"2024-03-03T00:00:00.000000Z","to":null}]"#
        ]
      ),
    ]
    for (target, fragments) in rows { try await client.get(target).expect(200, fragments) }
  }

  @Test func `a question in a body has the answer of the query`() async throws {
    let client = try await Organisation.told().client
    let rows = [
      ("who", "?action=repo.write&resource=acme/site", #"{"action":"repo.write","resource":"acme/site"}"#),
      ("what", "?identity=bob&as_known_at=5", #"{"identity":"bob","as_known_at":5}"#),
      (
        "why", "?identity=alice&action=repo.read&resource=acme/site&limit=1",
        #"{"identity":"alice","action":"repo.read","resource":"acme/site","limit":1}"#
      ),
      (
        "check", "?identity=alice&action=repo.read&resource=acme/site",
        #"{"identity":"alice","action":"repo.read","resource":"acme/site"}"#
      ),
      ("timeline", "?identity=leo&resource=acme", #"{"identity":"leo","resource":"acme"}"#),
      ("diff", "?from=2024-01-15T00:00:00Z", #"{"from":"2024-01-15T00:00:00Z"}"#),
      ("snapshot", "?resource=acme/site", #"{"resource":"acme/site"}"#),
    ]
    for (name, query, body) in rows {
      let (one, other) = (
        try await client.get("/v1/access/\(name)\(query)"), try await client.post("/v1/access/\(name)", body)
      )
      one.expect(200)
      #expect(one.body == other.body)
      #expect(one.headers["Tenure-Position"] == other.json["position"]?.integerValue.map(String.init))
    }
    try await client.post("/v1/find", #"{"text":"alice@acme.example","attribute":"email"}"#).expect(200, #""identity":"alice""#)
  }

  @Test func `every entity can be listed and read`() async throws {
    let client = try await Organisation.told().client
    let rows: [(String, [String])] = [
      ("/v1/identities", [#""id":"alice""#, #""id":"bob""#, #""id":"mona""#, #""next_cursor":null"#]),
      (
        "/v1/identities/alice",
        [#""kind":"person""#, #""email":"alice@acme.example""#, #""level":3"#, #""groups":[{"group":"team""#, #""erased":[]"#]
      ),
      ("/v1/identities/bob", [#""accounts":["mona"]"#]), ("/v1/identities/mona", [#""person":"bob""#]),
      ("/v1/identities/leo", [#""state":"retired""#]),
      ("/v1/identities/leo?at=2024-01-15T00:00:00Z", [#""state":"active""#]),
      ("/v1/groups", [#""id":"department""#, #""id":"team""#]), ("/v1/groups/team", [#""groups":[{"group":"department""#]),
      ("/v1/groups/department/members", [#""members":[{"member":"group:team""#]),
      ("/v1/roles", [#""id":"admin""#]),
      ("/v1/roles/admin", [#""includes":["viewer"]"#, #""actions":["repo.*"]"#]),
      ("/v1/assignments", [#""id":"site""#, #""principal":"group:department""#]),
      ("/v1/assignments/leos", [#""state":"ended""#, #""principal":"identity:leo""#]),
      ("/v1/policies", [#""id":"top""#]), ("/v1/policies/top", [#""policy_type":"privileged""#]),
      ("/v1/resources", [#""path":"acme/site""#]), ("/v1/resources/acme%2Fsite", [#""owner":"alice""#]),
      ("/v1/sources", [#""id":"directory""#]), ("/v1/sources/directory", [#""covers":["acme"]"#, #""gaps":[]"#]),
      ("/v1/events?type=identity.retired", [#""entity":"identity:leo""#]),
      ("/v1/events?entity=identity:leo&limit=1", [#""type":"identity.registered""#, #""next_cursor":""#]),
      ("/v1/events/1", [#""type":"source.registered""#, #""voided":false"#]),
    ]
    for (target, fragments) in rows { try await client.get(target).expect(200, fragments) }
    #expect(!(try await client.get("/v1/identities").body.contains(#""id":"leo""#)))
    #expect(!(try await client.get("/v1/events/3").body.contains("alice@acme.example")))
  }

  @Test func `an erased value is named and not shown`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    let tenant = try #require(try client.store.store.find(tenant: client.tenant))
    _ = try ScratchDatabase.connectAsSuperuser().query("DELETE FROM tenure.personal WHERE tenant_id = \(tenant.id)")
    for target in ["/v1/identities/alice", "/v1/identities"] {
      try await client.get(target).expect(200, #""attributes":{"level":3},"erased":["email"]"#)
    }
  }

  @Test func `the service tells of itself`() async throws {
    let client = try await Organisation.empty().client
    try await client.get("/healthz").expect(200, #""status":"ok""#)
    try await client.get("/readyz").expect(200, #""status":"ready""#)
    try await client.get("/openapi.json").expect(200, #""openapi":"3.1.0""#)
  }
}
