extension SampleOrganisation {
  /// A command line that reveals a part of the plot.
  struct Question: Sendable {
    /// What is asked, in words.
    var title: String
    /// The arguments of `tenure`, without the tenant.
    var arguments: [String]
    /// What to see in the answer, in one sentence.
    var lookFor: String
  }

  /// The questions in the order of telling.
  static let questions: [Question] = [
    Question(
      title: "Who could administer the payments database on 14 March 2025 at 02:30?",
      arguments: [
        "who", "--action", "db:Admin", "--resource", "aws/prod/payments-db", "--at", "2025-03-14T02:30:00Z",
      ],
      lookFor:
        "pavel.novak, an outside contractor, is allowed without any condition; even whoever is on call needs a second factor."),
    Question(
      title: "Why could the contractor?",
      arguments: [
        "why", "--identity", "pavel.novak", "--action", "db:Admin", "--resource", "aws/prod/payments-db", "--at",
        "2025-03-14T02:30:00Z",
      ],
      lookFor: "The ticket's reason says staging, the scope says production, and no approval is recorded."),
    Question(
      title: "Who could write to the payments repository on 30 June 2025?",
      arguments: [
        "who", "--action", "repo.write", "--resource", "github.com/brightwater/payments", "--at", "2025-06-30T12:00:00Z",
      ],
      lookFor: "daniel.okafor had left three days before: his access is there, and marked as without entitlement."),
    Question(
      title: "What did the leaver lose, and when?",
      arguments: [
        "timeline", "--identity", "daniel.okafor", "--from", "2025-06-01T00:00:00Z", "--to", "2025-08-01T00:00:00Z",
      ],
      lookFor: "Everything was lost on 3 July at 17:00 and was due on 27 June at 17:00: six days."),
    Question(
      title: "Why could the treasurer release payments on 15 October 2024?",
      arguments: [
        "why", "--identity", "tomas.berg", "--action", "bank.release", "--resource", "okta/apps/bank-portal", "--at",
        "2024-10-15T12:00:00Z",
      ],
      lookFor:
        "The bank granted it on 7 October; the step was learnt on the 29th, so nobody who looked on that day could see it."),
    Question(
      title: "Who could approve the payroll on 11 June 2024, as it was known on that day?",
      arguments: [
        "who", "--action", "payroll.approve", "--resource", "okta/apps/payroll", "--at", "2024-06-11T12:00:00Z",
        "--as-known-at", "2024-06-11T12:00:00Z",
      ],
      lookFor: "maria.santos stands there by a wrong record."),
    Question(
      title: "And as it is known now?",
      arguments: [
        "who", "--action", "payroll.approve", "--resource", "okta/apps/payroll", "--at", "2024-06-11T12:00:00Z",
      ],
      lookFor: "The wrong record was voided and mario.santoro stands in her place; both answers can still be had."),
    Question(
      title: "What changed at the support desk on 12 November 2024?",
      arguments: [
        "diff", "--resource", "okta/apps/support-desk", "--from", "2024-11-12T00:00:00Z", "--to", "2024-11-13T00:00:00Z",
      ],
      lookFor: "One revision of the role support-agent let the whole support team issue refunds."),
    Question(
      title: "Why could a data scientist read the payments database in December 2024?",
      arguments: [
        "why", "--identity", "peter.vance", "--action", "db:Read", "--resource", "aws/prod/payments-db", "--at",
        "2024-12-02T12:00:00Z",
      ],
      lookFor: "The path goes from his team into the payments team, nested for a project that was about code."),
    Question(
      title: "By whose authority was the ledger database opened in the night of 23 November 2025?",
      arguments: [
        "why", "--identity", "alice.moreau", "--action", "db:Admin", "--resource", "aws/prod/ledger-db", "--at",
        "2025-11-23T02:30:00Z",
      ],
      lookFor: "Nobody's but the break-glass policy's: she asked, got it at once, and gave it back after 87 minutes."),
  ]
}
