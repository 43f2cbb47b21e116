import AccessGraph
import Cryptography
public import EventLog
import Governance
public import JSON
public import Temporal
public import Usage

/// What makes a report evidence: the question, what it rests on, what was counted, and the digests of its files.
public struct ReportManifest: Sendable {
  /// One file of the report.
  public struct File: Hashable, Sendable {
    /// How it is written.
    public var format: ReportFormat
    /// Its size.
    public var bytes: Int64
    /// SHA-256 of its bytes, in hexadecimal.
    public var sha256: String
  }

  /// The version of what is written here and in the files; raised when the same question would give other bytes.
  public static let version: Int64 = 3

  /// What was asked.
  public var question: ReportQuestion
  /// The tenant.
  public var tenant: String
  /// The head that it was made at.
  public var position: Int64
  /// What the sources vouched for.
  public var coverage: Coverage
  /// Who ran it.
  public var ranBy: String
  /// When it was run.
  public var ranAt: Instant
  /// Rows in each file.
  public var rows: Int64
  /// What the report and the log were counted for.
  public var totals: [ControlTotal]
  /// The files.
  public var files: [File]

  /// Whether every total agrees with the log.
  public var isReconciled: Bool { totals.allSatisfy(\.agrees) }
}

extension ReportManifest: Report {
  /// Writes the manifest as one JSON object.
  public func write(to writer: inout JSONWriter) {
    let report = AuditReport.named(question.report)
    writer.beginObject()
    question.write(to: &writer)
    writer.member("number", report?.number)
    writer.member("title", report?.title)
    writer.member("controls", (report?.controls ?? []).map { .string($0) })
    writer.member("tenant", tenant)
    writer.member("position", position)
    writer.write(coverage)
    writer.member("ran_by", ranBy)
    writer.member("ran_at", ranAt)
    writer.member("version", Self.version)
    writer.member("rows", rows)
    writer.key("control_totals")
    writer.beginArray()
    for total in totals {
      writer.beginObject()
      writer.member("name", total.name)
      writer.member("report", total.report)
      writer.member("log", total.log)
      writer.member("agrees", total.agrees)
      writer.endObject()
    }
    writer.endArray()
    writer.key("files")
    writer.beginArray()
    for file in files {
      writer.beginObject()
      writer.member("name", "\(question.report).\(file.format.rawValue)")
      writer.member("bytes", file.bytes)
      writer.member("sha256", file.sha256)
      writer.endObject()
    }
    writer.endArray()
    writer.endObject()
  }

  /// What a manifest says was asked, of whom, when, and with which files.
  public static func reading(
    _ value: JSONValue
  ) throws(JSONFieldError) -> (tenant: String, question: ReportQuestion, files: [File], ranAt: Instant) {
    var reader = try FieldReader(value)
    guard try reader.integer("version") == version else {
      throw reader.error("version", "must be \(version): another version of Tenure wrote this manifest")
    }
    let tenant = try reader.string("tenant", maximumBytes: Limits.identifierBytes)
    var files: [File] = []
    for (index, item) in try reader.array("files", maximumCount: ReportFormat.allCases.count).enumerated() {
      var file = try FieldReader(item, at: JSONPointer.child(index, of: reader.pointer(to: "files")))
      let name = try file.string("name", maximumBytes: Limits.identifierBytes)
      guard let format = ReportFormat(rawValue: String(name.split(separator: ".").last ?? "")) else {
        throw file.error("name", "must end in .csv or .json")
      }
      files.append(
        File(
          format: format, bytes: try file.integer("bytes"),
          sha256: try file.string("sha256", maximumBytes: 2 * Digest.byteCount)))
    }
    // What is said besides follows from the question and is found anew.
    let ranAt = try reader.instant("ran_at")
    return (tenant, try ReportQuestion(&reader), files, ranAt)
  }
}

/// Writes a report's files piece by piece, and counts and digests what it writes.
public final class ReportFiles {
  private var run: ReportRun
  private let files: [FileUnderWay]
  private var isFinished = false
  private let position: Int64
  private let coverage: Coverage

  /// Keys or positions looked at so far, and how many there are.
  public var progress: (done: Int64, total: Int64) { run.progress }

