import JSON
import Testing

@testable import API

/// Credentials over HTTP: whose they are, and which were alive when.
@Suite struct CredentialTests {
  /// A key of bob's, the session of admin-role that he obtained with it, and one whose holder is not known.
  private func told() async throws -> Organisation {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try await client.post(
      "/v1/identities", #"{"id":"deploy","kind":"assumable_role","attributes":{"owner":"alice"}}"#
    ).expect(201)
    for body in [
      #"{"id":"AKIA","kind":"key","identity":"bob","holder":"bob"}"#,
      #"{"id":"ASIA","kind":"session","identity":"deploy","holder":"bob","parent":"AKIA","expires_at":"2024-03-01T01:00:00Z"}"#,
      #"{"id":"LOST","kind":"session","identity":"deploy","expires_at":"2024-03-01T03:00:00Z"}"#,
    ] {
      try await client.post("/v1/credentials", body).expect(201, #""entity":"credential:"#)
    }
    return organisation
  }

  private func ids(_ client: Client, _ query: String) async throws -> [String] {
    let reply = try await client.get("/v1/credentials" + query)
    reply.expect(200)
    return (reply.json["credentials"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
  }

  @Test func `whose key it is, and what it outlives`() async throws {
    let organisation = try await told()
    let client = organisation.client
    try await client.get("/v1/credentials/ASIA").expect(
      200, #""id":"ASIA","kind":"session","state":"alive","identity":"deploy","owner":"alice","holder":"bob","grant":null"#,
      #""parent":"AKIA""#, #""outlives":[]"#)
    try await client.post("/v1/credentials/AKIA/revoke", #"{"reason":"leaked"}"#).expect(200)
    try await client.get("/v1/credentials/ASIA").expect(200, #""outlives":[{"what":"parent","id":"AKIA","ended_at":"#)
    try await client.get("/v1/credentials/LOST").expect(200, #""holder":null"#)
    try await client.get("/v1/credentials/none").expect(404, #""code":"not_found""#)
    try await client.post("/v1/credentials", #"{"id":"X","kind":"key","identity":"nobody"}"#).expect(
      409, #""pointer":"/identity""#)
  }

  @Test func `which sessions were alive then, by page`() async throws {
    let organisation = try await told()
    let client = organisation.client
    #expect(try await ids(client, "?kind=session&alive_at=2024-03-01T00:30:00Z") == ["ASIA", "LOST"])
    #expect(try await ids(client, "?kind=session&alive_at=2024-03-01T02:00:00Z") == ["LOST"])
    #expect(try await ids(client, "?alive_at=2024-02-01T00:00:00Z") == [])
    #expect(try await ids(client, "?identity=deploy") == ["ASIA", "LOST"])
    #expect(try await ids(client, "?holder=bob") == ["AKIA", "ASIA"])
    #expect(try await ids(client, "?holder=bob&kind=key") == ["AKIA"])
    #expect(try await ids(client, "?grant=none") == [])
    try await client.get("/v1/credentials?at=2024-03-01T00:00:00Z&alive_at=2024-03-01T00:00:00Z").expect(400)
    let first = try await client.get("/v1/credentials?alive_at=2024-03-01T00:30:00Z&limit=2")
    let cursor = try #require(first.json["next_cursor"]?.stringValue)
    #expect(
      try await ids(client, "?alive_at=2024-03-01T00:30:00Z&limit=2&cursor=\(cursor)") == ["LOST"])
  }
}
