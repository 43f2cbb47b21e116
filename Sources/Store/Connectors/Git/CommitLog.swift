import Foundation
import Temporal

/// Reads the output of `git log -z --raw` with a format of four fields that each end in NUL.
enum CommitLog {
  /// Modes of plain files; links and submodules are no configuration.
  private static let fileModes: Set<Substring> = ["100644", "100755"]

  static func commits(in output: Data, path: String) throws(GitError) -> [Commit] {
    var fields = output.split(separator: 0, omittingEmptySubsequences: false).makeIterator()
    var commits: [Commit] = []
    func next() throws(GitError) -> String {
      guard let field = fields.next() else { throw .damaged(path: path, detail: "the log ends inside a commit") }
      return String(decoding: field, as: UTF8.self)
    }
    while let field = fields.next() {
      var text = String(decoding: field, as: UTF8.self)
      if text.first == "\n" { text.removeFirst() }
      if text.isEmpty { continue }
      if text.first == ":" {
        let file = try next()
        guard !commits.isEmpty else { throw .damaged(path: path, detail: "the log begins with a change") }
        commits[commits.count - 1].changes.append(change(text, of: file))
        continue
      }
      let (seconds, author, subject) = (try next(), try next(), try next())
      guard let seconds = Int64(seconds), let date = Self.instant(seconds: seconds) else {
        throw .damaged(path: path, detail: "commit \(text) has a date outside the years 1 to 9999")
      }
      commits.append(Commit(id: text, committedAt: date, author: author, subject: subject, changes: []))
    }
    return commits
  }

  private static func instant(seconds: Int64) -> Instant? {
    let (microseconds, overflows) = seconds.multipliedReportingOverflow(by: 1_000_000)
    return overflows ? nil : Instant(exactly: microseconds)
  }

  /// Reads `:OLDMODE NEWMODE OLDID NEWID STATUS`.
  private static func change(_ text: String, of file: String) -> FileChange {
    let parts = text.dropFirst().split(separator: " ")
    let isFile = parts.count == 5 && fileModes.contains(parts[1])
    return FileChange(path: file, blob: isFile ? String(parts[3]) : nil)
  }
}
