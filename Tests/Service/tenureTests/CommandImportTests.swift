import Foundation
import TestSupport
import Testing

@Suite struct CommandImportTests {
  private static let history = [
    "orgs: {acme: {admins: [Root], members: [007, on]}}\n",
    "orgs: {acme: {admins: [root], members: [007], teams: {t: {members: [007], repos: {r: write}}}}}\n",
    "orgs: {acme: {admins: [root], members: [007}\n",
    "orgs: {acme: {admins: [root], members: [007, on]}}\n",
  ]

  private let program: TenureProgram
  private let place: [String]

  init() throws {
    program = try TenureProgram()
    place = ["--database", try ScratchDatabase.conninfo(), "--tenant", ScratchDatabase.tenantName()]
  }

  @Test func `a commit that does not parse stops the import, and what came before it stays`() throws {
    let folder = try ScratchFolder()
    let line = ["import", "peribolos", try folder.repository(Self.history), "--source", "s"] + place
    let stopped = try program.run(line)
    #expect(stopped.status == 3)
    #expect(stopped.complaint.contains("stopped at `org.yaml`, line 1, column 44, commit "), "\(stopped.complaint)")
    #expect(stopped.output.contains("2 read now, 2 recorded"), "\(stopped.output)")

    let skipping = try program.run(line + ["--skip-invalid", "--format", "json"])
    #expect(skipping.status == 4)
    #expect(skipping.output.contains(#""recorded":1"#), "\(skipping.output)")
    #expect(skipping.output.contains(#""is_stopped":false"#))

    let again = try program.run(line)
    #expect(again.status == 0)
    #expect(again.output.contains("0 recorded as 0 events"), "\(again.output)")
  }

  @Test(arguments: ["\u{FEFF}orgs: [", "\u{0}orgs: {}", "x: [\n  orgs: {acme: {}}"])
  func `a configuration that was moved and broken at once stops the import, though another file is whole`(
    _ broken: String
  ) throws {
    let folder = try ScratchFolder()
    let repository = try folder.repository([Self.history[0]])
    try folder.write("orgs: {other: {admins: [root]}}\n", to: "org.yaml")
    try folder.write(broken, to: "new.yaml")
    try folder.commit(day: 1)
    let stopped = try program.run(["import", "peribolos", repository] + place)
    #expect(stopped.status == 3)
    #expect(stopped.complaint.contains("stopped at `new.yaml`, line "), "\(stopped.complaint)")
    let who = try program.run(
      ["who", "--action", "repo.admin", "--resource", "github.com/acme/r", "--at", "2024-01-03"] + place)
    #expect(who.output.contains("github:root"))
  }

  @Test func `who is answered before, at and after the instant of a commit`() throws {
    let folder = try ScratchFolder()
    _ = try program.run(["import", "peribolos", try folder.repository(Array(Self.history.prefix(2)))] + place)
    let who = ["who", "--action", "repo.write", "--resource", "github.com/acme/r"] + place
    let before = try program.run(who + ["--at", "2024-01-01T23:59:59.999999Z"])
    #expect(before.output.contains("github:root") && !before.output.contains("github:007"))
    let at = try program.run(who + ["--at", "2024-01-02"])
    #expect(at.status == 0)
    #expect(at.output.contains("  github:007\n  github:root\n2 identities\n"), "\(at.output)")
    for (identity, at, status, text) in [
      ("github:007", "2024-01-02", Int32(0), "allowed: github:007, repo.write on github.com/acme/r"),
      ("github:007", "2024-01-01", 1, "because no path"), ("github:nobody", "2024-01-02", 4, "because identity unknown"),
    ] {
      let check = try program.run(["check", identity, "repo.write", "github.com/acme/r", "--at", at] + place)
      #expect(check.status == status)
      #expect(check.output.contains(text), "\(check.output)")
    }
    let early = try program.run(who + ["--at", "0001-01-01"])
    #expect(early.status == 4)
    #expect(early.output.contains("nobody") && early.output.contains("INCOMPLETE"))
    let inside = try program.run(who + ["--at", "2024-01-02", "--as-known-at", "3"])
    #expect(inside.output.contains("as known at position 0 of"), "\(inside.output)")
    let above = try program.run(who + ["--as-known-at", "999999"])
    #expect(above.status == 3)
    #expect(above.complaint.contains("lies above the head"))
  }

  @Test func `an answer that cannot be written is a failure, and one that nobody reads on is none`() throws {
    let folder = try ScratchFolder()
    _ = try program.run(["import", "peribolos", try folder.repository([Self.history[0]])] + place)
    for line in [["log"], ["log", "--export", "-"], ["snapshot"], ["verify"], ["find", "github:root"]] {
      let full = try #require(FileHandle(forWritingAtPath: "/dev/full"))
      let cut = try program.run(line + place, output: full)
      #expect(cut.status == 3, "\(line)")
      #expect(cut.complaint.contains("cannot write to the standard output"), "\(cut.complaint)")
      let pipe = Pipe()
      try pipe.fileHandleForReading.close()
      let unread = try program.run(line + place, output: pipe.fileHandleForWriting)
      #expect(unread.status == 0, "\(line)")
      #expect(unread.complaint.isEmpty, "\(unread.complaint)")
    }
  }

  @Test func `an export goes through a link and replaces what was there, and takes no filter`() throws {
    let folder = try ScratchFolder()
    _ = try program.run(["import", "peribolos", try folder.repository([Self.history[0]])] + place)
    let whole = try program.run(["log", "--export", "-"] + place).output
    try folder.write(whole + "something longer\n", to: "export")
    try FileManager.default.createSymbolicLink(atPath: folder.path("link"), withDestinationPath: folder.path("export"))
    #expect(try program.run(["log", "--export", folder.path("link")] + place).status == 0)
    #expect(try String(contentsOfFile: folder.path("export"), encoding: .utf8) == whole)
    #expect(try FileManager.default.destinationOfSymbolicLink(atPath: folder.path("link")) == folder.path("export"))
    let filtered = try program.run(["log", "--export", "-", "--type", "x"] + place)
    #expect(filtered.status == 2)
    #expect(filtered.complaint.contains("there is no option --type"))
  }

  @Test func `two imports that start at once on a fresh data directory record each commit once`() throws {
    let folder = try ScratchFolder()
    let repository = try folder.repository(Array(Self.history.prefix(2)))
    let data = try ScratchFolder()
    let place = ["--data", data.path("mit Leerzeichen, ü"), "--tenant", "t"]
    let running = try (0..<2).map { _ in try program.start(["import", "peribolos", repository, "--source", "s"] + place) }
    for run in running { #expect(try run.finish().status == 0) }
    let log = try program.run(["log", "--type", "assignment.granted"] + place)
    #expect(log.output.split(separator: "\n").count == 2, "\(log.output)")
    #expect(try program.run(["verify"] + place).output.contains(" 0 problems"))
    #expect(try program.run(["rebuild"] + place).output.contains("no difference"))
  }
}
