import AccessGraph
import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// A log in memory that decides commands as the real one does, on the graph.
final class PlanLog {
  let graph = AccessGraph()
  private(set) var refusals: [Refusal] = []
  var world: GraphWorld { graph.world(asKnownAt: graph.position) }

  /// Decides and applies; a refusal is kept for the test to look at.
  func run(_ commands: [Command], source: String, at t: Instant, mode: CommandMode = .governed) {
    for command in commands {
      let context = DecisionContext(recordedAt: t, source: source, mode: mode)
      do throws(Refusal) {
        for draft in try decide(command, in: context, world: world) { apply(draft, source: source, at: t) }
      } catch {
        refusals.append(error)
      }
    }
  }

  private func apply(_ draft: Draft, source: String, at t: Instant) {
    graph.apply(
      Event(
        position: graph.appliedPosition + 1, eventID: "event", effectiveAt: draft.effectiveAt, dueAt: draft.dueAt,
        recordedAt: t, source: source, basis: .declared, authority: draft.authority,
        recordedBy: Recorder(id: "test", authentication: "local"), change: draft.change))
    graph.publish()
  }

  func plan(_ desired: DesiredState, source: String, at t: Instant) -> Plan {
    let frame = PlanFrame(source: source, at: t, isDated: false, assignmentPrefix: "\(source)@\(t)")
    return Governance.plan(desired, from: Holdings(of: source, in: world, at: t), in: world, for: frame)
  }
}

/// Random desired states over a few names, so that successive ones overlap, revise and contradict.
struct DesiredStates {
  var random: SeededGenerator
  let source: String

  mutating func next(at t: Instant) -> DesiredState {
    var state = DesiredState()
    state.insert(.sourceRegistered(id: source, attributes: [:]))
    let people = (1...6).map { "i\($0)" }.filter { _ in random.chance(2, in: 3) }
    for id in people {
      var attributes: [String: AttributeValue] = [:]
      if random.chance(1, in: 2) { attributes["level"] = .open(.integer(Int64(random.below(3)))) }
      if random.chance(1, in: 3) { attributes["owner"] = .open(.string(people[0])) }
      state.insert(.identityRegistered(id: id, kind: random.pick([.person, .service]), attributes: attributes))
    }
    let roles = (1...4).map { "r\($0)" }.filter { _ in random.chance(2, in: 3) }
    for (place, id) in roles.enumerated() {
      // Includes go either way between plans, so that the order of definitions matters.
      let others = random.chance(1, in: 2) ? Array(roles[..<place]) : []
      let document = RoleDocument(
        permissions: [Permission(actions: ["act.\(random.below(3))"])], includes: random.some(others, chance: 1, in: 2))
      state.insert(.roleDefined(id: id, document: document, attributes: [:]))
    }
    let groups = (1...4).map { "g\($0)" }.filter { _ in random.chance(2, in: 3) }
    for id in groups { state.insert(.groupCreated(id: id, attributes: [:])) }
    for (place, group) in groups.enumerated() {
      let members = people.map(Entity.identity) + groups[..<place].map(Entity.group)
      for member in random.some(members, chance: 1, in: 2) {
        state.insert(.membershipAdded(group: group, member: member, expiresAt: end(after: t)))
      }
    }
    grant(to: people.map(Entity.identity) + groups.map(Entity.group), roles, at: t, &state)
    return state
  }

  private mutating func grant(to principals: [Entity], _ roles: [String], at t: Instant, _ state: inout DesiredState) {
    guard !principals.isEmpty, !roles.isEmpty else { return }
    for _ in 0..<random.below(8) {
      let grant = Grant(
        principal: random.pick(principals), role: random.pick(roles), scope: random.pick(["a", "a/b", "*"]),
        expiresAt: end(after: t))
      state.insert(grant)
      if random.chance(1, in: 4) { state.insert(grant) }
    }
  }

  private mutating func end(after t: Instant) -> Instant? {
    random.chance(1, in: 4) ? t.adding(microseconds: Int64(1 + random.below(3)) * 1_000_000) : nil
  }
}

extension DesiredState {
  /// What holds, whatever the ids of assignments: for comparing a state with what a world shows.
  func content(at t: Instant) -> [String: Int] {
    var content: [String: Int] = [:]
    for (fact, holding) in facts where holding.expiresAt.map({ t < $0 }) ?? true {
      content["\(fact) \(holding.value) \(String(describing: holding.expiresAt))", default: 0] += 1
    }
    for grant in grants where grant.expiresAt.map({ t < $0 }) ?? true { content[grant.content, default: 0] += 1 }
    return content
  }
}

extension Holdings {
  func content() -> [String: Int] {
    var content: [String: Int] = [:]
    for (fact, holding) in facts {
      if case .grant(var grant) = holding.value {
        grant.expiresAt = holding.expiresAt
        content[grant.content, default: 0] += 1
      } else {
        content["\(fact) \(holding.value) \(String(describing: holding.expiresAt))", default: 0] += 1
      }
    }
    return content
  }
}

extension Grant {
  fileprivate var content: String { "\(principal) \(role) \(scope) \(String(describing: expiresAt))" }
}
