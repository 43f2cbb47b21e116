import AccessGraph
import EventLog
import Governance
import JSON
import Temporal
import Testing
import Usage

@testable import tenure

/// The story replayed without a database: through `decide`, into the graph.
struct Replay {
  let graph = AccessGraph()
  let events: [Event]
  let breaches: [Breach]
  /// Of each batch the events that it says it makes, and those that it made.
  let counts: [(said: Int, made: Int)]

  /// Records every batch as the log would; a refused command ends the replay with its refusal.
  init() throws {
    var events: [Event] = []
    var found: [Breach] = []
    var counts: [(said: Int, made: Int)] = []
    for batch in SampleOrganisation.submissions() {
      let (recordedAt, submission) = (batch.recordedAt, batch.submission)
      let context = DecisionContext(recordedAt: recordedAt, source: submission.source, mode: submission.mode)
      let before = events.count
      for var command in submission.commands {
        if case .request(let id, .approved, let by?, _) = command.change {
          command.witness = Self.witness(id, by, graph.world(asKnownAt: graph.appliedPosition), at: recordedAt, events)
        }
        if case .reviewItem(_, let item, .decided, _, _, _) = command.change {
          let world = graph.world(asKnownAt: graph.appliedPosition)
          let given = world.reviewItem(item, at: recordedAt).map { world.grantPositions(of: $0) } ?? []
          command.witness = Dictionary(uniqueKeysWithValues: given.map { ($0, Witness(events[Int($0) - 1])) })
        }
        let drafts = try decide(command, in: context, world: graph.world(asKnownAt: graph.appliedPosition))
        for draft in drafts {
          let event = Event(
            position: Int64(events.count) + 1, eventID: "", effectiveAt: draft.effectiveAt, dueAt: draft.dueAt,
            recordedAt: recordedAt, source: submission.source, basis: submission.basis, authority: draft.authority,
            recordedBy: submission.recordedBy, commandID: submission.commandID, change: draft.change)
          graph.apply(event)
          events.append(event)
        }
      }
      counts.append((batch.eventCount, events.count - before))
      found += Governance.breaches(
        of: submission.commands.map(\.change), voiding: [], in: graph.world(asKnownAt: graph.appliedPosition))
    }
    graph.publish()
    self.events = events
    self.counts = counts
    breaches = found
  }

  /// Who made an approver, from the events themselves.
  private static func witness(
    _ request: String, _ by: String, _ world: GraphWorld, at t: Instant, _ events: [Event]
  ) -> [Int64: Witness] {
    let steps = world.approvalSteps(of: request, by: by, at: t).map { events[Int($0) - 1] }
    return Dictionary(uniqueKeysWithValues: steps.map { ($0.position, Witness($0)) })
  }

  /// The last position recorded up to an instant.
  func known(at text: String) -> Int64 {
    let instant = Instant(ofStory: text)
    return events.last { $0.recordedAt <= instant }?.position ?? 0
  }

  func view(_ at: String, asKnownAt known: String? = nil) -> Viewpoint {
    Viewpoint(at: Instant(ofStory: at), asKnownAt: known.map { self.known(at: $0) } ?? graph.position)
  }

  func who(_ action: String, _ resource: String, _ at: String, asKnownAt known: String? = nil) -> [Holder] {
    graph.who(.access(action: action, resource: resource), from: view(at, asKnownAt: known))
  }
}

@Suite struct SampleTests {
  let replay: Replay

  init() throws { replay = try Replay() }

