import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

/// Reports on access that was to be short, and on what became of its end.
extension AuditReport {
  static let elevations = AuditReport(
    "elevations", "Requested access in a stretch, broken glass too: why, by whose approval, from when to when",
    controls: ["AC-2(2)", "A.8.2"], .stretch,
    columns: [
      "request", "requester", "asks_for", "principal", "role_or_group", "scope", "policy", "state", "break_glass",
      "submitted_at",
      "begun_at", "ended_at", "lasted_seconds", "approvers", "reason", "ticket",
    ],
    .keys(
      { context in
        try context.read { _, world in
          // Submitted in the order of time, so those of the stretch are the first of the recent ones.
          world.requests(since: context.during.from).filter { id in
            world.entries(of: .existence(.request(id))).first.map { context.during.contains($0.moment.effective) } ?? false
          }
        }
      }, perSlice: entitiesPerSlice
    ) { context, ids in
      try context.read { _, world in
        ids.compactMap { id in world.request(id, at: context.question.at).map { row(of: id, $0, at: context.question.at) } }
      }
    })

  private static func row(of id: String, _ standing: RequestStanding, at t: Instant) -> ReportRow {
    let (terms, progress) = (standing.terms, standing.progress)
    let end = standing.state == .ended || standing.state == .active ? progress.expiresAt : nil
    let lasted = ReportCell.seconds(from: progress.begunAt, to: end.map { min($0, t) } ?? (progress.begunAt == nil ? nil : t))
    return [.text(id), .text(terms.requester)] + asked(terms.proposal) + [
      .text(terms.policy), .text(standing.state.rawValue), .bool(progress.isBreakGlass), .instant(progress.submittedAt),
      .instant(progress.begunAt), .instant(end), lasted, .list(progress.approvals.map(\.approver)), .text(progress.reason),
      .text(progress.ticket.map { "\($0.system):\($0.key)" }),
    ]
  }

  /// What is asked for, the principal, the role or group, and the scope.
  private static func asked(_ proposal: RequestProposal) -> [ReportCell] {
    switch proposal {
    case .assignment(let principal, let role, let scope, _):
      [.text("assignment"), .text(principal.description), .text(role), .text(scope)]
    case .membership(let group, let member): [.text("membership"), .text(member.description), .text(group), .none]
    case .assignmentExtension(let assignment): [.text("extension"), .text("assignment:\(assignment)"), .none, .none]
    case .role(let id, _): [.text("role_revision"), .none, .text(id), .none]
    case .policy(let id, _): [.text("policy_revision"), .text("policy:\(id)"), .none, .none]
    }
  }

  static let expiredButActive = AuditReport(
    "expired-but-active", "Grants that have ended and were not seen to be gone where they were; it must be empty",
    controls: ["AC-2(2)"], .moment,
    columns: [
      "grant_kind", "grant", "principal", "role_or_group", "scope", "source", "ended_at", "because", "stage", "age_seconds",
      "seen_still",
    ],
    .keys({ _ in [""] }, perSlice: 1) { context, _ in
      var rows: [ReportRow] = []
      var place: EndingPlace?
      repeat {
        let page = try context.tenant.fulfilments(
          FulfilmentFilter(.open), at: context.question.at, asKnownAt: context.question.asKnownAt, after: place, limit: 1_000)
        rows += page.fulfilments.map { fulfilment in
          let ending = fulfilment.ending
          let (kind, name) = ending.item.fact.grantName
          return [
            .text(kind), .text(name), .text(ending.principal.description), .text(ending.grant?.role ?? ending.item.group),
            .text(ending.grant?.scope), .text(ending.source), .instant(ending.endedAt), .text(ending.reason.rawValue),
            .text(fulfilment.stage.rawValue), .seconds(from: ending.endedAt, to: context.question.at),
            .text(fulfilment.observed.flatMap { $0.shownBy == nil ? nil : $0.source }),
          ]
        }
        place = page.next
      } while place != nil
      return rows
    })

