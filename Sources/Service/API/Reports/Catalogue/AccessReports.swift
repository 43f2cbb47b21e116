import AccessGraph
import EventLog
import Governance
import JSON
import Relations
import Temporal

/// Reports that are questions with everything behind their answers.
extension AuditReport {
  /// Paths shown of one identity's access.
  private static let pathsShown = 20

  static let accessToResource = AuditReport(
    "access-to-resource", "R1", "Who had access to a resource at a moment, by which paths and by whose authority",
    controls: ["AC-2d", "A.5.18"], .moment, parameters: [.action, .resource(required: true)],
    columns: [
      "identity", "kind", "person", "status", "without_entitlement", "by_becoming", "path", "assignment", "expires_at",
      "conditions",
    ]
      + authorityColumns + ["learnt_later"],
    .keys(
      { context in
        try context.read { graph, _ in
          let subject = WhoSubject.access(action: context.required("action"), resource: context.required("resource"))
          let holders = graph.who(subject, from: context.view)
          let becoming = graph.becoming(subject, from: context.view, beside: holders)
          let all = Set((holders.map(\.identity) + becoming.ways.map(\.identity)).map { Entity.identity($0) })
          return all.sorted().map(\.id)
        }
      }, perSlice: 50
    ) { context, identities in
      let answers = try context.read { graph, world in
        identities.map { identity in
          (
            identity, world.identityKind(identity, at: context.question.at),
            world.person(of: identity, at: context.question.at),
            ways(of: identity, graph, context)
          )
        }
      }
      let events = try context.events(at: answers.flatMap { $0.3.flatMap(\.positions) })
      return answers.flatMap { identity, kind, person, ways in
        ways.map { way in
          let path = way.path
          let grant = path.grant
          let learnt = way.positions.compactMap { events[$0]?.recordedAt }.contains { $0 > context.question.at }
          return [
            .text(identity), .text(kind?.rawValue), .text(person), .text(way.status.rawValue),
            .bool(path.steps.contains { $0.dueAt.map { $0 <= context.question.at } ?? false }),
            .list(way.chain.map(\.becomes)), .text((way.chain.map(\.text) + [path.text]).joined(separator: " → ")),
            .text(grant?.id), .instant(path.steps.compactMap(\.expiresAt).min()),
            .list((way.chain.flatMap(\.conditions) + path.conditions).map(\.text)),
          ] + authority(grant.flatMap { events[$0.position] }) + [.bool(learnt)]
        }
      }
    },
    totals: { context in
      let (action, resource) = (context.required("action"), context.required("resource"))
      let graph = try context.read { graph, _ in
        graph.who(.access(action: action, resource: resource), from: context.view)
      }
      let sql = try context.tenant.withConnection { connection in
        try SQLQuestions.who(
          tenant: context.tenant.name, action: action, resource: resource, from: context.view, on: connection)
      }
      return [
        ControlTotal(
          name: "identities with a status, by the graph and by the SQL functions", report: Int64(graph.count),
          log: Int64(
            zip(graph, sql.sorted { $0.identity.precedes($1.identity) }).count { $0.isSame(as: $1) }
              + abs(graph.count - sql.count)))
      ]
    })

  /// A path to an access, by becoming others first or as oneself.
  private struct WayToAccess {
    let chain: [BecomingStep]
    let path: Path
    let status: Status

    /// The events of all its steps.
    var positions: [Int64] { chain.map(\.position) + path.steps.map(\.position) }
  }

  /// The paths of an identity, and those of whom it comes to more by becoming.
  private static func ways(of identity: String, _ graph: AccessGraph, _ context: ReportContext) -> [WayToAccess] {
    let (action, resource) = (context.required("action"), context.required("resource"))
    let answer = graph.why(identity, action: action, resource: resource, from: context.view, limit: pathsShown)
    let own = answer.paths.map { WayToAccess(chain: [], path: $0, status: $0.status) }
    if answer.status == .allowed { return own }
    let becoming = graph.becoming(identity, action: action, resource: resource, from: context.view)
    return own
      + becoming.ways.prefix(pathsShown).compactMap { way in
        way.path.map { WayToAccess(chain: way.steps, path: $0, status: way.status) }
      }
  }

  static let accessOfIdentity = AuditReport(
    "access-of-identity", "R2", "What an identity could do at a moment", controls: ["AC-2d", "7.2.1"], .moment,
    parameters: [.identity(required: true)],
    columns: [
      "identity", "status", "effect", "action", "resource", "scope", "conditions", "without_entitlement", "unknown_role",
    ],
    .keys({ [$0.required("identity")] }, perSlice: 1) { context, identities in
      try context.read { graph, _ in
        identities.flatMap { identity in
          graph.what(identity, from: context.view).map { held in
            [
              .text(identity), .text(held.remainder.status.rawValue), .text(held.right.effect.rawValue),
              .text(held.right.action),
              .text(held.right.resource), .text(held.right.scope), .list(held.right.conditions.map(\.text)),
              .bool(held.isWithoutEntitlement), .text(held.right.unknownRole),
            ]
          }
        }
      }
    })

