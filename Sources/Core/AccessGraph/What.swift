import Conditions
import Governance
import JSON
import Memory
import Temporal

/// What: from an identity up through groups to assignments and their roles.
extension AccessGraph {
  /// What an identity may do at a moment, judged and sorted; empty where it is unknown or not active.
  ///
  /// A right one of whose conditions does not hold is left out; one that is denied stands there with what denies it.
  /// O(groups above it + their assignments + the permissions reached), and for each right what may restrict it.
  public func what(_ identity: String, from view: Viewpoint) -> [HeldRight] {
    guard let node = find(.identity(identity)) else { return [] }
    var judge = RightJudge(self, Sight(view))
    return rights(of: node, within: nil, &judge).sorted { $0.right < $1.right }
  }

  /// The rights as they were granted, unjudged, to which every path rests on something whose end was due already.
  public func rightsWithoutEntitlement(_ identity: String, from view: Viewpoint) -> Set<Right> {
    guard let node = find(.identity(identity)) else { return [] }
    var granted: [Right: Certainty] = [:]
    for bearer in bearers(of: node, Sight(view)) {
      granted.merge(rights(of: bearer, Sight(view), within: nil)) { $0.union($1) }
    }
    return Set(granted.filter { !$0.value.contains(.allowed) }.keys)
  }

  /// The rights of an identity, judged, on scopes at, above or below a resource where one is named.
  ///
  /// - Parameter isOwn: whether what built-in principals give is left out, as in answers that list these themselves.
  func rights(
    of identity: Int32, within resource: String?, isOwn: Bool = false, _ judge: inout RightJudge
  ) -> [HeldRight] {
    let sight = judge.circumstances.sight
    let bearers = bearers(of: identity, sight)
    var held: [Right: HeldRight] = [:]
    for bearer in bearers {
      let granted = rights(of: bearer, sight, within: resource, isOwn: isOwn)
      // Of most there is one bearer.
      if bearers.count == 1 { return granted.compactMap { judged($0.key, $0.value, bearer.node, &judge) } }
      for (right, ways) in granted {
        guard let one = judged(right, ways, bearer.node, &judge) else { continue }
        held[right] = held[right].map { $0.merged(with: one) } ?? one
      }
    }
    return Array(held.values)
  }

  private func judged(_ right: Right, _ ways: Certainty, _ bearer: Int32, _ judge: inout RightJudge) -> HeldRight? {
    judge.judge(right, bearer).map {
      HeldRight(right: right, remainder: $0, isWithoutEntitlement: $0.status != .denied && !ways.contains(.allowed))
    }
  }

  /// The rights of a bearer as they were granted, on scopes at, above or below a resource where one is named.
  ///
  /// The certainty says only whether a way to it is free of overdue steps: `.allowed`, or the same overdue.
  private func rights(
    of bearer: Bearer, _ sight: Sight, within resource: String?, isOwn: Bool = false
  ) -> [Right: Certainty] {
    var rights: [Right: Certainty] = [:]
    for (principal, certainty) in principals(of: bearer, sight, isOwn: isOwn) {
      forEachGrant(of: principal, sight) { grant, edge in
        guard isRelated(grant, to: resource) else { return }
        let carried = certainty.overdue(if: isOverdue(edge, principal, grant.role, sight))
        for (right, isOverdue) in self.rights(of: grant, sight) {
          rights[right, default: []].formUnion(carried.overdue(if: isOverdue))
        }
      }
    }
    return rights
  }

  /// Calls back with each grant of a principal that holds, the principal itself existing.
  ///
  /// - Parameter scopes: the scopes of the grants that are wanted. The default is every scope.
  @inline(__always) func forEachGrant(
    of principal: Int32, on scopes: [Int32]? = nil, _ sight: Sight, _ body: (GrantRecord, Edge) -> Void
  ) {
    let node = nodes[principal]
    guard node.assignments != none, let since = presence(node, sight) else { return }
    forEachLive(node.assignments, sight) { edge in
      let grant = grants[edge.other]
      if let scopes, !scopes.contains(grant.scope) { return }
      if began(edge, since: since), existed(grant.role, since: edge, sight) { body(grant, edge) }
    }
  }

  /// The id of the assignment that an edge is of.
  func assignmentID(of edge: Edge) -> String { texts[facts[entries[edge.entry].fact].key.a] }

  func isRelated(_ grant: GrantRecord, to resource: String?) -> Bool {
    resource.map { Scope.isRelated(texts[grant.scope], to: $0) } ?? true
  }

  /// The rights that a grant gives at (t, k), each with whether only over overdue roles.
  func rights(of grant: GrantRecord, _ sight: Sight) -> [(right: Right, isOverdue: Bool)] {
    var found: [(right: Right, isOverdue: Bool)] = []
    forEachRole(under: grant.role, sight) { node, role, isOverdue in
      found += rights(of: grant, role: node, role.document).map { ($0, isOverdue) }
    }
    return found
  }

