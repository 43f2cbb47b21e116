import EventLog
import Governance
import JSON
import Temporal
import Usage

/// What Brightwater did with production in the second half of 2025: usage, which is evidence and no event.
///
/// From it follows what is held and not used, and what is used and not held.
extension SampleOrganisation {
  /// The source that tells it; it sees all of `aws/prod`, from July to the end of the year.
  static let usageSource = "aws-usage"

  static let usageDelivered: [Happening] = {
    let it = authority("lena.fischer", reason: "CloudTrail tells what is done with production", ticket: "SEC-149")
    return [
      Happening(
        "2025-07-01T00:00:00Z",
        [
          Command(.sourceRegistered(id: usageSource, attributes: [UsageStore.deliversUsage: .open(true)]), authority: it),
          Command(
            .coverageBegan(source: usageSource, resource: "aws/prod", expiresAt: Instant(ofStory: "2026-01-01T00:00:00Z")),
            authority: it),
        ])
    ]
  }()

  /// Something that happens again and again.
  private struct Habit {
    var identity: String
    var action: String
    var resource: String
    /// The minute of the day.
    var minute: Int64
    /// On one day of so many.
    var everyDays = 7
    var address = "10.20.0.14"
    var agent = "service/2.1"
    var outcome = UsageOutcome.allowed
  }

  private static let habits: [Habit] = [
    Habit(identity: "svc:payments-api", action: "db:Write", resource: "aws/prod/payments-db", minute: 61, everyDays: 1),
    Habit(identity: "svc:payments-api", action: "db:Read", resource: "aws/prod/payments-db", minute: 62, everyDays: 1),
    Habit(identity: "svc:ledger", action: "db:Write", resource: "aws/prod/ledger-db", minute: 90, everyDays: 1),
    Habit(identity: "svc:ledger", action: "db:Read", resource: "aws/prod/ledger-db", minute: 91),
    Habit(identity: "svc:card-vault", action: "db:Write", resource: "aws/prod/card-vault", minute: 120),
    Habit(identity: "svc:card-vault", action: "db:Read", resource: "aws/prod/card-vault", minute: 121),
    Habit(identity: "svc:fraud-scoring", action: "db:Read", resource: "aws/prod/payments-db", minute: 150, everyDays: 1),
    Habit(identity: "svc:invoices", action: "db:Read", resource: "aws/prod/ledger-db", minute: 180),
    Habit(identity: "svc:backup", action: "db:Read", resource: "aws/prod/backups", minute: 200),
    Habit(identity: "svc:build", action: "deploy.production", resource: "aws/prod", minute: 600, everyDays: 3),
    Habit(
      identity: "ben.whitaker", action: "db:Admin", resource: "aws/prod/payments-db", minute: 640, everyDays: 11,
      address: "203.0.113.20", agent: "psql"),
    Habit(
      identity: "nadia.rahimi", action: "db:Read", resource: "aws/prod/ledger-db", minute: 655, everyDays: 5,
      address: "203.0.113.21", agent: "psql"),
    Habit(
      identity: "alice.moreau", action: "db:Read", resource: "aws/prod/payments-db", minute: 700, everyDays: 6,
      address: "203.0.113.22", agent: "psql"),
    Habit(
      identity: "oscar.lind", action: "deploy.production", resource: "aws/prod", minute: 720, everyDays: 13,
      address: "203.0.113.23", agent: "deploy"),
  ]

  /// What happened once.
  private static let singular: [(at: String, identity: String, action: String, resource: String, outcome: UsageOutcome)] = [
    ("2025-10-21T16:35:00Z", "tunde.balogun", "db:Read", "aws/prod/card-vault", .denied),
    ("2025-10-21T16:36:00Z", "tunde.balogun", "db:Admin", "aws/prod/card-vault", .denied),
    ("2025-11-02T03:12:00Z", "svc:metrics", "db:Read", "aws/prod/payments-db", .allowed),
    ("2025-10-07T13:40:00Z", "chloe.martin", "db:Admin", "aws/prod/payments-db", .allowed),
    ("2025-10-07T14:10:00Z", "chloe.martin", "db:Write", "aws/prod/payments-db", .allowed),
    ("2025-11-23T02:21:00Z", "alice.moreau", "db:Admin", "aws/prod/ledger-db", .allowed),
    ("2025-11-23T02:58:00Z", "alice.moreau", "db:Write", "aws/prod/ledger-db", .allowed),
  ]

  private static let days: Int64 = 184

  /// All of it, in the order of time within each habit.
  static func usage() -> [UsageRecord] {
    let start = Instant(ofStory: "2025-07-01T00:00:00Z")
    var records: [UsageRecord] = []
    for (index, habit) in habits.enumerated() {
      for day in stride(from: Int64(index % habit.everyDays), to: days, by: habit.everyDays) {
        let at = start.adding(microseconds: (day * 86_400 + habit.minute * 60) * 1_000_000)
        records.append(
          UsageRecord(
            id: "h\(index)-\(day)", at: at, identity: habit.identity, action: habit.action, resource: habit.resource,
            address: habit.address, agent: habit.agent, outcome: habit.outcome))
      }
    }
    for (index, use) in singular.enumerated() {
      records.append(
        UsageRecord(
          id: "s\(index)", at: Instant(ofStory: use.at), identity: use.identity, action: use.action, resource: use.resource,
          address: "203.0.113.40", agent: "psql", outcome: use.outcome,
          errorCode: use.outcome == .denied ? "AccessDenied" : nil))
    }
    return records
  }

  /// Records it; what is there already changes nothing.
  static func recordUsage(in tenant: Tenant) throws { _ = try UsageStore(tenant).recordAll(usage(), source: usageSource) }
}
