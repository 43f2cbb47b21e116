public import AccessGraph
public import EventLog
public import Governance
public import JSON
public import Temporal
import Usage

/// A review in a list.
public struct ShownReview: Hashable, Sendable {
  /// Its id.
  public var id: String
  /// Where it stands.
  public var standing: ReviewStanding

  func members(at t: Instant) -> JSONObject {
    var object: JSONObject = [
      "id": .string(id), "state": .string(standing.progress.state.rawValue), "event": .integer(standing.position),
      "overdue": .bool(standing.progress.state == .open && standing.progress.deadline <= t),
    ]
    for member in standing.review.json.objectValue ?? [:] { object[member.name] = member.value }
    return object
  }
}

/// The reviews of a tenant.
public struct ReviewListReport: Report {
  /// The reviews, in the order of their opening.
  public var reviews: [ShownReview]
  /// The moment.
  public var view: Viewpoint
  /// The head it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("at", view.at)
    writer.member("as_known_at", view.asKnownAt)
    writer.member("position", position)
    writer.key("reviews")
    writer.value(.array(reviews.map { .object($0.members(at: view.at)) }))
    writer.endObject()
  }
}

/// Which items of a review are asked for.
public struct ReviewFilter: Hashable, Sendable {
  /// Those that this identity may decide.
  public var reviewer: String?
  /// Those that stand there.
  public var decisionState: DecisionState?
  /// Those that this identity or group holds.
  public var principal: Entity?
  /// Those that give this role, or membership in a group that does.
  public var role: String?
  /// Memberships in this group, and what it holds.
  public var group: String?
  /// Those for which this is recommended.
  public var recommendation: ReviewChoice?

  /// A filter; the default lets all through.
  public init() {}

  /// Whether it lets an item through: by how it stands, before anybody is asked who may decide about it.
  func admitsStanding(_ row: ReviewRow) -> Bool {
    let found = row.current
    if let decisionState, row.decisionState != decisionState { return false }
    if let principal, found.principal != principal { return false }
    if let role, !(found.grant?.role.isExactly(role) ?? false) { return false }
    if let group {
      switch found.item {
      case .membership(let other, _): if !other.isExactly(group) { return false }
      case .assignment: if found.principal != .group(group) { return false }
      }
    }
    return true
  }

  /// Whether it lets an item through of which all is known.
  func admits(_ item: ShownItem) -> Bool {
    if reviewer != nil, item.row.isAskedReviewers != true { return false }
    return recommendation.map { item.assessment?.recommendation == $0 } ?? true
  }
}

/// An item as it is shown.
public struct ShownItem: Hashable, Sendable {
  /// The item.
  public var row: ReviewRow
  /// What a reviewer is shown of it; nil in the report on the whole.
  public var assessment: ItemAssessment?
  /// Whether who decided holds it, granted it or the like, as judged now; no such decision is recorded.
  public var objection: ReviewerObjection?
  /// How far the ending of an assignment has come that was executed.
  public var fulfilment: Fulfilment?

  /// Microseconds from the decision, or for what nobody decided from the deadline, to its execution; nil while there is none.
  public func delay(_ deadline: Instant) -> Int64? {
    guard let execution = row.state?.execution, execution.outcome != .failed else { return nil }
    let due = row.state?.decision.map(\.at) ?? deadline
    return due.distance(to: execution.at)
  }
}

/// What the items of a review come to, added up one by one.
public struct ReviewSummary: Hashable, Sendable {
  private var states: [DecisionState: Int] = [:]
  private var choices: [ReviewChoice: Int] = [:]
  private var outcomes: [ReviewExecution.Outcome: Int] = [:]
  /// Items decided together with others by one command.
  public private(set) var bulk = 0
  /// Items that nobody may decide.
  public private(set) var withoutReviewer = 0
  /// Items that somebody decided who, as judged now, holds them.
  public private(set) var selfReviews = 0

  /// Nothing yet.
  public init() {}

