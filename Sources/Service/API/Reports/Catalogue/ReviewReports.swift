import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

/// Reports on what was reviewed, and what was not.
extension AuditReport {
  static let reviews = AuditReport(
    "reviews", "R9",
    "Access reviews item by item: frozen scope, reviewer, decision, rationale, sign-off, execution and its delay",
    controls: ["7.2.4", "AC-2j", "A.5.18"], .moment,
    parameters: [.init("review", "Only this review") { Limits.problem(identifier: $0) }],
    columns: [
      "review", "state", "scope", "frozen_at", "frozen_at_event", "items", "sha256", "verified", "number", "item", "principal",
      "role_or_group", "on", "reviewers", "reviewers_as", "standing", "decision", "reduced_to", "decided_by", "decided_as",
      "decided_at", "rationale", "self_review", "bulk", "deadline", "overdue", "measure", "outcome", "executed_at",
      "executing_event", "delay_seconds", "fulfilment", "signed_off_by", "signed_off_at", "closed_by", "closed_at",
      "completion_percent",
    ],
    .keys({ try slicesAskedFor($0) }, perSlice: 1) { context, slices in
      try slices.flatMap { text -> [ReportRow] in
        guard let slice = ReviewSlice(text: text), let review = try context.frozenReview(slice.review) else { return [] }
        let completion = try context.tenant.decisionCounts(of: review).completion
        return try context.questions.evidence(of: review, slice.numbers).map { item in
          row(of: item, in: review, completion: completion, at: context.question.at)
        }
      }
    }, totals: reviewTotals)

  private static func reviewsAskedFor(_ context: ReportContext) throws -> [String] {
    if let id = context.parameter("review") { return [id] }
    return try context.read { _, world in world.reviews.filter { world.review($0, at: context.question.at) != nil } }
  }

  /// The reviews, each in slices, so that no whole review is in memory.
  private static func slicesAskedFor(_ context: ReportContext) throws -> [String] {
    try reviewsAskedFor(context).flatMap { id -> [String] in
      guard let review = try context.frozenReview(id) else { return [] }
      return stride(from: 1, through: review.count, by: ReviewReader.itemsPerSlice).map { first in
        ReviewSlice(review: id, numbers: first..<min(first + ReviewReader.itemsPerSlice, review.count + 1)).text
      }
    }
  }

  private static func row(of item: ShownItem, in review: FrozenReview, completion: Int, at t: Instant) -> ReportRow {
    let (terms, progress) = (review.standing.terms, review.standing.progress)
    let (row, decision, execution) = (item.row, item.row.state?.decision, item.row.state?.execution)
    let found = row.current
    var group: String?
    if case .membership(let id, _) = found.item { group = id }
    let isOpen = row.decisionState.isAwaited
    let head: ReportRow = [
      .text(review.id), .text(progress.state.rawValue), .document(terms.query.document), .instant(progress.population.at),
      .integer(progress.population.position), .integer(progress.population.count), .text(progress.population.digest),
      .bool(review.isVerified),
    ]
    let what: ReportRow = [
      .integer(Int64(row.number)), .text(found.item.text), .text(found.principal?.description),
      .text(found.grant?.role ?? group), .text(found.grant?.scope), .list(row.reviewers.reviewers),
      .text(row.reviewers.route?.rawValue), .text(row.decisionState.rawValue),
    ]
    let decided: ReportRow = [
      .text(decision?.choice.rawValue), decision?.reduction.map { .document($0.document) } ?? .none, .text(decision?.by),
      .text(decision?.route.rawValue), .instant(decision?.at), .text(decision?.rationale),
      .text(item.objection?.rawValue), decision.map { .bool($0.isBulk) } ?? .none, .instant(progress.deadline),
      .bool(isOpen && progress.state == .open && progress.deadline <= t),
    ]
    let done: ReportRow = [
      .text(execution?.measure.rawValue), .text(execution?.outcome.rawValue), .instant(execution?.at),
      .integer(execution?.outcome == .done ? row.position.map { $0 + 1 } : nil),
      .integer(item.delay(progress.deadline).map { $0 / 1_000_000 }), .text(item.fulfilment?.stage.rawValue),
    ]
    let end: ReportRow = [
      .text(progress.signature?.by), .instant(progress.signature?.at), .text(progress.closing?.by),
      .instant(progress.closing?.at), .integer(Int64(completion)),
    ]
    return head + what + decided + done + end
  }

