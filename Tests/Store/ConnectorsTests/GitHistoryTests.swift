import Foundation
import Testing

@testable import Connectors

@Suite struct `A git history` {
  @Test func `is the same from a bundle and from the repository`() throws {
    let repository = try ScratchRepository()
    try repository.commit(["a.yaml": "one"], at: 0, subject: "One")
    try repository.commit(["a.yaml": nil, "dir/ü b.yaml": "two"], at: 1, subject: "Two")
    let bundle = try repository.bundle()
    let histories = [try GitHistory(at: repository.path), try GitHistory(at: bundle)]
    for history in histories {
      #expect(history.commits.map(\.subject) == ["One", "Two"])
      #expect(history.commits.map(\.author) == ["Ann Author", "Ann Author"])
      #expect(history.commits[1].changes.map(\.path).sorted() == ["a.yaml", "dir/ü b.yaml"])
      #expect(history.commits[1].changes.first { $0.path == "a.yaml" }?.blob == nil)
      let blob = try #require(history.commits[1].changes.compactMap(\.blob).first)
      #expect(try history.content(of: blob, maximumBytes: 10) == Array("two".utf8))
      #expect(try history.content(of: blob, maximumBytes: 2) == nil)
      #expect(try history.content(of: blob, maximumBytes: 3) == Array("two".utf8))
    }
  }

  @Test func `goes along first parents, so that a merge is one change`() throws {
    let repository = try ScratchRepository()
    try repository.commit(["a.yaml": "one"], at: 0, subject: "One")
    try repository.run("checkout", "--quiet", "-b", "side")
    try repository.commit(["b.yaml": "side"], at: 1, subject: "Side")
    try repository.run("checkout", "--quiet", "main")
    try repository.run("-c", "user.name=M", "-c", "user.email=m@x", "merge", "--quiet", "--no-ff", "-m", "Merge", "side")
    let history = try GitHistory(at: repository.path)
    #expect(history.commits.map(\.subject) == ["One", "Merge"])
    #expect(history.commits[1].changes.map(\.path) == ["b.yaml"])
  }

  @Test func `leaves nothing behind`() throws {
    let repository = try ScratchRepository()
    try repository.commit(["a.yaml": "one"], at: 0)
    var history: GitHistory? = try GitHistory(at: repository.path)
    let copy = try #require(history?.directory.path)
    #expect(FileManager.default.fileExists(atPath: copy))
    history = nil
    #expect(!FileManager.default.fileExists(atPath: copy))
  }

  @Test func `that is none is a typed error`() throws {
    let repository = try ScratchRepository()
    func failure(_ path: String) -> GitError? { #expect(throws: GitError.self) { try GitHistory(at: path) } }
    #expect(failure(repository.path) == .empty(path: repository.path))
    let missing = repository.path + "/missing"
    #expect(failure(missing) == .unreadable(path: missing))
    let text = repository.path + "/text"
    try Data("no bundle".utf8).write(to: URL(fileURLWithPath: text))
    #expect(failure(text) == .notABundle(path: text))
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("connectors-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(failure(folder) == .notARepository(path: folder))

    try repository.commit(["a.yaml": "one"], at: 0)
    try repository.commit(["a.yaml": "two"], at: 1)
    let bundle = try repository.bundle()
    let content = try Data(contentsOf: URL(fileURLWithPath: bundle))
    try content.dropLast(40).write(to: URL(fileURLWithPath: text))
    guard case .damaged? = failure(text) else {
      Issue.record("a cut bundle must be damaged")
      return
    }
    try repository.run("bundle", "create", "--quiet", text, "HEAD~1..main")
    #expect(failure(text) == .incomplete(path: text))
  }
}
