import Governance
import Memory
import Temporal

/// Diff and snapshot: whole sets of entitlements at a moment.
extension AccessGraph {
  /// What was gained and lost between two viewpoints, on scopes at, above or below a resource, by one identity or all.
  ///
  /// Judged at both; where there are no conditions and nothing denies, members of groups are walked once for all grants.
  public func diff(resource: String?, identity: String?, from first: Viewpoint, to second: Viewpoint) -> Difference {
    let before = entitlements(resource: resource, identity: identity, Sight(first))
    let after = entitlements(resource: resource, identity: identity, Sight(second))
    let changed = sorted(after.filter { before[$0.key].map { [now = $0.value] in $0 != now } ?? false }).compactMap { now in
      before[now.held].map { ChangedEntitlement(before: $0, now: now.entitlement) }
    }
    return Difference(
      gained: sorted(after.filter { before[$0.key] == nil }).map(\.entitlement),
      lost: sorted(before.filter { after[$0.key] == nil }).map(\.entitlement), changed: changed)
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
    var judge = RightJudge(self, sight)
    while place < order.count, page.count < limit {
      let node = order[place]
      let rights = rights(of: node, within: resource, isOwn: true, &judge)
      if !rights.isEmpty {
        let id = id(node)
        page += rights.sorted { $0.right < $1.right }.map {
          Entitlement(identity: id, right: $0.right, remainder: $0.remainder)
        }
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

  private func sorted(_ remainders: [Held: Remainder]) -> [(held: Held, entitlement: Entitlement)] {
    remainders.map { ($0, Entitlement(identity: id($0.identity), right: $0.right, remainder: $1)) }.sorted { a, b in
      let (mine, theirs) = (a.entitlement.identity, b.entitlement.identity)
      return mine.isExactly(theirs) ? a.held.right < b.held.right : mine.precedes(theirs)
    }
  }

  /// What is had at a moment: what roles give and is not all denied, and what they deny.
  private func entitlements(resource: String?, identity: String?, _ sight: Sight) -> [Held: Remainder] {
    var judge = RightJudge(self, sight)
    var held: [Held: Remainder] = [:]
    func add(_ node: Int32) {
      for one in rights(of: node, within: resource, isOwn: true, &judge)
      where one.right.effect == .deny || one.remainder.status != .denied {
        held[Held(identity: node, right: one.right)] = one.remainder
      }
    }
    if let identity {
      find(.identity(identity)).map(add)
    } else if !judge.mayRestrict, let granted = entitlementsWithoutConditions(resource: resource, sight) {
      return granted
    } else {
      identityNodes.forEach(add)
    }
    return held
  }

  /// All entitlements where nothing has to be judged; nil where there are conditions.
  ///
  /// Grants of one principal are spread together: its members are walked once.
  private func entitlementsWithoutConditions(resource: String?, _ sight: Sight) -> [Held: Remainder]? {
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
    guard rightsOf.values.allSatisfy({ $0.allSatisfy(\.conditions.isEmpty) }) else { return nil }
    var held: [Held: Remainder] = [:]
    for (principal, rights) in rightsOf {
      var spread = Spread(self, sight)
      spread.reach(principal, .allowed)
      spread.forEachIdentity { identity, _ in
        for right in rights { held[Held(identity: identity, right: right)] = Remainder(right) }
      }
    }
    return held
  }
}
