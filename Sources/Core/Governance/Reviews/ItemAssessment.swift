import JSON
public import Temporal

/// One thing that an item gives: a role on a scope, and what of it would be left without the item.
public struct ItemEntitlement: Hashable, Sendable {
  /// The assignment that gives it: the item itself, or for a membership one of the group or of a group above.
  public var assignment: String
  /// The role, of those that the assignment's role includes.
  public var role: String
  /// Where.
  public var scope: String
  /// The patterns of actions that it allows; nil where the role's document is not known.
  public var actions: [String]?
  /// Those that other paths give just as well.
  public var remaining: [String]
  /// The assignments by which they remain.
  public var remainsBy: [String]
}

/// Why a grant has nobody behind it.
public enum OrphanReason: String, Hashable, Sendable, CaseIterable {
  /// Held by a name that nobody ever registered.
  case placeholder
  /// Held by an account that belongs to no person that is known.
  case uncorrelated
  /// Held by a service, agent or group without an owner.
  case ownerless
  /// Held by one whose owner is gone.
  case ownerRetired = "owner_retired"
}

/// What became of an item in the review before.
public enum ItemHistory: Hashable, Sendable {
  case neverReviewed
  /// It was reviewed, and is the same.
  case unchanged(review: String, at: Instant)
  /// It was reviewed, and the grant has changed since.
  case changed(review: String, at: Instant)
}

/// What speaks for or against an item.
public enum ReviewReason: String, Hashable, Sendable, CaseIterable {
  case unused
  case separation
  case orphan
  /// All that it gives remains by other paths.
  case redundant
  case privileged
  /// A role whose document is not known may give something privileged.
  case privilegeUnknown = "privilege_unknown"
  case neverReviewed = "never_reviewed"
  case changed
  case used
  case keptBefore = "kept_before"
}

/// What a reviewer is shown of an item.
public struct ItemAssessment: Hashable, Sendable {
  /// What it gives; not more than ``mostEntitlements``.
  public var entitlements: [ItemEntitlement]
  /// How many things it gives.
  public var entitlementCount: Int
  /// Whether it gives a privileged permission.
  public var privilege: Privilege
  /// Why nobody stands behind it.
  public var orphan: OrphanReason?
  /// Whether who holds it is suspended.
  public var isSuspended: Bool
  /// The policies of separate duties that it has a part in breaching.
  public var breaches: [String]
  /// What became of it in the review before.
  public var history: ItemHistory
  /// When it was last used.
  public var lastUse: LastUse
  /// What is recommended; nil where nothing is.
  public var recommendation: ReviewChoice?
  /// Why.
  public var reasons: [ReviewReason]

  /// More than a person reads of one item.
  public static let mostEntitlements = 100
}

/// Assesses the items of a review as the world stands; remembers what many of them ask.
public final class ReviewAssessor<W: World> {
  private let world: W
  private let now: Instant
  private let review: String
  private let lastUse: (PopulationItem) -> LastUse
  private let privileged: [PrivilegedRule]
  /// The reviews before this one, the last first.
  private let before: [(id: String, opened: Instant)]
  /// The separations of duties that are there now.
  private let separations: [Separation]
  /// Everybody's breaches of them; found where an item's holder is a group, of which each member would be asked.
  private var allConflicts: [SeparationConflict]?
  private var conflictsByIdentity: [Entity: [SeparationConflict]] = [:]
  private var personsByGroup: [Entity: Set<Entity>] = [:]

  /// An assessor for a review at a moment.
  ///
  /// - Parameter lastUse: what is known of uses. The default is nothing.
  public init(
    _ world: W, review: String, at now: Instant, lastUse: @escaping (PopulationItem) -> LastUse = { _ in .notLookedAt }
  ) {
    self.world = world
    self.now = now
    self.review = review
    self.lastUse = lastUse
    privileged = world.privilegedRules(at: now)
    separations = world.separations.filter { $0.instants.contains(now) }
    let opened = world.review(review, at: now)?.progress.population.at ?? now
    before = world.reviews.compactMap { id in
      guard !id.isExactly(review), let other = world.review(id, at: now)?.progress.population.at, other < opened else {
        return nil
      }
      return (id, other)
    }.sorted { $0.opened > $1.opened }
  }

