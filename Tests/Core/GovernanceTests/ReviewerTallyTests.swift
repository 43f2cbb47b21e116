import JSON
import Temporal
import TestSupport
import Testing

@testable import Governance

/// What each reviewer has to decide, counted at once, against asking everybody about every item.
@Suite struct ReviewerTallyTests {
  private static let people = (0..<14).map { "p\($0)" }
  private static let groups = ["g0", "g1", "g2"]

  /// An organisation with accounts, services, managers in circles, nested groups, suspended people, and grants by many.
  private func desk(_ random: inout SeededGenerator) throws -> ReviewDesk {
    var desk = try ReviewDesk()
    var index = 0
    for id in Self.people { try desk.desk.tell(.identityRegistered(id: id, kind: .person, attributes: [:])) }
    for id in Self.people {
      let kind: IdentityKind = random.pick([.person, .person, .service, .account])
      var attributes: [String: AttributeValue] = [:]
      if random.chance(1, in: 2) { attributes["manager"] = .open(.string(random.pick(Self.people))) }
      if kind == .service { attributes["owner"] = .open(.string(random.pick(Self.people))) }
      let revised = Change.identityRegistered(id: id, kind: kind, attributes: attributes)
      try desk.desk.send(Command(revised, expecting: .present), mode: .observation)
    }
    for id in Self.people where random.chance(1, in: 5) {
      try? desk.desk.tell(.identityLinked(account: id, person: random.pick(Self.people)))
    }
    for id in Self.groups {
      try desk.desk.tell(.groupCreated(id: id, attributes: ["owner": .open(.string(random.pick(Self.people)))]))
    }
    try? desk.desk.tell(.membershipAdded(group: "g0", member: .group("g1"), expiresAt: nil), by: random.pick(Self.people))
    for id in Self.people {
      for group in Self.groups where random.chance(2, in: 5) {
        try? desk.desk.tell(.membershipAdded(group: group, member: .identity(id), expiresAt: nil), by: random.pick(Self.people))
      }
      let principal: Entity = random.chance(1, in: 4) ? .group(random.pick(Self.groups)) : .identity(id)
      let grant = Grant(principal: principal, role: random.pick(["reader", "payer"]), scope: "prod")
      index += 1
      try? desk.desk.tell(.assignmentGranted(id: "x\(index)", grant: grant), by: random.pick(Self.people))
    }
    for id in Self.people where random.chance(1, in: 7) { try? desk.desk.tell(.identitySuspended(id: id)) }
    return desk
  }

  private func rule(_ random: inout SeededGenerator) -> ReviewerRule {
    switch random.below(4) {
    case 0: .owner
    case 1: .manager
    case 2: .named(.group(random.pick(Self.groups)))
    default: .named(.identity(random.pick(Self.people)))
    }
  }

  @Test(arguments: 1...40)
  func `everybody who may decide an item has it, and nobody else`(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed &+ 0x7A11)
    var desk = try desk(&random)
    var terms = ReviewDesk.terms(ReviewQuery())
    terms.reviewers = [rule(&random), rule(&random)]
    terms.escalation = [.group("g2"), .identity("p0")]
    try desk.open("q", terms)
    let population = try desk.population().items
    for found in population where random.chance(1, in: 6) {
      try? desk.assign(found.item, to: random.pick(Self.people), by: random.pick(Self.people))
    }
    let witness = population.reduce(into: [Int64: Witness]()) { all, found in
      all.merge(desk.witness(found.item)) { first, _ in first }
    }
    let choice = ReviewerChoice(desk.desk.world, terms, at: desk.desk.now, witness: witness)
    var tally = ReviewerTally(ReviewerChoice(desk.desk.world, terms, at: desk.desk.now, witness: witness))
    var naive: [Entity: Int64] = [:]
    for found in population {
      let state = desk.state(found.item)
      tally.add(found, state)
      for (_, principals) in choice.routes(of: found, state) {
        let who = Set(principals.flatMap(choice.members)).filter { choice.objection(to: $0, of: found) == nil }
        for id in who { naive[.identity(id), default: 0] += 1 }
        if !who.isEmpty { break }
      }
      // The first few that an item names are among them, and whoever is asked by name may.
      for id in choice.reviewers(of: found, state).reviewers {
        #expect(choice.names(id, for: found, state) && choice.mayDecide(id, about: found, state), "seed \(seed)")
      }
    }
    let loads = tally.loads
    #expect(loads.count == naive.count, "seed \(seed)")
    for load in loads { #expect(load.items == naive[.identity(load.reviewer)], "seed \(seed): \(load.reviewer)") }
    #expect(loads.map(\.items) == loads.map(\.items).sorted(by: >), "seed \(seed)")
  }
}
