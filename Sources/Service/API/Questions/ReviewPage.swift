import AccessGraph
public import EventLog
import Governance
public import JSON
public import Temporal

/// A page of a review's items, to decide from; what is said of the whole stands in the review itself.
public struct ReviewPage: Report {
  /// The review, its population derived from the log.
  public var review: FrozenReview
  /// The items of the page.
  public var items: [ShownItem]
  /// The number of the item that the next page begins with; nil where there is none.
  public var next: Int?
  /// The head it was read at.
  public var position: Int64

  /// Writes the page.
  public func write(to writer: inout JSONWriter) {
    let standing = review.standing
    writer.beginObject()
    writer.member("at", review.view.at)
    writer.member("as_known_at", review.view.asKnownAt)
    writer.member("position", position)
    writer.key("review")
    writer.value(.object(ShownReview(id: review.id, standing: standing).members(at: review.view.at)))
    writer.key("verification")
    writer.value([
      "count": .integer(Int64(review.count)), "sha256": .string(review.digest), "matches": .bool(review.isVerified),
    ])
    writer.key("items")
    writer.beginArray()
    for item in items { writer.value(item.json(standing.progress.deadline)) }
    writer.endArray()
    writer.member("next", next.map(Int64.init))
    writer.endObject()
  }
}

extension Questions {
  /// Items looked at between two looks at whether the page is full: where a filter admits few, a page looks at many.
  private static let rowsPerLook = 500

  /// A page of a review's items at a moment, each with what it gives and what speaks for or against it; nil where there was no such
  /// review.
  ///
  /// O(items looked at until the page is full), with a few round trips for each 500 of them; the first page of a review also derives
  /// its population, O(grants of the tenant).
  ///
  /// - Parameters:
  ///   - filter: which items are listed.
  ///   - number: the number of the first item looked at.
  ///   - limit: how many items at the most.
  public func reviewPage(
    _ id: String, _ filter: ReviewFilter = ReviewFilter(), at: Instant? = nil, asKnownAt: AsKnownAt = .head,
    from number: Int, limit: Int
  ) throws -> ReviewPage? {
    let (view, position) = try ask(at, asKnownAt) { graph, view in (view, graph.position) }
    guard let review = try tenant.frozenReview(id, from: view) else { return nil }
    var page = ReviewPage(review: review, items: [], next: nil, position: position)
    var first = max(1, number)
    // What fills a page mostly; where a filter admits few, more and more.
    var looked = min(max(limit, 1), Self.rowsPerLook) + 1
    while first <= review.count, page.next == nil {
      let last = min(first + looked, review.count + 1)
      try look(at: first..<last, filter, limit, &page)
      (first, looked) = (last, min(2 * looked, Self.rowsPerLook))
    }
    return page
  }

  /// Adds those of some items to a page that the filter admits, as far as the page has room.
  private func look(at numbers: Range<Int>, _ filter: ReviewFilter, _ limit: Int, _ page: inout ReviewPage) throws {
    let (review, view) = (page.review, page.review.view)
    let (rows, witness) = try tenant.rows(of: review, numbers, by: filter.reviewer)
    let admitted = rows.filter { filter.admits($0) }
    let fulfilments = try tenant.fulfilments(
      ofAll: admitted.compactMap(\.endedItem), at: view.at, asKnownAt: view.asKnownAt)
    let lastUses = try lastUses(of: admitted, at: review.judged.at, asKnownAt: view.asKnownAt)
    let found = try tenant.read { graph in
      let world = graph.world(asKnownAt: view.asKnownAt)
      let assessor = ReviewAssessor(world, review: review.id, at: review.judged.at) { lastUses[$0.item] ?? .notObservable }
      let objections = admitted.objections(in: world, review.standing, witness)
      return admitted.compactMap { row -> ShownItem? in
        let assessment = assessor.assess(row.present ?? row.frozen)
        if let wanted = filter.recommendation, assessment.recommendation != wanted { return nil }
        return ShownItem(
          row: row, assessment: assessment, objection: objections[row.number],
          fulfilment: row.endedItem.flatMap { fulfilments[$0] })
      }
    }
    page.next = found.dropFirst(max(0, limit - page.items.count)).first?.row.number
    page.items += found.prefix(max(0, limit - page.items.count))
  }
}
