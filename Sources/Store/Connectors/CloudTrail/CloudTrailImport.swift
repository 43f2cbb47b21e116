import EventLog
public import Governance
import JSON
import Temporal
import Usage

/// Imports CloudTrail's delivery files: each record as usage, and what the successful ones changed as events.
///
/// A record is one atomic batch whose idempotency key is its id, so that importing again, in parts or in another order of files
/// changes nothing further. Files are all read before anything is recorded.
/// Two things only parts in the order of time make right: a name that users pass on by renames, and a path that a later part tells.
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
    let contents = try TrailContents(
      files, through: usage.latest, knowing: TrailNames(destination), skipsInvalid: skipsInvalid
    ) { progress(.reading, $0, total) }
    var report = CloudTrailReport()
    (report.files, report.records, report.duplicates) = (total, contents.uses.count, contents.duplicates)
    (report.invalid, report.from, report.to) = (contents.invalid, contents.uses.first?.at, contents.uses.last?.at)
    (report.accounts, report.insights) = (contents.accounts.sorted(), contents.insights)
    var writing = try Writing(self, contents, in: destination)
    writing.note(misplaced: &report)
    if let baseline { try writing.record(baseline.readings(writing.reader, before: contents, &report), &report) }
    var start = 0
    while start < contents.uses.count {
      let end = Self.end(of: start, contents.uses)
      try writing.record(contents.uses[start..<end], &report)
      progress(.recording, end, contents.uses.count)
      start = end
    }
    try writing.settle(&report)
    for account in report.accounts { try writing.cover(account, &report) }
    if let oldest = report.from { report.keptDays = try usage.makeRoom(for: oldest) }
    try writing.use(usage, &report) { progress(.usage, $0, contents.uses.count) }
    return report
  }

  /// Where a part ends: after so many records, and never within a second.
  private static func end(of start: Int, _ uses: [TrailContents.Use]) -> Int {
    var end = min(start + recordsAtOnce, uses.count)
    while end < uses.count, uses[end].at == uses[end - 1].at { end += 1 }
    return end
  }
}

/// An import while it writes.
private struct Writing<Destination: ImportDestination> {
  let importing: CloudTrailImport
  let destination: Destination
  let contents: TrailContents
  let reader: TrailReader
  private var memory: TrailMemory
  /// Until when those who acted are known to exist, with what they acted with: their further records say nothing new.
  private var settled: [Int32: Instant] = [:]
  /// When trails of each account were told to stop recording, or to go on.
  private var switches: [String: [(at: Instant, isOn: Bool)]] = [:]

  init(_ importing: CloudTrailImport, _ contents: TrailContents, in destination: Destination) throws(ImportError) {
    (self.importing, self.destination, self.contents) = (importing, destination, contents)
    reader = TrailReader(names: contents.names)
    let sources = contents.accounts.sorted().map { TrailWords.sourcePrefix + $0 }
    memory = try Self.asking(destination) { TrailMemory(of: sources, in: $0) }
  }

  /// Says who was recorded in other places than they are, so that it does not go unseen.
  func note(misplaced report: inout CloudTrailReport) {
    for (known, recorded) in memory.misplaced(reader.names) {
      report.remark(
        "\(recorded) of an earlier import is \(known), which these records tell: import the parts in the order of time")
    }
  }

  /// Plans what is new in some uses, and records it.
  mutating func record(_ uses: ArraySlice<TrailContents.Use>, _ report: inout CloudTrailReport) throws(ImportError) {
    let worth = uses.filter { use in use.change >= 0 || settled[contents.actor(use)].map { $0 <= use.at } ?? true }
    if worth.isEmpty { return }
    let records = worth.map(contents.record)
    try record(records.map { TrailReading(record: $0, steps: reader.steps($0), seen: reader.seen($0)) }, &report)
    // Whatever ends something may end any of them.
    if worth.contains(where: { $0.change >= 0 }) { settled = [:] }
    let until = try Self.asking(destination) { world in
      worth.filter { $0.change < 0 }.map { use in
        (contents.actor(use), TrailMemory.stands(contents.identity(use), from: use.at, in: world))
      }
    }
    for (who, until) in until { settled[who] = until }
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
    // Handed over and taken back: a copy for each part would be one of everybody who was ever met.
    var memory = TrailMemory()
    swap(&memory, &self.memory)
    let planned = try Self.asking(destination) { world in
      var planner = TrailPlanner(PlannedWorld(world), memory: memory)
      memory = TrailMemory()
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
      return (submissions, planner.remarks, planner.memory)
    }
    self.memory = planned.2
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

  /// Records the uses, those of an account after those of another.
  func use(_ usage: some UsageDestination, _ report: inout CloudTrailReport, progress: (Int) -> Void) throws {
    var done = 0
    for account in report.accounts {
      var batch: [UsageRecord] = []
      func flush(_ report: inout CloudTrailReport) throws {
        if batch.isEmpty { return }
        report.usage += try usage.record(batch, source: TrailWords.sourcePrefix + account)
        done += batch.count
        batch.removeAll(keepingCapacity: true)
        progress(done)
      }
      for use in contents.uses(of: account) {
        batch.append(reader.usage(contents.record(use), of: contents.resource(use)))
        if batch.count == UsageLimits.recordsPerBatch { try flush(&report) }
      }
      try flush(&report)
    }
  }

  /// Makes the boundaries what they are by all that is known now.
  mutating func settle(_ report: inout CloudTrailReport) throws(ImportError) {
    for identity in memory.everBounded.sorted() {
      guard let account = TrailMemory.account(of: identity), contents.accounts.contains(account) else { continue }
      let memory = memory
      let commands = try Self.asking(destination) { world in
        var planner = TrailPlanner(PlannedWorld(world), memory: memory)
        return planner.settle(boundaryOf: identity.id, in: account)
      }
      if commands.isEmpty { continue }
      try append(
        [
          Submission(
            mode: .observation, source: TrailWords.sourcePrefix + account, basis: .observed,
            recordedBy: importing.recordedBy, commands: commands)
        ], &report)
      report.recorded -= 1
    }
  }

  /// Moves the coverage of an account to what its records show.
  func cover(_ account: String, _ report: inout CloudTrailReport) throws(ImportError) {
    let source = TrailWords.sourcePrefix + account
    let instants = contents.uses(of: account).map(\.at)
    let resources = [TrailWords.scope(account), "identity/arn:\(reader.names.partition(account)):iam::\(account):role"]
    let commands = try Self.asking(destination) { world in
      var commands = resources.flatMap { TrailCoverage.commands(of: source, resource: $0, instants, in: world) }
      let silences = TrailCoverage.silences(switches[account] ?? [], instants)
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
