import Governance

/// `/v1/policies`: a tenant's rules.
extension Endpoint {
  static let policies: [Endpoint] =
    EntityPages(kind: .policy, plural: "policies").endpoints
    + [
      Write("policy.define", "/v1/policies", status: 201),
      Write("policy.revise", "/v1/policies/{id}/revise"),
      Write("policy.retire", "/v1/policies/{id}/retire"),
    ].map(\.endpoint)
}
