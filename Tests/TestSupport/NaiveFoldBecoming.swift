public import AccessGraph
import Governance

/// Who becomes whom, straight from the design: for every two identities whether a path with exactly that scope lets the one
/// become the other, and then all chains of these.
extension NaiveView {
  /// Who, becoming whom, how certainly.
  public struct Trusted: Hashable, Comparable, Sendable {
    /// Who.
    public var identity: String
    /// Whom at last.
    public var target: String
    /// How certainly.
    public var status: Status

    /// Who becomes whom.
    public init(_ identity: String, _ target: String, _ status: Status) {
      (self.identity, self.target, self.status) = (identity, target, status)
    }

    private var key: [UInt8] { Array(identity.utf8) + [0] + Array(target.utf8) + [0] + Array(status.rawValue.utf8) }

    /// Equal exactly if all bytes are.
    public static func == (a: Trusted, b: Trusted) -> Bool { a.key == b.key }

    /// In the order of bytes.
    public static func < (a: Trusted, b: Trusted) -> Bool { a.key.lexicographicallyPrecedes(b.key) }
  }

  private static let order: [Status] = [.allowed, .conditional, .unknown]

  /// The rank of the best chain between every two identities of which there is one.
  ///
  /// - Parameter isOwn: whether what built-in principals may become is left out.
  private func chains(isOwn: Bool, hasClock: Bool) -> [Entity: [Entity: Int]] {
    let active = paths.keys.filter { state.exists($0) && state.suspended[$0] == nil }
    var ranks: [Entity: [Entity: Int]] = [:]
    for one in active {
      for other in active where other != one {
        let scope = "identity/" + other.id
        let exact = (paths[one] ?? []).filter { $0.grant.scope.isExactly(scope) && !(isOwn && $0.isShared) }
        let claims = ["identity:assume", "identity:impersonate", "identity:mint_token"].flatMap {
          self.claims(of: exact, [], on: .access(action: $0, resource: scope), hasClock)
        }
        ranks[one, default: [:]][other] = claims.compactMap { Self.order.firstIndex(of: $0.status) }.min()
      }
    }
    // Until nothing gets better.
    var isSettled = false
    while !isSettled {
      isSettled = true
      for one in active {
        for (middle, first) in ranks[one] ?? [:] {
          for (other, second) in ranks[middle] ?? [:] where other != one {
            let rank = max(first, second)
            if rank < ranks[one]?[other] ?? Int.max {
              ranks[one, default: [:]][other] = rank
              isSettled = false
            }
          }
        }
      }
    }
    return ranks
  }

  /// Everybody who becomes anybody, sorted.
  ///
  /// - Parameters:
  ///   - isOwn: whether what built-in principals may become is left out, but for them.
  ///   - hasClock: whether conditions may look at the clock; not in questions over a stretch.
  public func becoming(isOwn: Bool, hasClock: Bool = true) -> [Trusted] {
    chains(isOwn: isOwn, hasClock: hasClock).flatMap { one, others in
      others.map { Trusted(one.id, $0.key.id, Self.order[$0.value]) }
    }.sorted()
  }

  /// Who comes to something better by becoming another than by itself, and how certainly; sorted.
  public func becoming(_ subject: WhoSubject, hasClock: Bool = true) -> [Trusted] {
    var own: [Entity: Int] = [:]
    for holder in who(subject, hasClock: hasClock) {
      own[.identity(holder.identity)] = Self.order.firstIndex(of: holder.status)
    }
    return chains(isOwn: true, hasClock: hasClock).compactMap { one, others in
      let ranks = others.compactMap { other, rank in own[other].map { max($0, rank) } }
      guard let best = ranks.min(), best < own[one] ?? Int.max else { return nil }
      return Trusted(one.id, "", Self.order[best])
    }.sorted()
  }
}
