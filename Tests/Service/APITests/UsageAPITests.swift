import EventLog
import HTTP
import JSON
import Temporal
import TestSupport
import Testing
import Usage

@testable import API

/// `/v1/usage`: taken in, listed page by page, and joined to paths.
@Suite struct UsageAPITests {
  private static let lines = [("Content-Type", "application/x-ndjson")]

  private static func line(_ id: String, _ at: String, _ members: String) -> String {
    #"{"id":"\#(id)","at":"\#(at)",\#(members)}"#
  }

  /// alice used what the department gives her, and what nobody gave; leo after he had left; bob on a condition; zoe is not known.
  private static let told = [
    line("1", "2024-02-10T10:00:00Z", #""identity":"alice","action":"repo.read","resource":"acme/site","address":"192.0.2.1""#),
    line("2", "2024-02-10T11:00:00Z", #""identity":"alice","action":"repo.read","resource":"acme/site","address":"192.0.2.2""#),
    line("3", "2024-02-10T12:00:00Z", #""identity":"alice","action":"repo.read","resource":"acme/vault","credential":"k1""#),
    line("4", "2024-02-11T10:00:00Z", #""identity":"bob","action":"repo.read","resource":"acme","session":"s1""#),
    line("5", "2024-02-11T10:00:00Z", #""identity":"leo","action":"repo.read","resource":"acme","outcome":"denied""#),
    line(
      "6", "2024-02-12T10:00:00Z", #""identity":"zoe","source_action":"s3:ListBuckets","resource":"acme","address":"192.0.2.1""#
    ),
  ].joined(separator: "\n")

  private func organisation() async throws -> Client {
    let client = try await Organisation.told().client
    try await client.post("/v1/usage?source=trail", Self.told, headers: Self.lines).expect(
      200, #""new":6"#, #""repeated":0"#, #""too_old":0"#, #""conflicting":0"#)
    return client
  }

  @Test func `a batch is recorded once, however often it comes`() async throws {
    let client = try await organisation()
    try await client.post("/v1/usage?source=trail", Self.told + "\n\n", headers: Self.lines).expect(
      200, #""new":0"#, #""repeated":6"#)
    let other = Self.line("1", "2024-02-10T10:00:00Z", #""identity":"bob","action":"repo.read""#)
    let old = Self.line("7", "2020-01-01T00:00:00Z", #""identity":"bob","action":"repo.read""#)
    try await client.post("/v1/usage?source=trail", other + "\n" + old, headers: Self.lines).expect(
      200, #""conflicting":1"#, #""new":0"#, #""too_old":1"#)
    let found = try await client.get("/v1/usage?identity=zoe")
    found.expect(200, #""action":"s3:ListAllMyBuckets""#, #""source_action":"s3:ListBuckets""#, #""source":"trail""#)
  }

  @Test(
    arguments: [
      (#"{"id":"8"}"#, "/1/action"), (#"{"id":"8","action":"a"}"#, "/1/at"),
      (#"{"id":"8","at":"2024-02-10","identity":"x","action":"a"}"#, "/1/at"),
      (#"{"id":"8","at":"2025-02-10T00:00:00Z","identity":"x","action":"a"}"#, "/1/at"),
      (#"{"id":"8","at":"2024-02-10T00:00:00Z","identity":"x","action":"a","colour":1}"#, "/1/colour"),
      (#"{"id":"8","at":"2024-02-10T00:00:00Z","identity":"x","action":"a","outcome":"yes"}"#, "/1/outcome"),
      (#"{"id":"","at":"2024-02-10T00:00:00Z","identity":"x","action":"a"}"#, "/1/id"), (#"["id"]"#, "/1"), (#"{"id""#, "/1"),
    ])
  func `a bad line names itself and its field, and nothing is stored`(line: String, pointer: String) async throws {
    let client = try await Organisation.told().client
    let good = Self.line("7", "2024-02-10T10:00:00Z", #""identity":"alice","action":"repo.read""#)
    let answer = try await client.post("/v1/usage?source=trail", good + "\n" + line, headers: Self.lines)
    answer.expect(400, "nothing was stored", #""pointer":"\#(pointer)""#, " 2: ")
    try await client.get("/v1/usage").expect(200, #""usage":[]"#)
  }

  @Test func `what is wrong besides the lines is said`() async throws {
    let client = try await Organisation.told().client
    try await client.post("/v1/usage", Self.told, headers: Self.lines).expect(400, #""parameter":"source""#)
    try await client.post("/v1/usage?source=a&colour=b", Self.told, headers: Self.lines).expect(400, #""parameter":"colour""#)
    try await client.post("/v1/usage?source=a", Self.told).expect(415, "application/x-ndjson")
    let many = (0...UsageLimits.recordsPerBatch).map {
      Self.line("\($0)", "2024-02-10T10:00:00Z", #""identity":"a","action":"b""#)
    }
    try await client.post("/v1/usage?source=a", many.joined(separator: "\n"), headers: Self.lines).expect(
      400, #""limit":"usage_records_per_batch""#)
    try await client.get("/v1/usage?cursor=x").expect(400, #""parameter":"cursor""#)
  }

  @Test func `rows and days are listed page by page, and by every filter`() async throws {
    let client = try await organisation()
    func ids(_ query: String) async throws -> [String] {
      var ids: [String] = []
      var cursor: String?
      repeat {
        let answer = try await client.get("/v1/usage?limit=2&" + query + (cursor.map { "&cursor=\($0)" } ?? ""))
        answer.expect(200)
        ids += answer.json["usage"]?.arrayValue?.compactMap { $0["id"]?.stringValue } ?? []
        cursor = answer.json["next_cursor"]?.stringValue
      } while cursor != nil
      return ids
    }
    #expect(Set(try await ids("")) == ["1", "2", "3", "4", "5", "6"])
    #expect(try await ids("").first == "6")
    #expect(try await ids("identity=alice") == ["3", "2", "1"])
    #expect(try await ids("address=192.0.2.1") == ["6", "1"])
    #expect(try await ids("credential=k1") == ["3"])
    #expect(try await ids("session=s1") == ["4"])
    #expect(try await ids("resource=acme/site&action=repo.read&to=2024-02-10T11:00:00Z") == ["1"])
    #expect(try await ids("from=2024-02-12T00:00:00Z") == ["6"])
    var days: [String] = []
    var cursor: String?
    repeat {
      let answer = try await client.get("/v1/usage/daily?limit=1" + (cursor.map { "&cursor=\($0)" } ?? ""))
      days +=
        answer.json["days"]?.arrayValue?.map { "\($0["identity"]?.stringValue ?? "") \($0["uses"]?.integerValue ?? 0)" } ?? []
      cursor = answer.json["next_cursor"]?.stringValue
    } while cursor != nil
    #expect(days == ["alice 2", "alice 1", "bob 1", "leo 1", "zoe 1"])
    try await client.get("/v1/usage/daily?identity=leo&from=2024-02-11T00:00:00Z&to=2024-02-12T00:00:00Z").expect(
      200, #""denied":1"#, #""first_permitted":null"#, #""day":"2024-02-11""#)
  }

  @Test func `paths name the grants that covered a use, or say that none is known`() async throws {
    let client = try await organisation()
    let answer = try await client.get("/v1/usage/paths")
    let words = answer.json["paths"]?.arrayValue?.map { entry in
      let assignments = entry["first"]?["assignments"]?.arrayValue?.compactMap(\.stringValue) ?? []
      return "\(entry["identity"]?.stringValue ?? "") \(entry["first"]?["word"]?.stringValue ?? "") \(assignments)"
    }
    #expect(
      words == [
        #"alice covered ["site"]"#, "alice no_known_path []", #"bob conditional ["bobs"]"#, "leo denied []", "zoe unknown []",
      ])
    answer.expect(200, #""reason":"identity_retired""#, #""next_cursor":null"#)
    // What was known before leo's leaving was recorded.
    try await client.get("/v1/usage/paths?identity=leo&as_known_at=18").expect(
      200, #""assignments":["leos"]"#, #""word":"covered""#)
  }
}
