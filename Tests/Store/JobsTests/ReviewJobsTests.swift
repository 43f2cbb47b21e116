import AccessGraph
import Dispatch
import EventLog
import Governance
import JSON
import Postgres
import Temporal
import TestSupport
import Testing

@testable import Jobs

/// Reviews that policies ask for: opened, reminded of and closed by jobs, once each, whatever becomes of the jobs.
@Suite struct ReviewJobsTests {
  let work: Workplace

  init() throws {
    work = try Workplace()
    try work.submit(
      .identityRegistered(id: "cy", kind: .person, attributes: [:]),
      .membershipAdded(group: "staff", member: .identity("ada"), expiresAt: nil),
      .grant("a1", until: nil), .grant("a2", until: nil), .grant("b1", to: .identity("bob"), until: nil),
      .grant("s1", to: .group("staff"), until: nil))
  }

  private func define(_ more: JSONObject = [:]) throws {
    var rule: JSONObject = [
      "scope": "org", "every_days": 30, "reviewers": ["identity:bob"], "escalation": ["identity:cy"], "days_to_decide": 10,
    ]
    for member in more { rule[member.name] = member.value }
    try work.submit(
      .policyDefined(id: "monthly", policy: PolicyDocument(type: .review, rule: .object(rule)), attributes: [:]))
  }

  private func send(_ change: Change, reason: String? = "test") throws {
    try work.tenant.submitAndWait(
      Submission(
        mode: .governed, source: "api", basis: .declared, recordedBy: Recorder(id: "test", authentication: "local"),
        commands: [Command(change, authority: Authority(reason: reason))]))
  }

  private func decide(_ item: String, _ choice: ReviewChoice, by: String) throws {
    let review = try #require(try reviews().first)
    let item = try #require(GrantName(text: item))
    try send(.reviewItem(review: review, item, .decided, by: by, ReviewItemOrder(choice: choice), nil))
  }

  private func reviews() throws -> [String] { try work.tenant.read { $0.world(asKnownAt: $0.position).reviews } }

  private func state() throws -> ReviewState? {
    let now = work.tenant.now
    return try work.tenant.read { graph in
      let world = graph.world(asKnownAt: graph.position)
      return world.reviews.first.flatMap { world.review($0, at: now)?.progress.state }
    }
  }

  private func holds(_ id: String) throws -> Bool {
    let now = work.tenant.now
    return try work.tenant.read { $0.world(asKnownAt: $0.position).value(of: .assignment(id: id), at: now) != nil }
  }

  private func count(_ type: String) throws -> Int { try work.events().count { $0.change.type == type } }

  @Test func `a review is opened when its policy says so, once, and again when the days are over`() throws {
    #expect(try work.run(.openReviews).counts["due"] == 0)
    try define()
    #expect(try work.run(.openReviews).counts == ["due": 1, "opened": 1, "already": 0, "empty": 0])
    #expect(try work.run(.openReviews).counts["due"] == 0)
    work.clock.now = hour(24 * 29)
    #expect(try work.run(.openReviews).counts["due"] == 0)
    // Away for a hundred days: one review, not three.
    work.clock.now = hour(24 * 130)
    #expect(try work.run(.openReviews).counts["opened"] == 1)
    #expect(try work.run(.openReviews).counts["due"] == 0)
    #expect(try reviews().count == 2)
  }

  @Test func `a cron cadence fires at its hour in its zone, and what there is nothing of is not asked`() throws {
    // From midnight UTC on; nine in Berlin is eight there.
    try define(["every_days": .null, "cron": "0 9 * * *", "zone": "Europe/Berlin"])
    #expect(try work.run(.openReviews).counts["due"] == 0)
    work.clock.now = hour(8).adding(microseconds: -1)
    #expect(try work.run(.openReviews).counts["due"] == 0)
    work.clock.now = hour(8)
    #expect(try work.run(.openReviews).counts["opened"] == 1)
    #expect(try reviews() == ["monthly-2024-01-01T08:00Z"])
    try define(["scope": "elsewhere"])
    work.clock.now = hour(24 * 40)
    #expect(try work.run(.openReviews).counts == ["due": 1, "opened": 0, "already": 0, "empty": 1])
  }

