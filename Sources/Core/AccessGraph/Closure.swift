import Governance
import Temporal

/// What is looked for in roles.
enum RoleTest {
  /// A permission for exactly this action on this resource.
  case permits(action: [UInt8], resource: [UInt8])
  /// This role itself.
  case isRole(Int32)
  /// A permission that overlaps one of these patterns of actions.
  case overlaps([Pattern])

  /// What a role, reached, gives by its own document.
  func certainty(of node: Int32, _ role: CompiledRole) -> Certainty {
    switch self {
    case .isRole(let wanted): return node == wanted ? .allowed : []
    case .permits(let action, let resource):
      guard role.document.permissions != nil else { return .unknown }
      return certainty(role) { $0.applies(action: action, resource: resource) }
    case .overlaps(let patterns):
      return certainty(role) { permission in
        permission.actions.contains { action in patterns.contains { $0.overlaps(action) } }
      }
    }
  }

  private func certainty(_ role: CompiledRole, _ applies: (CompiledPermission) -> Bool) -> Certainty {
    var certainty: Certainty = []
    for permission in role.permissions where applies(permission) {
      certainty.insert(permission.isConditional ? .conditional : .allowed)
      if !permission.isConditional { break }
    }
    return certainty
  }
}

/// Roles answered once each for one question at one (t, k).
struct RoleClosure {
  let graph: AccessGraph
  let sight: Sight
  let test: RoleTest
  private var known: [Int32: Certainty] = [:]

  init(_ graph: AccessGraph, _ sight: Sight, _ test: RoleTest) {
    self.graph = graph
    self.sight = sight
    self.test = test
  }

  /// What the role gives by itself and by all that it includes.
  mutating func certainty(of role: Int32) -> Certainty {
    if let known = known[role] { return known }
    var found: Certainty = []
    for (reached, definition, isOverdue) in graph.closure(of: role, sight) {
      found.formUnion(test.certainty(of: reached, definition).overdue(if: isOverdue))
    }
    known[role] = found
    return found
  }
}

extension AccessGraph {
  /// The role and all that it includes at (t, k), each with whether it is reached over overdue roles only, or also over them.
  ///
  /// A role that is reached both ways stands twice. Tolerates cycles. O(inclusions).
  func closure(of role: Int32, _ sight: Sight) -> [(node: Int32, role: CompiledRole, isOverdue: Bool)] {
    var seen: Set<Int64> = []
    var found: [(node: Int32, role: CompiledRole, isOverdue: Bool)] = []
    var open = [(role, overdue(existenceOf: role, sight) != nil)]
    while let (node, isOverdue) = open.popLast() {
      guard seen.insert(Int64(node) << 1 | (isOverdue ? 1 : 0)).inserted, let definition = definition(of: node, sight) else {
        continue
      }
      found.append((node, definition.role, isOverdue))
      for included in inclusions(of: definition, sight) {
        open.append((included, isOverdue || overdue(existenceOf: included, sight) != nil))
      }
    }
    return found
  }
}
