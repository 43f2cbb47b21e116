import JSON
import AccessGraph
import Cryptography
import Dispatch
import EventLog
import Governance
import Postgres
import Synchronization
import Temporal
import TestSupport
import Testing

@testable import Relations

/// A rebuild finds what differs and mends it, while others write.
@Suite(.serialized) struct RebuildTests {
  let name = ScratchDatabase.tenantName()
  let store: EventStore
  let tenant: Tenant
  let connection: Connection
  let superuser: Connection

  init() throws {
    store = try ScratchDatabase.store()
    tenant = try store.create(tenant: name)
    connection = try ScratchDatabase.connect()
    superuser = try ScratchDatabase.connectAsSuperuser()
  }

  private func rebuild(_ progress: (Int64, Int64) -> Void = { _, _ in }) throws -> RebuildReport {
    try Rebuild(tenant: tenant.id) { body, position in try EventCodec.decode(Array(body.utf8), at: position) }
      .run(on: connection, progress: progress)
  }

  private func generation() throws -> Int64 {
    try connection.query("SELECT generation FROM tenure.head WHERE tenant_id = \(tenant.id)")[0].int64(0)
  }

  /// Fills the log with whatever the rules let through.
  private func fill(seed: UInt64, count: Int) throws {
    let submissions = RandomCommands.commands(seed: seed, count: count).map { command, mode in
      Submission(
        mode: mode, source: mode == .governed ? "api" : "connector", basis: mode == .governed ? .enforced : .observed,
        recordedBy: Recorder(id: "test", authentication: "local"), commands: [command])
    }
    let recorded = try tenant.append(submissions).filter { if case .success = $0 { true } else { false } }
    #expect(recorded.count > count / 4, "seed \(seed): too few commands were let through")
  }

  /// Gaps, each a fact of its own by its first instant, policies and resources: random commands leave hardly any.
  private func recordRareKinds() throws {
    let changes: [Change] =
      [.sourceRegistered(id: "gappy", attributes: [:]), .coverageBegan(source: "gappy", resource: "*", expiresAt: nil)]
      + (1...6).map {
        .coverageGap(source: "gappy", resource: "gaps/\($0)", until: Instant(microseconds: 5_000_000_000_000_000))
      }
      + (1...6).map {
        let policy = PolicyDocument(type: .deny, rule: ["actions": ["a.\($0)"]])
        return .policyDefined(id: "rare", policy: policy, attributes: [:])
      } + (1...6).map { .resourceDescribed(path: "rare/\($0)", attributes: [:]) }
      + (1...6).map {
        .credentialIssued(id: "rare-\($0)", CredentialDocument(kind: .session, identity: "rare-role"), attributes: [:])
      } + findings
    try tenant.submitAndWait(
      Submission(
        mode: .observation, source: "connector", basis: .observed,
        recordedBy: Recorder(id: "test", authentication: "local"),
        commands: changes.map { Command($0, authority: Authority(reason: "rare")) }))
    try recordRequests()
    try recordReviews()
  }

  /// Reviews, each with a decision.
  private func recordReviews() throws {
    func send(_ changes: [Change]) throws {
      try tenant.submitAndWait(
        Submission(
          mode: .governed, source: "api", basis: .declared, recordedBy: Recorder(id: "test", authentication: "local"),
          commands: changes.map { Command($0) }))
    }
    let member = Entity.identity("rare-requester")
    try send([.membershipAdded(group: "rare-staff", member: member, expiresAt: nil)])
    let terms = ReviewTerms(
      query: ReviewQuery(groups: ["rare-staff"]), reviewers: [.named(.identity("rare-approver"))])
    let ids = (1...6).map { "rare-\($0)" }
    try send(ids.map { .review(id: $0, .opened, by: nil, nil, Review(step: .opened, terms: terms)) })
    let item = GrantName.membership(group: "rare-staff", member: member)
    try send(
      ids.map { .reviewItem(review: $0, item, .decided, by: "rare-approver", ReviewItemOrder(choice: .keep), nil) })
  }

  /// Findings, each accepted.
  private var findings: [Change] {
    (1...6).flatMap { number -> [Change] in
      let finding = Finding(rule: "empty_group", subject: .group("rare-\(number)"), evidence: [:])
      // Ahead of any clock of this test's.
      return [.findingRaised(finding), .findingAccepted(id: finding.id, until: tenant.now.adding(microseconds: 3_600_000_000))]
    }
  }

