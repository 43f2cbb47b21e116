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
                      [--reviewers RULES] [--escalation WHO,…] [--signs-off WHO,…]
             contain opens a review of what is left: by the owner, else the manager, or by whom --reviewers names
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
      $0.shortened($0.text)
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
    let review = try arguments.containmentReview()
    let authority = Authority(
      actor: Actor(id: actor), reason: try arguments.required("reason"), ticket: try arguments.ticket())
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let tenant = try session.tenant(tenantName)
      let plan = try Questions(tenant: tenant).containment(of: question, authority: authority, review: review)
      switch format {
      case .json: try Output.standard.writeBytes(plan.json() + [UInt8(ascii: "\n")])
      case .text: try Output.standard.writeText(plan.text)
      }
      guard isApplied, !plan.steps.isEmpty else {
        if !plan.steps.isEmpty, format == .text { try Output.standard.writeText("nothing was done; --apply does it\n") }
        return plan.steps.isEmpty ? .no : .yes
      }
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

  fileprivate mutating func containmentReview() throws(UsageError) -> ContainmentReview {
    func principals(_ name: String) throws(UsageError) -> [Entity] {
      var found: [Entity] = []
      for text in option(name)?.split(separator: ",").map(String.init) ?? [] {
        guard let entity = Entity(text: text), entity.kind == .identity || entity.kind == .group else {
          throw UsageError("--\(name) takes identity:ID and group:ID")
        }
        found.append(entity)
      }
      return found
    }
    var review = ContainmentReview(escalation: try principals("escalation"), signsOff: try principals("signs-off"))
    if let texts = option("reviewers")?.split(separator: ",").map(String.init), !texts.isEmpty {
      let rules = texts.compactMap { ReviewerRule($0) }
      guard rules.count == texts.count else { throw UsageError("--reviewers takes owner, manager, identity:ID and group:ID") }
      review.reviewers = rules
    }
    return review
  }

  fileprivate mutating func ticket() throws(UsageError) -> Ticket? {
    guard let text = option("ticket") else { return nil }
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { throw UsageError("--ticket must be SYSTEM:KEY") }
    return Ticket(system: parts[0], key: parts[1])
  }
}

extension IncidentReport {
  /// The text without what nearly all its names begin with, which is said once: nobody reads an account's number three hundred times.
  fileprivate func shortened(_ text: String) -> String {
    let named = parties.filter { $0.kind != .external }.map(\.identity)
    guard let first = named.first, let end = first.lastIndex(where: { $0 == ":" }) else { return text }
    let prefix = String(first[...end])
    guard prefix.count > 8, named.count(where: { $0.hasPrefix(prefix) }) * 2 > named.count else { return text }
    return "names without their beginning: \(prefix)\n" + text.replacing(prefix, with: "")
  }

