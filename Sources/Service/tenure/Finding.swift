import API
import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

extension Subcommand {
  static let finding = Subcommand(
    name: "finding", summary: "what rules and jobs flagged: whose it is to mend, and what became of it",
    usage: """
      finding list [--state open|accepted|resolved|all] [--rule RULE] [--severity low|medium|high|critical]
                         [--owner WHO] [--subject KIND:ID] [--limit 100] [--at T] [--as-known-at POSITION|T]
          tenure finding show ID [--at T] [--as-known-at POSITION|T]
          tenure finding accept ID --until T --reason TEXT [--by WHO]
          tenure finding resolve ID --reason TEXT [--by WHO]
          tenure finding apply ID [--by WHO] [--unapproved]
          tenure finding rollback ID [--by WHO] [--unapproved]

      list shows what is open, by id. A job resolves what is no longer so, and opens again what has come back. An accepted
      finding is open again from --until on, without any job.
      apply does what mends it, as a command, and resolves it: of an unused permission it makes the role smaller. rollback gives
      the role back as it was, byte for byte, unless somebody has changed it since, and opens the finding again.
      Exit status of list: 0 where there are any, 1 where there are none; of the others 1 where it is refused.
      """
  ) { arguments in
    switch try arguments.word("what to do (list, show, accept, resolve, apply or rollback)") {
    case "list": return try list(&arguments)
    case "show": return try show(&arguments)
    case "accept": return try answer("finding.accept", &arguments)
    case "resolve": return try answer("finding.resolve", &arguments)
    case "apply": return try mend(&arguments) { try $0.application(of: $1, by: $2) }
    case "rollback": return try mend(&arguments) { try $0.rollback(of: $1, by: $2) }
    case let other: throw UsageError("there is no tenure finding \(other); see tenure finding --help")
    }
  }

  /// Rows that `list` shows where nothing is said, and the most that it does.
  private static let usualRows = 100
  private static let mostRows = 100_000

  private static func list(_ arguments: inout Arguments) throws -> ExitStatus {
    guard let states = FindingState.named(arguments.option("state")) else {
      throw UsageError("--state must be one of \(FindingState.words.joined(separator: ", "))")
    }
    let filter = FindingFilter(
      rule: arguments.option("rule"), severity: try arguments.severity(), states: states, owner: arguments.option("owner"),
      subject: try arguments.subject())
    let limit = try arguments.integer("limit", in: 1...mostRows) ?? usualRows
    let (at, known) = (try arguments.instant("at"), try arguments.asKnownAt())
    return try ask(&arguments) {
      try $0.findings(filter, at: at, asKnownAt: known, limit: limit)
    } text: {
      $0.text
    } status: {
      $0.findings.isEmpty ? .no : .yes
    }
  }

  private static func show(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the finding's id")
    return try ask(&arguments, aboutThe: "finding", id) {
      try $0.finding(id, at: $1.at, asKnownAt: $1.known)
    } text: {
      $0.shown.text
    }
  }

  private static func answer(_ verb: String, _ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the finding's id")
    var members: JSONObject = ["type": .string(verb), "reason": .string(try arguments.required("reason"))]
    if verb == "finding.accept" {
      guard let until = try arguments.instant("until") else { throw UsageError("--until is missing") }
      members["until"] = .string(until.description)
    }
    if let by = arguments.option("by") { members["actor"] = ["id": .string(by)] }
    let format = try arguments.format()
    let name = arguments.tenantName()
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let tenant = try session.tenant(name)
      let command = try RequestIntake.command(members, id: id)
      guard try tenant.accepts(command, from: "tenure finding", format: format) else { return .no }
      guard let report = try Questions(tenant: tenant).finding(id) else {
        throw CommandError("the answer was recorded and the finding cannot be read")
      }
      switch format {
      case .json: try Output.standard.writeBytes(report.json() + [UInt8(ascii: "\n")])
      case .text: try Output.standard.writeText(report.shown.text)
      }
      return .yes
    }
  }
}

