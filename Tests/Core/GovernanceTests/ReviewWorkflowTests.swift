import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Random reviews in a random organisation: who may not, never does, and what is refused leaves nothing.
@Suite struct ReviewWorkflowTests {
  private static let people = ["ada", "bob", "cy", "dan", "mallory", "ada@laptop", "robot"]

  /// Judged by hand, from the log alone: everybody who stands behind an identity, by link or as the owner of what is no person.
  private func behind(_ identity: String, in events: [Event]) -> Set<String> {
    var found: Set<String> = [identity]
    var grew = true
    while grew {
      let before = found
      for event in events {
        switch event.change {
        case .identityLinked(let account, let person) where found.contains(account): found.insert(person)
        case .identityRegistered(let id, let kind, let attributes) where found.contains(id) && kind != .person:
          if case .open(let owner)? = attributes["owner"], let text = owner.stringValue { found.insert(text) }
        default: continue
        }
      }
      grew = found.count > before.count
    }
    return found
  }

  /// Everybody in a group by the naive fold of the moment.
  private func holders(_ principal: Entity, _ events: [Event], at t: Instant) -> Set<String> {
    let state = NaiveLog(events).state(at: t, asKnownAt: Int64(events.count))
    var found: Set<Entity> = [principal]
    var grew = true
    while grew {
      let more = state.memberships.keys.filter { found.contains($0.group) }.map(\.member)
      grew = !found.isSuperset(of: more)
      found.formUnion(more)
    }
    return found.filter { $0.kind == .identity }.reduce(into: []) { $0.formUnion(behind($1.id, in: events)) }
  }

  @Test(arguments: 1...40)
  func `nobody decides about what they hold by any account, granted, or hold over whom they report to`(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    var desk = try ReviewDesk()
    var opened = 0
    var decided = 0
    for _ in 0..<60 {
      let before = desk.desk.events
      do throws(Refusal) {
        try step(&desk, &random, &opened)
      } catch {
        #expect(desk.desk.events == before, "seed \(seed): \(error)")
        continue
      }
      // Whatever was just recorded about an item.
      for event in desk.desk.events.dropFirst(before.count) {
        guard case .reviewItem(let review, let item, .decided, let by?, _, let state?) = event.change else { continue }
        decided += 1
        try judge(review, item, by, state, event, before, "seed \(seed), event \(event.position)")
      }
      let world = desk.desk.world
      for review in world.reviews {
        let standing = try #require(world.review(review, at: desk.desk.now))
        let again = try world.frozenPopulation(of: standing)
        #expect(again.digest == standing.progress.population.digest, "seed \(seed)")
      }
    }
    #expect(opened > 0, "seed \(seed)")
  }

  private func judge(
    _ review: String, _ item: GrantName, _ by: String, _ state: ReviewItemState, _ event: Event, _ before: [Event],
    _ place: String
  ) throws {
    let selves = behind(by, in: before)
    let naive = NaiveLog(before).state(at: event.effectiveAt, asKnownAt: Int64(before.count))
    let principal: Entity
    switch item {
    case .membership(_, let member): principal = member
    case .assignment(let id): principal = try #require(naive.assignments[Entity(.assignment, id)], "\(place)").grant.principal
    }
    let holders = holders(principal, before, at: event.effectiveAt)
    #expect(selves.isDisjoint(with: holders), "\(place): \(by) decided about \(principal)")
    #expect(naive.exists(.identity(by)) && naive.suspended[.identity(by)] == nil, "\(place)")
    // Up the line from whoever decides, nobody holds it.
    var line = selves
    var open = Array(selves)
    while let next = open.popLast() {
      guard case .open(let manager)? = naive.attributes[.identity(next)]?["manager"]?.value, let text = manager.stringValue,
        line.insert(text).inserted
      else { continue }
      open.append(text)
    }
    #expect(line.isDisjoint(with: holders), "\(place): \(by) reports to a holder")
    for author in before where author.writes.contains(where: { $0.fact == item.fact }) {
      guard let actor = author.authority.actor?.id, isBeginning(author, of: item, naive) else { continue }
      #expect(behind(actor, in: before).isDisjoint(with: selves), "\(place): \(by) granted it")
    }
    if state.decision?.choice == .revoke { #expect(state.decision?.rationale != nil, "\(place)") }
  }

  private func isBeginning(_ event: Event, of item: GrantName, _ naive: NaiveState) -> Bool {
    switch item {
    case .assignment(let id): naive.assignments[Entity(.assignment, id)]?.origin.position == event.position
    case .membership(let group, let member):
      naive.memberships.contains { key, held in
        key.group == .group(group) && key.member == member && held.origin.position == event.position
      }
    }
  }

  private func step(_ desk: inout ReviewDesk, _ random: inout SeededGenerator, _ opened: inout Int) throws(Refusal) {
    let who = random.pick(Self.people)
    let reviews = desk.desk.world.reviews
    switch random.below(reviews.isEmpty ? 3 : 13) {
    case 0:
      var terms = ReviewDesk.terms(
        random.pick([
          ReviewQuery(), ReviewQuery(scope: "prod"), ReviewQuery(groups: ["leads"]), ReviewQuery(identities: ["ada"]),
        ]),
        executes: random.pick(ReviewExecutionTime.allCases), atDeadline: random.pick(DeadlineMeasure.allCases),
        signsOff: random.chance(1, in: 2) ? [.identity(random.pick(Self.people))] : [])
      terms.reviewers = [random.pick([.owner, .manager, .named(.group("leads"))]), .manager]
      if random.chance(1, in: 3) { terms.escalation = [] }
      try desk.open("q\(reviews.count)", terms)
      opened += 1
    case 1:
      let grant = Grant(principal: .identity(random.pick(Self.people)), role: "payer", scope: "prod")
      try desk.desk.tell(.assignmentGranted(id: "x\(desk.desk.events.count)", grant: grant), by: who)
    case 2:
      let member = Entity.identity(random.pick(Self.people))
      try desk.desk.tell(
        random.chance(1, in: 2)
          ? .membershipAdded(group: "oncall", member: member, expiresAt: nil)
          : .membershipRemoved(group: "oncall", member: member), by: who)
    case 3: try desk.step(random.pick(ReviewStep.allCases), of: random.pick(reviews), by: who, reason: "over")
    case 4: desk.wait(days: Int64(random.below(4)))
    default: try item(&desk, &random, random.pick(reviews), by: who)
    }
  }

  private func item(
    _ desk: inout ReviewDesk, _ random: inout SeededGenerator, _ review: String, by who: String
  ) throws(Refusal) {
    let world = desk.desk.world
    guard let standing = world.review(review, at: desk.desk.now) else { return }
    let item = random.pick(try world.frozenPopulation(of: standing).items).item
    let other = random.pick(Self.people)
    switch random.below(10) {
    case 0: try desk.execute(item, in: review)
    case 1: try desk.assign(item, to: other, by: who, in: review)
    default:
      try desk.decide(
        item, random.pick(ReviewChoice.allCases), by: who, random.chance(3, in: 4) ? "because" : nil,
        to: random.chance(1, in: 2) ? other : nil, isBulk: random.chance(1, in: 4), in: review)
    }
  }
}
