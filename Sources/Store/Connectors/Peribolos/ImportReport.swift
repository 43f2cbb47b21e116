public import Governance
public import Temporal
import YAML

/// A commit whose configuration cannot be read.
public struct InvalidCommit: Error, Hashable, Sendable, CustomStringConvertible {
  /// The commit's id.
  public let commit: String
  /// Its place in the history, counted from 1.
  public let number: Int
  /// When it was committed.
  public let committedAt: Instant
  /// The file.
  public let path: String
  /// The line in the file, counted from 1.
  public let line: Int
  /// The character in the line, counted from 1.
  public let column: Int
  /// What is wrong.
  public let message: String

  init(commit: Commit, number: Int, file: InvalidFile) {
    self.commit = commit.id
    self.number = number
    committedAt = commit.committedAt
    path = file.path
    (line, column, message) = (file.error.line, file.error.column, file.error.message)
  }

  /// File, line, commit and reason in one line.
  public var description: String { "`\(path)`, line \(line), column \(column), commit \(commit): \(message)" }
}

/// What an import did.
public struct ImportReport: Hashable, Sendable {
  /// The source of the facts.
  public let source: String
  /// Commits in the history.
  public let commits: Int
  /// Commits that were recorded before.
  public internal(set) var known = 0
  /// Commits that were read now, the invalid ones not among them.
  public internal(set) var read = 0
  /// Commits among them that changed something and were recorded.
  public internal(set) var recorded = 0
  /// Events that they made, those of the coverage included.
  public internal(set) var events = 0
  /// Commits dated before an earlier one, which take effect at the date of that one.
  public internal(set) var backwards = 0
  /// Retirements by other imports that this history contradicts, and that were voided.
  public internal(set) var voided = 0
  /// The instant up to which the history was read and its organisations are covered; nil where no commit was valid.
  public internal(set) var readTo: Instant?
  /// What is odd and no error, each once, in order.
  public internal(set) var warnings: [String] = []
  /// What another source has its say on and was left alone, each once.
  public internal(set) var collisions: [Collision] = []
  /// Commits that cannot be read.
  public internal(set) var invalid: [InvalidCommit] = []
  /// Whether the last of those stopped the import; what came before it stays recorded.
  public internal(set) var isStopped = false
}