  /// Access requests, which are asked for and not observed.
  private func recordRequests() throws {
    let rule: JSONValue = [
      "groups": ["rare"], "approvers": ["identity:rare-approver"], "longest_seconds": 60, "approves_itself": false,
    ]
    let beginnings: [Change] = [
      .identityRegistered(id: "rare-requester", kind: .person, attributes: [:]),
      .identityRegistered(id: "rare-approver", kind: .person, attributes: [:]), .groupCreated(id: "rare", attributes: [:]),
      .groupCreated(id: "rare-staff", attributes: [:]),
      .policyDefined(id: "rare-elevation", policy: PolicyDocument(type: .elevation, rule: rule), attributes: [:]),
    ]
    let terms = RequestTerms(
      requester: "rare-requester", proposal: .membership(group: "rare", member: .identity("rare-requester")),
      policy: "rare-elevation", durationSeconds: 60)
    let requests = (1...6).map {
      Change.request(id: "rare-\($0)", .submitted, by: nil, AccessRequest(step: .submitted, terms: terms))
    }
    try tenant.submitAndWait(
      Submission(
        mode: .governed, source: "api", basis: .declared, recordedBy: Recorder(id: "test", authentication: "local"),
        commands: (beginnings + requests).map { Command($0) }))
  }

  private static func joining(_ person: String, _ group: String) -> Submission {
    let changes: [Change] = [
      .identityRegistered(id: person, kind: .person, attributes: [:]), .groupCreated(id: group, attributes: [:]),
      .membershipAdded(group: group, member: .identity(person), expiresAt: nil),
      .membershipRemoved(group: group, member: .identity(person)),
    ]
    return Submission(
      mode: .governed, source: "api", basis: .enforced, recordedBy: Recorder(id: "test", authentication: "local"),
      commands: changes.map { Command($0) })
  }

  @Test func `what the log wrote is what a rebuild folds`() throws {
    for seed: UInt64 in 0..<4 {
      try fill(seed: seed, count: 250)
      let report = try rebuild()
      #expect(report.isClean, "seed \(seed): \(report.differences)")
      #expect(report.events == tenant.head.position)
    }
    #expect(try generation() == 0)
  }

  @Test func `planted differences are found in every table and mended, and the next rebuild finds none`() throws {
    try fill(seed: 7, count: 1_500)
    try recordRareKinds()
    let before = try fingerprint()
    var expected: [String: [Int64]] = [:]
    for table in RelationTable.all { expected[table.name] = try plant(in: table) }
    expected[RolePermissionRow.table] = try plantInPermissions()

    let report = try rebuild()
    #expect(Dictionary(uniqueKeysWithValues: report.differences.map { ($0.table, [$0.missing, $0.extra]) }) == expected)
    #expect(report.differences.allSatisfy { !$0.examples.isEmpty })
    #expect(try generation() == 1)
    #expect(try fingerprint() == before)
    #expect(try rebuild().isClean)
    #expect(try generation() == 1)
  }

  @Test func `an append that meets damaged tables is recorded and alarms, and a rebuild mends them`() throws {
    let alarms = Mutex<[Alarm]>([])
    let watched = try ScratchDatabase.store(EventStore.Settings(alarm: { alarm in alarms.withLock { $0.append(alarm) } }))
    defer { watched.close() }
    let tenant = try #require(try watched.find(tenant: name))
    try tenant.submitAndWait(Self.joining("ada", "ops"))
    try superuser.run("DELETE FROM tenure.memberships WHERE tenant_id = \(tenant.id)")
    let voiding = Submission(
      mode: .governed, source: "api", basis: .enforced, recordedBy: Recorder(id: "test", authentication: "local"),
      commands: [Command(.eventVoided(position: 4), authority: Authority(reason: "a mistake"))])
    try tenant.submitAndWait(voiding)
    let told = alarms.withLock { $0.map(\.description) }
    #expect(told.count == 1)
    #expect(told.allSatisfy { $0.contains("tenure.memberships lacks the current row of event") })
    #expect(try rebuild().differences.map(\.table) == ["memberships"])
    #expect(try rebuild().isClean)
  }

  @Test func `others append meanwhile: nothing is lost, and their graphs load anew`() throws {
    try fill(seed: 11, count: 300)
    for table in [RelationTable.memberships, .assignments, .identities] { _ = try plant(in: table) }
    let otherStore = try ScratchDatabase.store()
    defer { otherStore.close() }
    let other = try #require(try otherStore.find(tenant: name))

    let isOver = Mutex(false)
    let appended = Mutex<[Receipt]>([])
    let failed = Mutex<[SubmissionFailure]>([])
    let writing = DispatchGroup()
    DispatchQueue.global().async(group: writing) {
      var number = 0
      repeat {
        do throws(SubmissionFailure) {
          let receipt = try other.submitAndWait(Self.joining("new-\(number)", "new-\(number)"))
          appended.withLock { $0.append(receipt) }
        } catch { failed.withLock { $0.append(error) } }
        number += 1
      } while !isOver.withLock { $0 }
    }
    var isFirst = true
    // In the first report the rebuild has folded what it saw and has locked nothing: this append comes in between for sure.
    let report = try rebuild { _, _ in
      guard isFirst else { return }
      isFirst = false
      if (try? tenant.submitAndWait(Self.joining("between", "between"))) == nil { Issue.record("no append in between") }
    }
    isOver.withLock { $0 = true }
    writing.wait()

    #expect(Set(report.differences.map(\.table)) == ["memberships", "assignments", "identities"])
    #expect(failed.withLock { $0.map(\.description) } == [])
    let receipts = appended.withLock { $0 }
    #expect(!receipts.isEmpty)
    try other.catchUp()
    #expect(other.head.generation == 1)
    let known = try other.read { graph in
      receipts.indices.allSatisfy { number in
        !graph.world(asKnownAt: graph.position)
          .entries(of: .membership(group: "new-\(number)", member: .identity("new-\(number)"))).isEmpty
      }
    }
    #expect(known)
    #expect(try rebuild().isClean)
    #expect(try other.verify().isClean)
  }

