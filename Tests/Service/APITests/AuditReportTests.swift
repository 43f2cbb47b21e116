import AccessGraph
import EventLog
import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing
import Usage

@testable import API

/// Reports: their rows against the naive fold, their files against Python's csv module, their manifests against themselves.
@Suite struct AuditReportTests {
  /// A report's rows by column, its files' bytes and its manifest.
  struct Made {
    var rows: [[String: JSONValue]]
    var csv: [UInt8]
    var json: [UInt8]
    var manifest: ReportManifest

    /// One column of all rows; null where nothing is recorded.
    func column(_ name: String) -> [JSONValue] { rows.map { $0[name] ?? .null } }
  }

  static func make(
    _ name: String, _ questions: Questions, at: Instant? = nil, during: Interval? = nil, asKnownAt: AsKnownAt = .head,
    _ parameters: [String: String] = [:], sample: ReportQuestion.Sample? = nil
  ) throws -> Made {
    let report = try #require(AuditReport.named(name))
    let files = try questions.report(
      report, at: at, during: during, asKnownAt: asKnownAt, parameters: parameters, sample: sample, formats: [.csv, .json])
    return try take(files)
  }

  static func take(_ files: ReportFiles) throws -> Made {
    var (csv, json): ([UInt8], [UInt8]) = ([], [])
    while let pieces = try files.next() {
      csv += pieces[0]
      json += pieces[1]
    }
    let document = try JSONValue(parsing: json)
    let rows = try #require(document["rows"]?.arrayValue).map { row in
      Dictionary(uniqueKeysWithValues: (row.objectValue ?? JSONObject()).map { ($0.name, $0.value) })
    }
    return Made(
      rows: rows, csv: csv, json: json,
      manifest: try files.manifest(ranBy: "test", at: try Instant(rfc3339: "2024-05-01T00:00:00Z")))
  }

  /// What every report needs to be asked for in the small organisation.
  static let parameters: [String: [String: String]] = [
    "access-to-resource": ["action": "repo.admin", "resource": "acme/site"], "access-of-identity": ["identity": "alice"],
    "decision": ["identity": "alice", "action": "repo.admin", "resource": "acme/site"],
  ]

  @Test func `access to a resource is listed with every path and who gave it`() async throws {
    let organisation = try await Organisation.told()
    let questions = try organisation.questions
    let made = try Self.make("access-to-resource", questions, Self.parameters["access-to-resource"] ?? [:])
    #expect(made.column("identity") == ["alice"])
    #expect(made.column("status") == ["allowed"])
    #expect(
      made.column("path") == [
        "identity:alice → group:team → group:department → assignment:site (admin on acme/site) → permission 0 of role:admin"
      ])
    #expect(made.manifest.isReconciled)
    #expect(made.manifest.totals.map(\.report) == [1])
  }

  @Test func `who left is listed with when it was due and how late each grant ended`() async throws {
    let organisation = try await Organisation.told()
    let questions = try organisation.questions
    let made = try Self.make("leavers", questions)
    #expect(made.column("identity") == ["leo"])
    #expect(made.column("late_seconds") == [518_400])
    #expect(made.column("grant") == ["leos"])
    #expect(made.column("grant_late_seconds") == [518_400])
    #expect(made.column("ticket") == ["hr:HR-7"])
    let backdated = try Self.make("backdated", questions)
    #expect(backdated.column("entity") == ["assignment:late"])
    #expect(backdated.column("lag_seconds") == [518_400])
  }

  @Test func `what was done first, the approval or the grant, is told`() async throws {
    let organisation = try await Organisation.told()
    let authority = #""actor":{"id":"eve"},"authorised_by":{"approver":"eve","at":"2024-03-02T00:00:00Z","reference":"mail"}"#
    try await organisation.client.post(
      "/v1/assignments", #"{"id":"after","principal":"identity:bob","role":"viewer","scope":"acme",\#(authority)}"#
    ).expect(201)
    let made = try Self.make(
      "joiners", organisation.questions, during: Interval(from: try Instant(rfc3339: "2024-03-01T00:00:00Z")))
    #expect(made.column("subject") == ["after"])
    #expect(made.column("flags") == [["approved_after_grant", "approved_by_granter", "approval_asserted"]])
  }

  @Test func `each kind of evidence that auditors ask for has its report`() {
    let numbers = Set(AuditReport.all.map(\.number))
    let wanted = Set((1...18).map { "R\($0)" } + ["R20", "R24", "R26"])
    #expect(numbers == wanted)
    #expect(Set(AuditReport.all.map(\.name)).count == AuditReport.all.count)
  }

  @Test func `a review is reported item by item, and what no review decided is listed when it is due`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    for id in ["carla", "dora"] { try await client.post("/v1/identities", #"{"id":"\#(id)","kind":"person"}"#).expect(201) }
    try await client.post(
      "/v1/reviews",
      #"{"id":"q1","scope":"acme/vault","reviewers":["identity:carla"],"escalation":["identity:dora"],"signs_off":["identity:dora"]}"#
    ).expect(201)
    try organisation.clock.set("2024-03-02T00:00:00Z")
    try await client.post("/v1/reviews/q1/decide_many", #"{"by":"carla","decision":"keep","reason":"the rota"}"#).expect(200)
    try organisation.clock.set("2024-03-03T00:00:00Z")
    try await client.post(
      "/v1/reviews/q1/decide", #"{"item":"assignment:late","decision":"revoke","by":"carla","reason":"told by mail only"}"#
    ).expect(200)
    try await client.post("/v1/reviews/q1/sign_off", #"{"by":"dora"}"#).expect(200)
    try await client.post("/v1/reviews/q1/close", "{}").expect(200)
    try organisation.clock.set("2024-03-05T00:00:00Z")
    try await client.post("/v1/reviews/q1/execute", #"{"item":"assignment:late"}"#).expect(200)
    let questions = try organisation.questions
    let made = try Self.make("reviews", questions, ["review": "q1"])
    #expect(made.manifest.isReconciled && made.rows.count == 2)
    #expect(made.column("item") == ["assignment:bobs", "assignment:late"])
    #expect(made.column("decision") == ["keep", "revoke"])
    #expect(made.column("bulk") == [true, false])
    #expect(made.column("rationale") == ["the rota", "told by mail only"])
    #expect(made.column("verified") == [true, true])
    #expect(made.column("delay_seconds") == [.null, 172_800])
    #expect(made.column("signed_off_by") == ["dora", "dora"])
    let executing = try #require(made.rows[1]["executing_event"]?.integerValue)
    #expect(try questions.tenant.events(at: [executing]).first?.event.change.type == "assignment.revoked")
    let all = try Self.make("reviews", questions)
    // Three decisions, one of which was changed.
    #expect(all.manifest.totals.map(\.log) == [2, 3])
    #expect(all.manifest.isReconciled)
    // Half a year later the one that was kept is due, and so is what no review was about.
    try organisation.clock.set("2024-09-01T00:00:00Z")
    let due = try Self.make("unreviewed", questions)
    let rows = Dictionary(uniqueKeysWithValues: zip(due.column("grant").compactMap(\.stringValue), due.column("verdict")))
    #expect(rows["bobs"] == "overdue" && rows["site"] == "never_reviewed")
    #expect(rows["late"] == nil)
    #expect(try Self.make("unreviewed", questions, ["days": "400"]).rows.isEmpty)
    let roles = try Self.make("roles", questions)
    #expect(
      zip(roles.column("role"), roles.column("last_review")).contains { $0 == "viewer" && $1 == "2024-03-02T00:00:00.000000Z" })
  }

  @Test func `who left is listed with the keys that work on, and with whether it was in time`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try await client.post("/v1/credentials", #"{"id":"K1","kind":"key","identity":"bob","holder":"bob"}"#).expect(201)
    try organisation.clock.set("2024-03-02T00:00:00Z")
    try await client.post("/v1/identities/bob/retire", #"{"due_at":"2024-03-01T18:00:00Z"}"#).expect(200)
    let march = Interval(from: try Instant(rfc3339: "2024-03-01T00:00:00Z"))
    let late = try Self.make("leavers", organisation.questions, during: march)
    let kinds = Dictionary(uniqueKeysWithValues: zip(late.column("grant").compactMap(\.stringValue), late.column("sla_breach")))
    #expect(kinds == ["bobs": false, "late": false, "K1": true])
    try organisation.clock.set("2024-03-02T06:00:00Z")
    try await client.post("/v1/credentials/K1/revoke", "").expect(200)
    let revoked = try Self.make("leavers", organisation.questions, during: march)
    #expect(revoked.rows.last?["grant_late_seconds"] == 43_200)
    #expect(revoked.column("sla_breach") == [false, false, false])
    let strict = try Self.make("leavers", organisation.questions, during: march, ["sla_seconds": "21600"])
    #expect(strict.rows.last?["sla_breach"] == true && strict.rows.first?["sla_breach"] == false)
  }

  @Test func `whether something was used before anybody knew is told, and what was used last`() async throws {
    let organisation = try await Organisation.told()
    let questions = try organisation.questions
    func use(_ id: String, _ at: String, _ who: String) throws {
      let record = UsageRecord(
        id: id, at: try Instant(rfc3339: at), identity: who, action: "repo.admin", resource: "acme/vault")
      _ = try UsageStore(questions.tenant).record([record], source: "trail")
    }
    #expect(try Self.make("backdated", questions).column("used_before_recorded") == [false])
    try use("u1", "2024-02-03T10:00:00Z", "bob")
    try use("u2", "2024-02-20T10:00:00Z", "bob")
    let backdated = try Self.make("backdated", questions)
    #expect(backdated.column("used_before_recorded") == [true])
    #expect(backdated.column("last_use_before_recorded") == ["2024-02-03T10:00:00.000000Z"])
    let identities = try Self.make("identities", questions, at: try Instant(rfc3339: "2024-02-20T09:00:00Z"))
    #expect(identities.rows.first { $0["identity"] == "bob" }?["last_use"] == "2024-02-03T10:00:00.000000Z")
    let privileged = try Self.make("privileged", questions)
    #expect(privileged.rows.first { $0["grant"] == "late" }?["last_use"] == "2024-02-20T10:00:00.000000Z")
    #expect(privileged.rows.first { $0["grant"] == "site" }?["last_use"] == .null)
    let dormant = try Self.make("dormant", questions, ["days": "5"])
    #expect(dormant.rows.first { $0["subject"] == "late" }?["verdict"] == "not_observable")
    #expect(try Self.make("dormant", questions, ["days": "30"]).rows.contains { $0["subject"] == "late" } == false)
  }

  @Test func `who comes to an access by becoming another is listed beside who has it`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try await client.post("/v1/roles", #"{"id":"assume","permissions":[{"actions":["identity:assume"]}]}"#).expect(201)
    try await client.post(
      "/v1/assignments", #"{"id":"trust","principal":"identity:bob","role":"assume","scope":"identity/alice"}"#
    ).expect(201)
    let made = try Self.make("access-to-resource", organisation.questions, Self.parameters["access-to-resource"] ?? [:])
    #expect(made.column("identity") == ["alice", "bob"])
    #expect(made.column("by_becoming") == [[], ["alice"]])
    #expect(made.manifest.isReconciled)
  }

  @Test func `what keeps duties apart is listed with who broke it and who accepted that`() async throws {
    let organisation = try await Organisation.told()
    let client = organisation.client
    try await client.post(
      "/v1/policies",
      #"{"id":"apart","policy_type":"separation_of_duties","rule":{"roles":["viewer","admin"],"standing":"record"}}"#
    ).expect(201)
    let found = try #require(
      try await client.get("/v1/findings?rule=separation_of_duties").json["findings"]?.arrayValue?.first { finding in
        finding["subject"] == "identity:bob"
      })
    let id = try #require(found["id"]?.stringValue)
    try await client.post(
      "/v1/findings/\(id)/accept", #"{"until":"2024-06-01T00:00:00Z","reason":"until the autumn","actor":{"id":"alice"}}"#
    ).expect(200)
    let made = try Self.make("separation-of-duties", organisation.questions)
    #expect(made.column("what").first == "rule")
    let breach = try #require(made.rows.first { $0["what"] == "breach" && $0["identity"] == "bob" })
    #expect(breach["accepted_by"] == "alice")
    #expect(breach["accepted_until"] == "2024-06-01T00:00:00.000000Z")
    #expect(made.manifest.isReconciled)
  }

  @Test func `every report runs, agrees with the log, and gives the same bytes again after the world went on`() async throws {
    let organisation = try await Organisation.told()
    let questions = try organisation.questions
    let made = try AuditReport.all.map { try Self.make($0.name, questions, Self.parameters[$0.name] ?? [:]) }
    let differing = made.filter { !$0.manifest.isReconciled }.map(\.manifest.question.report)
    #expect(differing.isEmpty)
    let filled = made.filter { !$0.rows.isEmpty }.count
    #expect(filled >= 12, "reports that are only empty prove nothing")
    try await organisation.client.post(
      "/v1/assignments",
      #"{"id":"m","principal":"identity:bob","role":"admin","scope":"*","effective_at":"2024-01-02T00:00:00Z","reason":"told late"}"#
    ).expect(201)
    try await organisation.client.post("/v1/events/5/void", #"{"reason":"a mistake"}"#).expect(200)
    for before in made {
      let asked = try ReportManifest.reading(try JSONValue(parsing: before.manifest.json()))
      #expect(asked.question == before.manifest.question)
      let after = try Self.take(try questions.report(asked.question, formats: [.csv, .json]))
      #expect(after.manifest.files == asked.files, "\(asked.question.report)")
      #expect(after.csv == before.csv)
    }
    // As known now it is another answer: the test can fail.
    let now = try Self.make("access-to-resource", questions, Self.parameters["access-to-resource"] ?? [:])
    #expect(now.column("identity") == ["bob"] || now.rows.count > 1)
  }

  @Test func `a spreadsheet reads the same cells, and takes none for a formula`() async throws {
    let organisation = try await Organisation.told()
    let ids = ["=1+1", "+cmd", "-x", "@SUM(A1)", "  =spaced", "say \"hi\", twice", "caf\u{E9}", "'quoted"]
    for id in ids {
      try await organisation.client.post("/v1/identities", #"{"id":"\#(id.replacing("\"", with: "\\\""))","kind":"person"}"#)
        .expect(201)
    }
    let made = try Self.make("identities", organisation.questions)
    let read = try Self.csvRows(made.csv)
    #expect(read.count == made.rows.count + 1)
    let report = try #require(AuditReport.named("identities"))
    #expect(read.first == report.columns)
    for (cells, row) in zip(read.dropFirst(), made.rows) {
      let id = try #require(row["identity"]?.stringValue)
      let isFormula = id.drop { $0 == " " }.first.map { "=+-@".contains($0) } ?? false
      #expect(cells[0] == (isFormula ? "'" : "") + id)
      #expect(cells[2] == row["state"]?.stringValue)
      #expect(Int64(cells[7]) == row["grants"]?.integerValue)
    }
    // Quotes, commas and line ends of a text stay what they are.
    let reason = "first\r\nsecond, \"third\"\n"
    var body = JSONWriter()
    body.value(["id": "told", "kind": "person", "reason": .string(reason)])
    try await organisation.client.post("/v1/identities", String(decoding: body.take(), as: UTF8.self)).expect(201)
    let reasons = try Self.csvRows(try Self.make("joiners", organisation.questions).csv).map { $0[$0.count - 2] }
    #expect(reasons.contains(reason))
    let formulas = read.dropFirst().filter { "=+-@".contains($0[0].first ?? " ") }
    #expect(formulas.isEmpty)
  }

  @Test func `usage counts up to the moment and within the stretch, not to the end of its day`() async throws {
    let organisation = try await Organisation.told()
    let questions = try organisation.questions
    func instant(_ text: String) throws -> Instant { try Instant(rfc3339: text) }
    func use(_ id: String, _ at: String, _ outcome: UsageOutcome) throws -> UsageRecord {
      UsageRecord(
        id: id, at: try instant(at), identity: "alice", action: "repo.read", resource: "acme/site", outcome: outcome)
    }
    _ = try UsageStore(questions.tenant).record(
      [
        use("1", "2024-02-10T08:00:00Z", .allowed), use("2", "2024-02-10T10:00:00Z", .allowed),
        use("3", "2024-02-10T12:00:00Z", .allowed), use("4", "2024-02-09T12:00:00Z", .denied),
        use("5", "2024-02-10T13:00:00Z", .denied),
      ], source: "trail")
    for isRolledUp in [false, true] {
      if isRolledUp {
        try questions.tenant.withConnection { try UsageRollUp.rollUpMarkedDays(of: questions.tenant.id, on: $0) }
      }
      // Whoever did something before the moment is not dormant for what was done after it.
      for (at, last) in [
        ("2024-02-10T09:00:00Z", "2024-02-10T08:00:00.000000Z"), ("2024-02-10T11:00:00Z", "2024-02-10T10:00:00.000000Z"),
        ("2024-02-10T12:00:00Z", "2024-02-10T12:00:00.000000Z"),
      ] {
        #expect(
          try UsageStore(questions.tenant).lastUses(of: ["alice"], through: instant(at)) == ["alice": instant(last)], "\(at)")
        let dormant = try Self.make("dormant", questions, at: instant(at), ["days": "1"])
        #expect(!dormant.column("identity").contains("alice"), "\(at)")
      }
      // The first instant after a stretch is not in it, nor is its day.
      let tried = try Self.make(
        "denied-attempts", questions,
        during: Interval(from: instant("2024-02-09T00:00:00Z"), to: instant("2024-02-10T00:00:00Z")))
      #expect(tried.column("day") == ["2024-02-09T00:00:00.000000Z"])
    }
  }

  @Test func `a sample is the same again, another by another seed, and in the report's order`() async throws {
    let organisation = try await Organisation.told()
    for index in 0..<60 {
      try await organisation.client.post("/v1/identities", #"{"id":"p\#(index)","kind":"person"}"#).expect(201)
    }
    func draw(_ seed: String, _ size: Int) throws -> Made {
      try Self.make("identities", organisation.questions, sample: ReportQuestion.Sample(size: size, seed: seed))
    }
    let all = try Self.make("identities", organisation.questions).column("identity")
    let first = try draw("2024-Q1", 25)
    #expect(first.rows.count == 25)
    #expect(first.manifest.rows == 25)
    let again = try draw("2024-Q1", 25)
    #expect(again.csv == first.csv)
    let other = try draw("2024-Q2", 25)
    #expect(other.csv != first.csv)
    let drawn = first.column("identity")
    let inOrder = all.filter { drawn.contains($0) }
    #expect(inOrder == drawn)
    let whole = try draw("2024-Q1", 10_000)
    #expect(whole.column("identity") == all)
  }

  @Test func `what makes no sense is refused with its name`() async throws {
    let client = try await Organisation.told().client
    try await client.get("/v1/reports/nonsense").expect(404)
    try await client.get("/v1/reports/access-to-resource").expect(400, "action")
    try await client.get("/v1/reports/identities?identity=bob").expect(400, "identity")
    try await client.get("/v1/reports/identities?format=xls").expect(400, "format")
    try await client.get("/v1/reports/identities?sample=5").expect(400, "seed")
    try await client.get("/v1/reports/backdated?lag_seconds=-1").expect(400, "lag_seconds")
    try await client.get("/v1/reports").expect(200, #""name":"joiners""#)
    try await client.get("/v1/reports/identities?format=csv").expect(200, "identity,kind,state", "alice,person,active")
    try await client.get("/v1/reports/identities/manifest").expect(200, #""agrees":true"#, #""name":"identities.csv""#)
  }

  static func csvRows(_ csv: [UInt8]) throws -> [[String]] {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["python3", URL(filePath: #filePath).deletingLastPathComponent().appending(path: "csv_rows.py").path]
    let (input, output) = (Pipe(), Pipe())
    (process.standardInput, process.standardOutput) = (input, output)
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: Data(csv))
    try input.fileHandleForWriting.close()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    let rows = try #require(try JSONValue(parsing: Array(bytes)).arrayValue)
    return rows.map { ($0.arrayValue ?? []).compactMap(\.stringValue) }
  }
}

extension Organisation {
  /// Questions about it that go past the API.
  var questions: Questions {
    get throws { Questions(tenant: try #require(client.store.store.loaded(tenant: client.tenant))) }
  }
}
