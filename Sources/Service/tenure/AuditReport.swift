import API
import EventLog
import Foundation
import JSON
import Temporal
import Usage

extension Subcommand {
  static let report = Subcommand(
    name: "report", summary: "a report for an audit, as JSON and CSV with a manifest",
    usage: """
      report list
             report NAME [--at T | --from T --to T] [--as-known-at POSITION|T] [the report's own parameters]
                    [--sample N --seed S] [--ran-by WHO] (--out DIR | --file csv|json)
             --out DIR writes NAME.csv, NAME.json and NAME.manifest.json; --file writes the rows to the standard output
      """
  ) { arguments in
    let name = try arguments.word("NAME")
    if name == "list" { return try listReports(&arguments) }
    guard let report = AuditReport.named(name) else { throw UsageError("there is no report \(name); see tenure report list") }
    let parameters = try arguments.parameters(of: report)
    let (at, during) = try arguments.time(of: report)
    let known = try arguments.asKnownAt()
    let sample = try arguments.sample()
    let ranBy = arguments.option("ran-by") ?? ProcessInfo.processInfo.userName
    let out = arguments.option("out")
    let file = try arguments.reportFile()
    guard (out == nil) != (file == nil) else { throw UsageError("give --out DIR or --file csv|json") }
    let tenantName = arguments.tenantName()
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let tenant = try session.tenant(tenantName)
      let files = try Questions(tenant: tenant).report(
        report, at: at, during: during, asKnownAt: known, parameters: parameters, sample: sample,
        formats: file.map { [$0] } ?? ReportFormat.allCases)
      if file != nil {
        while let pieces = try files.next() { try Output.standard.writeBytes(pieces[0]) }
        return .yes
      }
      let manifest = try write(files, named: name, to: URL(fileURLWithPath: out ?? "."), ranBy: ranBy, at: tenant.now)
      try Output.standard.writeText(manifest.text)
      return manifest.isReconciled ? .yes : .uncertain
    }
  }

  static let rerun = Subcommand(
    name: "rerun", summary: "a report again from its manifest: whether the same question still gives the same bytes",
    usage: "rerun MANIFEST [--out DIR] [--ran-by WHO]"
  ) { arguments in
    let path = try arguments.word("MANIFEST")
    let out = arguments.option("out")
    let ranBy = arguments.option("ran-by") ?? ProcessInfo.processInfo.userName
    guard let bytes = FileManager.default.contents(atPath: path) else { throw CommandError("cannot read \(path)") }
    let manifest: (tenant: String, question: ReportQuestion, files: [ReportManifest.File], ranAt: Instant)
    do { manifest = try ReportManifest.reading(try JSONValue(parsing: Array(bytes))) } catch {
      throw CommandError("\(path) is no manifest of a report: \(error)")
    }
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let tenant = try session.tenant(manifest.tenant)
      let files = try Questions(tenant: tenant).report(manifest.question, formats: manifest.files.map(\.format))
      let now: ReportManifest
      if let out {
        now = try write(files, named: manifest.question.report, to: URL(fileURLWithPath: out), ranBy: ranBy, at: tenant.now)
      } else {
        while try files.next() != nil {}
        now = try files.manifest(ranBy: ranBy, at: tenant.now)
      }
      if now.files == manifest.files {
        try Output.standard.writeText(now.text + "the same bytes\n")
        return .yes
      }
      let learnt = try Questions(tenant: tenant).usageLearnt(since: manifest.ranAt, of: manifest.question)
      try Output.standard.writeText(now.text + "NOT the same bytes as \(path) says\n" + learnt.text)
      return .no
    }
  }

  private static func listReports(_ arguments: inout Arguments) throws -> ExitStatus {
    _ = try Session.place(&arguments)  // what every command understands
    _ = arguments.tenantName()
    try arguments.finish()
    var table = TextTable()
    for report in AuditReport.all {
      let own = report.parameters.map { parameter in
        let name = parameter.name.replacing("_", with: "-")
        return parameter.isRequired ? "--\(name)" : "[--\(name)]"
      }
      let time = report.time == .moment ? "[--at]" : "[--from --to]"
      table.add(report.number, report.name, ([time] + own).joined(separator: " "), report.title)
    }
    try Output.standard.writeText(table.text)
    return .yes
  }

  /// Writes a report's files and its manifest, which comes last: where it is missing, the rest is not whole.
  private static func write(
    _ files: ReportFiles, named name: String, to folder: URL, ranBy: String, at now: Instant
  ) throws -> ReportManifest {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    // One of an earlier run would stand for files that are half this run's.
    let path = folder.appendingPathComponent("\(name).manifest.json")
    if FileManager.default.fileExists(atPath: path.path) { try FileManager.default.removeItem(at: path) }
    let handles = try ReportFormat.allCases.map { format in
      try create(folder.appendingPathComponent("\(name).\(format.rawValue)"))
    }
    let progress = Progress("report \(name)")
    while let pieces = try files.next() {
      for (handle, piece) in zip(handles, pieces) { try handle.writeAll(Data(piece), to: "a file of the report") }
      progress.advance(files.progress.done, of: files.progress.total)
    }
    for handle in handles { try handle.close() }
    let manifest = try files.manifest(ranBy: ranBy, at: now)
    let handle = try create(path)
    try handle.writeAll(Data(manifest.json() + [UInt8(ascii: "\n")]), to: "the manifest")
    try handle.close()
    return manifest
  }

  private static func create(_ url: URL) throws -> FileHandle {
    guard FileManager.default.createFile(atPath: url.path, contents: nil), let handle = FileHandle(forWritingAtPath: url.path)
    else { throw CommandError("cannot write \(url.path)") }
    return handle
  }
}

