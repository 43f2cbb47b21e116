/// Why a history could not be read.
public enum GitError: Error, Hashable, Sendable, CustomStringConvertible {
  /// There is no `git` program on the path.
  case gitMissing
  /// There is nothing at the path, or it may not be read.
  case unreadable(path: String)
  /// The file is no git bundle.
  case notABundle(path: String)
  /// The directory is no git repository.
  case notARepository(path: String)
  /// The repository has no commit.
  case empty(path: String)
  /// There is no HEAD, no branch `main`, and not exactly one branch.
  case noBranch(path: String, branches: [String])
  /// The bundle or shallow clone leaves out commits that it builds on.
  case incomplete(path: String)
  /// git could not read what should be there; `detail` is the first line of what it says.
  case damaged(path: String, detail: String)

  /// What is wrong and what to do, in one line.
  public var description: String {
    switch self {
    case .gitMissing: "the program git is missing: apt-get install git"
    case .unreadable(let path): "`\(path)`: there is no such file or directory, or it may not be read"
    case .notABundle(let path): "`\(path)`: not a git bundle; git bundle create FILE --all makes one"
    case .notARepository(let path): "`\(path)`: not a git repository"
    case .empty(let path): "`\(path)`: an empty repository, or a bundle that is cut off: without any commit"
    case .noBranch(let path, let branches):
      "`\(path)`: which branch to read is not clear: there is no HEAD and no main, but \(branches.isEmpty ? "no branch" : branches.joined(separator: ", "))"
    case .incomplete(let path):
      "`\(path)`: it builds on commits that it leaves out; a bundle or clone of the whole history is needed"
    case .damaged(let path, let detail): "`\(path)`: git cannot read it: \(detail)"
    }
  }
}
