import AccessGraph
import Conditions
import Governance
import JSON
import Temporal

/// Conditions, denies and boundaries, straight from DESIGN §5.
extension NaiveView {
  /// What is asked: an action on a resource, or nothing particular; over a stretch the clock is not known.
  struct Circumstance {
    var resource: String?
    var hasClock = true
    /// Whether there is a resource, though none may be named.
    var hasResource = true
    /// Whether what cannot be evaluated fails.
    var isEnforced = false
  }

  /// Yes, no, or perhaps (nil): whether conditions all hold for a bearer.
  func holds(_ conditions: [JSONValue?], _ bearer: Entity, _ circumstance: Circumstance) -> Bool? {
    let judged = conditions.compactMap { $0 }.map { judgement($0, bearer, circumstance) }
    if judged.contains(.no) || (circumstance.isEnforced && judged.contains(.unevaluable)) { return false }
    return judged.allSatisfy { $0 == .yes } ? true : nil
  }

  /// What is left of conditions; nil where one does not hold.
  func residual(_ conditions: [JSONValue?], _ bearer: Entity, _ circumstance: Circumstance) -> [JSONValue]? {
    var left: [JSONValue] = []
    for condition in conditions.compactMap({ $0 }) {
      switch judgement(condition, bearer, circumstance) {
      case .yes: break
      case .no: return nil
      case .open(let rest): left.append(rest)
      case .unevaluable: left.append(condition)
      }
    }
    return left
  }

  private func judgement(_ condition: JSONValue, _ bearer: Entity, _ circumstance: Circumstance) -> Judgement {
    func attribute(_ name: String, of entity: Entity) -> ConditionContext.Finding {
      switch state.attributes[entity]?.first(where: { $0.key.utf8.elementsEqual(name.utf8) })?.value.value {
      case .open(.array(let items)): .values(items)
      case .open(.null), nil: .absent
      case .open(let value): .values([value])
      case .sealed: .unreadable
      }
    }
    let context = ConditionContext(
      at: circumstance.hasClock ? viewpoint.at : nil,
      identity: { name in
        if name == "id" { return .values([.string(bearer.id)]) }
        guard name == "kind" else { return attribute(name, of: bearer) }
        guard case .identity(let kind)? = state.living[bearer]?.document else { return .absent }
        return .values([.string(kind.rawValue)])
      },
      resource: { name in
        guard let resource = circumstance.resource else { return circumstance.hasResource ? .open : .absent }
        return name == "path" ? .values([.string(resource)]) : attribute(name, of: .resource(resource))
      })
    return Condition(observed: condition).judgement(in: context)
  }

  /// What a bearer's access comes to: untouched (true), taken away (false) or perhaps taken away (nil).
  func mayKeep(_ bearer: Entity, action: String, _ circumstance: Circumstance) -> Bool? {
    guard let resource = circumstance.resource else { return true }
    let ancestry = ancestry(of: bearer)
    var answers: [Bool?] = []
    func matches(_ permission: Permission) -> Bool {
      permission.actions.contains { NaivePattern.matches($0, action) }
        && permission.resources.contains { NaivePattern.matches($0, resource) }
    }
    func concerns(_ subjects: PolicySubjects) -> Bool {
      (subjects.principals.map { $0.contains(where: ancestry.contains) } ?? true)
        && !subjects.except.contains(where: ancestry.contains)
    }
    for living in state.living.values {
      guard case .policy(let policy) = living.document else { continue }
      if policy.type == .deny, let rule = try? DenyRule(policy.rule), concerns(rule.subjects), matches(rule.permission) {
        answers.append(holds([rule.permission.condition], bearer, circumstance).map { !$0 })
      }
      if policy.type == .boundary, let rule = try? BoundaryRule(policy.rule), concerns(rule.subjects) {
        let allowing = rule.permissions.filter(matches).map { holds([$0.condition], bearer, circumstance) }
        answers.append(allowing.contains(true) ? true : allowing.contains(nil) ? nil : false)
      }
    }
    for held in state.assignments.values where ancestry.contains(held.grant.principal) {
      guard NaivePattern.covers(held.grant.scope, resource) else { continue }
      for role in roles(below: .role(held.grant.role)) {
        guard case .role(let permissions, _)? = state.living[role]?.document else { continue }
        for permission in permissions ?? [] where permission.effect == .deny && matches(permission) {
          answers.append(holds([held.grant.condition, permission.condition], bearer, circumstance).map { !$0 })
        }
      }
    }
    return answers.contains(false) ? false : answers.contains(nil) ? nil : true
  }

