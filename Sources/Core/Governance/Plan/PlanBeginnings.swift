import JSON

/// What a plan begins and revises.
extension Planner {
  /// Defines entities, those that others refer to first.
  mutating func define() {
    var attributes: [Entity: [String: AttributeValue]] = [:]
    for (fact, holding) in wanted {
      guard case .attribute(let entity, let name) = fact, case .attribute(let value) = holding.value else { continue }
      attributes[entity, default: [:]][name] = value
    }
    var former: [Entity: [String: AttributeValue]] = [:]
    for (fact, holding) in current.facts {
      guard case .attribute(let entity, let name) = fact, case .attribute(let value) = holding.value else { continue }
      former[entity, default: [:]][name] = value
    }
    for entity in entitiesInOrder(attributes) {
      define(entity, attributes[entity] ?? [:], former: former[entity] ?? [:])
    }
  }

  private mutating func define(
    _ entity: Entity, _ attributes: [String: AttributeValue], former: [String: AttributeValue]
  ) {
    let existence = Fact.existence(entity)
    guard let holding = wanted[existence] else { return }
    var written = attributes
    if let held = current.facts[existence] {
      written = attributes.filter { former[$0.key] != $0.value }
      for name in former.keys where attributes[name] == nil {
        written[name] = .open(.null)
        plan.ended.insert(.attribute(entity, name: name))
      }
      if held == holding, written.isEmpty { return }
    } else if let source = foreignSource(of: existence) {
      return refer(to: entity, of: source, wanting: holding, attributes)
    }
    guard let change = holding.value.definition(of: entity, written) else { return }
    let isNew = current.facts[existence] == nil
    command(change, expecting: entity.kind == .resource ? nil : isNew ? .absent : .present)
    plan.begun[existence] = holding
    for (name, value) in attributes { plan.begun[.attribute(entity, name: name)] = Holding(.attribute(value)) }
  }

  /// An entity of another source stands as it is; where it should be another, that is a collision.
  private mutating func refer(
    to entity: Entity, of source: String, wanting holding: Holding, _ attributes: [String: AttributeValue]
  ) {
    if world.value(of: .existence(entity), at: frame.at)?.value != holding.value {
      plan.collisions.append(Collision(fact: .existence(entity), source: source))
    }
    for (name, value) in attributes {
      let fact = Fact.attribute(entity, name: name)
      let held = world.value(of: fact, at: frame.at)
      if held?.value != .attribute(value) { plan.collisions.append(Collision(fact: fact, source: held?.source ?? source)) }
    }
  }

  /// The desired entities, each after those that it refers to: its owner, and the roles that it includes.
  private func entitiesInOrder(_ attributes: [Entity: [String: AttributeValue]]) -> [Entity] {
    let facts = wanted.keys.sorted { $0.planOrder < $1.planOrder }
    var ordered: [Entity] = []
    var seen: Set<Entity> = []
    for case .existence(let entity) in facts {
      // Depth first without recursion: a chain of inclusions may be as long as the desired state.
      var open: [(entity: Entity, isDone: Bool)] = [(entity, false)]
      while let (here, isDone) = open.popLast() {
        if isDone {
          ordered.append(here)
        } else if wanted[.existence(here)] != nil, seen.insert(here).inserted {
          open.append((here, true))
          for other in references(of: here, attributes[here]) { open.append((other, false)) }
        }
      }
    }
    return ordered
  }

  private func references(of entity: Entity, _ attributes: [String: AttributeValue]?) -> [Entity] {
    var references: [Entity] = []
    if case .open(.string(let owner))? = attributes?["owner"] { references.append(.identity(owner)) }
    if case .role(let document)? = wanted[.existence(entity)]?.value { references += document.includes.map { .role($0) } }
    return references
  }

  mutating func beginFacts() {
    for (fact, holding) in wanted.sorted(by: { $0.key.planOrder < $1.key.planOrder }) {
      let held = current.facts[fact]
      if held == holding { continue }
      switch (fact, holding.value) {
      case (.assignment(let id), .grant(let grant)): assign(id, grant, held: held)
      case (.membership(let group, let member), _):
        begin(fact, holding, unlessForeign: .membershipAdded(group: group, member: member, expiresAt: holding.expiresAt))
      case (.link(let account), .person(let person)):
        if held != nil { command(.identityUnlinked(account: account)) }
        begin(fact, holding, unlessForeign: .identityLinked(account: account, person: person))
      case (.coverage(let source, let resource), _):
        begin(fact, holding, unlessForeign: .coverageBegan(source: source, resource: resource, expiresAt: holding.expiresAt))
      default: continue
      }
    }
  }

  private mutating func begin(_ fact: Fact, _ holding: Holding, unlessForeign change: Change) {
    if current.facts[fact] == nil, let source = foreignSource(of: fact) {
      plan.collisions.append(Collision(fact: fact, source: source))
    } else {
      begin(fact, holding, by: change)
    }
  }

  /// Grants, or moves the end of what is granted; the rest of an assignment never changes, nor does its id serve twice.
  private mutating func assign(_ id: String, _ grant: Grant, held: Holding?) {
    let fact = Fact.assignment(id: id)
    let holding = Holding(.grant(grant), expiresAt: grant.expiresAt)
    if case .grant(let former)? = held?.value {
      if GrantKey(former) != GrantKey(grant) {
        plan.collisions.append(Collision(fact: fact, source: frame.source))
      } else if held?.expiresAt != grant.expiresAt {
        begin(fact, holding, by: .assignmentExtended(id: id, expiresAt: grant.expiresAt))
      }
    } else if world.hasUsed(assignment: id) {
      let source = world.entries(of: fact).last?.source ?? frame.source
      plan.collisions.append(Collision(fact: fact, source: source))
    } else {
      begin(fact, holding, by: .assignmentGranted(id: id, grant: grant))
    }
  }
}

extension FactValue {
  /// The change that defines an entity with this as its value.
  fileprivate func definition(of entity: Entity, _ attributes: [String: AttributeValue]) -> Change? {
    switch self {
    case .identity(let kind): .identityRegistered(id: entity.id, kind: kind, attributes: attributes)
    case .group: .groupCreated(id: entity.id, attributes: attributes)
    case .role(let document): .roleDefined(id: entity.id, document: document, attributes: attributes)
    case .policy(let policy): .policyDefined(id: entity.id, policy: policy, attributes: attributes)
    case .resource: .resourceDescribed(path: entity.id, attributes: attributes)
    case .source: .sourceRegistered(id: entity.id, attributes: attributes)
    case .attribute, .suspended, .person, .member, .grant, .covered, .request, .credential, .finding, .accepted, .review,
      .reviewItem:
      nil
    }
  }
}
