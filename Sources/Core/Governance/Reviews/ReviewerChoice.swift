import JSON
public import Temporal

/// Why somebody may not review an item.
public enum ReviewerObjection: String, Hashable, Sendable, CaseIterable {
  /// Not there, or suspended.
  case inactive
  /// Holds it: themselves, by another account, through the group, or as the owner of who does.
  case holder
  /// Reports to who holds it.
  case subordinate
  /// Granted or extended it, had it granted, or wrote that here.
  case granter
  /// Approved that, or the request that it comes from.
  case approver

  /// The sentence of a refusal.
  var sentence: String {
    switch self {
    case .inactive: "is not an active identity"
    case .holder: "holds it, by this or another account, or owns who does"
    case .subordinate: "reports to who holds it"
    case .granter: "granted it or had it granted"
    case .approver: "approved it"
    }
  }
}

/// Somebody whom a rule names and who may not review the item.
public struct PassedOver: Hashable, Sendable {
  /// Who.
  public var reviewer: String
  /// The rule.
  public var route: ReviewerRoute
  /// Why not.
  public var objection: ReviewerObjection
}

/// Who reviews an item.
public struct ItemReviewers: Hashable, Sendable {
  /// By which rule; nil where no rule leads to anybody who may.
  public var route: ReviewerRoute?
  /// Who may, by that rule, in the order of their ids; not more than ``most``.
  public var reviewers: [String] = []
  /// Whom that rule and the ones before it name and who may not; not more than ``most``.
  public var passedOver: [PassedOver] = []

  /// Nobody.
  public init() {}

  /// More than a person reads.
  public static let most = 20
}

/// Finds who may review the items of one review, as the world stands; remembers what many items ask of the same identities.
///
/// Nobody reviews what they hold by any account, granted, approved, or hold over whom they report to; whoever may not is passed
/// over, and the next rule is asked.
public final class ReviewerChoice<W: World> {
  let world: W
  private let terms: ReviewTerms
  let now: Instant
  /// When the population was frozen; nil for now.
  private let frozenAt: Instant?
  /// Who wrote the events that the grants come from which are asked about next: of a large review they are looked up part by part.
  public var witness: [Int64: Witness]
  private var interestedByPrincipal: [Entity: Set<Entity>] = [:]
  private var selvesByIdentity: [Entity: Set<Entity>] = [:]
  private var superiorsByIdentity: [Entity: Set<Entity>] = [:]
  private var membersByPrincipal: [Entity: [String]] = [:]
  private var aboveByIdentity: [Entity: Set<Entity>] = [:]

  /// Identities and groups of which answers are remembered: the many that hold one item each would fill the memory for nothing.
  private static var mostRemembered: Int { 20_000 }

  /// A choice for the items of a review at a moment.
  ///
  /// - Parameter frozenAt: when the population was frozen: who held an item then does not judge it because he has left the group
  ///   since. The default is now.
  public init(
    _ world: W, _ terms: ReviewTerms, at now: Instant, frozenAt: Instant? = nil, witness: [Int64: Witness]
  ) {
    self.frozenAt = frozenAt
    self.world = world
    self.terms = terms
    self.now = now
    self.witness = witness
  }

  /// Who reviews an item.
  public func reviewers(of found: PopulationItem, _ state: ReviewItemState?) -> ItemReviewers {
    var answer = ItemReviewers()
    for (route, principals) in routes(of: found, state) {
      for reviewer in principals.lazy.flatMap(members) {
        if answer.reviewers.count == ItemReviewers.most { break }
        if let objection = objection(to: reviewer, of: found) {
          if answer.passedOver.count < ItemReviewers.most {
            answer.passedOver.append(PassedOver(reviewer: reviewer, route: route, objection: objection))
          }
        } else if !answer.reviewers.contains(where: { $0.isExactly(reviewer) }) {
          answer.reviewers.append(reviewer)
        }
      }
      if answer.reviewers.isEmpty { continue }
      answer.route = route
      break
    }
    answer.reviewers.sort { $0.precedes($1) }
    return answer
  }

  /// Whether somebody may decide an item: also one whom ``ItemReviewers`` has no room for.
  public func mayDecide(_ reviewer: String, about found: PopulationItem, _ state: ReviewItemState?) -> Bool {
    do throws(Refusal) {
      _ = try route(of: reviewer, for: found, state)
      return true
    } catch { return false }
  }

