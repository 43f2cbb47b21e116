import Governance
import Temporal
import TestSupport
import Testing

@Suite struct EndingTests {
  @Test func `ending a group ends in the same batch what is dated ahead`() throws {
    let ahead: [(Int, Change)] = [
      (8, .membershipAdded(group: "eng", member: .identity("bob"), expiresAt: nil)),
      (9, .assignmentGranted(id: "a9", grant: Grant(principal: .group("eng"), role: "reader", scope: "*"))),
      (10, .groupCreated(id: "eng", attributes: [:])),
    ]
    let world = Self.world(ahead)
    let context = DecisionContext(recordedAt: Office.now, source: "s1", mode: .governed)
    let drafts = try decide(Office.command(.groupDeleted(id: "eng")), in: context, world: world)
    let expected: Set<String> = [
      "group.deleted@6", "membership.removed@8", "assignment.revoked@9", "group.deleted@10",
    ]
    #expect(Set(drafts.map { "\($0.change.type)@\(Self.hour($0.effectiveAt))" }) == expected)
    #expect(drafts.count == expected.count)
  }

  @Test func `ending what has not begun is recorded at its beginning`() throws {
    let world = Self.world([(9, .membershipAdded(group: "eng", member: .identity("bob"), expiresAt: nil))])
    let context = DecisionContext(recordedAt: Office.now, source: "s1", mode: .governed)
    let change = Change.membershipRemoved(group: "eng", member: .identity("bob"))
    let drafts = try decide(Office.command(change), in: context, world: world)
    #expect(drafts.map(\.effectiveAt) == [Universe.instant(9)])
  }

  @Test(arguments: UInt64(0)..<150)
  func `after an accepted ending nothing about the entity begins any more`(_ seed: UInt64) {
    var commands = RandomCommands.commands(seed: seed, count: 40)
    for ending in Self.endings {
      commands.append((Office.command(ending), .governed))
      let (events, outcomes) = RandomCommands.run(commands)
      guard case .accepted? = outcomes.last else { continue }
      let recordedAt = RandomCommands.context(commands.count - 1, .governed).recordedAt
      let world = NaiveWorld(events, asKnownAt: Int64(events.count))
      let entity = ending.entity
      for fact in world.facts(about: entity) where fact.ending != nil {
        let later = Span.spans(of: world.entries(of: fact)).filter { $0.begun.effective > recordedAt }
        #expect(later.isEmpty, "seed \(seed): \(fact) begins after \(entity) ended")
      }
      let log = NaiveLog(events)
      for t in log.turningPoints(asKnownAt: Int64(events.count)) where t >= recordedAt {
        let exists = log.state(at: t, asKnownAt: Int64(events.count)).exists(entity)
        #expect(!exists, "seed \(seed): \(entity) exists at \(t)")
      }
    }
  }

  static let endings: [Change] = [
    .identityRetired(id: "ada"), .groupDeleted(id: "g1"), .groupDeleted(id: "g2"), .roleRetired(id: "r1"),
    .sourceRetired(id: "s1"),
  ]

  private static func world(_ ahead: [(Int, Change)]) -> NaiveWorld {
    var events = Office.events
    for (hour, change) in ahead {
      let draft = Draft(effectiveAt: Universe.instant(hour), authority: Authority(), change: change)
      events += RandomCommands.make([draft], after: events.count, RandomCommands.context(0, .governed))
    }
    return NaiveWorld(events, asKnownAt: Int64(events.count))
  }

  private static func hour(_ instant: Instant) -> Int64 {
    Universe.instant(0).distance(to: instant) / 3_600_000_000
  }
}
