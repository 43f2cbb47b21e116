import AccessGraph
import EventLog
import Governance
import JSON
import Temporal
import Testing

@testable import API

/// What mallory changes in roles, policies and ends, and what containment makes of it.
@Suite struct ContainmentRollbackTests {
  private static func told(_ commands: [String]) -> String { #"{"commands":[\#(commands.joined(separator: ","))]}"# }

  /// Commands of somebody.
  private static func by(_ who: String, _ commands: [String]) -> String {
    told(commands.map { $0.dropLast() + #","actor":{"id":"\#(who)"}}"# })
  }

  /// The organisation before the incident; its clock stands in the incident.
  private static func before(_ commands: [String]) async throws -> Organisation {
    let organisation = try await Organisation.told()
    try organisation.clock.set("2024-03-31T00:00:00Z")
    try await organisation.client.post(
      "/v1/commands", told([#"{"type":"identity.register","id":"mallory","kind":"person"}"#] + commands)
    ).expect(200)
    try organisation.clock.set("2024-04-01T10:00:00Z")
    return organisation
  }

  private static func plan(_ organisation: Organisation) throws -> Containment {
    try organisation.clock.set("2024-04-03T00:00:00Z")
    let during = Interval(from: try Instant(rfc3339: "2024-04-01T00:00:00Z"), to: try Instant(rfc3339: "2024-04-02T00:00:00Z"))
    return try organisation.questions.containment(
      of: IncidentQuestion(identities: ["mallory"], during: during),
      authority: Authority(actor: Actor(id: "responder"), reason: "contain INC-12"))
  }

  @Test func `a role is what it was, with its attributes, and so is a policy; what was made anew goes`() async throws {
    let organisation = try await Self.before([
      #"{"type":"role.define","id":"deployer","permissions":[{"actions":["repo.read"]}],"attributes":{"owner":"alice","tier":"gold"}}"#,
      #"{"type":"role.define","id":"gone","permissions":[{"actions":["repo.tag"]}],"attributes":{"owner":"bob"}}"#,
      #"{"type":"policy.define","id":"watched","policy_type":"privileged","rule":{"actions":["vault.*"]}}"#,
    ])
    let client = organisation.client
    try await client.post(
      "/v1/commands",
      Self.by(
        "mallory",
        [
          #"{"type":"role.revise","id":"deployer","permissions":[{"actions":["repo.*"]}],"attributes":{"owner":"mallory"}}"#,
          #"{"type":"role.retire","id":"gone"}"#,
          #"{"type":"policy.revise","id":"top","policy_type":"privileged","rule":{"actions":["nothing"]}}"#,
          #"{"type":"policy.retire","id":"watched"}"#,
          #"{"type":"policy.define","id":"planted","policy_type":"privileged","rule":{"actions":["x"]}}"#,
          #"{"type":"role.define","id":"unused","permissions":[{"actions":["*"]}]}"#,
        ])
    ).expect(200)
    try await client.post(
      "/v1/commands",
      Self.by(
        "mallory", [#"{"type":"role.revise","id":"deployer","permissions":[{"actions":["repo.*","vault.*"]}]}"#])
    ).expect(200)
    let plan = try Self.plan(organisation)
    let texts = plan.steps.map { $0.text.replacing(#/ before event [0-9]+/#, with: "") }
    #expect(
      texts.filter { !$0.hasPrefix("open review") } == [
        "suspend mallory", "put role:deployer back to what it was", "put role:gone back to what it was",
        "put policy:top back to what it was", "put policy:watched back to what it was", "retire policy:planted",
      ])
    #expect(plan.undecided.isEmpty)
    #expect(plan.steps[1].breaks == ["no longer allows repo.* vault.*", "allows again repo.read"])
    #expect(plan.steps[1].because == "changed by mallory" && plan.steps[2].because == "retired by mallory")
    let tenant = try organisation.questions.tenant
    try tenant.submitAndWait(plan.submission(recordedBy: "test", source: "incident"))
    let (now, was) = (try Instant(rfc3339: "2024-04-03T00:00:00Z"), try Instant(rfc3339: "2024-03-31T12:00:00Z"))
    try tenant.read { graph in
      let world = graph.world(asKnownAt: graph.position)
      let entities = [Entity.role("deployer"), .role("gone"), .policy("top"), .policy("watched")]
      for fact in entities.flatMap({ [.existence($0)] + world.attributes(of: $0) }) {
        #expect(world.value(of: fact, at: now.next)?.value == world.value(of: fact, at: was)?.value, "\(fact)")
      }
      #expect(!world.exists(.policy("planted"), at: now.next))
      #expect(world.value(of: .attribute(.role("deployer"), name: "owner"), at: now.next)?.value == .attribute(.open("alice")))
    }
    // Contained, there is nothing more to do, and nothing to decide.
    let again = try Self.plan(organisation)
    #expect(again.steps.isEmpty && again.undecided.isEmpty)
  }

  @Test func `what another has changed since is left for somebody to decide, and so is what cannot be taken back`() async throws
  {
    let organisation = try await Self.before([
      #"{"type":"role.define","id":"both","permissions":[{"actions":["repo.read"]}]}"#
    ])
    let client = organisation.client
    func say(_ who: String, _ command: String) async throws {
      try await client.post("/v1/commands", Self.by(who, [command])).expect(200)
    }
    try await say("mallory", #"{"type":"role.revise","id":"both","permissions":[{"actions":["repo.*"]}]}"#)
    try await say("alice", #"{"type":"role.revise","id":"both","permissions":[{"actions":["repo.*","log.read"]}]}"#)
    try await say("mallory", #"{"type":"role.define","id":"made","permissions":[{"actions":["*"]}]}"#)
    try await say(
      "alice", #"{"type":"assignment.grant","id":"trusting","principal":"identity:bob","role":"made","scope":"acme"}"#)
    let plan = try Self.plan(organisation)
    #expect(plan.steps.map(\.text).filter { !$0.hasPrefix("open review") } == ["suspend mallory"])
    let both = try #require(plan.undecided.first)
    #expect(both.entity == .role("both"))
    #expect(both.because.contains("was changed by mallory, and since by alice (event "))
    #expect(plan.undecided.dropFirst().map(\.entity) == [.role("made")])
    #expect(plan.undecided[1].because == "was made by mallory, and an assignment that others gave is of it")
    // A further change of mallory's goes back to alice's, and mallory's first stays to be decided.
    try organisation.clock.set("2024-04-01T12:00:00Z")
    try await say("mallory", #"{"type":"role.revise","id":"both","permissions":[{"actions":["*"]}]}"#)
    let more = try Self.plan(organisation)
    let step = try #require(more.steps.first { $0.text.hasPrefix("put role:both back") })
    let alices = RoleDocument(permissions: [Permission(actions: ["repo.*", "log.read"])])
    #expect(step.command.change == .roleDefined(id: "both", document: alices, attributes: [:]))
    #expect(more.undecided.map(\.entity) == [.role("both"), .role("made")])
    // Somebody revises it while the plan is read: nothing is written over.
    try await say("alice", #"{"type":"role.revise","id":"both","permissions":[{"actions":["log.read"]}]}"#)
    #expect(throws: SubmissionFailure.self) {
      try organisation.questions.tenant.submitAndWait(more.submission(recordedBy: "test", source: "incident"))
    }
    // Whoever puts it back by hand leaves nothing to decide.
    try await say("alice", #"{"type":"assignment.revoke","id":"trusting"}"#)
    let role = #"{"type":"role.revise","id":"both","permissions":[{"actions":["repo.read"]}]}"#
    try await say("alice", role)
    #expect(try Self.plan(organisation).undecided.map(\.entity) == [.role("both")])
  }

  @Test func `an end that was put off is as it was, and what would be over is over`() async throws {
    let organisation = try await Self.before([
      #"{"type":"assignment.grant","id":"short","principal":"identity:bob","role":"viewer","scope":"acme/a","expires_at":"2024-04-02T12:00:00Z"}"#,
      #"{"type":"assignment.grant","id":"long","principal":"identity:bob","role":"viewer","scope":"acme/b","expires_at":"2024-06-01T00:00:00Z"}"#,
      #"{"type":"assignment.grant","id":"since","principal":"identity:bob","role":"viewer","scope":"acme/c","expires_at":"2024-06-01T00:00:00Z"}"#,
    ])
    let client = organisation.client
    let later = #""expires_at":"2025-01-01T00:00:00Z""#
    for id in ["short", "long", "since"] {
      try await client.post(
        "/v1/commands", Self.by("mallory", [#"{"type":"assignment.extend","id":"\#(id)",\#(later)}"#])
      ).expect(200)
    }
    try await client.post(
      "/v1/commands",
      Self.by("alice", [#"{"type":"assignment.extend","id":"since","expires_at":"2024-12-01T00:00:00Z"}"#])
    ).expect(200)
    let plan = try Self.plan(organisation)
    #expect(
      plan.steps.map(\.text).filter { !$0.hasPrefix("open review") } == [
        "suspend mallory", "revoked assignment short", "let assignment long end at 2024-06-01T00:00:00.000000Z again",
      ])
    #expect(plan.steps[1].because == "ended at 2024-04-02T12:00:00.000000Z, but for mallory, who extended it")
    #expect(plan.undecided.map(\.entity) == [Entity(.assignment, "since")])
    #expect(plan.undecided[0].because.contains("since by alice"))
    let tenant = try organisation.questions.tenant
    try tenant.submitAndWait(plan.submission(recordedBy: "test", source: "incident"))
    let now = try Instant(rfc3339: "2024-04-03T00:00:01Z")
    try tenant.read { graph in
      let world = graph.world(asKnownAt: graph.position)
      #expect(world.value(of: .assignment(id: "short"), at: now) == nil)
      let end = try Instant(rfc3339: "2024-06-01T00:00:00Z")
      #expect(world.value(of: .assignment(id: "long"), at: now)?.expiresAt == end)
    }
  }
}
