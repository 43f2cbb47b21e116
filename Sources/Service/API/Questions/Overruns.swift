import AccessGraph
import Governance
public import Temporal

/// Access without entitlement: it was due to end, and went on.
public struct Overrun: Hashable, Sendable {
  /// When it was due to end.
  public var from: Instant
  /// When it ended.
  public var to: Instant

  /// An overrun.
  public init(from: Instant, to: Instant) {
    self.from = from
    self.to = to
  }

  /// How long it went on.
  public var lasted: Lapse { Lapse(from: from, to: to) }
}

/// Finds how long a lost right had been held without entitlement.
///
/// A cause that was due earlier is not enough: another path may have entitled to the same right until later. So the graph is
/// asked, from the earliest due instant on, when the right began to rest on overdue steps only.
struct Overruns {
  let graph: AccessGraph
  let identity: String
  let asKnownAt: Int64
  private var overdue: [Instant: Set<Right>] = [:]

  init(graph: AccessGraph, identity: String, asKnownAt: Int64) {
    self.graph = graph
    self.identity = identity
    self.asKnownAt = asKnownAt
  }

  /// The turn with when it was due and how long it overran.
  mutating func describe(_ turn: Turn) -> TimelineTurn {
    let due = turn.kind != .lost ? [] : turn.causes.compactMap(\.dueAt).filter { $0 < turn.at }.sorted()
    guard let from = due.first(where: { isOverdue(turn.right, at: $0) }) else {
      return TimelineTurn(turn: turn, dueAt: due.first, withoutEntitlement: nil)
    }
    return TimelineTurn(turn: turn, dueAt: due.first, withoutEntitlement: Overrun(from: from, to: turn.at))
  }

  private mutating func isOverdue(_ right: Right, at instant: Instant) -> Bool {
    if let known = overdue[instant] { return known.contains(right) }
    let rights = graph.rightsWithoutEntitlement(identity, from: Viewpoint(at: instant, asKnownAt: asKnownAt))
    overdue[instant] = rights
    return rights.contains(right)
  }
}
