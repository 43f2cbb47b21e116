import API
import AccessGraph
import EventLog
import Foundation
import Governance
import JSON
import Temporal

/// A file of questions, one JSON object a line, answered one line each.
extension Subcommand {
  /// Bytes of one line: a question may carry the expected identities of a large organisation along.
  private static let lineBytes = 16 * 1024 * 1024

  static func answerQuestions(in file: String, _ arguments: inout Arguments) throws -> ExitStatus {
    let format = try arguments.format()
    let name = arguments.tenantName()
    let known = try arguments.asKnownAt()
    guard let data = FileManager.default.contents(atPath: file) else { throw CommandError("cannot read \(file)") }
    let questions = try read(Array(data), of: file)
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let asking = Questions(tenant: try session.tenant(name))
      var isComplete = true
      for question in questions {
        let subject = WhoSubject.access(action: question.action, resource: question.resource)
        let report = try asking.who(subject, at: question.at, asKnownAt: known)
        isComplete = isComplete && report.coverage.isComplete
        try Output.standard.writeBytes(line(question, report, format))
      }
      return isComplete ? .yes : .uncertain
    }
  }

  private struct Question {
    let at: Instant
    let action: String
    let resource: String
    /// As it was written: the answer repeats it.
    let asked: JSONObject
  }

  private static func read(_ bytes: [UInt8], of file: String) throws -> [Question] {
    var questions: [Question] = []
    for (index, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
      guard line.contains(where: { $0 != 0x20 && $0 != 0x0D && $0 != 0x09 }) else { continue }
      do {
        let value = try JSONValue(parsing: Array(line), limits: JSONLimits(bytes: lineBytes))
        var reader = try FieldReader(value)
        let at = try reader.instant("at")
        let action = try reader.string("action", maximumBytes: Limits.pathBytes)
        if let problem = Limits.problem(pattern: action) { throw reader.error("action", problem) }
        let resource = try reader.path("resource")
        _ = reader.optionalValue("identities")
        try reader.finish()
        let asked: JSONObject = ["at": value["at"] ?? .null, "action": .string(action), "resource": .string(resource)]
        questions.append(Question(at: at, action: action, resource: resource, asked: asked))
      } catch let error as JSONError {
        throw CommandError("\(file), line \(index + 1): \(error)")
      } catch let error as JSONFieldError {
        throw CommandError("\(file), line \(index + 1): \(error)")
      }
    }
    return questions
  }

  private static func line(_ question: Question, _ report: WhoReport, _ format: OutputFormat) -> [UInt8] {
    let identities = report.holders.filter { $0.status == .allowed || $0.status == .conditional }.map(\.identity)
    switch format {
    case .json:
      var answer = question.asked
      answer["identities"] = .array(identities.map { .string($0) })
      answer["position"] = .integer(report.view.asKnownAt)
      answer["complete"] = .bool(report.coverage.isComplete)
      return JSONValue.object(answer).canonicalBytes() + [UInt8(ascii: "\n")]
    case .text:
      let text = "\(question.at)  \(question.action) on \(question.resource): \(identities.joined(separator: " "))\n"
      return Array(text.utf8)
    }
  }
}
