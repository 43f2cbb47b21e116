import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Which observed grants, memberships and roles give what takes an approval, in random histories, by trying it at every instant.
///
/// TENURE_SEEDS sets how many histories.
@Suite struct UnapprovedHistoryTests {
  private static var seeds: Range<UInt64> {
    0..<(ProcessInfo.processInfo.environment["TENURE_SEEDS"].flatMap { UInt64($0) } ?? 20)
  }

  @Test func `a change is found to be unapproved exactly where it gives what a policy governs`() {
    var found: [String: Int] = [:]
    var free = 0
    for seed in Self.seeds {
      let (events, outcomes) = RandomCommands.run(Self.commands(seed))
      var told: Set<String> = []
      for case .accepted(let made) in outcomes {
        guard let first = made.first, let main = made.first(where: { Self.isWatched($0.change) }) else { continue }
        let before = Array(events[..<Int(first.position - 1)])
        let given = Given(main, before: before)
        // Said once, it is not said again while it is open.
        let isTold = !told.insert("\(main.change.data.canonicalText) \(main.effectiveAt)").inserted
        let said = made.contains { event in
          guard case .findingRaised(let finding) = event.change else { return false }
          return finding.rule == "unapproved_change" && finding.subject == main.change.entity
            && finding.evidence["effective_at"] == .string(main.effectiveAt.description)
        }
        if !isTold {
          // A role is looked at with all that ever include it: more may be said of it, and nothing less.
          let isMore = said && main.change.type == "role.defined"
          #expect(
            said == given.isGoverned || isMore,
            "seed \(seed), said \(said), \(main.position): \(main.change) at \(main.effectiveAt)")
        }
        if said { found[main.change.type, default: 0] += 1 } else { free += 1 }
      }
    }
    #expect(free > Self.seeds.count)
    for type in ["assignment.granted", "membership.added", "role.defined"] {
      #expect(found[type] ?? 0 > 0, "\(found)")
    }
  }

  private static func isWatched(_ change: Change) -> Bool {
    switch change {
    case .assignmentGranted, .membershipAdded: true
    case .roleDefined(_, let document, _): document.permissions != nil
    default: false
    }
  }

  /// Observed, each grant under an id of its own, and policies that govern something.
  private static func commands(_ seed: UInt64) -> [(command: Command, mode: CommandMode)] {
    var random = SeededGenerator(seed: seed &+ 0x0A99)
    var grants = 0
    return RandomCommands.commands(seed: seed &+ 300, count: 90).map { item in
      var command = RandomCommands.distinct(item.command, &grants, &random)
      if random.chance(1, in: 9) {
        let rule: JSONValue = [
          "roles": .array([.string(random.pick(Universe.roles))]), "scopes": .array([.string(random.pick(Universe.scopes))]),
          "groups": random.chance(1, in: 3) ? .array([.string(random.pick(Universe.groups))]) : [], "approvers": ["group:g2"],
          "longest_seconds": 3_600,
        ]
        command = Command(
          .policyDefined(
            id: random.pick(Universe.policies), policy: PolicyDocument(type: .elevation, rule: rule), attributes: [:]))
      }
      return (command, .observation)
    }
  }
}

/// What a change gives, in the world before it.
private struct Given {
  private let log: NaiveLog
  private let k: Int64
  private let event: Event

  init(_ event: Event, before events: [Event]) {
    (log, k, self.event) = (NaiveLog(events), Int64(events.count), event)
  }

  /// By a policy that stands when the change is recorded.
  var isGoverned: Bool {
    let state = log.folded(at: event.recordedAt, asKnownAt: k)
    return state.living.values.contains { living in
      guard case .policy(let policy) = living.document, policy.type == .elevation else { return false }
      func texts(_ name: String) -> [String] { policy.rule[name]?.arrayValue?.compactMap(\.stringValue) ?? [] }
      let roles = Set(texts("roles").map { Entity.role($0) })
      let groups = Set(texts("groups").map { Entity.group($0) })
      return self.groups.contains(where: groups.contains)
        || grants.contains { role, scope in
          roles.contains(role)
            && texts("scopes").contains { NaivePattern.concerns($0, scope == "*" ? nil : scope) || $0 == "*" }
        }
    }
  }

  /// The worlds over which it holds, each with what it would be then.
  private var worlds: [NaiveState] {
    let end = event.change.ownEnd
    let first = log.folded(at: event.effectiveAt, asKnownAt: k)
    return [first]
      + log.fold(asKnownAt: k).filter { piece in piece.from > event.effectiveAt && (end.map { piece.from < $0 } ?? true) }
      .map(\.state)
  }

  private func roles(below start: Set<Entity>, in state: NaiveState) -> Set<Entity> {
    var found = start
    while let next = found.lazy.compactMap({ role -> Entity? in
      guard case .role(_, let includes)? = state.living[role]?.document else { return nil }
      return includes.first { !found.contains($0) }
    }).first {
      found.insert(next)
    }
    return found
  }

  /// A role and all that it ever includes: what it does not include now it may include again.
  private func rolesEver(below start: Entity) -> Set<Entity> {
    let states = log.fold(asKnownAt: k).map(\.state)
    var found: Set<Entity> = [start]
    var open = [start]
    while let next = open.popLast() {
      for state in states {
        guard case .role(_, let includes)? = state.living[next]?.document else { continue }
        for role in includes where found.insert(role).inserted { open.append(role) }
      }
    }
    return found
  }

  private func groups(above start: Entity, in state: NaiveState) -> Set<Entity> {
    var found: Set<Entity> = [start]
    while let next = state.memberships.keys.first(where: { found.contains($0.member) && !found.contains($0.group) }) {
      found.insert(next.group)
    }
    return found
  }

  /// The groups that somebody comes into.
  private var groups: Set<Entity> {
    guard case .membershipAdded(let group, _, _) = event.change else { return [] }
    return Set(worlds.flatMap { groups(above: .group(group), in: $0) })
  }

  /// The roles that somebody gets, and where.
  private var grants: [(role: Entity, scope: String)] {
    switch event.change {
    case .assignmentGranted(_, let grant):
      return rolesEver(below: .role(grant.role)).map { ($0, grant.scope) }
    case .membershipAdded(let group, _, _):
      return worlds.flatMap { state -> [(role: Entity, scope: String)] in
        let entered = groups(above: .group(group), in: state)
        return state.assignments.values.filter { entered.contains($0.grant.principal) }.flatMap { held in
          rolesEver(below: .role(held.grant.role)).map { ($0, held.grant.scope) }
        }
      }
    case .roleDefined(let id, let document, _):
      return worlds.flatMap { state -> [(role: Entity, scope: String)] in
        let included = Set(document.includes.map { Entity.role($0) }.filter { state.exists($0) })
        var earlier: Set<Entity> = []
        if case .role(_, let includes)? = state.living[.role(id)]?.document { earlier = includes }
        let new = roles(below: included, in: state).subtracting(roles(below: earlier, in: state))
        return state.assignments.values.filter { roles(below: [.role($0.grant.role)], in: state).contains(.role(id)) }
          .flatMap { held in new.map { ($0, held.grant.scope) } }
      }
    default: return []
    }
  }
}
