import AccessGraph
import Governance
import JSON
import Temporal
import TestSupport
import Testing

private let start = Instant(microseconds: 1_700_000_000_000_000)

@Suite struct `A plan` {
  @Test(arguments: 1...60)
  func `leads to the desired state, and planned again there is nothing to do`(seed: UInt64) {
    let log = PlanLog()
    var states = DesiredStates(random: SeededGenerator(seed: seed), source: "apply:test")
    var t = start
    for _ in 1...12 {
      t = t.adding(microseconds: 1_000_000)
      let desired = states.next(at: t)
      log.run(log.plan(desired, source: "apply:test", at: t).commands, source: "apply:test", at: t)
      #expect(log.refusals == [], "seed \(seed)")
      #expect(Holdings(of: "apply:test", in: log.world, at: t).content() == desired.content(at: t), "seed \(seed)")
      #expect(log.plan(desired, source: "apply:test", at: t).isEmpty, "seed \(seed)")
    }
  }

  @Test(arguments: 1...30)
  func `keeps its own account of what it did`(seed: UInt64) {
    let log = PlanLog()
    var states = DesiredStates(random: SeededGenerator(seed: seed), source: "s")
    var held = Holdings()
    for step in 1...8 {
      let t = start.adding(microseconds: Int64(step) * 10_000_000)
      // What ends by itself between two plans is for a source that reads its holdings from the world.
      let desired = states.next(at: t).withoutEnds()
      let frame = PlanFrame(source: "s", at: t, isDated: false, assignmentPrefix: "s@\(step)")
      let plan = Governance.plan(desired, from: held, in: log.world, for: frame)
      held.apply(plan)
      log.run(plan.commands, source: "s", at: t)
      #expect(held.facts == Holdings(of: "s", in: log.world, at: t).facts, "seed \(seed)")
    }
    #expect(log.refusals == [])
  }

  @Test(arguments: 1...40)
  func `of one source never touches another's facts`(seed: UInt64) {
    let log = PlanLog()
    var first = DesiredStates(random: SeededGenerator(seed: seed), source: "first")
    var second = DesiredStates(random: SeededGenerator(seed: seed &+ 1000), source: "second")
    var t = start
    for step in 1...10 {
      t = t.adding(microseconds: 1_000_000)
      let mine = step.isMultiple(of: 2) ? "first" : "second"
      let theirs = step.isMultiple(of: 2) ? "second" : "first"
      let before = Holdings(of: theirs, in: log.world, at: t).facts
      let desired = mine == "first" ? first.next(at: t) : second.next(at: t)
      let plan = log.plan(desired, source: mine, at: t)
      log.run(plan.commands, source: mine, at: t, mode: .observation)
      #expect(Holdings(of: theirs, in: log.world, at: t).facts == before, "seed \(seed), step \(step)")
      for collision in plan.collisions {
        #expect(!collision.source.isExactly(mine) || log.world.hasUsed(collision.fact), "seed \(seed)")
      }
    }
  }

  @Test func `refers to what exists through another source and tells where it should be another`() {
    let log = PlanLog()
    log.run([Command(.identityRegistered(id: "ann", kind: .person, attributes: [:]))], source: "hr", at: start)
    var desired = DesiredState()
    desired.insert(.identityRegistered(id: "ann", kind: .service, attributes: [:]))
    desired.insert(.groupCreated(id: "ops", attributes: [:]))
    desired.insert(.membershipAdded(group: "ops", member: .identity("ann"), expiresAt: nil))
    let plan = log.plan(desired, source: "apply:x", at: start.next)
    #expect(plan.commands.map(\.change.type) == ["group.created", "membership.added"])
    #expect(plan.collisions == [Collision(fact: .existence(.identity("ann")), source: "hr")])
  }

  @Test func `retires an identity only once no other source holds it`() {
    let log = PlanLog()
    var desired = DesiredState()
    desired.insert(.identityRegistered(id: "ann", kind: .account, attributes: [:]))
    log.run(log.plan(desired, source: "a", at: start).commands, source: "a", at: start)
    let other: [Change] = [
      .groupCreated(id: "g", attributes: [:]), .membershipAdded(group: "g", member: .identity("ann"), expiresAt: nil),
    ]
    log.run(other.map { Command($0) }, source: "b", at: start)

    let kept = log.plan(DesiredState(), source: "a", at: start.next)
    #expect(kept.isEmpty)
    #expect(kept.kept == [.identity("ann")])

    log.run([Command(.membershipRemoved(group: "g", member: .identity("ann")))], source: "b", at: start.next)
    let ended = log.plan(DesiredState(), source: "a", at: start.next)
    #expect(ended.commands.map(\.change) == [.identityRetired(id: "ann")])
  }