  @Test func `two nodes at once open, remind, close and execute once`() throws {
    try define(["at_deadline": "revoke"])
    let other = try EventStore(JobsDatabase.conninfo(), settings: EventStore.Settings(clock: work.store.settings.clock))
    defer { other.close() }
    let tenant = try #require(try other.find(tenant: work.tenant.name))
    let connection = try JobsDatabase.connect()
    // Without the lock that keeps runs apart: as if it were lost between.
    func both(_ job: Job) throws -> [JobReport] {
      var second = work.context(openTenant: { tenant })
      second = JobContext(
        tenant: work.jobTenant, connection: connection, clock: work.store.settings.clock, reached: nil, isOver: { false },
        openTenant: { tenant })
      let first = try job.work(work.context())
      try tenant.catchUp()
      let reports = [first, try job.work(second)]
      try work.tenant.catchUp()
      return reports
    }
    _ = try both(.openReviews)
    #expect(try count("review.opened") == 1)
    work.clock.now = hour(24 * 4)
    _ = try both(.remindReviewers)
    #expect(try count("review.reminded") == 1)
    work.clock.now = hour(24 * 11)
    _ = try both(.closeReviews)
    #expect(try count("review.closed") == 1)
    #expect(try count("review.completed") == 1)
    #expect(try count("assignment.revoked") == 4)
    #expect(try !holds("a1") && !holds("b1") && !holds("s1"))
  }

  @Test func `two nodes that race between the look and the append do nothing twice`() throws {
    try define(["at_deadline": "revoke"])
    let other = try EventStore(JobsDatabase.conninfo(), settings: EventStore.Settings(clock: work.store.settings.clock))
    defer { other.close() }
    let tenant = try #require(try other.find(tenant: work.tenant.name))
    let connection = try JobsDatabase.connect()
    func second() -> JobContext {
      JobContext(
        tenant: work.jobTenant, connection: connection, clock: work.store.settings.clock, reached: nil, isOver: { false },
        openTenant: { tenant })
    }
    // The second has not seen what the first did when it looks: its commands are decided on what is there all the same.
    for (job, at) in [(Job.openReviews, hour(0)), (.remindReviewers, hour(24 * 4)), (.closeReviews, hour(24 * 11))] {
      work.clock.now = at
      try tenant.catchUp()
      _ = try job.work(work.context())
      _ = try job.work(second())
      try work.tenant.catchUp()
    }
    for type in ["review.opened", "review.reminded", "review.closed", "review.completed"] {
      #expect(try count(type) == 1, "\(type)")
    }
    #expect(try count("assignment.revoked") == 4 && count("review.executed") == 5)
  }