  mutating func add(_ item: ShownItem) {
    let row = item.row
    states[row.decisionState, default: 0] += 1
    if row.decisionState == .decided, let decision = row.state?.decision {
      choices[decision.choice, default: 0] += 1
      if decision.isBulk { bulk += 1 }
    }
    if let outcome = row.state?.execution?.outcome { outcomes[outcome, default: 0] += 1 }
    if row.decisionState.isAwaited, row.reviewers.route == nil { withoutReviewer += 1 }
    if item.objection == .holder { selfReviews += 1 }
  }

  /// How many items there are.
  public var items: Int { states.values.reduce(0, +) }

  /// How many items stand there.
  public func count(_ state: DecisionState) -> Int { states[state] ?? 0 }

  /// How many were decided that way.
  public func count(_ choice: ReviewChoice) -> Int { choices[choice] ?? 0 }

  /// How many executions came to that.
  public func count(_ outcome: ReviewExecution.Outcome) -> Int { outcomes[outcome] ?? 0 }

  /// Hundredths of the items that need no decision any more, rounded down: 100 is all of them.
  public var completion: Int { states.completion }

  /// The summary as an object.
  var json: JSONValue {
    let counts: [(String, Int)] = [
      ("items", items), ("decided", count(.decided)), ("undecided", count(.undecided)), ("changed", count(.changed)),
      ("ended", count(.ended)), ("keep", count(.keep)), ("revoke", count(.revoke)), ("reduce", count(.reduce)), ("bulk", bulk),
      ("no_eligible_reviewer", withoutReviewer), ("executed", count(.done)), ("nothing_left", count(.gone)),
      ("failed", count(.failed)), ("completion_percent", completion), ("self_reviews", selfReviews),
    ]
    var object = JSONObject()
    for (name, count) in counts { object[name] = .integer(Int64(count)) }
    return .object(object)
  }
}

extension DecisionCounts {
  /// Hundredths of the items that need no decision any more, rounded down: 100 is all of them.
  var completion: Int {
    let all = values.reduce(0, +)
    return all == 0 ? 100 : 100 * ((self[.decided] ?? 0) + (self[.ended] ?? 0)) / all
  }
}

/// A review as a whole: where it stands and what its items come to.
public struct ReviewReport: Report {
  /// The review, its population derived from the log.
  public var review: FrozenReview
  /// What its items come to.
  public var summary: ReviewSummary
  /// The head it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.writeHead(of: review, position)
    writer.key("summary")
    writer.value(summary.json)
    writer.key("items")
    writer.value([])
    writer.endObject()
  }
}

extension JSONWriter {
  /// Writes what every answer about a review begins with.
  mutating func writeHead(of review: FrozenReview, _ position: Int64) {
    member("at", review.view.at)
    member("as_known_at", review.view.asKnownAt)
    member("position", position)
    key("review")
    value(.object(ShownReview(id: review.id, standing: review.standing).members(at: review.view.at)))
    key("verification")
    value(["count": .integer(Int64(review.count)), "sha256": .string(review.digest), "matches": .bool(review.isVerified)])
  }
}

extension ShownItem {
  /// The item as an object.
  ///
  /// - Parameter deadline: of its review.
  func json(_ deadline: Instant) -> JSONValue {
    let found = row.current
    var object = found.json.objectValue ?? [:]
    object["number"] = .integer(Int64(row.number))
    object["digest"] = .string(found.digest)
    object["decision_state"] = .string(row.decisionState.rawValue)
    object["changed_since_opening"] = .bool(row.present != row.frozen)
    var reviewers: JSONObject = ["reviewers": .array(row.reviewers.reviewers.map { .string($0) })]
    if let route = row.reviewers.route { reviewers["as"] = .string(route.rawValue) }
    reviewers["passed_over"] = .array(
      row.reviewers.passedOver.map {
        ["reviewer": .string($0.reviewer), "as": .string($0.route.rawValue), "because": .string($0.objection.rawValue)]
      })
    object["review_by"] = .object(reviewers)
    if let state = row.state { object["state"] = state.json }
    if let position = row.position { object["state_event"] = .integer(position) }
    if let objection { object["self_review"] = .string(objection.rawValue) }
    if let execution = row.state?.execution, let position = row.position {
      // What did it lies right behind the event that says so.
      if execution.outcome == .done { object["executing_event"] = .integer(position + 1) }
      if let delay = delay(deadline) { object["delay_seconds"] = .integer(delay / 1_000_000) }
      object["fulfilment"] = .string(fulfilment?.stage.rawValue ?? (execution.outcome == .failed ? "open" : "recorded"))
    }
    if let assessment { object["assessment"] = assessment.json }
    return .object(object)
  }
}