  /// Whether any rule names somebody for an item: without looking up who gave it, which could only leave them out.
  public func names(_ reviewer: String, for found: PopulationItem, _ state: ReviewItemState?) -> Bool {
    let above = principalsAbove(reviewer)
    return routes(of: found, state).contains { _, principals in principals.contains { above.contains($0) } }
  }

  /// By which rule somebody reviews an item.
  ///
  /// - Throws: `Refusal` that says who does instead.
  func route(of reviewer: String, for found: PopulationItem, _ state: ReviewItemState?) throws(Refusal) -> ReviewerRoute {
    try requireMay(reviewer, review: found, "/by")
    let above = principalsAbove(reviewer)
    for (route, principals) in routes(of: found, state) {
      if principals.contains(where: { above.contains($0) }) { return route }
      if let other = principals.lazy.flatMap(members).first(where: { self.objection(to: $0, of: found) == nil }) {
        throw Refusal(.notEntitled, "is not its reviewer: \(other) is, as \(route.rawValue)", at: "/by")
      }
    }
    throw Refusal(.notEntitled, "is not its reviewer, and nobody is: assign it to somebody who may", at: "/by")
  }

  /// Whether somebody could review the item if it were theirs.
  func requireMay(_ reviewer: String, review found: PopulationItem, _ pointer: String) throws(Refusal) {
    for position in world.grantPositions(of: found) where witness[position] == nil {
      throw Refusal(.changedMeanwhile, "was changed while this was being decided; ask again", at: "/item")
    }
    if let objection = objection(to: reviewer, of: found) {
      throw Refusal(.notEntitled, objection.sentence, at: pointer)
    }
  }

  /// Why somebody may not review an item; nil where they may.
  public func objection(to reviewer: String, of found: PopulationItem) -> ReviewerObjection? {
    guard world.isActive(reviewer, at: now) else { return .inactive }
    let selves = selves(of: .identity(reviewer))
    guard let principal = found.principal else { return nil }
    let interested = interested(in: principal)
    if !selves.isDisjoint(with: interested) { return .holder }
    if !superiors(of: .identity(reviewer)).isDisjoint(with: interested) { return .subordinate }
    for position in world.grantPositions(of: found) {
      guard let event = witness[position] else { continue }
      func isOne(_ other: String) -> Bool { !self.selves(of: .identity(other)).isDisjoint(with: selves) }
      if event.writers.contains(where: isOne) { return .granter }
      if let approver = event.approver, isOne(approver) { return .approver }
    }
    let approvals = world.approvals(of: found, at: now)
    return approvals.contains { !self.selves(of: .identity($0)).isDisjoint(with: selves) } ? .approver : nil
  }

  /// Whether somebody stands behind both.
  public func areOne(_ a: String, _ b: String) -> Bool {
    !selves(of: .identity(a)).isDisjoint(with: selves(of: .identity(b)))
  }

  /// The rules in their order, each with whom it names for the item.
  func routes(of found: PopulationItem, _ state: ReviewItemState?) -> [(ReviewerRoute, [Entity])] {
    var routes: [(ReviewerRoute, [Entity])] = []
    if let assigned = state?.assignment?.reviewer { routes.append((.assigned, [.identity(assigned)])) }
    for rule in terms.reviewers {
      switch rule {
      case .owner: routes.append((.owner, owners(of: found)))
      case .manager: routes.append((.manager, found.principal.map { world.named(by: "manager", of: $0, at: now) } ?? []))
      case .named(let entity): routes.append((.named, [entity]))
      }
    }
    routes.append((.escalation, terms.escalation))
    return routes
  }

  private func owners(of found: PopulationItem) -> [Entity] {
    var owned: [Entity] = []
    switch found.item {
    case .membership(let group, _): owned.append(.group(group))
    case .assignment: if let grant = found.grant { owned += [.role(grant.role), .resource(grant.scope)] }
    }
    if let principal = found.principal { owned.append(principal) }
    return owned.lazy.map { [world, now] in world.named(by: "owner", of: $0, at: now) }.first { !$0.isEmpty } ?? []
  }

