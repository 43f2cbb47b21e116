import Governance
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
    guard let node = nodeNumbers[.identity(identity)] else {
      return CheckAnswer(status: .unknown, reason: "identity_unknown")
    }
    if being(node, sight) == nil {
      return hasBegun(node, sight)
        ? CheckAnswer(status: .denied, reason: "identity_retired")
        : CheckAnswer(status: .unknown, reason: "identity_unknown")
    }
    if suspension(of: node, sight) != nil { return CheckAnswer(status: .denied, reason: "identity_suspended") }
    let scopes = Scope.covering(resource).compactMap { texts.find($0) }
    guard isCovered(within: scopes, sight) else { return CheckAnswer(status: .unknown, reason: "not_covered") }
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

  /// Whether the entity existed at any time up to t, as far as is known.
  private func hasBegun(_ node: Int32, _ sight: Sight) -> Bool {
    var has = false
    forEachEntry(of: nodes[Int(node)].existence) { entry in
      if entry.effect == .begins, entry.effective <= sight.t, entry.isVisible(at: sight.k) { has = true }
    }
    return has
  }

  /// Whether some source vouches for what these scopes cover: one of them is among its covers and none among its gaps.
  private func isCovered(within scopes: [Int32], _ sight: Sight) -> Bool {
    sourceNodes.contains { source in
      var isCovered = false
      for fact in nodes[Int(source)].details {
        let key = facts[Int(fact)].key
        switch key.kind {
        case .coverage where !isCovered && scopes.contains(key.b):
          isCovered = holding(fact, sight) != nil
        case .gap where scopes.contains(gaps[Int(key.b)].resource):
          if holding(fact, sight) != nil { return false }
        default: continue
        }
      }
      return isCovered
    }
  }

  /// What the assignments on these scopes give an identity, up to the first that allows without more ado.
  private func certainty(of identity: Int32, _ test: RoleTest, _ scopes: [Int32], _ sight: Sight) -> Certainty {
    var closure = RoleClosure(self, sight, test)
    var found: Certainty = []
    for (principal, ways) in principals(of: identity, sight) {
      for fact in nodes[Int(principal)].assignments {
        guard let holding = holding(fact, sight) else { continue }
        let grant = grants[Int(holding.value)]
        guard grant.principal == principal, scopes.contains(grant.scope) else { continue }
        var certainty = closure.certainty(of: grant.role)
        if grant.condition != nil { certainty = certainty.underCondition }
        let isOverdue = overdue(fact, value: holding.value, sight) != nil
        if ways.contains(.allowed) { found.formUnion(certainty.overdue(if: isOverdue)) }
        if ways.contains(.allowed.overdue) { found.formUnion(certainty.overdue) }
        if found.contains(.allowed) { return found }
      }
    }
    return found
  }
}