extension Subcommand {
  /// Mends a finding, or takes that back.
  private static func mend(
    _ arguments: inout Arguments, _ commands: @escaping (Questions, String, String?) throws -> FindingApplication
  ) throws -> ExitStatus {
    let id = try arguments.word("the finding's id")
    let by = arguments.option("by")
    let isUnapproved = arguments.flag("unapproved")
    let format = try arguments.format()
    let name = arguments.tenantName()
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let tenant = try session.tenant(name)
      let questions = Questions(tenant: tenant)
      var summary = ""
      do {
        _ = try tenant.submitAndWait(attempts: FindingApplication.mostAttempts) {
          var application = try commands(questions, id, by)
          application.commands[0].isUnapproved = isUnapproved
          summary = application.summary
          return application.submission(recordedBy: "tenure finding")
        }
      } catch let error as FindingApplicationError {
        try Output.standard.writeText("refused: \(error)\n")
        return .no
      } catch SubmissionFailure.refused(let refusal) {
        try Output.standard.writeText("refused: \(refusal)\n")
        return .no
      }
      guard let report = try questions.finding(id) else { throw CommandError("the finding cannot be read") }
      switch format {
      case .json: try Output.standard.writeBytes(report.json() + [UInt8(ascii: "\n")])
      case .text: try Output.standard.writeText("\(summary)\n" + report.shown.text)
      }
      return .yes
    }
  }
}

extension Arguments {
  fileprivate mutating func severity() throws(UsageError) -> Severity? {
    guard let text = option("severity") else { return nil }
    guard let severity = Severity(rawValue: text) else {
      throw UsageError("--severity must be one of \(Severity.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return severity
  }

  fileprivate mutating func subject() throws(UsageError) -> Entity? {
    guard let text = option("subject") else { return nil }
    guard let subject = Entity(text: text) else { throw UsageError("--subject must be KIND:ID, such as group:ops") }
    return subject
  }
}

extension FindingListReport {
  fileprivate var text: String {
    let title = "findings at \(view.at), as known at position \(view.asKnownAt)\n"
    if findings.isEmpty { return title + "  none\n" }
    var table = TextTable()
    for shown in findings {
      let (standing, finding) = (shown.standing, shown.standing.finding)
      table.add(
        "  " + finding.id, finding.severity.rawValue, standing.stateText, finding.subject.description,
        finding.owner.map { "owner \($0)" } ?? "no owner", "since \(standing.since)")
    }
    return title + table.text + (hasMore ? "there are more; --limit shows more at once\n" : "")
  }
}

extension FindingStanding {
  fileprivate var stateText: String {
    switch state {
    case .open: "open"
    case .accepted: "accepted until \(acceptance?.until?.description ?? "no end")"
    case .resolved: "resolved \(resolved?.effective.description ?? "")"
    }
  }
}

extension ShownFinding {
  fileprivate var text: String {
    let finding = standing.finding
    var lines = [
      "\(finding.id) is \(standing.stateText)",
      "  \(finding.severity.rawValue): \(finding.rule) of \(finding.subject)",
    ]
    if let because = FindingRule.named(finding.rule)?.because { lines.append("  because \(because)") }
    lines.append("  owner: \(finding.owner ?? "nobody is known")")
    lines.append("  open since \(standing.since), event \(standing.raised)")
    for member in finding.evidence.objectValue ?? [:] {
      lines.append("  \(member.name): \(member.value.stringValue ?? member.value.canonicalText)")
    }
    if finding.evidence.objectValue == nil { lines.append("  evidence: \(finding.evidence.canonicalText)") }
    lines.append("  to mend it: \(finding.fix.stringValue ?? finding.fix.canonicalText)")
    if let answer {
      let by = answer.actor?.id ?? answer.recordedBy.id
      lines.append("  \(standing.state.rawValue) by \(by), event \(answer.position): \(answer.reason ?? "no reason recorded")")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
