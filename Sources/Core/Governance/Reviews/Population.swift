import Cryptography
public import JSON
public import Temporal

/// An item of a review with the grant as it is at a moment.
public struct PopulationItem: Hashable, Sendable {
  /// Which grant.
  public var item: GrantName
  /// Where it holds, and by which entry.
  public var span: Span

  /// An item.
  public init(item: GrantName, span: Span) {
    self.item = item
    self.span = span
  }

  /// Who holds it.
  public var principal: Entity? {
    switch (item, span.value) {
    case (.membership(_, let member), _): member
    case (.assignment, .grant(let grant)): grant.principal
    default: nil
    }
  }

  /// The grant, where it is an assignment.
  public var grant: Grant? {
    guard case .grant(let grant) = span.value else { return nil }
    return grant
  }

  /// The item as it stands in the canonical list: the grant, since when, and the events that it comes from.
  public var json: JSONValue {
    var object: JSONObject = [
      "item": .string(item.text), "begun": .integer(span.begun.position), "event": .integer(span.entry.position),
    ]
    object.put("from", span.begun.effective)
    object.put("expires_at", span.expiresAt)
    if let grant {
      object["principal"] = .string(grant.principal.description)
      object["role"] = .string(grant.role)
      object["scope"] = .string(grant.scope)
      if let condition = grant.condition { object["condition"] = condition }
    }
    return .object(object)
  }

  /// SHA-256 of its canonical form: another one after any change of the grant.
  public var digest: String { SHA256.digest(json.canonicalBytes()).hexadecimal }
}

/// The population of a review at a moment: a pure function of World(t, k) and the query, the same years later.
public struct Population: Hashable, Sendable {
  /// The items, in the order of the bytes of their texts.
  public var items: [PopulationItem]

  /// A population.
  public init(items: [PopulationItem]) { self.items = items }

  /// SHA-256 of the canonical list: each item's canonical form and a line feed.
  ///
  /// So an auditor gets it from the exported list by `sha256sum`.
  public var digest: String {
    var hash = SHA256()
    for item in items { hash.update(item.json.canonicalBytes() + [UInt8(ascii: "\n")]) }
    return hash.finalize().hexadecimal
  }
}

extension World {
  /// Every grant of the query that holds at t: of accounts without a person, of placeholders, of the suspended, too.
  ///
  /// O(assignments and memberships ever) with the roles and groups that the query does not restrict.
  ///
  /// - Throws: `Refusal` where there are more than a review may have.
  public func population(_ query: ReviewQuery, at t: Instant) throws(Refusal) -> Population {
    var search = PopulationSearch(self, query, at: t)
    while try search.advance(by: .max) {}
    return search.population
  }

  /// The item of a review's population at t; nil where it is not in it.
  public func populationItem(_ item: GrantName, of query: ReviewQuery, at t: Instant) -> PopulationItem? {
    guard let found = reviewItem(item, at: t) else { return nil }
    var selection = Selection(world: self, query: query, at: t, isOfOne: true)
    return selection.admits(found) ? found : nil
  }

  /// A grant as it is at t; nil where it does not hold.
  public func reviewItem(_ item: GrantName, at t: Instant) -> PopulationItem? {
    value(of: item.fact, at: t).map { PopulationItem(item: item, span: $0) }
  }

  /// What a principal's grants give at t through the groups above it, or as a group: the assignments that reach it.
  public func assignmentsReaching(_ principal: Entity, at t: Instant, without removed: Fact? = nil) -> [(
    id: String, grant: Grant
  )] {
    let above = reach(from: principal) { member in
      memberships(of: member).compactMap { fact in
        guard case .membership(let group, let other) = fact, other == member, fact != removed, value(of: fact, at: t) != nil
        else { return nil }
        return .group(group)
      }
    }
    var found: [(id: String, grant: Grant)] = []
    for holder in above {
      for case .assignment(let id) in assignments(to: holder) where removed != .assignment(id: id) {
        guard let grant = grant(id, at: t), grant.principal == holder else { continue }
        found.append((id, grant))
      }
    }
    return found.sorted { $0.id.precedes($1.id) }
  }

