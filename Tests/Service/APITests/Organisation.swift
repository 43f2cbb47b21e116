import EventLog
import Synchronization
import TestSupport
import Testing

@testable import API

/// A small organisation with a story, written through the API itself, each time into a tenant of its own.
struct Organisation: Sendable {
  let client: Client
  let clock: TestClock

  /// A tenant with nothing in it.
  static func empty(
    positionTimeoutMilliseconds: Int = Dispatcher.positionTimeoutMilliseconds
  ) async throws -> Organisation {
    let clock = try TestClock("2024-01-01T00:00:00Z")
    // Few connections: many of these stores are open at the same time.
    let store = OpenStore(try ScratchDatabase.store(EventStore.Settings(clock: { clock.now }, readConnections: 1)))
    let name = ScratchDatabase.tenantName()
    _ = try store.store.create(tenant: name)
    let dispatcher = Dispatcher(store: store.store, positionTimeoutMilliseconds: positionTimeoutMilliseconds)
    let client = Client(dispatcher: dispatcher, tenant: name, store: store)
    return Organisation(client: client, clock: clock)
  }

  /// The organisation; the clock stands at 2024-03-01 afterwards.
  ///
  /// alice is in the team, which is nested in the department, which administers acme/site. bob reads acme on a condition.
  /// leo read acme, should have left on 26 January, and left on 1 February. mona is bob's account. ghost was registered late.
  static func told() async throws -> Organisation {
    let organisation = try await empty()
    let client = organisation.client
    try await client.post("/v1/commands", beginning).expect(200, "\"replayed\":false")
    try organisation.clock.set("2024-02-01T00:00:00Z")
    try await client.post(
      "/v1/identities/leo/retire",
      #"{"due_at":"2024-01-26T00:00:00Z","reason":"left the company","ticket":{"system":"hr","key":"HR-7"},"actor":{"id":"hr-bot"}}"#
    ).expect(200)
    try organisation.clock.set("2024-02-07T00:00:00Z")
    try await client.post(
      "/v1/assignments",
      #"{"id":"late","principal":"identity:bob","role":"admin","scope":"acme/vault","effective_at":"2024-02-01T00:00:00Z","reason":"told by mail"}"#
    ).expect(201)
    try organisation.clock.set("2024-03-01T00:00:00Z")
    return organisation
  }

  private static let beginning = """
    {"commands": [
      {"type": "source.register", "id": "directory"},
      {"type": "coverage.begin", "source": "directory", "resource": "acme"},
      {"type": "identity.register", "id": "alice", "kind": "person", "attributes": {"email": "alice@acme.example", "level": 3}},
      {"type": "identity.register", "id": "bob", "kind": "person"},
      {"type": "identity.register", "id": "leo", "kind": "person"},
      {"type": "identity.register", "id": "mona", "kind": "account"},
      {"type": "identity.link", "account": "mona", "person": "bob"},
      {"type": "group.create", "id": "team", "attributes": {"owner": "alice"}},
      {"type": "group.create", "id": "department"},
      {"type": "membership.add", "group": "team", "member": "identity:alice"},
      {"type": "membership.add", "group": "department", "member": "group:team"},
      {"type": "role.define", "id": "viewer", "permissions": [{"actions": ["repo.read"]}]},
      {"type": "role.define", "id": "admin", "permissions": [{"actions": ["repo.*"]}], "includes": ["viewer"]},
      {"type": "assignment.grant", "id": "site", "principal": "group:department", "role": "admin", "scope": "acme/site"},
      {"type": "assignment.grant", "id": "bobs", "principal": "identity:bob", "role": "viewer", "scope": "acme",
       "condition": {"Bool": {"request.mfa": ["true"]}}},
      {"type": "assignment.grant", "id": "leos", "principal": "identity:leo", "role": "viewer", "scope": "acme"},
      {"type": "policy.define", "id": "top", "policy_type": "privileged", "rule": {"actions": ["repo.admin"]}},
      {"type": "resource.describe", "path": "acme/site", "attributes": {"owner": "alice"}}
    ]}
    """
}
