/// What a plan ends: facts first, so that no entity takes a fact with it that has a word of its own in the log.
extension Planner {
  mutating func endFacts() {
    let ended = current.facts.keys.filter { wanted[$0] == nil }
    for fact in ended.sorted(by: { $0.planOrder < $1.planOrder }) {
      guard let change = fact.ending else { continue }
      command(change)
      plan.ended.insert(fact)
    }
  }

  /// Ends entities that are desired no more, unless another source holds them.
  mutating func endEntities() {
    var ended: Set<Entity> = []
    for fact in current.facts.keys {
      guard case .existence(let entity) = fact, wanted[fact] == nil, entity != .source(frame.source) else { continue }
      ended.insert(entity)
    }
    for entity in ended.sorted(by: { Fact.existence($0).planOrder < Fact.existence($1).planOrder }) {
      guard let change = entity.ending else { continue }
      if isHeldElsewhere(entity) {
        plan.kept.append(entity)
        ended.remove(entity)
        continue
      }
      command(change)
      plan.ended.insert(.existence(entity))
    }
    for fact in current.facts.keys {
      if case .attribute(let entity, _) = fact, ended.contains(entity) { plan.ended.insert(fact) }
    }
  }

  /// Whether another source has the last word on the entity's existence, or a fact about it that holds.
  private func isHeldElsewhere(_ entity: Entity) -> Bool {
    if foreignSource(of: .existence(entity)) != nil { return true }
    return world.facts(about: entity).contains { foreignSource(of: $0) != nil }
  }
}

extension Entity {
  /// The change that ends the entity's existence; nil for what has none of its own.
  fileprivate var ending: Change? {
    switch kind {
    case .identity: .identityRetired(id: id)
    case .group: .groupDeleted(id: id)
    case .role: .roleRetired(id: id)
    case .policy: .policyRetired(id: id)
    case .resource: .resourceRemoved(path: id)
    case .source: .sourceRetired(id: id)
    case .assignment, .event, .request, .credential, .finding, .review: nil
    }
  }
}
