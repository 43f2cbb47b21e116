import AccessGraph
import API
import EventLog
import Governance
import Temporal

/// Reviews as people read them.
extension ReviewListReport {
  var text: String {
    if reviews.isEmpty { return "no reviews\n" }
    var table = TextTable()
    table.add("id", "state", "items", "opened", "deadline", "about")
    for review in reviews {
      let (terms, progress) = (review.standing.terms, review.standing.progress)
      table.add(
        review.id, progress.state.rawValue, "\(progress.population.count)", progress.population.at.description,
        progress.deadline.description, terms.query.text)
    }
    return table.text
  }
}

extension ReviewQuery {
  fileprivate var text: String {
    var parts: [String] = []
    if let scope { parts.append("scope \(scope)") }
    if !roles.isEmpty { parts.append("roles \(roles.joined(separator: ", "))") }
    if !groups.isEmpty { parts.append("groups \(groups.joined(separator: ", "))") }
    if !identities.isEmpty { parts.append("identities \(identities.joined(separator: ", "))") }
    if isPrivileged { parts.append("privileged only") }
    return parts.isEmpty ? "every grant" : parts.joined(separator: "; ")
  }
}

extension ReviewReport {
  /// Where the review stands, without its items.
  var summaryText: String { head.joined(separator: "\n") + "\n" }

  /// The items, to decide from.
  var itemsText: String {
    if items.isEmpty { return "no items\n" }
    return items.map { $0.text }.joined(separator: "\n") + "\n"
  }

  /// The evidence.
  var reportText: String {
    var table = TextTable()
    table.add("", "item", "held by", "state", "decision", "by", "as", "at", "rationale", "executed")
    for item in items { table.add(row: item.cells(shown.standing.progress.deadline)) }
    return summaryText + "\n" + table.text
  }

  private var head: [String] {
    let (terms, progress) = (shown.standing.terms, shown.standing.progress)
    let isOverdue = progress.state == .open && progress.deadline <= reading.view.at
    var lines = ["\(shown.id) is \(progress.state.rawValue)\(isOverdue ? ", OVERDUE" : "")", "  about \(terms.query.text)"]
    let frozen = progress.population
    lines.append(
      "  frozen at \(frozen.at), as known at event \(frozen.position): \(frozen.count) items, SHA-256 \(frozen.digest)")
    lines.append(
      reading.isVerified
        ? "  derived again from the log: the same"
        : "  DERIVED AGAIN FROM THE LOG: NOT THE SAME: \(reading.rows.count) items, SHA-256 \(reading.digest)")
    lines.append(
      "  reviewers: \(terms.reviewers.map(\.text).joined(separator: ", then "))"
        + (terms.escalation.isEmpty ? "" : ", escalated to \(terms.escalation.map(\.description).joined(separator: ", "))"))
    lines.append(
      "  deadline \(progress.deadline), then \(terms.atDeadline.rawValue); executes \(terms.executes == .atOnce ? "at once" : "at close")"
    )
    lines.append(
      "  \(completion)% complete: \(count(.decided)) decided (\(count(.keep)) keep, \(count(.revoke)) revoke, \(count(.reduce)) "
        + "reduce; \(bulk) in bulk), \(count(.undecided)) undecided, \(count(.changed)) changed since, \(count(.ended)) ended")
    if withoutReviewer > 0 { lines.append("  NO ELIGIBLE REVIEWER for \(withoutReviewer) items") }
    let selfReviews = objections.values.count { $0 == .holder }
    if selfReviews > 0 { lines.append("  SELF-REVIEWED: \(selfReviews) items") }
    if count(.done) + count(.gone) + count(.failed) > 0 {
      lines.append("  executed \(count(.done)), nothing left to do \(count(.gone)), failed \(count(.failed))")
    }
    if let signature = progress.signature { lines.append("  signed off by \(signature.by) at \(signature.at)") }
    if let closing = progress.closing {
      lines.append(
        "  closed at \(closing.at)\(closing.by.map { " by \($0)" } ?? "")\(closing.isUnsigned ? " WITHOUT SIGN-OFF" : "")"
          + (closing.undecided > 0 ? ", \(closing.undecided) items undecided" : ""))
    }
    return lines
  }
}

extension ShownItem {
  fileprivate var found: PopulationItem { row.present ?? row.frozen }

  /// What it is, in words.
  fileprivate var what: String {
    switch found.item {
    case .membership(let group, _): "membership in \(group)"
    case .assignment(let id): found.grant.map { "\($0.role) on \($0.scope) (\(id))" } ?? id
    }
  }

