public import Temporal

/// Which roles are held and by whom, through groups, accounts and the hierarchy, each with when.
extension World {
  /// The roles that an identity is authorised for, by itself, its accounts, groups and the hierarchy, each with when.
  ///
  /// What a built-in principal has, an identity has while it is there, like that of a group which it is in.
  public func roles(heldBy identity: Entity) -> [Entity: IntervalSet] {
    var open: [(Entity, IntervalSet)] = [(identity, IntervalSet(.always))]
    for case .link(let account) in links(to: identity) where Entity.identity(account) != identity {
      let linked = holds(.link(account: account)).filter { span in
        guard case .person(let person) = span.value else { return false }
        return Entity.identity(person) == identity
      }
      open.append((.identity(account), IntervalSet(linked.map(\.interval))))
    }
    for principal in BuiltIn.principals(of: identity.id) where isNamed(.identity(principal)) {
      open.append((.identity(principal), stretches(of: .existence(identity))))
    }
    return roles(of: principals(above: open))
  }

  /// Whether anything was ever said of an entity: of most built-in principals nothing is.
  func isNamed(_ entity: Entity) -> Bool { !facts(about: entity).isEmpty }

  /// Principals and all groups that they belong to, each with when.
  func principals(above starts: [(Entity, IntervalSet)]) -> [Entity: IntervalSet] {
    var reached: [Entity: IntervalSet] = [:]
    var open = starts
    while let (principal, instants) = open.popLast() {
      let fresh = instants.subtracting(reached[principal] ?? IntervalSet())
      if fresh.isEmpty { continue }
      reached[principal] = (reached[principal] ?? IntervalSet()).union(fresh)
      for case .membership(let group, let member) in memberships(of: principal) {
        open.append((.group(group), fresh.intersection(stretches(of: .membership(group: group, member: member)))))
      }
    }
    return reached
  }

  /// A role and all that it ever includes.
  func rolesReached(by role: String) -> Set<Entity> {
    Set(closure(of: [(.role(role), IntervalSet(.always))]).keys)
  }

  func roles(of principals: [Entity: IntervalSet]) -> [Entity: IntervalSet] {
    var held: [(Entity, IntervalSet)] = []
    for (principal, instants) in principals {
      for case .assignment(let id) in assignments(to: principal) {
        for span in holds(.assignment(id: id)) {
          guard case .grant(let grant) = span.value, grant.principal == principal else { continue }
          held.append((.role(grant.role), instants.intersection(span.interval)))
        }
      }
    }
    return closure(of: held)
  }

  /// Roles and all that they include, each with when.
  func closure(of roles: [(Entity, IntervalSet)]) -> [Entity: IntervalSet] {
    var reached: [Entity: IntervalSet] = [:]
    var open = roles
    while let (role, instants) = open.popLast() {
      let fresh = instants.subtracting(reached[role] ?? IntervalSet())
      if fresh.isEmpty { continue }
      reached[role] = (reached[role] ?? IntervalSet()).union(fresh)
      for (included, stretches) in rolesIncluded(in: role.id) { open.append((.role(included), fresh.intersection(stretches))) }
    }
    return reached
  }

  /// Roles and all that ever include one of them.
  ///
  /// O(roles) for each step up the hierarchy.
  func rolesIncluding(anyOf roles: [Entity]) -> Set<Entity> {
    var including = Set(roles)
    let all = named(.role).map { Entity.role($0) }
    while true {
      let more = all.filter { role in
        !including.contains(role) && rolesIncluded(in: role.id).contains { including.contains(.role($0.0)) }
      }
      if more.isEmpty { return including }
      including.formUnion(more)
    }
  }

  /// Everyone who may hold one of the roles at some time, and the persons whose accounts they are.
  func holders(ofAnyOf roles: [Entity]) -> [Entity] {
    var principals: Set<Entity> = []
    for role in rolesIncluding(anyOf: roles) {
      for case .assignment(let id) in facts(about: role) {
        for span in holds(.assignment(id: id)) { if case .grant(let grant) = span.value { principals.insert(grant.principal) } }
      }
    }
    return persons(of: identities(below: Array(principals)))
  }

  /// The identities that principals ever stood for.
  ///
  /// O(members); O(identities) where one of them is a built-in principal.
  func identities(below principals: [Entity]) -> Set<Entity> {
    var found: Set<Entity> = []
    var open = principals
    while let next = open.popLast() {
      guard found.insert(next).inserted else { continue }
      if next.kind == .identity, BuiltIn.isReserved(next.id) {
        let all = named(.identity).filter { BuiltIn.principals(of: $0).contains { $0.isExactly(next.id) } }
        found.formUnion(all.map { .identity($0) })
      }
      guard next.kind == .group else { continue }
      for case .membership(_, let member) in memberships(in: next.id) { open.append(member) }
    }
    return found.filter { $0.kind == .identity }
  }

  /// The identities, and the persons whose accounts they ever were.
  func persons(of identities: Set<Entity>) -> [Entity] {
    var persons = identities
    for identity in identities {
      for span in holds(.link(account: identity.id)) {
        if case .person(let person) = span.value { persons.insert(.identity(person)) }
      }
    }
    return persons.sorted { $0.id.precedes($1.id) }
  }
}
