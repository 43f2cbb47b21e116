import Governance
import JSON
import Testing

@testable import API

/// Eligible access beside the answers: who could get it, by which policies, and whether alone.
@Suite struct EligibleTests {
  /// The organisation, in which bob may ask for admin on acme; glass he may break since 1 March.
  private func organisation(_ more: String = #""break_glass": true"#) async throws -> Organisation {
    let organisation = try await Organisation.told()
    try await organisation.client.post(
      "/v1/policies",
      """
      {"id": "elevate", "policy_type": "elevation", "rule": {"principals": ["identity:bob"], "roles": ["admin"],
       "scopes": ["acme"], "approvers": ["group:team"], "longest_seconds": 7200, \(more)}}
      """
    ).expect(201)
    return organisation
  }

  private static let ways = #"[{"policy":"elevate","alone":"yes","status":"allowed"}]"#

  @Test func `answers about a moment say who is eligible`() async throws {
    let client = try await organisation().client
    let site = "action=repo.write&resource=acme/site"
    let rows: [(String, [String])] = [
      (
        "who?\(site)", [#""eligible":[{"identity":"bob","alone":"yes","ways":\#(Self.ways)}],"becoming":[],"next_cursor":null"#]
      ),
      ("who?\(site)&at=2024-02-01T00:00:00Z", [#""eligible":[]"#]),
      ("who?role=admin", [#""eligible":[]"#, #""identity":"bob","status":"allowed""#]),
      ("who?privileged=true", [#""eligible":[]"#]),
      ("who?role=viewer&at=2024-03-01T00:00:00Z", [#""role":"viewer""#, #""eligible":["#]),
      (
        "what?identity=bob",
        [
          #""eligible":[{"policy":"elevate","requester":"bob","role":"admin","scope":"acme","alone":"yes","status":"allowed","#,
          #""longest_seconds":7200,"standing":false}],"becoming":[],"next_cursor":null"#,
        ]
      ),
      ("what?identity=alice", [#""eligible":[]"#]),
      ("why?identity=bob&\(site)", [#""status":"denied""#, #""eligible":\#(Self.ways)"#]),
      ("why?identity=nobody&\(site)", [#""eligible":[]"#]),
      ("check?identity=bob&\(site)", [#""status":"denied""#, #""eligible":\#(Self.ways)}"#]),
      ("check?identity=bob&action=repo.read&resource=acme/docs", [#""status":"conditional""#, #""eligible":\#(Self.ways)"#]),
    ]
    for (question, fragments) in rows { try await client.get("/v1/access/\(question)").expect(200, fragments) }
    for question in ["why", "check"] {
      let allowed = try await client.get("/v1/access/\(question)?identity=alice&\(site)")
      #expect(allowed.json["status"] == "allowed")
      #expect(!allowed.body.contains("eligible"))
    }
    let batch = #"{"identity":"alice","action":"repo.write","resource":"acme/site"}"#
    let other = #"{"identity":"bob","action":"repo.write","resource":"acme/site"}"#
    let checks = try await client.post("/v1/access/check", #"{"checks":[\#(batch),\#(other)]}"#).json["checks"]
    #expect(checks?[0]?.objectValue?.contains { $0.name == "eligible" } == false)
    #expect(checks?[1]?["eligible"]?[0]?["alone"] == "yes")
  }

  @Test func `over a stretch it is not answered, and says so`() async throws {
    let client = try await organisation().client
    let stretch = "from=2024-01-01T00:00:00Z&to=2025-01-01T00:00:00Z"
    for question in ["who?role=viewer", "who?action=repo.write&resource=acme/site", "what?identity=bob"] {
      try await client.get("/v1/access/\(question)&\(stretch)").expect(
        200, #""eligible":null,"not_answered":{"eligible":"eligible access is told of moments,"#)
    }
  }

  @Test func `the eligible come after the holders, page by page`() async throws {
    let client = try await organisation(#""break_glass": true, "groups": ["team"]"#).client
    for name in ["zed", "yan"] {
      try await client.post("/v1/identities", #"{"id":"\#(name)","kind":"person"}"#).expect(201)
    }
    try await client.post(
      "/v1/policies",
      """
      {"id": "anybody", "policy_type": "elevation", "rule": {"groups": ["team"], "approvers": ["identity:alice"],
       "standing": true}}
      """
    ).expect(201)
    var rows: [String] = []
    var cursor = ""
    repeat {
      let page = try await client.get("/v1/access/who?action=repo.write&resource=acme/site&limit=1\(cursor)")
      page.expect(200)
      for list in ["identities", "eligible"] {
        rows += (page.json[list]?.arrayValue ?? []).map { "\(list) \($0["identity"]?.stringValue ?? "")" }
      }
      cursor = page.json["next_cursor"]?.stringValue.map { "&cursor=\($0)" } ?? ""
    } while !cursor.isEmpty && rows.count < 9
    #expect(rows == ["identities alice", "eligible bob", "eligible mona", "eligible yan", "eligible zed"])
  }
}