  fileprivate func cells(_ deadline: Instant) -> [String] {
    let decision = row.state?.decision
    var executed = ""
    if let execution = row.state?.execution, let position = row.position {
      switch execution.outcome {
      case .done: executed = "\(execution.measure.rawValue) by event \(position + 1)"
      case .gone: executed = "nothing left to do"
      case .failed: executed = "FAILED: \(execution.message ?? "")"
      }
      if let delay = delay(deadline) { executed += ", \(Self.duration(delay)) later" }
      if execution.outcome == .done { executed += ", \(fulfilment?.stage.rawValue ?? "recorded")" }
    }
    let who = decision.map { $0.by + (objection.map { " (\($0.rawValue.uppercased()))" } ?? "") }
    let awaited = row.reviewers.route == nil ? "NOBODY ELIGIBLE" : row.reviewers.reviewers.joined(separator: ", ")
    let isAwaited = row.decisionState.isAwaited
    return [
      "\(row.number)", what, found.principal?.description ?? "", row.decisionState.rawValue,
      decision.map { $0.choice.rawValue + ($0.reduction.map { " to \($0.text)" } ?? "") + ($0.isBulk ? " (bulk)" : "") } ?? "",
      who ?? (isAwaited ? "waits for \(awaited)" : ""),
      decision?.route.rawValue ?? row.reviewers.route?.rawValue ?? "", decision?.at.description ?? "",
      decision?.rationale ?? "",
      executed,
    ]
  }

  private static func duration(_ microseconds: Int64) -> String {
    let seconds = microseconds / 1_000_000
    if seconds < 120 { return "\(seconds) s" }
    if seconds < 7_200 { return "\(seconds / 60) min" }
    return seconds < 172_800 ? "\(seconds / 3_600) h" : "\(seconds / 86_400) d"
  }

  /// The item with what speaks for and against it.
  fileprivate var text: String {
    var lines = ["\(row.number)  \(found.principal?.description ?? "") holds \(what), since \(found.span.begun.effective)"]
    lines.append("   \(found.item.text)")
    if let end = found.span.expiresAt { lines.append("   ends \(end)") }
    lines.append("   \(row.decisionState.rawValue)" + (row.state?.decision.map { ": \($0.choice.rawValue) by \($0.by)" } ?? ""))
    let route = row.reviewers.route.map { "   reviewer: \(row.reviewers.reviewers.joined(separator: ", ")), as \($0.rawValue)" }
    lines.append(route ?? "   NO ELIGIBLE REVIEWER")
    for passed in row.reviewers.passedOver {
      lines.append("   passed over: \(passed.reviewer), \(passed.route.rawValue): \(passed.objection.rawValue)")
    }
    if let assessment { lines += assessment.lines }
    return lines.joined(separator: "\n")
  }
}

extension ReviewReduction {
  fileprivate var text: String {
    [role, scope.map { "on \($0)" }, expiresAt.map { "until \($0)" }].compactMap { $0 }.joined(separator: " ")
  }
}

extension ItemAssessment {
  fileprivate var lines: [String] {
    var lines: [String] = []
    for entitlement in entitlements {
      let actions = entitlement.actions.map { $0.joined(separator: ", ") } ?? "what is not known"
      var line = "   gives \(actions) on \(entitlement.scope), by \(entitlement.assignment)"
      if let given = entitlement.actions, given.count == entitlement.remaining.count {
        line += "; remains by \(entitlement.remainsBy.joined(separator: ", "))"
      } else if !entitlement.remaining.isEmpty {
        line += "; of it remains \(entitlement.remaining.joined(separator: ", "))"
      }
      lines.append(line)
    }
    if entitlementCount > entitlements.count { lines.append("   and gives \(entitlementCount - entitlements.count) more") }
    if let orphan { lines.append("   ORPHAN: \(orphan.rawValue)") }
    if isSuspended { lines.append("   who holds it is suspended") }
    switch lastUse {
    case .notObservable: lines.append("   last use: not observable")
    case .at(let instant): lines.append("   last used \(instant)")
    case .noneSince(let instant): lines.append("   not used since \(instant)")
    }
    switch history {
    case .neverReviewed: break
    case .unchanged(let review, let at): lines.append("   unchanged since \(review) decided it at \(at)")
    case .changed(let review, let at): lines.append("   changed since \(review) decided it at \(at)")
    }
    for policy in breaches { lines.append("   BREACHES \(policy)") }
    let because = reasons.map(\.rawValue).joined(separator: ", ")
    lines.append("   recommended: \(recommendation?.rawValue ?? "to look at it")\(because.isEmpty ? "" : ", since " + because)")
    return lines
  }
}
