import AccessGraph
import EventLog
import Governance
import JSON
import Temporal
import TestSupport
import Testing
import Usage

@testable import API

/// A role is made smaller for a finding, and given back exactly.
@Suite struct FindingApplicationTests {
  let store: EventStore
  let tenant: Tenant
  let finding: Finding

  /// As it was written, with an order and a repetition that nobody would make anew.
  private static let document = RoleDocument(permissions: [
    Permission(actions: ["repo.write", "repo.read"], resources: ["org/b", "org/a"]), Permission(actions: ["repo.admin"]),
    Permission(actions: ["repo.write"], resources: ["org/b", "org/a"], condition: ["Bool": ["request.mfa": ["true"]]]),
  ])

  init() throws {
    store = try ScratchDatabase.store()
    tenant = try store.create(tenant: ScratchDatabase.tenantName())
    let pattern = RolePattern("repo.write", of: Self.document.permissions?[0] ?? Permission(actions: []))
    finding = Finding(rule: "unused_permission", subject: .role("dev"), evidence: ["permission": pattern.json])
    try submit(
      .identityRegistered(id: "ada", kind: .person, attributes: [:]),
      .roleDefined(id: "dev", document: Self.document, attributes: ["team": .open("x")]),
      .assignmentGranted(id: "a1", grant: Grant(principal: .identity("ada"), role: "dev", scope: "*")),
      .findingRaised(finding))
  }

  private func submit(_ changes: Change...) throws {
    try tenant.submitAndWait(
      Submission(
        mode: .observation, source: "test", basis: .observed, recordedBy: Recorder(id: "test", authentication: "local"),
        commands: changes.map { Command($0) }))
  }

  private var questions: Questions { Questions(tenant: tenant) }

  private func state() throws -> FindingState? { try questions.finding(finding.id)?.shown.standing.state }

  /// All entitlements now.
  private func snapshot() throws -> [Entitlement] {
    try tenant.read { graph in
      graph.snapshot(resource: nil, from: Viewpoint(at: tenant.now, asKnownAt: graph.position), after: nil, limit: 100)
    }
  }

  /// The last definition of the role, as it stands in the log.
  private func definition() throws -> JSONValue? {
    var last: JSONValue?
    try tenant.export { line in
      let event = try EventCodec.decode(Array(line.body.utf8), at: line.position)
      if case .roleDefined(_, let document, _) = event.change { last = document.revision(of: "dev") }
    }
    return last
  }

  private func apply() throws {
    try tenant.submitAndWait(try questions.application(of: finding.id, by: "ada").submission(recordedBy: "test"))
  }

  private func rollBack() throws {
    try tenant.submitAndWait(try questions.rollback(of: finding.id, by: "bob").submission(recordedBy: "test"))
  }

  private static func refusal(_ body: () throws -> Void) -> String? {
    do { try body() } catch let error as FindingApplicationError { return error.description } catch { return nil }
    return nil
  }

  @Test func `what is applied is the smaller role, by whoever says so, and a rollback gives everything back`() throws {
    let (before, written) = (try snapshot(), try definition())
    try apply()
    #expect(try state() == .resolved)
    let smaller = try snapshot()
    #expect(smaller.count == before.count - 2)
    #expect(smaller.allSatisfy { entitlement in before.contains(entitlement) })
    #expect(try definition()?["permissions"]?[0]?["actions"] == ["repo.read"])
    // The conditional one is another permission, and was not found unused.
    #expect(try definition()?["permissions"]?.arrayValue?.count == 3)
    let event = try #require(try tenant.log(LogFilter(), after: 4).events.first?.event)
    #expect(event.authority.actor?.id == "ada" && event.authority.ticket?.key == finding.id)
    try rollBack()
    #expect(try snapshot() == before)
    #expect(try definition()?.canonicalText == written?.canonicalText)
    #expect(try state() == .open)
    let world = try tenant.read { graph in
      graph.world(asKnownAt: graph.position).value(of: .attribute(.role("dev"), name: "team"), at: tenant.now)?.value
    }
    #expect(world == .attribute(.open("x")))
    // As often as one likes.
    try apply()
    #expect(try snapshot() == smaller)
    try rollBack()
    #expect(try snapshot() == before)
  }

  @Test func `what was changed since is not overwritten, and nothing is applied twice`() throws {
    #expect(Self.refusal(rollBack)?.contains("nothing to take back") == true)
    // What came to the role since the finding stays.
    var more = Self.document
    more.permissions?.append(Permission(actions: ["repo.fork"]))
    try submit(.roleDefined(id: "dev", document: more, attributes: [:]))
    try apply()
    #expect(try definition()?["permissions"]?.arrayValue?.count == 4)
    #expect(Self.refusal(apply)?.hasPrefix("there is no open finding") == true)
    try submit(.roleDefined(id: "dev", document: Self.document, attributes: [:]))
    #expect(Self.refusal(rollBack)?.contains("was changed since event") == true)
    try submit(.findingRaised(finding), .roleDefined(id: "dev", document: RoleDocument(permissions: []), attributes: [:]))
    #expect(Self.refusal(apply)?.contains("has the permission no longer") == true)
  }

