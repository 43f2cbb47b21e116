import Governance
import Temporal

/// The review of what machines may do to the databases, in the autumn of 2025.
extension SampleOrganisation {
  /// Its id.
  static let machineReview = "machines-2025"

  /// It finds that nobody needs one of four grants; that one is revoked, and the chief executive signs.
  static let machinesReviewed: [Happening] = {
    let security = authority("katarina.novotna", reason: "what machines may do to production, once a year", ticket: "SEC-171")
    let terms = ReviewTerms(
      query: ReviewQuery(
        scope: "aws/prod", identities: ["svc:fraud-scoring", "svc:invoices", "svc:payments-api", "svc:webhooks"]),
      reviewers: [.owner], escalation: [.identity("ingrid.solberg")], signsOff: [.identity("margaret.holt")])
    let unneeded = authority(
      "alice.moreau", reason: "no use since July: webhooks come from the queue, and read no database", ticket: "SEC-171")
    let scoring = authority("alice.moreau", reason: "scores each payment", ticket: "SEC-171")
    let invoices = authority("alice.moreau", reason: "writes the invoices of the month", ticket: "SEC-171")
    let service = authority("ingrid.solberg", reason: "the service itself; Alice owns it and may not say", ticket: "SEC-171")
    let signed = authority("margaret.holt", reason: "seen", ticket: "SEC-171")
    let closed = authority("katarina.novotna", reason: "decided and signed", ticket: "SEC-171")
    return [
      Happening("2025-10-13T09:20:00Z", [step(.opened, by: "katarina.novotna", security, terms)]),
      Happening("2025-10-14T10:05:00Z", [decide("webhooks-db", .revoke, by: "alice.moreau", unneeded)]),
      Happening("2025-10-14T10:09:00Z", [decide("fraud-scoring-db", .keep, by: "alice.moreau", scoring)]),
      Happening("2025-10-14T10:11:00Z", [decide("invoices-db", .keep, by: "alice.moreau", invoices)]),
      Happening("2025-10-16T15:30:00Z", [decide("payments-api-db", .keep, by: "ingrid.solberg", service)]),
      Happening("2025-10-20T08:15:00Z", [step(.signedOff, by: "margaret.holt", signed)]),
      Happening("2025-10-20T11:00:00Z", [step(.closed, by: "katarina.novotna", closed)]),
      // What it decided is done in the same batch: the event that says so, and the revocation.
      Happening("2025-10-20T11:02:00Z", [execute("webhooks-db")], beside: 1),
      Happening("2025-10-20T11:03:00Z", [step(.completed, by: nil, Authority())]),
    ]
  }()

  private static func step(_ step: ReviewStep, by: String?, _ authority: Authority, _ terms: ReviewTerms? = nil) -> Command {
    Command(
      .review(id: machineReview, step, by: by, nil, terms.map { Review(step: step, terms: $0) }), authority: authority)
  }

  private static func decide(_ grant: String, _ choice: ReviewChoice, by: String, _ authority: Authority) -> Command {
    Command(
      .reviewItem(review: machineReview, .assignment(grant), .decided, by: by, ReviewItemOrder(choice: choice), nil),
      authority: authority)
  }

  private static func execute(_ grant: String) -> Command {
    Command(.reviewItem(review: machineReview, .assignment(grant), .executed, by: nil, nil, nil))
  }
}
