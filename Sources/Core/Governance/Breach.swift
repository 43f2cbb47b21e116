import JSON
public import Temporal

/// A rule that the world breaches now that some events have been applied.
public struct Breach: Hashable, Sendable {
  /// As it is recorded where it came from an observation.
  public var finding: Finding
  /// As it is answered where it came from a governed command.
  public var refusal: Refusal
  /// Whether a governed command is refused for it; otherwise it is recorded there, too.
  public var isRefused = true
}

/// Breaches that changes bring about, once applied to the world: cycles of groups and of roles, and duties that are to be
/// separate, at any instant.
///
/// Looks at what the changes write and, for a backdated registration or a voiding, at what they let take hold.
/// Cost: the ancestors of the groups and the inclusions of the roles concerned.
public func breaches(of changes: [Change], voiding facts: [Fact], in world: some World) -> [Breach] {
  var breaches: [Breach] = []
  func add(_ breach: Breach?) {
    if let breach, !breaches.contains(breach) { breaches.append(breach) }
  }
  for change in changes {
    switch change {
    case .membershipAdded(let group, let member, _) where member.kind == .group:
      add(world.nestingCycle(from: group, through: member.id))
    case .groupCreated(let id, _): add(world.nestingCycle(around: id))
    case .roleDefined(let id, _, _): add(world.inclusionCycle(around: id))
    default: continue
    }
  }
  for fact in facts {
    switch fact {
    case .membership(let group, let member) where member.kind == .group:
      add(world.nestingCycle(from: group, through: member.id))
    case .existence(let entity) where entity.kind == .group: add(world.nestingCycle(around: entity.id))
    case .existence(let entity) where entity.kind == .role: add(world.inclusionCycle(around: entity.id))
    default: continue
    }
  }
  for breach in separationBreaches(of: changes, voiding: facts, in: world) { add(breach) }
  return breaches
}

extension World {
  /// A cycle that uses the nesting of `member` in `group`.
  fileprivate func nestingCycle(from group: String, through member: String) -> Breach? {
    let edge = stretches(of: .membership(group: group, member: .group(member)))
    guard let path = cycle(from: group, to: member, within: edge, next: groupsAbove) else { return nil }
    return .cycle(
      "membership_cycle", .group(member), path: [member] + path, "would make the group a member of itself", "/member")
  }

  /// A cycle through a group, whichever nestings it uses.
  fileprivate func nestingCycle(around group: String) -> Breach? {
    let always = IntervalSet(.always)
    guard let path = cycle(from: group, to: group, within: always, next: groupsAbove) else { return nil }
    return .cycle("membership_cycle", .group(group), path: path, "would make the group a member of itself", "/id")
  }

  /// A cycle through a role.
  fileprivate func inclusionCycle(around role: String) -> Breach? {
    let always = IntervalSet(.always)
    guard let path = cycle(from: role, to: role, within: always, next: rolesIncluded(in:)) else { return nil }
    return .cycle("role_cycle", .role(role), path: path, "would make the role include itself", "/includes")
  }

  /// When a fact holds.
  func stretches(of fact: Fact) -> IntervalSet {
    IntervalSet(holds(fact).map { Interval(from: $0.from, to: $0.to) })
  }

  private func groupsAbove(_ group: String) -> [(String, IntervalSet)] {
    memberships(of: .group(group)).compactMap { fact in
      guard case .membership(let parent, _) = fact else { return nil }
      let stretches = stretches(of: fact)
      return stretches.isEmpty ? nil : (parent, stretches)
    }
  }

  /// The roles that a role includes, each with the stretches over which it does.
  public func rolesIncluded(in role: String) -> [(String, IntervalSet)] {
    // By entity: two ids that differ only in their Unicode form are two roles.
    var included: [Entity: IntervalSet] = [:]
    for span in Span.spans(of: entries(of: .existence(.role(role)))) {
      guard case .role(let document) = span.value else { continue }
      for other in document.includes {
        guard let existence = existence(of: .role(other), at: span.begun) else { continue }
        let end = [span.to, existence.until?.effective].compactMap { $0 }.min()
        guard let interval = Interval(exactly: span.from, to: end) else { continue }
        included[.role(other), default: IntervalSet()].insert(interval)
      }
    }
    return included.map { ($0.key.id, $0.value) }.sorted { $0.0.precedes($1.0) }
  }

  /// A path from a node to another over which all edges hold at one instant, found by carrying the instants along.
  private func cycle(
    from start: String, to goal: String, within instants: IntervalSet, next: (String) -> [(String, IntervalSet)]
  ) -> [String]? {
    var reached: [String: IntervalSet] = [:]
    var open: [(node: String, instants: IntervalSet, path: [String])] = [(start, instants, [start])]
    while let here = open.popLast() {
      for (node, stretches) in next(here.node) {
        let together = here.instants.intersection(stretches)
        if together.isEmpty { continue }
        if node.isExactly(goal) { return here.path + [node] }
        let known = reached[node] ?? IntervalSet()
        let fresh = together.subtracting(known)
        if fresh.isEmpty { continue }
        reached[node] = known.union(fresh)
        open.append((node, fresh, here.path + [node]))
      }
    }
    return nil
  }
}

extension Breach {
  /// Groups or roles of a cycle that its evidence names.
  private static let shownSteps = 50

  fileprivate static func cycle(
    _ rule: String, _ subject: Entity, path: [String], _ message: String, _ pointer: String
  ) -> Breach {
    // A cycle may be as long as there are groups, and its evidence must fit into an event.
    let shown = path.prefix(shownSteps)
    let evidence: JSONValue = ["length": .integer(Int64(path.count)), "path": .array(shown.map { .string($0) })]
    let rest = path.count > shownSteps ? " → … (\(path.count) in all)" : ""
    return Breach(
      finding: Finding(rule: rule, subject: subject, evidence: evidence),
      refusal: Refusal(.cycle, "\(message): \(shown.joined(separator: " → "))\(rest)", at: pointer))
  }
}
