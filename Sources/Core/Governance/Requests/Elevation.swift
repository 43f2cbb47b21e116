import Conditions
import JSON
public import Temporal

/// An elevation policy as it stands at a moment.
public struct Elevation: Sendable {
  /// The policy.
  public let policy: String
  /// The position of the event that gave it this rule.
  public let position: Int64
  /// Its rule.
  public let rule: ElevationRule

  /// A policy at a moment.
  public init(policy: String, position: Int64, rule: ElevationRule) {
    self.policy = policy
    self.position = position
    self.rule = rule
  }
}

extension World {
  /// The elevation policies at t, in the order of their first events.
  ///
  /// O(elevation policies).
  public func elevations(at t: Instant) -> [Elevation] {
    policies(ofType: .elevation).compactMap { elevation($0, at: t) }
  }

  /// An elevation policy at t; nil where there is none of that name.
  public func elevation(_ policy: String, at t: Instant) -> Elevation? {
    guard let span = value(of: .existence(.policy(policy)), at: t), case .policy(let document) = span.value,
      document.type == .elevation, let rule = try? ElevationRule(document.rule)
    else { return nil }
    return Elevation(policy: policy, position: span.entry.position, rule: rule)
  }

  /// Whether a principal is among those whom a policy concerns at t.
  public func concerns(_ subjects: PolicySubjects, _ principal: Entity, at t: Instant) -> Bool {
    let above = principalsAbove(principal, at: t)
    if subjects.except.contains(where: { above.contains($0) }) { return false }
    return subjects.principals?.contains { above.contains($0) } ?? true
  }

  /// A principal, and the groups that it belongs to at t.
  public func principalsAbove(_ principal: Entity, at t: Instant) -> Set<Entity> {
    reach(from: principal) { member in
      facts(about: member).compactMap { fact in
        guard case .membership(let group, let other) = fact, other == member, value(of: fact, at: t) != nil else { return nil }
        return .group(group)
      }
    }
  }

  /// A principal's identities: itself, or whoever belongs to the group at t.
  public func identities(of principal: Entity, at t: Instant) -> Set<Entity> {
    let below = reach(from: principal) { group in
      guard group.kind == .group else { return [] }
      return facts(about: group).compactMap { fact in
        guard case .membership(let other, let member) = fact, .group(other) == group, value(of: fact, at: t) != nil
        else { return nil }
        return member
      }
    }
    return below.filter { $0.kind == .identity }
  }

  /// An entity and all that is reached from it.
  func reach(from start: Entity, _ next: (Entity) -> [Entity]) -> Set<Entity> {
    var reached: Set<Entity> = []
    var open = [start]
    while let entity = open.popLast() {
      if reached.insert(entity).inserted { open += next(entity) }
    }
    return reached
  }

  /// Whether an identity is there at t, neither suspended nor retired.
  func isActive(_ identity: String, at t: Instant) -> Bool {
    exists(.identity(identity), at: t) && value(of: .suspension(identity: identity), at: t) == nil
  }

  /// What a condition comes to for a request of an identity at t; what is not known of the request is absent.
  func holds(_ condition: JSONValue, for identity: String, at t: Instant, context: JSONObject, resource: String?) -> Bool {
    func attribute(_ entity: Entity, _ name: String) -> ConditionContext.Finding {
      guard let span = value(of: .attribute(entity, name: name), at: t), case .attribute(let value) = span.value
      else { return .absent }
      switch value {
      case .open(let value): return ConditionContext.Finding(value)
      case .sealed: return .unreadable
      }
    }
    let circumstances = ConditionContext(
      at: t, request: { context[$0].map { ConditionContext.Finding($0) } ?? .absent },
      identity: { name in
        switch name {
        case "id": return .values([.string(identity)])
        case "kind":
          guard case .identity(let kind) = value(of: .existence(.identity(identity)), at: t)?.value else { return .absent }
          return .values([.string(kind.rawValue)])
        default: return attribute(.identity(identity), name)
        }
      },
      resource: { name in
        guard let resource else { return .absent }
        return name == "path" ? .values([.string(resource)]) : attribute(.resource(resource), name)
      })
    return Condition(observed: condition).judgement(in: circumstances) == .yes
  }
}

extension ElevationRule {
  /// Whether an assignment of the role on the scope may be asked for.
  public func covers(role: String, scope: String) -> Bool {
    roles.contains { $0.isExactly(role) } && scopes.contains { Scope.covers($0, scope) }
  }

  /// Whether a grant on the scope reaches where the roles may be asked for: there, below it or from above it.
  func touches(scope: String) -> Bool { scopes.contains { Scope.isRelated($0, to: scope) } }

  /// Whether it may be asked for.
  func covers(_ proposal: RequestProposal, extending grant: Grant?) -> Bool {
    switch proposal {
    case .assignment(_, let role, let scope, _): covers(role: role, scope: scope)
    case .membership(let group, _): groups.contains { $0.isExactly(group) }
    case .prolongation: grant.map { covers(role: $0.role, scope: $0.scope) } ?? false
    case .role(let id, _): revisions.contains(.role(id))
    case .policy(let id, _): revisions.contains(.policy(id))
    }
  }
}
