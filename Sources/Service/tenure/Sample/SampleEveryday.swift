import Governance
import Temporal

/// The everyday: who joined, moved, left, was on call, and what was granted for a while.
extension SampleOrganisation {
  /// Joiners, movers, leavers on their day, and one who came back.
  static let staffing: [Happening] = {
    let people = authority("kofi.mensah", reason: "new colleague", approvedBy: "judith.aaronson")
    let left = authority("kofi.mensah", reason: "last day", approvedBy: "judith.aaronson")
    let joiners = staff.compactMap { person -> Happening? in
      person.joined.map { Happening("\($0)T08:00:00Z", register(person, by: people)) }
    }
    return joiners + [
      move("chloe.martin", from: "web", to: "payments", "2024-11-04T09:00:00Z", ticket: "ENG-832"),
      move("tunde.balogun", from: "support", to: "platform", "2025-01-06T09:00:00Z", ticket: "ENG-870"),
      move("lily.chen", from: "data", to: "data-science", "2025-04-14T09:00:00Z", ticket: "ENG-958"),
      Happening("2024-10-31T17:00:00Z", retire(person("simon.baker"), by: left)),
      Happening("2025-04-30T17:00:00Z", retire(person("owen.price"), by: left)),
      Happening("2025-08-15T17:00:00Z", retire(person("george.papas"), by: left)),
      Happening("2025-06-02T08:00:00Z", register(person("simon.baker"), by: people)),
    ]
  }()

  private static func move(
    _ id: String, from old: String, to new: String, _ recordedAt: String, ticket: String
  ) -> Happening {
    let moved = authority("kofi.mensah", reason: "moves to \(new)", ticket: ticket, approvedBy: "judith.aaronson")
    return Happening(
      recordedAt, [leave(.identity(id), old, by: moved), join(.identity(id), new, by: moved)])
  }

  /// Each month somebody is on call: a membership that ends by itself when the next one's begins.
  static let onCallRota: [Happening] = {
    let turns = ["nadia.rahimi", "oscar.lind", "alice.moreau", "mei.tanaka", "fatima.elidrissi"]
    let months = (2024...2025).flatMap { year in (1...12).map { month in "\(year)-\(month < 10 ? "0" : "")\(month)" } }
    let rota = authority("viktor.hansen", reason: "on-call rota")
    return zip(months, months.dropFirst()).enumerated().map { index, month in
      // Recorded on the ninth: the founding was on the eighth of the first month.
      let (this, next) = month
      let member = Entity.identity(turns[index % turns.count])
      var turn = join(member, "on-call", until: "\(next)-09T07:00:00Z", by: rota)
      // Since the databases are asked for, the rota that gives them goes past that, and is found each time.
      turn.isUnapproved = Instant(ofStory: this + "-09") > databasesAreAskedForSince
      return Happening("\(this)-09T07:00:00Z", [turn], beside: turn.isUnapproved ? 1 : 0)
    }
  }()

  /// An auditor comes each spring, for a while; the first visit is extended.
  static let auditorsVisits: [Happening] = {
    let helen = Person("helen.brandt", "Helen Brandt", "contractors", "Auditor, Larkspur Audit", kind: .external)
    let visit = authority("lena.fischer", reason: "annual audit", ticket: "FIN-12", approvedBy: "rafael.quintero")
    let longer = authority(
      "lena.fischer", reason: "the audit takes two weeks longer", ticket: "FIN-19", approvedBy: "rafael.quintero")
    let again = authority("lena.fischer", reason: "annual audit", ticket: "FIN-104", approvedBy: "rafael.quintero")
    let evidence = authority(nil, reason: "came to its end by itself")
    let end = Instant(ofStory: "2024-04-26T18:00:00Z")
    return [
      Happening(
        "2024-03-11T09:00:00Z",
        register(helen, by: visit) + [
          grant(
            "audit-2024", .identity(helen.id), "auditor", on: "aws/prod/ledger-db", until: "2024-04-12T18:00:00Z", by: visit)
        ]),
      Happening(
        "2024-04-10T14:00:00Z", [Command(.assignmentExtended(id: "audit-2024", expiresAt: end), authority: longer)]),
      Happening(
        "2024-04-27T00:05:00Z", [Command(.assignmentExpired(id: "audit-2024"), effectiveAt: end, authority: evidence)]),
      Happening(
        "2025-03-10T09:00:00Z",
        [
          grant(
            "audit-2025", .identity(helen.id), "auditor", on: "aws/prod/ledger-db", until: "2025-04-11T18:00:00Z", by: again)
        ]),
    ]
  }()

  /// A colleague on leave keeps every right, and can use none.
  static let parentalLeave: [Happening] = {
    let leave = authority("kofi.mensah", reason: "parental leave", approvedBy: "judith.aaronson")
    let back = authority("kofi.mensah", reason: "back from parental leave", approvedBy: "judith.aaronson")
    let both = ["github:ydemir", "yusuf.demir"]
    return [
      Happening("2025-03-03T08:00:00Z", both.map { Command(.identitySuspended(id: $0), authority: leave) }),
      Happening("2025-09-01T08:00:00Z", both.map { Command(.identityResumed(id: $0), authority: back) }),
    ]
  }()

  /// What was granted for hours or months, and ended as it said.
  static let temporaryAccess: [Happening] = {
    let ines = Person("ines.carvalho", "Inês Carvalho", "contractors", "Designer, self-employed", kind: .external)
    let design = authority("patrick.doyle", reason: "new checkout", ticket: "IT-1688", approvedBy: "emma.laurent")
    let outage = authority(
      "viktor.hansen", reason: "ledger is down, tables must be repaired", ticket: "INC-52", approvedBy: "ingrid.solberg")
    let cover = authority(
      "rafael.quintero", reason: "covers for Grace's holiday", ticket: "FIN-128", approvedBy: "margaret.holt")
    let migration = authority(
      "ben.whitaker", reason: "moves payments-db to its new server", ticket: "ENG-1090", approvedBy: "viktor.hansen")
    return [
      Happening(
        "2024-08-12T09:00:00Z",
        register(ines, by: design) + [
          grant(
            "ines-designs", .identity(ines.id), "repo-writer", on: "github.com/brightwater/web",
            until: "2024-12-20T18:00:00Z", by: design)
        ]),
      Happening(
        "2024-08-21T23:10:00Z",
        [
          grant(
            "nadia-repairs-ledger", .identity("nadia.rahimi"), "db-administrator", on: "aws/prod/ledger-db",
            until: "2024-08-22T03:10:00Z", by: outage)
        ]),
      Happening("2024-12-20T18:30:00Z", retire(ines, by: authority("patrick.doyle", reason: "contract has ended"))),
      Happening(
        "2025-08-04T08:00:00Z",
        [
          grant(
            "dmitri-covers-payroll", .identity("dmitri.volkov"), "payroll-approver", on: "okta/apps/payroll",
            until: "2025-08-25T08:00:00Z", by: cover)
        ]),
      Happening(
        "2025-11-03T09:00:00Z",
        [
          grant(
            "sofia-migrates", .identity("sofia.kovacs"), "db-operator", on: "aws/prod/payments-db",
            until: "2025-12-19T18:00:00Z", by: migration)
        ]),
      Happening(
        "2025-12-19T16:00:00Z",
        [revoke("sofia-migrates", by: authority("ben.whitaker", reason: "done before its end", ticket: "ENG-1090"))]),
    ]
  }()
}
