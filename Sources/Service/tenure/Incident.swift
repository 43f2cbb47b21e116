import API
import AccessGraph
import EventLog
import Foundation
import Governance
import Temporal

extension Subcommand {
  static let incident = Subcommand(
    name: "incident", summary: "replays an incident: who had a part, what they could do, did and changed; and contains it",
    usage: """
      incident (--identity ID | --credential ID | --session S | --address A)[,…] --from T --to T [--without EVENT[,…]]
                      [--as-known-at POSITION|T]
             incident contain … the same … --reason WHY [--ticket SYSTEM:KEY] [--actor WHO] [--apply]
             several names are given with commas between them, or each with an option of its own kind
      """
  ) { arguments in
    let isContainment = arguments.nextWord(is: "contain")
    let question = try arguments.incident()
    if isContainment { return try contain(question, &arguments) }
    let known = try arguments.asKnownAt()
    return try ask(&arguments) {
      try $0.incident(question, asKnownAt: known)
    } text: {
      $0.text
    } status: { report in
      if report.parties.isEmpty { return .no }
      return report.isWhole && report.coverage.isComplete ? .yes : .uncertain
    }
  }

  private static func contain(_ question: IncidentQuestion, _ arguments: inout Arguments) throws -> ExitStatus {
    let format = try arguments.format()
    let tenantName = arguments.tenantName()
    let isApplied = arguments.flag("apply")
    let actor = arguments.option("actor") ?? ProcessInfo.processInfo.userName
    let authority = Authority(
      actor: Actor(id: actor), reason: try arguments.required("reason"), ticket: try arguments.ticket())
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let tenant = try session.tenant(tenantName)
      let plan = try Questions(tenant: tenant).containment(of: question, authority: authority)
      switch format {
      case .json: try Output.standard.writeBytes(plan.json() + [UInt8(ascii: "\n")])
      case .text: try Output.standard.writeText(plan.text)
      }
      guard isApplied, !plan.steps.isEmpty else { return plan.steps.isEmpty ? .no : .yes }
      do throws(SubmissionFailure) {
        let receipt = try tenant.submitAndWait(plan.submission(recordedBy: "tenure incident", source: "incident"))
        if format == .text { try? Output.standard.writeText("done at position \(receipt.position)\n") }
        return .yes
      } catch {
        guard case .refused(let refusal) = error else { throw error }
        throw CommandError("nothing was done, for a rule refuses part of it: \(refusal)")
      }
    }
  }
}

extension Arguments {
  fileprivate mutating func incident() throws -> IncidentQuestion {
    func names(_ name: String) throws -> [String] {
      guard let text = option(name) else { return [] }
      let names = text.split(separator: ",").map(String.init)
      guard names.count <= IncidentQuestion.mostNames else {
        throw UsageError("--\(name) takes at most \(IncidentQuestion.mostNames) names")
      }
      return names
    }
    var question = IncidentQuestion(
      identities: try names("identity"), credentials: try names("credential"), sessions: try names("session"),
      addresses: try names("address"), during: try stretch())
    if question.identities.isEmpty, question.credentials.isEmpty, question.sessions.isEmpty, question.addresses.isEmpty {
      throw UsageError("name an identity, a credential, a session or an address")
    }
    question.without = try names("without").map { text in
      guard let position = Int64(text), position > 0 else { throw UsageError("--without takes positions of events") }
      return position
    }
    return question
  }

  fileprivate mutating func ticket() throws(UsageError) -> Ticket? {
    guard let text = option("ticket") else { return nil }
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { throw UsageError("--ticket must be SYSTEM:KEY") }
    return Ticket(system: parts[0], key: parts[1])
  }
}

extension IncidentReport {
  /// The report as a person reads it.
  fileprivate var text: String {
    var text = "incident from \(question.during.from) to \(question.during.to?.description ?? "now")"
    text += ", as known at position \(view.asKnownAt)\n"
    if !isWhole { text += "NOT WHOLE: a limit was hit; ask about fewer names or a shorter stretch\n" }
    if !coverage.isComplete { text += "coverage is not complete: \(coverage.reason ?? "")\n" }
    text += section("who had a part", parties) { party in
      [
        "\(String(repeating: "  ", count: party.depth))\(party.identity)", party.kind?.rawValue ?? "never registered",
        party.part.text,
      ]
    }
    text += section("credentials", credentials) { standing in
      [
        standing.id, standing.document.kind.rawValue, "acts as \(standing.document.identity)", "issued \(standing.issuedAt)",
        standing.endedAt.map { "\(standing.state.rawValue) \($0)" } ?? standing.state.rawValue,
      ]
    }
    text += section("what they were given", grants) { grant in
      [
        grant.identity, grant.gives, grant.scope ?? "(member)", "from \(grant.from)",
        grant.to.map { "to \($0)" } ?? "without end",
        "by \(grant.begun?.actor?.id ?? "not recorded")" + (grant.isByParty ? " (a party)" : "")
          + (grant.begun.map { ", event \($0.position)" } ?? ""),
      ]
    }
    text += section("what happened", story) { line in
      let times = line.count == 1 ? "" : "×\(line.count)"
      let bad = [line.refused > 0 ? "\(line.refused) refused" : "", line.failed > 0 ? "\(line.failed) failed" : ""]
        .filter { !$0.isEmpty }.joined(separator: ", ")
      return [
        line.at.description, line.identity, line.address ?? "", line.position.map { "event \($0)" } ?? "",
        [line.text, times, bad.isEmpty ? "" : "(\(bad))"].filter { !$0.isEmpty }.joined(separator: " "),
      ]
    }
    text += section("who else was touched", touched) { touch in
      [
        touch.principal.description, touch.kind?.rawValue ?? "",
        "events \(touch.positions.prefix(8).map(String.init).joined(separator: " "))",
        touch.texts.first ?? "",
      ]
    }
    return text + (counterfactual?.text ?? "")
  }
}

extension Counterfactual {
  fileprivate var text: String {
    var text = "\nwithout events \(without.map(String.init).joined(separator: " ")):\n"
    text += "  \(uses.count) uses would not have been covered, \(undecidedUses) are covered by nothing as it is\n"
    var table = TextTable()
    for lost in rights {
      table.add(
        "  \(lost.identity)", "could not", lost.right.action ?? lost.right.unknownRole.map { "what \($0) allows" } ?? "",
        lost.right.resource, "on \(lost.right.scope)")
    }
    for use in uses.prefix(50) {
      table.add("  \(use.identity)", "could not have", use.action, use.resource ?? "", "at \(use.at)")
    }
    return text + table.text
  }
}

extension Containment {
  fileprivate var text: String {
    var text = steps.isEmpty ? "there is nothing to contain\n" : "\(steps.count) steps:\n"
    for (index, step) in steps.enumerated() {
      text += "  \(index + 1). \(step.text) (\(step.because))\n"
      for broken in step.breaks { text += "       breaks: \(broken)\n" }
    }
    for (identity, because) in left { text += "  left alone: \(identity) \(because)\n" }
    return text
  }
}

private func section<Item>(_ title: String, _ items: [Item], _ cells: (Item) -> [String]) -> String {
  var table = TextTable()
  for item in items { table.add(cells: cells(item).enumerated().map { $0.offset == 0 ? "  " + $0.element : $0.element }) }
  return "\n\(title): \(items.isEmpty ? "nobody and nothing" : String(items.count))\n" + table.text
}
