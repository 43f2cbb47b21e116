import Governance
import JSON
import Temporal

/// From September 2025 on nobody asks a colleague for the production databases any more: they ask Tenure.
extension SampleOrganisation {
  /// When the policies came.
  static let databasesAreAskedForSince = Instant(ofStory: "2025-09-15T09:00:00Z")

  /// Requests that are approved, denied and forgotten, and one night on which the glass is broken.
  static let databasesAreAskedFor: [Happening] = {
    let security = authority(
      "katarina.novotna", reason: "administration of production is asked for, since SEC-118", ticket: "SEC-160",
      approvedBy: "ingrid.solberg")
    let production: JSONValue = [
      "principals": ["group:payments", "group:platform"], "roles": ["db-administrator"], "scopes": ["aws/prod"],
      "approvers": ["group:security", "identity:ingrid.solberg"], "approvals": 1, "longest_seconds": 28_800,
      "decide_within_seconds": 14_400, "requires": ["reason": true, "ticket": ["system": "jira", "key": "*-*"]],
    ]
    let night: JSONValue = [
      "principals": ["group:on-call"], "roles": ["db-administrator"], "scopes": ["aws/prod"], "break_glass": true,
      "longest_seconds": 14_400, "requires": ["reason": true],
    ]
    func elevation(_ id: String, _ rule: JSONValue) -> Command {
      Command(
        .policyDefined(id: id, policy: PolicyDocument(type: .elevation, rule: rule), attributes: [:]), authority: security)
    }
    return [
      Happening(
        "2025-09-15T09:00:00Z", [elevation("production-databases", production), elevation("break-glass", night)]),
      Happening(
        "2025-10-07T13:05:00Z",
        [
          ask(
            "chloe-mends-refunds", "chloe.martin", on: "aws/prod/payments-db", seconds: 7_200,
            by: authority("chloe.martin", reason: "refunds of 6 October were booked twice", ticket: "ENG-1104"))
        ]),
      Happening("2025-10-07T13:22:00Z", [step("chloe-mends-refunds", .approved, by: "katarina.novotna")], beside: 1),
      Happening(
        "2025-10-21T16:40:00Z",
        [
          ask(
            "tunde-looks-around", "tunde.balogun", on: "aws/prod/card-vault", seconds: 28_800,
            by: authority("tunde.balogun", reason: "to see how it is set up", ticket: "ENG-1131"))
        ]),
      Happening(
        "2025-10-21T17:02:00Z",
        [step("tunde-looks-around", .denied, by: "katarina.novotna", reason: "the vault is not for looking around")]),
      // The second factor's provider is down, and with it what on-call usually has.
      Happening(
        "2025-11-23T02:14:00Z",
        [
          ask(
            "alice-breaks-the-glass", "alice.moreau", on: "aws/prod/ledger-db", under: "break-glass", seconds: 14_400,
            by: authority("alice.moreau", reason: "ledger does not take bookings; second factor is down", ticket: "OPS-77"))
        ], beside: 3),
      Happening(
        "2025-11-23T03:41:00Z", [step("alice-breaks-the-glass", .ended, by: "alice.moreau", reason: "bookings run again")],
        beside: 1),
    ]
  }()

  private static func ask(
    _ id: String, _ requester: String, on scope: String, under policy: String = "production-databases", seconds: Int64,
    by authority: Authority
  ) -> Command {
    let proposal = RequestProposal.assignment(
      principal: .identity(requester), role: "db-administrator", scope: scope, condition: nil)
    let terms = RequestTerms(requester: requester, proposal: proposal, policy: policy, durationSeconds: seconds)
    return Command(
      .request(id: id, .submitted, by: nil, AccessRequest(step: .submitted, terms: terms)), authority: authority)
  }

  private static func step(_ id: String, _ step: RequestStep, by: String, reason: String? = nil) -> Command {
    Command(.request(id: id, step, by: by, nil), authority: authority(by, reason: reason))
  }
}
