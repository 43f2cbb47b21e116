import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

/// The report on duties that are to be apart.
extension AuditReport {
  static let separation = AuditReport(
    "separation-of-duties", "R16",
    "Rules that keep duties apart, who held them together and when, what was accepted, and requests that a rule stopped "
      + "(a command that was refused at once leaves no event and is not counted)",
    controls: ["AC-5", "CC6.3"], .stretch,
    columns: [
      "what", "policy", "identity", "roles", "n", "from", "to", "holds_at_the_end", "accepted_until", "accepted_by", "request",
      "message",
    ] + authorityColumns,
    .keys({ _ in ["rule", "breach", "prevented"] }, perSlice: 1) { context, parts in
      try parts.flatMap { part in
        switch part {
        case "rule": try rules(context)
        case "breach": try breaches(context)
        default: try prevented(context)
        }
      }
    }, totals: { [try $0.total(of: .policy)] })

  /// The rules as they stand at the end, each with the event that wrote it.
  private static func rules(_ context: ReportContext) throws -> [ReportRow] {
    let found = try context.read { _, world in
      world.policies(ofType: .separationOfDuties).compactMap { id -> (ReportRow, Int64)? in
        guard let span = world.value(of: .existence(.policy(id)), at: context.end), case .policy(let document) = span.value,
          let rule = try? SeparationRule(document.rule)
        else { return nil }
        let row: ReportRow = [
          .text("rule"), .text(id), .none, .list(rule.roles), .integer(Int64(rule.n)), .instant(span.entry.effective), .none,
          .none, .none, .none, .none, .none,
        ]
        return (row, span.entry.position)
      }
    }
    let events = try context.events(at: found.map(\.1))
    return found.map { $0.0 + authority(events[$0.1]) }
  }

  /// Who held them together, and who answers for it where that was accepted.
  private static func breaches(_ context: ReportContext) throws -> [ReportRow] {
    let (conflicts, accepted) = try context.read { _, world in
      // Found whole, as their findings name them, and then clipped.
      let conflicts = world.separationConflicts(.policies(only: nil), during: .always).filter {
        !$0.held.intersection(context.during).isEmpty
      }
      return (conflicts, conflicts.map { world.finding($0.finding.id, at: context.end)?.acceptance })
    }
    let events = try context.events(at: accepted.compactMap { $0?.position })
    return zip(conflicts, accepted).flatMap { conflict, acceptance in
      let event = acceptance.flatMap { events[$0.position] }
      return conflict.held.intersection(context.during).intervals.map { interval -> ReportRow in
        [
          .text("breach"), .text(conflict.policy), .text(conflict.identity), .list(conflict.roles(during: interval)), .none,
          .instant(interval.from), .instant(interval.to),
          .bool(interval.to.map { to in context.during.to.map { to >= $0 } ?? false } ?? true),
          .instant(acceptance?.until), .text(event.map { $0.authority.actor?.id ?? $0.recordedBy.id }), .none, .none,
        ] + authority(event)
      }
    }
  }

  /// Requests that failed because they would have brought duties together; what was refused at once, the log does not have.
  private static func prevented(_ context: ReportContext) throws -> [ReportRow] {
    let found = try context.read { _, world in
      world.requests(since: context.during.from).compactMap { id -> (ReportRow, Int64)? in
        guard let standing = world.request(id, at: context.end), let failure = standing.progress.failure,
          failure.code == Refusal.Code.separationOfDuties.rawValue,
          context.during.contains(standing.progress.submittedAt)
        else { return nil }
        let terms = standing.terms
        var role: String?
        if case .assignment(_, let asked, _, _) = terms.proposal { role = asked }
        let row: ReportRow = [
          .text("prevented"), .text(terms.policy), .text(terms.requester), .list([role].compactMap { $0 }), .none,
          .instant(standing.progress.submittedAt), .none, .none, .none, .none, .text(id), .text(failure.message),
        ]
        return (row, standing.position)
      }
    }
    let events = try context.events(at: found.map(\.1))
    return found.map { $0.0 + authority(events[$0.1]) }
  }
}
