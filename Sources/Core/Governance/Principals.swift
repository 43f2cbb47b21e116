public import Temporal

/// Whom principals stand for at a moment: the groups above them, the identities below them.
extension World {
  /// Whether a principal is among those whom a policy concerns at t.
  public func concerns(_ subjects: PolicySubjects, _ principal: Entity, at t: Instant) -> Bool {
    let above = principalsAbove(principal, at: t)
    if subjects.except.contains(where: { above.contains($0) }) { return false }
    return subjects.principals?.contains { above.contains($0) } ?? true
  }

  /// A principal, and the groups that it belongs to at t.
  public func principalsAbove(_ principal: Entity, at t: Instant) -> Set<Entity> {
    reach(from: principal) { member in
      memberships(of: member).compactMap { fact in
        guard case .membership(let group, let other) = fact, other == member, value(of: fact, at: t) != nil else { return nil }
        return .group(group)
      }
    }
  }

  /// A principal's identities: itself, or whoever belongs to the group at t.
  public func identities(of principal: Entity, at t: Instant) -> Set<Entity> {
    let below = reach(from: principal) { group in
      guard group.kind == .group else { return [] }
      return memberships(in: group.id).compactMap { fact in
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
}
