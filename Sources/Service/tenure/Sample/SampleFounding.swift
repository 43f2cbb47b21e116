import Governance
import JSON

/// The first morning: what Brightwater was when it began to record.
extension SampleOrganisation {
  static let founding: [Happening] = {
    let it = authority("lena.fischer", reason: "state at the start of recording")
    let there = staff.filter { $0.joined == nil }
    return [
      Happening("2024-01-08T08:00:00Z", beginning(it)),
      Happening("2024-01-08T08:05:00Z", groups(it)),
      Happening("2024-01-08T08:10:00Z", roles(it)),
      Happening("2024-01-08T08:20:00Z", there.flatMap { register($0, by: it) }),
      Happening("2024-01-08T08:40:00Z", resources(it)),
      Happening("2024-01-08T08:50:00Z", services(it)),
      Happening("2024-01-08T09:00:00Z", engineersAccess(it)),
      Happening("2024-01-08T09:10:00Z", officeAccess(it)),
      Happening("2024-01-08T09:20:00Z", servicesAccess(it)),
    ]
  }()

  private static func beginning(_ it: Authority) -> [Command] {
    let privileged: JSONValue = [
      "actions": ["db:Admin", "repo.admin", "payroll.approve", "bank.release", "refund.issue", "user.*", "deploy.production"]
    ]
    return [
      Command(.sourceRegistered(id: source, attributes: ["system": .open("Tenure's own API")]), authority: it),
      Command(.coverageBegan(source: source, resource: "*", expiresAt: nil), authority: it),
      Command(
        .policyDefined(id: "privileged-access", policy: PolicyDocument(type: .privileged, rule: privileged), attributes: [:]),
        authority: it),
      Command(
        .policyDefined(
          id: "quarterly-review",
          policy: PolicyDocument(type: .review, rule: ["scope": "aws/prod", "every_days": 90]), attributes: [:]),
        authority: it),
    ]
  }

  private static func groups(_ it: Authority) -> [Command] {
    let teams = [
      "leadership", "engineering", "finance", "people-team", "support", "sales", "security", "it", "payments", "platform",
      "web", "data", "data-science",
    ]
    var commands = (["staff", "contractors", "on-call"] + teams).map {
      Command(.groupCreated(id: $0, attributes: [:]), authority: it)
    }
    for team in ["leadership", "engineering", "finance", "people-team", "support", "sales", "security", "it"] {
      commands.append(join(.group(team), "staff", by: it))
    }
    for team in ["payments", "platform", "web", "data"] { commands.append(join(.group(team), "engineering", by: it)) }
    commands.append(join(.group("data-science"), "data", by: it))
    return commands
  }

  private static func roles(_ it: Authority) -> [Command] {
    [
      role("employee", ["wiki.read", "chat.use"], by: it),
      role("repo-reader", ["repo.read"], by: it),
      role("repo-writer", ["repo.write"], includes: ["repo-reader"], by: it),
      role("repo-admin", ["repo.admin"], includes: ["repo-writer"], by: it),
      role("db-reader", ["db:Read"], by: it),
      role("db-operator", ["db:Write"], includes: ["db-reader"], by: it),
      role("db-administrator", ["db:Admin", "db:Export"], includes: ["db-operator"], by: it),
      role("deployer", ["deploy.staging", "deploy.production"], by: it),
      role("warehouse-analyst", ["warehouse.query"], includes: ["db-reader"], by: it),
      role("payroll-clerk", ["payroll.view", "payroll.prepare"], by: it),
      role("payroll-approver", ["payroll.approve"], includes: ["payroll-clerk"], by: it),
      role("bank-preparer", ["bank.view", "bank.prepare"], by: it),
      role("bank-releaser", ["bank.release"], includes: ["bank-preparer"], by: it),
      role("support-agent", ["ticket.answer", "customer.view"], by: it),
      role("crm-user", ["crm.read", "crm.edit"], by: it),
      role("people-partner", ["person.read", "person.edit"], by: it),
      role("identity-administrator", ["user.*", "group.*"], by: it),
      role("security-analyst", ["log.read", "alert.triage"], by: it),
      role("auditor", ["audit.read"], includes: ["db-reader", "repo-reader"], by: it),
    ]
  }

  private static func resources(_ it: Authority) -> [Command] {
    let described = [
      ("aws/prod", "viktor.hansen", "restricted"), ("aws/prod/payments-db", "alice.moreau", "cardholder data"),
      ("aws/prod/ledger-db", "alice.moreau", "financial records"), ("aws/prod/card-vault", "mei.tanaka", "cardholder data"),
      ("aws/prod/backups", "ben.whitaker", "restricted"), ("aws/staging/payments-db", "alice.moreau", "internal"),
      ("aws/analytics/warehouse", "anders.nyberg", "customer data"), ("github.com/brightwater", "ingrid.solberg", "internal"),
      ("github.com/brightwater/payments", "alice.moreau", "internal"),
      ("github.com/brightwater/ledger", "mei.tanaka", "internal"),
      ("github.com/brightwater/web", "emma.laurent", "internal"),
      ("github.com/brightwater/platform", "viktor.hansen", "internal"),
      ("github.com/brightwater/data", "anders.nyberg", "internal"), ("okta", "lena.fischer", "restricted"),
      ("okta/apps/payroll", "grace.oyelaran", "personal data"),
      ("okta/apps/bank-portal", "rafael.quintero", "financial records"),
      ("okta/apps/support-desk", "hugo.lefevre", "customer data"), ("okta/apps/crm", "carla.bianchi", "customer data"),
      ("okta/apps/people", "judith.aaronson", "personal data"), ("okta/apps/wiki", "lena.fischer", "internal"),
    ]
    return described.map { path, owner, classification in
      Command(
        .resourceDescribed(
          path: path, attributes: ["owner": .open(.string(owner)), "classification": .open(.string(classification))]),
        authority: it)
    }
  }