  /// Something that takes a right away from a bearer: certainly all of it, or some of it or perhaps.
  struct Taking {
    let denial: Denial
    let isAll: Bool
    let isOpen: Bool
  }

  /// All that takes a right away, by its patterns alone.
  func takings(of right: Right, from bearer: Entity, _ nowhere: Circumstance) -> [Taking] {
    let ancestry = ancestry(of: bearer)
    func concerns(_ subjects: PolicySubjects) -> Bool {
      (subjects.principals.map { $0.contains(where: ancestry.contains) } ?? true)
        && !subjects.except.contains(where: ancestry.contains)
    }
    var takings: [Taking] = []
    func deny(_ denial: Denial, _ permission: Permission, _ scope: String, _ conditions: [JSONValue?]) {
      let applies = holds(conditions, bearer, nowhere)
      if applies == false || !Self.mayMeet(permission, scope, right) { return }
      takings.append(
        Taking(denial: denial, isAll: applies == true && Self.contains(permission, scope, right), isOpen: applies == nil))
    }
    for (id, living) in state.living {
      guard case .policy(let policy) = living.document else { continue }
      if policy.type == .deny, let rule = try? DenyRule(policy.rule), concerns(rule.subjects) {
        deny(.policy(id.id), rule.permission, "*", [rule.permission.condition])
      }
      if policy.type == .boundary, let rule = try? BoundaryRule(policy.rule), concerns(rule.subjects) {
        let leaving = rule.permissions.map { ($0, holds([$0.condition], bearer, nowhere)) }.filter { $1 != false }
        if leaving.contains(where: { $1 == true && Self.contains($0, "*", right) }) { continue }
        let meeting = leaving.filter { Self.mayMeet($0.0, "*", right) }
        takings.append(
          Taking(denial: .boundary(id.id), isAll: meeting.isEmpty, isOpen: meeting.contains { $0.1 == nil }))
      }
    }
    for (id, held) in state.assignments where ancestry.contains(held.grant.principal) {
      for role in roles(below: .role(held.grant.role)) {
        guard case .role(let permissions, _)? = state.living[role]?.document else { continue }
        for permission in permissions ?? [] where permission.effect == .deny {
          deny(.assignment(id.id), permission, held.grant.scope, [held.grant.condition, permission.condition])
        }
      }
    }
    return takings
  }

  /// Whether a permission on a scope is proved to reach all that a right does.
  private static func contains(_ permission: Permission, _ scope: String, _ right: Right) -> Bool {
    func contained(_ other: String) -> Bool { permission.resources.contains { NaivePattern.contains($0, other) } }
    return permission.actions.contains { NaivePattern.contains($0, right.action ?? "*") }
      && (contained(right.resource) || NaivePattern.covered(by: right.scope).allSatisfy(contained))
      && (NaivePattern.covers(scope, right.scope)
        || NaivePattern.covered(by: scope).contains { NaivePattern.contains($0, right.resource) })
  }

  /// Whether a permission on a scope may reach something that a right does.
  private static func mayMeet(_ permission: Permission, _ scope: String, _ right: Right) -> Bool {
    let (above, below) = (NaivePattern.covered(by: scope), NaivePattern.covered(by: right.scope))
    return permission.actions.contains { NaivePattern.overlap($0, right.action ?? "*") }
      && NaivePattern.concerns(scope, right.scope == "*" ? nil : right.scope)
      && above.contains { NaivePattern.overlap($0, right.resource) }
      && permission.resources.contains { resource in
        NaivePattern.overlap(resource, right.resource) && below.contains { NaivePattern.overlap(resource, $0) }
      }
  }

  private func ancestry(of bearer: Entity) -> Set<Entity> {
    var found: Set<Entity> = [bearer]
    if let link = state.links[bearer] { found.insert(link.person) }
    found.formUnion(builtIns(of: bearer))
    while true {
      let above = Set(state.memberships.keys.filter { found.contains($0.member) }.map(\.group)).subtracting(found)
      if above.isEmpty { return found }
      found.formUnion(above)
    }
  }

  private func roles(below role: Entity) -> Set<Entity> {
    var found: Set<Entity> = [role]
    var open = [role]
    while let next = open.popLast() {
      guard case .role(_, let includes)? = state.living[next]?.document else { continue }
      for included in includes where found.insert(included).inserted { open.append(included) }
    }
    return found
  }
}
