import Conditions
import Governance
import JSON
import Memory
import Temporal

/// One element of a path, by numbers; each can hold or not at a (t, k).
enum Element: Hashable {
  /// The identity, or an account of it, being there and not suspended.
  case identity(Int32)
  case link(Int32)
  /// A built-in principal that the identity is one of.
  case builtIn(Int32)
  case membership(Int32)
  case assignment(Int32)
  /// A role's definition including a role.
  case inclusion(of: Int32, in: Int32)
  /// A permission in a role's definition; -1 for a document that is not known.
  case permission(role: Int32, index: Int)
}

/// A path in the making: its elements, and the conditions on it.
struct ElementPath {
  var elements: [Element]
  var conditions: [Condition] = []
  var isUnknown = false

  /// The identity with whom it begins: the account, where it goes over one.
  var bearer: Int32 {
    for element in elements.reversed() { if case .identity(let node) = element { return node } }
    preconditionFailure("a path begins with an identity")
  }

  /// The conditions as they are written.
  var documents: [JSONValue] { AccessGraph.sorted(conditions.map(\.document)) }
}

/// Why: every path from an identity to what is asked.
extension AccessGraph {
  /// Paths that are walked to find the shortest ones: far beyond what a person reads, and milliseconds of work.
  private static let pathsExplored = 10_000

  /// Whether an identity may do an action on exactly this resource, and by which paths, the shortest first.
  ///
  /// A path stands there with what is left of its conditions, also where the access is denied after all.
  ///
  /// - Parameter limit: how many paths at the most; the status is right all the same.
  public func why(
    _ identity: String, action: String, resource: String, from view: Viewpoint, limit: Int
  ) -> WhyAnswer {
    let sight = Sight(view)
    let node = find(.identity(identity))
    if let standing = standing(of: node, sight) {
      return WhyAnswer(status: standing.status, reason: standing.reason, paths: [], isTruncated: false)
    }
    guard let node else { preconditionFailure("an identity that nobody named has its standing") }
    let circumstances = Circumstances(graph: self, sight: sight, resource: resource)
    let test = RoleTest.permits(action: Array(action.utf8), resource: Array(resource.utf8))
    let scopes = scopes(covering: resource)
    var walk = PathWalk(
      graph: self, sight: sight, limit: max(Self.pathsExplored, limit + 1), grants: { scopes.contains($0.scope) },
      permissions: { role, index in self.applies(test, role, index) })
    walk.run(from: node)
    let found = walk.found.compactMap { path($0, circumstances) }.sorted(by: Self.precedes)
    let isCovered = !coveringSources(of: scopes, sight).isEmpty
    let answer =
      isCovered
      ? decision(node, action: action, resource: resource, on: scopes, circumstances)
      : CheckAnswer(status: .unknown, reason: "not_covered")
    return WhyAnswer(
      status: answer.status, reason: answer.reason, paths: Array(found.prefix(limit)),
      isTruncated: !walk.isComplete || found.count > limit, decidedBy: answer.decidedBy)
  }

  private func applies(_ test: RoleTest, _ role: CompiledRole, _ index: Int) -> Bool {
    guard case .permits(let action, let resource) = test else { return false }
    guard index >= 0 else { return true }
    let permission = role.permissions[index]
    return permission.effect == .allow && permission.applies(action: action.span, resource: resource.span)
  }

  private static func precedes(_ a: Path, _ b: Path) -> Bool {
    if a.steps.count != b.steps.count { return a.steps.count < b.steps.count }
    return a.steps.map(\.position).lexicographicallyPrecedes(b.steps.map(\.position))
  }
}

/// Paths as they are answered: each step with its event.
extension AccessGraph {
  /// Nil where a condition on it does not hold.
  private func path(_ path: ElementPath, _ circumstances: Circumstances) -> Path? {
    let sight = circumstances.sight
    guard let left = circumstances.residual(of: path.conditions, for: path.bearer) else { return nil }
    // An account's own element says nothing that its link's step does not.
    let steps = path.elements.enumerated().filter { index, element in
      if case .identity = element { return index == 0 }
      return true
    }
    let status: Status = path.isUnknown ? .unknown : left.isEmpty ? .allowed : .conditional
    return Path(steps: steps.map { step($0.element, sight) }, conditions: left, status: status)
  }

  private func step(_ element: Element, _ sight: Sight) -> Step {
    switch element {
    case .identity(let node):
      guard let since = presence(node, sight) else { preconditionFailure("a path's identity exists") }
      return makeStep(.identity(id(node)), since, due: overdue(identity: node, sight))
    case .link(let fact):
      let account = facts[fact].key.a
      let due = [held(fact, sight).due, overdue(identity: account, sight)].compactMap { $0 }.min()
      return makeStep(.account(id(account)), held(fact, sight).holding.begun, due: due)
    case .builtIn(let node):
      guard let since = presence(node, sight) else { preconditionFailure("a path's built-in principal exists") }
      return makeStep(.builtIn(id(node)), since, due: overdue(identity: node, sight))
    case .membership(let fact):
      let held = held(fact, sight)
      return makeStep(
        .group(id(facts[fact].key.a)), held.holding.begun, expires: held.holding.expires, due: held.due)
    case .assignment(let fact):
      let held = held(fact, sight)
      let grant = grants[held.holding.value]
      let kind = Step.Kind.assignment(id: texts[facts[fact].key.a], role: id(grant.role), scope: texts[grant.scope])
      return makeStep(kind, held.holding.begun, expires: held.holding.expires, due: held.due)
    case .inclusion(let included, let role):
      return makeStep(.role(id(included)), definedAt(role, sight), due: overdue(existenceOf: included, sight))
    case .permission(let role, let index):
      let due = overdue(existenceOf: role, sight)
      return makeStep(.permission(role: id(role), index: index), definedAt(role, sight), due: due)
    }
  }

  private func held(_ fact: Int32, _ sight: Sight) -> (holding: Holding, due: Int64?) {
    guard let holding = holding(fact, sight) else { preconditionFailure("a path's fact holds") }
    return (holding, overdue(fact, value: holding.value, sight))
  }

  private func definedAt(_ role: Int32, _ sight: Sight) -> FlatMoment {
    guard let edge = definitionEdge(of: role, sight) else { preconditionFailure("a path's role is defined") }
    return FlatMoment(effective: edge.from, position: entries[edge.entry].position)
  }

  private func makeStep(_ kind: Step.Kind, _ moment: FlatMoment, expires: Int64 = never, due: Int64? = nil) -> Step {
    Step(
      kind: kind, position: moment.position, effectiveAt: Instant(microseconds: moment.effective),
      expiresAt: expires == never ? nil : Instant(microseconds: expires), dueAt: due.map { Instant(microseconds: $0) })
  }
}
