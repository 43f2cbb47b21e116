public import EventLog
public import Governance

/// Why an import could not be done; what was recorded before it stays, and importing again goes on from there.
public enum ImportError: Error, Sendable, CustomStringConvertible {
  /// The history cannot be read.
  case history(GitError)
  /// The source's name cannot be used.
  case badSource(String)
  /// A commit that was imported is not in the history: it was rewritten, or is older than what was imported.
  case rewritten(source: String, commit: String)
  /// A batch was refused.
  case refused(commit: String, Refusal)
  /// The log did not take a batch.
  case notRecorded(SubmissionFailure)
  /// The tenant cannot be read.
  case unreadable(String)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .history(let error): error.description
    case .badSource(let problem): "the source's name \(problem)"
    case .rewritten(let source, let commit):
      "commit \(commit), imported before as \(source), is not in this history: it was rewritten or is an older copy; nothing was recorded. Import it under another --source, or into another tenant"
    case .refused(let commit, let refusal): "commit \(commit) was refused: \(refusal)"
    case .notRecorded(let failure): "\(failure.description); what came before stays, and importing again goes on from there"
    case .unreadable(let problem): problem
    }
  }
}
