import Foundation
import JSON
import TestSupport
import Testing

/// `tenure import usage` and `tenure usage`, run as processes on a database of the test's own.
@Suite struct UsageCommandTests {
  let place: JobPlace
  let program: TenureProgram
  let folder: ScratchFolder

  init() throws {
    place = try JobPlace()
    program = try TenureProgram()
    folder = try ScratchFolder()
  }

  private func run(_ words: String...) throws -> TenureProgram.Answer {
    try program.run(words + ["--database", place.conninfo])
  }

  /// A line of a use so many hours ago.
  private static func line(_ id: Int, _ members: String = "", hoursAgo: Int = 1) -> String {
    let at = ISO8601DateFormatter().string(from: Date(timeIntervalSinceNow: TimeInterval(-3_600 * hoursAgo)))
    return #"{"id":"\#(id)","at":"\#(at)","identity":"ada","action":"read","resource":"org/a"\#(members)}"#
  }

  @Test func `files come in once, are asked for, and a bad line says where it is`() throws {
    try folder.write([Self.line(1, #","address":"192.0.2.1""#), "", Self.line(2)].joined(separator: "\n"), to: "a")
    try folder.write(Self.line(3, #","outcome":"denied""#) + "\n" + Self.line(4, hoursAgo: 24 * 500) + "\n", to: "b")
    let first = try run("import", "usage", folder.path("a"), folder.path("b"), "--source", "test")
    #expect(first.status == 4, "\(first.complaint)")
    #expect(
      first.output.hasPrefix("test into tenant default: 4 records, 3 new, 0 known before\n1 were refused: older than the 400"))
    let again = try run("import", "usage", folder.path("a"), "--source", "test", "--format", "json")
    #expect(again.status == 0)
    #expect(again.output == #"{"conflicting":0,"new":0,"repeated":2,"source":"test","too_old":0}"# + "\n")
    let rows = try run("usage", "--address", "192.0.2.1")
    #expect(rows.status == 0)
    #expect(rows.output.hasSuffix("  ada  read  org/a  192.0.2.1  -  allowed\n"))
    #expect(try run("usage", "--identity", "nobody").status == 1)
    let days = try run("usage", "--by-day", "--identity", "ada", "--format", "json")
    let uses = try JSONValue(parsing: Array(days.output.utf8))["days"]?.arrayValue?.compactMap { $0["uses"]?.integerValue }
    #expect(uses?.reduce(0, +) == 3)
    let paths = try run("usage", "--by-grant")
    #expect(paths.output.contains("unknown (not_covered)"))
    try folder.write(Self.line(5) + "\n" + Self.line(6, #","colour":1"#), to: "c")
    let bad = try run("import", "usage", folder.path("c"), "--source", "test")
    #expect(bad.status == 3)
    #expect(bad.complaint.contains("c, line 2: /colour is not a known field; 0 records before it are stored"))
    #expect(try run("import", "usage", folder.path("none"), "--source", "test").complaint.contains("cannot be read"))
    #expect(try run("import", "usage", folder.path("a")).status == 2)
  }

  @Test func `how long rows are kept is asked and said`() throws {
    #expect(try run("usage", "keep").output == "rows of usage are kept for 400 days, their roll-up for good\n")
    #expect(try run("usage", "keep", "30").output.contains("30 days"))
    #expect(try run("usage", "keep", "0").status == 2)
    #expect(try run("usage", "--by-day", "--by-grant").status == 2)
    #expect(
      try run("job", "run", "drop-old-usage").output == "default: drop-old-usage run 1 succeeded: days 0, dropped 0, keys 0\n")
  }
}
