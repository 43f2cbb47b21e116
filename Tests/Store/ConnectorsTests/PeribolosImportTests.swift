import EventLog
import Foundation
import Governance
import Temporal
import Testing

@testable import Connectors

private let recorder = Recorder(id: "tenure", authentication: "local")
private func at(_ seconds: Int) -> Instant { ScratchRepository.instant(seconds) }

@discardableResult
private func bring(
  _ repository: ScratchRepository, into log: MemoryLog, skipsInvalid: Bool = false
) throws -> ImportReport {
  let bringing = try PeribolosImport(name: "acme", recordedBy: recorder, skipsInvalid: skipsInvalid)
  return try bringing.run(GitHistory(at: repository.path), into: log)
}

private let acme = """
  orgs:
    acme:
      admins: [Root]
      members: [ann, "007", bob]
      default_repository_permission: read
      description: what nobody reads
      teams:
        core:
          maintainers: [ann]
          privacy: closed
          repos: {engine: admin, docs: none}
          teams:
            inner:
              members: [bob]
              repos: {lab: write}
  """

@Suite struct `The Peribolos mapping` {
  @Test func `gives members the default, teams their repositories and nested teams their parents'`() throws {
    let (repository, log) = (try ScratchRepository(), MemoryLog())
    try repository.commit(["acme.yaml": acme], at: 0)
    let report = try bring(repository, into: log)
    #expect(report.recorded == 1)
    #expect(report.warnings == [])
    #expect(report.events == log.events.count)
    #expect(
      log.who("repo.read", "github.com/acme/any", at: at(0)) == ["github:007", "github:ann", "github:bob", "github:root"])
    #expect(log.who("repo.admin", "github.com/acme/any", at: at(0)) == ["github:root"])
    #expect(log.who("repo.admin", "github.com/acme/engine", at: at(0)) == ["github:ann", "github:bob", "github:root"])
    #expect(log.who("repo.write", "github.com/acme/lab", at: at(0)) == ["github:bob", "github:root"])
    #expect(log.who("repo.maintain", "github.com/acme/lab", at: at(0)) == ["github:root"])
    #expect(log.who("repo.write", "github.com/acme/docs", at: at(0)) == ["github:root"])
    #expect(log.who("repo.read", "github.com/acme/any", at: at(-1)) == [])
    #expect(!log.types.contains("finding.raised"))
  }

  @Test func `says by whose authority, and never an address`() throws {
    let (repository, log) = (try ScratchRepository(), MemoryLog())
    let commit = try repository.commit(["acme.yaml": acme], at: 0, subject: "Merge pull request #12 from x/y")
    try bring(repository, into: log)
    let event = try #require(log.events.first { $0.change.type == "assignment.granted" })
    #expect(event.authority.actor == Actor(id: "Ann Author"))
    #expect(event.authority.reason == "Merge pull request #12 from x/y")
    #expect(event.authority.ticket == Ticket(system: "github", key: "#12"))
    #expect(event.authority.authorisedBy == nil)
    #expect(event.basis == .declared)
    #expect(event.source == "peribolos:acme")
    #expect(event.commandID == "peribolos:acme/\(commit)")
    #expect(event.effectiveAt == at(0))
    #expect(!log.events.contains { "\($0)".contains("@example.com") })
  }

  @Test func `writes one small batch for a small change, and none where only the case of a login changes`() throws {
    let (repository, log) = (try ScratchRepository(), MemoryLog())
    try repository.commit(["acme.yaml": acme], at: 0)
    try bring(repository, into: log)
    let before = log.events.count
    try repository.commit(["acme.yaml": acme.replacing("[Root]", with: "[rOOT]")], at: 10)
    try repository.commit(["acme.yaml": acme.replacing("permission: read", with: "permission: write")], at: 20)
    let report = try bring(repository, into: log)
    #expect((report.known, report.read, report.recorded) == (1, 2, 1))
    #expect(log.types[before...] == ["assignment.revoked", "assignment.granted", "coverage.began"])
    #expect(log.who("repo.write", "github.com/acme/any", at: at(19)) == ["github:root"])
    #expect(log.who("repo.write", "github.com/acme/any", at: at(20)).count == 4)
  }

  @Test func `retires who is gone from everything and registers who comes back`() throws {
    let (repository, log) = (try ScratchRepository(), MemoryLog())
    try repository.commit(["acme.yaml": acme], at: 0)
    try repository.commit(["acme.yaml": acme.replacing("members: [bob]", with: "members: []")], at: 10)
    try repository.commit(["acme.yaml": acme.replacing("bob", with: "zoe")], at: 20)
    try repository.commit(["acme.yaml": acme], at: 30)
    try bring(repository, into: log)
    func exists(_ seconds: Int) -> Bool { log.world.exists(.identity("github:bob"), at: at(seconds)) }
    #expect(exists(0) && exists(10) && !exists(20) && exists(30))
    #expect(log.who("repo.write", "github.com/acme/lab", at: at(10)) == ["github:root"])
    #expect(log.who("repo.write", "github.com/acme/lab", at: at(20)) == ["github:root", "github:zoe"])
    #expect(log.who("repo.write", "github.com/acme/lab", at: at(30)) == ["github:bob", "github:root"])
    #expect(log.types.count { $0 == "identity.retired" } == 2)
  }

  @Test func `follows a member who becomes an admin, and a team that is renamed`() throws {
    let (repository, log) = (try ScratchRepository(), MemoryLog())
    try repository.commit(["acme.yaml": acme], at: 0)
    let promoted = acme.replacing("[Root]", with: "[Root, ann]").replacing("[ann, \"007\"", with: "[\"007\"")
    try repository.commit(["acme.yaml": promoted], at: 10)
    try repository.commit(["acme.yaml": promoted.replacing("core:", with: "kernel:")], at: 20)
    try bring(repository, into: log)
    #expect(log.who("repo.admin", "github.com/acme/x", at: at(10)) == ["github:ann", "github:root"])
    #expect(log.world.holds(.membership(group: "github:acme", member: .identity("github:ann"))).count == 1)
    #expect(!log.world.exists(.group("github:acme/core"), at: at(20)))
    #expect(log.who("repo.admin", "github.com/acme/engine", at: at(20)) == ["github:ann", "github:bob", "github:root"])
    #expect(log.who("group.any", "github.com/acme", at: at(20)) == [])
  }

  @Test func `reads commits of one second in their order, and dates that go back as the latest before them`() throws {
    let (repository, log) = (try ScratchRepository(), MemoryLog())
    try repository.commit(["acme.yaml": acme], at: 100)
    try repository.commit(["acme.yaml": acme.replacing("engine: admin", with: "engine: read")], at: 100)
    try repository.commit(["acme.yaml": acme], at: 100)
    try repository.commit(["acme.yaml": acme.replacing("engine: admin", with: "engine: write")], at: 50)
    let report = try bring(repository, into: log)
    #expect(report.backwards == 1)
    #expect(report.recorded == 4)
    #expect(log.who("repo.admin", "github.com/acme/engine", at: at(100)) == ["github:root"])
    #expect(log.who("repo.write", "github.com/acme/engine", at: at(100)) == ["github:ann", "github:bob", "github:root"])
    #expect(log.who("repo.write", "github.com/acme/engine", at: at(99)) == [])
    let again = try bring(repository, into: log)
    #expect((again.known, again.read, again.events) == (4, 0, 0))
  }
}

