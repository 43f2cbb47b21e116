import JSON
import Temporal

/// What is granted and found at the same time.
extension Decision {
  /// Break-glass access: granted at once and loudly, to be reviewed.
  mutating func noteBreakGlass(_ id: String, _ terms: RequestTerms, _ progress: RequestProgress) {
    guard progress.isBreakGlass else { return }
    let evidence: JSONValue = [
      "requester": .string(terms.requester), "policy": .string(terms.policy), "proposal": terms.proposal.json,
    ]
    note(Finding(rule: "break_glass", subject: .request(id), evidence: evidence))
  }

  /// An approver whose own request the requester, or who gains, approved within the policy's look-back.
  ///
  /// O(requests submitted within it, and within the time that a request may wait before it), at most
  /// ``Limits/requestsLookedBack`` of them.
  mutating func noteReciprocity(_ id: String, _ by: String, _ terms: RequestTerms, _ approvers: Approvers<W>) {
    let since = at.adding(microseconds: -approvers.elevation.rule.lookbackDays * 86_400_000_000)
    let approving = approvers.selves(of: by)
    let asking = world.interested(in: terms, at: at, during: nil)
    // The same few approve again and again.
    var isAsking: [Entity: Bool] = [:]
    func asks(_ approver: Entity) -> Bool {
      if let known = isAsking[approver] { return known }
      let found = !world.selves(of: approver, during: nil).isDisjoint(with: asking)
      isAsking[approver] = found
      return found
    }
    let submitted = since.adding(seconds: -approvers.elevation.rule.decideWithinSeconds)
    for other in world.requests(since: submitted).suffix(Limits.requestsLookedBack) where !other.isExactly(id) {
      guard let standing = world.request(other, at: at),
        let returned = standing.progress.approvals.first(where: { $0.at >= since && asks(.identity($0.approver)) }),
        !world.interested(in: standing.terms, at: at, during: nil).isDisjoint(with: approving)
      else { continue }
      let evidence: JSONValue = [
        "approver": .string(by), "requester": .string(terms.requester), "other_request": .string(other),
        "other_approver": .string(returned.approver),
      ]
      note(Finding(rule: "reciprocal_approval", subject: .request(id), evidence: evidence))
    }
  }
}
