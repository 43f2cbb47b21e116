import EventLog
import Foundation
public import Governance
import Temporal

/// Imports the history of an organisation's access configuration, as Peribolos reads it, into a tenant's log.
///
/// Each commit that changes something is one atomic batch of observations. Importing again goes on after the last commit
/// that is recorded. Where a commit cannot be read, the import stops, or goes on and records a coverage gap.
public struct PeribolosImport: Sendable {
  /// The source of the facts: `peribolos:NAME`.
  public let source: String
  /// Who writes the events.
  public let recordedBy: Recorder
  /// Whether a commit that cannot be read is passed over.
  public let skipsInvalid: Bool

  /// What the source of every import begins with.
  static let sourcePrefix = "peribolos:"
  /// Bytes of a source's name: assignment ids begin with it and end in a commit and a number, within `Limits.identifierBytes`.
  public static let nameBytes = 256

  /// Batches appended together: many share a transaction, and a killed import loses no more work than they are.
  private static let batchesAtOnce = 200
  /// Commands appended together, whatever the batches: what waits in memory stays small.
  private static let commandsAtOnce = 2000

  /// The name where none is given: the file name of the bundle or repository.
  public static func defaultName(for path: String) -> String {
    URL(fileURLWithPath: path).lastPathComponent
  }

  /// An import under the name that `--source` gives, by default the file name of the bundle.
  ///
  /// - Throws: ``ImportError/badSource(_:)``.
  public init(name: String, recordedBy: Recorder, skipsInvalid: Bool = false) throws(ImportError) {
    source = Self.sourcePrefix + name
    if name.isEmpty { throw .badSource("must not be empty") }
    if name.utf8.count > Self.nameBytes { throw .badSource("must be at most \(Self.nameBytes) bytes") }
    if let problem = Limits.problem(identifier: source) { throw .badSource(problem) }
    self.recordedBy = recordedBy
    self.skipsInvalid = skipsInvalid
  }

  /// Reads the history and records what is new; blocks.
  ///
  /// - Parameters:
  ///   - history: the history.
  ///   - destination: the log, for instance a ``TenantDestination``.
  ///   - progress: called after each commit with the commits read so far and all there are.
  /// - Throws: ``ImportError``; a commit that cannot be read is no error but told in the report.
  public func run(
    _ history: GitHistory, into destination: some ImportDestination, progress: (Int, Int) -> Void = { _, _ in }
  ) throws(ImportError) -> ImportReport {
    let resumption = try resumption(of: history, in: destination)
    var walk: PeribolosWalk
    do throws(GitError) {
      walk = try PeribolosWalk(
        history, source: source, after: resumption.known, lastEffective: resumption.lastEffective, skipsInvalid: skipsInvalid)
    } catch { throw .history(error) }
    var report = ImportReport(source: source, commits: history.commits.count)
    report.known = resumption.known
    var waiting: [CommitBatch] = []
    while !walk.isAtEnd {
      let read: ReadCommit?
      do throws(GitError) { read = try walk.read() } catch { throw .history(error) }
      if let read {
        report.read += 1
        if let batch = try Self.asking(destination, { walk.plan(read, in: $0) }) { waiting.append(batch) }
      }
      if waiting.count >= Self.batchesAtOnce || waiting.reduce(0, { $0 + $1.commands.count }) >= Self.commandsAtOnce {
        try record(&waiting, after: resumption, in: destination, &report)
      }
      progress(walk.next, history.commits.count)
    }
    try record(&waiting, after: resumption, in: destination, &report)
    try voidContradicted(in: destination, &report)
    try cover(walk, in: destination, &report)
    (report.warnings, report.invalid, report.isStopped) = (walk.warnings, walk.invalid, walk.isStopped)
    (report.backwards, report.readTo) = (walk.backwards, walk.lastEffective)
    return report
  }

  private static func asking<Destination: ImportDestination, Answer>(
    _ destination: Destination, _ body: (Destination.Head) -> Answer
  ) throws(ImportError) -> Answer {
    do { return try destination.read(body) } catch { throw .unreadable("\(error)") }
  }

