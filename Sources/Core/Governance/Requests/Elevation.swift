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
    case .assignmentExtension: grant.map { covers(role: $0.role, scope: $0.scope) } ?? false
    case .role(let id, _): revisions.contains(.role(id))
    case .policy(let id, _): revisions.contains(.policy(id))
    }
  }
}
