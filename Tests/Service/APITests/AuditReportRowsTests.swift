import AccessGraph
import EventLog
import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing

@testable import API

/// Every row of reports on random histories, against going through the log by hand.
///
/// TENURE_SEEDS sets how many histories.
@Suite struct AuditReportRowsTests {
  private static var seeds: Range<UInt64> {
    0..<(ProcessInfo.processInfo.environment["TENURE_SEEDS"].flatMap { UInt64($0) } ?? 2)
  }

  @Test func `the rows of reports are those that the log gives by hand`() throws {
    var found: [String: Int] = [:]
    for seed in Self.seeds {
      let (store, questions, events) = try Self.tell(seed)
      defer { withExtendedLifetime(store) {} }
      var random = SeededGenerator(seed: seed &+ 0xA0D17)
      // Views are kept once computed.
      let log = NaiveLog(events)
      for _ in 0..<4 {
        // Never part of a batch.
        let known = random.chance(1, in: 2) ? events.count : 1 + random.below(events.count)
        let k = try questions.tenant.position(.position(Int64(known)))
        let hours = Int64(random.below(50))
        let view = Viewpoint(at: Universe.instant(0).adding(microseconds: hours * 3_600_000_000 + 5), asKnownAt: k)
        let asked = Asked(questions, log, view, RandomHistory.stretch(&random), "seed \(seed)")
        for (report, rows) in try asked.reports() {
          found[report, default: 0] += rows
        }
      }
    }
    #expect(found.values.allSatisfy { $0 > 0 }, "\(found)")
  }

  /// A tenant in which a random story was told, and its log.
  private static func tell(_ seed: UInt64) throws -> (OpenStore, Questions, [Event]) {
    let clock = TestSupport.TestClock(Universe.instant(4))
    let store = OpenStore(try ScratchDatabase.store(EventStore.Settings(clock: { clock.now }, readConnections: 1)))
    let tenant = try store.store.create(tenant: ScratchDatabase.tenantName())
    var story = RandomStory(seed: seed &+ 40_000)
    func events() throws -> [Event] {
      var events: [Event] = []
      try tenant.export { events.append(try EventCodec.decode(Array($0.body.utf8), at: $0.position)) }
      return events
    }
    for index in 0..<120 {
      clock.now = Universe.instant(4).adding(microseconds: Int64(index) * 900_000_000)
      for command in try story.next(at: tenant.now, knowing: events) {
        let (source, basis) = story.circumstances()
        _ = try? tenant.submitAndWait(
          Submission(
            mode: .observation, source: source, basis: basis, recordedBy: Recorder(id: "test", authentication: "local"),
            commands: [command]))
      }
    }
    return (store, Questions(tenant: tenant), try events())
  }
}

/// One moment and one stretch, asked of every report.
private struct Asked {
  private let questions: Questions
  private let view: Viewpoint
  private let during: Interval
  private let comment: String
  private let log: NaiveLog
  private let naive: NaiveView
  private let findings: NaiveFindings
  private var state: NaiveState { naive.state }

  init(_ questions: Questions, _ log: NaiveLog, _ view: Viewpoint, _ during: Interval, _ comment: String) {
    (self.questions, self.view, self.during) = (questions, view, during)
    self.comment = "\(comment), at \(view.at), as known at \(view.asKnownAt), during \(during)"
    self.log = log
    naive = log.view(view)
    findings = NaiveFindings(log.events, at: view.at, asKnownAt: view.asKnownAt)
  }

  /// Asks every report, and says how many rows each should have.
  func reports() throws -> [(String, Int)] {
    [
      try compare("access-of-identity", accessOfIdentity, ["identity": "ada"]),
      try compare("access-changes", accessChanges), try compare("identities", identities),
      try compare("privileged", privileged), try compare("orphans", orphans), try compare("leavers", leavers),
      try compare("movers", movers), try compare("expired-but-active", expired), try compare("roles", roles),
      try compare("role-changes", roleChanges), try compare("policies", policyChanges),
      try compare("reconciliation", reconciliation), try compare("backdated", backdated, ["lag_seconds": "3600"]),
      try compare("separation-of-duties", duties, kind: "breach"),
    ]
  }

