import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

/// Reports on what there is: roles, policies, privileged and orphaned things, and what sources say of it.
extension AuditReport {
  static let roles = AuditReport(
    "roles", "The catalogue of roles at a moment: owner, permissions, grants and holders", controls: ["AC-6(7)"], .moment,
    columns: ["role", "owner", "permissions", "includes", "grants", "holders", "versions", "revised_at"] + authorityColumns,
    .keys({ try $0.ids(of: .role) }, perSlice: 20) { context, ids in
      let t = context.question.at
      let found = try context.read { graph, world in
        ids.compactMap { id -> (row: ReportRow, position: Int64)? in
          let entity = Entity.role(id)
          guard let span = world.value(of: .existence(entity), at: t), case .role(let document) = span.value else { return nil }
          let grants = world.facts(about: entity).count { fact in
            guard case .assignment = fact, case .grant(let grant)? = world.value(of: fact, at: t)?.value else { return false }
            return grant.role.isExactly(id)
          }
          let versions = world.entries(of: .existence(entity)).count { $0.moment.effective <= t }
          return (
            [
              .text(id), world.openAttributes(of: entity, at: t)["owner"]?.cell ?? .none,
              document.permissions.map { .document(.array($0.map(\.json))) } ?? .text("not known"), .list(document.includes),
              .integer(Int64(grants)), .integer(Int64(graph.who(.role(id), from: context.view).count)),
              .integer(Int64(versions)),
              .instant(span.entry.effective),
            ], span.entry.position
          )
        }
      }
      let events = try context.events(at: found.map(\.position))
      return found.map { $0.row + authority(events[$0.position]) }
    }, totals: { [try $0.total(of: .role)] })

  static let policies = AuditReport(
    "policies", "Every version of every policy in a stretch, and who changed and approved it",
    controls: ["AC-3", "CM-3", "CC8.1"],
    .stretch, columns: ["policy", "change", "policy_type", "rule", "rule_before"] + authorityColumns,
    .events(["policy.defined", "policy.retired"]) { context, events in
      try context.read { _, world in
        events.map { recorded in
          let event = recorded.event
          let entity = event.change.entity
          let earlier = world.entries(of: .existence(entity)).last { $0.moment < event.moment }
          var before: PolicyDocument?
          if case .begins(.policy(let document), _)? = earlier?.effect { before = document }
          guard case .policyDefined(_, let document, _) = event.change else {
            return [
              .text(entity.id), .text("retired"), .text(before?.type.rawValue), .none,
              before.map { .document($0.rule) } ?? .none,
            ]
              + authority(event)
          }
          return [
            .text(entity.id), .text(before == nil ? "defined" : "revised"), .text(document.type.rawValue),
            .document(document.rule),
            before.map { .document($0.rule) } ?? .none,
          ] + authority(event)
        }
      }
    })

  static let privileged = AuditReport(
    "privileged", "Who was privileged at a moment, by which grants, until when and by whose approval",
    controls: ["AC-6(5)", "A.8.2"],
    .moment,
    columns: ["identity", "kind", "person", "grant", "principal", "role", "scope", "expires_at", "standing", "conditional"]
      + authorityColumns,
    .keys(
      { context in try context.read { graph, _ in graph.who(.privileged, from: context.view).map(\.identity) } }, perSlice: 50
    ) {
      context, identities in
      let t = context.question.at
      let found = try context.read { _, world in
        let patterns = world.privilegedPatterns(at: t)
        return identities.flatMap { identity in
          world.grants(reaching: identity, at: t).filter { world.gives($0.grant.role, patterns, at: t) }.map { grant in
            (identity, world.identityKind(identity, at: t), world.person(of: identity, at: t), grant)
          }
        }
      }
      let events = try context.events(at: found.map(\.3.span.entry.position))
      return found.map { identity, kind, person, reached in
        let grant = reached.grant
        return [
          .text(identity), .text(kind?.rawValue), .text(person), .text(reached.fact.grantName.id),
          .text(grant.principal.description), .text(grant.role), .text(grant.scope), .instant(reached.span.expiresAt),
          .bool(reached.span.expiresAt == nil), .bool(grant.condition != nil),
        ] + authority(events[reached.span.entry.position])
      }
    })

  static let orphans = AuditReport(
    "orphans", "Accounts without a person, and identities, groups, roles and policies without an owner, members or a document",
    controls: ["AC-2(3)b", "A.5.16"], .moment, columns: ["kind", "id", "problem", "since", "grants"],
    .keys(
      { context in
        try [EntityKind.identity, .group, .role, .policy].flatMap { kind in
          try context.ids(of: kind).map { Entity(kind, $0).description }
        }
      }, perSlice: entitiesPerSlice
    ) { context, texts in
      try context.read { _, world in
        texts.compactMap { Entity(text: $0) }.flatMap { problems(of: $0, in: world, at: context.question.at) }
      }
    })

  private static func problems(of entity: Entity, in world: GraphWorld, at t: Instant) -> [ReportRow] {
    guard let span = world.value(of: .existence(entity), at: t) else { return [] }
    var problems: [String] = []
    let owner = world.openAttributes(of: entity, at: t)["owner"]?.stringValue
    if let owner {
      if !world.exists(.identity(owner), at: t), !world.exists(.group(owner), at: t) { problems.append("owner_gone") }
    } else if !isPerson(span.value) {
      problems.append("without_owner")
    }
    switch span.value {
    case .identity(.account): if world.person(of: entity.id, at: t) == nil { problems.append("account_without_person") }
    case .identity(.placeholder): problems.append("only_referred_to")
    case .role(let document): if document.permissions == nil { problems.append("document_not_known") }
    case .group:
      let hasMembers = world.facts(about: entity).contains { fact in
        guard case .membership(let group, _) = fact, group.isExactly(entity.id) else { return false }
        return world.value(of: fact, at: t) != nil
      }
      if !hasMembers { problems.append("group_without_members") }
    default: break
    }
    let grants = entity.kind == .identity || entity.kind == .group ? world.grants(of: entity, at: t).count : 0
    let since = world.existence(of: entity, at: span.entry)?.since.effective
    return problems.map {
      [.text(entity.kind.rawValue), .text(entity.id), .text($0), .instant(since), .integer(Int64(grants))]
    }
  }

  /// A person needs no owner.
  private static func isPerson(_ value: FactValue) -> Bool {
    if case .identity(.person) = value { true } else { false }
  }

  static let separation = AuditReport(
    "separation-of-duties", "Who held duties together that are to be apart, and when", controls: ["AC-5", "CC6.3"], .stretch,
    columns: ["policy", "identity", "roles", "from", "to", "holds_at_the_end"],
    .keys({ _ in [""] }, perSlice: 1) { context, _ in
      let conflicts = try context.read { _, world in world.separationConflicts(.policies(only: nil), during: context.during) }
      return conflicts.flatMap { conflict in
        conflict.held.intervals.map { interval in
          [
            .text(conflict.policy), .text(conflict.identity), .list(conflict.roles), .instant(interval.from),
            .instant(interval.to),
            .bool(interval.to.map { to in context.during.to.map { to >= $0 } ?? false } ?? true),
          ]
        }
      }
    })
}
