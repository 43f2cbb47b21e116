public import AccessGraph
public import Relations

/// What an operator must know; the log goes on as far as it can.
public enum Alarm: Hashable, Sendable, CustomStringConvertible {
  /// The head's `recorded_at` is far ahead of the clock: a clock was wrong, here or where the last event was recorded.
  case headAhead(tenant: String, microseconds: Int64)
  /// A tenant stopped at an event that cannot be read.
  case degraded(tenant: String, UndecodableEvent)
  /// The follower cannot reach the database; what other processes append is not seen until it can.
  case followerLost(String)

  /// The relation tables of a tenant do not say what its log says; a rebuild mends them.
  case relationsDamaged(tenant: String, RelationsDamage)
  /// They contradict the log, so that the graph was folded from the log instead, which takes longer; a rebuild mends them.
  case relationsContradicted(tenant: String, LoadingContradiction)

  /// One line for a log.
  public var description: String {
    switch self {
    case .headAhead(let tenant, let microseconds):
      "the log of tenant \(tenant) is \(microseconds / 1_000_000) seconds ahead of this machine's clock; check the clocks"
    case .degraded(let tenant, let event): "tenant \(tenant) is degraded and answers nothing: \(event)"
    case .relationsDamaged(let tenant, let damage): "the relation tables of tenant \(tenant) are damaged: \(damage)"
    case .relationsContradicted(let tenant, let contradiction):
      "the relation tables of tenant \(tenant) contradict its log, which was folded instead: \(contradiction): "
        + "run tenure rebuild for this tenant"
    case .followerLost(let why): "the database does not tell what others append: \(why)"
    }
  }
}