  /// Assesses an item.
  ///
  /// O(grants of who holds it × patterns).
  public func assess(_ found: PopulationItem) -> ItemAssessment {
    let given = given(by: found)
    var all = given.flatMap { id, grant in
      world.rolesGiven(by: grant.role, at: now).sorted().map { (id: id, grant: grant, role: $0, document: document(of: $0)) }
    }
    let privilege = Set(all.map(\.role)).map { world.privilege(of: $0, by: privileged, at: now) }.max() ?? .no
    // A role that gives nothing of its own says nothing here.
    all = all.filter { $0.document?.permissions?.contains { $0.effect == .allow } ?? true }
    let others = found.principal.map { world.assignmentsReaching($0, at: now, without: found.item.fact) } ?? []
    let entitlements = all.prefix(ItemAssessment.mostEntitlements).map { entry in
      entitlement(entry.id, entry.grant, entry.role, entry.document, besides: others)
    }
    let isWhole = all.count <= ItemAssessment.mostEntitlements
    let isRedundant =
      isWhole && !entitlements.isEmpty && entitlements.allSatisfy { $0.actions.map(\.count) == $0.remaining.count }
    return judged(
      ItemAssessment(
        entitlements: entitlements, entitlementCount: all.count, privilege: privilege, orphan: orphan(found),
        isSuspended: isSuspended(found), breaches: breaches(by: found, given), history: history(of: found),
        lastUse: lastUse(found), recommendation: nil, reasons: []), isRedundant)
  }

  /// Days over which a use, or that there was none, speaks for or against: as findings have it where no policy says otherwise.
  private static var usualDays: Int64 { 90 }

  private func judged(_ assessed: ItemAssessment, _ isRedundant: Bool) -> ItemAssessment {
    var assessed = assessed
    var against: [ReviewReason] = []
    let recent = now.adding(microseconds: -Self.usualDays * 86_400_000_000)
    // What was looked at for a week only says nothing of what is done once a month.
    if let since = assessed.lastUse.noneSince, since <= recent { against.append(.unused) }
    if !assessed.breaches.isEmpty { against.append(.separation) }
    if assessed.orphan == .placeholder || assessed.orphan == .uncorrelated { against.append(.orphan) }
    if isRedundant { against.append(.redundant) }
    var care: [ReviewReason] = []
    switch assessed.privilege {
    case .no: break
    case .yes: care.append(.privileged)
    case .unknown: care.append(.privilegeUnknown)
    }
    switch assessed.history {
    case .neverReviewed: care.append(.neverReviewed)
    case .changed: care.append(.changed)
    case .unchanged: break
    }
    if !against.isEmpty {
      (assessed.recommendation, assessed.reasons) = (.revoke, against + care)
    } else if case .unchanged = assessed.history, assessed.privilege == .no {
      (assessed.recommendation, assessed.reasons) = (.keep, [.keptBefore])
    } else {
      assessed.reasons = care
      if let last = assessed.lastUse.at, recent < last {
        (assessed.recommendation, assessed.reasons) = (.keep, [.used] + care)
      }
    }
    return assessed
  }

  private func given(by found: PopulationItem) -> [(id: String, grant: Grant)] {
    switch found.item {
    case .assignment(let id): found.grant.map { [(id, $0)] } ?? []
    case .membership(let group, _): world.assignmentsReaching(.group(group), at: now)
    }
  }

  private func document(of role: Entity) -> RoleDocument? {
    guard case .role(let document) = world.value(of: .existence(role), at: now)?.value, document.permissions != nil
    else { return nil }
    return document
  }

  private func entitlement(
    _ id: String, _ grant: Grant, _ role: Entity, _ document: RoleDocument?, besides others: [(id: String, grant: Grant)]
  ) -> ItemEntitlement {
    var entitlement = ItemEntitlement(
      assignment: id, role: role.id, scope: grant.scope, actions: nil, remaining: [], remainsBy: [])
    guard let permissions = document?.permissions?.filter({ $0.effect == .allow }) else { return entitlement }
    var actions: [String] = []
    for permission in permissions {
      for action in permission.actions where !actions.contains(where: { $0.isExactly(action) }) { actions.append(action) }
    }
    entitlement.actions = actions
    for action in actions {
      let needed = permissions.filter { $0.actions.contains { $0.isExactly(action) } }
      guard let other = others.first(where: { other in needed.allSatisfy { gives($0, action, on: grant, other.grant) } })
      else { continue }
      entitlement.remaining.append(action)
      if !entitlement.remainsBy.contains(where: { $0.isExactly(other.id) }) { entitlement.remainsBy.append(other.id) }
    }
    return entitlement
  }

