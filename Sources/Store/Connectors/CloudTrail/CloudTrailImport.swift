import EventLog
public import Governance
import JSON
import Temporal
import Usage

/// Imports CloudTrail's delivery files: each record as usage, and what the successful ones changed as events.
///
/// A record is one atomic batch whose idempotency key is its id, so that importing again, in parts or in another order of files
/// changes nothing further. Files are all read before anything is recorded.
public struct CloudTrailImport: Sendable {
  /// Who writes the events.
  public let recordedBy: Recorder
  /// Whether a file or record that cannot be read is passed over.
  public let skipsInvalid: Bool
  private let files: TrailFiles
  private let baseline: Baseline?

  /// How far an import is.
  public enum Stage: String, Sendable {
    case reading, recording
    case usage = "recording usage"
  }

  /// Records planned in one look at the world: writers wait that long.
  private static let recordsAtOnce = 500

  /// Finds the files, and reads the baseline.
  ///
  /// - Parameters:
  ///   - places: files and folders.
  ///   - baseline: a file of `aws iam get-account-authorization-details`; nil where there is none.
  ///   - recordedBy: who writes the events.
  ///   - skipsInvalid: whether what cannot be read is passed over; the default is to stop before anything is recorded.
  /// - Throws: ``TrailError``.
  public init(_ places: [String], baseline: String?, recordedBy: Recorder, skipsInvalid: Bool = false) throws(TrailError) {
    files = try TrailFiles(places)
    if let baseline { self.baseline = try Baseline(at: baseline) } else { self.baseline = nil }
    (self.recordedBy, self.skipsInvalid) = (recordedBy, skipsInvalid)
  }

  /// Reads the files and records what is new; blocks.
  ///
  /// - Parameters:
  ///   - destination: the log, for instance a ``TenantDestination``.
  ///   - usage: where usage goes, for instance a ``TenantUsage``.
  ///   - progress: called with what is being done, how far it is, and how much there is.
  /// - Throws: ``TrailError`` before anything is recorded; ``ImportError``, after which importing again goes on.
  public func run(
    into destination: some ImportDestination, usage: some UsageDestination,
    progress: (Stage, Int, Int) -> Void = { _, _, _ in }
  ) throws -> CloudTrailReport {
    let total = files.paths.count
    let contents = try TrailContents(files, through: usage.latest, skipsInvalid: skipsInvalid) { progress(.reading, $0, total) }
    var report = CloudTrailReport()
    (report.files, report.records, report.duplicates) = (total, contents.records.count, contents.duplicates)
    (report.invalid, report.from, report.to) = (contents.invalid, contents.records.first?.at, contents.records.last?.at)
    report.accounts = Set(contents.records.map(\.account)).sorted()
    var writing = try Writing(self, contents.records, in: destination)
    if let baseline { try writing.record(baseline.readings(writing.reader, before: contents.records, &report), &report) }
    var start = 0
    while start < contents.records.count {
      let end = Self.end(of: start, contents.records)
      try writing.record(Array(contents.records[start..<end]).map(writing.reading), &report)
      progress(.recording, end, contents.records.count)
      start = end
    }
    for account in report.accounts { try writing.cover(account, contents.records, &report) }
    if let oldest = report.from { report.keptDays = try usage.makeRoom(for: oldest) }
    for account in report.accounts {
      let records = contents.records.filter { $0.account.isExactly(account) }
      for start in stride(from: 0, to: records.count, by: UsageLimits.recordsPerBatch) {
        let part = records[start..<min(start + UsageLimits.recordsPerBatch, records.count)]
        report.usage += try usage.record(part.map(writing.reader.usage), source: TrailWords.sourcePrefix + account)
        progress(.usage, start + part.count, records.count)
      }
    }
    return report
  }

  /// Where a part ends: after so many records, and never within a second.
  private static func end(of start: Int, _ records: [TrailRecord]) -> Int {
    var end = min(start + recordsAtOnce, records.count)
    while end < records.count, records[end].at == records[end - 1].at { end += 1 }
    return end
  }
}

/// An import while it writes.
private struct Writing<Destination: ImportDestination> {
  let importing: CloudTrailImport
  let destination: Destination
  let reader: TrailReader
  var below: [String: Set<String>] = [:]
  var bounded: [String: Set<String>] = [:]
  /// When trails of each account were told to stop recording, or to go on.
  private var switches: [String: [(at: Instant, isOn: Bool)]] = [:]

  init(_ importing: CloudTrailImport, _ records: [TrailRecord], in destination: Destination) throws(ImportError) {
    (self.importing, self.destination) = (importing, destination)
    var names = TrailNames()
    var (below, bounded): ([String: Set<String>], [String: Set<String>]) = ([:], [:])
    let sources = Set(records.map(\.account)).sorted().map { TrailWords.sourcePrefix + $0 }
    try Self.asking(destination) { world in
      var roles: Set<Entity> = []
      for case .existence(let entity) in sources.flatMap(world.facts(from:)) {
        names.learn(entity.id)
        if entity.kind == .role { roles.insert(entity) }
      }
      for role in roles where !TrailRoles.isStatement(role.id, among: roles) {
        guard let resource = TrailRoles.resource(of: role.id) else { continue }
        below[resource, default: []].insert(role.id)
      }
      for (policy, identity) in TrailRoles.boundaries(in: world) { bounded[policy, default: []].insert(identity) }
    }
    for record in records { names.learn(record) }
    (reader, self.below, self.bounded) = (TrailReader(names: names), below, bounded)
  }

