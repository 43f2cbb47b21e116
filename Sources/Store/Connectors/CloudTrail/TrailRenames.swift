import Governance
import JSON
import Temporal

/// Users and groups that go on under another name or path, with all that they have.
extension TrailPlanner {
  mutating func rename(_ old: Entity, _ new: Entity, _ kind: IdentityKind) {
    if old == new { return }
    meet(old, nil, at: at.adding(microseconds: -1))
    begin(new, kind, ["account": .open(.string(account)), "renamed_from": .open(.string(old.id))])
    memory.note(old, renamed: new, at: at)
    touched.formUnion([old, new])
    carry(old, to: new, at: at)
    end(old)
  }

  /// Carries again what a record changed that is older than a rename which was recorded before it.
  mutating func carryOn() {
    if memory.lastRename <= at { return }
    var changed = touched
    let later = memory.renames.flatMap { old, renames in
      renames.filter { $0.at > at }.map { (at: $0.at, old: old, new: $0.new) }
    }
    // In the order of time, for what one carries the next may carry on.
    for rename in later.sorted(by: { ($0.at, $0.old) < ($1.at, $1.old) }) where changed.contains(rename.old) {
      carry(rename.old, to: rename.new, at: rename.at)
      changed.insert(rename.new)
    }
  }

  /// What the old has just before the instant, and nothing else of what came by the rename, the new has from then on.
  private mutating func carry(_ old: Entity, to new: Entity, at t: Instant) {
    let before = t.adding(microseconds: -1)
    var roles: Set<Entity> = []
    for fact in world.facts(about: old) where world.holds(fact, at: before) {
      switch (fact, world.value(of: fact, at: before)) {
      case (.assignment(let id), .grant(let grant)) where grant.principal == old:
        // What a resource's document gave ends with that; what ends later of its own under the old name is somebody else's.
        let isShared = TrailRoles.resource(of: grant.role) != nil
        let ends = world.entries(of: fact).filter { isShared && $0.effect == .ends }.map(\.moment.effective).filter { $0 > t }
        roles.insert(.role(carry(grant, until: ends, old, new, at: t)))
        // Ended by name too, for the old name may come again.
        if world.value(of: fact, at: t) != nil { emit(.assignmentRevoked(id: id), at: t) }
      case (.membership(let group, let member), _) where member == old && !group.utf8.starts(with: BuiltIn.accountPrefix.utf8):
        carry(.membership(group: group, member: new), at: t)
        if world.value(of: fact, at: t) != nil { emit(.membershipRemoved(group: group, member: old), at: t) }
      case (.membership(let group, let member), _) where old == .group(group):
        carry(.membership(group: new.id, member: member), at: t)
      default: continue
      }
    }
    uncarry(old, new, keeping: roles, at: t)
    uncarryCredentials(old, new, at: t)
    for id in credentials(of: old) { carry(credential: id, old, new, at: t) }
    if old.kind == .identity { carryBoundary(old.id, to: new.id, at: t) }
  }

  private mutating func carryBoundary(_ old: String, to new: String, at t: Instant) {
    let now = bounding(new, at: t)
    if let policy = bounding(old, at: t.adding(microseconds: -1)) {
      if now.map({ !$0.isExactly(policy) }) ?? true { bound(new, policy, at: t) }
    } else if now != nil, bounding(new, at: t.adding(microseconds: -1)) == nil {
      emit(.policyRetired(id: Self.boundary(of: new)), at: t)
    }
  }

  /// A grant of the old as one of the new; answers for the role that it then is of.
  private mutating func carry(
    _ grant: Grant, until ends: [Instant], _ old: Entity, _ new: Entity, at t: Instant
  ) -> String {
    var grant = grant
    let own = TrailWords.id(old.id, "inline") + "/"
    if grant.role.utf8.starts(with: own.utf8) {
      let role = TrailWords.id(new.id, "inline", String(grant.role.dropFirst(own.count)))
      carry(document: grant.role, as: role, at: t)
      if world.exists(.role(grant.role), at: t) { emit(.roleRetired(id: grant.role), at: t) }
      grant.role = role
    }
    grant.principal = new
    let held = world.assignments(role: grant.role, principal: new).filter { $0.grant.scope.isExactly(grant.scope) }
    if held.contains(where: { $0.spans.contains { $0.contains(t) } }) { return grant.role }
    self.grant(grant, at: t, until: (held.flatMap(\.entries).map(\.moment.effective).filter { $0 > t } + ends).min())
    return grant.role
  }

