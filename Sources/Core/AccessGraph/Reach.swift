import Governance

/// Where a right, or what takes rights away, reaches: actions × resources within a scope.
struct Reach {
  private let actions: [PatternShape]
  private let resources: [PatternShape]
  private let scope: String
  private let covered: [PatternShape]

  init(actions: [Pattern], resources: [Pattern], scope: String) {
    self.actions = actions.map(\.shape)
    self.resources = resources.map(\.shape)
    self.scope = scope
    covered = PatternShape.covered(by: scope)
  }

  init(_ permission: CompiledPermission, scope: String) {
    self.init(actions: permission.actions, resources: permission.resources, scope: scope)
  }

  /// A role whose document is not known may allow anything.
  init(_ right: Right) {
    self.init(actions: [Pattern(right.action ?? "*")], resources: [Pattern(right.resource)], scope: right.scope)
  }

  /// Whether all that the other reaches is proved to lie within.
  func contains(_ other: Reach) -> Bool {
    guard other.actions.allSatisfy({ action in actions.contains { $0.contains(action) } }) else { return false }
    func contain(_ shapes: [PatternShape]) -> Bool { shapes.allSatisfy { shape in resources.contains { $0.contains(shape) } } }
    // What it reaches matches both its patterns and its scope, so that either within ours will do.
    guard contain(other.resources) || contain(other.covered) else { return false }
    return Scope.covers(scope, other.scope)
      || other.resources.allSatisfy { resource in covered.contains { $0.contains(resource) } }
  }

  /// Whether both may reach the same action on the same resource; perhaps none that is there.
  func mayMeet(_ other: Reach) -> Bool {
    func meet(_ mine: [PatternShape], _ theirs: [PatternShape]) -> Bool {
      mine.contains { shape in theirs.contains { shape.overlaps($0) } }
    }
    // Each pair of these by itself: together they may still meet nowhere.
    return Scope.isRelated(scope, to: other.scope) && meet(actions, other.actions) && meet(covered, other.resources)
      && resources.contains { shape in meet([shape], other.resources) && meet([shape], other.covered) }
  }
}
