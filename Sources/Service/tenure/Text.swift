import API
import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

/// Reports as people read them.
extension WhoReport {
  var text: String {
    var text = "\(subject.text) at \(view.at), \(view.knowledge(position))\n"
    var table = TextTable()
    for holder in holders {
      table.add(
        "  " + holder.identity, holder.status == .allowed ? "" : holder.status.rawValue,
        [
          holder.isExternal ? "EXTERNAL" : nil,
          holder.isWithoutEntitlement ? "WITHOUT ENTITLEMENT: its end was due already" : nil,
        ].compactMap { $0 }.joined(separator: ", "))
    }
    text += table.isEmpty ? "  nobody\n" : table.text.trimmingLines
    return text + "\(holders.count) \(holders.count == 1 ? "identity" : "identities")\n"
      + eligible.map(\.text).joined() + becoming.text { $0.whoText } + (subject.isAboutResource ? coverage.text : "")
  }
}

extension WhoDuringReport {
  var text: String {
    var text =
      "\(subject.text) from \(during.from) to \(during.to.map(\.description) ?? "no end"), as known at position \(asKnownAt)\n"
    var table = TextTable()
    for holder in holders {
      for (set, word) in [(holder.allowed, ""), (holder.conditional, "conditional"), (holder.unknown, "unknown")] {
        let notes = [word, holder.isExternal ? "EXTERNAL" : ""].filter { !$0.isEmpty }
        for interval in set.intervals { table.add("  " + holder.identity, interval.text, notes.joined(separator: ", ")) }
      }
    }
    text += table.isEmpty ? "  nobody\n" : table.text.trimmingLines
    return text + "\(holders.count) \(holders.count == 1 ? "identity" : "identities")\n"
      + becoming.text + eligibleNotAnswered + "\n" + (subject.isAboutResource ? coverage.text : "")
  }
}

extension WhatReport {
  var text: String {
    guard isKnown else { return "\(identity) is not known at \(view.at): unknown, which is not the same as no access\n" }
    var text = "\(identity) at \(view.at), \(view.knowledge(position))\n"
    for held in rights {
      text +=
        "  \(held.right.text(held.remainder))"
        + (held.isWithoutEntitlement ? "  WITHOUT ENTITLEMENT: its end was due already\n" : "\n")
    }
    if rights.isEmpty { text += "  nothing\n" }
    return text + eligible.map { $0.text(of: identity) }.joined() + becoming.text { $0.whatText }
  }
}

extension WhatDuringReport {
  var text: String {
    guard isKnown else { return "\(identity) is not known: unknown, which is not the same as no access\n" }
    var table = TextTable()
    for right in rights {
      // The conditions of a right stand with it; another may be that of something that restricts it.
      let isByOthers = right.right.conditions.isEmpty
      for interval in right.held.subtracting(right.conditional).intervals {
        table.add("  " + right.right.text, interval.text, "")
      }
      for interval in right.conditional.intervals {
        table.add("  " + right.right.text, interval.text, isByOthers ? "conditional" : "")
      }
      for interval in right.denied.intervals { table.add("  " + right.right.text, interval.text, "DENIED") }
    }
    let title =
      "\(identity) from \(during.from) to \(during.to.map(\.description) ?? "no end"), as known at position \(asKnownAt)\n"
    return title + (table.isEmpty ? "  nothing\n" : table.text.trimmingLines)
      + becoming.text + eligibleNotAnswered + "\n"
  }
}

extension CheckReport {
  var text: String {
    var text = decisionText(answer.status, answer.reason, subject.identity, subject.action, subject.resource, view, position)
    if answer.isWithoutEntitlement { text += "  WITHOUT ENTITLEMENT: its end was due already\n" }
    if let decider = answer.decidedBy { text += "  by \(decider.text)\n" }
    if answer.status == .conditional { text += "  denied at least, allowed at most: it depends on the request\n" }
    return text + EligibleWay.text(eligible)
  }
}