  /// A document that is the old one's own becomes the new one's.
  private mutating func carry(document old: String, as new: String, at t: Instant) {
    let before = t.adding(microseconds: -1)
    guard case .role(let document)? = world.value(of: .existence(.role(old)), at: before) else { return }
    let last = world.entries(of: .existence(.role(new))).last { $0.moment.effective <= t }
    if let last, last.moment.effective < t, case .begins = last.effect { return }
    if world.value(of: .existence(.role(new)), at: t) == .role(document) { return }
    var attributes: [String: AttributeValue] = [:]
    for name in ["not_understood", "document"] {
      if case .attribute(let value)? = world.value(of: .attribute(.role(old), name: name), at: before) {
        attributes[name] = value
      }
    }
    emit(.roleDefined(id: new, document: document, attributes: attributes), at: t)
  }

  private mutating func carry(_ membership: Fact, at t: Instant) {
    guard case .membership(let group, let member) = membership, !world.holds(membership, at: t) else { return }
    emit(.membershipAdded(group: group, member: member, expiresAt: nil), at: t)
  }

  /// What came by the rename and, as is known by now, was not there to come.
  private mutating func uncarry(_ old: Entity, _ new: Entity, keeping roles: Set<Entity>, at t: Instant) {
    let before = t.adding(microseconds: -1)
    for fact in world.facts(about: new) {
      let entries = world.entries(of: fact)
      guard Span.spans(of: entries).contains(where: { $0.begun.effective == t }) else { continue }
      switch (fact, world.value(of: fact, at: t)) {
      case (.assignment(let id), .grant(let grant)) where grant.principal == new && !roles.contains(.role(grant.role)):
        emit(.assignmentRevoked(id: id), at: t)
      case (.membership(let group, let member), .some) where member == new:
        if group.utf8.starts(with: BuiltIn.accountPrefix.utf8) { continue }
        if !world.holds(.membership(group: group, member: old), at: before) {
          emit(.membershipRemoved(group: group, member: member), at: t)
        }
      case (.membership(let group, let member), .some) where new == .group(group):
        if !world.holds(.membership(group: old.id, member: member), at: before) {
          emit(.membershipRemoved(group: group, member: member), at: t)
        }
      default: continue
      }
    }
  }

  /// A key that came by the rename goes back to whose it is by what is known now.
  private mutating func uncarryCredentials(_ old: Entity, _ new: Entity, at t: Instant) {
    for id in credentials(of: new) {
      let entries = world.entries(of: .existence(.credential(id)))
      let before = t.adding(microseconds: -1)
      guard let last = entries.last(where: { $0.moment.effective <= t }), last.moment.effective == t,
        case .begins(.credential(let now), _) = last.effect, now.identity.isExactly(new.id),
        case .credential(let former)? = world.value(of: .existence(.credential(id)), at: before),
        !former.identity.isExactly(old.id), !former.identity.isExactly(new.id)
      else { continue }
      emit(.credentialIssued(id: id, former, attributes: ["account": .open(.string(account))]), at: t)
    }
  }

  private func credentials(of identity: Entity) -> [String] {
    guard identity.kind == .identity else { return [] }
    let known = world.base.credentials(of: .identity(identity.id))
    return known + world.plannedCredentials(of: identity.id).filter { id in !known.contains { $0.isExactly(id) } }
  }

  private mutating func carry(credential id: String, _ old: Entity, _ new: Entity, at t: Instant) {
    let before = t.adding(microseconds: -1)
    guard case .credential(var document)? = world.value(of: .existence(.credential(id)), at: before),
      document.identity.isExactly(old.id), document.kind != .session
    else { return }
    if case .credential(let now)? = world.value(of: .existence(.credential(id)), at: t), now.identity.isExactly(new.id) {
      return
    }
    document.identity = new.id
    if document.holder?.isExactly(old.id) == true { document.holder = new.id }
    if document.kind == .password {
      // A password is named by its user.
      let own = TrailWords.id(new.id, "login-profile")
      if world.value(of: .existence(.credential(own)), at: t) != nil { return }
      emit(.credentialIssued(id: own, document, attributes: ["account": .open(.string(account))]), at: t)
      emit(.credentialRevoked(id: id), at: t)
    } else if world.value(of: .existence(.credential(id)), at: t) != nil {
      emit(.credentialIssued(id: id, document, attributes: ["account": .open(.string(account))]), at: t)
    }
  }
}
