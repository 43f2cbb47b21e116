import AccessGraph
import EventLog
import Governance
import HTTP
import JSON
import Temporal
import TestSupport
import Testing

@testable import API

/// Checks: one decision or many, which must be those that `why` and `who` give.
@Suite struct CheckTests {
  @Test func `a check gives its decision and why`() async throws {
    let client = try await Organisation.told().client
    let rows: [(String, [String])] = [
      (
        "identity=alice&action=repo.write&resource=acme/site",
        [
          #""question":"check","identity":"alice","action":"repo.write","resource":"acme/site","#,
          #""at":"2024-03-01T00:00:00.000000Z""#, #""status":"allowed","reason":null,"without_entitlement":false,"#,
          #""decided_by":{"kind":"assignment","id":"site"}}"#,
        ]
      ),
      ("identity=alice&action=repo.write&resource=acme/site/x", [#""status":"allowed""#]),
      ("identity=alice&action=repo.write&resource=acme", [#""status":"denied","reason":"no_path""#]),
      (
        "identity=bob&action=repo.read&resource=acme/docs",
        [#""status":"conditional","reason":null"#, #""at_least":"denied","at_most":"allowed","eligible":[]}"#]
      ),
      ("identity=bob&action=repo.write&resource=elsewhere", [#""status":"unknown","reason":"not_covered""#]),
      ("identity=nobody&action=repo.read&resource=acme", [#""status":"unknown","reason":"identity_unknown""#]),
      ("identity=leo&action=repo.read&resource=acme", [#""status":"denied","reason":"identity_retired""#]),
      (
        "identity=leo&action=repo.read&resource=acme&at=2024-01-27T00:00:00Z",
        [#""status":"allowed","reason":null,"without_entitlement":true"#]
      ),
      (
        "identity=bob&action=repo.write&resource=acme/vault&at=2024-02-03T00:00:00Z&as_known_at=19",
        [#""as_known_at":19,"position":20,"status":"denied""#]
      ),
    ]
    for (query, fragments) in rows {
      let reply = try await client.get("/v1/access/check?\(query)")
      reply.expect(200, fragments)
      #expect(reply.headers["Tenure-Position"] == "20")
      let why = try await client.get("/v1/access/why?\(query)").json
      for member in ["status", "reason", "at", "as_known_at", "position"] { #expect(reply.json[member] == why[member]) }
    }
    try await client.post("/v1/identities/bob/suspend", "").expect(200)
    try await client.get("/v1/access/check?identity=bob&action=repo.read&resource=acme").expect(
      200, #""status":"denied","reason":"identity_suspended""#)
  }

  @Test func `a batch gives the same answers in order, about one world`() async throws {
    let client = try await Organisation.told().client
    let checks = [
      ("leo", "repo.read", "acme"), ("alice", "repo.write", "acme/site"), ("bob", "repo.read", "acme/docs"),
      ("nobody", "a", "b"), ("leo", "repo.read", "acme"),
    ]
    let items = checks.map { #"{"identity":"\#($0.0)","action":"\#($0.1)","resource":"\#($0.2)"}"# }
    for when in ["", #","at":"2024-01-27T00:00:00Z""#, #","as_known_at":12,"at":"2024-01-27T00:00:00Z""#] {
      let reply = try await client.post("/v1/access/check", #"{"checks":[\#(items.joined(separator: ","))]\#(when)}"#)
      reply.expect(200)
      let answers = try #require(reply.json["checks"]?.arrayValue)
      #expect(answers.count == items.count)
      for (item, answer) in zip(items, answers) {
        let one = try await client.post("/v1/access/check", "\(item.dropLast())\(when)}").json
        for member in ["identity", "action", "resource", "status", "reason", "without_entitlement"] {
          #expect(answer[member] == one[member])
        }
        for member in ["at", "as_known_at", "position"] { #expect(reply.json[member] == one[member]) }
      }
    }
  }

  @Test func `a bad check names the member, and the place in a batch`() async throws {
    let client = try await Organisation.told().client
    let good = #"{"identity":"alice","action":"a","resource":"acme"}"#
    let many = Array(repeating: good, count: Check.mostChecks + 1).joined(separator: ",")
    let rows: [(String, [String])] = [
      ("{}", [#""pointer":"/identity""#]), (#"{"identity":"alice","action":"a"}"#, [#""pointer":"/resource""#]),
      (#"{"identity":"alice","resource":"acme"}"#, [#""pointer":"/action""#]),
      (#"{"identity":7,"action":"a","resource":"acme"}"#, [#""pointer":"/identity""#, "must be a string"]),
      (#"{"identity":"","action":"a","resource":"acme"}"#, [#""pointer":"/identity""#, "empty"]),
      (#"{"identity":"alice","action":"a","resource":"acme//x"}"#, [#""pointer":"/resource""#, "empty segment"]),
      (#"{"identity":"alice","action":"","resource":"acme"}"#, [#""pointer":"/action""#]),
      (#"{"identity":"alice","action":"a","resource":"acme","colour":1}"#, [#""pointer":"/colour""#]),
      (#"{"identity":"alice","action":"a","resource":"acme","identity":"bob"}"#, ["appears twice"]),
      (#"{"identity":"alice","action":"a","resource":"acme","at":"today"}"#, [#""pointer":"/at""#]),
      (#"{"identity":"alice","action":"a","resource":"acme","as_known_at":99}"#, ["above the head"]),
      (#"{"identity":"alice","action":"a","resource":"acme"} x"#, ["not JSON"]),
      (#"{"checks":[]}"#, [#""pointer":"/checks""#]), (#"{"checks":7}"#, [#""pointer":"/checks""#]),
      (#"{"checks":[\#(good)],"identity":"alice"}"#, [#""pointer":"/identity""#]),
      (#"{"checks":[\#(good),7]}"#, [#""pointer":"/checks/1""#]),
      (#"{"checks":[\#(good),{"identity":"alice","action":"a"}]}"#, [#""pointer":"/checks/1/resource""#]),
      (#"{"checks":[{"identity":"alice","action":"a","resource":"acme","at":null}]}"#, [#""pointer":"/checks/0/at""#]),
      (#"{"checks":[\#(many)]}"#, [#""limit":"checks_per_batch""#, "1000"]),
    ]
    for (body, fragments) in rows { try await client.post("/v1/access/check", body).expect(400, fragments) }
    try await client.get("/v1/access/check?identity=alice&action=a").expect(400, #""parameter":"resource""#)
    try await client.get("/v1/access/check?checks=1&identity=a&action=a&resource=acme").expect(400, #""parameter":"checks""#)
    try await client.post("/v1/access/check", good, headers: [("Content-Type", "text/plain")]).expect(415)
  }

  @Test func `a body is read the usual way only where it is read in full to the same`() throws {
    let body = Array(#"{"identity": "café", "action":"repo.read","resource":"acme/site"}"#.utf8)
    var random = SeededGenerator(seed: 11)
    let letters = Array("\"\\{}[],: \n\u{7F}\u{1}é*/x1".utf8)
    var read = 0
    for _ in 0..<20_000 {
      var damaged = body
      for _ in 0..<random.below(3) {
        let place = random.below(damaged.count)
        switch random.below(4) {
        case 0: damaged[place] = random.pick(letters)
        case 1: damaged.remove(at: place)
        case 2: damaged.insert(random.pick(letters), at: place)
        default: damaged[place] = UInt8(truncatingIfNeeded: random.next())
        }
      }
      guard let subject = CheckSubject(usual: damaged) else { continue }
      read += 1
      var reader = FieldReader(object: try #require(try JSONValue(parsing: damaged).objectValue))
      let (identity, action) = (try reader.id("identity"), try reader.action("action"))
      let resource = try reader.path("resource")
      try reader.finish()
      #expect(Array(subject.identity.utf8) == Array(identity.utf8) && Array(subject.resource.utf8) == Array(resource.utf8))
      #expect(Array(subject.action.utf8) == Array(action.utf8))
    }
    #expect(read > 5000)
  }

  @Test func `a check in any spelling of JSON is the same check`() async throws {
    let client = try await Organisation.told().client
    let plain = try await client.post("/v1/access/check", #"{"identity":"alice","action":"repo.read","resource":"acme/site"}"#)
    plain.expect(200, #""status":"allowed""#)
    for body in [
      "  { \"resource\" : \"acme/site\",\n\t\"action\" : \"repo.read\" , \"identity\" : \"alice\" } ",
      #"{"identity":"\u0061lice","action":"repo.read","resource":"acme\/site"}"#,
      #"{"identity":"alice","action":"repo.read","resource":"acme/site","at":null,"as_known_at":null,"checks":null}"#,
      #"{"identity":"alice","action":"repo.read","resource":"acme/site","at":"2024-03-01T00:00:00Z"}"#,
      #"{"identity":"alice","action":"repo.read","resource":"acme/site","at":"2024-03-01T01:00:00.000+01:00"}"#,
    ] {
      #expect(try await client.post("/v1/access/check", body).body == plain.body, "\(body)")
    }
  }

  @Test func `a check takes the request, about the present as it is enforced`() async throws {
    let client = try await Organisation.told().client
    let rows: [(body: String, fragments: [String])] = [
      (#"{"identity":"bob","action":"repo.read","resource":"acme/docs"}"#, [#""status":"conditional""#]),
      (#"{"identity":"bob","action":"repo.read","resource":"acme/docs","context":{}}"#, [#""status":"denied""#]),
    ]
    for (body, fragments) in rows {
      try await client.post("/v1/access/check", body).expect(200, fragments)
    }
    // Of a batch each may have its own, and the rest have the batch's.
    let batch =
      #"{"context":{},"checks":[{"identity":"bob","action":"repo.read","resource":"acme/docs"},"#
      + #"{"identity":"alice","action":"repo.write","resource":"acme/site","context":{"mfa":true}}]}"#
    let statuses = try await client.post("/v1/access/check", batch).json["checks"]?.arrayValue?.map {
      $0["status"]?.stringValue
    }
    #expect(statuses == ["denied", "allowed"])
  }

  @Test func `who held roles together is asked by policy or by roles`() async throws {
    let client = try await Organisation.told().client
    let body = #"{"roles":["admin","viewer"],"n":2}"#
    try await client.post("/v1/access/separation", body).expect(200, [#""question":"separation""#, #""conflicts":["#])
    try await client.get("/v1/access/separation").expect(200, [#""conflicts":[]"#])
    try await client.post("/v1/access/separation", #"{"roles":["admin"]}"#).expect(400, [#""pointer":"/roles""#])
    try await client.post("/v1/access/separation", #"{"roles":["a","b"],"n":3}"#).expect(400, [#""pointer":"/n""#])
    try await client.post("/v1/access/separation", #"{"policy":"p","roles":["a","b"]}"#).expect(400, [#""pointer":"/roles""#])
  }
}
