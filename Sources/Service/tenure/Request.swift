import API
import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

extension Subcommand {
  static let request = Subcommand(
    name: "request", summary: "asks for access, and decides, claims, extends and ends what was asked for",
    usage: """
      request submit --policy P --by WHO (--role R --scope S | --group G | --proposal JSON) [--for PRINCIPAL]
                         (--duration 8h | --standing) [--start approval|claim|T] [--context JSON] [--id ID]
          tenure request approve|deny|withdraw|claim|end ID --by WHO
          tenure request extend ID --by WHO --duration 2h
          tenure request list [--state STATE] [--requester WHO] [--at T] [--as-known-at POSITION|T]
          tenure request show ID [--at T] [--as-known-at POSITION|T]

      --reason TEXT and --ticket SYSTEM:KEY may stand with each step; a duration is a number with s, m, h or d behind it.
      --proposal is the command that is asked for, as JSON: also role.revise, policy.revise and assignment.extend.
      Exit status 1: the step was refused, or the request failed by it.
      """
  ) { arguments in
    switch try arguments.word("what to do (submit, approve, deny, withdraw, claim, extend, end, list or show)") {
    case "submit": return try submit(&arguments)
    case "approve": return try step(.approved, &arguments)
    case "deny": return try step(.denied, &arguments)
    case "withdraw": return try step(.withdrawn, &arguments)
    case "claim": return try step(.claimed, &arguments)
    case "end": return try step(.ended, &arguments)
    case "extend": return try extend(&arguments)
    case "list": return try list(&arguments)
    case "show": return try show(&arguments)
    case let other: throw UsageError("there is no tenure request \(other); see tenure request --help")
    }
  }

  // MARK: Steps

  private static func submit(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = arguments.option("id")
    let by = try arguments.required("by")
    var members: JSONObject = [
      "type": "request.submit", "requester": .string(by), "policy": .string(try arguments.required("policy")),
    ]
    members["proposal"] = try arguments.proposal(for: by)
    try arguments.addWindow(to: &members)
    if let start = arguments.option("start") { members["start"] = .string(start) }
    if let text = arguments.option("context") { members["context"] = try JSONValue(option: "context", text) }
    return try send(members, id: id, &arguments)
  }

  private static func step(_ step: RequestStep, _ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the request's id")
    let verb = Verb.usual(for: step.eventType)
    return try send(["type": .string(verb.name), "by": .string(try arguments.required("by"))], id: id, &arguments)
  }

  /// Asks for a later end of what a request granted: a request of its own, under the same policy.
  private static func extend(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the request's id")
    var members: JSONObject = [
      "type": "request.submit", "requester": .string(try arguments.required("by")),
      "proposal": ["type": "assignment.extend", "id": .string(id)],
    ]
    try arguments.addWindow(to: &members)
    return try send(members, id: nil, &arguments) { questions, members in
      guard let first = try questions.request(id) else { throw CommandError("there is no request \(id)") }
      members["policy"] = .string(first.shown.standing.terms.policy)
    }
  }

  private static func send(
    _ members: JSONObject, id: String?, _ arguments: inout Arguments,
    _ complete: @escaping (Questions, inout JSONObject) throws -> Void = { _, _ in }
  ) throws -> ExitStatus {
    var members = members
    if let reason = arguments.option("reason") { members["reason"] = .string(reason) }
    if let ticket = try arguments.ticket() { members["ticket"] = ticket }
    return try record(&arguments, as: "tenure request") { tenant in
      try complete(Questions(tenant: tenant), &members)
      return try RequestIntake.command(members, id: id)
    } report: { questions, command in
      try questions.request(command.change.entity.id)
    } text: {
      $0.shown.text
    } status: {
      $0.shown.standing.state == .failed ? .no : .yes
    }
  }

  // MARK: Reading