  @Test func `no command is refused and each batch makes the events that it says`() {
    for (said, made) in replay.counts { #expect(said == made) }
    #expect(replay.breaches.isEmpty)
  }

  @Test func `the glass is broken at once, found, and mended after 87 minutes`() {
    func isAdministrator(_ at: String) -> Bool {
      replay.who("db:Admin", "aws/prod/ledger-db", at).contains { $0.identity == "alice.moreau" && $0.status == .allowed }
    }
    #expect(!isAdministrator("2025-11-23T02:13:59Z") && isAdministrator("2025-11-23T02:14:00Z"))
    #expect(isAdministrator("2025-11-23T03:40:59Z") && !isAdministrator("2025-11-23T03:41:00Z"))
    let rules = replay.events.compactMap { if case .findingRaised(let finding) = $0.change { finding.rule } else { nil } }
    #expect(rules.last == "break_glass")
    let world = replay.graph.world(asKnownAt: replay.graph.position)
    let states = ["chloe-mends-refunds", "tunde-looks-around", "alice-breaks-the-glass"].map {
      world.request($0, at: Instant(ofStory: "2025-12-01"))?.state
    }
    #expect(states == [.ended, .denied, .ended])
  }

  @Test func `the review found what nobody needs, and it was taken away under a signature`() throws {
    let world = replay.graph.world(asKnownAt: replay.graph.position)
    let at = Instant(ofStory: "2025-12-01")
    let standing = try #require(world.review(SampleOrganisation.machineReview, at: at))
    #expect(standing.progress.state == .completed)
    #expect(standing.progress.signature?.by == "margaret.holt")
    let items = try world.frozenPopulation(of: standing).items
    #expect(items.count == 4)
    let choices = items.map {
      world.reviewItemState($0.item, of: SampleOrganisation.machineReview, at: at)?.state.decision?.choice
    }
    #expect(choices == [.keep, .keep, .keep, .revoke])
    func reads(_ at: String) -> Bool {
      replay.who("db:Read", "aws/prod/payments-db", at).contains { $0.identity == "svc:webhooks" }
    }
    #expect(reads("2025-10-20T11:01:59Z") && !reads("2025-10-20T11:02:00Z"))
  }

  @Test func `usage is told of whom and what there is, once each, while it is covered`() {
    let records = SampleOrganisation.usage()
    #expect(Set(records.map(\.id)).count == records.count)
    let coverage = Interval(from: Instant(ofStory: "2025-07-01"), to: Instant(ofStory: "2026-01-01"))
    #expect(records.allSatisfy { coverage.contains($0.at) && $0.resource?.hasPrefix("aws/prod") == true })
    // But for one machine, which nobody gave it, and one person, whom the vault refused what the graph gives him.
    let uncovered = records.filter { record in
      let answer = replay.graph.check(
        record.identity, action: record.action, resource: record.resource ?? "*",
        from: Viewpoint(at: record.at, asKnownAt: replay.graph.position))
      return (answer.status == .allowed) != (record.outcome == .allowed)
    }
    #expect(Set(uncovered.map(\.identity)) == ["svc:metrics", "tunde.balogun"])
  }

  @Test func `the story is the same every time, and its keys differ`() {
    let once = SampleOrganisation.submissions()
    let again = SampleOrganisation.submissions()
    #expect(once.map(\.submission) == again.map(\.submission))
    #expect(once.map(\.recordedAt) == again.map(\.recordedAt))
    #expect(Set(once.map(\.submission.commandID)).count == once.count)
  }

  @Test func `sixty people and fifteen services over two years`() {
    var kinds: [IdentityKind: Set<String>] = [:]
    for case .identityRegistered(let id, let kind, _) in replay.events.map(\.change) { kinds[kind, default: []].insert(id) }
    #expect(kinds[.person, default: []].count + kinds[.external, default: []].count == 60)
    #expect(kinds[.service]?.count == 15)
    #expect(replay.events.first?.recordedAt == Instant(ofStory: "2024-01-08T08:00:00Z"))
    #expect(replay.events.last?.recordedAt == Instant(ofStory: "2025-12-19T16:00:00Z"))
  }

  @Test func `names and addresses stand only in personal attributes`() {
    for case .identityRegistered(let id, _, let attributes) in replay.events.map(\.change) {
      for (name, value) in attributes where !PersonalAttributes.contains(name) {
        guard case .open(let open) = value, let text = open.stringValue else { continue }
        #expect(!text.contains("@"), "\(id) \(name)")
        #expect(!SampleOrganisation.staff.contains { $0.name == text }, "\(id) \(name)")
      }
    }
  }

  @Test func `the contractor alone is administrator at night without a condition`() {
    let holders = replay.who("db:Admin", "aws/prod/payments-db", "2025-03-14T02:30:00Z")
    let expected: [Holder] = [
      Holder(identity: "ben.whitaker", status: .allowed, isWithoutEntitlement: false),
      Holder(identity: "fatima.elidrissi", status: .conditional, isWithoutEntitlement: false),
      Holder(identity: "pavel.novak", status: .allowed, isWithoutEntitlement: false, isExternal: true),
      Holder(identity: "viktor.hansen", status: .allowed, isWithoutEntitlement: false),
    ]
    #expect(holders == expected)
  }

  @Test func `the contractor's grant names a ticket and no approval`() throws {
    let answer = replay.graph.why(
      "pavel.novak", action: "db:Admin", resource: "aws/prod/payments-db", from: replay.view("2025-03-14T02:30:00Z"), limit: 10)
    #expect(answer.status == .allowed)
    let path = try #require(answer.paths.first)
    let step = try #require(path.steps.first { if case .assignment = $0.kind { true } else { false } })
    let event = replay.events[Int(step.position) - 1]
    #expect(event.authority.ticket?.key == "IT-2231")
    #expect(event.authority.authorisedBy == nil)
    #expect(event.authority.reason?.contains("staging") == true)
  }

  @Test func `the contractor is found weeks later and loses it`() throws {
    let found = try #require(replay.events.first { $0.change.type == "finding.raised" })
    #expect(found.recordedAt == Instant(ofStory: "2025-04-02T15:37:00Z"))
    let before = replay.who("db:Admin", "aws/prod/payments-db", "2025-04-03T09:11:59Z").map(\.identity)
    let after = replay.who("db:Admin", "aws/prod/payments-db", "2025-04-03T09:12:00Z").map(\.identity)
    #expect(before.contains("pavel.novak"))
    #expect(!after.contains("pavel.novak"))
  }

  @Test(arguments: [
    ("2025-06-27T16:59:59Z", true, false), ("2025-06-27T17:00:00Z", true, true), ("2025-06-30T12:00:00Z", true, true),
    ("2025-07-03T16:59:59Z", true, true), ("2025-07-03T17:00:00Z", false, false),
  ])
  func `the leaver's six days are access without entitlement`(at: String, isThere: Bool, isWithout: Bool) {
    let holder = replay.who("repo.write", "github.com/brightwater/payments", at).first { $0.identity == "daniel.okafor" }
    #expect((holder != nil) == isThere)
    #expect((holder?.isWithoutEntitlement ?? false) == isWithout)
  }

  @Test func `everything the leaver lost was due six days before`() {
    let july = Interval(from: Instant(ofStory: "2025-06-01"), to: Instant(ofStory: "2025-08-01"))
    let turns = replay.graph.timeline("daniel.okafor", resource: nil, during: july, asKnownAt: replay.graph.position)
    #expect(turns.count > 5)
    for turn in turns {
      #expect(turn.kind == .lost)
      #expect(turn.at == Instant(ofStory: "2025-07-03T17:00:00Z"))
      #expect(turn.causes.allSatisfy { $0.dueAt == Instant(ofStory: "2025-06-27T17:00:00Z") })
    }
  }

  @Test func `the bank's grant was learnt three weeks late`() {
    let moment = "2024-10-15T12:00:00Z"
    let then = replay.who("bank.release", "okta/apps/bank-portal", moment, asKnownAt: moment).map(\.identity)
    let now = replay.who("bank.release", "okta/apps/bank-portal", moment).map(\.identity)
    #expect(then == ["rafael.quintero"])
    #expect(now == ["rafael.quintero", "tomas.berg"])
  }

  @Test func `the wrong record is seen as known then and gone as known now`() {
    let moment = "2024-06-11T12:00:00Z"
    let then = replay.who("payroll.approve", "okta/apps/payroll", moment, asKnownAt: moment).map(\.identity)
    let now = replay.who("payroll.approve", "okta/apps/payroll", moment).map(\.identity)
    #expect(then == ["grace.oyelaran", "maria.santos"])
    #expect(now == ["grace.oyelaran", "mario.santoro"])
  }

  @Test func `the role that grew gave refunds to all of support and nothing else`() {
    let difference = replay.graph.diff(
      resource: "okta/apps/support-desk", identity: nil, from: replay.view("2024-11-12"), to: replay.view("2024-11-13"))
    #expect(difference.lost.isEmpty)
    #expect(Set(difference.gained.map(\.right.action)) == ["refund.issue"])
    #expect(difference.gained.count == 8)
    let left = replay.who("refund.issue", "okta/apps/support-desk", "2025-12-01").map(\.identity)
    #expect(left == ["hugo.lefevre", "zara.khan"])
  }

  @Test func `the nested team reaches the payments database`() throws {
    func answer(_ at: String) -> WhyAnswer {
      replay.graph.why(
        "peter.vance", action: "db:Read", resource: "aws/prod/payments-db", from: replay.view(at), limit: 10)
    }
    let path = try #require(answer("2024-12-02T12:00:00Z").paths.first)
    let groups = path.steps.compactMap { if case .group(let id) = $0.kind { id } else { nil } }
    #expect(groups == ["data-science", "payments"])
    #expect(answer("2024-09-15").status == .denied)
    #expect(answer("2025-04-01").status == .denied)
  }

  @Test func `the night without records is unknown, with the path beside it`() {
    let answer = replay.graph.why(
      "grace.oyelaran", action: "payroll.approve", resource: "okta/apps/payroll", from: replay.view("2025-05-11T00:30:00Z"),
      limit: 10)
    #expect(answer.status == .unknown)
    #expect(answer.reason == "not_covered")
    #expect(!answer.paths.isEmpty)
  }

  @Test(arguments: [
    ("yusuf.demir", "repo.write", "github.com/brightwater/data", "2025-03-02", true),
    ("yusuf.demir", "repo.write", "github.com/brightwater/data", "2025-06-01", false),
    ("yusuf.demir", "repo.write", "github.com/brightwater/data", "2025-09-02", true),
    ("helen.brandt", "db:Read", "aws/prod/ledger-db", "2024-04-20", true),
    ("helen.brandt", "db:Read", "aws/prod/ledger-db", "2024-04-27", false),
    ("nadia.rahimi", "db:Admin", "aws/prod/ledger-db", "2024-08-22T00:00:00Z", true),
    ("nadia.rahimi", "db:Admin", "aws/prod/ledger-db", "2024-08-22T03:10:00Z", false),
    ("alice.moreau", "repo.admin", "github.com/brightwater/payments", "2025-01-01", true),
    ("tunde.balogun", "ticket.answer", "okta/apps/support-desk", "2025-01-07", false),
    ("tunde.balogun", "deploy.production", "aws/prod", "2025-01-07", true),
    ("simon.baker", "crm.edit", "okta/apps/crm", "2025-01-01", false),
    ("simon.baker", "crm.edit", "okta/apps/crm", "2025-07-01", true),
  ])
  func `the everyday holds`(identity: String, action: String, resource: String, at: String, isAllowed: Bool) {
    let answer = replay.graph.why(identity, action: action, resource: resource, from: replay.view(at), limit: 10)
    #expect((answer.status == .allowed) == isAllowed)
  }

  @Test func `each question names what exists`() throws {
    var described: Set<String> = []
    for case .resourceDescribed(let path, _) in replay.events.map(\.change) { described.insert(path) }
    for question in SampleOrganisation.questions {
      var options: [String: String] = [:]
      for index in stride(from: 1, to: question.arguments.count, by: 2) {
        options[question.arguments[index]] = question.arguments[index + 1]
      }
      #expect(["who", "why", "timeline", "diff"].contains(question.arguments[0]))
      for name in ["--at", "--from", "--to", "--as-known-at"] {
        if let text = options[name] { _ = try Instant(rfc3339: text) }
      }
      if let resource = options["--resource"] { #expect(described.contains(resource)) }
      if let identity = options["--identity"] {
        #expect(replay.events.contains { $0.change.entity == .identity(identity) })
      }
    }
    #expect((6...10).contains(SampleOrganisation.questions.count))
  }
}
