import Governance
import Temporal
import YAML

/// A commit that has been read and is valid, and waits to be planned.
struct ReadCommit {
  let commit: Commit
  /// The committer date, or that of an earlier commit where that is later: a history has one direction.
  let effectiveAt: Instant
  let before: [OrganisationUnit]
  let after: [OrganisationUnit]
  /// Since when no valid commit has told of an organisation, for those concerned.
  let gaps: [String: Instant]
}

/// A commit as one batch of observations.
struct CommitBatch {
  let commit: Commit
  let commands: [Command]
  let collisions: [Collision]
}

/// The way through a history, commit after commit: first `read`, which needs no world, then `plan`.
struct PeribolosWalk {
  private let history: GitHistory
  private let source: String
  private let skipsInvalid: Bool
  private var configuration = PeribolosConfiguration()
  private var planner: PeribolosPlanner?
  private var gaps: [String: Instant] = [:]
  /// The place of the next commit to read.
  private(set) var next: Int
  /// The moment of the last valid commit; nil before the first.
  private(set) var lastEffective: Instant?
  private(set) var lastValid: Commit?
  /// Commits whose date was before that of an earlier one.
  private(set) var backwards = 0
  private(set) var invalid: [InvalidCommit] = []
  private(set) var isStopped = false
  private var latest: Instant?

  /// Begins after the commits that are recorded already.
  ///
  /// - Parameters:
  ///   - known: how many commits from the oldest are recorded; the last of them is valid.
  ///   - lastEffective: the moment of the last of them.
  /// - Throws: ``GitError``.
  init(
    _ history: GitHistory, source: String, after known: Int, lastEffective: Instant?, skipsInvalid: Bool
  ) throws(GitError) {
    (self.history, self.source, self.skipsInvalid) = (history, source, skipsInvalid)
    (next, latest) = (known, lastEffective)
    guard known > 0 else { return }
    var blobs: [String: String?] = [:]
    for commit in history.commits[..<known] {
      for change in commit.changes { blobs[change.path] = .some(change.blob) }
    }
    var last = history.commits[known - 1]
    last.changes = blobs.map { FileChange(path: $0.key, blob: $0.value) }
    try configuration.take(last, from: history)
    _ = configuration.accept()
    (lastValid, self.lastEffective) = (last, lastEffective)
  }

  var isAtEnd: Bool { isStopped || next == history.commits.count }
  var warnings: [String] { configuration.warnings.sorted() }

  /// The organisations of the last valid commit.
  var organisations: [String] { configuration.organisations }

  /// Reads the next commit; nil where it is invalid, which also stops the walk unless invalid ones are skipped.
  ///
  /// - Throws: ``GitError``.
  mutating func read() throws(GitError) -> ReadCommit? {
    let commit = history.commits[next]
    try configuration.take(commit, from: history)
    if let latest, commit.committedAt < latest { backwards += 1 }
    let t = max(latest ?? commit.committedAt, commit.committedAt)
    if let problem = configuration.problem() {
      invalid.append(InvalidCommit(commit: commit, number: next + 1, file: problem))
      isStopped = !skipsInvalid
      if isStopped { return nil }
      let concerned = problem.organisations.isEmpty ? configuration.organisations : problem.organisations
      for organisation in concerned where gaps[organisation] == nil { gaps[organisation] = t }
      (latest, next) = (t, next + 1)
      return nil
    }
    let (before, after) = configuration.accept()
    defer { gaps = [:] }
    (latest, lastEffective, lastValid, next) = (t, t, commit, next + 1)
    return ReadCommit(commit: commit, effectiveAt: t, before: before, after: after, gaps: gaps)
  }

  /// Plans a commit that was just read; nil where it changes nothing that is recorded.
  mutating func plan(_ read: ReadCommit, in world: some World) -> CommitBatch? {
    var planner =
      planner ?? PeribolosPlanner(source: source, from: Holdings(of: source, in: world, at: read.effectiveAt))
    let plan = planner.plan(
      read.commit, at: read.effectiveAt, before: read.before, after: read.after, of: configuration, in: world)
    self.planner = planner
    let commands = plan.commands + gapCommands(read)
    if commands.isEmpty, plan.collisions.isEmpty { return nil }
    return CommitBatch(commit: read.commit, commands: commands, collisions: plan.collisions)
  }

  private func gapCommands(_ read: ReadCommit) -> [Command] {
    read.gaps.sorted { $0.key.precedes($1.key) }.compactMap { organisation, since in
      guard since < read.effectiveAt else { return nil }
      let resource = OrganisationUnit.scope(of: organisation)
      return Command(
        .coverageGap(source: source, resource: resource, until: read.effectiveAt), effectiveAt: since,
        authority: read.commit.authority)
    }
  }
}