  private static func services(_ it: Authority) -> [Command] {
    [
      ("svc:payments-api", "alice.moreau"), ("svc:ledger", "mei.tanaka"), ("svc:checkout-web", "emma.laurent"),
      ("svc:fraud-scoring", "noor.haddad"), ("svc:notifications", "jonas.weber"), ("svc:card-vault", "mei.tanaka"),
      ("svc:sign-in", "viktor.hansen"), ("svc:search", "lucas.brandao"), ("svc:warehouse-loader", "yusuf.demir"),
      ("svc:build", "fatima.elidrissi"), ("svc:backup", "ben.whitaker"), ("svc:metrics", "oscar.lind"),
      ("svc:invoices", "samuel.adeyemi"), ("svc:support-desk", "hugo.lefevre"), ("svc:webhooks", "daniel.okafor"),
    ].map { service($0.0, owner: $0.1, by: it) }
  }

  private static func engineersAccess(_ it: Authority) -> [Command] {
    let withSecondFactor: JSONValue = ["Bool": ["request.mfa": ["true"]]]
    let payments = Entity.group("payments")
    let platform = Entity.group("platform")
    return [
      grant("engineering-reads-code", .group("engineering"), "repo-reader", on: "github.com/brightwater", by: it),
      grant("payments-writes-payments", payments, "repo-writer", on: "github.com/brightwater/payments", by: it),
      grant("payments-writes-ledger", payments, "repo-writer", on: "github.com/brightwater/ledger", by: it),
      grant("payments-reads-payments-db", payments, "db-reader", on: "aws/prod/payments-db", by: it),
      grant("payments-runs-staging", payments, "db-operator", on: "aws/staging/payments-db", by: it),
      grant("platform-owns-platform", platform, "repo-admin", on: "github.com/brightwater/platform", by: it),
      grant("platform-deploys", platform, "deployer", on: "aws/prod", by: it),
      grant("platform-reads-databases", platform, "db-reader", on: "aws/prod", by: it),
      grant("web-writes-web", .group("web"), "repo-writer", on: "github.com/brightwater/web", by: it),
      grant("data-writes-data", .group("data"), "repo-writer", on: "github.com/brightwater/data", by: it),
      grant("data-runs-warehouse", .group("data"), "db-operator", on: "aws/analytics/warehouse", by: it),
      grant("on-call-mends", .group("on-call"), "db-administrator", on: "aws/prod", if: withSecondFactor, by: it),
      grant("viktor-runs-databases", .identity("viktor.hansen"), "db-administrator", on: "aws/prod", by: it),
      grant("ben-runs-databases", .identity("ben.whitaker"), "db-administrator", on: "aws/prod", by: it),
      grant("viktor-owns-code", .identity("github:vhansen"), "repo-admin", on: "github.com/brightwater", by: it),
      grant("alice-owns-payments", .identity("github:amoreau"), "repo-admin", on: "github.com/brightwater/payments", by: it),
      grant("daniel-owns-payments", .identity("github:dokafor"), "repo-admin", on: "github.com/brightwater/payments", by: it),
    ]
  }

  private static func officeAccess(_ it: Authority) -> [Command] {
    [
      grant("staff-works", .group("staff"), "employee", on: "okta/apps", by: it),
      grant("it-administers", .group("it"), "identity-administrator", on: "okta", by: it),
      grant("security-watches", .group("security"), "security-analyst", on: "*", by: it),
      grant("support-answers", .group("support"), "support-agent", on: "okta/apps/support-desk", by: it),
      grant("sales-sells", .group("sales"), "crm-user", on: "okta/apps/crm", by: it),
      grant("leadership-reads-crm", .group("leadership"), "crm-user", on: "okta/apps/crm", by: it),
      grant("people-team-cares", .group("people-team"), "people-partner", on: "okta/apps/people", by: it),
      grant("finance-prepares-payments", .group("finance"), "bank-preparer", on: "okta/apps/bank-portal", by: it),
      grant("rafael-releases", .identity("rafael.quintero"), "bank-releaser", on: "okta/apps/bank-portal", by: it),
      grant("grace-approves-payroll", .identity("grace.oyelaran"), "payroll-approver", on: "okta/apps/payroll", by: it),
      grant("mario-prepares-payroll", .identity("mario.santoro"), "payroll-clerk", on: "okta/apps/payroll", by: it),
    ]
  }

  private static func servicesAccess(_ it: Authority) -> [Command] {
    [
      grant("payments-api-db", .identity("svc:payments-api"), "db-operator", on: "aws/prod/payments-db", by: it),
      grant("ledger-db", .identity("svc:ledger"), "db-operator", on: "aws/prod/ledger-db", by: it),
      grant("card-vault-db", .identity("svc:card-vault"), "db-operator", on: "aws/prod/card-vault", by: it),
      grant("fraud-scoring-db", .identity("svc:fraud-scoring"), "db-reader", on: "aws/prod/payments-db", by: it),
      grant("invoices-db", .identity("svc:invoices"), "db-reader", on: "aws/prod/ledger-db", by: it),
      grant("webhooks-db", .identity("svc:webhooks"), "db-reader", on: "aws/prod/payments-db", by: it),
      grant("backup-reads", .identity("svc:backup"), "db-reader", on: "aws/prod", by: it),
      grant("warehouse-loads", .identity("svc:warehouse-loader"), "db-operator", on: "aws/analytics/warehouse", by: it),
      grant("build-deploys", .identity("svc:build"), "deployer", on: "aws/prod", by: it),
      grant("build-reads-code", .identity("svc:build"), "repo-reader", on: "github.com/brightwater", by: it),
    ]
  }
}
