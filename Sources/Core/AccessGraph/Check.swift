import Governance
import Memory
import Temporal

/// The answer to `check`: one decision, without the paths.
public struct CheckAnswer: Hashable, Sendable {
  /// The decision, by DESIGN's rules of access; the same as `why` gives.
  public var status: Status
  /// Why it is denied or unknown, in the words of `why`; nil otherwise.
  public var reason: String?
  /// Every path of that status rests on something whose end was due already.
  public var isWithoutEntitlement: Bool

  /// An answer; the default is one without a reason and without an overdue end.
  public init(status: Status, reason: String? = nil, isWithoutEntitlement: Bool = false) {
    self.status = status
    self.reason = reason
    self.isWithoutEntitlement = isWithoutEntitlement
  }
}

/// Check: whether it may.
extension AccessGraph {
  /// Whether an identity may do an action on exactly this resource; conditions are not evaluated.
  ///
  /// O(groups above it + their assignments + the roles reached).
  public func check(_ identity: String, action: String, resource: String, from view: Viewpoint) -> CheckAnswer {
    let sight = Sight(view)
    let node = find(.identity(identity))
    if let standing = standing(of: node, sight) { return CheckAnswer(status: standing.status, reason: standing.reason) }
    guard let node else { preconditionFailure("an identity that nobody named has its standing") }
    let scopes = scopes(covering: resource)
    guard !coveringSources(of: scopes, sight).isEmpty else { return CheckAnswer(status: .unknown, reason: "not_covered") }
    let test = RoleTest.permits(action: Array(action.utf8), resource: Array(resource.utf8))
    let verdict = certainty(of: node, test, scopes, sight).verdict
    let reason: String? =
      switch verdict.status {
      case .allowed, .conditional: nil
      case .unknown: "role_unknown"
      case .denied: "no_path"
      }
    return CheckAnswer(status: verdict.status, reason: reason, isWithoutEntitlement: verdict.isWithoutEntitlement)
  }

  /// Why an identity may do nothing, whatever is asked; nil where it exists and is not suspended.
  func standing(of identity: Int32?, _ sight: Sight) -> (status: Status, reason: String)? {
    guard let identity else { return (.unknown, "identity_unknown") }
    if presence(identity, sight) == nil {
      return wasRegistered(identity, sight) ? (.denied, "identity_retired") : (.unknown, "identity_unknown")
    }
    return suspension(of: identity, sight) == nil ? nil : (.denied, "identity_suspended")
  }

  /// Whether the identity existed at t or at any time before.
  private func wasRegistered(_ node: Int32, _ sight: Sight) -> Bool {
    var was = false
    forEachEntry(of: nodes[node].existence) { entry in
      if entry.effect == .begins, entry.effective <= sight.t, entry.isVisible(at: sight.k) { was = true }
    }
    return was
  }

  /// What an active identity has on these scopes: all of it, or that it is allowed.
  func certainty(of identity: Int32, _ test: RoleTest, _ scopes: [Int32], _ sight: Sight) -> Certainty {
    var ascent = Ascent(graph: self, sight: sight, test: test, scopes: scopes)
    ascent.run(from: identity)
    return ascent.found
  }
}

/// The way up from an identity to the assignments of everything that it belongs to, until one allows.
///
/// Tolerates cycles. What was reached is kept in arrays and looked through: an identity belongs to few groups and holds few
/// roles, and a table costs more than it saves.
private struct Ascent {
  let graph: AccessGraph
  let sight: Sight
  let test: RoleTest
  let scopes: [Int32]
  /// What the paths looked at so far give.
  private(set) var found: Certainty = []
  /// Principals with the ways to them: `.allowed`, the same overdue, or both.
  private var reached: [(node: Int32, ways: Certainty)] = []
  private var roles: [(node: Int32, certainty: Certainty)] = []

  init(graph: AccessGraph, sight: Sight, test: RoleTest, scopes: [Int32]) {
    self.graph = graph
    self.sight = sight
    self.test = test
    self.scopes = scopes
  }

  /// Looks from an active identity, and from the accounts of a person.
  mutating func run(from identity: Int32) {
    let own = Certainty.allowed.overdue(if: graph.overdue(identity: identity, sight) != nil)
    climb(from: identity, own)
    graph.forEachAccount(of: identity, sight) { account, edge in
      if found.contains(.allowed) { return }
      let isOverdue = graph.isOverdue(edge, account, identity, sight) || graph.overdue(identity: account, sight) != nil
      climb(from: account, own.overdue(if: isOverdue))
    }
  }

  private mutating func climb(from start: Int32, _ ways: Certainty) {
    var open = [(start, ways)]
    while let (node, ways) = open.popLast() {
      let fresh = reach(node, ways)
      if fresh.isEmpty { continue }
      look(at: node, fresh)
      if found.contains(.allowed) { return }
      let groups = graph.nodes[node].groups
      guard groups != none, let since = graph.presence(node, sight) else { continue }
      graph.forEachLive(groups, sight) { edge in
        guard graph.began(edge, since: since), graph.existed(edge.other, since: edge, sight) else { return }
        open.append((edge.other, fresh.overdue(if: graph.isOverdue(edge, edge.other, node, sight))))
      }
    }
  }

  /// Notes the ways to a principal; the answer is those that were not known.
  private mutating func reach(_ node: Int32, _ ways: Certainty) -> Certainty {
    guard let index = reached.firstIndex(where: { $0.node == node }) else {
      reached.append((node, ways))
      return ways
    }
    let fresh = ways.subtracting(reached[index].ways)
    reached[index].ways.formUnion(fresh)
    return fresh
  }

  private mutating func look(at principal: Int32, _ ways: Certainty) {
    graph.forEachGrant(of: principal, sight) { grant, edge in
      guard !found.contains(.allowed), scopes.contains(grant.scope) else { return }
      var certainty = certainty(of: grant.role)
      if grant.isConditional { certainty = certainty.underCondition }
      let isOverdue = graph.isOverdue(edge, principal, grant.role, sight)
      if ways.contains(.allowed) { found.formUnion(certainty.overdue(if: isOverdue)) }
      if ways.contains(.allowed.overdue) { found.formUnion(certainty.overdue) }
    }
  }

  /// What a role gives, by itself and by all that it includes.
  private mutating func certainty(of role: Int32) -> Certainty {
    if let known = roles.first(where: { $0.node == role }) { return known.certainty }
    var gives: Certainty = []
    graph.forEachRole(under: role, sight) { reached, definition, isOverdue in
      if !gives.contains(.allowed) { gives.formUnion(test.certainty(of: reached, definition).overdue(if: isOverdue)) }
    }
    roles.append((role, gives))
    return gives
  }
}