  private func principalsAbove(_ reviewer: String) -> Set<Entity> {
    if let known = aboveByIdentity[.identity(reviewer)] { return known }
    let above = world.principalsAbove(.identity(reviewer), at: now)
    aboveByIdentity[.identity(reviewer)] = above
    return above
  }

  func members(of principal: Entity) -> [String] {
    if let known = membersByPrincipal[principal] { return known }
    let members = world.identities(of: principal, at: now).sorted().map(\.id)
    membersByPrincipal[principal] = members
    return members
  }

  func selves(of identity: Entity) -> Set<Entity> {
    if let known = selvesByIdentity[identity] { return known }
    let selves = world.selves(of: identity, during: nil)
    if selvesByIdentity.count >= Self.mostRemembered { selvesByIdentity.removeAll() }
    selvesByIdentity[identity] = selves
    return selves
  }

  /// Everybody who gains by what the principal holds.
  func interested(in principal: Entity) -> Set<Entity> {
    if let known = interestedByPrincipal[principal] { return known }
    var holders = world.identities(of: principal, at: now)
    if let frozenAt, principal.kind == .group { holders.formUnion(world.identities(of: principal, at: frozenAt)) }
    var interested = holders.reduce(into: Set<Entity>()) { $0.formUnion(selves(of: $1)) }
    // Also a principal that does not exist any more, or a group without members, is somebody's.
    if principal.kind == .identity { interested.formUnion(selves(of: principal)) }
    if interestedByPrincipal.count >= Self.mostRemembered { interestedByPrincipal.removeAll() }
    interestedByPrincipal[principal] = interested
    return interested
  }

  /// Those whom an identity reports to, all the way up.
  func superiors(of identity: Entity) -> Set<Entity> {
    if let known = superiorsByIdentity[identity] { return known }
    let selves = selves(of: identity)
    let line = selves.reduce(into: Set<Entity>()) { line, one in
      if !line.contains(one) { line.formUnion(world.reach(from: one) { world.managersAndOneself($0, at: now) }) }
    }
    // Whoever is the same person stands in the line, too, by his accounts or in a circle.
    let superiors = line.lazy.filter { $0.kind == .identity }.map { self.selves(of: $0) }
      .filter { $0.isDisjoint(with: selves) }.reduce(into: Set<Entity>()) { $0.formUnion($1) }
    superiorsByIdentity[identity] = superiors
    return superiors
  }
}

extension World {
  /// Whom an attribute of an entity names: ids of identities, or `group:ID`.
  func named(by attribute: String, of entity: Entity, at t: Instant) -> [Entity] {
    guard case .attribute(.open(let value)) = self.value(of: .attribute(entity, name: attribute), at: t)?.value else {
      return []
    }
    return (value.arrayValue ?? [value]).compactMap(\.stringValue).map { text in
      guard let named = Entity(text: text), named.kind == .group || named.kind == .identity else { return .identity(text) }
      return named
    }
  }

  /// Whom an identity reports to, and the same person by other accounts, on which the manager may be recorded; of a group that is
  /// named as the manager its identities.
  fileprivate func managersAndOneself(_ entity: Entity, at t: Instant) -> [Entity] {
    if entity.kind == .group { return Array(identities(of: entity, at: t)) }
    var next = named(by: "manager", of: entity, at: t)
    if let person = person(of: entity.id, at: t) { next.append(.identity(person)) }
    return next + accounts(of: entity, at: t)
  }

  /// The positions of the events that a grant comes from: what began it, and what moved its end since.
  public func grantPositions(of found: PopulationItem) -> [Int64] {
    let chain = entries(of: found.item.fact).filter { found.span.begun <= $0.moment && $0.moment <= found.span.entry }
    return chain.map(\.moment.position)
  }

  /// Who approved the access request that a grant comes from, where it comes from one.
  func approvals(of found: PopulationItem, at t: Instant) -> [String] {
    // The step of a request lies right before what it grants.
    guard let step = event(at: found.span.begun.position - 1), RequestStep(eventType: step.type) != nil else { return [] }
    var approvers: [String] = []
    for case .existence(let entity) in step.facts where entity.kind == .request {
      guard let standing = request(entity.id, at: t), standing.terms.proposal.grantedFact(by: entity.id) == found.item.fact
      else { continue }
      approvers += standing.progress.approvals.map(\.approver)
    }
    return approvers
  }
}
