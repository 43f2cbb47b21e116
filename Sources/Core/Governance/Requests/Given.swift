import Temporal

/// What a change gives to somebody, as far as an elevation policy may have it approved.
struct Given {
  /// The roles, those that they include among them, by the scopes on which they are given.
  var roles: [Entity: Set<Entity>] = [:]
  /// The groups that somebody comes into.
  var groups: Set<Entity> = []
  /// The role or policy of which another version comes to hold.
  var revised: Entity?
  /// Nothing that a policy could govern.
  var isEmpty: Bool { roles.isEmpty && groups.isEmpty && revised == nil }
}

extension ElevationRule {
  /// Whether something that the policy lets nobody have unasked is given: also on a wider scope, or by a role that includes it.
  func governs(_ given: Given) -> Bool {
    if let revised = given.revised, revisions.contains(revised) { return true }
    if groups.contains(where: { given.groups.contains(.group($0)) }) { return true }
    return given.roles.contains { scope, roles in
      touches(scope: scope.id) && self.roles.contains { roles.contains(.role($0)) }
    }
  }
}

/// What changes give, in the world before them.
extension World {
  /// What a grant gives: its role and all that it ever includes.
  func given(by grant: Grant) -> Given {
    Given(roles: [.resource(grant.scope): rolesReached(by: grant.role)])
  }

  /// What coming into a group gives over a stretch: the groups above it, and what is assigned to any of them meanwhile.
  ///
  /// O(memberships and assignments of the groups).
  func given(byEntering group: String, during stretch: Interval) -> Given {
    var given = Given()
    var reached: [Entity: Set<Entity>] = [:]
    for (entered, instants) in principals(above: [(.group(group), IntervalSet(stretch))]) {
      given.groups.insert(entered)
      for case .assignment(let id) in assignments(to: entered) {
        for span in holds(.assignment(id: id)) {
          guard case .grant(let grant) = span.value, grant.principal == entered,
            !instants.intersection(span.interval).isEmpty
          else { continue }
          let roles = reached[.role(grant.role)] ?? rolesReached(by: grant.role)
          reached[.role(grant.role)] = roles
          given.roles[.resource(grant.scope), default: []].formUnion(roles)
        }
      }
    }
    return given
  }

  /// What another document gives to those who hold a role, or one that includes it, from t on: the roles that it comes to include.
  ///
  /// O(roles that it includes); where some are new, also O(roles) and the assignments of those that include it.
  func given(byRevising role: String, to document: RoleDocument, insteadOf previous: RoleDocument?, from t: Instant) -> Given {
    var given = Given(revised: .role(role))
    if document.includes.isEmpty { return given }
    let stretch = Interval(from: t)
    func included(in document: RoleDocument?) -> [Entity: IntervalSet] {
      closure(of: (document?.includes ?? []).map { (.role($0), IntervalSet(stretch)) })
    }
    let before = included(in: previous)
    let new = included(in: document).filter { role, instants in
      !instants.subtracting(before[role] ?? IntervalSet()).isEmpty
    }
    if new.isEmpty { return given }
    for holder in rolesIncluding(anyOf: [.role(role)]) {
      for case .assignment(let id) in facts(about: holder) {
        for span in holds(.assignment(id: id)) where span.overlaps(stretch) {
          guard case .grant(let grant) = span.value, .role(grant.role) == holder else { continue }
          given.roles[.resource(grant.scope), default: []].formUnion(new.keys)
        }
      }
    }
    return given
  }
}
