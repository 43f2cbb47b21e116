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
    "dormant", "Identities that were not seen to do anything for so many days, with what they hold",
    controls: ["AC-2(3)", "8.2.6"],
    .moment,
    parameters: [.number("days", in: 1...3_650, "How many days; \(dormantDays) where it is left out")],
    columns: ["identity", "kind", "state", "last_use", "days_without_use", "grants", "standing_grants", "verdict"],
    .keys({ try $0.ids(of: .identity) }, perSlice: entitiesPerSlice) { context, ids in
      let t = context.question.at
      let days = context.parameter("days").flatMap { Int64($0) } ?? dormantDays
      let from = max(t.microseconds - days * 86_400_000_000, Instant.earliest.microseconds)
      let window = Interval(from: Instant(microseconds: from), to: t)
      let last = try UsageStore(context.tenant).lastUses(of: ids, through: t)
      return try context.read { _, world in
        let isObserved = world.deliversUsage(throughout: window)
        return ids.compactMap { id -> ReportRow? in
          guard let kind = world.identityKind(id, at: t) else { return nil }
          let used = last[id]
          if let used, used >= window.from { return nil }
          let grants = world.grants(of: .identity(id), at: t)
          return [
            .text(id), .text(kind.rawValue),
            .text(world.value(of: .suspension(identity: id), at: t) == nil ? "active" : "suspended"), .instant(used),
            .integer(used.map { $0.distance(to: t) / 86_400_000_000 }), .integer(Int64(grants.count)),
            .integer(Int64(grants.count { $0.span.expiresAt == nil })), .text(isObserved ? "dormant" : "not_observable"),
          ]
        }
      }
    }, totals: { [try $0.total(of: .identity)] })

  static let deniedAttempts = AuditReport(
    "denied-attempts", "What was tried and refused, by whom, on what and how often", controls: ["10.2.1.4"], .stretch,
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

extension World {
  /// Whether some source that delivers usage vouched for something throughout a stretch, without a gap that it knows of.
  fileprivate func deliversUsage(throughout stretch: Interval) -> Bool {
    named(.source).contains { id in
      let source = Entity.source(id)
      func holdsThroughout(_ fact: Fact) -> Bool {
        holds(fact).contains { span in Interval(exactly: span.from, to: span.to).map { $0.contains(stretch) } ?? false }
      }
      let delivers = holds(.attribute(source, name: UsageStore.deliversUsage)).contains { span in
        span.value == .attribute(.open(.bool(true)))
          && (Interval(exactly: span.from, to: span.to).map { $0.contains(stretch) } ?? false)
      }
      return delivers && facts(about: source).contains { if case .coverage = $0 { holdsThroughout($0) } else { false } }
    }
  }
}
