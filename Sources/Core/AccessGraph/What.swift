import Governance
import JSON
import Temporal

/// What: from an identity up through groups to assignments and their roles.
extension AccessGraph {
  /// What an identity may do at a moment, sorted; empty where it is unknown or not active.
  ///
  /// O(groups above it + their assignments + the permissions reached).
  public func what(_ identity: String, from view: Viewpoint) -> [HeldRight] {
    guard let node = nodeNumbers[.identity(identity)] else { return [] }
    return rights(of: node, Sight(view), within: nil).map { right, certainty in
      HeldRight(right: right, isWithoutEntitlement: certainty.verdict.isWithoutEntitlement)
    }.sorted { $0.right < $1.right }
  }

  /// The rights of an identity at (t, k), on scopes at, above or below a resource where one is named.
  func rights(of identity: Int32, _ sight: Sight, within resource: String?) -> [Right: Certainty] {
    var rights: [Right: Certainty] = [:]
    for (principal, certainty) in principals(of: identity, sight) {
      for fact in nodes[Int(principal)].assignments {
        guard let holding = holding(fact, sight) else { continue }
        let grant = grants[Int(holding.value)]
        guard grant.principal == principal, isRelated(grant, to: resource) else { continue }
        let carried = certainty.overdue(if: overdue(fact, value: holding.value, sight) != nil)
        for (right, isOverdue) in self.rights(of: grant, sight) {
          rights[right, default: []].formUnion(carried.overdue(if: isOverdue))
        }
      }
    }
    return rights
  }

  func isRelated(_ grant: GrantRecord, to resource: String?) -> Bool {
    resource.map { Scope.isRelated(texts[grant.scope], to: $0) } ?? true
  }

  /// The rights that a grant gives at (t, k), each with whether only over overdue roles.
  func rights(of grant: GrantRecord, _ sight: Sight) -> [(right: Right, isOverdue: Bool)] {
    closure(of: grant.role, sight).flatMap { node, role, isOverdue in
      rights(of: grant, role: node, role.document).map { ($0, isOverdue) }
    }
  }

  /// The rights that a grant gives by one role's own document.
  func rights(of grant: GrantRecord, role: Int32, _ document: RoleDocument) -> [Right] {
    let scope = texts[grant.scope]
    let assigned = grant.condition.map { [$0] } ?? []
    guard let permissions = document.permissions else {
      return [
        Right(action: nil, unknownRole: nodes[Int(role)].entity.id, resource: "*", scope: scope, conditions: assigned)
      ]
    }
    return permissions.flatMap { permission in
      let conditions = Self.sorted(assigned + (permission.condition.map { [$0] } ?? []))
      return permission.actions.flatMap { action in
        permission.resources.map { Right(action: action, resource: $0, scope: scope, conditions: conditions) }
      }
    }
  }

  /// Conditions in the order of their canonical text, each once.
  static func sorted(_ conditions: [JSONValue]) -> [JSONValue] {
    guard conditions.count > 1 else { return conditions }
    var texts: Set<[UInt8]> = []
    return conditions.filter { texts.insert($0.canonicalBytes()).inserted }
      .sorted { $0.canonicalText.precedes($1.canonicalText) }
  }

  /// The principals whose assignments reach an identity at (t, k): itself, its groups, its accounts and their groups.
  ///
  /// The certainty says only whether a way there is free of overdue steps: `.allowed`, or the same overdue.
  func principals(of identity: Int32, _ sight: Sight) -> [Int32: Certainty] {
    guard isActive(identity, sight) else { return [:] }
    var reached: [Int32: Certainty] = [:]
    let own = Certainty.allowed.overdue(if: overdue(identity: identity, sight) != nil)
    climb(from: identity, own, sight, into: &reached)
    for fact in nodes[Int(identity)].links {
      let account = facts[Int(fact)].key.a
      guard account != identity, let link = holding(fact, sight), link.value == identity, isActive(account, sight) else {
        continue
      }
      let isOverdue = overdue(fact, value: link.value, sight) != nil || overdue(identity: account, sight) != nil
      climb(from: account, own.overdue(if: isOverdue), sight, into: &reached)
    }
    return reached
  }

  private func climb(from start: Int32, _ certainty: Certainty, _ sight: Sight, into reached: inout [Int32: Certainty]) {
    var open = [(start, certainty)]
    while let (node, certainty) = open.popLast() {
      let fresh = certainty.subtracting(reached[node] ?? [])
      if fresh.isEmpty { continue }
      reached[node, default: []].formUnion(fresh)
      for fact in nodes[Int(node)].groups {
        guard let holding = holding(fact, sight) else { continue }
        let isOverdue = overdue(fact, value: holding.value, sight) != nil
        open.append((facts[Int(fact)].key.a, fresh.overdue(if: isOverdue)))
      }
    }
  }
}
