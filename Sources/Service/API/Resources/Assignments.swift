import Governance

/// `/v1/assignments`: who gets which role where, until when.
extension Endpoint {
  static let assignments: [Endpoint] =
    EntityPages(kind: .assignment, plural: "assignments").endpoints
    + [
      Write("assignment.grant", "/v1/assignments", status: 201),
      Write("assignment.extend", "/v1/assignments/{id}/extend"),
      Write("assignment.revoke", "/v1/assignments/{id}/revoke"),
      Write("assignment.record_expiry", "/v1/assignments/{id}/record_expiry"),
    ].map(\.endpoint)
}