  static let backdated = AuditReport(
    "backdated", "Events that were recorded long after they took effect, and events that were voided: by whom and why",
    controls: ["AU-10", "AU-12(1)"], .stretch,
    parameters: [
      .number("lag_seconds", in: 0...3_153_600_000, "The shortest lag that is shown; 86400, a day, where it is left out")
    ],
    columns: ["type", "entity", "lag_seconds", "source", "basis", "voided_by", "voided_at", "void_reason"] + authorityColumns,
    .log { context, events in
      let least = context.parameter("lag_seconds").flatMap { Int64($0) } ?? 86_400
      let voids = try voidings(of: events, context)
      return events.compactMap { recorded in
        let event = recorded.event
        let lag = event.effectiveAt.distance(to: event.recordedAt) / 1_000_000
        let void = voids[event.position]
        guard lag >= least || void != nil else { return nil }
        return [
          .text(event.change.type), .text(event.change.entity.description), .integer(lag), .text(event.source),
          .text(event.basis.rawValue), .integer(void?.position), .instant(void?.recordedAt), .text(void?.authority.reason),
        ] + authority(event)
      }
    })

  /// The events that void these, by the position of what they void.
  private static func voidings(of events: [RecordedEvent], _ context: ReportContext) throws -> [Int64: Event] {
    let voided = try context.read { _, world in
      events.map(\.event.position).filter { world.event(at: $0)?.isVoided == true }
    }
    var found: [Int64: Event] = [:]
    for position in voided {
      var filter = LogFilter()
      filter.type = "event.voided"
      filter.entity = Entity(.event, String(position))
      filter.through = context.question.asKnownAt
      found[position] = try context.tenant.log(filter, limit: 1).events.first?.event
    }
    return found
  }

  static let reconciliation = AuditReport(
    "reconciliation", "Each grant by the source that says so, and whether the systems that are read show it",
    controls: ["AC-2(1)", "A.5.16"], .moment,
    columns: ["grant_kind", "grant", "principal", "role_or_group", "scope", "source", "basis", "shown_by", "verdict"]
      + authorityColumns,
    .keys({ try $0.ids(of: .assignment) }, perSlice: entitiesPerSlice) { context, ids in
      let t = context.question.at
      let found = try context.read { _, world in
        ids.compactMap { id -> (fact: Fact, span: Span, grant: Grant, vouching: [String], shown: [String])? in
          let fact = Fact.assignment(id: id)
          guard let span = world.value(of: fact, at: t), case .grant(let grant) = span.value else { return nil }
          return (fact, span, grant, world.sources(vouchingFor: grant.scope, at: t), world.sources(showing: grant, at: t))
        }
      }
      let events = try context.events(at: found.map(\.span.entry.position))
      return found.map { fact, span, grant, vouching, shown in
        let event = events[span.entry.position]
        let isObserved = event?.basis == .observed
        let others = shown.filter { !$0.isExactly(span.source) }
        let missing = vouching.filter { source in !source.isExactly(span.source) && !shown.contains { $0.isExactly(source) } }
        let verdict =
          isObserved || !others.isEmpty
          ? "in_agreement" : missing.isEmpty ? "not_observable" : "not_shown_by: \(missing.joined(separator: " "))"
        return [
          .text(fact.grantName.kind), .text(fact.grantName.id), .text(grant.principal.description), .text(grant.role),
          .text(grant.scope), .text(span.source), .text(event?.basis.rawValue), .list(others), .text(verdict),
        ] + authority(event)
      }
    })
}

extension World {
  /// The sources that vouch for a scope at t, whole.
  fileprivate func sources(vouchingFor scope: String, at t: Instant) -> [String] {
    named(.source).filter { source in
      facts(about: .source(source)).contains { fact in
        guard case .coverage(_, let resource) = fact, Scope.covers(resource, scope) else { return false }
        return value(of: fact, at: t) != nil
      }
    }
  }

  /// The sources that show a grant of the same role to the same principal on a scope that covers it.
  fileprivate func sources(showing wanted: Grant, at t: Instant) -> [String] {
    var sources: [String] = []
    for (_, span) in grants(of: wanted.principal, at: t) {
      guard case .grant(let grant) = span.value, grant.role.isExactly(wanted.role), Scope.covers(grant.scope, wanted.scope),
        !sources.contains(where: { $0.isExactly(span.source) })
      else { continue }
      sources.append(span.source)
    }
    return sources.sorted { $0.precedes($1) }
  }
}