  /// The report as a person reads it.
  fileprivate var text: String {
    var text = "incident from \(question.during.from) to \(question.during.to?.description ?? "now")"
    text += ", as known at position \(view.asKnownAt)\n"
    if !isWhole { text += "NOT WHOLE: a limit was hit; ask about fewer names or a shorter stretch\n" }
    if !coverage.isComplete { text += "coverage is not complete: \(coverage.reason ?? "")\n" }
    text += section("who had a part", parties) { party in
      [
        String(repeating: "  ", count: party.depth) + party.identity, party.kind?.rawValue ?? "never registered",
        party.part.text,
        party.registered.map { "registered \($0.effectiveAt) by \($0.actor?.id ?? "not recorded")" } ?? "",
      ]
    }
    // Sessions by the dozen are in the story; here are what they were opened with and what lasts.
    text += section("credentials that last", credentials.filter { $0.document.kind != .session || $0.document.holder != nil }) {
      [
        $0.id, $0.document.kind.rawValue, "acts as \($0.document.identity)", "issued \($0.issuedAt)",
        $0.state.rawValue + ($0.endedAt.map { " \($0)" } ?? ""),
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
      [
        line.at.description, line.identity, line.address ?? "",
        line.positions.isEmpty ? "" : "event \(line.positions[0])" + (line.positions.count > 1 ? " ff." : ""), line.what,
      ]
    }
    text += section("who else was touched", touched.flatMap { touch in touch.texts.map { (touch, $0) } }) { touch, what in
      [touch.principal.id, touch.kind?.rawValue ?? touch.principal.kind.rawValue, what]
    }
    text += section("blast radius: whom they could become, and what whom they gave to could do and did", reached) { reached in
      [
        String(repeating: "  ", count: reached.depth - 1) + reached.identity, reached.kind?.rawValue ?? "never registered",
        reached.route.text + (reached.sure == reached.when ? "" : ", perhaps"), reached.outcome,
      ]
    }
    text +=
      "\nwhat was used: \(uses.count) kinds of use, of which \(uses.count { $0.decision == .allowed }) were covered by a known grant, "
    text += "\(uses.count { $0.decision == .conditional }) on conditions, "
    text += "\(uses.count { $0.decision == .denied && $0.allowed > 0 }) were permitted though no known path gives them, "
    text += "\(uses.count { $0.decision == .unknown || $0.decision == nil }) cannot be told\n"
    return text + (counterfactual?.text ?? "")
  }
}

extension IncidentReached {
  /// What it could do and did, as far as a line goes.
  fileprivate var outcome: String {
    let more = rightCount > 3 ? " and \(rightCount - 3) more" : ""
    let could = rights.prefix(3).map { "\($0.action ?? $0.unknownRole.map { "what \($0) allows" } ?? "") on \($0.scope)" }
    let shown = did.prefix(3).map { $0.count == 1 ? $0.name : "\($0.name) ×\($0.count)" }
    let acts = did.isEmpty ? "did nothing that is known" : "did " + shown.joined(separator: ", ")
    let rest = did.count > 3 ? " and \(did.count - 3) more" : ""
    let changed = changes > 0 ? ", made \(changes) events" : ""
    return (could.isEmpty ? "could do nothing more" : "could " + could.joined(separator: ", ") + more) + "; " + acts + rest
      + changed
  }
}

extension IncidentLine {
  /// What was done, as far as a line goes.
  fileprivate var what: String {
    let shown = acts.prefix(5).map { $0.count == 1 ? $0.name : "\($0.name) ×\($0.count)" }.joined(separator: ", ")
    let more = acts.count > 5 ? " and \(acts.count - 5) more" : ""
    let bad = [refused > 0 ? "\(refused) refused" : "", failed > 0 ? "\(failed) failed" : ""].filter { !$0.isEmpty }
    return (acts.isEmpty ? text : (text.isEmpty ? "" : "\(text): ") + shown + more)
      + (bad.isEmpty ? "" : " (\(bad.joined(separator: ", ")))")
  }
}

extension Counterfactual {
  fileprivate var text: String {
    var text = "\nwithout events \(without.map(String.init).joined(separator: " ")):\n"
    text +=
      "  \(uses.count) uses would not have been covered; of \(uncoveredUses) no known path gives them as it is, and \(undecidedUses) cannot be told\n"
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
    if !steps.isEmpty, reviews.isEmpty { text += "  no review: nothing is left to whoever was in it\n" }
    for (identity, because) in left { text += "  left alone: \(identity) \(because)\n" }
    for change in undecided { text += "  decide by hand: \(change.entity) \(change.because)\n" }
    return text
  }
}

private func section<Item>(_ title: String, _ items: [Item], _ cells: (Item) -> [String]) -> String {
  var table = TextTable()
  for item in items { table.add(cells: cells(item).enumerated().map { $0.offset == 0 ? "  " + $0.element : $0.element }) }
  return "\n\(title): \(items.isEmpty ? "nobody and nothing" : String(items.count))\n" + table.text
}
