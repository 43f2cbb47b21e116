import JSON
import Temporal

/// The order of commands of one sort, the same on every run: by kind, then by ids in the order of their bytes.
struct PlanOrder: Comparable {
  let rank: Int
  let ids: [String]

  static func < (a: PlanOrder, b: PlanOrder) -> Bool {
    if a.rank != b.rank { return a.rank < b.rank }
    for (mine, theirs) in zip(a.ids, b.ids) where !mine.isExactly(theirs) { return mine.precedes(theirs) }
    return a.ids.count < b.ids.count
  }
}

extension Fact {
  /// Where a command about the fact stands in a plan; assignments last, since they refer to the most.
  var planOrder: PlanOrder {
    switch self {
    case .existence(let entity): PlanOrder(rank: entity.planRank, ids: [entity.id])
    case .attribute(let entity, let name): PlanOrder(rank: 10 + entity.planRank, ids: [entity.id, name])
    case .suspension(let identity): PlanOrder(rank: 20, ids: [identity])
    case .link(let account): PlanOrder(rank: 21, ids: [account])
    case .membership(let group, let member): PlanOrder(rank: 22, ids: [group, member.description])
    case .assignment(let id): PlanOrder(rank: 23, ids: [id])
    case .coverage(let source, let resource): PlanOrder(rank: 24, ids: [source, resource])
    case .acceptance(let finding): PlanOrder(rank: 26, ids: [finding])
    case .coverageGap(let source, let resource, let from): PlanOrder(rank: 25, ids: [source, resource, from.description])
    case .reviewItem(let review, let item): PlanOrder(rank: 26, ids: [review, item.text])
    }
  }
}

extension Grant {
  /// The order in which assignments without an id get one.
  var planOrder: PlanOrder {
    let condition = condition.map { String(decoding: $0.canonicalBytes(), as: UTF8.self) } ?? ""
    return PlanOrder(rank: 0, ids: [principal.description, role, scope, condition, expiresAt?.description ?? ""])
  }
}

extension Entity {
  fileprivate var planRank: Int {
    switch kind {
    case .source: 0
    case .identity: 1
    case .role: 2
    case .group: 3
    case .policy: 4
    case .resource: 5
    case .assignment, .event, .request, .credential, .finding, .review: 6
    }
  }
}
