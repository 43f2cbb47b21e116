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

  func admits(_ row: ReviewRow) -> Bool {
    let found = row.present ?? row.frozen
    if reviewer != nil, row.isAskedReviewers != true { return false }
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

/// A review with its items, as a list to decide from or as the evidence for an auditor.
public struct ReviewReport: Report {
  /// The review.
  public var shown: ShownReview
  /// The review with all its items.
  public var reading: ReviewReading
  /// The items asked for.
  public var items: [ShownItem]
  /// Of every item that somebody decided who, as judged now, had no right to: why, by the item's number.
  public var objections: [Int: ReviewerObjection] = [:]
  /// The head it was read at.
  public var position: Int64

  /// How many items stand there.
  public func count(_ state: DecisionState) -> Int { reading.rows.count { $0.decisionState == state } }

  /// How many were decided that way.
  public func count(_ choice: ReviewChoice) -> Int {
    reading.rows.count { $0.decisionState == .decided && $0.state?.decision?.choice == choice }
  }

  /// How many executions came to that.
  public func count(_ outcome: ReviewExecution.Outcome) -> Int {
    reading.rows.count { $0.state?.execution?.outcome == outcome }
  }

  /// Items decided together with others by one command.
  public var bulk: Int { reading.rows.count { $0.decisionState == .decided && $0.state?.decision?.isBulk == true } }

  /// Items that nobody may decide.
  public var withoutReviewer: Int {
    reading.rows.count { $0.decisionState.isAwaited && $0.reviewers.route == nil }
  }

  /// Hundredths of the items that need no decision any more, rounded down: 100 is all of them.
  public var completion: Int {
    let done = count(.decided) + count(.ended)
    return reading.rows.isEmpty ? 100 : 100 * done / reading.rows.count
  }

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("at", reading.view.at)
    writer.member("as_known_at", reading.view.asKnownAt)
    writer.member("position", position)
    writer.key("review")
    writer.value(.object(shown.members(at: reading.view.at)))
    writer.key("verification")
    writer.value([
      "count": .integer(Int64(reading.rows.count)), "sha256": .string(reading.digest), "matches": .bool(reading.isVerified),
    ])
    writer.key("summary")
    writer.value(summary)
    writer.key("items")
    writer.beginArray()
    for item in items { writer.value(item.json(reading.standing.progress.deadline)) }
    writer.endArray()
    writer.endObject()
  }

  private var summary: JSONValue {
    let counts: [(String, Int)] = [
      ("items", reading.rows.count), ("decided", count(.decided)), ("undecided", count(.undecided)),
      ("changed", count(.changed)),
      ("ended", count(.ended)), ("keep", count(.keep)), ("revoke", count(.revoke)), ("reduce", count(.reduce)), ("bulk", bulk),
      ("no_eligible_reviewer", withoutReviewer), ("executed", count(.done)), ("nothing_left", count(.gone)),
      ("failed", count(.failed)), ("completion_percent", completion),
      ("self_reviews", objections.values.count { $0 == .holder }),
    ]
    var object = JSONObject()
    for (name, count) in counts { object[name] = .integer(Int64(count)) }
    return .object(object)
  }
}

extension ShownItem {
  /// The item as an object.
  ///
  /// - Parameter deadline: of its review.
  func json(_ deadline: Instant) -> JSONValue {
    let found = row.present ?? row.frozen
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
    object["privileged"] = .bool(isPrivileged)
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
  /// The instant, or a word for why there is none.
  var json: JSONValue {
    switch self {
    case .notObservable: ["observable": false]
    case .at(let instant): ["observable": true, "at": .string(instant.description)]
    case .noneSince(let instant): ["observable": true, "none_since": .string(instant.description)]
    }
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

  /// A review with its items at a moment; nil where there was none.
  ///
  /// O(grants of the tenant) for the population, and a round trip for each 5,000 items.
  ///
  /// - Parameters:
  ///   - filter: which items are listed. The default is all.
  ///   - isAssessed: whether each item listed comes with what it gives and what speaks for or against it.
  ///   - limit: how many items at the most. The default is all.
  public func review(
    _ id: String, _ filter: ReviewFilter = ReviewFilter(), isAssessed: Bool = false, at: Instant? = nil,
    asKnownAt: AsKnownAt = .head, limit: Int = Int.max
  ) throws -> ReviewReport? {
    let (view, position) = try ask(at, asKnownAt) { graph, view in (view, graph.position) }
    guard let reading = try tenant.review(id, from: view, by: filter.reviewer) else { return nil }
    let ended = reading.rows.compactMap(\.endedItem)
    let fulfilments = try tenant.fulfilments(ofAll: ended, at: view.at, asKnownAt: view.asKnownAt)
    let isJudged = isAssessed || filter.recommendation != nil
    let candidates = reading.rows.filter { filter.admits($0) }
    // Which are recommended is known only once all are assessed.
    let shown = filter.recommendation == nil ? candidates.prefix(limit) : candidates[...]
    let lastUses = isJudged ? try lastUses(of: shown, at: reading.judgedAt, asKnownAt: view.asKnownAt) : [:]
    return try tenant.read { graph in
      let world = graph.world(asKnownAt: view.asKnownAt)
      let assessor =
        isJudged
        ? ReviewAssessor(world, review: id, at: reading.judgedAt) { lastUses[$0.item] ?? .notObservable } : nil
      var report = ReviewReport(
        shown: ShownReview(id: id, standing: reading.standing), reading: reading, items: [], position: position)
      report.objections = reading.rows.objections(in: world, reading.standing, reading.witness)
      for row in candidates {
        let assessment = assessor?.assess(row.present ?? row.frozen)
        if let wanted = filter.recommendation, assessment?.recommendation != wanted { continue }
        if report.items.count == limit { break }
        report.items.append(
          ShownItem(
            row: row, assessment: assessment, objection: report.objections[row.number],
            fulfilment: row.endedItem.flatMap { fulfilments[$0] })
        )
      }
      return report
    }
  }
}

extension Questions {
  /// What usage says of the assignments among some items, up to a moment; of memberships nothing is said.
  ///
  /// A round trip for each ``UsageStore/exercisedAtOnce`` of them.
  func lastUses(of rows: some Sequence<ReviewRow>, at t: Instant, asKnownAt k: Int64) throws -> [GrantName: LastUse] {
    var found: [GrantName: LastUse] = [:]
    let ids = rows.compactMap { row -> String? in
      if case .assignment(let id) = row.frozen.item { id } else { nil }
    }
    for start in stride(from: 0, to: ids.count, by: UsageStore.exercisedAtOnce) {
      let slice = Array(ids[start..<min(start + UsageStore.exercisedAtOnce, ids.count)])
      let during = Interval(from: .earliest, to: t.next)
      for exercise in try UsageStore(tenant).exercise(of: slice, during: during, asKnownAt: k) {
        found[.assignment(exercise.assignment)] = exercise.lastUse(at: t)
      }
    }
    return found
  }
}

extension AssignmentExercise {
  /// The last use by a moment; where there was none, since when every use would have been seen.
  fileprivate func lastUse(at t: Instant) -> LastUse {
    if let lastUsed { return .at(lastUsed) }
    let given = permissions.filter { $0.liesInScope && !$0.held.isEmpty }
    guard isDocumentKnown, !given.isEmpty else { return .notObservable }
    let since = given.map { permission in permission.observed.intervals.first { $0.contains(t) }?.from }
    guard !since.contains(nil), let last = since.compactMap({ $0 }).max() else { return .notObservable }
    return .noneSince(last)
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
      objections[row.number] = asked.objection(to: decision.by, of: row.present ?? row.frozen)
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
