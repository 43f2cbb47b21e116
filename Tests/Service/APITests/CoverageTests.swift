import Testing

@testable import API

/// What answers rest on: coverage, and whether access was still due.
@Suite struct CoverageTests {
  @Test func `coverage tells of the whole stretch`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try await client.post(
      "/v1/sources/directory/coverage/gap",
      #"{"resource":"acme","effective_at":"2024-04-01T00:00:00Z","until":"2024-04-03T00:00:00Z"}"#
    ).expect(200)
    let who = "/v1/access/who?action=repo.read&resource=acme"
    let rows = [
      ("\(who)&at=2024-03-31T23:59:59Z", #""complete":true,"reason":null"#),
      ("\(who)&at=2024-04-02T00:00:00Z", #""complete":false,"reason":"no source vouches for acme at 2024-04-02"#),
      ("\(who)&at=2024-04-03T00:00:00Z", #""complete":true"#), ("\(who)&at=2023-12-31T00:00:00Z", #""complete":false"#),
      ("\(who)&from=2024-03-01T00:00:00Z&to=2024-04-01T00:00:00Z", #""complete":true"#),
      (
        "\(who)&from=2024-03-01T00:00:00Z&to=2024-05-01T00:00:00Z",
        #""complete":false,"reason":"no source vouches for acme at 2024-04-01"#
      ),
      ("\(who)&from=2024-04-03T00:00:00Z", #""sources":["directory"],"complete":true"#),
      (
        "/v1/access/why?identity=bob&action=repo.read&resource=acme&at=2024-04-02T00:00:00Z",
        #""status":"unknown","reason":"not_covered""#
      ),
      ("/v1/access/what?identity=bob&at=2024-03-01T00:00:00Z", #""sources":["directory"],"complete":false"#),
    ]
    for (target, fragment) in rows { try await client.get(target).expect(200, fragment) }
  }

  @Test func `an end that was due is no overrun while another path entitles`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try await client.post(
      "/v1/commands",
      """
      {"commands": [
        {"type": "group.create", "id": "guests"}, {"type": "membership.add", "group": "guests", "member": "identity:mona"},
        {"type": "assignment.grant", "id": "guests", "principal": "group:guests", "role": "viewer", "scope": "lab"},
        {"type": "assignment.grant", "id": "monas", "principal": "identity:mona", "role": "viewer", "scope": "lab"}]}
      """
    ).expect(200)
    try organisation.clock.set("2024-03-20T00:00:00Z")
    try await client.post(
      "/v1/commands",
      """
      {"commands": [
        {"type": "membership.remove", "group": "guests", "member": "identity:mona", "due_at": "2024-03-10T00:00:00Z"},
        {"type": "assignment.revoke", "id": "monas"}]}
      """
    ).expect(200)
    try await client.get("/v1/access/timeline?identity=mona&resource=lab").expect(
      200, #""due_at":"2024-03-10T00:00:00.000000Z","without_entitlement":null"#)
    try await client.get("/v1/access/who?action=repo.read&resource=lab&at=2024-03-15T00:00:00Z").expect(
      200, #"{"identity":"mona","status":"allowed","without_entitlement":false}"#)
  }
}