  /// Whether another grant gives an action of a permission just as well; where that is not certain, no.
  private func gives(_ permission: Permission, _ action: String, on grant: Grant, _ other: Grant) -> Bool {
    guard other.condition.map({ $0 == grant.condition }) ?? true,
      Scope.covers(other.scope, grant.scope)
    else { return false }
    return world.rolesGiven(by: other.role, at: now).contains { role in
      document(of: role)?.permissions?.contains { candidate in
        candidate.effect == .allow && candidate.condition.map { $0 == permission.condition } ?? true
          && candidate.actions.contains { PatternShape($0).contains(PatternShape(action)) }
          && permission.resources.allSatisfy { wanted in
            candidate.resources.contains { PatternShape($0).contains(PatternShape(wanted)) }
          }
      } ?? false
    }
  }

  private func orphan(_ found: PopulationItem) -> OrphanReason? {
    guard let principal = found.principal else { return nil }
    if principal.kind == .identity {
      guard case .identity(let kind) = world.value(of: .existence(principal), at: now)?.value else { return nil }
      switch kind {
      case .placeholder: return .placeholder
      case .account: return world.value(of: .link(account: principal.id), at: now) == nil ? .uncorrelated : nil
      case .person, .external: return nil
      case .service, .workload, .agent, .assumableRole: break
      }
    }
    let owners = world.named(by: "owner", of: principal, at: now)
    if owners.isEmpty { return .ownerless }
    return owners.contains { world.exists($0, at: now) } ? nil : .ownerRetired
  }

  private func isSuspended(_ found: PopulationItem) -> Bool {
    guard let principal = found.principal, principal.kind == .identity else { return false }
    return world.value(of: .suspension(identity: principal.id), at: now) != nil
  }

  /// The policies that who holds the item breaches with a role that the item gives.
  private func breaches(by found: PopulationItem, _ given: [(id: String, grant: Grant)]) -> [String] {
    guard !separations.isEmpty, let principal = found.principal else { return [] }
    let conflicts = conflicts(of: principal)
    if conflicts.isEmpty { return [] }
    let roles = given.reduce(into: Set<Entity>()) { $0.formUnion(world.rolesGiven(by: $1.grant.role, at: now)) }
    return conflicts.filter { $0.roles.contains { roles.contains(.role($0)) } }.compactMap(\.policy)
  }

  /// What a principal's identities, and who stands behind them, breach now.
  private func conflicts(of principal: Entity) -> [SeparationConflict] {
    let instant = Interval(from: now, to: now.next)
    func selves(_ identity: Entity) -> Set<Entity> { world.selves(of: identity, during: instant) }
    if principal.kind == .identity {
      return selves(principal).sorted().flatMap { person -> [SeparationConflict] in
        if let known = conflictsByIdentity[person] { return known }
        let found = separations.compactMap { world.conflict(of: person, with: $0) }.filter { $0.held.contains(now) }
        conflictsByIdentity[person] = found
        return found
      }
    }
    let all = allConflicts ?? world.separationConflicts(.policies(only: nil), during: instant)
    allConflicts = all
    if all.isEmpty { return [] }
    let persons =
      personsByGroup[principal]
      ?? world.identities(of: principal, at: now).reduce(into: Set<Entity>()) { $0.formUnion(selves($1)) }
    personsByGroup[principal] = persons
    return all.filter { persons.contains(.identity($0.identity)) }
  }

  private func history(of found: PopulationItem) -> ItemHistory {
    for (id, _) in before {
      guard let decision = world.reviewItemState(found.item, of: id, at: now)?.state.decision else { continue }
      return decision.digest.isExactly(found.digest)
        ? .unchanged(review: id, at: decision.at) : .changed(review: id, at: decision.at)
    }
    return .neverReviewed
  }
}
