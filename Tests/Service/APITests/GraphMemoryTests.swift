import EventLog
import TestSupport
import Testing

@testable import API

/// Tenants that leave memory between requests: no client notices, and readiness shows who is there.
@Suite struct GraphMemoryTests {
  @Test func `requests to two tenants in turn are answered from whichever graph is loaded`() async throws {
    var settings = EventStore.Settings(readConnections: 2)
    settings.graphMemory = 1
    let store = OpenStore(try ScratchDatabase.store(settings))
    let names = [ScratchDatabase.tenantName(), ScratchDatabase.tenantName()]
    for name in names { _ = try store.store.create(tenant: name) }
    var fewest = Int.max
    let client = Client(dispatcher: Dispatcher(store: store.store), tenant: names[0], store: store)
    for round in 0..<4 {
      for name in names {
        let headers = [("Tenure-Tenant", name)]
        try await client.post("/v1/identities", #"{"id":"\#(name)-\#(round)","kind":"person"}"#, headers: headers)
          .expect(201)
        try await client.get("/v1/identities", headers: headers + [("Tenure-Min-Position", "\(round + 1)")])
          .expect(200, ["\"position\":\(round + 1)"] + (0...round).map { "\(name)-\($0)" })
        fewest = min(fewest, store.store.loadedTenants.count)
        try await client.get("/readyz").expect(200, "\"status\":\"ready\"", "\"tenant\":\"\(name)\"", "\"graph_bytes\":")
      }
    }
    // A request that has been answered may hold its tenant for a moment still; not every time.
    #expect(fewest == 1)
  }
}