  /// A role and the roles that it includes at t, transitively.
  public func rolesGiven(by role: String, at t: Instant) -> Set<Entity> {
    reach(from: .role(role)) { role in
      guard case .role(let document) = value(of: .existence(role), at: t)?.value else { return [] }
      return document.includes.map { .role($0) }
    }
  }
}

/// Judges which grants a query is about; remembers what several grants ask of the same role or group.
struct Selection<W: World> {
  let world: W
  let query: ReviewQuery
  let t: Instant
  /// The groups of the query with all below them; nil where only one item is looked at, from which the way up is shorter.
  private let groups: Set<Entity>?
  private var rolesAdmitted: [Entity: Bool] = [:]
  private var groupsAdmitted: [Entity: Bool] = [:]
  private let privileged: [PrivilegedRule]

  init(world: W, query: ReviewQuery, at t: Instant, isOfOne: Bool = false) {
    self.world = world
    self.query = query
    self.t = t
    groups = isOfOne ? nil : query.groups.reduce(into: []) { $0.formUnion(world.groups(below: .group($1), at: t)) }
    privileged = query.isPrivileged ? world.privilegedRules(at: t) : []
  }

  mutating func admits(_ found: PopulationItem) -> Bool {
    if !query.groups.isEmpty {
      switch found.item {
      case .membership(let group, _): if !isNamed(.group(group)) { return false }
      case .assignment: if !(found.principal.map(isNamed) ?? false) { return false }
      }
    }
    if !query.identities.isEmpty {
      guard let principal = found.principal, query.identities.contains(where: { .identity($0) == principal }) else {
        return false
      }
    }
    if let grant = found.grant { return gives(grant) }
    guard case .membership(let group, _) = found.item else { return false }
    return gives(.group(group))
  }

  /// Whether it is one of the groups of the query, or lies below one.
  private func isNamed(_ principal: Entity) -> Bool {
    guard principal.kind == .group else { return false }
    if let groups { return groups.contains(principal) }
    let above = world.principalsAbove(principal, at: t)
    return query.groups.contains { above.contains(.group($0)) }
  }

  private mutating func gives(_ grant: Grant) -> Bool {
    if let scope = query.scope, !Scope.isRelated(grant.scope, to: scope) { return false }
    if query.roles.isEmpty, !query.isPrivileged { return true }
    let role = Entity.role(grant.role)
    if let known = rolesAdmitted[role] { return known }
    let given = world.rolesGiven(by: grant.role, at: t)
    let isNamed = query.roles.isEmpty || query.roles.contains { given.contains(.role($0)) }
    let isAdmitted =
      isNamed && (!query.isPrivileged || given.contains { world.privilege(of: $0, by: privileged, at: t) != .no })
    rolesAdmitted[role] = isAdmitted
    return isAdmitted
  }

  /// A membership gives what is assigned to its group and to the groups above; where nothing in particular is asked for, any.
  private mutating func gives(_ group: Entity) -> Bool {
    if query.scope == nil, query.roles.isEmpty, !query.isPrivileged { return true }
    if let known = groupsAdmitted[group] { return known }
    let isAdmitted = world.assignmentsReaching(group, at: t).contains { gives($0.grant) }
    groupsAdmitted[group] = isAdmitted
    return isAdmitted
  }

}

/// The search for the population of a review, made a part at a time: the graph is lent to readers for a bounded slice only.
///
/// All parts are of one world as known at one position, which nothing recorded meanwhile changes.
public struct PopulationSearch<W: World> {
  private let world: W
  private let t: Instant
  private var selection: Selection<W>
  /// The roles and groups whose grants are still to be looked at: every assignment has a role as an end, every membership a group.
  private var ends: ArraySlice<Entity>
  /// The role or group that is looked at, and which of its grants are left.
  private var end: Entity?
  private var facts: ArraySlice<Fact> = []
  private var items: [PopulationItem] = []

  /// A search that has found nothing yet.
  public init(_ world: W, _ query: ReviewQuery, at t: Instant) {
    self.world = world
    self.t = t
    selection = Selection(world: world, query: query, at: t)
    ends = (world.named(.role).map { Entity.role($0) } + world.named(.group).map { Entity.group($0) })[...]
  }

