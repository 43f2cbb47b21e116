import Foundation
import JSON
import Testing

/// `tenure fulfilment`, run as people run it, on a database of the test's own.
@Suite struct FulfilmentCommandTests {
  let place: JobPlace
  let program: TenureProgram

  init() throws {
    place = try JobPlace()
    program = try TenureProgram()
  }

  private func run(_ words: String...) throws -> TenureProgram.Answer {
    try program.run(words + ["--database", place.conninfo])
  }

  @Test func `what has ended is listed until it is seen to be gone`() throws {
    let none = try run("fulfilment", "list")
    #expect(none.status == 1)
    #expect(none.output.hasSuffix("  none\n"))
    try place.grant(2)
    let ended = "expired 2024-02-01T00:00:00.000000Z"
    let open = try run("fulfilment", "list")
    #expect(open.status == 0)
    #expect(open.output.contains("  g0  identity:ada  reader on org  \(ended)  in effect  for "))
    #expect(open.output.contains("no event yet"))
    #expect(try run("job", "run", "expire-grants").status == 0)
    #expect(
      try run("fulfilment", "list", "--open", "--limit", "1").output.contains("there are more; --since 2024-02-01T00:00:00"))
    #expect(try run("fulfilment", "list", "--stage", "in_effect").status == 1)
    #expect(try run("fulfilment", "list", "--stage", "recorded", "--assignment", "g1").status == 0)
    try place.register("bob")
    let said = try run("fulfilment", "confirm", "g0", "--by", "bob", "--evidence", "told by the owner")
    #expect(said.status == 0)
    #expect(said.output.contains("acknowledged"))
    #expect(said.output.contains("bob says “told by the owner”"))
    #expect(try run("fulfilment", "list").output.contains("  g0  "))
    let looked = try run(
      "fulfilment", "confirm", "g0", "--by", "bob", "--evidence", "the console", "--observed-absent", "--format", "json")
    let report = try JSONValue(parsing: Array(looked.output.utf8))
    #expect(report["fulfilments"]?[0]?["stage"] == "observed_absent")
    #expect(report["fulfilments"]?[0]?["vouched_absent"]?["by"] == "bob")
    let rest = try run("fulfilment", "list", "--format", "json")
    #expect(try JSONValue(parsing: Array(rest.output.utf8))["fulfilments"]?.arrayValue?.count == 1)
    #expect(try run("fulfilment", "list", "--at", "2024-01-15").status == 1)
    #expect(try run("fulfilment", "list", "--since", "2024-02-02").status == 1)
    let refused = try run("fulfilment", "confirm", "g1", "--by", "ada", "--evidence", "x")
    #expect(refused.status == 1)
    #expect(refused.output.hasPrefix("refused: /by had the access that ended"))
    let asJSON = try run("fulfilment", "confirm", "g1", "--by", "ada", "--evidence", "x", "--format", "json")
    #expect(asJSON.status == 1)
    let why = try JSONValue(parsing: Array(asJSON.output.utf8))["refused"]
    #expect(why?["code"] == "not_entitled" && why?["pointer"] == "/by")
    #expect(try run("fulfilment", "confirm", "none", "--by", "bob", "--evidence", "x").output.hasPrefix("refused: /id"))
    #expect(
      try run("fulfilment", "confirm", "g1", "--by", "bob", "--evidence", "x", "--ended-at", "2024-02-03").output.hasPrefix(
        "refused: /ended_at"))
  }

  @Test func `the end of a membership is listed and confirmed`() throws {
    try place.join("crew", until: "2024-02-01")
    let membership = ["--group", "crew", "--member", "identity:ada"]
    let listed = try program.run(["fulfilment", "list", "--database", place.conninfo] + membership)
    #expect(listed.status == 0)
    #expect(
      listed.output.contains("  membership  identity:ada  in group:crew  expired 2024-02-01T00:00:00.000000Z  in effect  for "))
    try place.register("bob")
    let said = try program.run(
      ["fulfilment", "confirm", "--by", "bob", "--evidence", "OPS-7", "--database", place.conninfo] + membership)
    #expect(said.status == 0)
    #expect(said.output.contains("bob says “OPS-7”"))
    #expect(
      try program.run(["fulfilment", "list", "--stage", "acknowledged", "--database", place.conninfo] + membership).status == 0)
    let refused = try program.run(
      [
        "fulfilment", "confirm", "--by", "bob", "--evidence", "x", "--group", "crew", "--member", "identity:bob", "--database",
        place.conninfo,
      ])
    #expect(refused.status == 1)
    #expect(refused.output.hasPrefix("refused: /member there is no such membership"))
  }
}
