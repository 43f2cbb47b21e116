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
      .get, "/readyz", "readiness", "Whether the database answers and no tenant is degraded; which are in memory", .none,
      handler: .service { store in .waiting { try ready(store) } }),
    Endpoint(
      .get, "/openapi.json", "openapi", "This description", .none,
      handler: .service { _ in .now(.json(OpenAPI.document)) }),
  ]

  private static func ready(_ store: EventStore) throws -> Response {
    // Asked for its own sake: whether the database answers.
    _ = try store.tenantNames()
    let loaded = store.loadedTenants
    for tenant in loaded {
      guard let event = tenant.degraded else { continue }
      throw Problem(
        .degraded, "the tenant \(tenant.name) is degraded: \(event)", retryAfterSeconds: Problem.mendSeconds)
    }
    let tenants = loaded.map { tenant -> JSONValue in
      ["tenant": .string(tenant.name), "graph_bytes": .integer(Int64(tenant.graphBytes))]
    }
    return .json(JSONValue.object(["status": "ready", "loaded": .array(tenants)]).canonicalBytes())
  }
}