  private static func list(_ arguments: inout Arguments) throws -> ExitStatus {
    let state = try arguments.option("state").map { text throws(UsageError) in
      guard let state = RequestState(rawValue: text) else {
        throw UsageError("--state must be one of \(RequestState.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return state
    }
    let filter = RequestFilter(state: state, requester: arguments.option("requester"))
    let (at, known) = (try arguments.instant("at"), try arguments.asKnownAt())
    return try ask(&arguments) { questions in
      var report = try questions.requests(filter, at: at, asKnownAt: known)
      while let next = report.next {
        let page = try questions.requests(
          filter, at: report.view.at, asKnownAt: .position(report.view.asKnownAt), after: next)
        report.requests += page.requests
        report.next = page.next
      }
      return report
    } text: { report in
      report.text
    } status: {
      $0.requests.isEmpty ? .no : .yes
    }
  }

  private static func show(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the request's id")
    return try ask(&arguments, aboutThe: "request", id) {
      try $0.request(id, at: $1.at, asKnownAt: $1.known)
    } text: {
      $0.shown.text
    }
  }
}

extension Arguments {
  /// The command that is asked for.
  fileprivate mutating func proposal(for requester: String) throws -> JSONValue {
    let beneficiary = option("for") ?? "identity:\(requester)"
    if let text = option("proposal") { return try JSONValue(option: "proposal", text) }
    if let group = option("group") {
      return ["type": "membership.add", "group": .string(group), "member": .string(beneficiary)]
    }
    return [
      "type": "assignment.grant", "principal": .string(beneficiary), "role": .string(try required("role")),
      "scope": .string(try required("scope")),
    ]
  }

  /// `--duration 8h`, or `--standing` for none.
  fileprivate mutating func addWindow(to members: inout JSONObject) throws(UsageError) {
    let isStanding = flag("standing")
    guard let text = option("duration") else {
      let isRevision = members["proposal"]?["type"]?.stringValue?.hasSuffix(".revise") ?? false
      if !isStanding, !isRevision { throw UsageError("--duration is missing; --standing asks for access without an end") }
      return
    }
    if isStanding { throw UsageError("--standing and --duration exclude each other") }
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let unit = text.last.flatMap({ units[$0] }), let number = Int64(text.dropLast()), number > 0,
      !number.multipliedReportingOverflow(by: unit).overflow
    else { throw UsageError("--duration must be a number with s, m, h or d behind it, such as 8h") }
    members["duration_seconds"] = .integer(number * unit)
  }

  fileprivate mutating func ticket() throws(UsageError) -> JSONValue? {
    guard let text = option("ticket") else { return nil }
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { throw UsageError("--ticket must be SYSTEM:KEY") }
    return ["system": .string(parts[0]), "key": .string(parts[1])]
  }
}

extension JSONValue {
  /// Reads the value of an option.
  fileprivate init(option name: String, _ text: String) throws(UsageError) {
    do { self = try JSONValue(parsing: Array(text.utf8)) } catch { throw UsageError("--\(name) must be JSON: \(error)") }
  }
}

extension RequestListReport {
  fileprivate var text: String {
    if requests.isEmpty { return "no requests\n" }
    var table = TextTable()
    table.add("id", "state", "requester", "asks for", "until")
    for request in requests {
      let standing = request.standing
      table.add(
        request.id, standing.state.rawValue, standing.terms.requester, standing.terms.proposal.text,
        standing.progress.expiresAt?.description ?? "no end")
    }
    return table.text
  }
}

extension ShownRequest {
  fileprivate var text: String {
    let (terms, progress) = (standing.terms, standing.progress)
    var lines = ["\(id) is \(standing.state.rawValue)", "  asks for \(terms.proposal.text)"]
    lines.append("  requester \(terms.requester), under \(terms.policy), as of event \(progress.policyPosition)")
    if let seconds = terms.durationSeconds { lines.append("  for \(seconds) seconds, from \(terms.start.text)") }
    lines.append("  submitted \(progress.submittedAt)")
    if let begun = progress.begunAt { lines.append("  begins \(begun)") }
    if let end = progress.expiresAt { lines.append("  \(standing.state == .active ? "access ends" : "ends") \(end)") }
    for approval in progress.approvals { lines.append("  approved by \(approval.approver) at \(approval.at)") }
    if progress.isBreakGlass { lines.append("  BREAK GLASS: granted at once, to be reviewed") }
    if let reason = progress.reason { lines.append("  reason: \(reason)") }
    if let ticket = progress.ticket { lines.append("  ticket: \(ticket.system):\(ticket.key)") }
    if let failure = progress.failure { lines.append("  failed: \(failure.message)") }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension RequestProposal {
  fileprivate var text: String {
    switch self {
    case .assignment(let principal, let role, let scope, let condition):
      "\(role) on \(scope) for \(principal)\(condition.map { _ in ", on a condition" } ?? "")"
    case .membership(let group, let member): "membership of \(member) in \(group)"
    case .assignmentExtension(let assignment): "a later end of \(assignment)"
    case .role(let id, _): "a revision of role:\(id)"
    case .policy(let id, _): "a revision of policy:\(id)"
    }
  }
}
