import Governance

/// `/v1/roles`: named sets of permissions, which may include other roles.
extension Endpoint {
  static let roles: [Endpoint] =
    EntityPages(kind: .role, plural: "roles").endpoints
    + [
      Write("role.define", "/v1/roles", status: 201), Write("role.revise", "/v1/roles/{id}/revise"),
      Write("role.retire", "/v1/roles/{id}/retire"),
    ].map(\.endpoint)
}
