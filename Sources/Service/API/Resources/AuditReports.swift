import EventLog
import Governance
import HTTP
import JSON
import Synchronization
import Temporal

/// `/v1/reports`: what auditors ask for, as files with a manifest.
extension Endpoint {
  static let auditReports: [Endpoint] = [
    Endpoint(.get, "/v1/reports", "listReports", "The reports there are, with their parameters and columns", .none, list),
    Endpoint(
      .get, "/v1/reports/{name}", "getReport", "The rows of a report, streamed as JSON or CSV",
      .query([Member("format", ["enum": ["json", "csv"]], "json (the default) or csv")] + members), rows),
    Endpoint(
      .get, "/v1/reports/{name}/manifest", "getReportManifest",
      "What a report rests on, its control totals, and the digests of its files", .query(members), manifest),
  ]

  /// The members of every question for a report; each report takes those of its own.
  private static var members: [Member] {
    var members = [
      .at, Member("from", Schemas.instant, "The first instant of the stretch"),
      Member("to", Schemas.instant, "The first instant after the stretch"), .asKnownAt,
      Member("sample", Schemas.count(ReportQuestion.Sample.mostRows), "Draws so many rows instead of all"),
      Member("seed", Schemas.text, "What the sample is drawn by"),
    ]
    for parameter in AuditReport.all.flatMap(\.parameters) where !members.contains(where: { $0.name == parameter.name }) {
      members.append(Member(parameter.name, Schemas.text, parameter.summary))
    }
    return members
  }

  @Sendable private static func list(_ call: Call) throws -> Outcome {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("reports")
    writer.beginArray()
    for report in AuditReport.all { report.write(to: &writer) }
    writer.endArray()
    writer.endObject()
    return .now(.json(writer.take()))
  }

  @Sendable private static func rows(_ call: Call) throws -> Outcome {
    var reader = FieldReader(object: try call.input())
    let format = try reader.optionalString("format").map { text throws(JSONFieldError) in
      guard let format = ReportFormat(rawValue: text) else { throw reader.error("format", "must be json or csv") }
      return format
    }
    let asked = try AskedReport(call, &reader)
    return .waiting {
      let stream = ReportStream(try asked.begin(call.questions, formats: [format ?? .json]))
      return Response(
        status: 200, headers: ["Content-Type": (format ?? .json).mediaType], body: .stream { try stream.next() })
    }
  }

  @Sendable private static func manifest(_ call: Call) throws -> Outcome {
    var reader = FieldReader(object: try call.input())
    let asked = try AskedReport(call, &reader)
    return .waiting {
      let files = try asked.begin(call.questions, formats: ReportFormat.allCases)
      while try files.next() != nil {}
      let manifest = try files.manifest(ranBy: "http", at: call.tenant.now)
      return .json(manifest.json(), position: manifest.position)
    }
  }
}

/// A report as a request asks for it.
private struct AskedReport: Sendable {
  let report: AuditReport
  var at: Instant?
  var during: Interval?
  let asKnownAt: AsKnownAt
  var parameters: [String: String] = [:]
  var sample: ReportQuestion.Sample?

  init(_ call: Call, _ reader: inout FieldReader) throws {
    guard let report = AuditReport.named(call.parameters["name"]) else {
      throw Problem(.notFound, "there is no such report; they are listed at /v1/reports")
    }
    self.report = report
    switch report.time {
    case .moment: at = try reader.optionalInstant("at")
    case .stretch: during = try reader.stretch()
    }
    asKnownAt = try reader.asKnownAt()
    for parameter in report.parameters {
      parameters[parameter.name] = try reader.optionalString(parameter.name, maximumBytes: Limits.pathBytes)
    }
    if let text = try reader.optionalString("sample") {
      guard let size = Int(text), (1...ReportQuestion.Sample.mostRows).contains(size) else {
        throw reader.error("sample", "must be 1 to \(ReportQuestion.Sample.mostRows)")
      }
      sample = ReportQuestion.Sample(
        size: size, seed: try reader.string("seed", maximumBytes: ReportQuestion.Sample.seedBytes))
    }
    try reader.finish()
    try report.check(parameters: parameters)
  }

  func begin(_ questions: Questions, formats: [ReportFormat]) throws -> ReportFiles {
    try questions.report(
      report, at: at, during: during, asKnownAt: asKnownAt, parameters: parameters, sample: sample, formats: formats)
  }
}

/// A report as the producer of a streamed body, which is called from the listener's threads, one call at a time.
private final class ReportStream: Sendable {
  private let files: Mutex<ReportFiles>

  init(_ files: sending ReportFiles) { self.files = Mutex(files) }

  /// The next bytes; nil at the end.
  func next() throws -> [UInt8]? { try files.withLock { try $0.next()?.first } }
}

extension AuditReport {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("name", name)
    writer.member("number", number)
    writer.member("title", title)
    writer.member("controls", controls.map { .string($0) })
    writer.member("time", time.rawValue)
    writer.key("parameters")
    writer.beginArray()
    for parameter in parameters {
      writer.beginObject()
      writer.member("name", parameter.name)
      writer.member("required", parameter.isRequired)
      writer.member("summary", parameter.summary)
      writer.endObject()
    }
    writer.endArray()
    writer.member("columns", columns.map { .string($0) })
    writer.endObject()
  }
}
