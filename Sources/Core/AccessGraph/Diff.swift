import Governance
import Memory
import Temporal

/// Diff and snapshot: whole sets of entitlements at a moment.
extension AccessGraph {
  /// What was gained and lost between two viewpoints, on scopes at, above or below a resource, by one identity or all.
  public func diff(resource: String?, identity: String?, from first: Viewpoint, to second: Viewpoint) -> Difference {
    let before = entitlements(resource: resource, identity: identity, Sight(first))
    let after = entitlements(resource: resource, identity: identity, Sight(second))
    return Difference(gained: list(after.filter { !before.contains($0) }), lost: list(before.filter { !after.contains($0) }))
  }

  /// All entitlements at a moment, whole identities at a time in the byte order of their ids, for paging.
  ///
  /// - Parameter limit: the page ends with the identity that reaches it; an empty page is the end.
  public func snapshot(
    resource: String?, from view: Viewpoint, after identity: String?, limit: Int
  ) -> [Entitlement] {
    let sight = Sight(view)
    let order = identityOrder.nodes(asKnownAt: sight.k, in: self)
    var place = identity.map { last in firstPlace(in: 0..<order.count) { last.precedes(id(order[$0])) } } ?? 0
    var page: [Entitlement] = []
    while place < order.count, page.count < limit {
      let node = order[place]
      let rights = rights(of: node, sight, within: resource).keys.sorted()
      if !rights.isEmpty {
        let id = id(node)
        page += rights.map { Entitlement(identity: id, right: $0) }
      }
      place += 1
    }
    return page
  }

  /// An entitlement with the identity as a number.
  private struct Held: Hashable {
    let identity: Int32
    let right: Right
  }

  private func list(_ held: Set<Held>) -> [Entitlement] {
    held.map { Entitlement(identity: id($0.identity), right: $0.right) }.sorted { a, b in
      a.identity.isExactly(b.identity) ? a.right < b.right : a.identity.precedes(b.identity)
    }
  }

  private func entitlements(resource: String?, identity: String?, _ sight: Sight) -> Set<Held> {
    if let identity {
      guard let node = find(.identity(identity)) else { return [] }
      return Set(rights(of: node, sight, within: resource).keys.map { Held(identity: node, right: $0) })
    }
    // Grants of one principal are spread together: its members are walked once.
    var rightsOf: [Int32: Set<Right>] = [:]
    for number in 0..<resources.count where resources[number].assignments != none {
      let record = resources[number]
      guard resource.map({ Scope.isRelated(texts[record.text], to: $0) }) ?? true else { continue }
      forEachLive(record.assignments, sight) { edge in
        let grant = grants[edge.other]
        guard existed(grant.principal, since: edge, sight), existed(grant.role, since: edge, sight) else { return }
        rightsOf[grant.principal, default: []].formUnion(rights(of: grant, sight).map(\.right))
      }
    }
    var held: Set<Held> = []
    for (principal, rights) in rightsOf {
      var spread = Spread(self, sight)
      spread.reach(principal, .allowed)
      spread.forEachIdentity { identity, _ in
        for right in rights { held.insert(Held(identity: identity, right: right)) }
      }
    }
    return held
  }
}