  /// Items against what the events of their opening froze, and decisions against the events of the log.
  private static func reviewTotals(_ context: ReportContext) throws -> [ControlTotal] {
    let ids = try reviewsAskedFor(context)
    var (items, decisions): (Int64, Int64) = (0, 0)
    for id in ids {
      guard let review = try context.frozenReview(id) else { continue }
      items += Int64(review.count)
      try ReviewReader(context.tenant, review).forEachSlice { numbers in
        decisions += try context.read { _, world in
          numbers.reduce(0) { $0 + world.countDecisions(about: review.item($1), of: id, by: context.question.at) }
        }
        return true
      }
    }
    let opened = try context.opened(context.parameter("review"))
    let asked = ControlTotal(name: "items of the reviews, as frozen when they were opened", report: items, log: opened)
    if context.parameter("review") != nil { return [asked] }
    let log = try context.tenant.countEvents(
      ofTypes: [ReviewItemStep.decided.eventType], during: Interval(from: .earliest, to: context.question.at.next),
      through: context.question.asKnownAt)
    return [asked, ControlTotal(name: "decisions, also those that were changed", report: decisions, log: log)]
  }

  private static let reviewedWithinDays: Int64 = 180

  static let unreviewed = AuditReport(
    "unreviewed", "R10", "Grants that no review has decided for so many days, and who holds them",
    controls: ["7.2.4", "7.2.5.1"], .moment,
    parameters: [
      .number("days", in: 1...3_650, "How many days; \(reviewedWithinDays), six months, where it is left out"),
      .number("system_days", in: 1...3_650, "The same of services, workloads, agents and roles; as many where it is left out"),
    ],
    columns: [
      "grant_kind", "grant", "principal", "principal_kind", "role_or_group", "scope", "held_since", "interval_days",
      "last_reviewed_at", "days_since", "last_review", "last_decision", "last_reviewer", "verdict",
    ],
    .keys(
      { context in try context.entities(of: [.assignment, .group]) }, perSlice: 50
    ) { context, texts in
      try context.read { _, world in
        texts.compactMap { Entity(text: $0) }.flatMap { entity -> [ReportRow] in
          let facts =
            entity.kind == .assignment
            ? [Fact.assignment(id: entity.id)]
            : world.memberships(in: entity.id)
          return facts.compactMap { unreviewed($0, in: world, context) }
        }
      }
    })

  /// The row of a grant that is due; nil for one that was reviewed in time, or has not been held so long.
  private static func unreviewed(_ fact: Fact, in world: GraphWorld, _ context: ReportContext) -> ReportRow? {
    let t = context.question.at
    guard let item = GrantName(fact), let found = world.reviewItem(item, at: t) else { return nil }
    let kind = found.principal.flatMap { $0.kind == .identity ? world.identityKind($0.id, at: t) : nil }
    let days = context.days(of: kind, usual: reviewedWithinDays)
    let last = world.lastDecision(about: item, at: t)
    let since = max(found.span.begun.effective, last?.decision.at ?? .earliest)
    guard since.distance(to: t) >= days * 86_400_000_000 else { return nil }
    let (name, id) = fact.grantName
    var group: String?
    if case .membership(let other, _) = fact { group = other }
    return [
      .text(name), .text(id), .text(found.principal?.description),
      .text(kind?.rawValue ?? (found.principal?.kind == .group ? "group" : nil)), .text(found.grant?.role ?? group),
      .text(found.grant?.scope), .instant(found.span.begun.effective), .integer(days), .instant(last?.decision.at),
      .integer(last.map { $0.decision.at.distance(to: t) / 86_400_000_000 }), .text(last?.review),
      .text(last?.decision.choice.rawValue), .text(last?.decision.by), .text(last == nil ? "never_reviewed" : "overdue"),
    ]
  }
}

