import AccessGraph
import EventLog
import Governance
import JSON
import Temporal
import Usage

/// Reports on what there is: roles, policies, privileged and orphaned things, and what sources say of it.
extension AuditReport {
  static let roles = AuditReport(
    "roles", "R17", "The catalogue of roles at a moment: owner, permissions, grants and holders", controls: ["AC-6(7)"],
    .moment,
    columns: ["role", "owner", "permissions", "includes", "grants", "holders", "versions", "revised_at", "last_review"]
      + authorityColumns,
    .keys({ try $0.ids(of: .role) }, perSlice: 20) { context, ids in
      let t = context.question.at
      let found = try context.read { graph, world in
        ids.compactMap { id -> (row: ReportRow, position: Int64)? in
          let entity = Entity.role(id)
          guard let span = world.value(of: .existence(entity), at: t), case .role(let document) = span.value else { return nil }
          let given = world.facts(about: entity).filter { fact in
            guard case .assignment = fact, case .grant(let grant)? = world.value(of: fact, at: t)?.value else { return false }
            return grant.role.isExactly(id)
          }
          let reviewed = given.compactMap { fact in
            GrantName(fact).flatMap { world.lastDecision(about: $0, at: t)?.decision.at }
          }
          let versions = world.entries(of: .existence(entity)).count { $0.effect != .ends && $0.moment.effective <= t }
          return (
            [
              .text(id), world.openAttributes(of: entity, at: t)["owner"]?.cell ?? .none,
              document.permissions.map { .document(.array($0.map(\.json))) } ?? .text("not known"), .list(document.includes),
              .integer(Int64(given.count)), .integer(Int64(graph.who(.role(id), from: context.view).count)),
              .integer(Int64(versions)),
              .instant(span.entry.effective), .instant(reviewed.max()),
            ], span.entry.position
          )
        }
      }
      let events = try context.events(at: found.map(\.position))
      return found.map { $0.row + authority(events[$0.position]) }
    }, totals: { [try $0.total(of: .role)] })

  static let roleChanges = AuditReport(
    "role-changes", "R17", "Every version of every role in a stretch, and who changed and approved it",
    controls: ["AC-6(7)", "CC8.1"],
    .stretch,
    columns: ["role", "change", "permissions", "permissions_before", "includes", "includes_before"] + authorityColumns,
    .events(["role.defined", "role.retired"]) { context, events in
      try context.read { _, world in
        events.map { recorded in
          let event = recorded.event
          let entity = event.change.entity
          var before: RoleDocument?
          if case .begins(.role(let document), _)? = world.entries(of: .existence(entity)).last(where: {
            $0.moment < event.moment
          })?
          .effect {
            before = document
          }
          var after: RoleDocument?
          if case .roleDefined(_, let document, _) = event.change { after = document }
          let change = after == nil ? "retired" : before == nil ? "defined" : "revised"
          return [
            .text(entity.id), .text(change), permissions(after), permissions(before), .list(after?.includes ?? []),
            .list(before?.includes ?? []),
          ] + authority(event)
        }
      }
    })

  private static func permissions(_ document: RoleDocument?) -> ReportCell {
    guard let document else { return .none }
    return document.permissions.map { .document(.array($0.map(\.json))) } ?? .text("not known")
  }

  static let policies = AuditReport(
    "policies", "R18", "Every version of every policy in a stretch, and who changed and approved it",
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

  /// A grant that reaches somebody and is privileged, or may be.
  private typealias PrivilegedGrant = (
    identity: String, kind: IdentityKind?, person: String?, reached: GraphWorld.ReachingGrant, privilege: Privilege
  )

  static let privileged = AuditReport(
    "privileged", "R11", "Who was privileged at a moment, by which grants, until when and by whose approval",
    controls: ["AC-6(5)", "A.8.2"],
    .moment,
    columns: [
      "identity", "kind", "person", "grant", "principal", "role", "scope", "expires_at", "standing", "conditional", "last_use",
      "privileged",
    ]
      + authorityColumns,
    .keys(
      { context in try context.read { graph, _ in graph.who(.privileged, from: context.view).map(\.identity) } }, perSlice: 50
    ) {
      context, identities in
      let t = context.question.at
      let found = try context.read { _, world in
        let rules = world.privilegedRules(at: t)
        return identities.flatMap { identity in
          world.grants(reaching: identity, at: t).compactMap { grant -> PrivilegedGrant? in
            let privilege = world.privilege(ofAllGivenBy: grant.grant.role, by: rules, at: t)
            if privilege == .no { return nil }
            return (identity, world.identityKind(identity, at: t), world.person(of: identity, at: t), grant, privilege)
          }
        }
      }
      let events = try context.events(at: found.map(\.3.span.entry.position))
      let ids = Set(found.map { Entity(.assignment, $0.3.fact.grantName.id) }).sorted().map(\.id)
      // What was used of the grant by anybody, at any time up to the moment.
      let exercise = try context.exercise(of: ids, during: Interval(from: .earliest, to: t.next))
      return found.map { identity, kind, person, reached, privilege in
        let grant = reached.grant
        return [
          .text(identity), .text(kind?.rawValue), .text(person), .text(reached.fact.grantName.id),
          .text(grant.principal.description), .text(grant.role), .text(grant.scope), .instant(reached.span.expiresAt),
          .bool(reached.span.expiresAt == nil), .bool(grant.condition != nil),
          .instant(exercise[reached.fact.grantName.id]?.lastUsed), .text(privilege.rawValue),
        ] + authority(events[reached.span.entry.position])
      }
    })

  static let orphans = AuditReport(
    "orphans", "R15",
    "Accounts without a person, and identities, groups, roles and policies without an owner, members or a document",
    controls: ["AC-2(3)b", "A.5.16"], .moment, columns: ["kind", "id", "problem", "since", "grants"],
    .keys(
      { context in try context.entities(of: [.identity, .group, .role, .policy]) }, perSlice: entitiesPerSlice
    ) { context, texts in
      try context.read { _, world in
        texts.compactMap { Entity(text: $0) }.flatMap { problems(of: $0, in: world, at: context.question.at) }
      }
    })

  private static func problems(of entity: Entity, in world: GraphWorld, at t: Instant) -> [ReportRow] {
    guard let span = world.value(of: .existence(entity), at: t) else { return [] }
    // The same rules as those of the findings.
    var problems = world.structuralFindings(about: entity, at: t).map { finding in
      switch finding.rule {
      case "orphaned_account": "account_without_person"
      case "empty_group": "group_without_members"
      default: finding.evidence["owner_is"]?.stringValue.map { "owner_is_\($0)" } ?? "without_owner"
      }
    }
    switch span.value {
    case .identity(.placeholder): problems.append("only_referred_to")
    case .role(let document): if document.permissions == nil { problems.append("document_not_known") }
    default: break
    }
    let grants = entity.kind == .identity || entity.kind == .group ? world.grants(of: entity, at: t).count : 0
    let since = world.existence(of: entity, at: span.entry)?.since.effective
    return problems.map {
      [.text(entity.kind.rawValue), .text(entity.id), .text($0), .instant(since), .integer(Int64(grants))]
    }
  }
}
