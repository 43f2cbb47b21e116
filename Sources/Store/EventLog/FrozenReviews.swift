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
  /// The item of a number, from 1 on.
  public func item(_ number: Int) -> GrantName { population.items[number - 1] }
  /// The number of an item; nil where it is not one.
  ///
  /// O(log items).
  public func number(of item: GrantName) -> Int? {
    let text = item.text
    var (low, high) = (0, population.items.count)
    while low < high {
      let middle = (low + high) / 2
      if population.items[middle].text.precedes(text) { low = middle + 1 } else { high = middle }
    }
    return low < population.items.count && population.items[low] == item ? low + 1 : nil
  }

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

/// How many items of a review stand where.
public typealias DecisionCounts = [DecisionState: Int]

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

  /// All that the counts of a review follow from.
  struct CountsKey: Hashable {
    let population: Key
    let review: Entity
    let view: Viewpoint
  }

  /// Counts kept: each is a few numbers, and a report on all reviews asks for those of one after another.
  private static let mostCounts = 64

  /// The oldest first.
  private let kept = Mutex<[(key: Key, items: FrozenItems)]>([])
  private let keptCounts = Mutex<[(key: CountsKey, counts: DecisionCounts)]>([])

  /// The counts that are kept under a key, or else those that are made, which are kept.
  func counts(_ key: CountsKey, _ make: () throws -> DecisionCounts) rethrows -> DecisionCounts {
    if let found = keptCounts.withLock({ $0.first { $0.key == key }?.counts }) { return found }
    let made = try make()
    keptCounts.withLock { kept in
      kept.append((key, made))
      if kept.count > Self.mostCounts { kept.removeFirst() }
    }
    return made
  }

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
  /// Grants that are looked at for a population while the graph is lent: some milliseconds.
  private static let grantsPerSlice = 2_000

  /// A review at a moment, to be read page by page; nil where there was none.
  ///
  /// O(grants of the tenant) the first time; the graph is lent for some of them at a time.
  ///
  /// - Throws: `Refusal` where the population cannot be derived; `EventLogError`.
  public func frozenReview(_ id: String, from view: Viewpoint) throws -> FrozenReview? {
    let found = try read { graph -> (world: GraphWorld, standing: ReviewStanding, judged: Viewpoint)? in
      let world = graph.world(asKnownAt: view.asKnownAt)
      return world.review(id, at: view.at).map { (world, $0, world.judging(of: id, $0, view)) }
    }
    guard let (world, standing, judged) = found else { return nil }
    let key = populationKey(of: standing)
    let population = try frozenPopulations.items(key) {
      FrozenItems(try self.population(in: world.known(at: key.position), key.query, at: key.at))
    }
    return FrozenReview(id: id, standing: standing, view: view, judged: judged, population: population)
  }

  private func populationKey(of standing: ReviewStanding) -> FrozenPopulations.Key {
    let frozen = standing.progress.population
    return FrozenPopulations.Key(
      generation: head.generation, position: frozen.position, at: frozen.at, query: standing.terms.query)
  }

  private func population(in world: GraphWorld, _ query: ReviewQuery, at t: Instant) throws -> Population {
    var search = try read { _ in PopulationSearch(world, query, at: t) }
    while try read({ _ in try search.advance(by: Self.grantsPerSlice) }) {}
    return search.population
  }

  /// How many items of a review stand where; nobody is asked about who may decide them.
  ///
  /// O(items) the first time for a moment and a position.
  public func decisionCounts(of review: FrozenReview) throws -> DecisionCounts {
    let key = FrozenPopulations.CountsKey(
      population: populationKey(of: review.standing), review: Entity(.review, review.id), view: review.view)
    return try frozenPopulations.counts(key) {
      var counts = DecisionCounts()
      let reader = ReviewReader(self, review)
      try reader.forEachSlice { numbers in
        for row in try reader.standing(numbers) { counts[row.decisionState, default: 0] += 1 }
        return true
      }
      return counts
    }
  }
}
