import Conditions
import Governance
import Memory
import Temporal

/// What is looked for in roles.
enum RoleTest {
  /// A permission for exactly this action on this resource.
  case permits(action: [UInt8], resource: [UInt8])
  /// A deny permission that hits it.
  case denies(action: [UInt8], resource: [UInt8])
  /// This role itself.
  case isRole(Int32)
  /// A permission that overlaps one of these patterns of actions.
  case overlaps([Pattern])

  /// What a role, reached, gives by its own document: `.conditional` where only on conditions.
  func certainty(of node: Int32, _ role: CompiledRole) -> Certainty {
    switch self {
    case .isRole(let wanted): return node == wanted ? .allowed : []
    case .permits(let action, let resource):
      return role.isKnown ? role.certainty(.allow, action: action.span, resource: resource.span) : .unknown
    case .denies(let action, let resource):
      return role.hasDenies ? role.certainty(.deny, action: action.span, resource: resource.span) : []
    case .overlaps(let patterns):
      // What is not known is privileged until it is known: ``World/privilege(of:by:at:)``.
      if !role.isKnown { return patterns.isEmpty ? [] : .unknown }
      var certainty: Certainty = []
      for permission in role.permissions where matches(permission) {
        if permission.condition == nil { return .allowed }
        certainty = .conditional
      }
      return certainty
    }
  }

  /// The conditions of the permissions that match.
  func conditions(in role: CompiledRole) -> [Condition] {
    role.permissions.compactMap { matches($0) ? $0.condition : nil }
  }

  /// What the role's own document gives on conditions.
  func gifts(in role: CompiledRole, _ isOverdue: Bool) -> [Gift] {
    conditions(in: role).map { Gift(certainty: Certainty.allowed.overdue(if: isOverdue), conditions: [$0]) }
  }

  private func matches(_ permission: CompiledPermission) -> Bool {
    switch self {
    case .isRole: false
    case .permits(let action, let resource):
      permission.effect == .allow && permission.applies(action: action.span, resource: resource.span)
    case .denies(let action, let resource):
      permission.effect == .deny && permission.applies(action: action.span, resource: resource.span)
    case .overlaps(let patterns):
      permission.effect == .allow
        && permission.actions.contains { action in patterns.contains { $0.overlaps(action) } }
    }
  }
}

/// What a role gives: something certain, where the conditions hold.
struct Gift {
  let certainty: Certainty
  let conditions: [Condition]
}

/// Roles answered once each for one question at one (t, k).
struct RoleClosure: ~Copyable {
  let graph: AccessGraph
  let sight: Sight
  let test: RoleTest
  /// Bit 7 marks a role that was answered, for what it gives may be nothing.
  private var known = Marks()
  private static let isAnswered: UInt8 = 128
  /// What roles give on conditions.
  private var gifts: [Int32: [Gift]] = [:]
  /// The last role asked about: most lists ask about one role again and again.
  private var last: (role: Int32, certainty: Certainty) = (none, [])

  init(_ graph: AccessGraph, _ sight: Sight, _ test: RoleTest) {
    self.graph = graph
    self.sight = sight
    self.test = test
  }

  /// What the role gives by itself and by all that it includes.
  mutating func certainty(of role: Int32) -> Certainty {
    if role == last.role { return last.certainty }
    if last.role != none { known.add(last.certainty.rawValue | Self.isAnswered, to: last.role) }
    let before = known[role]
    let certainty = before == 0 ? answer(role) : Certainty(rawValue: before & ~Self.isAnswered)
    last = (role, certainty)
    return certainty
  }

  /// The same, apart by the conditions.
  mutating func gifts(of role: Int32) -> [Gift] {
    let certainty = certainty(of: role)
    let free = certainty.free
    return (free.isEmpty ? [] : [Gift(certainty: free, conditions: [])]) + (certainty.isConditional ? gifts[role] ?? [] : [])
  }

  private mutating func answer(_ role: Int32) -> Certainty {
    var found: Certainty = []
    var gifts: [Gift] = []
    graph.forEachRole(under: role, sight) { reached, definition, isOverdue in
      let certainty = test.certainty(of: reached, definition)
      if certainty.isConditional { gifts += test.gifts(in: definition, isOverdue) }
      found.formUnion(certainty.overdue(if: isOverdue))
    }
    if !gifts.isEmpty { self.gifts[role] = gifts }
    return found
  }
}

extension AccessGraph {
  /// Calls back with the role and all that it includes at (t, k), each with whether it is reached over overdue roles.
  ///
  /// A role that is reached both ways comes twice. Tolerates cycles. O(inclusions).
  func forEachRole(under role: Int32, _ sight: Sight, _ body: (_ node: Int32, CompiledRole, _ isOverdue: Bool) -> Void) {
    let isOverdue = overdue(existenceOf: role, sight) != nil
    guard let definition = definition(of: role, sight) else { return }
    body(role, definition.role, isOverdue)
    // Most roles include none: nothing is allocated for them.
    if definition.role.includes.isEmpty { return }
    var seen = Marks()
    seen.add(isOverdue ? 2 : 1, to: role)
    var open = inclusions(of: definition, sight).map { ($0, isOverdue || overdue(existenceOf: $0, sight) != nil) }
    while let (node, isOverdue) = open.popLast() {
      let mark: UInt8 = isOverdue ? 2 : 1
      if seen.add(mark, to: node) & mark != 0 { continue }
      guard let definition = self.definition(of: node, sight) else { continue }
      body(node, definition.role, isOverdue)
      for included in inclusions(of: definition, sight) {
        open.append((included, isOverdue || overdue(existenceOf: included, sight) != nil))
      }
    }
  }

  /// The role and all that may include it, at some time and over others: a few, of which each is still to be asked at (t, k).
  ///
  /// O(these and their inclusions).
  func roles(reaching role: Int32) -> Set<Int32> {
    var found: Set<Int32> = [role]
    var open = [role]
    while let next = open.popLast() {
      for includer in includers[next] ?? [] where found.insert(includer).inserted { open.append(includer) }
    }
    return found
  }

  /// Notes that a definition of a role includes others.
  func noteIncluder(_ role: Int32, of included: [Int32]) {
    for other in included { includers[other, default: []].insert(role) }
  }
}
