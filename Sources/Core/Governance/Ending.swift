import Temporal

/// How facts and entities come to their end: the current one at `effective_at`, what lies ahead at its own beginning.
extension Decision {
  /// Ends one fact: where it holds, at `effective_at`; and every beginning of it that still lies ahead, at that beginning.
  mutating func endFact(_ fact: Fact, _ pointer: String) throws(Refusal) {
    let holds = world.value(of: fact, at: at) != nil
    let ahead = beginnings(of: fact, after: at)
    // With nothing to end now, a beginning already past the clock may be meant by a backdated command: the first one is.
    let meant = holds ? ahead.filter { $0 > context.recordedAt } : ahead
    if holds || (meant.isEmpty && !isGoverned) { emit(command.change) }
    if !holds, meant.isEmpty, isGoverned { throw Refusal(.notHeld, "does not hold at \(at)", at: pointer) }
    for instant in meant { emit(command.change, at: instant) }
  }

  /// Ends an entity, and in the same batch everything about it that is dated ahead of the clock.
  mutating func end(_ entity: Entity, _ pointer: String) throws(Refusal) {
    let exists = world.exists(entity, at: at)
    let returns = beginnings(of: .existence(entity), after: at)
    if isGoverned, !exists, returns.isEmpty { throw Refusal(.notFound, "\(entity) does not exist at \(at)", at: pointer) }
    if exists || !isGoverned { emit(command.change) }
    // An observation of an ending that is no news says nothing about what others have seen begin later.
    if !exists, !isGoverned { return }
    let horizon = exists ? max(at, context.recordedAt) : at
    for fact in world.facts(about: entity) {
      guard let ending = fact.ending else { continue }
      for instant in beginnings(of: fact, after: horizon) { emit(ending, at: instant) }
    }
    for instant in returns where instant > horizon { emit(command.change, at: instant) }
  }

  /// The instants after t at which an entry begins the fact and no later entry of that instant ends it.
  private func beginnings(of fact: Fact, after t: Instant) -> [Instant] {
    var instants: [Instant] = []
    for entry in world.entries(of: fact) where entry.moment.effective > t {
      let instant = entry.moment.effective
      switch entry.effect {
      case .begins: if instants.last != instant { instants.append(instant) }
      case .ends: if instants.last == instant { instants.removeLast() }
      case .extends: continue
      }
    }
    return instants
  }
}

extension Fact {
  /// The change that ends the fact; nil for an existence or attribute, which end with their entity, and for what ends by itself.
  public var ending: Change? {
    switch self {
    case .existence, .attribute, .coverageGap, .acceptance, .reviewItem: nil
    case .suspension(let identity): .identityResumed(id: identity)
    case .link(let account): .identityUnlinked(account: account)
    case .membership(let group, let member): .membershipRemoved(group: group, member: member)
    case .assignment(let id): .assignmentRevoked(id: id)
    case .coverage(let source, let resource): .coverageEnded(source: source, resource: resource)
    }
  }
}