  @Test func `a finding of version 1 stands in the rows as one of today does, and the log that holds it is sound`() throws {
    let finding = Finding(rule: "membership_cycle", subject: .group("ops"), evidence: ["path": ["ops", "a", "ops"]])
    let receipt = try tenant.submitAndWait(
      Submission(
        mode: .observation, source: "connector", basis: .observed,
        recordedBy: Recorder(id: "test", authentication: "local"), commands: [Command(.findingRaised(finding))]))
    let position = try #require(receipt.firstPosition)
    // As the first version wrote it; only a superuser who switches the triggers off can put it there.
    var body = try #require(try JSONValue(parsing: try tenant.events(at: [position])[0].body).objectValue)
    body["version"] = 1
    body["data"] = ["rule": "membership_cycle", "subject": "group:ops", "evidence": ["path": ["ops", "a", "ops"]]]
    let bytes = JSONValue.object(body).canonicalBytes()
    try superuser.transaction { superuser in
      try superuser.execute("ALTER TABLE tenure.event DISABLE TRIGGER event_is_append_only")
      try superuser.run(
        """
        UPDATE tenure.event SET body = \(String(decoding: bytes, as: UTF8.self)), version = 1, leaf = \(EventCodec.leaf(bytes).bytes)
        WHERE tenant_id = \(tenant.id) AND position = \(position)
        """)
      try superuser.execute("ALTER TABLE tenure.event ENABLE ALWAYS TRIGGER event_is_append_only")
    }
    let verification = try tenant.verify()
    #expect(verification.isClean, "\(verification)")
    #expect(try rebuild().isClean)
    let store = try ScratchDatabase.store()
    let loaded = try #require(try store.find(tenant: name))
    let standing = try loaded.read { $0.world(asKnownAt: $0.position).finding(finding.id, at: loaded.now) }
    #expect(standing?.finding == finding && standing?.state == .open)
  }

  /// All relation rows of the tenant, as one number.
  private func fingerprint() throws -> [String] {
    try (RelationTable.all.map(\.name) + [RolePermissionRow.table]).map { table in
      try connection.query(
        "SELECT md5(string_agg(x::text, '|' ORDER BY x::text)) FROM tenure.\(unsafe: table) x WHERE tenant_id = \(tenant.id)"
      )[0].optionalString(0) ?? "empty"
    }
  }

  /// Plants one difference of each kind; what a rebuild must report of them.
  private func plant(in table: RelationTable) throws -> [Int64] {
    let rows = try superuser.query(
      SQL(
        unsafeSQL: "SELECT ctid::text FROM tenure.\(table.name) WHERE tenant_id = \(tenant.id) ORDER BY position, recorded_from"
      )
    ).map { try $0.string(0) }
    try #require(rows.count >= 5, "tenure.\(table.name) has too few rows to plant in")
    func change(_ row: Int, _ change: String) throws {
      try superuser.execute("UPDATE tenure.\(table.name) SET \(change) WHERE ctid = '\(rows[row])'")
    }
    try superuser.execute(
      """
      INSERT INTO tenure.\(table.name)
      SELECT (jsonb_populate_record(x, '{"position": 999999}')).* FROM tenure.\(table.name) x WHERE ctid = '\(rows[0])';
      DELETE FROM tenure.\(table.name) WHERE ctid = '\(rows[0])'
      """)
    try change(1, "source = source || ' planted'")
    try change(2, "valid = CASE WHEN isempty(valid) THEN tstzrange('2001-01-01', '2002-01-01') ELSE 'empty' END")
    try change(3, "recorded_to = coalesce(recorded_to, recorded_from) + 1")
    try change(4, "voided = NOT voided")
    return [5, 5]
  }

  private func plantInPermissions() throws -> [Int64] {
    let rows = try superuser.query(
      "SELECT ctid::text FROM tenure.role_permissions WHERE tenant_id = \(tenant.id) ORDER BY position, ordinal"
    ).map { try $0.string(0) }
    try #require(rows.count >= 3)
    try superuser.execute(
      """
      UPDATE tenure.role_permissions SET action_likes = ARRAY['%'] || action_likes WHERE ctid = '\(rows[0])';
      UPDATE tenure.role_permissions SET ordinal = ordinal + 100 WHERE ctid = '\(rows[1])';
      DELETE FROM tenure.role_permissions WHERE ctid = '\(rows[2])'
      """)
    return [3, 2]
  }
}
