public import AccessGraph
public import Governance
import Temporal

/// An item of a review, as it stands.
public struct ReviewRow: Hashable, Sendable {
  /// Its place in the list, from 1 on.
  public var number: Int
  /// The grant as it was frozen.
  public var frozen: PopulationItem
  /// The grant as it is; nil where it has ended.
  public var present: PopulationItem?
  /// Whether it has been decided.
  public var decisionState: DecisionState
  /// What has become of it; nil where nothing has.
  public var state: ReviewItemState?
  /// The event that says so.
  public var position: Int64?
  /// Who may decide about it.
  public var reviewers: ItemReviewers
  /// Whether the reviewer who was asked for may; nil where nobody was.
  public var isAskedReviewers: Bool?
}

/// Reads the items of one review, part by part in the order of their numbers; remembers what many of them ask of the same people.
///
/// The graph is lent for some items at a time, so that writers wait for no whole review, and nothing is kept of what was read.
public final class ReviewReader {
  /// Items that are looked at while the graph is lent: some milliseconds.
  private static let itemsPerLoan = 500
  /// Items that are read at once where all of a review are: so many are in memory, and so many cost a few round trips.
  public static let itemsPerSlice = 2_000

  /// The review.
  public let review: FrozenReview
  /// Who wrote the events that the grants come from which were read last.
  public private(set) var witness: [Int64: Witness] = [:]
  private let tenant: Tenant
  private let reviewer: String?
  /// Who may review; made where the graph is lent.
  private var choice: ReviewerChoice<GraphWorld>?

  /// A reader of a review.
  ///
  /// - Parameter reviewer: of whom each row says whether they may decide about it; rows that no rule gives them are left out. The
  ///   default is nobody.
  public init(_ tenant: Tenant, _ review: FrozenReview, by reviewer: String? = nil) {
    self.tenant = tenant
    self.review = review
    self.reviewer = reviewer
  }

  /// Calls back with the numbers of all items from one on, a slice at a time, until it returns false.
  public func forEachSlice(
    from number: Int = 1, of count: Int = ReviewReader.itemsPerSlice, _ body: (Range<Int>) throws -> Bool
  ) throws {
    for first in stride(from: max(1, number), through: review.count, by: count) {
      guard try body(first..<min(first + count, review.count + 1)) else { return }
    }
  }

  /// Some items with all that is said of them but who may review them; O(these), without a round trip.
  ///
  /// - Parameters:
  ///   - numbers: which, from 1 on.
  ///   - isWanted: which of them are given. The default is all.
  public func standing(_ numbers: Range<Int>, where isWanted: (ReviewRow) -> Bool = { _ in true }) throws -> [ReviewRow] {
    var rows: [ReviewRow] = []
    let numbers = numbers.clamped(to: 1..<review.count + 1)
    for first in stride(from: numbers.lowerBound, to: numbers.upperBound, by: Self.itemsPerLoan) {
      try tenant.read { graph in
        for number in first..<min(first + Self.itemsPerLoan, numbers.upperBound) {
          let row = try row(number, in: graph.world(asKnownAt: review.view.asKnownAt))
          if isWanted(row) { rows.append(row) }
        }
      }
    }
    return rows
  }

  private func row(_ number: Int, in world: GraphWorld) throws -> ReviewRow {
    let (frozen, judged) = (review.standing.progress.population, review.judged)
    let item = review.item(number)
    guard let found = world.known(at: frozen.position).reviewItem(item, at: frozen.at) else {
      throw Refusal(.changedMeanwhile, "the graph was loaded anew meanwhile; ask again")
    }
    let then = world.known(at: judged.asKnownAt)
    let written = world.reviewItemState(item, of: review.id, at: review.view.at)
    let present = then.reviewItem(item, at: judged.at)
    return ReviewRow(
      number: number, frozen: found, present: present,
      decisionState: then.decisionState(of: item, written?.state, at: judged.at), state: written?.state,
      position: written?.position, reviewers: ItemReviewers())
  }

  /// Some items with all that is said of them; O(these), and a round trip for each 5,000 of those that are wanted.
  public func rows(_ numbers: Range<Int>, where isWanted: (ReviewRow) -> Bool = { _ in true }) throws -> [ReviewRow] {
    let choice = try tenant.read { choosing(in: $0) }
    var rows = try standing(numbers) { row in
      isWanted(row) && (reviewer.map { choice.names($0, for: row.current, row.state) } ?? true)
    }
    try lookUp(rows)
    for first in stride(from: 0, to: rows.count, by: Self.itemsPerLoan) {
      try tenant.read { _ in
        for index in first..<min(first + Self.itemsPerLoan, rows.count) {
          let row = rows[index]
          rows[index].reviewers = choice.reviewers(of: row.current, row.state)
          rows[index].isAskedReviewers = reviewer.map { choice.mayDecide($0, about: row.current, row.state) }
        }
      }
    }
    return rows
  }

