import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Which observed grants, memberships and roles give what takes an approval, in random histories, by trying it at every instant.
///
/// TENURE_SEEDS sets how many histories, TENURE_FIRST_SEED where they begin.
@Suite struct UnapprovedHistoryTests {
  private static var seeds: Range<UInt64> {
    let environment = ProcessInfo.processInfo.environment
    let first = environment["TENURE_FIRST_SEED"].flatMap { UInt64($0) } ?? 0
    return first..<first + (environment["TENURE_SEEDS"].flatMap { UInt64($0) } ?? 20)
  }

  @Test func `a change is found to be unapproved exactly where it gives what a policy governs`() {
    var found: [String: Int] = [:]
    var free = 0
    for seed in Self.seeds {
      let commands = Self.commands(seed)
      let (events, outcomes) = RandomCommands.run(commands)
      var told: Set<String> = []
      for ((command, _), outcome) in zip(commands, outcomes) {
        guard case .accepted(let made) = outcome, let first = made.first, let last = made.last else { continue }
        let before = Array(events[..<Int(first.position - 1)])
        let change = command.change
        let at = command.effectiveAt ?? first.recordedAt
        let findings = made.compactMap { event -> Finding? in
          guard case .findingRaised(let finding) = event.change, finding.rule == "unapproved_change" else { return nil }
          return finding
        }
        let said = findings.contains { $0.subject == change.entity && $0.evidence["effective_at"] == .string(at.description) }
        let given = Given(change, at, recordedAt: first.recordedAt, before: before, after: Array(events[..<Int(last.position)]))
        if !findings.isEmpty { found[change.type, default: 0] += 1 } else { free += 1 }
        // Said once, it is not said again while it is open.
        guard told.insert("\(change.type) \(change.entity) \(change.data.canonicalText) \(at)").inserted else { continue }
        let comment = "seed \(seed), \(first.position): \(change) at \(at)"
        if given.isGoverned { #expect(said, "\(comment) is not found") }
        if let back = given.returned { #expect(!findings.isEmpty, "\(comment) gives back \(back), which is not found") }
        // A role is looked at with all that ever include it: more may be said of it, and nothing less.
        if said, !given.isGoverned, Self.isWatched(change), change.type != "role.defined" {
          #expect(given.returned != nil, "\(comment) is found")
        }
      }
    }
    #expect(free > Self.seeds.count)
    for type in [
      "assignment.granted", "assignment.extended", "membership.added", "role.defined", "role.retired", "policy.defined",
      "policy.retired", "event.voided",
    ] {
      #expect(found[type] ?? 0 > 0, "\(found)")
    }
  }

  /// What is found exactly where it is governed, and not only there.
  private static func isWatched(_ change: Change) -> Bool {
    switch change {
    case .assignmentGranted, .assignmentExtended, .membershipAdded, .roleRetired, .policyDefined, .policyRetired: true
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
          "revisions": random.chance(1, in: 3)
            ? .array([.string("role:\(random.pick(Universe.roles))"), .string("policy:\(random.pick(Universe.policies))")])
            : [],
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

/// What a change gives, in the world before it, and what it lets hold again.
private struct Given {
  private let log: NaiveLog
  private let later: NaiveLog
  private let change: Change
  private let at: Instant
  private let recordedAt: Instant
  private var k: Int64 { Int64(log.events.count) }
  private let rules: [JSONValue]

  init(_ change: Change, _ at: Instant, recordedAt: Instant, before: [Event], after: [Event]) {
    (log, later) = (NaiveLog(before), NaiveLog(after))
    (self.change, self.at, self.recordedAt) = (change, at, recordedAt)
    // A policy governs that stands when the change is recorded.
    rules = log.folded(at: recordedAt, asKnownAt: Int64(before.count)).living.values.compactMap { living in
      guard case .policy(let policy) = living.document, policy.type == .elevation else { return nil }
      return policy.rule
    }
  }

  private func texts(_ rule: JSONValue, _ name: String) -> [String] {
    rule[name]?.arrayValue?.compactMap(\.stringValue) ?? []
  }

  private func isGoverned(_ role: Entity, on scope: String) -> Bool {
    rules.contains { rule in
      texts(rule, "roles").contains { .role($0) == role }
        && texts(rule, "scopes").contains { NaivePattern.concerns($0, scope == "*" ? nil : scope) || $0 == "*" }
    }
  }

  private func isGoverned(_ group: Entity) -> Bool { rules.contains { texts($0, "groups").contains { .group($0) == group } } }

  var isGoverned: Bool {
    if rules.isEmpty { return false }
    return groups.contains(where: isGoverned) || grants.contains { isGoverned($0.role, on: $0.scope) }
      || revised.map { revised in rules.contains { texts($0, "revisions").contains(revised.description) } } ?? false
  }

  /// The role or policy of which another version holds.
  private var revised: Entity? {
    switch change {
    case .roleDefined, .roleRetired, .policyDefined, .policyRetired: change.entity
    default: nil
    }
  }

  /// A grant or membership under a policy that did not hold now or at some time to come, and does with this, though this is not it.
  var returned: String? {
    if rules.isEmpty { return nil }
    let then = later.fold(asKnownAt: Int64(later.events.count))
    let own = later.events[Int(k)...].map { $0.change }
    for (index, piece) in then.enumerated() {
      // What came back in the past gives nobody anything.
      if index + 1 < then.count, then[index + 1].from <= recordedAt { continue }
      let state = piece.state
      let starts =
        [max(piece.from, recordedAt)]
        + log.turningPoints(asKnownAt: k).filter { turn in
          turn > piece.from && turn > recordedAt && (index + 1 == then.count || turn < then[index + 1].from)
        }
      for start in starts {
        let before = log.folded(at: start, asKnownAt: k)
        for (id, held) in state.assignments where before.assignments[id] == nil {
          let isOwn = own.contains { change in
            switch change {
            case .assignmentGranted(id.id, _), .assignmentExtended(id.id, _): true
            default: false
            }
          }
          if !isOwn, rolesEver(below: .role(held.grant.role)).contains(where: { isGoverned($0, on: held.grant.scope) }) {
            return "\(id) at \(start)"
          }
        }
        for membership in state.memberships.keys where before.memberships[membership] == nil {
          let isOwn = own.contains { change in
            if case .membershipAdded(let group, let member, _) = change {
              .group(group) == membership.group && member == membership.member
            } else {
              false
            }
          }
          let entered = groups(above: membership.group, in: state)
          let isGiven = state.assignments.values.contains { held in
            entered.contains(held.grant.principal)
              && rolesEver(below: .role(held.grant.role)).contains { isGoverned($0, on: held.grant.scope) }
          }
          if !isOwn, isGiven || entered.contains(where: isGoverned) {
            return "\(membership.member) in \(membership.group) at \(start)"
          }
        }
      }
    }
    return nil
  }

  /// The worlds over which it holds, each with what it would be then.
  private var worlds: [NaiveState] {
    let end = change.ownEnd
    let first = log.folded(at: at, asKnownAt: k)
    return [first]
      + log.fold(asKnownAt: k).filter { piece in piece.from > at && (end.map { piece.from < $0 } ?? true) }
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

  /// A role and all that it ever includes, at one instant or another: what it does not include now it may include again.
  ///
  /// Where it includes one that includes a third only at another time, it has never included the third.
  private func rolesEver(below start: Entity) -> Set<Entity> {
    log.fold(asKnownAt: k).reduce(into: [start]) { $0.formUnion(roles(below: [start], in: $1.state)) }
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
    guard case .membershipAdded(let group, _, _) = change else { return [] }
    return Set(worlds.flatMap { groups(above: .group(group), in: $0) })
  }

  /// The roles that somebody gets, and where.
  private var grants: [(role: Entity, scope: String)] {
    switch change {
    case .assignmentGranted(_, let grant):
      return rolesEver(below: .role(grant.role)).map { ($0, grant.scope) }
    case .assignmentExtended(let id, _):
      // As it was granted, though it has ended.
      return log.visible(asKnownAt: k).flatMap { event -> [(role: Entity, scope: String)] in
        guard case .assignmentGranted(id, let grant) = event.change else { return [] }
        return rolesEver(below: .role(grant.role)).map { ($0, grant.scope) }
      }
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
        // That a role includes itself gives its holders nothing.
        let new = roles(below: included, in: state).subtracting(roles(below: earlier, in: state)).subtracting([.role(id)])
        return state.assignments.values.filter { roles(below: [.role($0.grant.role)], in: state).contains(.role(id)) }
          .flatMap { held in new.map { ($0, held.grant.scope) } }
      }
    default: return []
    }
  }
}