  /// The rights that a grant gives by one role's own document.
  func rights(of grant: GrantRecord, role: Int32, _ document: RoleDocument) -> [Right] {
    let scope = texts[grant.scope]
    let assigned = condition(of: grant).map { [$0.document] } ?? []
    guard let permissions = document.permissions else {
      return [
        Right(action: nil, unknownRole: id(role), resource: "*", scope: scope, conditions: assigned)
      ]
    }
    return permissions.flatMap { permission in
      let conditions = Self.sorted(assigned + (permission.condition.map { [$0] } ?? []))
      return permission.actions.flatMap { action in
        permission.resources.map {
          Right(effect: permission.effect, action: action, resource: $0, scope: scope, conditions: conditions)
        }
      }
    }
  }

  /// Conditions in the order of their canonical text, each once.
  static func sorted(_ conditions: [JSONValue]) -> [JSONValue] {
    guard conditions.count > 1 else { return conditions }
    var texts: Set<[UInt8]> = []
    return conditions.filter { texts.insert($0.canonicalBytes()).inserted }
      .sorted { $0.canonicalText.precedes($1.canonicalText) }
  }

  /// An identity by itself, or an account of it: with whom paths begin, each with the ways from the identity to it.
  private struct Bearer {
    let node: Int32
    let ways: Certainty
  }

  /// An identity and its accounts; nobody where it is not active.
  private func bearers(of identity: Int32, _ sight: Sight) -> [Bearer] {
    guard isActive(identity, sight) else { return [] }
    let own = Certainty.allowed.overdue(if: overdue(identity: identity, sight) != nil)
    var bearers = [Bearer(node: identity, ways: own)]
    forEachAccount(of: identity, sight) { account, edge in
      let isOverdue = isOverdue(edge, account, identity, sight) || overdue(identity: account, sight) != nil
      bearers.append(Bearer(node: account, ways: own.overdue(if: isOverdue)))
    }
    return bearers
  }

  /// A bearer and its groups, each with the ways to it.
  private func principals(of bearer: Bearer, _ sight: Sight, isOwn: Bool) -> [(node: Int32, certainty: Certainty)] {
    var climb = Climb(graph: self, sight: sight)
    climb.reach(bearer.node, bearer.ways)
    if !isOwn { climb.reachBuiltIns(of: bearer.node, bearer.ways) }
    return climb.principals
  }

  /// Identities and all groups that they belong to.
  ///
  /// - Parameter one: the identity whose built-in principals, and their groups, are among them. The default is nobody.
  func ancestry(of identities: [Int32], withBuiltInsOf one: Int32 = none, _ sight: Sight) -> [Int32] {
    var climb = Climb(graph: self, sight: sight)
    for identity in identities { climb.reach(identity, .allowed) }
    if one != none { climb.reachBuiltIns(of: one, .allowed) }
    return climb.principals.map(\.node)
  }

  /// Calls back with each active account that is linked to an identity.
  func forEachAccount(of identity: Int32, _ sight: Sight, _ body: (_ account: Int32, Edge) -> Void) {
    if nodes[identity].accounts == none { return }
    for edge in live(nodes[identity].accounts, sight) where edge.other != identity {
      guard existed(edge.other, since: edge, sight), existed(identity, since: edge, sight), isActive(edge.other, sight) else {
        continue
      }
      body(edge.other, edge)
    }
  }
}

/// Certainties carried from an identity up to its groups at one (t, k).
///
/// Tolerates cycles. O(memberships live at t above it).
private struct Climb {
  let graph: AccessGraph
  let sight: Sight
  /// What was reached, each once, and how: few, so they are looked through.
  private(set) var principals: [(node: Int32, certainty: Certainty)] = []
  private var places: [Int32: Int] = [:]

  init(graph: AccessGraph, sight: Sight) {
    self.graph = graph
    self.sight = sight
  }

  mutating func reach(_ start: Int32, _ certainty: Certainty) {
    var open = [(start, certainty)]
    while let (node, certainty) = open.popLast() {
      let fresh = mark(node, certainty)
      let groups = graph.nodes[node].groups
      guard !fresh.isEmpty, groups != none, let since = graph.presence(node, sight) else { continue }
      graph.forEachLive(groups, sight) { edge in
        guard graph.began(edge, since: since), graph.existed(edge.other, since: edge, sight) else { return }
        open.append((edge.other, fresh.overdue(if: graph.isOverdue(edge, edge.other, node, sight))))
      }
    }
  }

  /// The built-in principals that an identity is one of.
  mutating func reachBuiltIns(of identity: Int32, _ certainty: Certainty) {
    graph.forEachBuiltIn(of: identity, sight) { principal in
      reach(principal, certainty.overdue(if: graph.overdue(identity: principal, sight) != nil))
    }
  }

  /// Adds what reached a node; answers what is new of it.
  private mutating func mark(_ node: Int32, _ certainty: Certainty) -> Certainty {
    guard let place = place(of: node) else {
      principals.append((node, certainty))
      if principals.count > Self.listed { places[node] = principals.count - 1 }
      return certainty
    }
    let fresh = certainty.subtracting(principals[place].certainty)
    principals[place].certainty.formUnion(certainty)
    return fresh
  }

  /// Principals that are looked through rather than hashed.
  private static let listed = 32

  private func place(of node: Int32) -> Int? {
    principals.prefix(Self.listed).firstIndex { $0.node == node } ?? places[node]
  }
}