  func reading(_ record: TrailRecord) -> TrailReading {
    TrailReading(record: record, steps: reader.steps(record), seen: reader.seen(record))
  }

  /// Plans readings in the order of time and records them.
  mutating func record(_ readings: [TrailReading], _ report: inout CloudTrailReport) throws(ImportError) {
    let changing = readings.filter { !$0.steps.isEmpty }.map(\.record.id)
    let known: Set<String>
    do { known = try destination.recorded(commandIDs: changing) } catch { throw .unreadable("\(error)") }
    report.known += known.count
    for reading in readings { note(reading, &report) }
    let fresh = readings.filter { !known.contains($0.record.id) }
    let (submissions, remarks) = try plan(fresh)
    for text in remarks { report.remark(text) }
    try append(submissions, &report)
  }

  /// What is said of a record whether or not it was recorded before.
  private mutating func note(_ reading: TrailReading, _ report: inout CloudTrailReport) {
    for step in reading.steps {
      switch step {
      case .remark(let text): report.remark(text)
      case .logs(_, _, let isOn): switches[reading.record.account, default: []].append((reading.record.at, isOn))
      default: continue
      }
    }
  }

  private mutating func plan(_ readings: [TrailReading]) throws(ImportError) -> ([Submission], [String]) {
    let (below, bounded) = (below, bounded)
    let planned = try Self.asking(destination) { world in
      var planner = TrailPlanner(PlannedWorld(world), below: below, bounded: bounded)
      var submissions: [Submission] = []
      var rest = readings[...]
      while let first = rest.first {
        let second = rest.prefix { $0.record.at == first.record.at }
        rest = rest.dropFirst(second.count)
        let ordered = TrailOrder.sorted(Array(second)) { planner.isHeld($0, before: first.record.at) }
        for reading in ordered {
          let commands = planner.plan(reading)
          if !commands.isEmpty { submissions.append(submission(reading, commands)) }
        }
      }
      return (submissions, planner.remarks, planner.below, planner.bounded)
    }
    (self.below, self.bounded) = (planned.2, planned.3)
    return (planned.0, planned.1)
  }

  private func submission(_ reading: TrailReading, _ commands: [Command]) -> Submission {
    let id = reading.record.id
    return Submission(
      commandID: reading.steps.isEmpty ? "\(id)/seen" : id, mode: .observation,
      source: TrailWords.sourcePrefix + reading.record.account, basis: .observed, recordedBy: importing.recordedBy,
      commands: commands)
  }

  private func append(_ submissions: [Submission], _ report: inout CloudTrailReport) throws(ImportError) {
    if submissions.isEmpty { return }
    let answers: [Result<Receipt, Refusal>]
    do throws(SubmissionFailure) { answers = try destination.append(submissions) } catch { throw .notRecorded(error) }
    for (submission, answer) in zip(submissions, answers) {
      switch answer {
      case .success(let receipt) where receipt.isReplay: report.known += 1
      case .success(let receipt):
        report.recorded += 1
        report.events += receipt.events.count
      // Another import recorded it meanwhile, or an earlier one under the same key.
      case .failure(let refusal) where refusal.code == .keyReused: report.known += 1
      case .failure(let refusal):
        let what = submission.commands.first?.authority.reason?.prefix { $0 != " " } ?? ""
        report.remark("\(what) was refused: \(refusal)")
      }
    }
  }

  /// Moves the coverage of an account to what its records show.
  func cover(_ account: String, _ records: [TrailRecord], _ report: inout CloudTrailReport) throws(ImportError) {
    let source = TrailWords.sourcePrefix + account
    let instants = records.lazy.filter { $0.account.isExactly(account) }.map(\.at)
    let resources = [TrailWords.scope(account), "identity/arn:\(reader.names.partition(account)):iam::\(account):role"]
    let commands = try Self.asking(destination) { world in
      var commands = resources.flatMap { TrailCoverage.commands(of: source, resource: $0, instants, in: world) }
      let silences = TrailCoverage.silences(switches[account] ?? [], Array(instants))
      for resource in resources {
        commands += silences.flatMap { TrailCoverage.gaps(of: source, resource: resource, $0, in: world) }
      }
      let earliest = commands.compactMap(\.effectiveAt).min()
      if let earliest, !world.exists(.source(source), at: earliest) {
        let registers = Change.sourceRegistered(id: source, attributes: TrailCoverage.attributes(account))
        commands.insert(Command(registers, expecting: .either, effectiveAt: earliest), at: 0)
      }
      return commands
    }
    if commands.isEmpty { return }
    try append(
      [
        Submission(
          mode: .observation, source: source, basis: .observed, recordedBy: importing.recordedBy, commands: commands)
      ], &report)
    report.recorded -= 1
  }

  private static func asking<Answer>(
    _ destination: Destination, _ body: (Destination.Head) -> Answer
  ) throws(ImportError) -> Answer {
    do { return try destination.read(body) } catch { throw .unreadable("\(error)") }
  }
}