  /// Compares the columns that are known by hand, each row once.
  private func compare(
    _ name: String, _ expected: [JSONObject], _ parameters: [String: String] = [:], kind: String? = nil
  ) throws -> (String, Int) {
    let made = try AuditReportTests.make(
      name, questions, at: view.at, during: during, asKnownAt: .position(view.asKnownAt), parameters)
    #expect(made.manifest.isReconciled, "\(name), \(comment): \(made.manifest.totals)")
    if name == "access-changes" { expectNamedEvents(in: made) }
    let columns = expected.first.map { $0.map(\.name) } ?? []
    let said = made.rows.filter { row in
      // Keys that work on have rows beside those of grants, and whoever had nothing has one.
      if name == "leavers", !["assignment", "membership"].contains(row["grant_kind"]?.stringValue) { return false }
      return kind.map { row["what"] == .string($0) } ?? true
    }.map { row in
      JSONValue.object(JSONObject(columns.map { ($0, row[$0] ?? .null) })).canonicalText
    }
    let wanted = Set(expected.map { JSONValue.object($0).canonicalText })
    #expect(
      Set(said) == wanted && (!said.isEmpty || wanted.isEmpty),
      "\(name), \(comment): said \(Set(said).subtracting(wanted)), expected \(wanted.subtracting(said))")
    if expected.isEmpty { #expect(said.isEmpty, "\(name), \(comment): \(said.count) rows") }
    return (name, wanted.count)
  }