/// One decision, and why where it says so.
private func decisionText(
  _ status: Status, _ reason: String?, _ identity: String, _ action: String, _ resource: String, _ view: Viewpoint,
  _ position: Int64
) -> String {
  let because = reason.map { "  because \($0.split(separator: "_").joined(separator: " "))\n" } ?? ""
  return "\(status.rawValue): \(identity), \(action) on \(resource) at \(view.at), \(view.knowledge(position))\n\(because)"
}

extension SeparationReport {
  /// One line for each conflict and stretch.
  var text: String {
    var table = TextTable()
    for conflict in conflicts {
      for interval in conflict.held.intervals {
        table.add(
          "  " + conflict.identity, conflict.roles.joined(separator: " + "), interval.text,
          conflict.policy.map { "policy \($0)" } ?? "")
      }
    }
    return "roles held together, as known at position \(asKnownAt)\n"
      + (table.isEmpty ? "  nobody\n" : table.text.trimmingLines)
  }
}

extension WhyReport {
  var text: String {
    var text = decisionText(answer.status, answer.reason, identity, action, resource, view, position)
    if case .denial(let denial)? = answer.decidedBy { text += "  by \(Decider.denial(denial).text)\n" }
    for (index, path) in answer.paths.enumerated() {
      text += "path \(index + 1)\(path.status == .allowed ? "" : ", \(path.status.rawValue)")\n"
      for step in path.steps { text += "  \(step.kind.text)\(step.ending)\n      \(note(step.position))\n" }
      for condition in path.conditions { text += "  if \(condition.canonicalText)\n" }
    }
    if answer.isTruncated { text += "there are more paths; --paths says how many are shown\n" }
    return text + EligibleWay.text(eligible) + becoming.text { whyText($0) } + coverage.text
  }

  /// The chain, and then the path of whom it ends with.
  private func whyText(_ way: Becoming) -> String {
    var text = "by becoming \(way.target)\(way.status == .allowed ? "" : ", \(way.status.rawValue)")\n"
    for step in way.steps {
      text += "  \(step.text)\n      \(note(step.position))\n"
      for condition in step.conditions { text += "  if \(condition.canonicalText)\n" }
    }
    guard let path = way.path else { return text }
    for step in path.steps { text += "  \(step.kind.text)\(step.ending)\n      \(note(step.position))\n" }
    for condition in path.conditions { text += "  if \(condition.canonicalText)\n" }
    return text
  }

  private func note(_ position: Int64) -> String { events[position].map { $0.text(asOf: view.at) } ?? "event \(position)" }
}

extension Turn {
  /// What turned, and by which status it is had where that is not plainly allowed.
  fileprivate var words: String {
    switch kind {
    case .gained: now == .conditional ? "gained (conditional)" : "gained "
    case .lost: "lost   "
    case .changed: "\(before?.rawValue ?? "") → \(now?.rawValue ?? "")"
    }
  }
}

extension TimelineReport {
  var text: String {
    guard isKnown else { return "\(identity) is not known: unknown, which is not the same as no access\n" }
    var text = "\(identity)\(resource.map { " on \($0)" } ?? ""), as known at position \(asKnownAt)\n"
    for row in turns {
      text += "\(row.turn.at)  \(row.turn.words)  \(row.turn.right.text)\n"
      if let overrun = row.withoutEntitlement {
        text += "      ACCESS WITHOUT ENTITLEMENT for \(overrun.lasted): due \(overrun.from), ended \(overrun.to)\n"
      }
      for cause in row.turn.causes {
        let note = events[cause.position].map { $0.text(asOf: row.turn.at) } ?? "event \(cause.position)"
        text += "      \(cause.isExpiry ? "came to its end, set by " : "")\(note)\n"
      }
    }
    return text + "\(turns.count) \(turns.count == 1 ? "turn" : "turns")\n"
  }
}

extension DiffReport {
  var text: String {
    "from \(first.at) (position \(first.asKnownAt)) to \(second.at) (position \(second.asKnownAt))\n"
      + difference.text + "\(difference.summary)\n" + coverage.text
  }
}

extension Difference {
  /// One line for each gain and loss; of what stays, what is left of it now.
  var text: String {
    var text = ""
    for lost in lost { text += "- \(lost.text)\n" }
    for gained in gained { text += "+ \(gained.text)\n" }
    for changed in changed { text += "~ \(changed.now.text)\n" }
    return text
  }

