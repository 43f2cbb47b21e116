public import AccessGraph
public import Governance
public import Temporal

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

/// A review with all its items, its population derived again from the log.
public struct ReviewReading: Hashable, Sendable {
  /// Its id.
  public var id: String
  /// Where it stands.
  public var standing: ReviewStanding
  /// The moment that it is read at.
  public var view: Viewpoint
  /// The moment at which decisions are judged: that of its closing, or while it is open the same as the view.
  public var judgedAt: Instant
  /// Its items.
  public var rows: [ReviewRow]
  /// The digest of the population as it is derived now.
  public var digest: String
  /// Who wrote the events that the grants come from.
  public var witness: [Int64: Witness]

  /// Whether the population is the very one that was frozen.
  public var isVerified: Bool {
    Int64(rows.count) == standing.progress.population.count && digest.isExactly(standing.progress.population.digest)
  }
}

extension Tenant {
  /// Items that are looked at while the graph is lent: some milliseconds.
  private static let itemsPerSlice = 500
  /// Events that are fetched in one round trip.
  private static let witnessesPerQuery = 5_000

  /// A review with all its items at a moment; nil where there was none.
  ///
  /// O(grants of the tenant) for the population the first time, and a round trip for each 5,000 items.
  ///
  /// - Parameter reviewer: of whom each row says whether they may decide about it. The default is nobody.
  /// - Throws: `Refusal` where the population cannot be derived; `EventLogError`; what the database throws.
  public func review(_ id: String, from view: Viewpoint, by reviewer: String? = nil) throws -> ReviewReading? {
    guard let review = try frozenReview(id, from: view) else { return nil }
    let (rows, witness) = try rows(of: review, 1..<review.count + 1, by: reviewer)
    return ReviewReading(
      id: id, standing: review.standing, view: view, judgedAt: review.judged.at, rows: rows, digest: review.digest,
      witness: witness)
  }

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

  /// Items with all that is said of them, slice by slice, so that writers wait for no whole review.
  ///
  /// - Parameter first: the number of the first of them.
  func rows(
    of review: FrozenReview, _ found: [PopulationItem], from first: Int, _ witness: [Int64: Witness], _ reviewer: String?
  ) throws -> [ReviewRow] {
    let (standing, view, judged) = (review.standing, review.view, review.judged)
    var rows: [ReviewRow] = []
    rows.reserveCapacity(found.count)
    // What many items ask of the same people is remembered from slice to slice: it is all as known at one position.
    var remembered: ReviewerChoice<GraphWorld>?
    for start in stride(from: 0, to: found.count, by: Self.itemsPerSlice) {
      let slice = start..<min(start + Self.itemsPerSlice, found.count)
      rows += try read { graph in
        let world = graph.world(asKnownAt: view.asKnownAt)
        let then = world.known(at: judged.asKnownAt)
        let choice =
          remembered
          ?? ReviewerChoice(then, standing.terms, at: judged.at, frozenAt: standing.progress.population.at, witness: witness)
        remembered = choice
        return slice.map { index in
          let frozen = found[index]
          let written = world.reviewItemState(frozen.item, of: review.id, at: view.at)
          let present = then.reviewItem(frozen.item, at: judged.at)
          return ReviewRow(
            number: first + index, frozen: frozen, present: present,
            decisionState: then.decisionState(of: frozen.item, written?.state, at: judged.at), state: written?.state,
            position: written?.position, reviewers: choice.reviewers(of: present ?? frozen, written?.state),
            isAskedReviewers: reviewer.map { choice.mayDecide($0, about: present ?? frozen, written?.state) })
        }
      }
    }
    return rows
  }

  /// The items of a review about which something is to be executed now.
  ///
  /// O(grants of the tenant).
  public func outstandingItems(of review: String) throws -> [GrantName] {
    let now = now
    return try read { graph in
      let world = graph.world(asKnownAt: graph.position)
      guard let standing = world.review(review, at: now) else { return [] }
      return try world.frozenPopulation(of: standing).items.map(\.item)
        .filter { world.isOutstanding($0, of: review, standing, at: now) }
    }
  }
}

extension World {
  /// The moment at which the items of a review are judged.
  func judging(of review: String, _ standing: ReviewStanding, _ view: Viewpoint) -> Viewpoint {
    guard let closing = standing.progress.closing else { return view }
    return Viewpoint(at: closing.at, asKnownAt: closing.position(in: self, of: review))
  }
}
