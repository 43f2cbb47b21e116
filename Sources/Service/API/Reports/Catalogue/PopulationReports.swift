import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

/// Reports on who there was, who came, who went and who changed places.
extension AuditReport {
  /// Identities looked at while the graph is held.
  static let entitiesPerSlice = 200

  static let identities = AuditReport(
    "identities", "R5", "All identities at a moment, with their state, kind, owner, manager and grants",
    controls: ["7.2.4", "AC-2"],
    .moment,
    columns: [
      "identity", "kind", "state", "since", "person", "owner", "manager", "grants", "standing_grants", "last_use", "attributes",
    ],
    .keys({ try $0.ids(of: .identity) }, perSlice: entitiesPerSlice) { context, ids in
      let t = context.question.at
      let lastUses = try context.lastUses(of: ids)
      return try context.read { _, world in
        ids.compactMap { id in
          guard let span = world.value(of: .existence(.identity(id)), at: t), case .identity(let kind) = span.value else {
            return nil
          }
          let attributes = world.openAttributes(of: .identity(id), at: t)
          let grants = world.grants(of: .identity(id), at: t)
          let isSuspended = world.value(of: .suspension(identity: id), at: t) != nil
          let rest = attributes.filter { $0.key != "owner" && $0.key != "manager" }.sorted { $0.key < $1.key }
          return [
            .text(id), .text(kind.rawValue), .text(isSuspended ? "suspended" : "active"),
            .instant(world.existence(of: .identity(id), at: span.entry)?.since.effective), .text(world.person(of: id, at: t)),
            attributes["owner"]?.cell ?? .none, attributes["manager"]?.cell ?? .none, .integer(Int64(grants.count)),
            .integer(Int64(grants.count { $0.span.expiresAt == nil })), .instant(lastUses[id]),
            .document(.object(JSONObject(rest.map { ($0.key, $0.value) }))),
          ]
        }
      }
    }, totals: { [try $0.total(of: .identity)] })

  static let joiners = AuditReport(
    "joiners", "R6", "Identities and grants that began in a stretch, with request and approval, and whether it came first",
    controls: ["CC6.2", "AC-2e", "7.2.3"], .stretch,
    columns: ["what", "subject", "principal", "role_or_group", "scope", "expires_at", "request", "flags"] + authorityColumns,
    .events(["identity.registered", "assignment.granted", "membership.added"]) { context, events in
      let isNew = try context.read { _, world in
        events.map { event -> Bool in
          guard case .identityRegistered(let id, _, _) = event.event.change else { return true }
          // A registration of what exists revises it, and nobody joins.
          return world.existence(of: .identity(id), at: event.event.moment)?.since == event.event.moment
        }
      }
      return zip(events, isNew).compactMap { recorded, isNew in isNew ? beginning(recorded.event) : nil }
    })

  /// The row of an event by which somebody or something begins; nil for any other.
  private static func beginning(_ event: Event) -> ReportRow? {
    switch event.change {
    case .identityRegistered(let id, let kind, _):
      return [.text("identity"), .text(id), .none, .text(kind.rawValue), .none, .none, .none, .list([])] + authority(event)
    case .assignmentGranted(let id, let grant):
      return [
        .text("assignment"), .text(id), .text(grant.principal.description), .text(grant.role), .text(grant.scope),
        .instant(grant.expiresAt), .text(event.authority.authorisedBy?.reference), .list(approvalFlags(event)),
      ] + authority(event)
    case .membershipAdded(let group, let member, let expiresAt):
      return [
        .text("membership"), .text(member.description), .text(member.description), .text(group), .none, .instant(expiresAt),
        .text(event.authority.authorisedBy?.reference), .list(approvalFlags(event)),
      ] + authority(event)
    default: return nil
    }
  }

  /// What an auditor asks of a grant's approval.
  private static func approvalFlags(_ event: Event) -> [String] {
    guard let approval = event.authority.authorisedBy else { return ["approval_not_recorded"] }
    var flags: [String] = []
    if let at = approval.at {
      if at > event.effectiveAt { flags.append("approved_after_grant") }
    } else {
      flags.append("approval_time_not_recorded")
    }
    if let actor = event.authority.actor, actor.id.isExactly(approval.approver) { flags.append("approved_by_granter") }
    if !approval.verified { flags.append("approval_asserted") }
    return flags
  }

  /// A day: what most organisations promise.
  private static let slaSeconds: Int64 = 86_400

