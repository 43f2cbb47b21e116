import Conditions
import Governance
import JSON
import Memory
public import Temporal

/// Timeline: each gain and loss of an identity with the events that caused it.
extension AccessGraph {
  /// The turns of an identity within a stretch, by instant; losses before gains, then by right.
  ///
  /// Cost: the rights over all time, and for each turn the paths to its right on both sides of it.
  public func timeline(_ identity: String, resource: String?, during stretch: Interval, asKnownAt k: Int64) -> [Turn] {
    guard let node = find(.identity(identity)) else { return [] }
    var turns: [Turn] = []
    for (right, held) in stretches(ofRightsOf: node, within: resource, k) {
      for interval in held.intervals {
        if stretch.contains(interval.from) { turns.append(turn(node, right, interval.from, isGain: true, k)) }
        if let to = interval.to, stretch.contains(to) { turns.append(turn(node, right, to, isGain: false, k)) }
      }
    }
    return turns.sorted { a, b in
      if a.at != b.at { return a.at < b.at }
      return a.isGain != b.isGain ? b.isGain : a.right < b.right
    }
  }

  /// Paths looked at on each side of a turn: enough to name the causes where hundreds of paths turn at once.
  private static let pathsPerTurn = 256

  private func turn(_ identity: Int32, _ right: Right, _ at: Instant, isGain: Bool, _ k: Int64) -> Turn {
    let after = Sight(t: at.microseconds, k: k)
    guard let before = after.before else { return Turn(at: at, isGain: isGain, right: right, causes: []) }
    let (with, without) = isGain ? (after, before) : (before, after)
    var causes: Set<Turn.Cause> = []
    let walk = walk(from: identity, to: right, with)
    for path in walk.found {
      for element in path.elements where !holds(element, of: path, to: right, as: with, without) {
        causes.formUnion(isGain ? beginning(of: element, after) : ending(of: element, before, after))
      }
    }
    let sorted = causes.sorted { $0.position < $1.position }
    return Turn(at: at, isGain: isGain, right: right, causes: sorted, areCausesComplete: walk.isComplete)
  }

  private func walk(from identity: Int32, to right: Right, _ sight: Sight) -> PathWalk {
    let scope = texts.find(right.scope)
    var walk = PathWalk(
      graph: self, sight: sight, limit: Self.pathsPerTurn, grants: { $0.scope == scope },
      permissions: { role, index in
        guard index >= 0, let permission = role.document.permissions?[index] else { return right.action == nil }
        return Self.gives(permission, right)
      })
    walk.accepts = { path in
      guard path.documents == right.conditions else { return false }
      guard let unknown = right.unknownRole, case .permission(let role, _)? = path.elements.last else { return true }
      return self.id(role).isExactly(unknown)
    }
    walk.run(from: identity)
    return walk
  }

  /// Whether an element of a path that stands in one sight says the same in another.
  private func holds(
    _ element: Element, of path: ElementPath, to right: Right, as sight: Sight, _ other: Sight
  ) -> Bool {
    switch element {
    case .identity(let node), .builtIn(let node): return isActive(node, other)
    case .link(let fact), .membership(let fact), .assignment(let fact):
      return holding(fact, other).map { $0.value == holding(fact, sight)?.value } ?? false
    case .inclusion(let included, let role):
      return definition(of: role, other).map { inclusions(of: $0, other).contains(included) } ?? false
    case .permission(let role, let index):
      guard let document = definition(of: role, other)?.role.document else { return false }
      guard index >= 0 else { return document.permissions == nil }
      let assigned = assignedConditions(of: path, sight)
      return (document.permissions ?? []).contains { permission in
        Self.gives(permission, right)
          && Self.sorted(assigned + (permission.condition.map { [$0] } ?? [])) == right.conditions
      }
    }
  }

  /// Whether a permission has the right's patterns.
  private static func gives(_ permission: Permission, _ right: Right) -> Bool {
    guard let action = right.action, permission.effect == right.effect else { return false }
    return permission.actions.contains { $0.isExactly(action) }
      && permission.resources.contains { $0.isExactly(right.resource) }
  }

  /// The condition of the path's assignment, if it has one.
  private func assignedConditions(of path: ElementPath, _ sight: Sight) -> [JSONValue] {
    for case .assignment(let fact) in path.elements {
      if let condition = holding(fact, sight).flatMap({ condition(of: grants[$0.value]) }) {
        return [condition.document]
      }
    }
    return []
  }

  /// The events that take effect at this instant and begin the element.
  private func beginning(of element: Element, _ sight: Sight) -> Set<Turn.Cause> {
    switch element {
    case .identity(let node), .builtIn(let node):
      var causes = entries(at: sight, of: nodes[node].existence, .begins)
      if let fact = suspensionFact(of: node) { causes.formUnion(entries(at: sight, of: fact, .ends)) }
      return causes
    case .link(let fact), .membership(let fact), .assignment(let fact): return entries(at: sight, of: fact, .begins)
    case .inclusion(_, let role), .permission(let role, _):
      return entries(at: sight, of: nodes[role].existence, .begins)
    }
  }

  /// The events that take effect at this instant and end the element, or the one that set the end it came to.
  private func ending(of element: Element, _ before: Sight, _ sight: Sight) -> Set<Turn.Cause> {
    switch element {
    case .identity(let node), .builtIn(let node):
      var causes = entries(at: sight, of: nodes[node].existence, .ends)
      if let fact = suspensionFact(of: node) { causes.formUnion(entries(at: sight, of: fact, .begins)) }
      return causes
    case .link(let fact), .membership(let fact), .assignment(let fact):
      guard let held = holding(fact, before) else { return [] }
      var causes = entries(at: sight, of: fact, .ends)
      if held.expires == sight.t, causes.isEmpty {
        causes.insert(Turn.Cause(position: entries[held.entry].position, isExpiry: true))
      }
      for end in ends(of: fact, value: held.value) {
        causes.formUnion(entries(at: sight, of: nodes[end].existence, .ends))
      }
      return causes.isEmpty ? entries(at: sight, of: fact, .begins) : causes
    case .inclusion(let included, let role):
      return ending(ofDefinitionOf: role, sight)
        .union(entries(at: sight, of: nodes[included].existence, .ends))
    case .permission(let role, _): return ending(ofDefinitionOf: role, sight)
    }
  }

  private func ending(ofDefinitionOf role: Int32, _ sight: Sight) -> Set<Turn.Cause> {
    let fact = nodes[role].existence
    let ends = entries(at: sight, of: fact, .ends)
    return ends.isEmpty ? entries(at: sight, of: fact, .begins) : ends
  }

  private func entries(at sight: Sight, of fact: Int32, _ effect: EntryEffect) -> Set<Turn.Cause> {
    var causes: Set<Turn.Cause> = []
    forEachEntryIndex(of: fact) { index in
      let entry = entries[index]
      guard entry.effective == sight.t, entry.effect == effect, entry.isVisible(at: sight.k) else { return }
      let due = dues[index].flatMap { $0 < entry.effective ? Instant(microseconds: $0) : nil }
      causes.insert(Turn.Cause(position: entry.position, isExpiry: false, dueAt: due))
    }
    return causes
  }
}