@Suite struct `An import` {
  @Test func `of the same history adds nothing, of a longer one the rest, and moves the coverage on`() throws {
    let (repository, log) = (try ScratchRepository(), MemoryLog())
    try repository.commit(["acme.yaml": acme], at: 0)
    try repository.commit(["README.md": "nothing"], at: 5)
    try bring(repository, into: log)
    #expect(log.coverage(of: "peribolos:acme", "github.com/acme") == ["\(at(0))…\(at(5).next)"])
    let events = log.events.count
    let again = try bring(repository, into: log)
    #expect((again.known, again.events, log.events.count) == (1, 0, events))

    try repository.commit(["other.yml": "orgs: {other: {members: [ann]}}"], at: 10)
    try repository.commit(["other.yml": nil], at: 20)
    try repository.commit([:], at: 30)
    let more = try bring(repository, into: log)
    #expect((more.commits, more.recorded, more.readTo) == (5, 2, at(30)))
    #expect(
      log.coverage(of: "peribolos:acme", "github.com/acme") == ["\(at(0))…\(at(5).next)", "\(at(5).next)…\(at(30).next)"])
    #expect(log.coverage(of: "peribolos:acme", "github.com/other") == ["\(at(10))…\(at(20))"])
    #expect(log.world.exists(.identity("github:ann"), at: at(30)))
  }

  @Test func `stops at a commit that cannot be read, and what came before stays`() throws {
    let (repository, log) = (try ScratchRepository(), MemoryLog())
    try repository.commit(["acme.yaml": acme], at: 0)
    try repository.commit(["acme.yaml": acme.replacing("bob]", with: "zoe]")], at: 10)
    let bad = try repository.commit(["acme.yaml": acme.replacing("engine: admin", with: "engine: owner")], at: 20)
    try repository.commit(["acme.yaml": acme], at: 30)
    let report = try bring(repository, into: log)
    #expect(report.isStopped)
    #expect(report.invalid.map(\.commit) == [bad])
    #expect(report.invalid.first?.path == "acme.yaml")
    #expect(report.invalid.first?.line == 11)
    #expect((report.read, report.readTo) == (2, at(10)))
    #expect(log.who("repo.write", "github.com/acme/lab", at: at(10)) == ["github:root", "github:zoe"])
    #expect(log.coverage(of: "peribolos:acme", "github.com/acme") == ["\(at(0))…\(at(10).next)"])
  }

  @Test func `goes on over invalid commits where it is told to, and records the gap`() throws {
    let (repository, log) = (try ScratchRepository(), MemoryLog())
    try repository.commit(["acme.yaml": acme], at: 0)
    try repository.commit(["acme.yaml": "orgs:\n  acme:\n   members: [a\n"], at: 10)
    try repository.commit(["b.yaml": "orgs: {b: {members: [zoe]}}"], at: 20)
    try repository.commit(["acme.yaml": acme.replacing("lab: write", with: "lab: admin")], at: 30)
    let report = try bring(repository, into: log, skipsInvalid: true)
    #expect(report.invalid.map(\.number) == [2, 3])
    #expect(!report.isStopped)
    let gap = Fact.coverageGap(source: "peribolos:acme", resource: "github.com/acme", from: at(10))
    #expect(log.world.holds(gap).map(\.to) == [at(30)])
    #expect(log.who("repo.admin", "github.com/acme/lab", at: at(30)) == ["github:bob", "github:root"])
    #expect(log.coverage(of: "peribolos:acme", "github.com/b") == ["\(at(30))…\(at(30).next)"])
    let again = try bring(repository, into: log, skipsInvalid: true)
    #expect((again.known, again.events) == (4, 0))
  }

  @Test func `refuses a history that was rewritten, and records nothing`() throws {
    let (repository, log) = (try ScratchRepository(), MemoryLog())
    try repository.commit(["acme.yaml": acme], at: 0)
    let last = try repository.commit(["acme.yaml": acme.replacing("bob", with: "zoe")], at: 10)
    try bring(repository, into: log)
    let events = log.events.count
    try repository.run("reset", "--quiet", "--hard", "HEAD~1")
    try repository.commit(["acme.yaml": acme.replacing("bob", with: "max")], at: 10)
    let error = #expect(throws: ImportError.self) { try bring(repository, into: log) }
    guard case .rewritten(_, let commit)? = error else {
      Issue.record("another error: \(String(describing: error))")
      return
    }
    #expect(commit == last)
    #expect(log.events.count == events)
  }

  @Test func `of a copy that ends earlier, past the last change, takes nothing back`() throws {
    let (repository, log) = (try ScratchRepository(), MemoryLog())
    try repository.commit(["acme.yaml": acme], at: 0)
    try repository.commit(["README.md": "nothing"], at: 5)
    try bring(repository, into: log)
    let events = log.events.count
    try repository.run("reset", "--quiet", "--hard", "HEAD~1")
    try bring(repository, into: log)
    #expect(log.events.count == events)
  }

  @Test(arguments: ["", String(repeating: "x", count: 257), "a\nb"])
  func `under a name that no source can have is refused`(name: String) {
    #expect(throws: ImportError.self) { try PeribolosImport(name: name, recordedBy: recorder) }
  }

  @Test func `has the file name as its default name`() {
    #expect(PeribolosImport.defaultName(for: "../a/history.bundle") == "history.bundle")
    #expect(PeribolosImport.defaultName(for: "/srv/org/") == "org")
  }

  @Test func `that was killed goes on where it was, whatever was in flight`() throws {
    let repository = try ScratchRepository()
    for step in 0..<8 {
      let name = step.isMultiple(of: 2) ? "bob" : "zoe"
      try repository.commit(["acme.yaml": acme.replacing("bob", with: name)], at: step * 10)
    }
    let whole = MemoryLog()
    try bring(repository, into: whole)
    for batches in 0...8 {
      let log = MemoryLog()
      log.batchesLeft = batches
      #expect(throws: ImportError.self) { try bring(repository, into: log) }
      log.batchesLeft = .max
      let report = try bring(repository, into: log)
      #expect(report.known == batches)
      #expect(log.events.map(\.change) == whole.events.map(\.change))
      #expect(log.events.map(\.effectiveAt) == whole.events.map(\.effectiveAt))
    }
  }

  @Test func `splits a commit with more commands than a batch may have`() throws {
    let (repository, log) = (try ScratchRepository(), MemoryLog())
    let members = (0..<5200).map { "p\($0)" }.joined(separator: ", ")
    try repository.commit(["acme.yaml": "orgs: {acme: {members: [\(members)], default_repository_permission: read}}"], at: 0)
    log.batchesLeft = 1
    #expect(throws: ImportError.self) { try bring(repository, into: log) }
    #expect(log.events.count == Limits.commandsPerBatch)
    log.batchesLeft = .max
    try bring(repository, into: log)
    #expect(log.who("repo.read", "github.com/acme/x", at: at(0)).count == 5200)
    let events = log.events.count
    try bring(repository, into: log)
    #expect(log.events.count == events)
  }
}
