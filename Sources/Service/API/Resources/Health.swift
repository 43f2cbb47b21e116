import EventLog
import HTTP
import JSON

/// What the machinery around the service asks.
extension Endpoint {
  static let service: [Endpoint] = [
    Endpoint(
      .get, "/healthz", "health", "Whether the process is alive", .none,
      handler: .service { _ in .now(.json(JSONValue.object(["status": "ok"]).canonicalBytes())) }),
    Endpoint(
      .get, "/readyz", "readiness", "Whether the database answers and no tenant is degraded", .none,
      handler: .service { store in .waiting { try ready(store) } }),
    Endpoint(
      .get, "/openapi.json", "openapi", "This description", .none,
      handler: .service { _ in .now(.json(OpenAPI.document)) }),
  ]

  private static func ready(_ store: EventStore) throws -> Response {
    for name in try store.tenantNames() {
      if let event = store.loaded(tenant: name)?.degraded {
        throw Problem(
          .degraded, "the tenant \(name) is degraded: \(event)", retryAfterSeconds: Problem.mendSeconds)
      }
    }
    return .json(JSONValue.object(["status": "ready"]).canonicalBytes())
  }
}
