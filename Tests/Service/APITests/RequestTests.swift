import EventLog
import Governance
import JSON
import Testing

@testable import API

/// Access requests over HTTP: what the command path decides, with the look at who made the approvers before it.
@Suite struct RequestTests {
  private func desk(_ rule: String = #""approvals": 1"#) async throws -> Organisation {
    let organisation = try await Organisation.told()
    try await organisation.client.post(
      "/v1/policies",
      """
      {"id": "elevate", "policy_type": "elevation", "rule": {"principals": ["identity:bob"], "roles": ["admin"],
       "scopes": ["acme"], "approvers": ["group:team"], "longest_seconds": 7200, \(rule)}}
      """
    ).expect(201)
    return organisation
  }

  private static let asked =
    #""requester":"bob","policy":"elevate","duration_seconds":3600,"reason":"disk full","proposal":{"type":"assignment.grant","principal":"identity:bob","role":"admin","scope":"acme/site"}"#

  @Test func `a request goes from its submission to its end`() async throws {
    let organisation = try await desk()
    let client = organisation.client
    try await client.post("/v1/requests", #"{"id":"r1",\#(Self.asked)}"#).expect(201, #""state":"pending""#)
    try await client.get("/v1/requests?state=pending").expect(200, #""id":"r1","state":"pending""#)
    try await client.get("/v1/requests?state=active").expect(200, #""requests":[]"#)
    try await client.post("/v1/requests/r1/approve", #"{"by":"bob"}"#).expect(409, #""code":"not_entitled""#)
    try await client.post("/v1/requests/r1/approve", #"{"by":"mona"}"#).expect(409, #""code":"not_entitled""#)
    let approved = try await client.post("/v1/requests/r1/approve", #"{"by":"alice"}"#)
    approved.expect(200, #""state":"active""#)
    #expect(approved.json["events"]?.arrayValue?.count == 2)
    try await client.get("/v1/requests/r1").expect(200, #""approver":"alice""#, #""reason":"disk full""#)
    try await client.get("/v1/access/why?identity=bob&action=repo.write&resource=acme/site").expect(
      200, #""status":"allowed""#, #""authorised_by":{"approver":"alice""#, #""reference":"request:r1","verified":true"#)
    try organisation.clock.set("2024-03-01T01:00:01Z")
    try await client.get("/v1/requests/r1").expect(200, #""id":"r1","state":"ended""#)
    try await client.post("/v1/access/check", #"{"identity":"bob","action":"repo.write","resource":"acme/site"}"#).expect(
      200, #""status":"denied""#)
    // Then is asked about now: it was active.
    try await client.get("/v1/requests/r1?at=2024-03-01T00:30:00Z").expect(200, #""id":"r1","state":"active""#)
    try await client.get("/v1/requests/none").expect(404, #""code":"not_found""#)
  }

  @Test func `of many requests only so many are looked at for one page`() async throws {
    let organisation = try await desk()
    for id in ["r1", "r2", "r3"] {
      try await organisation.client.post("/v1/requests", #"{"id":"\#(id)",\#(Self.asked)}"#).expect(201)
    }
    let client = organisation.client
    let questions = Questions(tenant: try #require(try client.store.store.find(tenant: client.tenant)))
    var (found, place, pages) = ([String](), Int?.some(0), 0)
    while let next = place {
      let page = try questions.requests(RequestFilter(state: .active), after: next, looking: 2)
      #expect(page.requests.isEmpty)
      (place, pages) = (page.next, pages + 1)
    }
    #expect(pages == 2)
    place = 0
    while let next = place {
      let page = try questions.requests(RequestFilter(state: .pending), after: next, looking: 1)
      found += page.requests.map(\.id)
      place = page.next
    }
    #expect(found == ["r1", "r2", "r3"])
  }

  @Test func `whoever the requester has made an approver is found out before it is decided`() async throws {
    let organisation = try await desk()
    let client = organisation.client
    try await client.post("/v1/identities", #"{"id":"friend","kind":"person"}"#).expect(201)
    // The team holds what the policy governs.
    let joins = #"{"member":"identity:friend","actor":{"id":"bob"}"#
    try await client.post("/v1/groups/team/members", joins + "}").expect(409, #""code":"approval_required""#)
    try await client.post("/v1/groups/team/members", joins + #","unapproved":true,"reason":"new"}"#).expect(201)
    try await client.post("/v1/requests", #"{"id":"r1",\#(Self.asked)}"#).expect(201)
    try await client.post("/v1/requests/r1/approve", #"{"by":"friend"}"#).expect(
      409, #""code":"not_entitled""#, "was made an approver by the requester")
    // In a batch it is looked up, too.
    try await client.post("/v1/commands", #"{"commands":[{"type":"request.approve","id":"r1","by":"friend"}]}"#).expect(
      409, #""code":"not_entitled""#)
    try await client.post("/v1/commands", #"{"commands":[{"type":"request.approve","id":"r1","by":"alice"}]}"#).expect(200)
    try await client.get("/v1/requests/r1").expect(200, #""id":"r1","state":"active""#)
  }

  @Test func `two approvals at the same instant grant once`() async throws {
    let organisation = try await desk()
    let client = organisation.client
    try await client.post("/v1/identities", #"{"id":"zoe","kind":"person"}"#).expect(201)
    let joins = #"{"member":"identity:zoe","actor":{"id":"hr"},"unapproved":true,"reason":"new"}"#
    try await client.post("/v1/groups/team/members", joins).expect(201)
    for number in 0..<10 {
      try await client.post("/v1/requests", #"{"id":"r\#(number)",\#(Self.asked)}"#).expect(201)
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for by in ["alice", "zoe", "alice", "zoe"] {
          group.addTask { try await client.post("/v1/requests/r\(number)/approve", #"{"by":"\#(by)"}"#).status }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(statuses.sorted() == [200, 409, 409, 409])
      try await client.get("/v1/events?entity=assignment:r\(number)").expect(200, #""type":"assignment.granted""#)
      #expect(try await client.get("/v1/events?entity=assignment:r\(number)").json["events"]?.arrayValue?.count == 1)
    }
  }

  @Test func `an approval that a separation forbids fails the request, and says so`() async throws {
    let organisation = try await desk()
    let client = organisation.client
    try await client.post(
      "/v1/policies",
      #"{"id":"apart","policy_type":"separation_of_duties","rule":{"roles":["admin","viewer"],"standing":"record"}}"#
    ).expect(201)
    try await client.post("/v1/requests", #"{"id":"r1",\#(Self.asked)}"#).expect(201)
    try await client.post("/v1/requests/r1/approve", #"{"by":"alice"}"#).expect(200, #""state":"failed""#)
    try await client.get("/v1/requests/r1").expect(200, #""code":"separation_of_duties""#)
    try await client.get("/v1/assignments/r1").expect(404)
  }

  @Test func `an idempotency key brings the same request and the same approval again`() async throws {
    let client = try await desk().client
    let key = [("Idempotency-Key", "k1")]
    let first = try await client.post("/v1/requests", "{\(Self.asked)}", headers: key)
    first.expect(201, #""replayed":false"#)
    let again = try await client.post("/v1/requests", "{\(Self.asked)}", headers: key)
    again.expect(201, #""replayed":true"#)
    #expect(first.json["entity"] == again.json["entity"])
    let id = try #require(first.json["entity"]?.stringValue?.dropFirst("request:".count))
    for expected in ["false", "true"] {
      try await client.post("/v1/requests/\(id)/approve", #"{"by":"alice"}"#, headers: [("Idempotency-Key", "k2")]).expect(
        200, #""replayed":\#(expected)"#, #""state":"active""#)
    }
  }

  @Test func `pages of requests keep their order and their moment`() async throws {
    let organisation = try await desk()
    let client = organisation.client
    for number in 0..<7 { try await client.post("/v1/requests", #"{"id":"r\#(number)",\#(Self.asked)}"#).expect(201) }
    var ids: [String] = []
    var cursor = ""
    repeat {
      let page = try await client.get("/v1/requests?limit=3&requester=bob\(cursor)")
      page.expect(200)
      ids += page.json["requests"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
      cursor = page.json["next_cursor"]?.stringValue.map { "&cursor=\($0)" } ?? ""
      // What comes later is on no page of this question.
      if ids.count == 3 { try await client.post("/v1/requests", #"{"id":"later",\#(Self.asked)}"#).expect(201) }
    } while !cursor.isEmpty
    #expect(ids == (0..<7).map { "r\($0)" })
  }
}
