public import AccessGraph
public import Governance
import Synchronization
import Temporal

/// A review whose population is known, and of whose items nothing has been looked at: pages are read from it.
public struct FrozenReview: Hashable, Sendable {
  /// Its id.
  public var id: String
  /// Where it stands.
  public var standing: ReviewStanding
  /// The moment that it is read at.
  public var view: Viewpoint
  /// The moment at which decisions are judged: that of its closing, or while it is open the same as the view.
  public var judged: Viewpoint
  /// What its population comes to, derived from the log.
  let population: FrozenItems

  /// How many items it has.
  public var count: Int { population.items.count }
  /// The digest of the population as it is derived now.
  public var digest: String { population.digest }

  /// Whether the population is the very one that was frozen.
  public var isVerified: Bool {
    Int64(count) == standing.progress.population.count && digest.isExactly(standing.progress.population.digest)
  }
}

/// The items of a population, in their order: which grants, and not what they were, which the graph still knows.
struct FrozenItems: Hashable, Sendable {
  let items: [GrantName]
  let digest: String

  init(_ population: Population) {
    items = population.items.map(\.item)
    digest = population.digest
  }
}

/// Populations that were derived already: each page would derive its own otherwise, from all grants of the tenant.
///
/// What is kept follows from the log up to a position, the moment and the query, all of which stand in the key: the log is never
/// changed, so an answer can only be right. A rebuild that found a difference raises the generation, and nothing is found.
final class FrozenPopulations: Sendable {
  /// All that a population follows from.
  struct Key: Hashable {
    let generation: Int64
    let position: Int64
    let at: Instant
    let query: ReviewQuery
  }

  /// Items kept at most, of all reviews together: those of two of the largest, some ten megabytes.
  private static let mostItems = 2 * Limits.itemsPerReview

  /// The oldest first.
  private let kept = Mutex<[(key: Key, items: FrozenItems)]>([])

  /// What is kept under a key, or else what is made, which is kept.
  func items(_ key: Key, _ make: () throws -> FrozenItems) rethrows -> FrozenItems {
    if let found = kept.withLock({ $0.first { $0.key == key }?.items }) { return found }
    let made = try make()
    kept.withLock { kept in
      kept.removeAll { $0.key == key }
      kept.append((key, made))
      while kept.reduce(0, { $0 + $1.items.items.count }) > Self.mostItems { kept.removeFirst() }
    }
    return made
  }
}

extension Tenant {
  /// A review at a moment, to be read page by page; nil where there was none.
  ///
  /// O(grants of the tenant) the first time.
  ///
  /// - Throws: `Refusal` where the population cannot be derived; `EventLogError`.
  public func frozenReview(_ id: String, from view: Viewpoint) throws -> FrozenReview? {
    let generation = head.generation
    return try read { graph in
      let world = graph.world(asKnownAt: view.asKnownAt)
      guard let standing = world.review(id, at: view.at) else { return nil }
      let frozen = standing.progress.population
      let key = FrozenPopulations.Key(
        generation: generation, position: frozen.position, at: frozen.at, query: standing.terms.query)
      let population = try frozenPopulations.items(key) { FrozenItems(try world.frozenPopulation(of: standing)) }
      return FrozenReview(
        id: id, standing: standing, view: view, judged: world.judging(of: id, standing, view), population: population)
    }
  }

  /// Some items of a review with all that is said of them; O(these items), and a round trip for each 5,000 of them.
  ///
  /// - Parameters:
  ///   - numbers: which, from 1 on.
  ///   - reviewer: of whom each row says whether they may decide about it. The default is nobody.
  public func rows(
    of review: FrozenReview, _ numbers: Range<Int>, by reviewer: String? = nil
  ) throws -> (rows: [ReviewRow], witness: [Int64: Witness]) {
    let frozen = review.standing.progress.population
    let slice = numbers.clamped(to: 1..<review.count + 1)
    let items = review.population.items[(slice.lowerBound - 1)..<(slice.upperBound - 1)]
    let (found, positions) = try read { graph -> ([PopulationItem], Set<Int64>) in
      let world = graph.world(asKnownAt: review.view.asKnownAt)
      let (before, then) = (world.known(at: frozen.position), world.known(at: review.judged.asKnownAt))
      let found = items.compactMap { before.reviewItem($0, at: frozen.at) }
      let present = items.compactMap { then.reviewItem($0, at: review.judged.at) }
      return (found, Set((found + present).flatMap(then.grantPositions)))
    }
    guard found.count == items.count else {
      throw Refusal(.changedMeanwhile, "the graph was loaded anew meanwhile; ask again")
    }
    let witness = try witnesses(of: positions)
    let rows = try rows(of: review, found, from: slice.lowerBound, witness, reviewer)
    return (rows, witness)
  }
}
