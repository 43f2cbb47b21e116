import JSON
public import Temporal

/// What is found about who answers for what: a pure function of the world, one entity at a time.
extension World {
  /// Everything of this kind that is found about an entity at t; nothing where it does not exist.
  ///
  /// O(memberships of a group until one holds).
  public func structuralFindings(about entity: Entity, at t: Instant) -> [Finding] {
    guard let value = value(of: .existence(entity), at: t)?.value else { return [] }
    return [
      orphanedAccount(entity, value, at: t), ownerless(entity, value, at: t), emptyGroup(entity, at: t),
    ].compactMap { $0 }
  }

  /// An account that belongs to no person.
  private func orphanedAccount(_ entity: Entity, _ value: FactValue, at t: Instant) -> Finding? {
    guard value == .identity(.account), self.value(of: .link(account: entity.id), at: t) == nil else { return nil }
    let isSuspended = self.value(of: .suspension(identity: entity.id), at: t) != nil
    // Suspended it gives nothing, until somebody resumes it.
    return Finding(
      rule: "orphaned_account", subject: entity, evidence: ["suspended": .bool(isSuspended)],
      severity: isSuspended ? .low : nil)
  }

  /// What should have an owner and has none, or one who is not active.
  private func ownerless(_ entity: Entity, _ value: FactValue, at t: Instant) -> Finding? {
    // What is there by itself belongs to nobody.
    guard value.needsOwner, entity.kind != .identity || !BuiltIn.isReserved(entity.id) else { return nil }
    var evidence: JSONObject = ["owner": .null]
    if let owner = owner(of: entity, at: t) {
      guard let why = whyNotActive(owner, at: t) else { return nil }
      evidence = ["owner": .string(owner), "owner_is": .string(why)]
    }
    return Finding(rule: "ownerless", subject: entity, evidence: .object(evidence))
  }

  /// Why an identity cannot mend anything at t; nil where it can.
  func whyNotActive(_ identity: String, at t: Instant) -> String? {
    if !exists(.identity(identity), at: t) {
      // One that is only registered ahead was not there yet.
      let stretches = Existence.stretches(of: entries(of: .existence(.identity(identity))))
      return stretches.contains { $0.since.effective <= t } ? "retired" : "unknown"
    }
    return value(of: .suspension(identity: identity), at: t) == nil ? nil : "suspended"
  }

  /// A group without members.
  private func emptyGroup(_ entity: Entity, at t: Instant) -> Finding? {
    guard entity.kind == .group else { return nil }
    if memberships(in: entity.id).contains(where: { value(of: $0, at: t) != nil }) { return nil }
    return Finding(
      rule: "empty_group", subject: entity, evidence: [:], fix: ["type": "group.delete", "id": .string(entity.id)])
  }
}

extension FactValue {
  /// Whether somebody has to answer for it: people answer for themselves, and for accounts those whose they are.
  fileprivate var needsOwner: Bool {
    switch self {
    case .identity(let kind):
      switch kind {
      case .service, .workload, .agent, .assumableRole, .external: true
      // Of a placeholder nothing is known but its name, which is a finding of its own.
      case .person, .account, .placeholder: false
      }
    case .role(let document): document.permissions != nil
    case .group, .policy: true
    default: false
    }
  }
}
