import API
import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

extension Subcommand {
  static let credential = Subcommand(
    name: "credential", summary: "keys, tokens and sessions: whose they are, which were alive, and what they outlive",
    usage: """
      credential list [--identity X] [--holder X] [--grant ASSIGNMENT] [--kind KIND] [--all] [--limit 100]
                         [--at T] [--as-known-at POSITION|T]
          tenure credential show ID [--at T] [--as-known-at POSITION|T]
          tenure credential issue ID --kind KIND --identity X [--holder X] [--grant ASSIGNMENT] [--parent CREDENTIAL]
                         [--expires T] [--effective T]
          tenure credential revoke ID [--effective T]

      list shows what is alive at T, with --all also what was revoked or has expired; kinds are key, token, certificate,
      password and session. A session acts as another identity; --holder finds what somebody obtained.
      --reason TEXT may stand with issue and revoke.
      Exit status of list: 0 where there are any, 1 where there are none; of issue and revoke 1 where it is refused.
      """
  ) { arguments in
    switch try arguments.word("what to do (list, show, issue or revoke)") {
    case "list": return try list(&arguments)
    case "show": return try show(&arguments)
    case "issue": return try issue(&arguments)
    case "revoke": return try revoke(&arguments)
    case let other: throw UsageError("there is no tenure credential \(other); there are list, show, issue and revoke")
    }
  }

  /// Rows that `list` shows where nothing is said, and the most that it does.
  private static let usualRows = 100
  private static let mostRows = 100_000

  private static func list(_ arguments: inout Arguments) throws -> ExitStatus {
    let kind = try arguments.credentialKind()
    let filter = CredentialFilter(
      identity: arguments.option("identity"), holder: arguments.option("holder"), grant: arguments.option("grant"), kind: kind,
      isAlive: !arguments.flag("all"))
    let limit = try arguments.integer("limit", in: 1...mostRows) ?? usualRows
    let (at, known) = (try arguments.instant("at"), try arguments.asKnownAt())
    return try ask(&arguments) { questions in
      var report = try questions.credentials(filter, at: at, asKnownAt: known, limit: limit)
      while let next = report.next, report.credentials.count < limit {
        let page = try questions.credentials(
          filter, at: report.view.at, asKnownAt: .position(report.view.asKnownAt), after: next,
          limit: limit - report.credentials.count)
        report.credentials += page.credentials
        report.next = page.next
      }
      return report
    } text: {
      $0.text(isAlive: filter.isAlive)
    } status: {
      $0.credentials.isEmpty ? .no : .yes
    }
  }

  private static func show(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the credential's id")
    return try ask(&arguments, aboutThe: "credential", id) {
      try $0.credential(id, at: $1.at, asKnownAt: $1.known)
    } text: {
      $0.shown.text
    }
  }

  private static func issue(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the credential's id")
    guard let kind = try arguments.credentialKind() else { throw UsageError("--kind is missing") }
    var members: JSONObject = [
      "type": "credential.issue", "kind": .string(kind.rawValue), "identity": .string(try arguments.required("identity")),
    ]
    for name in ["holder", "grant", "parent"] {
      if let value = arguments.option(name) { members[name] = .string(value) }
    }
    if let end = try arguments.instant("expires") { members["expires_at"] = .string(end.description) }
    return try send(members, id, &arguments)
  }

  private static func revoke(_ arguments: inout Arguments) throws -> ExitStatus {
    try send(["type": "credential.revoke"], try arguments.word("the credential's id"), &arguments)
  }

  private static func send(_ members: JSONObject, _ id: String, _ arguments: inout Arguments) throws -> ExitStatus {
    var members = members
    if let reason = arguments.option("reason") { members["reason"] = .string(reason) }
    let effective = try arguments.instant("effective")
    if let effective { members["effective_at"] = .string(effective.description) }
    return try record(&arguments, as: "tenure credential") { _ in
      try RequestIntake.command(members, id: id)
    } report: { questions, _ in
      try questions.credential(id, at: effective)
    } text: {
      $0.shown.text
    }
  }
}

extension Arguments {
  fileprivate mutating func credentialKind() throws(UsageError) -> CredentialKind? {
    guard let text = option("kind") else { return nil }
    guard let kind = CredentialKind(rawValue: text) else {
      throw UsageError("--kind must be one of \(CredentialKind.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return kind
  }
}

extension CredentialListReport {
  fileprivate func text(isAlive: Bool) -> String {
    let title = "credentials \(isAlive ? "alive" : "issued") at \(view.at), as known at position \(view.asKnownAt)\n"
    if credentials.isEmpty { return title + "  none\n" }
    var table = TextTable()
    for shown in credentials {
      let (standing, document) = (shown.standing, shown.standing.document)
      table.add(
        "  " + standing.id, document.kind.rawValue, "acts as \(document.identity)", "held by \(document.holder ?? "unknown")",
        "since \(standing.issuedAt)", shown.end, shown.outlived.map(\.text).joined(separator: ", "))
    }
    return title + table.text.trimmingLines + (next == nil ? "" : "there are more; --limit shows more at once\n")
  }
}

extension ShownCredential {
  /// How it ended, or when it will.
  fileprivate var end: String {
    if let end = standing.endedAt { return "\(standing.state.rawValue) \(end)" }
    return standing.document.expiresAt.map { "until \($0)" } ?? "no end"
  }

  fileprivate var text: String {
    let document = standing.document
    var lines = ["\(standing.id) is \(standing.state == .alive ? "alive" : end): a \(document.kind.rawValue)"]
    lines.append("  acts as \(document.identity), owned by \(owner ?? "nobody that is known")")
    lines.append("  held by \(document.holder ?? "unknown")")
    if let grant = document.grant { lines.append("  obtained under \(grant)") }
    if let parent = document.parent { lines.append("  obtained with \(parent)") }
    lines.append("  issued \(standing.issuedAt), \(document.expiresAt.map { "good until \($0)" } ?? "without an end")")
    lines += outlived.map { "  " + $0.text }
    return lines.joined(separator: "\n") + "\n"
  }
}

extension Outlived {
  fileprivate var text: String { "OUTLIVES its \(what.rawValue) \(id), which ended \(endedAt)" }
}