  /// Looks at some more grants.
  ///
  /// - Returns: whether any are left.
  /// - Throws: `Refusal` where there are more than a review may have.
  public mutating func advance(by count: Int) throws(Refusal) -> Bool {
    var rest = count
    while rest > 0 {
      if let fact = facts.popFirst() {
        try take(fact)
        rest -= 1
        continue
      }
      guard let next = ends.popFirst() else { return false }
      end = next
      facts = (next.kind == .role ? world.facts(about: next) : world.memberships(in: next.id))[...]
    }
    return true
  }

  private mutating func take(_ fact: Fact) throws(Refusal) {
    guard let item = GrantName(fact), let span = world.value(of: fact, at: t) else { return }
    // A role that is the end of a grant by what it was before is not what it gives at t.
    if case .grant(let grant) = span.value, Entity.role(grant.role) != end { return }
    let found = PopulationItem(item: item, span: span)
    guard selection.admits(found) else { return }
    if items.count == Limits.itemsPerReview {
      throw Refusal(
        .limitExceeded, "is about more than \(Limits.itemsPerReview) grants; open a review for each part of them",
        at: "/scope")
    }
    items.append(found)
  }

  /// What was found, in the order of the bytes of their texts.
  public var population: Population {
    let texts = items.map(\.item.text)
    let order = texts.indices.sorted { texts[$0].precedes(texts[$1]) }
    return Population(items: order.map { items[$0] })
  }
}

extension World {
  /// A group and the groups within it at t.
  fileprivate func groups(below group: Entity, at t: Instant) -> Set<Entity> {
    reach(from: group) { group in
      memberships(in: group.id).compactMap { fact in
        guard case .membership(_, let member) = fact, member.kind == .group, value(of: fact, at: t) != nil else { return nil }
        return member
      }
    }
  }

  /// The tenant's rules of what is privileged, at t.
  public func privilegedRules(at t: Instant) -> [PrivilegedRule] {
    policies(ofType: .privileged).compactMap { policy in
      guard case .policy(let document) = value(of: .existence(.policy(policy)), at: t)?.value, document.type == .privileged
      else { return nil }
      return try? PrivilegedRule(document.rule)
    }
  }

  /// Whether a role's own document gives something privileged at t, by the tenant's rules: what it includes is asked about by itself.
  ///
  /// The one place that says what becomes of a role whose document is not known: it is privileged until it is known, and whoever
  /// answers says that it is unknown. Where no rule makes anything privileged, it is not, whatever stands in it.
  public func privilege(of role: Entity, by rules: [PrivilegedRule], at t: Instant) -> Privilege {
    guard !rules.isEmpty, case .role(let document) = value(of: .existence(role), at: t)?.value else { return .no }
    guard let permissions = document.permissions else { return .unknown }
    let isPrivileged = permissions.contains { permission in
      permission.effect == .allow
        && permission.actions.map(PatternShape.init).contains { action in
          rules.contains { $0.actions.contains { PatternShape($0).overlaps(action) } }
        }
    }
    return isPrivileged ? .yes : .no
  }

  /// The same of a role with all that it includes: privileged where one of them surely is.
  public func privilege(ofAllGivenBy role: String, by rules: [PrivilegedRule], at t: Instant) -> Privilege {
    rolesGiven(by: role, at: t).lazy.map { self.privilege(of: $0, by: rules, at: t) }.max() ?? .no
  }
}

/// Whether something gives a privileged permission; what is more certain is greater.
public enum Privilege: String, Hashable, Sendable, CaseIterable, Comparable {
  /// Nothing privileged.
  case no
  /// What it gives is not known, so that nobody can say that it is not privileged: it counts as privileged.
  case unknown
  case yes

  private var rank: Int {
    switch self {
    case .no: 0
    case .unknown: 1
    case .yes: 2
    }
  }

  /// Whether a is less certain than b.
  public static func < (a: Privilege, b: Privilege) -> Bool { a.rank < b.rank }
}