  /// Counts what is still to be decided of some items for everybody who may.
  public func add(_ numbers: Range<Int>, to tally: inout ReviewerTally<GraphWorld>?) throws {
    let rows = try standing(numbers) { $0.decisionState.isAwaited }
    try lookUp(rows)
    for first in stride(from: 0, to: rows.count, by: Self.itemsPerLoan) {
      try tenant.read { graph in
        var adding = tally ?? ReviewerTally(choosing(in: graph))
        tally = nil
        for row in rows[first..<min(first + Self.itemsPerLoan, rows.count)] { adding.add(row.current, row.state) }
        tally = adding
      }
    }
  }

  /// Looks up who wrote the events that the grants of some rows come from.
  private func lookUp(_ rows: [ReviewRow]) throws {
    var positions: Set<Int64> = []
    for first in stride(from: 0, to: rows.count, by: Self.itemsPerLoan) {
      try tenant.read { graph in
        let then = graph.world(asKnownAt: review.judged.asKnownAt)
        for row in rows[first..<min(first + Self.itemsPerLoan, rows.count)] {
          positions.formUnion(then.grantPositions(of: row.current))
          positions.formUnion(then.grantPositions(of: row.frozen))
        }
      }
    }
    witness = try tenant.witnesses(of: positions)
    choice?.witness = witness
  }

  /// Who may review, by the world as the review is judged in it.
  private func choosing(in graph: AccessGraph) -> ReviewerChoice<GraphWorld> {
    if let choice { return choice }
    let made = ReviewerChoice(
      graph.world(asKnownAt: review.judged.asKnownAt), review.standing.terms, at: review.judged.at,
      frozenAt: review.standing.progress.population.at, witness: witness)
    choice = made
    return made
  }
}

extension Tenant {
  /// Events of which is looked up in one round trip who wrote them.
  private static let witnessesPerQuery = 5_000

  /// Who wrote the events at some positions, some thousands a round trip.
  func witnesses(of positions: Set<Int64>) throws -> [Int64: Witness] {
    var witness: [Int64: Witness] = [:]
    var rest = positions.sorted()[...]
    while !rest.isEmpty {
      witness.merge(try self.witness(of: rest.prefix(Self.witnessesPerQuery))) { first, _ in first }
      rest = rest.dropFirst(Self.witnessesPerQuery)
    }
    return witness
  }

  /// Who has how many items of a review to decide at a moment, whoever has most first; an item counts for everybody who may decide
  /// it, and nobody who may is left out.
  ///
  /// O(items), in slices; nil where there was no such review.
  public func outstanding(in review: String, from view: Viewpoint) throws -> [ReviewReminder.Load]? {
    guard let review = try frozenReview(review, from: view) else { return nil }
    let reader = ReviewReader(self, review)
    var tally: ReviewerTally<GraphWorld>?
    try reader.forEachSlice { numbers in
      try reader.add(numbers, to: &tally)
      return true
    }
    return tally?.loads ?? []
  }

  /// The items of a review about which something is to be executed now.
  ///
  /// O(items), and the first time O(grants of the tenant); the graph is lent for some of them at a time.
  public func outstandingItems(of review: String) throws -> [GrantName] {
    let view = Viewpoint(at: now, asKnownAt: head.position)
    guard let frozen = try frozenReview(review, from: view) else { return [] }
    var outstanding: [GrantName] = []
    try ReviewReader(self, frozen).forEachSlice { numbers in
      try read { graph in
        let measures = ReviewMeasures(graph.world(asKnownAt: view.asKnownAt), review, frozen.standing, at: view.at)
        outstanding += numbers.map(frozen.item).filter(measures.isOutstanding)
      }
      return true
    }
    return outstanding
  }
}

extension ReviewRow {
  /// The grant as it is, or where it has ended as it was frozen.
  public var current: PopulationItem { present ?? frozen }
}

extension World {
  /// The moment at which the items of a review are judged.
  func judging(of review: String, _ standing: ReviewStanding, _ view: Viewpoint) -> Viewpoint {
    guard let closing = standing.progress.closing else { return view }
    return Viewpoint(at: closing.at, asKnownAt: closing.position(in: self, of: review))
  }
}