  init(_ run: ReportRun, _ formats: [ReportFormat], position: Int64, coverage: Coverage) {
    self.run = run
    self.position = position
    self.coverage = coverage
    files = formats.map { FileUnderWay($0, run.report) }
  }

  /// The next bytes of each file, in the order of the formats; nil at the end.
  public func next() throws -> [[UInt8]]? {
    if isFinished { return nil }
    let rows = try run.next()
    isFinished = rows == nil
    return files.map { $0.write(rows) }
  }

  /// The manifest, once all has been written.
  ///
  /// - Precondition: ``next()`` has given nil, or will.
  public func manifest(ranBy: String, at ranAt: Instant) throws -> ReportManifest {
    precondition(isFinished, "a manifest is about whole files")
    return ReportManifest(
      question: run.context.question, tenant: run.context.tenant.name, position: position, coverage: coverage, ranBy: ranBy,
      ranAt: ranAt, rows: run.rowCount, totals: try run.totals(), files: files.map { $0.finish() })
  }
}

/// A file that is being written.
private final class FileUnderWay {
  private let format: ReportFormat
  private var encoder: ReportEncoder
  private var bytes: Int64 = 0
  private var hash: SHA256? = SHA256()

  init(_ format: ReportFormat, _ report: AuditReport) {
    self.format = format
    encoder = ReportEncoder(format, report: report.name, columns: report.columns)
  }

  /// Writes rows, or the end where there are none; the answer is the bytes.
  func write(_ rows: [ReportRow]?) -> [UInt8] {
    for row in rows ?? [] { encoder.write(row) }
    if rows == nil { encoder.finish() }
    let piece = encoder.take()
    bytes += Int64(piece.count)
    hash?.update(piece)
    return piece
  }

  func finish() -> ReportManifest.File {
    guard let hash = hash.take() else { preconditionFailure("a file is finished once") }
    return ReportManifest.File(format: format, bytes: bytes, sha256: hash.finalize().description)
  }
}

extension Questions {
  /// Begins a report.
  ///
  /// - Parameters:
  ///   - at: the moment; nil for now. Of a report about a stretch it is not asked.
  ///   - during: the stretch; nil for all time. An open beginning is that of the first thing that is known.
  ///   - formats: the files to be written.
  /// - Throws: a `JSONFieldError` for parameters that make no sense, or what the database throws.
  public func report(
    _ report: AuditReport, at: Instant? = nil, during: Interval? = nil, asKnownAt: AsKnownAt = .head,
    parameters: [String: String] = [:], sample: ReportQuestion.Sample? = nil, formats: [ReportFormat]
  ) throws -> ReportFiles {
    try report.check(parameters: parameters)
    let view = try ask(at, asKnownAt) { _, view in view }
    var stretch = report.time == .stretch ? during ?? Interval(from: .earliest, to: nil) : nil
    if stretch?.from == .earliest, let first = try tenant.firstEffective(through: view.asKnownAt) {
      stretch = Interval(exactly: first, to: stretch?.to) ?? stretch
    }
    return try self.report(
      ReportQuestion(
        report: report.name, at: view.at, during: stretch, asKnownAt: view.asKnownAt, parameters: parameters, sample: sample),
      formats: formats)
  }

  /// What usage that a report may rest on was learnt since it was run, or is no longer kept: usage is evidence and no event, so that
  /// it is not bound to a position.
  public func usageLearnt(since run: Instant, of question: ReportQuestion) throws -> UsageLearnt {
    let end = question.during?.to.map { min($0.adding(microseconds: -1), question.at) } ?? question.at
    return try UsageStore(tenant).learnt(since: run, usedBy: end)
  }

  /// Begins a report as it was asked before.
  public func report(_ question: ReportQuestion, formats: [ReportFormat]) throws -> ReportFiles {
    guard let report = AuditReport.named(question.report) else { preconditionFailure("a question names a report") }
    let context = ReportContext(question: question, questions: self)
    let (position, coverage) = try ask(question.at, .position(question.asKnownAt)) { graph, view in
      let survey = survey(graph, view.asKnownAt)
      return (
        graph.position,
        question.during.map { survey.coverage(of: nil, during: $0) } ?? survey.coverage(of: nil, at: view.at)
      )
    }
    return ReportFiles(try ReportRun(report, context), formats, position: position, coverage: coverage)
  }
}
