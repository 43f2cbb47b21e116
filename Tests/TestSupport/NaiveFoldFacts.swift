public import Governance
public import Temporal

extension NaiveState {
  /// The event that began a fact that holds, and the fact's end; nil where it does not hold.
  public func beginning(of fact: Fact) -> (position: Int64, expiresAt: Instant?)? {
    switch fact {
    case .existence(let entity): living[entity].map { ($0.latest.position, nil) }
    case .attribute(let entity, let name): attributes[entity]?[name].map { ($0.origin.position, nil) }
    case .suspension(let identity): suspended[.identity(identity)].map { ($0.position, nil) }
    case .acceptance(let finding): acceptances[.finding(finding)].map { ($0.origin.position, $0.expiresAt) }
    case .link(let account): links[.identity(account)].map { ($0.origin.position, nil) }
    case .membership(let group, let member):
      memberships[Membership(group: .group(group), member: member)].map { ($0.origin.position, $0.expiresAt) }
    case .assignment(let id):
      assignments[Entity(.assignment, id)].map { ($0.origin.position, $0.grant.expiresAt) }
    case .coverage(let source, let resource):
      coverage[Cover(source: .source(source), resource: .resource(resource), from: nil)]
        .map { ($0.origin.position, $0.expiresAt) }
    case .coverageGap(let source, let resource, let from):
      gaps[Cover(source: .source(source), resource: .resource(resource), from: from)]
        .map { ($0.origin.position, $0.expiresAt) }
    case .reviewItem(let review, let item):
      reviewItems[ReviewedItem(review: Entity(.review, review), item: item)].map { ($0.origin.position, nil) }
    }
  }

  /// Whether some group is a member of itself, directly or through others.
  public var hasGroupCycle: Bool {
    let nestings = memberships.keys.filter { $0.member.kind == .group }
    return hasCycle { group in nestings.filter { $0.member == group }.map(\.group) }
  }

  /// Whether some role includes itself, directly or through others.
  public var hasRoleCycle: Bool {
    hasCycle { role in
      guard case .role(_, let includes)? = living[role]?.document else { return [] }
      return Array(includes)
    }
  }

  private func hasCycle(_ next: (Entity) -> [Entity]) -> Bool {
    living.keys.contains { start in
      var reached: Set<Entity> = []
      var open = next(start)
      while let entity = open.popLast() {
        if reached.insert(entity).inserted { open += next(entity) }
      }
      return reached.contains(start)
    }
  }
}