  static let accessChanges = AuditReport(
    "access-changes", "R3", "What was gained and lost in a stretch, with the events that caused it",
    controls: ["PS-5", "CC6.3"],
    .stretch, parameters: [.identity(), .resource()],
    columns: ["identity", "at", "change", "before", "now", "action", "resource", "scope", "conditions", "due_at", "by_expiry"]
      + authorityColumns,
    .keys(
      { context in
        if let identity = context.parameter("identity") { return [identity] }
        return try context.ids(of: .identity)
      }, perSlice: 20
    ) { context, identities in
      let turns = try context.read { graph, _ in
        identities.flatMap { identity in
          graph.timeline(
            identity, resource: context.parameter("resource"), during: context.during, asKnownAt: context.question.asKnownAt
          ).map { (identity, $0) }
        }
      }
      let events = try context.events(at: turns.flatMap { $0.1.causes.map(\.position) })
      return turns.flatMap { identity, turn in
        // One row for each cause; a turn without one that is known has a row all the same.
        (turn.causes.isEmpty ? [nil] : turn.causes.map { $0 }).map { cause in
          [
            .text(identity), .instant(turn.at), .text(turn.kind.rawValue), .text(turn.before?.rawValue),
            .text(turn.now?.rawValue), .text(turn.right.action),
            .text(turn.right.resource), .text(turn.right.scope), .list(turn.right.conditions.map(\.text)),
            .instant(cause?.dueAt), .bool(cause?.isExpiry ?? false),
          ] + authority(cause.flatMap { events[$0.position] }, at: cause?.position)
        }
      }
    }, countsEvents: true)

  static let decision = AuditReport(
    "decision", "R4", "Why an access was allowed or denied at a moment, with the versions of all that decided it",
    controls: ["AU-10"],
    .moment, parameters: [.identity(required: true), .action, .resource(required: true)],
    columns: ["status", "because", "decided_by", "path", "path_status", "step", "conditions"] + authorityColumns,
    .keys({ _ in [""] }, perSlice: 1) { context, _ in
      let (answer, denial) = try context.read { graph, world in
        let answer = graph.why(
          context.required("identity"), action: context.required("action"), resource: context.required("resource"),
          from: context.view, limit: Questions.usualPaths)
        return (answer, answer.decidedBy.flatMap { world.version(of: $0, at: context.question.at) })
      }
      let events = try context.events(at: answer.paths.flatMap { $0.steps.map(\.position) } + [denial].compactMap { $0 })
      let head: ReportRow = [.text(answer.status.rawValue), .text(answer.reason), .text(answer.decidedBy?.text)]
      let rows = answer.paths.enumerated().flatMap { index, path in
        path.steps.map { step in
          head + [
            .integer(Int64(index + 1)), .text(path.status.rawValue), .text(step.kind.text), .list(path.conditions.map(\.text)),
          ] + authority(events[step.position])
        }
      }
      // The version of the policy or the grant that denies it, whatever paths there are.
      let denied = denial.map { position in
        head + [.none, .none, .text(events[position]?.change.entity.description), .list([])] + authority(events[position])
      }
      let all = [denied].compactMap { $0 } + rows
      return all.isEmpty ? [head + [.none, .none, .none, .none] + authority(nil)] : all
    })
}

extension World {
  /// The event that wrote what denies an access, as it stood at t; nil where a grant decided it.
  fileprivate func version(of decider: Decider, at t: Instant) -> Int64? {
    guard case .denial(let denial) = decider else { return nil }
    let fact: Fact
    switch denial {
    case .policy(let id), .boundary(let id): fact = .existence(.policy(id))
    case .assignment(let id): fact = .assignment(id: id)
    }
    return value(of: fact, at: t)?.entry.position
  }
}

extension BecomingStep {
  fileprivate var text: String { "identity:\(identity) becomes identity:\(becomes) (\(action) by \(assignment))" }
}

extension Holder {
  fileprivate func isSame(as other: Holder) -> Bool { identity.isExactly(other.identity) && status == other.status }
}

extension Path {
  /// The grant that the path rests on: its assignment.
  fileprivate var grant: (id: String, position: Int64)? {
    for step in steps { if case .assignment(let id, _, _) = step.kind { return (id, step.position) } }
    return nil
  }

  fileprivate var text: String { steps.map(\.kind.text).joined(separator: " → ") }
}

extension Step.Kind {
  fileprivate var text: String {
    switch self {
    case .identity(let id): "identity:\(id)"
    case .account(let id): "account:\(id)"
    case .builtIn(let id): "whoever is \(id)"
    case .group(let id): "group:\(id)"
    case .assignment(let id, let role, let scope): "assignment:\(id) (\(role) on \(scope))"
    case .role(let id): "role:\(id)"
    case .permission(let role, let index): "permission \(index) of role:\(role)"
    }
  }
}

extension JSONValue {
  /// As canonical JSON text.
  fileprivate var text: String {
    var writer = JSONWriter()
    writer.value(self)
    return String(decoding: writer.take(), as: UTF8.self)
  }
}
