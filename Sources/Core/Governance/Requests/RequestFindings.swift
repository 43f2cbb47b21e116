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
  /// However long ago the other request was submitted, and however many there were since: O(those who ever approved a request, and
  /// the requests that were approved by those who ask).
  mutating func noteReciprocity(_ id: String, _ by: String, _ terms: RequestTerms, _ approvers: Approvers<W>) {
    let since = at.adding(microseconds: -approvers.elevation.rule.lookbackDays * 86_400_000_000)
    let approving = approvers.selves(of: by)
    let asking = world.interested(in: terms, at: at, during: nil)
    // Of the few who approve again and again, those who ask now.
    let returning = world.requestApprovers.filter { !world.selves(of: .identity($0), during: nil).isDisjoint(with: asking) }
    let isReturning = Set(returning.map { Entity.identity($0) })
    var seen: Set<Entity> = [.request(id)]
    for other in returning.flatMap({ world.requests(approvedBy: $0) }) where seen.insert(.request(other)).inserted {
      guard let standing = world.request(other, at: at),
        let returned = standing.progress.approvals.first(where: { approval in
          guard approval.at >= since, isReturning.contains(.identity(approval.approver)) else { return false }
          // Who gains, gained then: an assignment that was extended may have ended, and a group lost its members.
          return [approval.at, at].contains {
            !world.interested(in: standing.terms, at: $0, during: nil).isDisjoint(with: approving)
          }
        })
      else { continue }
      let evidence: JSONValue = [
        "approver": .string(by), "requester": .string(terms.requester), "other_request": .string(other),
        "other_approver": .string(returned.approver),
      ]
      note(Finding(rule: "reciprocal_approval", subject: .request(id), evidence: evidence))
    }
  }
}
