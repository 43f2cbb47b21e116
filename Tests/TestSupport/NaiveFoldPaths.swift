public import AccessGraph
public import Governance
import Temporal

/// One way from an identity to a role, by an assignment.
public struct NaivePath {
  /// The steps from the identity to the role; a permission is not among them.
  public var steps: [Step]
  /// The identity with whom it begins: the account, where it goes over one.
  public var bearer: Entity
  /// The assignment on it.
  public var grant: Grant
  /// The role reached.
  public var role: Entity
  /// Its permissions; nil where its document is not known.
  public var permissions: [Permission]?
  /// The event that defined the role.
  public var definition: NaiveState.Origin
  /// Whether some step's end was due already.
  public var isOverdue: Bool

  /// Whether it goes over a built-in principal.
  public var isShared: Bool { steps.contains { if case .builtIn = $0.kind { true } else { false } } }
}

/// One way from an identity to a group, or to the identity itself.
public struct NaiveReach {
  /// The steps to it.
  public var steps: [Step]
  /// The identity with whom it begins.
  public var bearer: Entity
  /// The principal reached.
  public var principal: Entity
  /// Whether some step's end was due already.
  public var isOverdue: Bool

  /// Whether it goes over a built-in principal.
  public var isShared: Bool { steps.contains { if case .builtIn = $0.kind { true } else { false } } }
}

/// What a loss takes away.
enum Ending: Hashable {
  case entity(Entity)
  case active(Entity)
  case link(Entity)
  case membership(Entity, Entity)
  case assignment(Entity)

  init?(_ change: Change) {
    switch change {
    case .identityRetired(let id): self = .entity(.identity(id))
    case .groupDeleted(let id): self = .entity(.group(id))
    case .roleRetired(let id): self = .entity(.role(id))
    case .identitySuspended(let id): self = .active(.identity(id))
    case .identityUnlinked(let account): self = .link(.identity(account))
    case .membershipRemoved(let group, let member): self = .membership(.group(group), member)
    case .assignmentRevoked(let id): self = .assignment(Entity(.assignment, id))
    default: return nil
    }
  }
}

/// World(t, k) with every path in it, found by walking all simple paths.
public struct NaiveView {
  /// The moment.
  public let viewpoint: Viewpoint
  /// The world at it.
  public let state: NaiveState
  /// Identities that had existed at some time up to the moment.
  public let everKnown: Set<Entity>
  /// Losses known of, due already and not yet in effect.
  let overdue: Set<Ending>
  /// The ways to principals, by identity; only those of active identities.
  public private(set) var reaches: [Entity: [NaiveReach]] = [:]
  /// The paths by identity; only those of active identities.
  public private(set) var paths: [Entity: [NaivePath]] = [:]

  init(of log: NaiveLog, from viewpoint: Viewpoint) {
    self.viewpoint = viewpoint
    state = log.state(at: viewpoint.at, asKnownAt: viewpoint.asKnownAt)
    var everKnown: Set<Entity> = []
    var overdue: Set<Ending> = []
    for event in log.visible(asKnownAt: viewpoint.asKnownAt) {
      if case .identityRegistered(let id, _, _) = event.change, event.effectiveAt <= viewpoint.at {
        everKnown.insert(.identity(id))
      }
      if let due = event.dueAt, due <= viewpoint.at, viewpoint.at < event.effectiveAt, let ending = Ending(event.change) {
        overdue.insert(ending)
      }
    }
    self.everKnown = everKnown
    self.overdue = overdue
    for entity in state.living.keys where entity.kind == .identity && isActive(entity) {
      reaches[entity] = reaches(from: entity)
      paths[entity] = reaches[entity]?.flatMap { paths(from: $0) }
    }
  }

  /// Another world at the same moment, with only the ways and paths of one identity in it.
  init(_ state: NaiveState, beside view: NaiveView, of identity: Entity) {
    viewpoint = view.viewpoint
    self.state = state
    everKnown = view.everKnown
    overdue = view.overdue
    reaches[identity] = reaches(from: identity)
    paths[identity] = reaches[identity]?.flatMap { paths(from: $0) }
  }

  /// Whether the identity exists and is not suspended.
  public func isActive(_ identity: Entity) -> Bool { state.exists(identity) && state.suspended[identity] == nil }
}

