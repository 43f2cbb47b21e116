import Foundation
import JSON
import Testing

/// `tenure finding`, run as people run it, on a database of the test's own.
@Suite struct FindingCommandTests {
  let place: JobPlace
  let program: TenureProgram

  init() throws {
    place = try JobPlace()
    program = try TenureProgram()
  }

  private func run(_ words: String...) throws -> TenureProgram.Answer {
    try program.run(words + ["--database", place.conninfo])
  }

  @Test func `what a job finds is listed, accepted and resolved`() throws {
    let none = try run("finding", "list")
    #expect(none.status == 1)
    #expect(none.output.hasSuffix("  none\n"))
    try place.grant(1)
    #expect(try run("job", "run", "flag-orphans").status == 0)
    let open = try run("finding", "list", "--rule", "ownerless")
    #expect(open.status == 0)
    #expect(open.output.contains("  medium  open  role:reader  no owner  since "))
    let listed = try run("finding", "list", "--subject", "role:reader", "--format", "json")
    let report = try JSONValue(parsing: Array(listed.output.utf8))
    let id = try #require(report["findings"]?[0]?["id"]?.stringValue)
    #expect(report["is_whole"] == true)
    let accepted = try run(
      "finding", "accept", id, "--until", "2101-01-01", "--reason", "the reorganisation", "--by", "ada")
    #expect(accepted.status == 1)
    #expect(accepted.output.hasPrefix("refused: /until must be at most 1096 days ahead"))
    let until = ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: 86_400))
    let taken = try run("finding", "accept", id, "--until", until, "--reason", "the reorganisation", "--by", "ada")
    #expect(taken.status == 0)
    #expect(taken.output.contains("accepted by ada, event "))
    #expect(try run("finding", "list", "--state", "accepted").status == 0)
    let resolved = try run("finding", "resolve", id, "--reason", "the role goes")
    #expect(resolved.status == 0)
    #expect(resolved.output.contains("resolved by tenure finding, event "))
    let shown = try run("finding", "show", id)
    #expect(shown.output.hasPrefix("\(id) is resolved "))
    #expect(shown.output.contains("  because nobody can say whether it is still needed"))
    #expect(try run("finding", "resolve", id, "--reason", "again").output.hasPrefix("refused: /id is not open"))
    #expect(try run("finding", "resolve", id).status == 2)
    // It is still so, whoever says otherwise.
    #expect(try run("job", "run", "flag-orphans").status == 0)
    #expect(try run("finding", "show", id).output.hasPrefix("\(id) is open"))
  }
}
