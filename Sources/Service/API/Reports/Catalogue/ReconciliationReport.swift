import AccessGraph
import EventLog
import Governance
import Temporal

/// The report on what sources say of grants.
extension AuditReport {
  static let reconciliation = AuditReport(
    "reconciliation", "R24", "Each grant by the source that says so, and whether the systems that are read show it",
    controls: ["AC-2(1)", "A.5.16"], .moment,
    columns: ["grant_kind", "grant", "principal", "role_or_group", "scope", "source", "basis", "shown_by", "verdict"]
      + authorityColumns,
    .keys(
      { context in try context.entities(of: [.assignment, .group]) }, perSlice: 50
    ) { context, texts in
      let found = try context.read { _, world in
        var sources = VouchingSources(in: world, at: context.question.at)
        return texts.compactMap { Entity(text: $0) }.flatMap { sources.claims(of: $0) }
      }
      let events = try context.events(at: found.flatMap { [$0.span] + $0.same }.map(\.begun.position))
      return found.map { claim in
        let own = claim.span.source
        let event = events[claim.span.begun.position]
        // Only what was seen shows anything: another configuration says what should be, as this one does.
        let seen = claim.same.filter { events[$0.begun.position]?.basis == .observed && !$0.source.isExactly(own) }
        let shown = Set(seen.map { Entity.source($0.source) }).sorted().map(\.id)
        let missing = claim.vouching.filter { source in
          !source.isExactly(own) && !shown.contains { $0.isExactly(source) }
        }
        let verdict =
          event?.basis == .observed || !shown.isEmpty
          ? "in_agreement" : missing.isEmpty ? "not_observable" : "not_shown_by: \(missing.joined(separator: " "))"
        let name = claim.fact.grantName
        return [
          .text(name.kind), .text(name.id), .text(claim.principal.description), .text(claim.given), .text(claim.scope),
          .text(own), .text(event?.basis.rawValue), .list(shown), .text(verdict),
        ] + authority(event)
      }
    })
}

/// A grant that holds, who would show it, and what else gives the same.
private struct Claim {
  let fact: Fact
  let span: Span
  let principal: Entity
  /// The role, or the group.
  let given: String
  /// Nil of a membership, which lies nowhere.
  let scope: String?
  /// The sources that vouch for all of it, in order.
  let vouching: [String]
  /// The grants of the same to the same principal, itself among them.
  let same: [Span]
}

/// What sources vouch for and what principals have, each looked up once for a slice of grants.
private struct VouchingSources {
  private let world: GraphWorld
  private let t: Instant
  private let sources: [String]
  private var byScope: [Entity: [String]] = [:]
  private var byPrincipal: [Entity: [(fact: Fact, span: Span)]] = [:]

  init(in world: GraphWorld, at t: Instant) {
    (self.world, self.t) = (world, t)
    sources = world.named(.source).sorted { $0.precedes($1) }
  }

  /// The grant that an assignment is, or those of a group's members.
  mutating func claims(of entity: Entity) -> [Claim] {
    entity.kind == .assignment ? [assignment(entity.id)].compactMap { $0 } : memberships(in: entity.id)
  }

  private mutating func assignment(_ id: String) -> Claim? {
    let fact = Fact.assignment(id: id)
    guard let span = world.value(of: fact, at: t), case .grant(let grant) = span.value else { return nil }
    let same = grants(of: grant.principal).map(\.span).filter { span in
      guard case .grant(let other) = span.value else { return false }
      return other.role.isExactly(grant.role) && Scope.covers(other.scope, grant.scope)
    }
    return Claim(
      fact: fact, span: span, principal: grant.principal, given: grant.role, scope: grant.scope,
      vouching: vouching(for: grant.scope), same: same)
  }

  private func memberships(in group: String) -> [Claim] {
    let held = world.memberships(in: group).compactMap { fact in world.value(of: fact, at: t).map { (fact, $0) } }
    if held.isEmpty { return [] }
    let vouching = sources.filter { world.vouches($0, forMembersOf: group, at: t) }
    return held.compactMap { fact, span in
      guard case .membership(_, let member) = fact else { return nil }
      return Claim(
        fact: fact, span: span, principal: member, given: group, scope: nil, vouching: vouching, same: [span])
    }
  }

  private mutating func grants(of principal: Entity) -> [(fact: Fact, span: Span)] {
    if let known = byPrincipal[principal] { return known }
    let grants = world.grants(of: principal, at: t)
    byPrincipal[principal] = grants
    return grants
  }

  private mutating func vouching(for scope: String) -> [String] {
    if let known = byScope[.resource(scope)] { return known }
    let vouching = sources.filter { world.vouches($0, for: scope, at: t) }
    byScope[.resource(scope)] = vouching
    return vouching
  }
}
