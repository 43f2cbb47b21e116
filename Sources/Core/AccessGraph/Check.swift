import Conditions
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
  /// What decided: the assignment that allows, or what denies or may deny it; nil where there was nothing.
  public var decidedBy: Decider?

  /// An answer; the default is one without a reason and without an overdue end.
  public init(status: Status, reason: String? = nil, isWithoutEntitlement: Bool = false, decidedBy: Decider? = nil) {
    self.status = status
    self.reason = reason
    self.isWithoutEntitlement = isWithoutEntitlement
    self.decidedBy = decidedBy
  }
}

/// What decided an access.
public enum Decider: Hashable, Sendable {
  /// An assignment that gives it, or may give it; by its id.
  case grant(String)
  /// What denies it, or may deny it.
  case denial(Denial)
}

/// Check: whether it may.
extension AccessGraph {
  /// Whether an identity may do an action on exactly this resource.
  ///
  /// O(groups above it + their assignments + the roles reached).
  ///
  /// - Parameter request: what is known of the request. The default is nothing, as in survey questions.
  public func check(
    _ identity: String, action: String, resource: String, from view: Viewpoint, request: RequestFacts = .unknown
  ) -> CheckAnswer {
    let sight = Sight(view)
    let node = find(.identity(identity))
    if let standing = standing(of: node, sight) { return CheckAnswer(status: standing.status, reason: standing.reason) }
    guard let node else { preconditionFailure("an identity that nobody named has its standing") }
    let scopes = scopes(covering: resource)
    guard !coveringSources(of: scopes, sight).isEmpty else {
      return CheckAnswer(status: .unknown, reason: "not_covered")
    }
    return decision(
      node, action: action, resource: resource, on: scopes,
      Circumstances(graph: self, sight: sight, resource: resource, request: request))
  }

  /// What an active identity may do on a covered resource.
  ///
  /// - Parameter scopes: those that cover the resource, where the caller has found them already.
  func decision(
    _ identity: Int32, action: String, resource: String, on scopes: [Int32]? = nil, _ circumstances: Circumstances
  ) -> CheckAnswer {
    var ascent = Ascent(
      circumstances, .permits(action: Array(action.utf8), resource: Array(resource.utf8)),
      scopes ?? self.scopes(covering: resource),
      Restrictions(circumstances, action: action, resource: resource))
    ascent.run(from: identity)
    let verdict = ascent.found.verdict
    var answer = CheckAnswer(
      status: verdict.status, isWithoutEntitlement: verdict.isWithoutEntitlement, decidedBy: ascent.decidedBy)
    switch (verdict.status, ascent.decidedBy) {
    case (.allowed, _), (.conditional, _): break
    case (.unknown, _): answer.reason = "role_unknown"
    case (.denied, .denial(.boundary)?): answer.reason = "outside_boundary"
    case (.denied, .denial?): answer.reason = "explicitly_denied"
    case (.denied, _): answer.reason = "no_path"
    }
    return answer
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
}

/// The way up from an identity to the assignments of everything that it belongs to, until one allows.
///
/// Tolerates cycles. What was reached is kept in arrays and looked through: an identity belongs to few groups and holds few
/// roles, and a table costs more than it saves.
private struct Ascent {
  private let graph: AccessGraph
  private let sight: Sight
  private let circumstances: Circumstances
  private let test: RoleTest
  private let scopes: [Int32]
  private let restrictions: Restrictions?
  /// What the paths looked at so far give, after what takes it away.
  private(set) var found: Certainty = []
  /// What decided for the bearer whose access is the best, or what denied it to the first where nobody has any.
  private(set) var decidedBy: Decider?
  /// What the paths of the bearer at hand give, and the assignment that gives the best of it.
  private var own: Certainty = []
  private var giver: Decider?
  private var bearer = none
  /// Principals with the ways to them: `.allowed`, the same overdue, or both.
  private var reached: [(node: Int32, ways: Certainty)] = []
  private var roles: [(node: Int32, certainty: Certainty, gifts: [Gift])] = []