  @Test func `moves the end of an assignment and gives an ended one a new id`() {
    let log = PlanLog()
    let grant = Grant(principal: .identity("ann"), role: "reader", scope: "acme")
    var base = DesiredState()
    base.insert(.identityRegistered(id: "ann", kind: .person, attributes: [:]))
    base.insert(.roleDefined(id: "reader", document: RoleDocument(permissions: []), attributes: [:]))
    func changes(_ grant: Grant?, at t: Instant) -> [Change] {
      var desired = base
      if let grant { desired.insert(grant) }
      let plan = log.plan(desired, source: "s", at: t)
      log.run(plan.commands, source: "s", at: t)
      return plan.commands.map(\.change).filter { $0.type.hasPrefix("assignment.") }
    }
    let (one, two, three) = (start, start.adding(microseconds: 10), start.adding(microseconds: 20))
    let end = start.adding(microseconds: 1_000_000)
    let first = "s@\(one)/1"
    #expect(changes(grant, at: one) == [.assignmentGranted(id: first, grant: grant)])
    var ending = grant
    ending.expiresAt = end
    #expect(changes(ending, at: two) == [.assignmentExtended(id: first, expiresAt: end)])
    #expect(changes(nil, at: three) == [.assignmentRevoked(id: first)])
    let four = three.next
    #expect(changes(grant, at: four) == [.assignmentGranted(id: "s@\(four)/1", grant: grant)])
    #expect(log.refusals == [])
  }

  @Test func `never uses an assignment id for another value`() {
    let log = PlanLog()
    func desired(_ scope: String) -> DesiredState {
      var desired = DesiredState()
      desired.insert(.identityRegistered(id: "ann", kind: .person, attributes: [:]))
      desired.insert(.roleDefined(id: "reader", document: RoleDocument(permissions: []), attributes: [:]))
      desired.insert(.assignmentGranted(id: "one", grant: Grant(principal: .identity("ann"), role: "reader", scope: scope)))
      return desired
    }
    log.run(log.plan(desired("a"), source: "s", at: start).commands, source: "s", at: start)
    let plan = log.plan(desired("b"), source: "s", at: start.next)
    #expect(plan.isEmpty)
    #expect(plan.collisions == [Collision(fact: .assignment(id: "one"), source: "s")])
  }

  @Test func `takes away an attribute that is declared no more`() {
    let log = PlanLog()
    var with = DesiredState()
    with.insert(.identityRegistered(id: "ann", kind: .person, attributes: ["team": .open("red"), "level": .open(3)]))
    log.run(log.plan(with, source: "s", at: start).commands, source: "s", at: start)
    var without = DesiredState()
    without.insert(.identityRegistered(id: "ann", kind: .person, attributes: ["level": .open(3)]))
    let plan = log.plan(without, source: "s", at: start.next)
    #expect(plan.commands.map(\.change) == [.identityRegistered(id: "ann", kind: .person, attributes: ["team": .open(.null)])])
    log.run(plan.commands, source: "s", at: start.next)
    #expect(log.plan(without, source: "s", at: start.next).isEmpty)
  }
}

extension World {
  fileprivate func hasUsed(_ fact: Fact) -> Bool {
    if case .assignment(let id) = fact { hasUsed(assignment: id) } else { false }
  }
}

extension DesiredState {
  fileprivate func withoutEnds() -> DesiredState {
    var state = DesiredState()
    for (fact, holding) in facts {
      switch (fact, holding.value) {
      case (.membership(let group, let member), _):
        state.insert(.membershipAdded(group: group, member: member, expiresAt: nil))
      case (.existence(let entity), .identity(let kind)):
        state.insert(.identityRegistered(id: entity.id, kind: kind, attributes: [:]))
      case (.existence(let entity), .role(let document)):
        state.insert(.roleDefined(id: entity.id, document: document, attributes: [:]))
      case (.existence(let entity), .group): state.insert(.groupCreated(id: entity.id, attributes: [:]))
      case (.existence(let entity), .source): state.insert(.sourceRegistered(id: entity.id, attributes: [:]))
      default: continue
      }
    }
    for var grant in grants {
      grant.expiresAt = nil
      state.insert(grant)
    }
    return state
  }
}
