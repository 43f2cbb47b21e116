import HTTP
import JSON
import Testing

@testable import API

/// Pages, positions, and the parts that they are made of.
@Suite struct PagingTests {
  @Test(arguments: [
    ("/v1/identities?", "identities"), ("/v1/access/who?role=viewer&", "identities"),
    ("/v1/access/what?identity=bob&", "rights"), ("/v1/events?", "events"),
    ("/v1/access/timeline?identity=bob&", "turns"), ("/v1/access/diff?from=2023-01-01T00:00:00Z&", "gained"),
    ("/v1/access/who?role=viewer&from=2024-01-01T00:00:00Z&", "identities"),
  ])
  func `the pages of a list are the list`(target: String, member: String) async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    let whole = try await client.get("\(target)limit=1000").json[member]?.arrayValue ?? []
    #expect(whole.count > 1)
    var collected: [JSONValue] = []
    var cursor = ""
    repeat {
      let page = try await client.get("\(target)limit=1\(cursor)")
      page.expect(200)
      let rows = page.json[member]?.arrayValue ?? []
      #expect(rows.count == 1)
      collected += rows
      cursor = page.json["next_cursor"]?.stringValue.map { "&cursor=\($0)" } ?? ""
      // What is recorded between two pages does not shift them.
      try await client.post("/v1/identities", #"{"id":"a\#(collected.count)","kind":"person"}"#).expect(201)
    } while !cursor.isEmpty && collected.count <= whole.count
    #expect(collected == whole)
  }

  @Test func `a cursor continues its own question only`() async throws {
    let client = try await Organisation.told().client
    let cursor = try #require(try await client.get("/v1/identities?limit=1").json["next_cursor"]?.stringValue)
    try await client.get("/v1/identities?limit=2&cursor=\(cursor)").expect(200)
    for target in ["/v1/groups?", "/v1/identities?at=2024-01-01T00:00:00Z&", "/v1/access/what?identity=bob&"] {
      try await client.get("\(target)cursor=\(cursor)").expect(400, #""parameter":"cursor""#)
    }
  }

  @Test func `a position is waited for`() async throws {
    let client = try await Organisation.empty(positionTimeoutMilliseconds: 1).client
    let written = try await client.post("/v1/identities", #"{"id":"a","kind":"person"}"#)
    let position = try #require(written.headers["Tenure-Position"])
    try await client.get("/v1/identities/a", headers: [("Tenure-Min-Position", position)]).expect(200)
    let late = try await client.get("/v1/identities/a", headers: [("Tenure-Min-Position", "999")])
    late.expect(503, #""code":"position_not_reached""#)
    #expect(late.headers["Retry-After"] != nil)
  }

  @Test(arguments: [[], [0], [0, 0], [255, 254, 253], Array("cursor ✓".utf8), Array(UInt8.min...UInt8.max)])
  func `base64 comes back`(bytes: [UInt8]) {
    #expect(Base64URL.decode(Base64URL.encode(bytes)) == bytes)
  }

  @Test(arguments: [
    ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
  ])
  func `base64 is that of RFC 4648`(text: String, encoded: String) {
    #expect(Base64URL.encode(Array(text.utf8)) == encoded)
  }

  @Test(arguments: ["=", "Zg==", "Z", "Zh", "Zm9", "a b", "+A", "/A"])
  func `what base64 would not have written is refused`(text: String) {
    #expect(Base64URL.decode(text) == nil)
  }
}
