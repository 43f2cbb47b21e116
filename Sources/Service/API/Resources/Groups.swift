import AccessGraph
import Governance
import HTTP
import JSON
import Temporal

/// `/v1/groups`: sets of identities and groups.
extension Endpoint {
  static let groups: [Endpoint] =
    EntityPages(kind: .group, plural: "groups", details: groupDetails).endpoints
    + [
      Endpoint(
        .get, "/v1/groups/{group}/members", "listMembers", "The direct members of a group at a moment",
        .query([.at, .asKnownAt] + Member.paging), members)
    ]
    + [
      Write("group.create", "/v1/groups", status: 201), Write("group.revise", "/v1/groups/{id}/revise"),
      Write("group.delete", "/v1/groups/{id}/delete"),
      Write("membership.add", "/v1/groups/{group}/members", status: 201),
      Write("membership.remove", "/v1/groups/{group}/members/remove"),
      Write("membership.record_expiry", "/v1/groups/{group}/members/record_expiry"),
    ].map(\.endpoint)

  /// The groups that the group is nested in directly.
  @Sendable private static func groupDetails(_ entity: Entity, _ world: GraphWorld, _ t: Instant) -> EntityPages.Writing {
    let groups = Memberships.groups(of: entity, in: world, at: t)
    return { writer in
      writer.list("groups", groups) { $1.writeMembers(as: "group", to: &$0) }
    }
  }

  @Sendable private static func members(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let view = try PagedView(call, input, &reader)
    try reader.finish()
    let after = try view.after
    let group = call.parameters["group"]
    return .waiting {
      try call.questions.ask(view.at, view.asKnownAt) { graph, moment in
        let world = graph.world(asKnownAt: moment.asKnownAt)
        guard EntityDescription(.group(group), in: world, at: moment.at) != nil else {
          throw Problem(.notFound, "group:\(group) was not heard of up to \(moment.at) as known at \(moment.asKnownAt)")
        }
        let members = Memberships.members(of: group, in: world, at: moment.at)
        let first = members.map(\.other).firstIndex(after: after)
        return view.response(
          "members", Array(members[first...]), at: moment, position: graph.position, next: .none
        ) {
          .string($0.other)
        } head: {
          $0.member("group", group)
        } _: {
          $1.writeMembers(as: "member", to: &$0)
        }
      }
    }
  }
}
