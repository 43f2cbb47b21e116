import Conditions
import Governance
import JSON
import Memory
public import Temporal

/// Timeline: each gain, loss and change of an identity with the events that caused it.
extension AccessGraph {
  /// The turns of an identity within a stretch, judged, by instant; losses before changes before gains, then by right.
  ///
  /// A turn is where the status of a right changes: a right that is granted and denied is not had. What depends on the clock is
  /// open, as over every stretch. Cost: the rights over all time, and for each turn the paths to its right on both sides of it and
  /// what restricts them.
  public func timeline(_ identity: String, resource: String?, during stretch: Interval, asKnownAt k: Int64) -> [Turn] {
    guard let node = find(.identity(identity)) else { return [] }
    var turns: [Turn] = []
    for row in what(identity, during: .always, asKnownAt: k) {
      guard resource.map({ Scope.isRelated(row.right.scope, to: $0) }) ?? true else { continue }
      for at in row.turningPoints where stretch.contains(at) {
        let (before, now) = (at == .earliest ? nil : row.status(at: at.adding(microseconds: -1)), row.status(at: at))
        if before != now { turns.append(turn(node, row.right, at, before: before, now: now, k)) }
      }
    }
    return turns.sorted { a, b in
      if a.at != b.at { return a.at < b.at }
      return a.kind != b.kind ? a.kind < b.kind : a.right < b.right
    }
  }

  /// Paths looked at on each side of a turn: enough to name the causes where hundreds of paths turn at once.
  private static let pathsPerTurn = 256

  private func turn(_ identity: Int32, _ right: Right, _ at: Instant, before was: Status?, now: Status?, _ k: Int64) -> Turn {
    let after = Sight(t: at.microseconds, k: k)
    var turn = Turn(at: at, right: right, before: was, now: now, causes: [])
    guard let before = after.before else { return turn }
    var causes: Set<Turn.Cause> = []
    // What is better has more to it than before, what is worse less; accounts may hold the same right on other conditions.
    for isGain in [true, false] where isGain ? turn.kind != .lost : turn.kind != .gained {
      let (with, without) = isGain ? (after, before) : (before, after)
      let walk = walk(from: identity, to: right, with)
      for path in walk.found {
        for element in path.elements where !holds(element, of: path, to: right, as: with, without) {
          causes.formUnion(isGain ? beginning(of: element, after) : ending(of: element, before, after))
        }
      }
      turn.areCausesComplete = turn.areCausesComplete && walk.isComplete
    }
    var judging = TurnCauses(self, right, before, after)
    for bearer in [identity] + facts(in: nodes[identity].accounts).map({ facts[$0].key.a }) { judging.add(bearer: bearer) }
    turn.causes = causes.union(judging.found).sorted { $0.position < $1.position }
    return turn
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
  func beginning(of element: Element, _ sight: Sight) -> Set<Turn.Cause> {
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
  func ending(of element: Element, _ before: Sight, _ sight: Sight) -> Set<Turn.Cause> {
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

  func entries(at sight: Sight, of fact: Int32, _ effect: EntryEffect) -> Set<Turn.Cause> {
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

extension StretchRight {
  /// The instants at which what is left of it may change.
  fileprivate var turningPoints: Set<Instant> {
    Set((held.intervals + conditional.intervals).flatMap { [$0.from] + ($0.to.map { [$0] } ?? []) })
  }

  /// What is left of it at an instant; nil where it is not had.
  fileprivate func status(at t: Instant) -> Status? {
    guard held.contains(t) else { return nil }
    if conditional.contains(t) { return .conditional }
    // Conditions that were open are among the conditional: those of what is had otherwise are settled.
    return right.effect == .allow && right.action != nil ? .allowed : right.status
  }
}