/// Some items of a review, as a key of the report: their numbers before the review's id.
private struct ReviewSlice {
  let review: String
  let numbers: Range<Int>

  init(review: String, numbers: Range<Int>) {
    self.review = review
    self.numbers = numbers
  }

  init?(text: String) {
    let parts = text.utf8.split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, let first = Int(String(decoding: parts[0], as: UTF8.self)),
      let end = Int(String(decoding: parts[1], as: UTF8.self)), first < end
    else { return nil }
    self.init(review: String(decoding: parts[2], as: UTF8.self), numbers: first..<end)
  }

  var text: String { "\(numbers.lowerBound) \(numbers.upperBound) \(review)" }
}

extension World {
  /// How often an item was decided in a review by t.
  fileprivate func countDecisions(about item: GrantName, of review: String, by t: Instant) -> Int64 {
    Int64(
      entries(of: .reviewItem(review: review, item: item)).count { entry in
        guard case .begins(.reviewItem(let state), _) = entry.effect else { return false }
        return state.step == .decided && entry.moment.effective <= t
      })
  }
}

extension ReportContext {
  /// A review as of the question, its population derived; nil where there was none.
  fileprivate func frozenReview(_ id: String) throws -> FrozenReview? { try tenant.frozenReview(id, from: view) }

  /// Events of reviews that are read at once.
  private static let openingsPerPage = 500

  /// How many items the reviews opened by the moment froze, as the log says.
  fileprivate func opened(_ review: String?) throws -> Int64 {
    var filter = LogFilter()
    filter.type = ReviewStep.opened.eventType
    filter.entity = review.map { Entity(.review, $0) }
    filter.through = question.asKnownAt
    filter.effectiveTo = question.at.next
    var (sum, place): (Int64, Int64?) = (0, 0)
    while let after = place {
      let page = try tenant.log(filter, after: after, limit: Self.openingsPerPage)
      for recorded in page.events {
        guard case .review(_, _, _, _, let review) = recorded.event.change else { continue }
        sum += review?.progress?.population.count ?? 0
      }
      place = page.next
    }
    return sum
  }

  /// How long a grant of somebody of a kind may go without a review.
  fileprivate func days(of kind: IdentityKind?, usual: Int64) -> Int64 {
    let days = parameter("days").flatMap { Int64($0) } ?? usual
    switch kind {
    case .service, .workload, .agent, .assumableRole: return parameter("system_days").flatMap { Int64($0) } ?? days
    default: return days
    }
  }
}

extension World {
  /// What the last review to decide about a grant said of it by t.
  func lastDecision(about item: GrantName, at t: Instant) -> (review: String, decision: ReviewDecision)? {
    let decided = reviews.compactMap { id -> (review: String, decision: ReviewDecision)? in
      reviewItemState(item, of: id, at: t)?.state.decision.map { (id, $0) }
    }
    return decided.max { $0.decision.at < $1.decision.at }
  }
}

extension ReviewQuery {
  /// What is reviewed, as a document.
  fileprivate var document: JSONValue {
    var object = JSONObject()
    if let scope { object["scope"] = .string(scope) }
    for (name, ids) in [("roles", roles), ("groups", groups), ("identities", identities)] where !ids.isEmpty {
      object[name] = .array(ids.map { .string($0) })
    }
    if isPrivileged { object["privileged"] = true }
    return .object(object)
  }
}

extension ReviewReduction {
  /// To what something is reduced, as a document.
  fileprivate var document: JSONValue {
    var object = JSONObject()
    if let role { object["role"] = .string(role) }
    if let scope { object["scope"] = .string(scope) }
    if let expiresAt { object["expires_at"] = .string(expiresAt.description) }
    return .object(object)
  }
}