  static let leavers = AuditReport(
    "leavers", "R7", "Identities that were suspended or retired in a stretch, and when each of their grants ended",
    controls: ["PS-4", "8.2.5"], .stretch,
    parameters: [
      .number("sla_seconds", in: 0...31_536_000, "How late is too late; \(slaSeconds), a day, where it is left out")
    ],
    columns: [
      "identity", "change", "left_at", "due_at", "late_seconds", "grant_kind", "grant", "grant_ended_at", "grant_late_seconds",
      "sla_breach",
    ]
      + authorityColumns,
    .events(["identity.suspended", "identity.retired"]) { context, events in
      try context.read { _, world in
        events.flatMap { recorded -> [ReportRow] in
          let event = recorded.event
          let id = event.change.entity.id
          let due = event.dueAt ?? event.effectiveAt
          let head: ReportRow = [
            .text(id), .text(event.change.type), .instant(event.effectiveAt), .instant(event.dueAt),
            .seconds(from: due, to: event.effectiveAt),
          ]
          let sla = context.parameter("sla_seconds").flatMap { Int64($0) } ?? slaSeconds
          func isBreach(_ end: Instant?) -> Bool { end.map { due.distance(to: $0) > sla * 1_000_000 } ?? true }
          let before = event.effectiveAt.adding(microseconds: -1)
          let held = world.grants(of: .identity(id), at: before)
          let rows = held.map { fact, span -> ReportRow in
            let (kind, name) = fact.grantName
            // Of the same beginning: a grant that came back later is another.
            let end = world.holds(fact).last { $0.begun == span.begun }?.to
            // Whoever is suspended or gone can use none of it.
            let isLate = isBreach([end, event.effectiveAt].compactMap { $0 }.min())
            return head + [.text(kind), .text(name), .instant(end), .seconds(from: due, to: end), .bool(isLate)]
              + authority(event)
          }
          // A key works on until it is revoked, whoever has left.
          let keys = world.workingCredentials(of: id, at: before).map { standing -> ReportRow in
            let end = world.credential(standing.id, at: context.question.at)?.endedAt
            return head + [
              .text(standing.document.kind.rawValue), .text(standing.id), .instant(end), .seconds(from: due, to: end),
              .bool(isBreach(end)),
            ] + authority(event)
          }
          let all = rows + keys
          return all.isEmpty
            ? [head + [.none, .none, .none, .none, .bool(isBreach(event.effectiveAt))] + authority(event)] : all
        }
      }
    })

  static let movers = AuditReport(
    "movers", "R8", "Attributes of identities that changed in a stretch, and what became of their grants", controls: ["PS-5"],
    .stretch,
    columns: [
      "identity", "attribute", "before", "after", "grants_before", "grants_kept", "grants_ended", "grants_begun", "grants_at",
      "reviews",
    ] + authorityColumns,
    .events(["identity.registered"]) { context, events in
      try context.read { _, world in
        events.flatMap { move($0.event, in: world, context) }
      }
    })

  private static func move(_ event: Event, in world: GraphWorld, _ context: ReportContext) -> [ReportRow] {
    guard case .identityRegistered(let id, _, let attributes) = event.change, event.effectiveAt > .earliest else { return [] }
    let identity = Entity.identity(id)
    let before = event.effectiveAt.adding(microseconds: -1)
    guard world.exists(identity, at: before) else { return [] }
    // What became of the grants is looked at where the stretch ends, or now.
    let later = min(context.during.to ?? context.question.at, context.question.at)
    let (first, last) = (world.grants(of: identity, at: before), world.grants(of: identity, at: later))
    let kept = last.count { now in first.contains { $0.fact == now.fact && $0.span.begun == now.span.begun } }
    let counts: [ReportCell] = [
      .integer(Int64(first.count)), .integer(Int64(kept)), .integer(Int64(first.count - kept)),
      .integer(Int64(last.count - kept)),
      .instant(later), .list(world.reviews(of: identity, from: event.effectiveAt, to: later)),
    ]
    return attributes.sorted { $0.key < $1.key }.compactMap { name, value in
      let old = world.value(of: .attribute(identity, name: name), at: before).flatMap { span -> AttributeValue? in
        if case .attribute(let value) = span.value { value } else { nil }
      }
      if old == value || (old == nil && value == .open(.null)) { return nil }
      return [.text(id), .text(name), cell(old), cell(value)] + counts + authority(event)
    }
  }

  /// An attribute's value; a personal one only says that there is one.
  private static func cell(_ value: AttributeValue?) -> ReportCell {
    switch value {
    case .open(let value)?: value == .null ? .none : value.cell
    case .sealed?: .text("(personal)")
    case nil: .none
    }
  }
}

extension World {
  /// The credentials that act as an identity or that it obtained, and that worked at t.
  fileprivate func workingCredentials(of identity: String, at t: Instant) -> [CredentialStanding] {
    var seen: Set<Entity> = []
    return (aliveCredentials(of: .identity(identity), at: t) + aliveCredentials(of: .holder(identity), at: t)).filter {
      seen.insert(.credential($0.id)).inserted
    }
  }

  /// The reviews opened between two instants that were about something that somebody holds.
  fileprivate func reviews(of principal: Entity, from first: Instant, to last: Instant) -> [String] {
    reviews.filter { id in
      guard let standing = review(id, at: last) else { return false }
      let frozen = standing.progress.population
      guard frozen.at >= first, frozen.at <= last else { return false }
      let then = known(at: frozen.position)
      return then.grants(of: principal).contains { fact in
        guard let item = GrantName(fact),
          let found = then.populationItem(item, of: standing.terms.query, at: frozen.at)
        else { return false }
        return found.principal == principal
      }
    }
  }
}
