public import Governance
import JSON
import Memory
import Temporal

/// An assignment that gives privileged permissions, and goes on without an end.
public struct StandingPrivilege: Hashable, Sendable {
  /// The assignment's id.
  public var assignment: String
  /// Who has it.
  public var principal: Entity
  /// The role.
  public var role: String
  /// Where.
  public var scope: String
  /// The patterns of actions that make it privileged, in byte order.
  public var actions: [String]

  /// Patterns that a finding shows: the first few say what it is about, and a role may have thousands.
  private static let shownActions = 20

  /// The finding about it.
  public var finding: Finding {
    var evidence: JSONObject = [
      "principal": .string(principal.description), "role": .string(role), "scope": .string(scope),
      "actions": .array(actions.prefix(Self.shownActions).map { .string($0) }),
    ]
    if actions.count > Self.shownActions { evidence["actions_in_all"] = .integer(Int64(actions.count)) }
    return Finding(
      rule: "standing_privileged_access", subject: Entity(.assignment, assignment), evidence: .object(evidence))
  }
}

extension AccessGraph {
  /// The assignments of some roles that give somebody active a privileged permission and of which no end is known.
  ///
  /// No end is known where neither the assignment has one, nor, for a group, every chain of memberships that leads to somebody.
  /// To be asked as known at the head: what ends ahead is what is known now. O(assignments of the privileged ones, members of
  /// their groups until one is found).
  public func standingPrivileges(of roles: some Sequence<String>, from view: Viewpoint) -> [StandingPrivilege] {
    let sight = Sight(view)
    let patterns = privilegedPatterns(sight)
    if patterns.isEmpty { return [] }
    var found: [StandingPrivilege] = []
    for role in roles {
      guard let node = find(.role(role)), nodes[node].grants != none else { continue }
      let actions = privilegedActions(of: node, patterns, sight)
      if actions.isEmpty { continue }
      forEachLive(nodes[node].grants, sight) { edge in
        let grant = grants[edge.other]
        let fact = entries[edge.entry].fact
        guard edge.to == never, holding(fact, sight)?.expires == never, isStanding(grant.principal, sight) else { return }
        found.append(
          StandingPrivilege(
            assignment: texts[facts[fact].key.a], principal: entity(grant.principal), role: role, scope: texts[grant.scope],
            actions: actions))
      }
    }
    return found
  }

  private func privilegedActions(of role: Int32, _ patterns: [Pattern], _ sight: Sight) -> [String] {
    var actions: Set<String> = []
    forEachRole(under: role, sight) { _, definition, _ in
      for permission in definition.document.permissions ?? [] where permission.effect == .allow {
        for action in permission.actions where !actions.contains(action) {
          let pattern = Pattern(action)
          if patterns.contains(where: { $0.overlaps(pattern) }) { actions.insert(action) }
        }
      }
    }
    return actions.sorted { $0.precedes($1) }
  }

  /// Whether a principal is somebody active, or a group that somebody active belongs to, by memberships without an end.
  private func isStanding(_ principal: Int32, _ sight: Sight) -> Bool {
    if nodes[principal].kind == .identity { return isActive(principal, sight) }
    var seen: Set<Int32> = [principal]
    var open = [principal]
    while let group = open.popLast() {
      var isFound = false
      forEachLive(nodes[group].members, sight) { edge in
        guard !isFound, edge.to == never, existed(group, since: edge, sight), existed(edge.other, since: edge, sight) else {
          return
        }
        if nodes[edge.other].kind == .identity {
          isFound = isActive(edge.other, sight)
          return
        }
        if seen.insert(edge.other).inserted { open.append(edge.other) }
      }
      if isFound { return true }
    }
    return false
  }
}