  private func record(
    _ waiting: inout [CommitBatch], after resumption: Resumption, in destination: some ImportDestination,
    _ report: inout ImportReport
  ) throws(ImportError) {
    let submissions = waiting.flatMap { self.submissions(for: $0, resumption) }
    let wholes = Set(waiting.map { CommitKey(source: source, commit: $0.commit.id).whole })
    let answers = try append(submissions, to: destination)
    for (submission, answer) in zip(submissions, answers) {
      switch answer {
      case .success(let receipt) where receipt.isReplay: continue
      case .success(let receipt):
        report.events += receipt.events.count
        if let key = submission.commandID, wholes.contains(key) { report.recorded += 1 }
      // The key is the commit's: it was recorded by an import that was killed before it could say so.
      case .failure(let refusal) where refusal.code == .keyReused: continue
      case .failure(let refusal):
        throw .refused(commit: String(submission.commandID?.dropFirst(source.count + 1) ?? ""), refusal)
      }
    }
    for collision in waiting.flatMap(\.collisions) where !report.collisions.contains(collision) {
      report.collisions.append(collision)
    }
    waiting = []
  }

  /// One batch for a commit, or several where it has more commands than a batch may have; the last one bears the commit's own key.
  private func submissions(for batch: CommitBatch, _ resumption: Resumption) -> [Submission] {
    let key = CommitKey(source: source, commit: batch.commit.id)
    var rest = batch.commands[...]
    var submissions: [Submission] = []
    var part = resumption.partial == batch.commit.id ? resumption.parts : 0
    while rest.count > Limits.commandsPerBatch {
      part += 1
      submissions.append(submission(key.part(part), Array(rest.prefix(Limits.commandsPerBatch))))
      rest = rest.dropFirst(Limits.commandsPerBatch)
    }
    if !rest.isEmpty { submissions.append(submission(key.whole, Array(rest))) }
    return submissions
  }

  private func submission(_ commandID: String?, _ commands: [Command]) -> Submission {
    Submission(
      commandID: commandID, mode: .observation, source: source, basis: .declared, recordedBy: recordedBy, commands: commands)
  }

  /// Voids the retirements of other imports that this history contradicts.
  private func voidContradicted(
    in destination: some ImportDestination, _ report: inout ImportReport
  ) throws(ImportError) {
    let positions = try Self.asking(destination) { ContradictedRetirements.positions(contradictedBy: source, in: $0) }
    let authority = Authority(reason: "\(source) shows that it still held the identity")
    for start in stride(from: 0, to: positions.count, by: Limits.commandsPerBatch) {
      let commands = positions[start..<min(start + Limits.commandsPerBatch, positions.count)].map { position in
        Command(.eventVoided(position: position), authority: authority)
      }
      for answer in try append([submission(nil, commands)], to: destination) {
        do throws(Refusal) { report.events += try answer.get().events.count } catch {
          throw .refused(commit: "", error)
        }
      }
      report.voided += commands.count
    }
  }

  /// Moves the coverage to what has been read.
  private func cover(
    _ walk: PeribolosWalk, in destination: some ImportDestination, _ report: inout ImportReport
  ) throws(ImportError) {
    guard let end = walk.lastEffective, let last = walk.lastValid else { return }
    let commands = try Self.asking(destination) { world in
      PeribolosCoverage.commands(
        of: source, organisations: walk.organisations, through: end, commit: last.id, in: world)
    }
    if commands.isEmpty { return }
    for answer in try append([submission(nil, commands)], to: destination) {
      do throws(Refusal) { report.events += try answer.get().events.count } catch {
        throw .refused(commit: last.id, error)
      }
    }
  }

  private func append(
    _ submissions: [Submission], to destination: some ImportDestination
  ) throws(ImportError) -> [Result<Receipt, Refusal>] {
    if submissions.isEmpty { return [] }
    do throws(SubmissionFailure) { return try destination.append(submissions) } catch { throw .notRecorded(error) }
  }
}