  @Test func `what somebody writes between the making and the recording is not written over`() throws {
    let made = try questions.application(of: finding.id, by: "ada")
    var more = Self.document
    more.permissions?.append(Permission(actions: ["repo.fork"]))
    try submit(.roleDefined(id: "dev", document: more, attributes: [:]))
    #expect {
      try tenant.submitAndWait(made.submission(recordedBy: "test"))
    } throws: { error in
      guard case SubmissionFailure.refused(let refusal) = error else { return false }
      return refusal.code == .changedMeanwhile
    }
    #expect(try definition()?["permissions"]?.arrayValue?.count == 4)
    var attempts = 0
    _ = try tenant.submitAndWait(attempts: FindingApplication.mostAttempts) {
      attempts += 1
      let made = try questions.application(of: finding.id, by: "ada")
      if attempts == 1 {
        more.permissions?.append(Permission(actions: ["repo.star"]))
        try submit(.roleDefined(id: "dev", document: more, attributes: [:]))
      }
      return made.submission(recordedBy: "test")
    }
    #expect(attempts == 2)
    #expect(try definition()?["permissions"]?.arrayValue?.count == 5)
    #expect(try definition()?["permissions"]?[0]?["actions"] == ["repo.read"])
  }

  @Test func `of findings on one role that are mended at the same time none undoes another`() async throws {
    let actions = (0..<6).map { "tool.do\($0)" }
    let permission = Permission(actions: actions + ["tool.keep"])
    let findings = actions.map { action in
      Finding(
        rule: "unused_permission", subject: .role("tool"),
        evidence: ["permission": RolePattern(action, of: permission).json])
    }
    try submit(.roleDefined(id: "tool", document: RoleDocument(permissions: [permission]), attributes: [:]))
    for finding in findings { try submit(.findingRaised(finding)) }
    await withTaskGroup(of: Void.self) { group in
      for finding in findings {
        group.addTask {
          // More often than others can get in between.
          _ = try? tenant.submitAndWait(attempts: 20) {
            try questions.application(of: finding.id, by: nil).submission(recordedBy: "test")
          }
        }
      }
    }
    let document = try tenant.read { graph in
      graph.world(asKnownAt: graph.position).value(of: .existence(.role("tool")), at: tenant.now)?.value
    }
    #expect(document == .role(RoleDocument(permissions: [Permission(actions: ["tool.keep"])])))
  }

  @Test func `what is no longer so is not mended`() throws {
    try submit(.groupCreated(id: "empty", attributes: [:]))
    let empty = Finding(
      rule: "empty_group", subject: .group("empty"), evidence: [:], fix: ["type": "group.delete", "id": "empty"])
    let unused = Finding(
      rule: "unused_assignment", subject: Entity(.assignment, "a1"), evidence: ["last_used": .null],
      fix: ["type": "assignment.revoke", "id": "a1"])
    let dormant = Finding(
      rule: "dormant_identity", subject: .identity("ada"), evidence: ["last_used": .null],
      fix: ["type": "identity.suspend", "id": "ada"])
    try submit(.findingRaised(empty), .findingRaised(unused), .findingRaised(dormant))
    for id in [unused.id, dormant.id, finding.id] { _ = try questions.application(of: id, by: nil) }
    try submit(.membershipAdded(group: "empty", member: .identity("ada"), expiresAt: nil))
    let record = UsageRecord(id: "u", at: tenant.now, identity: "ada", action: "repo.write", resource: "org/a")
    #expect(try UsageStore(tenant).record([record], source: "test").new == 1)
    for id in [empty.id, unused.id, dormant.id, finding.id] {
      let refusal = Self.refusal { _ = try questions.application(of: id, by: nil) }
      #expect(refusal?.hasPrefix("it is no longer so") == true, "\(id): \(refusal ?? "not refused")")
    }
  }

  @Test func `a finding whose fix is a command is mended by that, and one in words by a person`() throws {
    try submit(.groupCreated(id: "empty", attributes: [:]))
    let empty = Finding(
      rule: "empty_group", subject: .group("empty"), evidence: [:], fix: ["type": "group.delete", "id": "empty"])
    let ownerless = Finding(rule: "ownerless", subject: .role("dev"), evidence: [:])
    try submit(.findingRaised(empty), .findingRaised(ownerless))
    try tenant.submitAndWait(try questions.application(of: empty.id, by: nil).submission(recordedBy: "test"))
    #expect(try tenant.read { $0.world(asKnownAt: $0.position).exists(.group("empty"), at: tenant.now) } == false)
    #expect(Self.refusal { _ = try questions.application(of: ownerless.id, by: nil) }?.contains("takes a person") == true)
    #expect(Self.refusal { _ = try questions.rollback(of: empty.id, by: nil) }?.contains("nothing to take back") == true)
  }
}