  init(_ circumstances: Circumstances, _ test: RoleTest, _ scopes: [Int32], _ restrictions: Restrictions?) {
    graph = circumstances.graph
    sight = circumstances.sight
    self.circumstances = circumstances
    self.test = test
    self.scopes = scopes
    self.restrictions = restrictions
  }

  /// Looks from an active identity, and from the accounts of a person.
  mutating func run(from identity: Int32) {
    let ways = Certainty.allowed.overdue(if: graph.overdue(identity: identity, sight) != nil)
    look(from: identity, ways)
    graph.forEachAccount(of: identity, sight) { account, edge in
      if found.contains(.allowed) { return }
      let isOverdue = graph.isOverdue(edge, account, identity, sight) || graph.overdue(identity: account, sight) != nil
      look(from: account, ways.overdue(if: isOverdue))
    }
  }

  /// All that one bearer has, less what is denied to it.
  private mutating func look(from bearer: Int32, _ ways: Certainty) {
    self.bearer = bearer
    (own, giver) = ([], nil)
    reached.removeAll(keepingCapacity: true)
    climb(from: bearer, ways)
    graph.forEachBuiltIn(of: bearer, sight) { principal in
      if own.contains(.allowed) { return }
      climb(from: principal, ways.overdue(if: graph.overdue(identity: principal, sight) != nil))
    }
    if own.isEmpty { return }
    let verdict = restrictions?.verdict(of: bearer) ?? (.yes, nil)
    let left = own.under(verdict.applies)
    let decider = verdict.by.map { Decider.denial($0) } ?? giver
    if decidedBy == nil || left.isBetter(than: found) { decidedBy = decider }
    found.formUnion(left)
  }

  private mutating func climb(from start: Int32, _ ways: Certainty) {
    var open = [(start, ways)]
    while let (node, ways) = open.popLast() {
      let fresh = reach(node, ways)
      if fresh.isEmpty { continue }
      look(at: node, fresh)
      if own.contains(.allowed) { return }
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
    graph.forEachGrant(of: principal, on: scopes, sight) { grant, edge in
      if own.contains(.allowed) { return }
      let role = role(grant.role)
      if role.certainty.isEmpty { return }
      var certainty = role.certainty
      if certainty.isConditional || grant.isConditional {
        certainty = judged(role.certainty.free, role.gifts, graph.conditions(of: grant))
        if certainty.isEmpty { return }
      }
      if giver == nil || certainty.isBetter(than: own) {
        giver = .grant(graph.assignmentID(of: edge))
      }
      let isOverdue = graph.isOverdue(edge, principal, grant.role, sight)
      if ways.contains(.allowed) { own.formUnion(certainty.overdue(if: isOverdue)) }
      if ways.contains(.allowed.overdue) { own.formUnion(certainty.overdue) }
    }
  }

  /// What is left of a role's gifts under their conditions and the assignment's.
  private func judged(_ free: Certainty, _ gifts: [Gift], _ assigned: [Condition]) -> Certainty {
    var certainty = free.isEmpty ? [] : free.under(circumstances.applies(assigned, to: bearer, failing: .no))
    for gift in gifts {
      certainty.formUnion(
        gift.certainty.under(circumstances.applies(assigned + gift.conditions, to: bearer, failing: .no)))
    }
    return certainty
  }

  /// What a role gives, by itself and by all that it includes.
  private mutating func role(_ role: Int32) -> (certainty: Certainty, gifts: [Gift]) {
    if let known = roles.first(where: { $0.node == role }) { return (known.certainty, known.gifts) }
    var gives: Certainty = []
    var gifts: [Gift] = []
    graph.forEachRole(under: role, sight) { reached, definition, isOverdue in
      if gives.contains(.allowed) { return }
      let certainty = test.certainty(of: reached, definition)
      if certainty.isConditional { gifts += test.gifts(in: definition, isOverdue) }
      gives.formUnion(certainty.overdue(if: isOverdue))
    }
    roles.append((role, gives, gifts))
    return (gives, gifts)
  }
}
