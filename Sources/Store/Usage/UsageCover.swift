public import AccessGraph
import EventLog
import Governance
public import Temporal

/// Which grants covered a use at its moment.
public struct UsageCover: Hashable, Sendable {
  /// What the graph says of it.
  public enum Word: String, Hashable, Sendable, CaseIterable {
    /// A path gave it.
    case covered
    /// Only paths with a condition that the evidence does not answer.
    case conditional
    /// What was used lies outside every coverage, or who used it or a role on the way is not known.
    case unknown
    /// No path gave it.
    case noKnownPath = "no_known_path"
    /// The graph denies it whatever paths there are.
    case denied
  }

  /// The moment.
  public var at: Instant
  /// What the graph says.
  public var word: Word
  /// Why it is denied or unknown, as `why` says it; nil otherwise.
  public var reason: String?
  /// The assignments on its paths, in byte order, those too that a denial makes ineffective.
  public var assignments: [String]
  /// Whether there are more paths than were looked at.
  public var isTruncated: Bool
}

/// An entry of the roll-up with what covered its first and its last use.
public struct CoveredUsage: Hashable, Sendable {
  /// The entry.
  public var usage: DailyUsage
  /// What covered its first use.
  public var first: UsageCover
  /// What covered its last use.
  public var last: UsageCover
}

extension AccessGraph {
  /// Paths of one use that are looked at: more than have different assignments in any organisation seen.
  private static let pathsOfUse = 1_000

  /// Which grants covered a use in World(moment of use, k).
  ///
  /// A use without a resource is asked about as one of the whole tenant, `*`.
  public func cover(
    _ identity: String, action: String, resource: String?, at moment: Instant, asKnownAt k: Int64
  ) -> UsageCover {
    let answer = why(
      identity, action: action, resource: resource ?? "*", from: Viewpoint(at: moment, asKnownAt: k), limit: Self.pathsOfUse)
    let assignments = answer.paths.flatMap { path in
      path.steps.compactMap { step in
        if case .assignment(let id, _, _) = step.kind { Entity(.assignment, id) } else { nil }
      }
    }
    let word: UsageCover.Word =
      switch answer.status {
      case .allowed: .covered
      case .conditional: .conditional
      case .unknown: .unknown
      case .denied: answer.reason == "no_path" ? .noKnownPath : .denied
      }
    return UsageCover(
      at: moment, word: word, reason: answer.reason, assignments: Set(assignments).sorted().map(\.id),
      isTruncated: answer.isTruncated)
  }
}

extension UsageStore {
  /// The roll-up's entries, each with the grants that covered its first and its last use at their moments.
  ///
  /// One round trip, and two questions `why` to the graph for each entry; the graph is lent for one entry at a time.
  /// - Parameters:
  ///   - identities: whose. The default is everybody's.
  ///   - days: on which days.
  ///   - k: the position up to which the graph knows.
  ///   - place: where to go on after. The default is the beginning.
  ///   - limit: at most ``maximumDailyPage``.
  public func covered(
    of identities: [String]? = nil, days: ClosedRange<UsageDay>, asKnownAt k: Int64, after place: DailyUsagePlace? = nil,
    limit: Int
  ) throws -> [CoveredUsage] {
    try daily(of: identities, days: days, after: place, limit: limit).map { usage in
      try tenant.read { graph in
        func cover(_ moment: Instant) -> UsageCover {
          graph.cover(usage.identity, action: usage.action, resource: usage.resource, at: moment, asKnownAt: k)
        }
        let first = cover(usage.firstUsed)
        let last = usage.lastUsed == usage.firstUsed ? first : cover(usage.lastUsed)
        return CoveredUsage(usage: usage, first: first, last: last)
      }
    }
  }
}