extension ItemAssessment {
  /// The assessment as an object.
  var json: JSONValue {
    var object = JSONObject()
    object["entitlements"] = .array(
      entitlements.map { entitlement in
        [
          "assignment": .string(entitlement.assignment), "role": .string(entitlement.role), "scope": .string(entitlement.scope),
          "actions": entitlement.actions.map { .array($0.map { .string($0) }) } ?? .null,
          "remaining": .array(entitlement.remaining.map { .string($0) }),
          "remains_by": .array(entitlement.remainsBy.map { .string($0) }),
        ]
      })
    object["entitlement_count"] = .integer(Int64(entitlementCount))
    object["privileged"] = .bool(privilege != .no)
    if privilege == .unknown { object["privilege"] = .string(privilege.rawValue) }
    object["suspended"] = .bool(isSuspended)
    if let orphan { object["orphan"] = .string(orphan.rawValue) }
    if !breaches.isEmpty { object["breaches"] = .array(breaches.map { .string($0) }) }
    object["history"] = history.json
    object["last_use"] = lastUse.json
    if let recommendation { object["recommendation"] = .string(recommendation.rawValue) }
    object["reasons"] = .array(reasons.map { .string($0.rawValue) })
    return .object(object)
  }
}

extension LastUse {
  /// The last use, or since when none was seen; where none would be seen now why, and until when one would have been.
  var json: JSONValue {
    var object: JSONObject = ["observable": .bool(unseen == nil)]
    if let at { object["at"] = .string(at.description) }
    if let noneSince { object["none_since"] = .string(noneSince.description) }
    if let unseen {
      object["reason"] = .string(unseen.rawValue)
      if let seen { object["seen_from"] = .string(seen.from.description) }
      if let until = seen?.to { object["seen_until"] = .string(until.description) }
    }
    return .object(object)
  }
}

extension ItemHistory {
  var json: JSONValue {
    switch self {
    case .neverReviewed: ["word": "never_reviewed"]
    case .unchanged(let review, let at):
      ["word": "unchanged", "review": .string(review), "at": .string(at.description)]
    case .changed(let review, let at): ["word": "changed", "review": .string(review), "at": .string(at.description)]
    }
  }
}

extension Questions {
  /// The reviews up to a moment, in the order of their opening.
  public func reviews(
    state: ReviewState? = nil, at: Instant? = nil, asKnownAt: AsKnownAt = .head
  ) throws -> ReviewListReport {
    try ask(at, asKnownAt) { graph, view in
      let world = graph.world(asKnownAt: view.asKnownAt)
      let shown = world.reviews.compactMap { id in
        world.review(id, at: view.at).map { ShownReview(id: id, standing: $0) }
      }.filter { item in state.map { $0 == item.standing.progress.state } ?? true }
      return ReviewListReport(reviews: shown, view: view, position: graph.position)
    }
  }

  /// A review as a whole at a moment; nil where there was none.
  ///
  /// O(items), and the first time O(grants of the tenant) for the population; of the items a slice is in memory at a time.
  public func review(_ id: String, at: Instant? = nil, asKnownAt: AsKnownAt = .head) throws -> ReviewReport? {
    guard var items = try reviewItems(of: id, at: at, asKnownAt: asKnownAt) else { return nil }
    while try items.next() != nil {}
    return items.report
  }

