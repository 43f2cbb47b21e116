import AccessGraph
import Governance
import JSON
import Temporal

/// `/v1/identities`: who can hold access.
extension Endpoint {
  static let identities: [Endpoint] =
    EntityPages(kind: .identity, plural: "identities", details: identityDetails).endpoints
    + [
      Write("identity.register", "/v1/identities", status: 201),
      Write("identity.revise", "/v1/identities/{id}/revise"),
      Write("identity.suspend", "/v1/identities/{id}/suspend"),
      Write("identity.resume", "/v1/identities/{id}/resume"),
      Write("identity.retire", "/v1/identities/{id}/retire"),
      Write("identity.link", "/v1/identities/{account}/link"),
      Write("identity.unlink", "/v1/identities/{account}/unlink"),
    ].map(\.endpoint)

  /// The person it belongs to, the accounts that belong to it, and the groups it is in directly.
  @Sendable private static func identityDetails(_ entity: Entity, _ world: GraphWorld, _ t: Instant) -> EntityPages.Writing {
    let person = world.person(of: entity.id, at: t)
    let accounts = world.accounts(of: entity, at: t).map(\.id)
    let groups = Memberships.groups(of: entity, in: world, at: t)
    return { writer in
      writer.member("person", person)
      writer.member("accounts", accounts.sorted { $0.precedes($1) }.map { .string($0) })
      writer.list("groups", groups) { $1.writeMembers(as: "group", to: &$0) }
    }
  }
}

/// Direct memberships at a moment.
struct Memberships: Sendable {
  /// The other end of the membership, as it is written.
  let other: String
  let span: Span

  /// The groups that an entity is a direct member of.
  static func groups(of member: Entity, in world: some World, at t: Instant) -> [Memberships] {
    world.memberships(of: member).compactMap { fact in
      guard case .membership(let group, _) = fact, let span = world.value(of: fact, at: t) else { return nil }
      return Memberships(other: group, span: span)
    }.sorted { $0.other.precedes($1.other) }
  }

  /// The direct members of a group, as `kind:id`.
  static func members(of group: String, in world: some World, at t: Instant) -> [Memberships] {
    world.memberships(in: group).compactMap { fact in
      guard case .membership(_, let who) = fact, let span = world.value(of: fact, at: t) else { return nil }
      return Memberships(other: who.description, span: span)
    }.sorted { $0.other.precedes($1.other) }
  }

  func writeMembers(as name: String, to writer: inout JSONWriter) {
    writer.member(name, other)
    writer.member("since", span.begun.effective)
    writer.member("expires_at", span.expiresAt)
    writer.member("event", span.entry.position)
  }
}
