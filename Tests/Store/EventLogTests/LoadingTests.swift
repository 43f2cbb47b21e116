import AccessGraph
import EventLog
import Governance
import JSON
import Postgres
import Temporal
import TestSupport
import Testing

/// A tenant loaded by another process: from its relation rows where they say what the log says, from the log where not.
@Suite struct LoadingTests {
  let tenant: Tenant
  let superuser: Connection

  init() throws {
    tenant = try ScratchDatabase.store().create(tenant: ScratchDatabase.tenantName())
    superuser = try ScratchDatabase.connectAsSuperuser()
    try tenant.submitAndWait(
      .governed(
        .register("ada", ["title": .open("engineer"), "level": .open(.integer(3)), "badge": .open(.bool(true))]),
        .create("ops"), .add(.identity("ada"), to: "ops")))
    let document = RoleDocument(permissions: [Permission(actions: ["repo.*"]), Permission(actions: ["s3:Get*"])])
    let grant = Grant(principal: .group("ops"), role: "admin", scope: "org")
    try tenant.submitAndWait(
      .governed(
        Command(.roleDefined(id: "admin", document: document, attributes: [:])),
        Command(.assignmentGranted(id: "a1", grant: grant))))
  }

  /// The tenant as a process that has just begun has it, and what it alarmed.
  private func loaded() throws -> (Tenant, [Alarm]) {
    let alarms = Collected<Alarm>()
    let store = try ScratchDatabase.store(EventStore.Settings(alarm: { alarms.add($0) }))
    return (try #require(try store.find(tenant: tenant.name)), alarms.all)
  }

  private func expectSame(_ other: Tenant) throws {
    let answers = try [tenant, other].map { tenant in
      try tenant.read { graph in
        let view = Viewpoint(at: self.tenant.now, asKnownAt: graph.position)
        let events = (1...graph.position).map { graph.world(asKnownAt: graph.position).event(at: $0) }
        return "\(graph.snapshot(resource: nil, from: view, after: nil, limit: 100)) \(events)"
      }
    }
    #expect(answers[0] == answers[1])
    #expect(other.head == tenant.head)
  }

  @Test func `rows that say what the log says are loaded without an alarm, and the tenant goes on`() throws {
    let (other, alarms) = try loaded()
    #expect(alarms.isEmpty)
    try expectSame(other)
    try other.submitAndWait(.governed(.register("bob"), .add(.identity("bob"), to: "ops")))
    try tenant.catchUp()
    try expectSame(other)
  }

  @Test func `an event voided in its own batch has no row and is known all the same`() throws {
    let next = tenant.head.position + 1
    let voiding = Command(.eventVoided(position: next), authority: Authority(reason: "a mistake"))
    try tenant.submitAndWait(.governed(.register("eve", ["title": .open("x")]), voiding))
    try tenant.submitAndWait(.governed(.register("bob")))
    let rows = try superuser.query("SELECT FROM tenure.identities WHERE tenant_id = \(tenant.id) AND id = 'eve'")
    #expect(rows.isEmpty)
    let (other, alarms) = try loaded()
    #expect(alarms.isEmpty)
    try expectSame(other)
    let event = try other.read { $0.world(asKnownAt: $0.position).event(at: next) }
    #expect(event?.isVoided == true)
    #expect(event?.facts.count == 2)
  }

  @Test(
    arguments: [
      "DELETE FROM tenure.memberships WHERE tenant_id = $", "UPDATE tenure.identities SET kind = 'alien' WHERE tenant_id = $",
      "UPDATE tenure.identities SET kind = NULL WHERE tenant_id = $",
      "UPDATE tenure.memberships SET member_kind = 'role' WHERE tenant_id = $",
      "UPDATE tenure.groups SET voided = true WHERE tenant_id = $",
      "UPDATE tenure.assignments SET recorded_to = 5 WHERE tenant_id = $",
      "UPDATE tenure.assignments SET position = 99 WHERE tenant_id = $",
      "UPDATE tenure.assignments SET extends = true WHERE tenant_id = $",
      "UPDATE tenure.role_permissions SET ordinal = 7 WHERE tenant_id = $ AND ordinal = 0",
      "UPDATE tenure.attributes SET position = 2 WHERE tenant_id = $ AND name = 'title'",
      "DELETE FROM tenure.identities WHERE tenant_id = $",
    ])
  func `rows that contradict the log are not believed: the log is folded, and an alarm says so`(_ damage: String) throws {
    try superuser.execute(damage.replacing("$", with: "\(tenant.id)"))
    let (other, alarms) = try loaded()
    try expectSame(other)
    #expect(alarms.count == 1)
    guard case .relationsContradicted(tenant.name, _)? = alarms.first else {
      Issue.record("expected an alarm, found \(alarms)")
      return
    }
    #expect(alarms[0].description.contains("tenure rebuild"))
  }

  @Test func `an event of a version that is not known stops the tenant when it is loaded`() throws {
    try superuser.execute("SET ROLE tenure_owner")
    try superuser.run(
      """
      INSERT INTO tenure.event (tenant_id, position, event_id, type, version, entity, effective_at, recorded_at, source, basis,
        recorded_by, body, leaf)
      SELECT tenant_id, 6, gen_random_uuid(), type, 2, entity, effective_at, recorded_at + interval '1 s', source, basis,
        recorded_by, replace(replace(body, '"version":1', '"version":2'), '"position":5', '"position":6'), leaf
      FROM tenure.event WHERE tenant_id = \(tenant.id) AND position = 5
      """)
    try superuser.run("UPDATE tenure.head SET position = 6 WHERE tenant_id = \(tenant.id)")
    let (other, alarms) = try loaded()
    #expect(other.degraded?.position == 6)
    #expect(other.degraded?.version == 2)
    #expect(alarms.count == 1)
  }

  @Test func `a log that does not end at its head stops the tenant when it is loaded`() throws {
    try superuser.run("UPDATE tenure.head SET position = 7 WHERE tenant_id = \(tenant.id)")
    let (other, _) = try loaded()
    #expect(other.degraded?.position == 6)
  }
}
