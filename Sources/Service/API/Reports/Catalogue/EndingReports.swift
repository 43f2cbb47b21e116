import AccessGraph
import EventLog
import Governance
import JSON
import Temporal
import Usage

/// Reports on access that was to be short, and on what became of its end.
extension AuditReport {
  static let elevations = AuditReport(
    "elevations", "R12", "Requested access in a stretch, broken glass too: why, by whose approval, from when to when",
    controls: ["AC-2(2)", "A.8.2"], .stretch,
    columns: [
      "request", "requester", "asks_for", "principal", "role_or_group", "scope", "policy", "state", "break_glass",
      "submitted_at",
      "begun_at", "ended_at", "lasted_seconds", "approvers", "reason", "ticket", "uses", "actions", "post_review",
      "post_reviewed_by", "post_reviewed_at",
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
      let found = try context.read { _, world in
        ids.compactMap { id in world.request(id, at: context.question.at).map { (id, $0) } }
      }
      return try found.map { id, standing in
        try row(of: id, standing, at: context.question.at) + done(by: standing, context) + postReview(of: id, standing, context)
      }
    },
    totals: { context in
      let submitted = try context.read { _, world in
        world.requests(since: context.during.from).count { id in
          world.entries(of: .existence(.request(id))).first.map { context.during.contains($0.moment.effective) } ?? false
        }
      }
      let log = try context.tenant.countEvents(
        ofTypes: [RequestStep.submitted.eventType], during: context.during, through: context.question.asKnownAt)
      return [ControlTotal(name: "requests submitted", report: Int64(submitted), log: log)]
    })

  /// Uses that are looked at of one elevation: more than anybody makes by hand in some hours.
  private static let usesOfOne = 1_000

  /// How often whoever got it did something permitted while it lasted, and what.
  private static func done(by standing: RequestStanding, _ context: ReportContext) throws -> ReportRow {
    let progress = standing.progress
    guard let begun = progress.begunAt, case .assignment(let principal, _, _, _) = standing.terms.proposal,
      principal.kind == .identity
    else { return [.none, .list([])] }
    let ended = standing.state == .ended || standing.state == .active ? progress.expiresAt : nil
    let filter = UsageFilter(
      identity: principal.id, from: begun, to: [ended, context.question.at.next].compactMap { $0 }.min())
    let uses = try UsageStore(context.tenant).rows(filter, limit: usesOfOne).filter { $0.record.outcome != .denied }
    let actions = Set(uses.map { Entity(.resource, $0.record.action) }).sorted().map(\.id)
    return [.integer(Int64(uses.count)), .list(actions)]
  }

  /// What became of the finding that glass was broken: open, accepted or resolved, by whom and when.
  private static func postReview(of id: String, _ standing: RequestStanding, _ context: ReportContext) throws -> ReportRow {
    guard standing.progress.isBreakGlass else { return [.none, .none, .none] }
    let found = try context.tenant.findings(
      FindingFilter(rule: "break_glass", subject: .request(id)), at: context.question.at, asKnownAt: context.question.asKnownAt,
      limit: 1
    ).first
    let position = found?.acceptance?.position ?? found?.resolved?.position
    let event = try position.flatMap { try context.events(at: [$0])[$0] }
    return [
      .text(found?.state.rawValue), .text(event.map { $0.authority.actor?.id ?? $0.recordedBy.id }),
      .instant(event?.effectiveAt),
    ]
  }

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
    "expired-but-active", "R13", "Grants that have ended and were not seen to be gone where they were; it must be empty",
    controls: ["AC-2(2)"], .moment,
    columns: [
      "grant_kind", "grant", "principal", "role_or_group", "scope", "source", "ended_at", "because", "stage", "age_seconds",
      "seen_still",
    ],
    .openEndings { context, fulfilments in
      fulfilments.map { fulfilment in
        let ending = fulfilment.ending
        let (kind, name) = ending.item.fact.grantName
        return [
          .text(kind), .text(name), .text(ending.principal.description), .text(ending.grant?.role ?? ending.item.group),
          .text(ending.grant?.scope), .text(ending.source), .instant(ending.endedAt), .text(ending.reason.rawValue),
          .text(fulfilment.stage.rawValue), .seconds(from: ending.endedAt, to: context.question.at),
          .text(fulfilment.observed.flatMap { $0.shownBy == nil ? nil : $0.source }),
        ]
      }
    })

  static let backdated = AuditReport(
    "backdated", "R26", "Events that were recorded long after they took effect, and events that were voided: by whom and why",
    controls: ["AU-10", "AU-12(1)"], .stretch,
    parameters: [
      .number("lag_seconds", in: 0...3_153_600_000, "The shortest lag that is shown; 86400, a day, where it is left out")
    ],
    columns: [
      "type", "entity", "lag_seconds", "source", "basis", "voided_by", "voided_at", "void_reason", "used_before_recorded",
      "last_use_before_recorded",
    ] + authorityColumns,
    .log { context, events in
      let least = context.parameter("lag_seconds").flatMap { Int64($0) } ?? 86_400
      let voids = try voidings(of: events, context)
      return try events.compactMap { recorded -> ReportRow? in
        let event = recorded.event
        let lag = event.effectiveAt.distance(to: event.recordedAt) / 1_000_000
        let void = voids[event.position]
        guard lag >= least || void != nil else { return nil }
        return try [
          .text(event.change.type), .text(event.change.entity.description), .integer(lag), .text(event.source),
          .text(event.basis.rawValue), .integer(void?.position), .instant(void?.recordedAt), .text(void?.authority.reason),
        ] + used(before: event, context) + authority(event)
      }
    })

  /// Whether what a backdated event is about was used before anybody could know of it here.
  ///
  /// A grant by what it gave, an identity or a member by anything that it did; nothing for what nobody uses.
  private static func used(before event: Event, _ context: ReportContext) throws -> ReportRow {
    guard let lag = Interval(exactly: event.effectiveAt, to: event.recordedAt) else { return [.none, .none] }
    let last: Instant?
    switch event.change {
    case .assignmentGranted(let id, _): last = try context.exercise(of: [id], during: lag)[id]?.lastUsed
    case .identityRegistered(let id, _, _), .identitySuspended(let id), .identityRetired(let id):
      last = try context.lastUse(of: id, during: lag)
    case .membershipAdded(_, let member, _), .membershipRemoved(_, let member):
      guard member.kind == .identity else { return [.none, .none] }
      last = try context.lastUse(of: member.id, during: lag)
    case .assignmentRevoked(let id):
      let principal = try context.read { _, world in world.grants(id, before: event.effectiveAt)?.principal }
      guard let principal, principal.kind == .identity else { return [.none, .none] }
      last = try context.lastUse(of: principal.id, during: lag)
    default: return [.none, .none]
    }
    return [.bool(last != nil), .instant(last)]
  }

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
}

extension ReportContext {
  /// When an identity last did something permitted within a stretch; nil where no usage says that it did.
  fileprivate func lastUse(of identity: String, during stretch: Interval) throws -> Instant? {
    let filter = UsageFilter(identity: identity, from: stretch.from, to: stretch.to)
    let uses = try UsageStore(tenant).rows(filter, limit: UsageStore.maximumPage)
    return uses.first { $0.record.outcome != .denied }?.record.at
  }
}

extension World {
  /// What an assignment granted just before an instant.
  fileprivate func grants(_ assignment: String, before t: Instant) -> Grant? {
    guard t > .earliest, case .grant(let grant)? = value(of: .assignment(id: assignment), at: t.adding(microseconds: -1))?.value
    else { return nil }
    return grant
  }
}
