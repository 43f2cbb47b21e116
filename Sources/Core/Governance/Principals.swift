public import Temporal

/// Whom principals stand for: the groups above them, the identities below them, the accounts of a person.
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

  /// The person whose account an identity is at t; nil where it is nobody's.
  public func person(of account: String, at t: Instant) -> String? {
    guard case .person(let person)? = value(of: .link(account: account), at: t)?.value else { return nil }
    return person
  }

  /// The accounts that belong to an identity at t.
  public func accounts(of person: Entity, at t: Instant) -> [Entity] {
    links(to: person).compactMap { fact in
      guard case .link(let account) = fact, self.person(of: account, at: t).map({ .identity($0) == person }) ?? false else {
        return nil
      }
      return .identity(account)
    }
  }

  /// The grants that a principal ever had: memberships, of which it is the member, and assignments.
  public func grants(of principal: Entity) -> [Fact] { memberships(of: principal) + assignments(to: principal) }

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
  public func isActive(_ identity: String, at t: Instant) -> Bool {
    exists(.identity(identity), at: t) && value(of: .suspension(identity: identity), at: t) == nil
  }
}