  var summary: String {
    "\(gained.count) gained, \(lost.count) lost" + (changed.isEmpty ? "" : ", \(changed.count) otherwise restricted")
  }
}

extension Entitlement {
  fileprivate var text: String { "\(identity)  \(right.text(remainder))" }
}

extension Coverage {
  /// Nothing where sources vouch; otherwise what that means.
  var text: String {
    isComplete ? "" : "INCOMPLETE: \(reason ?? "no source vouches for it"); absence here is not proof of no access\n"
  }
}

extension EventNote {
  /// One line: which event, when, by whose authority, and when it was learnt.
  func text(asOf t: Instant) -> String {
    var parts = ["event \(position) \(type) \(effectiveAt)", "by \(actor?.id ?? "not recorded")"]
    parts.append("authorised by \(authorisedBy?.approver ?? "not recorded")")
    if let ticket { parts.append("ticket \(ticket.system) \(ticket.key)") }
    if let reason { parts.append("“\(reason)”") }
    parts.append("\(basis.rawValue) by \(source)")
    if let lapse = learnt(after: t) { parts.append("LEARNT \(lapse) LATER") }
    return parts.joined(separator: ", ")
  }
}

extension Step {
  fileprivate var ending: String {
    if let dueAt { return "  (its end was due \(dueAt))" }
    return expiresAt.map { "  (until \($0))" } ?? ""
  }
}

extension Step.Kind {
  fileprivate var text: String {
    switch self {
    case .identity(let id): "identity \(id)"
    case .account(let id): "→ account \(id)"
    case .builtIn(let id): "→ one of \(id)"
    case .group(let id): "→ group \(id)"
    case .assignment(let id, let role, let scope): "→ assignment \(id): role \(role) on \(scope)"
    case .role(let id): "→ includes role \(id)"
    case .permission(let role, let index):
      index < 0 ? "→ role \(role), whose document is not known" : "→ permission \(index + 1) of role \(role)"
    }
  }
}

extension Right {
  /// The right, and what is left of it.
  func text(_ remainder: Remainder) -> String {
    // What is settled of its conditions is not said again.
    var right = self
    right.conditions = remainder.openConditions
    if effect == .deny { return right.text }
    let deciders = remainder.restrictedBy.map { Decider.denial($0).text }.joined(separator: ", ")
    if remainder.status == .denied { return "\(right.text)  DENIED by \(deciders)" }
    if deciders.isEmpty { return right.text }
    // An open condition of its own is said with the right.
    let isByOthers = remainder.status == .conditional && remainder.openConditions.isEmpty
    return "\(right.text)  \(isByOthers ? "CONDITIONAL, " : "")RESTRICTED by \(deciders)"
  }

  /// The right as it was granted.
  var text: String {
    let what = action ?? "unknown (document of role \(unknownRole ?? "") is not known)"
    let within = resource == "*" ? "" : " within \(resource)"
    let conditions = conditions.isEmpty ? "" : " if " + conditions.map(\.canonicalText).joined(separator: " and ")
    return "\(effect == .deny ? "DENIED " : "")\(what) on \(scope)\(within)\(conditions)"
  }
}

extension WhoSubject {
  fileprivate var text: String {
    switch self {
    case .access(let action, let resource): "who could \(action) on \(resource)"
    case .role(let role): "who held role \(role)"
    case .group(let group): "who belonged to group \(group)"
    case .privileged: "who was privileged"
    }
  }
}

extension Viewpoint {
  fileprivate func knowledge(_ head: Int64) -> String {
    asKnownAt == head ? "position \(asKnownAt)" : "as known at position \(asKnownAt) of \(head)"
  }
}

extension Interval {
  var text: String { "\(from) – \(to.map(\.description) ?? "no end")" }
}

extension String {
  /// Without the blanks that empty last columns leave at the ends of lines.
  var trimmingLines: String {
    split(separator: "\n", omittingEmptySubsequences: false).map { line in
      var line = line
      while line.last == " " { line.removeLast() }
      return String(line)
    }.joined(separator: "\n")
  }
}
