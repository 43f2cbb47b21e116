import Governance
import JSON
import Temporal

/// The plot: what went wrong at Brightwater, one property a line of it.
extension SampleOrganisation {
  /// A contractor is made administrator of the wrong database, uses it at night, and is found weeks later.
  static let contractorMadeAdministrator: [Happening] = {
    let pavel = Person(
      "pavel.novak", "Pavel Novák", "contractors", "Reporting consultant, Quillmark", kind: .external)
    let welcome = authority(
      "patrick.doyle", reason: "reporting project", ticket: "IT-2204", approvedBy: "anders.nyberg")
    let analyst = grant(
      "pavel-analyses", .identity(pavel.id), "warehouse-analyst", on: "aws/analytics/warehouse", until: "2025-06-30T18:00:00Z",
      by: welcome)
    // Ticket IT-2231 asked for aws/staging/payments-db. Nobody approved what was typed.
    let mistake = grant(
      "pavel-rehearses", .identity(pavel.id), "db-administrator", on: "aws/prod/payments-db",
      by: authority(
        "patrick.doyle", reason: "administrator of payments-db in staging, to rehearse the export", ticket: "IT-2231"))
    let finding = Finding(
      rule: "privileged_use_at_night", subject: .identity(pavel.id),
      evidence: [
        "action": "db:Export", "resource": "aws/prod/payments-db", "assignment": "pavel-rehearses",
        "sessions": ["2025-03-14T02:11:08Z", "2025-03-14T02:30:41Z", "2025-03-21T01:52:17Z"],
      ])
    let incident = authority("katarina.novotna", reason: "found while reading the database's log", ticket: "SEC-118")
    let remedy = authority(
      "lena.fischer", reason: "granted on production by mistake; IT-2231 asked for staging", ticket: "SEC-118",
      approvedBy: "katarina.novotna")
    return [
      Happening("2025-01-13T09:00:00Z", register(pavel, by: welcome) + [analyst]),
      Happening("2025-02-17T16:48:00Z", [mistake]),
      Happening("2025-04-02T15:37:00Z", [Command(.findingRaised(finding), authority: incident)]),
      Happening("2025-04-03T09:12:00Z", [revoke("pavel-rehearses", by: remedy)]),
      Happening("2025-04-03T09:20:00Z", [Command(.identitySuspended(id: pavel.id), authority: remedy)]),
      Happening("2025-04-11T12:00:00Z", retire(pavel, by: remedy)),
    ]
  }()

  /// A leaver's access should have ended on a Friday evening; it did six days later.
  static let leaverForgotten: [Happening] = {
    let late = authority(
      "stella.andreou", reason: "last day was 27 June; the notice of leaving went to a mailbox that nobody reads",
      ticket: "IT-2519", approvedBy: "judith.aaronson")
    let orphan = authority("alice.moreau", reason: "its owner has left", ticket: "IT-2519")
    let dueAt = Instant(ofStory: "2025-06-27T17:00:00Z")
    return [
      Happening("2025-07-03T17:00:00Z", retire(person("daniel.okafor"), dueAt: dueAt, by: late)),
      Happening("2025-07-04T08:30:00Z", [service("svc:webhooks", owner: "jonas.weber", revises: true, by: orphan)]),
    ]
  }()

  /// The bank gives a right on a telephone call; Tenure learns of it three weeks later, from the bank's list of users.
  static let grantLearntLate: [Happening] = {
    let learnt = authority(
      "rafael.quintero", reason: "asked for by telephone; found in the bank's list of users for the third quarter",
      ticket: "FIN-77")
    let over = authority("rafael.quintero", reason: "two signatures are asked for now", ticket: "FIN-91")
    return [
      Happening(
        "2024-10-29T11:15:00Z",
        [
          grant(
            "tomas-releases", .identity("tomas.berg"), "bank-releaser", on: "okta/apps/bank-portal",
            from: "2024-10-07T08:00:00Z", by: learnt)
        ]),
      Happening("2025-01-31T16:00:00Z", [revoke("tomas-releases", by: over)]),
    ]
  }()

  /// A grant is recorded for maria.santos that was mario.santoro's; three days later the record is voided.
  static let wrongRecordVoided: [Happening] = {
    let recorded = authority(
      "stella.andreou", reason: "deputy for payroll", ticket: "IT-1450", approvedBy: "grace.oyelaran")
    let corrected = authority(
      "stella.andreou", reason: "IT-1450 was recorded for maria.santos by mistake; in Okta it was given to mario.santoro",
      ticket: "IT-1462", approvedBy: "grace.oyelaran")
    var correction = Happening(
      "2024-06-13T09:05:00Z",
      [
        grant(
          "mario-approves-payroll", .identity("mario.santoro"), "payroll-approver", on: "okta/apps/payroll",
          from: "2024-06-10T14:20:00Z", by: corrected)
      ])
    correction.voidedGrant = "maria-approves-payroll"
    correction.voiding = corrected
    return [
      Happening(
        "2024-06-10T14:20:00Z",
        [
          grant(
            "maria-approves-payroll", .identity("maria.santos"), "payroll-approver", on: "okta/apps/payroll", by: recorded)
        ]),
      correction,
    ]
  }()

  /// A role gets a powerful permission for a busy fortnight, and keeps it for ten months.
  static let roleThatGrew: [Happening] = {
    let busy = authority(
      "hugo.lefevre", reason: "refunds without asking finance, for the sales of November only", ticket: "SUP-340")
    let reviewed = authority(
      "katarina.novotna", reason: "found in the quarterly review; refunds become a role of their own", ticket: "SEC-141",
      approvedBy: "rafael.quintero")
    return [
      Happening(
        "2024-11-12T10:02:00Z",
        [role("support-agent", ["ticket.answer", "customer.view", "refund.issue"], revises: true, by: busy)]),
      Happening(
        "2025-09-09T13:30:00Z",
        [
          role("support-agent", ["ticket.answer", "customer.view"], revises: true, by: reviewed),
          role("refund-desk", ["refund.issue"], by: reviewed),
          grant("hugo-refunds", .identity("hugo.lefevre"), "refund-desk", on: "okta/apps/support-desk", by: reviewed),
          grant("zara-refunds", .identity("zara.khan"), "refund-desk", on: "okta/apps/support-desk", by: reviewed),
        ]),
    ]
  }()

  /// A team is put into another for one project: it was meant to share code, and shared a database too.
  static let teamInATeam: [Happening] = {
    let project = authority(
      "alice.moreau", reason: "project Harbour: data scientists write to the payments repository", ticket: "ENG-804",
      approvedBy: "ingrid.solberg")
    let over = authority("alice.moreau", reason: "project Harbour is done", ticket: "ENG-951")
    return [
      Happening("2024-09-16T08:45:00Z", [join(.group("data-science"), "payments", by: project)]),
      Happening("2025-03-31T15:00:00Z", [leave(.group("data-science"), "payments", by: over)]),
    ]
  }()

  /// One night the records of Okta are incomplete, and Tenure says so.
  static let breakInCoverage: [Happening] = {
    let gap = authority(
      "lena.fischer", reason: "Okta was mended by hand during an outage; what was changed there was not recorded",
      ticket: "IT-2433")
    let until = Instant(ofStory: "2025-05-11T06:30:00Z")
    return [
      Happening(
        "2025-05-12T09:00:00Z",
        [
          Command(
            .coverageGap(source: source, resource: "okta", until: until),
            effectiveAt: Instant(ofStory: "2025-05-10T22:00:00Z"), authority: gap)
        ])
    ]
  }()
}