  @Test func `killed halfway, the next run goes on where it was`() throws {
    try define(["at_deadline": "revoke"])
    _ = try Job.openReviews.work(work.context())
    #expect(try work.run(.openReviews).counts["due"] == 0)
    work.clock.now = hour(24 * 10 + 1)
    // Over after the close and before the first page of executions.
    var asked = 0
    let halfway = work.context(isOver: {
      asked += 1
      return asked > 1
    })
    _ = try Job.closeReviews.work(halfway)
    #expect(try state() == .closed && holds("a1"))
    #expect(try work.run(.closeReviews).counts["closed"] == 0)
    #expect(try state() == .completed && !holds("a1"))
    #expect(
      try work.run(.closeReviews).counts == ["due": 0, "closed": 0, "already": 0, "executed": 0, "failed": 0, "completed": 0])
  }

  @Test func `reviewers are told at the stated days, and only those who have something to decide`() throws {
    try define(["remind_days": [7, 3, 1]])
    _ = try work.run(.openReviews)
    #expect(try work.run(.remindReviewers).counts["due"] == 0)
    work.clock.now = hour(24 * 3 + 1)
    #expect(try work.run(.remindReviewers).counts == ["due": 1, "reminded": 1, "already": 0, "idle": 0])
    #expect(try work.run(.remindReviewers).counts["due"] == 0)
    let told = try #require(try work.events().last)
    guard case .review(_, .reminded, _, let reminder?, _) = told.change else { Issue.record("\(told.change)"); return }
    // bob's own grant is cy's to judge.
    #expect(
      reminder
        == ReviewReminder(daysBefore: 7, outstanding: [.init(reviewer: "bob", items: 4), .init(reviewer: "cy", items: 1)]))
    // Two were missed: one is sent.
    work.clock.now = hour(24 * 9 + 1)
    #expect(try work.run(.remindReviewers).counts["reminded"] == 1)
    #expect(try work.run(.remindReviewers).counts["due"] == 0)
    #expect(try count("review.reminded") == 2)
  }

  @Test func `however many may decide an item, all of them are reminded`() throws {
    let board = (10..<60).map { "p\($0)" }
    #expect(board.count > ItemReviewers.most)
    try work.submit(.groupCreated(id: "board", attributes: [:]))
    for id in board {
      try work.submit(
        .identityRegistered(id: id, kind: .person, attributes: [:]),
        .membershipAdded(group: "board", member: .identity(id), expiresAt: nil))
    }
    try work.submit(.grant("b2", to: .identity("p11"), until: nil))
    try define(["reviewers": ["group:board"]])
    _ = try work.run(.openReviews)
    work.clock.now = hour(24 * 4)
    #expect(try work.run(.remindReviewers).counts["reminded"] == 1)
    guard case .review(_, _, _, let reminder?, _)? = try work.events().last?.change else { Issue.record("none"); return }
    #expect(Set(reminder.outstanding.map(\.reviewer)) == Set(board))
    // p11 does not judge what is his.
    let items = Dictionary(uniqueKeysWithValues: reminder.outstanding.map { ($0.reviewer, $0.items) })
    #expect(items["p11"] == 5 && items["p12"] == 6)
  }

  @Test func `nobody is reminded of what is decided, and it is closed at the deadline`() throws {
    try define()
    _ = try work.run(.openReviews)
    for item in ["assignment:a1", "assignment:a2", "assignment:s1", "membership:staff identity:ada"] {
      try decide(item, item == "assignment:a1" ? .revoke : .keep, by: "bob")
    }
    try decide("assignment:b1", .keep, by: "cy")
    work.clock.now = hour(24 * 4)
    #expect(try work.run(.remindReviewers).counts["idle"] == 1)
    #expect(try work.run(.closeReviews).counts["due"] == 0)
    work.clock.now = hour(24 * 10 + 1)
    #expect(
      try work.run(.closeReviews).counts
        == ["due": 1, "closed": 1, "already": 0, "executed": 1, "failed": 0, "completed": 1])
    #expect(try !holds("a1") && holds("a2"))
    let revoked = try #require(try work.events().last { $0.change == .assignmentRevoked(id: "a1") })
    #expect(revoked.authority.authorisedBy?.approver == "bob" && revoked.authority.authorisedBy?.verified == true)
  }

  @Test func `a review that asks for a signature waits for it, and then says that it has none`() throws {
    try define(["signs_off": ["identity:ada"], "sign_off_within_days": 5])
    _ = try work.run(.openReviews)
    work.clock.now = hour(24 * 12)
    #expect(try work.run(.closeReviews).counts["due"] == 0)
    work.clock.now = hour(24 * 15 + 1)
    #expect(try work.run(.closeReviews).counts["closed"] == 1)
    let closed = try #require(try work.events().last { $0.change.type == "review.closed" })
    guard case .review(_, _, _, _, let review?) = closed.change else { return }
    #expect(review.progress?.closing?.isUnsigned == true && review.progress?.closing?.undecided == 5)
  }

  @Test func `what a rule forbids stands in the review and is tried again by each run`() throws {
    try define(["at_deadline": "lock"])
    _ = try work.run(.openReviews)
    work.clock.now = hour(24 * 10 + 1)
    #expect(try work.run(.closeReviews).counts["failed"] == 1)
    #expect(try state() == .closed)
    #expect(try work.run(.closeReviews).counts["failed"] == 1)
    #expect(try count("review.executed") == 5)
    try send(.assignmentRevoked(id: "s1"))
    #expect(try work.run(.closeReviews).counts["completed"] == 1)
  }

  @Test func `the population is the naive snapshot of its moment though writers are busy, in this process and another`() throws
  {
    let other = try EventStore(JobsDatabase.conninfo(), settings: EventStore.Settings(clock: work.store.settings.clock))
    defer { other.close() }
    let tenants = [work.tenant, try #require(try other.find(tenant: work.tenant.name))]
    let terms = ReviewTerms(query: ReviewQuery(scope: "org"), reviewers: [.named(.identity("bob"))])
    let batches = (0..<240).map { index in
      let change: Change =
        switch index % 6 {
        case 5: .review(id: "v\(index)", .opened, by: nil, nil, Review(step: .opened, terms: terms))
        case 4: .assignmentRevoked(id: "w\(index - 1)")
        case 3: .grant("w\(index)", to: .identity(index % 4 == 0 ? "ada" : "bob"), until: nil)
        case 2: .membershipAdded(group: "staff", member: .identity("p\(index)"), expiresAt: nil)
        default: .grant("w\(index)", to: .identity("p\(index)"), until: nil)
        }
      return Submission(
        mode: index % 6 == 5 ? .governed : .observation, source: "writer", basis: .observed,
        recordedBy: Recorder(id: "test", authentication: "local"),
        commands: [
          // Some of it is only learnt now.
          Command(change, effectiveAt: index % 12 == 1 ? hour(0) : nil, authority: Authority(reason: "busy"))
        ])
    }
    let done = Synchronised(batches.count)
    for (index, batch) in batches.enumerated() { tenants[index % 2].submit(batch) { _ in done.one() } }
    done.wait()
    try work.tenant.catchUp()
    let events = try work.events()
    var opened = 0
    for event in events {
      guard case .review(let id, .opened, _, _, let review?) = event.change, let progress = review.progress else { continue }
      opened += 1
      let frozen = progress.population
      // Nobody slipped between: what is known is all that lies before it in the log.
      #expect(frozen.position == event.position - 1 && frozen.at == event.recordedAt, "\(id)")
      let naive = NaiveLog(events).state(at: frozen.at, asKnownAt: frozen.position)
      let grants = naive.assignments.filter { $0.value.grant.scope.hasPrefix("org/") }.map { "assignment:\($0.key.id)" }
      let members = naive.memberships.keys.filter { $0.group.id == "staff" }.map { "membership:staff \($0.member)" }
      let now = work.tenant.now
      let population = try work.tenant.read { graph in
        let world = graph.world(asKnownAt: graph.position)
        return try world.frozenPopulation(of: try #require(world.review(id, at: now)))
      }
      #expect(population.items.map(\.item.text) == (grants + members).sorted { $0.precedes($1) }, "\(id)")
      #expect(population.digest == frozen.digest && Int64(population.items.count) == frozen.count)
    }
    #expect(opened == 40)
  }
}

/// Waits until so many have called.
private final class Synchronised: Sendable {
  private let group = DispatchGroup()
  init(_ count: Int) { for _ in 0..<count { group.enter() } }
  func one() { group.leave() }
  func wait() { group.wait() }
}
