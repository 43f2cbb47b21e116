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
    writer.beginObject()
    writer.writeHead(of: review, position)
    writer.key("items")
    writer.beginArray()
    for item in items { writer.value(item.json(review.standing.progress.deadline)) }
    writer.endArray()
    writer.member("next", next.map(Int64.init))
    writer.endObject()
  }
}

extension Questions {
  /// Items looked at between two looks at whether the page is full: where a filter admits few, a page looks at many.
  static let itemsPerLook = 500

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
    guard let (review, position) = try frozenReview(id, at: at, asKnownAt: asKnownAt) else { return nil }
    var page = ReviewPage(review: review, items: [], next: nil, position: position)
    let reader = ReviewReader(tenant, review, by: filter.reviewer)
    var first = max(1, number)
    // What fills a page mostly; where a filter admits few, more and more.
    var looked = min(max(limit, 1), Self.itemsPerLook) + 1
    while first <= review.count, page.next == nil {
      let last = min(first + looked, review.count + 1)
      let room = max(0, limit - page.items.count)
      let found = try admitted(reader, first..<last, filter)
      page.next = found.dropFirst(room).first?.row.number
      page.items += found.prefix(room)
      (first, looked) = (last, min(2 * looked, Self.itemsPerLook))
    }
    return page
  }

  /// Those of some items that a filter admits, assessed.
  func admitted(_ reader: ReviewReader, _ numbers: Range<Int>, _ filter: ReviewFilter) throws -> [ShownItem] {
    let rows = try reader.rows(numbers) { filter.admitsStanding($0) }
    return try shown(rows, of: reader.review, reader.witness, assessing: true).filter { filter.admits($0) }
  }

  /// One item of a review as it stands, named by its number or its text; nil where there is no such item.
  public func reviewItem(_ named: String, of id: String) throws -> ReviewPage? {
    guard let (review, position) = try frozenReview(id, at: nil, asKnownAt: .head),
      let number = GrantName(text: named).flatMap(review.number) ?? Int(named), (1...review.count).contains(number)
    else { return nil }
    let items = try admitted(ReviewReader(tenant, review), number..<number + 1, ReviewFilter())
    return ReviewPage(review: review, items: items, next: nil, position: position)
  }
}

/// The items of a review one slice after another, in bounded memory: as a list to decide from, or as the evidence for an auditor.
public struct ReviewItems: Sendable {
  /// The review, its population derived from the log.
  public let review: FrozenReview
  /// The head it was read at.
  public let position: Int64
  /// What the items come to that were given so far; of a list only those that its filter admits.
  public private(set) var summary = ReviewSummary()

  /// The review as a whole, which is known once all items were given.
  public var report: ReviewReport { ReviewReport(review: review, summary: summary, position: position) }

  private let questions: Questions
  /// Which items are listed, each assessed; nil for the evidence, which has all.
  private let filter: ReviewFilter?
  /// The number of the next item.
  private var number = 1
  private var writer = JSONWriter()
  private enum Place { case head, items, end }
  private var place = Place.head

  fileprivate init(_ questions: Questions, _ review: FrozenReview, _ position: Int64, _ filter: ReviewFilter?) {
    self.questions = questions
    self.review = review
    self.position = position
    self.filter = filter
  }

  /// The next items, perhaps none; nil at the end.
  public mutating func next() throws -> [ShownItem]? {
    if number > review.count { return nil }
    let count = filter == nil ? ReviewReader.itemsPerSlice : Questions.itemsPerLook
    let numbers = number..<min(number + count, review.count + 1)
    number = numbers.upperBound
    let items: [ShownItem]
    if let filter {
      items = try questions.admitted(ReviewReader(questions.tenant, review, by: filter.reviewer), numbers, filter)
    } else {
      items = try questions.evidence(of: review, numbers)
    }
    for item in items { summary.add(item) }
    return items
  }

  /// The next bytes of all of it as one JSON object, the summary of the evidence last; nil at the end.
  public mutating func nextBytes() throws -> [UInt8]? {
    switch place {
    case .end: return nil
    case .head:
      writer.beginObject()
      writer.writeHead(of: review, position)
      writer.key("items")
      writer.beginArray()
      place = .items
    case .items: break
    }
    if let items = try next() {
      for item in items { writer.value(item.json(review.standing.progress.deadline)) }
    } else {
      writer.endArray()
      if filter == nil {
        writer.key("summary")
        writer.value(summary.json)
      }
      writer.endObject()
      place = .end
    }
    return writer.take()
  }
}

extension Questions {
  /// The items of a review at a moment, to be taken slice by slice; nil where there was no such review.
  ///
  /// - Parameter filter: which items are listed, each with what it gives and what speaks for or against it. The default is the
  ///   evidence: all of them, with who may decide or decided, and what came of it.
  public func reviewItems(
    of id: String, _ filter: ReviewFilter? = nil, at: Instant? = nil, asKnownAt: AsKnownAt = .head
  ) throws -> ReviewItems? {
    try frozenReview(id, at: at, asKnownAt: asKnownAt).map { ReviewItems(self, $0.review, $0.position, filter) }
  }
}
