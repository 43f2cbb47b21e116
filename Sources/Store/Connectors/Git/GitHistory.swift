import Foundation
public import Temporal

/// A file that a commit changed.
public struct FileChange: Hashable, Sendable {
  /// The path in the repository.
  public var path: String
  /// The id of its content; nil where the file is gone.
  public var blob: String?

  /// A changed file.
  public init(path: String, blob: String?) {
    self.path = path
    self.blob = blob
  }
}

/// A commit as the log of a history tells it.
public struct Commit: Hashable, Sendable {
  /// The commit's id.
  public var id: String
  /// When it was committed.
  public var committedAt: Instant
  /// The author's name as written; the address is never read.
  public var author: String
  /// The first line of the message.
  public var subject: String
  /// What changed against the first parent.
  public var changes: [FileChange]

  /// A commit.
  public init(id: String, committedAt: Instant, author: String, subject: String, changes: [FileChange]) {
    self.id = id
    self.committedAt = committedAt
    self.author = author
    self.subject = subject
    self.changes = changes
  }
}

/// The first-parent history of a git bundle or repository, copied to a private temporary directory that goes with this object.
///
/// It is read with the `git` program. Not for use by two threads at once.
public final class GitHistory {
  /// The commits, oldest first along first parents.
  public let commits: [Commit]

  let directory: URL
  private let git: GitProgram
  private let path: String
  private var reader: BlobReader?

  /// Copies the history and reads its commits.
  ///
  /// The branch is the HEAD of the bundle or repository, else `main`, else the only branch there is.
  /// - Throws: ``GitError``.
  public init(at path: String) throws(GitError) {
    // No path would name the working directory.
    if path.isEmpty { throw .unreadable(path: path) }
    let source = URL(fileURLWithPath: path).standardizedFileURL.resolvingSymlinksInPath()
    try Self.check(source, path)
    let directory = try Self.privateDirectory()
    do throws(GitError) {
      git = try GitProgram(in: directory)
      commits = try Self.copy(source.path, named: path, with: git)
    } catch {
      try? FileManager.default.removeItem(at: directory)
      throw error
    }
    self.directory = directory
    self.path = path
  }

  deinit {
    reader?.close()
    try? FileManager.default.removeItem(at: directory)
  }

  /// The content of a file; nil where it is larger than the limit.
  ///
  /// - Throws: ``GitError/damaged(path:detail:)``.
  public func content(of blob: String, maximumBytes: Int) throws(GitError) -> [UInt8]? {
    if let reader { return try reader.content(of: blob, maximumBytes: maximumBytes) }
    let started = try BlobReader(git, path: path)
    reader = started
    return try started.content(of: blob, maximumBytes: maximumBytes)
  }

  /// Says early and plainly what git would say late and in its own words.
  private static func check(_ source: URL, _ path: String) throws(GitError) {
    let kind = try? FileManager.default.attributesOfItem(atPath: source.path)[.type] as? FileAttributeType
    guard let kind, FileManager.default.isReadableFile(atPath: source.path) else { throw .unreadable(path: path) }
    if kind == .typeDirectory { return }
    // A pipe would be waited for.
    guard kind == .typeRegular else { throw .notABundle(path: path) }
    guard let file = try? FileHandle(forReadingFrom: source) else { throw .unreadable(path: path) }
    defer { try? file.close() }
    let signatures = ["# v2 git bundle\n", "# v3 git bundle\n"]
    let start = (try? file.read(upToCount: 16)) ?? Data()
    guard signatures.contains(String(decoding: start, as: UTF8.self)) else { throw .notABundle(path: path) }
  }

  private static func privateDirectory() throws(GitError) -> URL {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("tenure-\(UUID().uuidString)")
    do {
      try FileManager.default.createDirectory(
        at: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    } catch {
      throw .unreadable(path: directory.path)
    }
    return directory
  }

  private static func copy(_ source: String, named path: String, with git: GitProgram) throws(GitError) -> [Commit] {
    let listed = try git.run(["ls-remote", "--", source])
    guard listed.status == 0 else {
      if listed.complaint.contains("does not appear to be a git repository") { throw .notARepository(path: path) }
      throw .damaged(path: path, detail: listed.detail)
    }
    let list = String(decoding: listed.output, as: UTF8.self)
    let branch = try branch(of: list, path)
    // A repository has ids of one kind; 64 digits are SHA-256.
    let format = list.prefix { $0 != "\t" }.utf8.count == 64 ? "sha256" : "sha1"
    let prepared = try git.run(["init", "--quiet", "--bare", "--template=", "--object-format=\(format)", "history.git"])
    guard prepared.status == 0 else { throw .damaged(path: path, detail: prepared.detail) }
    let fetched = try git.run(
      ["--git-dir=history.git", "fetch", "--quiet", "--no-tags", "--", source, "+\(branch):refs/heads/history"])
    guard fetched.status == 0 else {
      if fetched.complaint.contains("prerequisite commits") { throw .incomplete(path: path) }
      throw .damaged(path: path, detail: fetched.detail)
    }
    // What is fetched from a shallow clone is left out without a word.
    guard try git.run(["--git-dir=history.git", "rev-parse", "--quiet", "--verify", "refs/heads/history"]).status == 0 else {
      throw .incomplete(path: path)
    }
    let log = try git.run([
      "--git-dir=history.git", "-c", "core.quotePath=false", "log", "-z", "--first-parent", "--reverse", "--root", "--raw",
      "--no-abbrev", "--no-renames", "--diff-merges=first-parent", "--encoding=UTF-8", "--no-show-signature",
      "--format=%H%x00%ct%x00%an%x00%s%x00", "refs/heads/history", "--",
    ])
    guard log.status == 0 else { throw .damaged(path: path, detail: log.detail) }
    return try CommitLog.commits(in: log.output, path: path)
  }

  /// Chooses what to read from lines of `ID<tab>REFERENCE`.
  private static func branch(of list: String, _ path: String) throws(GitError) -> String {
    let names = list.split(separator: "\n").compactMap { $0.split(separator: "\t").last.map(String.init) }
    let branches = names.filter { $0.hasPrefix("refs/heads/") }
    if names.isEmpty { throw .empty(path: path) }
    if names.contains("HEAD") { return "HEAD" }
    if branches.contains("refs/heads/main") { return "refs/heads/main" }
    guard branches.count == 1 else {
      throw .noBranch(path: path, branches: branches.map { String($0.dropFirst("refs/heads/".count)) })
    }
    return branches[0]
  }
}
