import Governance

/// `/v1/resources`: what is known of a path; its slashes are percent-encoded, for it is one segment.
extension Endpoint {
  static let resources: [Endpoint] =
    EntityPages(kind: .resource, plural: "resources").endpoints
    + [
      Write("resource.describe", "/v1/resources"), Write("resource.remove", "/v1/resources/{path}/remove"),
    ].map(\.endpoint)
}