  /// A review at a moment, its population derived, and the head that it was read at; nil where there was none.
  func frozenReview(_ id: String, at: Instant?, asKnownAt: AsKnownAt) throws -> (review: FrozenReview, position: Int64)? {
    let (view, position) = try ask(at, asKnownAt) { graph, view in (view, graph.position) }
    return try tenant.frozenReview(id, from: view).map { ($0, position) }
  }

  /// Some items of a review as a report on all of it has them: who may decide or decided, and what came of it.
  func evidence(of review: FrozenReview, _ numbers: Range<Int>) throws -> [ShownItem] {
    let reader = ReviewReader(tenant, review)
    return try shown(try reader.rows(numbers), of: review, reader.witness, assessing: false)
  }

  /// Rows as they are shown, with what is judged of those that were decided and executed.
  ///
  /// - Parameter isAssessed: whether each comes with what it gives and what speaks for or against it.
  func shown(
    _ rows: [ReviewRow], of review: FrozenReview, _ witness: [Int64: Witness], assessing isAssessed: Bool
  ) throws -> [ShownItem] {
    let view = review.view
    let fulfilments = try tenant.fulfilments(ofAll: rows.compactMap(\.endedItem), at: view.at, asKnownAt: view.asKnownAt)
    let lastUses =
      isAssessed
      ? try lastUses(of: rows.map(\.frozen.item), at: review.judged.at, asKnownAt: view.asKnownAt) : [:]
    return try tenant.read { graph in
      let world = graph.world(asKnownAt: view.asKnownAt)
      let assessor =
        isAssessed
        ? ReviewAssessor(world, review: review.id, at: review.judged.at) { lastUses[$0.item] ?? .notLookedAt } : nil
      let objections = rows.objections(in: world, review.standing, witness)
      return rows.map { row in
        ShownItem(
          row: row, assessment: assessor?.assess(row.current), objection: objections[row.number],
          fulfilment: row.endedItem.flatMap { fulfilments[$0] })
      }
    }
  }

  /// What usage says of some grants up to a moment.
  func lastUses(of grants: [GrantName], at t: Instant, asKnownAt k: Int64) throws -> [GrantName: LastUse] {
    let during = Interval(from: .earliest, to: t.next)
    let exercises = try UsageStore(tenant).exercise(ofGrants: grants, during: during, asKnownAt: k)
    return Dictionary(exercises.map { ($0.grant, $0.lastUse(at: t)) }) { first, _ in first }
  }
}

extension [ReviewRow] {
  /// Why some decisions should not have been, each judged as it stood when it was made: whoever has moved on since had no part then.
  func objections(
    in world: GraphWorld, _ standing: ReviewStanding, _ witness: [Int64: Witness]
  ) -> [Int: ReviewerObjection] {
    var objections: [Int: ReviewerObjection] = [:]
    let decided = compactMap { row in row.state?.decision.map { (row, $0) } }.sorted { $0.1.at < $1.1.at }
    // What is remembered of one moment is forgotten at the next: there may be as many moments as items.
    var choice: (at: Instant, ReviewerChoice<GraphWorld>)?
    for (row, decision) in decided {
      let asked =
        choice.flatMap { $0.at == decision.at ? $0.1 : nil }
        ?? ReviewerChoice(
          world, standing.terms, at: decision.at, frozenAt: standing.progress.population.at, witness: witness)
      choice = (decision.at, asked)
      objections[row.number] = asked.objection(to: decision.by, of: row.current)
    }
    return objections
  }
}

extension ReviewRow {
  /// The grant that was ended by what was decided of it.
  var endedItem: GrantName? {
    guard let execution = state?.execution, execution.outcome != .failed, execution.measure != .lock else { return nil }
    return frozen.item
  }
}
