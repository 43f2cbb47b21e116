import JSON
import Testing

@testable import API

/// Who becomes whom, and what everyone has, over HTTP.
@Suite struct BecomingTests {
  private func told() async throws -> Organisation {
    let organisation = try await Organisation.told()
    let client = organisation.client
    let commands = """
      {"commands": [
        {"type": "identity.register", "id": "deploy", "kind": "assumable_role"},
        {"type": "role.define", "id": "assume", "permissions": [{"actions": ["identity:assume"]}]},
        {"type": "assignment.grant", "id": "trust", "principal": "identity:bob", "role": "assume", "scope": "identity/deploy",
         "condition": {"Bool": {"request.mfa": ["true"]}}},
        {"type": "assignment.grant", "id": "deploys", "principal": "identity:deploy", "role": "admin", "scope": "acme/site"},
        {"type": "assignment.grant", "id": "public", "principal": "identity:everyone", "role": "viewer", "scope": "acme/docs"}
      ]}
      """
    try await client.post("/v1/commands", commands).expect(200)
    return organisation
  }

  @Test func `beside the answers stands who reaches it by becoming another`() async throws {
    let client = try await told().client
    let step =
      #"{"identity":"bob","account":null,"becomes":"deploy","action":"identity:assume","assignment":"trust","status":"conditional","conditions":[{"Bool":{"request.mfa":["true"]}}],"event":"#
    let way = #""becoming":[{"identity":"bob","as":"deploy","status":"conditional","steps":["# + step
    try await client.get("/v1/access/who?action=repo.write&resource=acme/site").expect(
      200, #"{"identity":"deploy","status":"allowed""#, way)
    try await client.get("/v1/access/what?identity=bob").expect(200, way)
    let why = try await client.get("/v1/access/why?identity=bob&action=repo.write&resource=acme/site")
    why.expect(200, #""status":"denied""#, way, #""path":{"status":"allowed""#)
    // A request is made as somebody: check does not follow trust.
    try await client.get("/v1/access/check?identity=bob&action=repo.write&resource=acme/site").expect(
      200, #""status":"denied""#)
    let stretch = #""conditional":[{"from":"#
    let during = #""becoming":[{"identity":"bob","as":"deploy","allowed":[],"# + stretch
    try await client.get("/v1/access/who?action=repo.write&resource=acme/site&from=2024-01-01T00:00:00Z").expect(
      200, during, #""steps":[{"identity":"bob","becomes":"deploy","action":"identity:assume","assignment":"trust"}]"#)
    try await client.get("/v1/access/what?identity=bob&from=2024-01-01T00:00:00Z").expect(200, during)
    try await client.get("/v1/access/who?role=admin&from=2024-01-01T00:00:00Z").expect(200, #""becoming":["#)
  }

  @Test func `what everyone has is listed once, marked, and everybody has it`() async throws {
    let client = try await told().client
    let who = try await client.get("/v1/access/who?action=repo.read&resource=acme/docs")
    who.expect(200, #"{"identity":"everyone","status":"allowed","without_entitlement":false,"external":true}"#)
    #expect(!who.body.contains(#""identity":"alice""#))
    try await client.get("/v1/access/who?action=repo.read&resource=acme/docs&from=2024-01-01T00:00:00Z").expect(
      200, #"{"identity":"everyone","allowed":[{"#, #""unknown":[],"external":true}"#)
    try await client.get("/v1/access/check?identity=alice&action=repo.read&resource=acme/docs").expect(
      200, #""status":"allowed""#, #""assignment""#)
    try await client.get("/v1/access/why?identity=alice&action=repo.read&resource=acme/docs").expect(
      200, #""kind":"built_in","id":"everyone""#)
    try await client.get("/v1/access/what?identity=alice").expect(200, #""scope":"acme/docs""#)
    try await client.post("/v1/identities", #"{"id":"account:123456789012","kind":"person"}"#).expect(
      400, #""pointer":"/kind""#, "built-in")
    try await client.post("/v1/identities", #"{"id":"account:123456789012","kind":"external"}"#).expect(201)
  }

  @Test func `a built-in principal is there by itself: nobody suspends, retires or links it`() async throws {
    let client = try await told().client
    try await client.post("/v1/identities/authenticated/resume", "").expect(409)
    for id in ["everyone", "authenticated", "account%3A123456789012"] {
      try await client.post("/v1/identities/\(id)/suspend", "").expect(400, "built-in")
      try await client.post("/v1/identities/\(id)/retire", "").expect(400, "built-in")
    }
    try await client.post("/v1/identities/everyone/link", #"{"person":"alice"}"#).expect(400, "built-in")
  }
}