extension NaiveView {
  private func reaches(from identity: Entity) -> [NaiveReach] {
    guard let living = state.living[identity] else { return [] }
    let itself = NaiveReach(
      steps: [step(.identity(identity.id), living.born)], bearer: identity, principal: identity, isOverdue: isLeaving(identity))
    var answer = allAbove(itself)
    for (account, link) in state.links where link.person == identity && isActive(account) {
      let start = NaiveReach(
        steps: itself.steps + [step(.account(account.id), link.origin)], bearer: account, principal: account,
        isOverdue: itself.isOverdue || isLeaving(account) || overdue.contains(.link(account)))
      answer += allAbove(start)
    }
    return answer
  }

  /// What is above an identity, and above the built-in principals that it is one of.
  private func allAbove(_ reach: NaiveReach) -> [NaiveReach] {
    var answer = groups(above: reach, visited: [])
    for principal in builtIns(of: reach.bearer) {
      guard let living = state.living[principal] else { continue }
      let next = NaiveReach(
        steps: reach.steps + [step(.builtIn(principal.id), living.born)], bearer: reach.bearer, principal: principal,
        isOverdue: reach.isOverdue || isLeaving(principal))
      answer += groups(above: next, visited: [])
    }
    return answer
  }

  /// The active built-in principals that an identity is one of: everyone is everyone, and whoever is not everyone is known.
  public func builtIns(of identity: Entity) -> [Entity] {
    let (everyone, authenticated) = (Entity.identity("everyone"), Entity.identity("authenticated"))
    if identity == everyone { return [] }
    return [everyone, authenticated].filter { $0 != identity && isActive($0) }
  }

  /// The reach itself and all simple paths upwards from it.
  private func groups(above reach: NaiveReach, visited: Set<Entity>) -> [NaiveReach] {
    var answer = [reach]
    for (key, held) in state.memberships where key.member == reach.principal && !visited.contains(key.group) {
      let next = NaiveReach(
        steps: reach.steps + [step(.group(key.group.id), held.origin, held.expiresAt)], bearer: reach.bearer,
        principal: key.group,
        isOverdue: reach.isOverdue || isEnding(key.group) || isEnding(key.member)
          || overdue.contains(.membership(key.group, key.member)))
      answer += groups(above: next, visited: visited.union([key.group]))
    }
    return answer
  }

  private func paths(from reach: NaiveReach) -> [NaivePath] {
    var answer: [NaivePath] = []
    for (id, held) in state.assignments where held.grant.principal == reach.principal {
      let role = Entity.role(held.grant.role)
      let kind = Step.Kind.assignment(id: id.id, role: held.grant.role, scope: held.grant.scope)
      let isOverdue =
        reach.isOverdue || overdue.contains(.assignment(id)) || isEnding(reach.principal) || isEnding(role)
      answer += roles(
        below: role, by: reach.steps + [step(kind, held.origin, held.grant.expiresAt)], reach.bearer, held.grant,
        isOverdue, visited: [role])
    }
    return answer
  }

  /// The role itself and all simple paths downwards from it.
  private func roles(
    below role: Entity, by steps: [Step], _ bearer: Entity, _ grant: Grant, _ isOverdue: Bool, visited: Set<Entity>
  ) -> [NaivePath] {
    guard let living = state.living[role], case .role(let permissions, let includes) = living.document else { return [] }
    var answer = [
      NaivePath(
        steps: steps, bearer: bearer, grant: grant, role: role, permissions: permissions, definition: living.latest,
        isOverdue: isOverdue)
    ]
    for other in includes where !visited.contains(other) {
      answer += roles(
        below: other, by: steps + [step(.role(other.id), living.latest)], bearer, grant,
        isOverdue || isEnding(role) || isEnding(other), visited: visited.union([other]))
    }
    return answer
  }

  private func step(_ kind: Step.Kind, _ origin: NaiveState.Origin, _ expiresAt: Instant? = nil) -> Step {
    Step(kind: kind, position: origin.position, effectiveAt: origin.effectiveAt, expiresAt: expiresAt)
  }

  /// Whether the entity's end was due already.
  private func isEnding(_ entity: Entity) -> Bool { overdue.contains(.entity(entity)) }

  /// Whether the identity's retirement or suspension was due already.
  private func isLeaving(_ identity: Entity) -> Bool {
    isEnding(identity) || overdue.contains(.active(identity))
  }
}
