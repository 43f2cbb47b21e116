import Foundation
import Temporal

@testable import Connectors

/// A git repository in a temporary directory, made commit by commit; it goes with this object.
final class ScratchRepository {
  let directory: URL
  private let git: GitProgram

  init() throws {
    directory = FileManager.default.temporaryDirectory.appendingPathComponent("connectors-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    git = try GitProgram(in: directory)
    try run("init", "--quiet", "--initial-branch=main")
  }

  deinit { try? FileManager.default.removeItem(at: directory) }

  var path: String { directory.path }

  @discardableResult
  func run(_ arguments: String...) throws -> String {
    let answer = try git.run(arguments)
    guard answer.status == 0 else { throw GitError.damaged(path: path, detail: answer.complaint) }
    return String(decoding: answer.output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Commits these contents at so many seconds after 2024-01-01; nil takes a file away.
  @discardableResult
  func commit(_ files: [String: String?], at seconds: Int, subject: String = "A change (#7)") throws -> String {
    for (name, content) in files {
      let file = directory.appendingPathComponent(name)
      if let content {
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content.utf8).write(to: file)
      } else {
        try FileManager.default.removeItem(at: file)
      }
    }
    try run("add", "--all", ".")
    let process = git.process([
      "-c", "user.name=Ann Author", "-c", "user.email=ann@example.com", "commit", "--quiet", "--allow-empty", "-m", subject,
    ])
    let date = "\(Self.epoch + seconds) +0000"
    process.environment?["GIT_COMMITTER_DATE"] = date
    process.environment?["GIT_AUTHOR_DATE"] = date
    try process.run()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { throw GitError.damaged(path: path, detail: "commit") }
    return try run("rev-parse", "HEAD")
  }

  /// 2024-01-01T00:00:00Z in seconds.
  private static let epoch = 1_704_067_200

  static func instant(_ seconds: Int) -> Instant { Instant(microseconds: Int64(epoch + seconds) * 1_000_000) }

  /// A bundle of everything, in the repository's own directory.
  func bundle(_ name: String = "history.bundle") throws -> String {
    let file = directory.appendingPathComponent(".git").appendingPathComponent(name)
    try run("bundle", "create", "--quiet", file.path, "--all")
    return file.path
  }
}
