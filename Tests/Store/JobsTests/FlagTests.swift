import AccessGraph
import EventLog
import Governance
import JSON
import Postgres
import Temporal
import TestSupport
import Testing

@testable import Jobs

/// The jobs that flag: what is true is open, each once, and nothing else; whatever came between.
@Suite(.serialized) struct FlagTests {
  let place: Workplace

  init() throws { place = try Workplace() }

  /// The findings that are not resolved, as `rule subject`.
  private func open(_ states: Set<FindingState> = [.open, .accepted]) throws -> [String] {
    try place.tenant.catchUp()
    return try place.tenant.findings(
      FindingFilter(states: states), at: place.tenant.now, asKnownAt: place.tenant.head.position, limit: 10_000
    ).map { "\($0.finding.rule) \($0.finding.subject)" }.sorted()
  }

  private func counts(_ found: Int64, _ raised: Int64, _ resolved: Int64) -> [String: Int64] {
    ["found": found, "raised": raised, "resolved": resolved, "already": 0]
  }

  private static let privileged: Change = .policyDefined(
    id: "powers", policy: PolicyDocument(type: .privileged, rule: ["actions": ["*.admin"]]),
    attributes: ["owner": .open("ada")])

  // MARK: Who answers for what

  @Test func `orphans are found, and resolved when somebody answers for them`() throws {
    try place.submit(
      .identityRegistered(id: "acc", kind: .account, attributes: [:]),
      .identityRegistered(id: "bot", kind: .service, attributes: ["owner": .open("bob")]),
      .groupCreated(id: "ops", attributes: ["owner": .open("ada")]),
      .membershipAdded(group: "ops", member: .identity("ada"), expiresAt: nil))
    // Made by the workplace: a role and a group without owner, and the group has nobody in it.
    #expect(try place.run(.flagOrphans).counts == counts(4, 4, 0))
    #expect(
      try open()
        == ["empty_group group:staff", "orphaned_account identity:acc", "ownerless group:staff", "ownerless role:reader"])
    #expect(try place.run(.flagOrphans).counts == counts(4, 0, 0))
    try place.submit(
      .identityLinked(account: "acc", person: "ada"),
      .membershipAdded(group: "staff", member: .identity("bob"), expiresAt: nil),
      .groupCreated(id: "staff", attributes: ["owner": .open("ada")]), .identityRetired(id: "bob"))
    // Bob took his membership along, and what he owned; that nobody is in the group is for its owner to mend now.
    #expect(try place.run(.flagOrphans).counts == counts(3, 2, 2))
    #expect(try open() == ["empty_group group:staff", "ownerless identity:bot", "ownerless role:reader"])
    let bot = try #require(
      try place.tenant.findings(
        FindingFilter(subject: .identity("bot")), at: place.tenant.now, asKnownAt: place.tenant.head.position, limit: 1
      ).first)
    #expect(bot.finding.evidence == ["owner": "bob", "owner_is": "retired"] && bot.finding.owner == nil)
    // What comes back is the same finding, open again.
    try place.submit(.identityUnlinked(account: "acc"))
    #expect(try place.run(.flagOrphans).counts == counts(4, 1, 0))
    let raised = try place.events().compactMap { if case .findingRaised(let finding) = $0.change { finding.id } else { nil } }
    #expect(raised.filter { $0.hasPrefix("orphaned_account:") }.count == 2 && Set(raised).count == raised.count - 2)
  }

  @Test func `an acceptance stays while what it accepts is true, and is over at its end`() throws {
    #expect(try place.run(.flagOrphans).counts == counts(3, 3, 0))
    let finding = Finding(rule: "empty_group", subject: .group("staff"), evidence: [:])
    try place.tenant.submitAndWait(
      .byJob("test", Command(.findingAccepted(id: finding.id, until: hour(48)), authority: Authority(reason: "filled in May"))))
    #expect(try place.run(.flagOrphans).counts == counts(3, 0, 0))
    #expect(try open([.accepted]) == ["empty_group group:staff"])
    place.clock.now = hour(48)
    #expect(try open([.accepted]).isEmpty && open([.open]).contains("empty_group group:staff"))
    #expect(try place.run(.flagOrphans).counts == counts(3, 0, 0))
  }

  // MARK: Breaches

  @Test func `standing privileged access is found where no end is known, whichever way it comes`() throws {
    let admin = RoleDocument(permissions: [Permission(actions: ["repo.*"])])
    try place.submit(
      Self.privileged, .roleDefined(id: "admin", document: admin, attributes: ["owner": .open("ada")]),
      .roleDefined(id: "owner", document: RoleDocument(permissions: [], includes: ["admin"]), attributes: [:]),
      .groupCreated(id: "ops", attributes: [:]), .groupCreated(id: "night", attributes: [:]),
      .membershipAdded(group: "ops", member: .identity("ada"), expiresAt: nil),
      .membershipAdded(group: "night", member: .identity("bob"), expiresAt: hour(9)),
      .identityRegistered(id: "eve", kind: .person, attributes: [:]), .identitySuspended(id: "eve"))
    func grant(_ id: String, _ principal: Entity, _ role: String, until end: Instant? = nil) -> Change {
      .assignmentGranted(id: id, grant: Grant(principal: principal, role: role, scope: "org/x", expiresAt: end))
    }
    try place.submit(
      grant("a1", .identity("ada"), "admin"), grant("a2", .identity("ada"), "admin", until: hour(5)),
      grant("a3", .group("ops"), "owner"), grant("a4", .group("night"), "admin"), grant("a5", .identity("eve"), "admin"),
      grant("a6", .identity("bob"), "reader"), grant("a7", .group("staff"), "admin"))
    #expect(try place.run(.flagBreaches).counts == counts(2, 2, 0))
    #expect(try Set(open()) == ["standing_privileged_access assignment:a1", "standing_privileged_access assignment:a3"])
    let first = try #require(
      try place.tenant.findings(
        FindingFilter(owner: "ada"), at: place.tenant.now, asKnownAt: place.tenant.head.position, limit: 1
      ).first?.finding)
    #expect(first.subject == Entity(.assignment, "a1") && first.evidence["actions"] == ["repo.*"])
    try place.submit(
      .assignmentExtended(id: "a1", expiresAt: hour(9)), .membershipRemoved(group: "ops", member: .identity("ada")))
    #expect(try place.run(.flagBreaches).counts == counts(0, 0, 2))
    #expect(try open().isEmpty)
  }

  @Test func `duties held together are resolved when that is over, and not before`() throws {
    try place.submit(
      .roleDefined(id: "pay", document: RoleDocument(permissions: []), attributes: [:]),
      .policyDefined(
        id: "apart", policy: PolicyDocument(type: .separationOfDuties, rule: ["roles": ["reader", "pay"]]), attributes: [:]),
      .grant("a1", until: nil),
      .assignmentGranted(id: "a2", grant: Grant(principal: .identity("ada"), role: "pay", scope: "*", expiresAt: hour(10))))
    // Found by the log when it was observed; the job has nothing to add.
    #expect(try open() == ["separation_of_duties identity:ada"])
    #expect(try place.run(.flagBreaches).counts == counts(1, 0, 0))
    place.clock.now = hour(10)
    #expect(try place.run(.flagBreaches).counts == counts(0, 0, 1))
    // Dated ahead it is found now, and stays found until it is over.
    try place.submit(
      .assignmentGranted(id: "a3", grant: Grant(principal: .identity("ada"), role: "pay", scope: "*", expiresAt: hour(30))),
      at: hour(20))
    #expect(try open() == ["separation_of_duties identity:ada"])
    #expect(try place.run(.flagBreaches).counts == counts(1, 0, 0))
    place.clock.now = hour(30)
    #expect(try place.run(.flagBreaches).counts == counts(0, 0, 1))
  }

  @Test func `broken glass that nobody has looked at is a finding after its window`() throws {
    let broken = Finding(rule: "break_glass", subject: .request("r-1"), evidence: ["requester": "ada"])
    try place.submit(.findingRaised(broken))
    place.clock.now = hour(71)
    #expect(try place.run(.flagBreaches).counts == counts(0, 0, 0))
    place.clock.now = hour(73)
    #expect(try place.run(.flagBreaches).counts == counts(1, 1, 0))
    // A policy may give more time.
    let week = PolicyDocument(type: .findings, rule: ["rules": ["break_glass_unreviewed"], "days": 7])
    try place.submit(.policyDefined(id: "week", policy: week, attributes: [:]))
    #expect(try place.run(.flagBreaches).counts == counts(0, 0, 1))
    place.clock.now = hour(7 * 24 + 1)
    #expect(try place.run(.flagBreaches).counts == counts(1, 1, 0))
    try place.tenant.submitAndWait(
      .byJob("test", Command(.findingResolved(id: broken.id), authority: Authority(reason: "seen: a restore"))))
    #expect(try place.run(.flagBreaches).counts == counts(0, 0, 1))
  }

  // MARK: Endings

  @Test func `an end that was not recorded, and one that nobody saw carried out, are found after their windows`() throws {
    try place.submit(.grant("a1", until: hour(2)), .grant("a2", until: nil))
    place.clock.now = hour(25)
    #expect(try place.run(.flagEndings).counts == counts(0, 0, 0))
    place.clock.now = hour(26)
    #expect(try place.run(.flagEndings).counts == counts(1, 1, 0))
    #expect(try open() == ["expired_unrecorded assignment:a1"])
    _ = try place.run(.expireGrants)
    #expect(try place.run(.flagEndings).counts == counts(0, 0, 1))
    place.clock.now = hour(2 + 7 * 24)
    #expect(try place.run(.flagEndings).counts == counts(1, 1, 0))
    #expect(try open() == ["ending_not_observed assignment:a1"])
    try place.tenant.submitAndWait(
      .byJob(
        "test",
        Command(
          .fulfilmentConfirmed(
            of: .assignment("a1"),
            FulfilmentConfirmation(endedAt: hour(2), claim: .observedAbsent, by: "bob", evidence: "not in the list any more"))))
    )
    #expect(try place.run(.flagEndings).counts == counts(0, 0, 1))
  }

  // MARK: However it is run

  @Test func `a run that is cut short anywhere is made whole by the next, and one that runs beside it changes nothing`() throws
  {
    for seed in UInt64(0)..<6 {
      let place = try Workplace()
      let (made, random) = try Self.fill(place, seed)
      var generator = random
      var runs = 0
      var checks = 0
      // Cut short after so many looks at whether it is over, more each time, until it is whole.
      repeat {
        var left = runs * (1 + generator.below(3))
        _ = try place.run(.flagOrphans) {
          left -= 1
          checks += 1
          return left < 0
        }
        runs += 1
      } while runs < 12
      _ = try place.run(.flagOrphans)
      #expect(try Self.difference(place) == [], "seed \(seed)")
      let recorded = try place.events().count
      #expect(try place.run(.flagOrphans).counts["raised"] == 0, "seed \(seed)")
      #expect(try place.events().count == recorded, "seed \(seed)")
      // No finding was raised twice without having been resolved, and as nothing ended, none was resolved.
      #expect(try Self.repeats(place) == 0, "seed \(seed)")
      #expect(try !place.events().contains { $0.change.type == "finding.resolved" && $0.source.hasPrefix("tenure job") })
      #expect(made > 20 && checks > 12)
    }
  }

  @Test func `two nodes that flag at once record each difference once`() async throws {
    for seed in UInt64(0)..<4 {
      let place = try Workplace()
      _ = try Self.fill(place, seed)
      let clock = place.clock
      let name = place.tenant.name
      // Past the lock that keeps runs apart: as if it had been lost.
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<2 {
          group.addTask {
            let store = try EventStore(JobsDatabase.conninfo(), settings: EventStore.Settings(clock: { clock.now }))
            defer { store.close() }
            let tenant = try #require(try store.find(tenant: name))
            let context = JobContext(
              tenant: JobTenant(id: tenant.id, name: name), connection: try JobsDatabase.connect(), clock: { clock.now },
              reached: nil, isOver: { false }, openTenant: { tenant })
            _ = try Job.flagOrphans.work(context)
          }
        }
        try await group.waitForAll()
      }
      #expect(try Self.difference(place) == [], "seed \(seed)")
      #expect(try Self.repeats(place) == 0, "seed \(seed)")
    }
  }

  /// Random commands, whatever of them is accepted.
  private static func fill(_ place: Workplace, _ seed: UInt64) throws -> (Int, SeededGenerator) {
    let submissions = RandomCommands.commands(seed: seed, count: 120).map { command, mode in
      var command = command
      command.effectiveAt = nil
      command.dueAt = nil
      return Submission(
        mode: mode, source: mode == .governed ? "api" : "connector", basis: mode == .governed ? .enforced : .observed,
        recordedBy: Recorder(id: "test", authentication: "local"), commands: [command])
    }
    let made = try place.tenant.append(submissions).filter { if case .success = $0 { true } else { false } }.count
    return (made, SeededGenerator(seed: seed))
  }

  /// Where what is open is not what is true, by the naive world.
  private static func difference(_ place: Workplace) throws -> [String] {
    try place.tenant.catchUp()
    let events = try place.events()
    let world = NaiveWorld(events, asKnownAt: Int64(events.count))
    let now = place.tenant.now
    let entities = [EntityKind.identity, .group, .role, .policy].flatMap { kind in world.named(kind).map { Entity(kind, $0) } }
    let isTrue = Set(entities.flatMap { world.structuralFindings(about: $0, at: now) }.map(\.id))
    let rules = ["orphaned_account", "ownerless", "empty_group"]
    let isOpen = Set(
      world.named(.finding).filter { id in
        world.finding(id, at: now).map { $0.state != .resolved && rules.contains($0.finding.rule) } ?? false
      })
    return isTrue.symmetricDifference(isOpen).sorted()
  }

  /// How often a finding was raised that was open and said the same.
  private static func repeats(_ place: Workplace) throws -> Int {
    var open: [String: Finding] = [:]
    var repeats = 0
    for event in try place.events() where event.source.hasPrefix("tenure job") {
      switch event.change {
      case .findingRaised(let finding):
        if open[finding.id] == finding { repeats += 1 }
        open[finding.id] = finding
      case .findingResolved(let id): open[id] = nil
      default: continue
      }
    }
    return repeats
  }
}
