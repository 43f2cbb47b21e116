import AccessGraph
import EventLog
import Governance
import JSON
import Temporal
import Usage

/// Reports on what was used, and what was not.
///
/// Usage is evidence and no event: what arrives later changes them, and running one again says so.
extension AuditReport {
  private static let dormantDays: Int64 = 90

  static let dormant = AuditReport(
    "dormant", "R14", "Identities that did nothing for so many days, and grants that nobody used, as far as usage could see it",
    controls: ["AC-2(3)", "8.2.6"],
    .moment,
    parameters: [.number("days", in: 1...3_650, "How many days; \(dormantDays) where it is left out")],
    columns: [
      "what", "subject", "kind", "principal", "role", "scope", "state", "last_use", "days_without_use", "grants",
      "standing_grants", "verdict",
    ],
    .keys(
      { context in try context.entities(of: [.identity, .assignment]) }, perSlice: entitiesPerSlice
    ) { context, texts in
      let entities = texts.compactMap { Entity(text: $0) }
      let identities = entities.filter { $0.kind == .identity }.map(\.id)
      return try dormant(identities, context) + unused(entities.filter { $0.kind == .assignment }.map(\.id), context)
    }, totals: { [try $0.total(of: .identity)] })

  /// The time that is looked at: so many days up to the moment.
  private static func window(_ context: ReportContext) -> Interval {
    let t = context.question.at
    let days = context.parameter("days").flatMap { Int64($0) } ?? dormantDays
    let from = max(t.microseconds - days * 86_400_000_000, Instant.earliest.microseconds)
    return Interval(from: Instant(microseconds: from), to: t.next)
  }

  private static func dormant(_ ids: [String], _ context: ReportContext) throws -> [ReportRow] {
    if ids.isEmpty { return [] }
    let (t, window) = (context.question.at, window(context))
    let last = try context.lastUses(of: ids)
    return try context.read { _, world in
      let isObserved = world.deliversUsage(throughout: Interval(exactly: window.from, to: t) ?? window)
      return ids.compactMap { id -> ReportRow? in
        guard let kind = world.identityKind(id, at: t) else { return nil }
        let used = last[id]
        if let used, used >= window.from { return nil }
        let grants = world.grants(of: .identity(id), at: t)
        return [
          .text("identity"), .text(id), .text(kind.rawValue), .none, .none, .none,
          .text(world.value(of: .suspension(identity: id), at: t) == nil ? "active" : "suspended"), .instant(used),
          .integer(used.map { $0.distance(to: t) / 86_400_000_000 }), .integer(Int64(grants.count)),
          .integer(Int64(grants.count { $0.span.expiresAt == nil })), .text(isObserved ? "dormant" : "not_observable"),
        ]
      }
    }
  }

  /// Grants that hold at the moment and gave nothing that was used within the window.
  private static func unused(_ ids: [String], _ context: ReportContext) throws -> [ReportRow] {
    if ids.isEmpty { return [] }
    let (t, window) = (context.question.at, window(context))
    let standing = try context.read { _, world in ids.filter { world.value(of: .assignment(id: $0), at: t) != nil } }
    let last = try context.exercise(of: standing, during: Interval(from: .earliest, to: t.next))
    return try context.exercise(of: standing, during: window).compactMap { id, exercise -> ReportRow? in
      guard exercise.lastUsed == nil else { return nil }
      let given = exercise.permissions.filter { $0.liesInScope && !$0.held.isEmpty }
      // Unused is said of the whole window only, and of all that the grant gives.
      let isObserved =
        exercise.isDocumentKnown && !given.isEmpty
        && given.allSatisfy { $0.held.subtracting($0.observed).isEmpty && $0.held.contains(window.from) }
      let used = last[id]?.lastUsed
      return [
        .text("grant"), .text(id), .text("assignment"), .text(exercise.grant.principal.description),
        .text(exercise.grant.role), .text(exercise.grant.scope), .none, .instant(used),
        .integer(used.map { $0.distance(to: t) / 86_400_000_000 }), .none, .none,
        .text(isObserved ? "unused" : "not_observable"),
      ]
    }.sorted { $0[1].isBefore($1[1]) }
  }

  static let deniedAttempts = AuditReport(
    "denied-attempts", "R20", "What was tried and refused, by whom, on what and how often", controls: ["10.2.1.4"], .stretch,
    columns: ["identity", "action", "resource", "day", "denied", "failed", "permitted", "first", "last"],
    .usage { _, usage in
      usage.filter { $0.denied > 0 }.map { entry in
        [
          .text(entry.identity), .text(entry.action), .text(entry.resource), .instant(entry.day.start), .integer(entry.denied),
          .integer(entry.failed), .integer(entry.uses - entry.denied - entry.failed), .instant(entry.firstUsed),
          .instant(entry.lastUsed),
        ]
      }
    })
}

extension ReportContext {
  /// When identities were last seen to do something that was permitted, by the moment; who never was is left out.
  func lastUses(of ids: [String]) throws -> [String: Instant] {
    try UsageStore(tenant).lastUses(of: ids, through: question.at)
  }

  /// What was used of assignments over a window, by their ids.
  func exercise(of assignments: [String], during window: Interval) throws -> [String: AssignmentExercise] {
    var found: [String: AssignmentExercise] = [:]
    for start in stride(from: 0, to: assignments.count, by: UsageStore.exercisedAtOnce) {
      let slice = Array(assignments[start..<min(start + UsageStore.exercisedAtOnce, assignments.count)])
      for exercise in try UsageStore(tenant).exercise(of: slice, during: window, asKnownAt: question.asKnownAt) {
        found[exercise.assignment] = exercise
      }
    }
    return found
  }
}

extension ReportCell {
  /// In the order of the bytes of texts.
  fileprivate func isBefore(_ other: ReportCell) -> Bool {
    guard case .text(let mine) = self, case .text(let theirs) = other else { return false }
    return mine.precedes(theirs)
  }
}

extension World {
  /// Whether some source that delivers usage vouched for something throughout a stretch, without a gap that it knows of.
  fileprivate func deliversUsage(throughout stretch: Interval) -> Bool {
    named(.source).contains { id in
      let source = Entity.source(id)
      func holdsThroughout(_ fact: Fact) -> Bool {
        holds(fact).contains { $0.interval.contains(stretch) }
      }
      let delivers = holds(.attribute(source, name: UsageStore.deliversUsage)).contains { span in
        span.value == .attribute(.open(.bool(true))) && span.interval.contains(stretch)
      }
      return delivers && facts(about: source).contains { if case .coverage = $0 { holdsThroughout($0) } else { false } }
    }
  }
}