extension Arguments {
  fileprivate mutating func parameters(of report: AuditReport) throws -> [String: String] {
    var values: [String: String] = [:]
    for parameter in report.parameters {
      // Options are written with hyphens, as everywhere on the command line.
      let name = String(parameter.name.map { $0 == "_" ? "-" : $0 })
      guard let value = option(name) else { continue }
      values[parameter.name] = value
    }
    do { try report.check(parameters: values) } catch { throw UsageError("\(error)") }
    return values
  }

  fileprivate mutating func time(of report: AuditReport) throws -> (at: Instant?, during: Interval?) {
    switch report.time {
    case .moment: return (try instant("at"), nil)
    case .stretch: return (nil, try stretch())
    }
  }

  fileprivate mutating func sample() throws(UsageError) -> ReportQuestion.Sample? {
    guard let size = try integer("sample", in: 1...ReportQuestion.Sample.mostRows) else { return nil }
    return ReportQuestion.Sample(size: size, seed: try required("seed"))
  }

  fileprivate mutating func reportFile() throws(UsageError) -> ReportFormat? {
    guard let text = option("file") else { return nil }
    guard let format = ReportFormat(rawValue: text) else { throw UsageError("--file must be csv or json") }
    return format
  }
}

extension UsageLearnt {
  /// Why a report that rests on usage is another one.
  fileprivate var text: String {
    var lines: [String] = []
    if uses > 0 {
      lines.append(
        "  \(uses) uses of its time were learnt after it was run, the last at \(lastLearnt?.description ?? ""): they change what rests on usage"
      )
    }
    if closedDays > 0 { lines.append("  of \(closedDays) days of its time only the roll-up of usage is kept") }
    if lines.isEmpty {
      lines = ["  no usage was learnt since: see whether the log is whole, with tenure verify or tenure rebuild"]
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension ReportManifest {
  /// The manifest in some lines.
  fileprivate var text: String {
    var lines = ["\(question.report): \(rows) rows at \(question.at), as known at position \(question.asKnownAt)"]
    if !coverage.isComplete { lines.append("coverage is not complete: \(coverage.reason ?? "")") }
    lines += totals.map {
      "  \($0.agrees ? "agrees" : "DIFFERS"): \($0.name): \($0.report) in the report, \($0.log) in the log"
    }
    lines += files.map { "  \($0.sha256)  \(question.report).\($0.format.rawValue), \($0.bytes) bytes" }
    return lines.joined(separator: "\n") + "\n"
  }
}
