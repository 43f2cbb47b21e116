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
  /// Where the review stands, and what its items come to.
  var text: String { head.joined(separator: "\n") + "\n" }

  private var head: [String] {
    let (terms, progress) = (review.standing.terms, review.standing.progress)
    let isOverdue = progress.state == .open && progress.deadline <= review.view.at
    var lines = ["\(review.id) is \(progress.state.rawValue)\(isOverdue ? ", OVERDUE" : "")", "  about \(terms.query.text)"]
    let frozen = progress.population
    lines.append(
      "  frozen at \(frozen.at), as known at event \(frozen.position): \(frozen.count) items, SHA-256 \(frozen.digest)")
    lines.append(
      review.isVerified
        ? "  derived again from the log: the same"
        : "  DERIVED AGAIN FROM THE LOG: NOT THE SAME: \(review.count) items, SHA-256 \(review.digest)")
    lines.append(
      "  reviewers: \(terms.reviewers.map(\.text).joined(separator: ", then "))"
        + (terms.escalation.isEmpty ? "" : ", escalated to \(terms.escalation.map(\.description).joined(separator: ", "))"))
    lines.append(
      "  deadline \(progress.deadline), then \(terms.atDeadline.rawValue); executes \(terms.executes == .atOnce ? "at once" : "at close")"
    )
    lines.append(
      "  \(summary.completion)% complete: \(summary.count(.decided)) decided (\(summary.count(.keep)) keep, "
        + "\(summary.count(.revoke)) revoke, \(summary.count(.reduce)) reduce; \(summary.bulk) in bulk), "
        + "\(summary.count(.undecided)) undecided, \(summary.count(.changed)) changed since, \(summary.count(.ended)) ended")
    if summary.withoutReviewer > 0 { lines.append("  NO ELIGIBLE REVIEWER for \(summary.withoutReviewer) items") }
    if summary.selfReviews > 0 { lines.append("  SELF-REVIEWED: \(summary.selfReviews) items") }
    let (done, gone, failed) = (summary.count(.done), summary.count(.gone), summary.count(.failed))
    if done + gone + failed > 0 { lines.append("  executed \(done), nothing left to do \(gone), failed \(failed)") }
    if let signature = progress.signature { lines.append("  signed off by \(signature.by) at \(signature.at)") }
    if let closing = progress.closing {
      lines.append(
        "  closed at \(closing.at)\(closing.by.map { " by \($0)" } ?? "")\(closing.isUnsigned ? " WITHOUT SIGN-OFF" : "")"
          + (closing.undecided > 0 ? ", \(closing.undecided) items undecided" : ""))
    }
    return lines
  }
}

extension ReviewPage {
  /// Some items, and of which review they are.
  var text: String {
    let progress = review.standing.progress
    return "\(review.id) is \(progress.state.rawValue), deadline \(progress.deadline)\n"
      + items.map { $0.text + "\n" }.joined()
  }
}

extension [ShownItem] {
  /// Items as the evidence lists them; each slice of a large review has columns of its own.
  func table(_ review: FrozenReview) -> String {
    if isEmpty { return "" }
    var table = TextTable()
    table.add("", "item", "held by", "state", "decision", "by", "as", "at", "rationale", "executed")
    for item in self { table.add(row: item.cells(review.standing.progress.deadline)) }
    return table.text
  }
}

extension ShownItem {
  fileprivate var found: PopulationItem { row.current }

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
  var text: String {
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
    lines.append("   " + lastUse.text)
    if privilege == .unknown { lines.append("   counts as privileged: what a role gives is not known") }
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

extension LastUse {
  /// When it was used last, or what is known instead.
  fileprivate var text: String {
    if let noneSince { return "not used since \(noneSince)" }
    guard let unseen else { return at.map { "last used \($0)" } ?? "last use: not observable" }
    let why = unseen.rawValue.split(separator: "_").joined(separator: " ")
    let told = at.map { "last used \($0)" } ?? "last use: not observable"
    guard let seen, let until = seen.to else { return "\(told) (\(why))" }
    return at == nil
      ? "\(told) now (\(why)); not used from \(seen.from) to \(until), when it would have been seen"
      : "\(told); a later use would not be seen since \(until) (\(why))"
  }
}
