import Governance
import JSON
import Memory
import Temporal

/// One element of a path, by numbers; each can hold or not at a (t, k).
enum Element: Hashable {
  /// The identity, or an account of it, being there and not suspended.
  case identity(Int32)
  case link(Int32)
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
  var conditions: [JSONValue] = []
  var isUnknown = false

  var status: Status { isUnknown ? .unknown : conditions.isEmpty ? .allowed : .conditional }
}

/// Why: every path from an identity to what is asked.
extension AccessGraph {
  /// Paths that are walked to find the shortest ones: far beyond what a person reads, and milliseconds of work.
  private static let pathsExplored = 10_000

  /// Whether an identity may do an action on exactly this resource, and by which paths, the shortest first.
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
    let test = RoleTest.permits(action: Array(action.utf8), resource: Array(resource.utf8))
    let scopes = scopes(covering: resource)
    var walk = PathWalk(
      graph: self, sight: sight, limit: max(Self.pathsExplored, limit + 1), grants: { scopes.contains($0.scope) },
      permissions: { role, index in self.applies(test, role, index) })
    walk.run(from: node)
    let best = walk.isComplete ? Self.best(walk.found.map(\.status)) : certainty(of: node, test, scopes, sight).verdict.status
    let paths = walk.found.map { path($0, sight) }.sorted(by: Self.precedes).prefix(limit)
    let isTruncated = !walk.isComplete || walk.found.count > limit
    let answer = WhyAnswer(status: best, reason: nil, paths: Array(paths), isTruncated: isTruncated)
    return judged(answer, covered: !coverage(of: resource, from: view).isEmpty)
  }

  private func judged(_ answer: WhyAnswer, covered: Bool) -> WhyAnswer {
    var answer = answer
    if !covered {
      answer.status = .unknown
      answer.reason = "not_covered"
    } else if answer.status == .denied {
      answer.reason = "no_path"
    } else if answer.status == .unknown {
      answer.reason = "role_unknown"
    }
    return answer
  }

  private func applies(_ test: RoleTest, _ role: CompiledRole, _ index: Int) -> Bool {
    guard case .permits(let action, let resource) = test else { return false }
    return index < 0 || role.permissions[index].applies(action: action.span, resource: resource.span)
  }

  static func best(_ statuses: [Status]) -> Status {
    [.allowed, .conditional, .unknown].first { statuses.contains($0) } ?? .denied
  }

  private static func precedes(_ a: Path, _ b: Path) -> Bool {
    if a.steps.count != b.steps.count { return a.steps.count < b.steps.count }
    return a.steps.map(\.position).lexicographicallyPrecedes(b.steps.map(\.position))
  }
}

/// Paths as they are answered: each step with its event.
extension AccessGraph {
  private func path(_ path: ElementPath, _ sight: Sight) -> Path {
    // An account's own element says nothing that its link's step does not.
    let steps = path.elements.enumerated().filter { index, element in
      if case .identity = element { return index == 0 }
      return true
    }
    return Path(steps: steps.map { step($0.element, sight) }, conditions: path.conditions, status: path.status)
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