  /// The total of the events that the rows name is that of the log's own that took effect by then.
  private func expectNamedEvents(in made: AuditReportTests.Made) {
    let named = Set(made.column("event").compactMap(\.integerValue))
    let known = log.visible(asKnownAt: view.asKnownAt).filter { named.contains($0.position) }
    let total = made.manifest.totals.first { $0.name == "events named in the rows, each once" }
    #expect(
      total?.report == Int64(named.count) && total?.log == Int64(known.count), "\(comment): \(made.manifest.totals)")
  }

  private func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }
  private func instant(_ instant: Instant?) -> JSONValue { text(instant?.description) }
  private func list(_ conditions: [JSONValue]) -> JSONValue { .array(conditions.map { .string($0.canonicalText) }) }
  private func number(_ number: Int) -> JSONValue { .integer(Int64(number)) }

  /// What stands and took effect in the stretch.
  private var events: [Event] {
    log.visible(asKnownAt: view.asKnownAt).filter { during.contains($0.effectiveAt) }
  }

  private func state(at t: Instant) -> NaiveState { log.folded(at: t, asKnownAt: view.asKnownAt) }
  private func before(_ t: Instant) -> NaiveState { state(at: t.adding(microseconds: -1)) }

  // MARK: Access

  private var accessOfIdentity: [JSONObject] {
    naive.what("ada").map { held in
      [
        "status": text(held.remainder.status.rawValue), "effect": text(held.right.effect.rawValue),
        "action": text(held.right.action), "resource": text(held.right.resource), "scope": text(held.right.scope),
        "conditions": list(held.right.conditions), "without_entitlement": .bool(held.isWithoutEntitlement),
        "unknown_role": text(held.right.unknownRole),
      ]
    }
  }

  private var accessChanges: [JSONObject] {
    let known = Set(
      log.events.compactMap { event -> Entity? in
        if case .identityRegistered(let id, _, _) = event.change { return .identity(id) }
        return nil
      })
    return known.flatMap { identity in
      log.timeline(identity.id, resource: nil, during: during, asKnownAt: view.asKnownAt).map { turn in
        [
          "identity": text(identity.id), "at": instant(turn.at), "before": text(turn.before?.rawValue),
          "now": text(turn.now?.rawValue), "action": text(turn.right.action), "resource": text(turn.right.resource),
          "scope": text(turn.right.scope), "conditions": list(turn.right.conditions),
        ]
      }
    }
  }

  /// The assignments on the paths of whoever is privileged that give something privileged.
  private var privileged: [JSONObject] {
    let patterns = state.living.values.flatMap { living -> [String] in
      guard case .policy(let policy) = living.document, policy.type == .privileged else { return [] }
      return policy.rule["actions"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }
    if patterns.isEmpty { return [] }
    return naive.who(.privileged).flatMap { holder -> [JSONObject] in
      // Whether each assignment surely gives something privileged; what is not known may.
      var grants: [String: Bool] = [:]
      for path in naive.paths[.identity(holder.identity)] ?? [] where !path.isShared {
        let isPrivileged = path.permissions.map { permissions in
          permissions.contains { permission in
            permission.effect == .allow
              && permission.actions.contains { action in patterns.contains { NaivePattern.overlap(action, $0) } }
          }
        }
        if isPrivileged == false { continue }
        for case .assignment(let id, _, _) in path.steps.map(\.kind) {
          grants[id] = grants[id] == true || isPrivileged == true
        }
      }
      return grants.map { assignment, isSure in
        let held = state.assignments[Entity(.assignment, assignment)]
        return [
          "identity": text(holder.identity), "grant": text(assignment), "principal": text(held?.grant.principal.description),
          "role": text(held?.grant.role), "scope": text(held?.grant.scope), "expires_at": instant(held?.grant.expiresAt),
          "standing": .bool(held?.grant.expiresAt == nil), "conditional": .bool(held?.grant.condition != nil),
          "privileged": .string(isSure ? "yes" : "unknown"), "event": .integer(held?.origin.position ?? 0),
        ]
      }
    }
  }

  // MARK: Populations

  private func grants(of entity: Entity, in state: NaiveState) -> [(fact: Fact, origin: Int64, end: Instant?)] {
    state.assignments.filter { $0.value.grant.principal == entity }
      .map { (.assignment(id: $0.key.id), $0.value.origin.position, $0.value.grant.expiresAt) }
      + state.memberships.filter { $0.key.member == entity }
      .map { (.membership(group: $0.key.group.id, member: entity), $0.value.origin.position, $0.value.expiresAt) }
  }

  private var identities: [JSONObject] {
    state.living.compactMap { entity, living in
      guard case .identity(let kind) = living.document else { return nil }
      let grants = grants(of: entity, in: state)
      func open(_ name: String) -> JSONValue {
        if case .open(let value)? = state.attributes[entity]?[name]?.value { return value }
        return .null
      }
      return [
        "identity": text(entity.id), "kind": text(kind.rawValue),
        "state": text(state.suspended[entity] == nil ? "active" : "suspended"), "since": instant(living.born.effectiveAt),
        "person": text(state.links[entity]?.person.id), "owner": open("owner"), "grants": number(grants.count),
        "standing_grants": number(grants.count { $0.end == nil }),
      ]
    }
  }

  private var orphans: [JSONObject] {
    func row(_ entity: Entity, _ problem: String) -> JSONObject {
      let isPrincipal = entity.kind == .identity || entity.kind == .group
      return [
        "kind": text(entity.kind.rawValue), "id": text(entity.id), "problem": text(problem),
        "since": instant(state.living[entity]?.born.effectiveAt),
        "grants": number(isPrincipal ? grants(of: entity, in: state).count : 0),
      ]
    }
    let found = findings.structure.map { finding -> JSONObject in
      let words = ["orphaned_account": "account_without_person", "empty_group": "group_without_members"]
      let why = ["retired", "suspended", "unknown"].first { finding.evidence.contains("\"owner_is\":\"\($0)\"") }
      return row(finding.subject, words[finding.rule] ?? why.map { "owner_is_\($0)" } ?? "without_owner")
    }
    return found
      + state.living.compactMap { entity, living in
        if living.document == .identity(.placeholder) { return row(entity, "only_referred_to") }
        if case .role(nil, _) = living.document { return row(entity, "document_not_known") }
        return nil
      }
  }

  private var leavers: [JSONObject] {
    events.flatMap { event -> [JSONObject] in
      switch event.change {
      case .identitySuspended, .identityRetired: break
      default: return []
      }
      let held = grants(of: event.change.entity, in: before(event.effectiveAt))
      return held.map { fact, origin, _ in
        let end = findings.pieces.first { piece in
          piece.from >= event.effectiveAt && piece.state.beginning(of: fact)?.position != origin
            && !(isExtended(fact, in: piece.state, origin))
        }?.from
        let name: (String, String) =
          switch fact {
          case .assignment(let id): ("assignment", id)
          case .membership(let group, let member): ("membership", "\(member) in group:\(group)")
          default: ("", "")
          }
        return [
          "identity": text(event.change.entity.id), "change": text(event.change.type), "left_at": instant(event.effectiveAt),
          "due_at": instant(event.dueAt), "grant_kind": text(name.0), "grant": text(name.1), "grant_ended_at": instant(end),
          "event": .integer(event.position),
        ]
      }
    }
  }

  private func isExtended(_ fact: Fact, in state: NaiveState, _ origin: Int64) -> Bool {
    guard case .assignment(let id) = fact else { return false }
    return state.assignments[Entity(.assignment, id)]?.origin.position == origin
  }

  private var movers: [JSONObject] {
    events.flatMap { event -> [JSONObject] in
      guard case .identityRegistered(let id, _, let attributes) = event.change else { return [] }
      let (identity, before) = (Entity.identity(id), before(event.effectiveAt))
      guard before.exists(identity) else { return [] }
      let later = state(at: min(during.to ?? view.at, view.at))
      let (first, last) = (grants(of: identity, in: before), grants(of: identity, in: later))
      let kept = last.count { now in first.contains { $0.fact == now.fact && $0.origin == now.origin } }
      return attributes.compactMap { name, value in
        let old = before.attributes[identity]?[name]?.value
        if old == value || (old == nil && value == .open(.null)) { return nil }
        return [
          "identity": text(id), "attribute": text(name), "grants_before": number(first.count), "grants_kept": number(kept),
          "grants_ended": number(first.count - kept), "grants_begun": number(last.count - kept),
          "event": .integer(event.position),
        ]
      }
    }
  }

  private var expired: [JSONObject] {
    findings.unobservedEndings { _ in 0 }.map { finding in
      let evidence = (try? JSONValue(parsing: Array(finding.evidence.utf8))) ?? .null
      let member = evidence["member"]?.stringValue
      return [
        "grant_kind": text(member == nil ? "assignment" : "membership"),
        "grant": text(member.map { "\($0) in \(finding.subject)" } ?? finding.subject.id),
        "ended_at": evidence["ended_at"] ?? .null,
      ]
    }
  }

  // MARK: Roles and policies

  private var roles: [JSONObject] {
    state.living.compactMap { entity, living in
      guard case .role = living.document else { return nil }
      let versions = log.visible(asKnownAt: view.asKnownAt).count { event in
        guard case .roleDefined(let id, _, _) = event.change else { return false }
        return .role(id) == entity && event.effectiveAt <= view.at
      }
      return [
        "role": text(entity.id), "grants": number(state.assignments.values.count { .role($0.grant.role) == entity }),
        "holders": number(naive.who(.role(entity.id)).count), "versions": number(versions),
        "revised_at": instant(living.latest.effectiveAt), "event": .integer(living.latest.position),
      ]
    }
  }

  /// Each event that began or ended an entity, with what went before it in the fold.
  private func changes(_ isOne: (Change) -> Bool) -> [(event: Event, before: Change?)] {
    var last: [Entity: Change] = [:]
    var found: [(event: Event, before: Change?)] = []
    for event in log.visible(asKnownAt: view.asKnownAt) where isOne(event.change) {
      if during.contains(event.effectiveAt) { found.append((event, last[event.change.entity])) }
      last[event.change.entity] = event.change
    }
    return found
  }

  private var roleChanges: [JSONObject] {
    func permissions(_ document: RoleDocument) -> JSONValue {
      document.permissions.map { .array($0.map(\.json)) } ?? "not known"
    }
    return changes { change in
      switch change {
      case .roleDefined, .roleRetired: true
      default: false
      }
    }.map { event, before in
      var row: JSONObject = ["role": text(event.change.entity.id), "event": .integer(event.position)]
      var (change, now, then) = ("retired", JSONValue.null, JSONValue.null)
      if case .roleDefined(_, let document, _)? = before { then = permissions(document) }
      if case .roleDefined(_, let document, _) = event.change {
        now = permissions(document)
        change = then == .null ? "defined" : "revised"
      }
      row["change"] = text(change)
      row["permissions"] = now
      row["permissions_before"] = then
      return row
    }
  }

  private var policyChanges: [JSONObject] {
    changes { change in
      switch change {
      case .policyDefined, .policyRetired: true
      default: false
      }
    }.map { event, before in
      var (change, now, then) = ("retired", JSONValue.null, JSONValue.null)
      if case .policyDefined(_, let document, _)? = before { then = document.rule }
      if case .policyDefined(_, let document, _) = event.change {
        now = document.rule
        change = then == .null ? "defined" : "revised"
      }
      return [
        "policy": text(event.change.entity.id), "event": .integer(event.position), "change": text(change), "rule": now,
        "rule_before": then,
      ]
    }
  }

  // MARK: The log and the sources

  private var backdated: [JSONObject] {
    let heard = log.events.filter { $0.position <= view.asKnownAt }
    return heard.filter { during.contains($0.effectiveAt) }.compactMap { event in
      let voiding = heard.first { $0.change == .eventVoided(position: event.position) }
      let lag = event.effectiveAt.distance(to: event.recordedAt) / 1_000_000
      guard lag >= 3_600 || voiding != nil else { return nil }
      return [
        "type": text(event.change.type), "entity": text(event.change.entity.description), "lag_seconds": .integer(lag),
        "voided_by": voiding.map { .integer($0.position) } ?? .null, "event": .integer(event.position),
      ]
    }
  }

  private var duties: [JSONObject] {
    findings.dutiesTogether(during: during).map { run in
      [
        "policy": text(run.policy.id), "identity": text(run.identity.id), "roles": .array(run.roleIDs),
        "from": instant(run.from), "to": instant(run.to),
      ]
    }
  }

  /// Of each grant by which sources it is said, and which of those that were read show it.
  private var reconciliation: [JSONObject] {
    func event(_ origin: NaiveState.Origin) -> Event { log.events[Int(origin.position) - 1] }
    func row(
      _ kind: String, _ name: String, _ origin: NaiveState.Origin, _ vouching: Set<String>, _ others: [NaiveState.Origin]
    ) -> JSONObject {
      let own = event(origin)
      let shown = Set(others.map(event).filter { $0.basis == .observed && $0.source != own.source }.map(\.source))
      let missing = vouching.subtracting(shown).subtracting([own.source]).sorted()
      let verdict =
        own.basis == .observed || !shown.isEmpty
        ? "in_agreement" : missing.isEmpty ? "not_observable" : "not_shown_by: \(missing.joined(separator: " "))"
      return [
        "grant_kind": text(kind), "grant": text(name), "source": text(own.source), "basis": text(own.basis.rawValue),
        "shown_by": .array(shown.sorted().map { .string($0) }), "verdict": text(verdict), "event": .integer(own.position),
      ]
    }
    let assignments = state.assignments.map { id, held in
      let vouching = Universe.sources.filter { source in
        state.coverage.keys.contains { $0.source == .source(source) && NaivePattern.covers($0.resource.id, held.grant.scope) }
          && !state.gaps.keys.contains {
            $0.source == .source(source) && NaivePattern.concerns($0.resource.id, held.grant.scope)
          }
      }
      let same = state.assignments.values.filter {
        $0.grant.principal == held.grant.principal && Entity.role($0.grant.role) == .role(held.grant.role)
          && NaivePattern.covers($0.grant.scope, held.grant.scope)
      }
      return row("assignment", id.id, held.origin, Set(vouching), same.map(\.origin))
    }
    let memberships = state.memberships.map { membership, held in
      let vouching = Universe.sources.filter {
        log.vouches($0, forMembersOf: membership.group.id, at: view.at, asKnownAt: view.asKnownAt)
      }
      return row(
        "membership", "\(membership.member) in \(membership.group)", held.origin, Set(vouching), [held.origin])
    }
    return assignments + memberships
  }
}
