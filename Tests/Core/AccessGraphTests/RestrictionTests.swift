import AccessGraph
import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Denies, boundaries and conditions on a small organisation, worked out by hand: what a decision is, and what decided it.
///
/// Random histories compare graph, naive fold and SQL in survey questions; here requests are given, too.
@Suite struct RestrictionTests {
  private static func permission(_ effect: PermissionEffect, _ action: String, _ condition: JSONValue? = .none) -> Permission {
    Permission(effect: effect, actions: [action], condition: condition)
  }

  private static func policy(_ type: PolicyType, _ rule: JSONValue) -> PolicyDocument { PolicyDocument(type: type, rule: rule) }

  private static func identity(_ id: String, _ kind: IdentityKind, _ department: String) -> Change {
    .identityRegistered(id: id, kind: kind, attributes: ["department": .open(.string(department))])
  }

  private static func grant(_ principal: Entity, _ role: String, _ scope: String = "db") -> Grant {
    Grant(principal: principal, role: role, scope: scope)
  }

  /// Ann has an account; Con is a contractor; Eve's e-mail is sealed.
  private static let changes: [Change] = [
    .sourceRegistered(id: "s", attributes: [:]), .coverageBegan(source: "s", resource: "*", expiresAt: nil),
    identity("ann", .person, "payments"), identity("ann@db", .account, "service"), identity("con", .person, "payments"),
    .identityRegistered(id: "eve", kind: .person, attributes: ["email": .sealed(String(repeating: "0", count: 64))]),
    .identityLinked(account: "ann@db", person: "ann"), .groupCreated(id: "contractors", attributes: [:]),
    .membershipAdded(group: "contractors", member: .identity("con"), expiresAt: nil),
    .roleDefined(
      id: "reader", document: RoleDocument(permissions: [permission(.allow, "db:Read")]), attributes: [:]),
    .roleDefined(
      id: "writer",
      document: RoleDocument(permissions: [permission(.allow, "db:Write", ["Bool": ["request.mfa": "true"]])]), attributes: [:]),
    .roleDefined(
      id: "office",
      document: RoleDocument(permissions: [
        permission(
          .allow, "db:Export", ["IpAddress": ["request.ip": "10.0.0.0/8"], "StringEquals": ["identity.department": "payments"]])
      ]), attributes: [:]),
    .roleDefined(
      id: "frozen", document: RoleDocument(permissions: [permission(.deny, "db:Write")]), attributes: [:]),
    .assignmentGranted(id: "a-read", grant: grant(.identity("con"), "reader")),
    .assignmentGranted(id: "a-write-ann", grant: grant(.identity("ann@db"), "writer")),
    .assignmentGranted(id: "a-write-con", grant: grant(.identity("con"), "writer")),
    .assignmentGranted(id: "a-export-ann", grant: grant(.identity("ann"), "office")),
    .assignmentGranted(id: "a-export-account", grant: grant(.identity("ann@db"), "office")),
    .assignmentGranted(id: "a-eve", grant: grant(.identity("eve"), "reader")),
    .assignmentGranted(id: "a-frozen", grant: grant(.identity("con"), "frozen", "db/prod")),
    .policyDefined(
      id: "no-secrets",
      policy: policy(
        .deny,
        [
          "principals": ["group:contractors"], "actions": ["db:*"], "resources": ["db/secret*"],
        ]), attributes: [:]),
    .policyDefined(
      id: "night",
      policy: policy(
        .deny,
        [
          "actions": ["db:Read"], "resources": ["db/quiet"], "condition": ["NumericLessThan": ["time.hour@Europe/Berlin": "6"]],
        ]), attributes: [:]),
    .policyDefined(
      id: "known-mail",
      policy: policy(
        .deny,
        [
          "principals": ["identity:eve"], "actions": ["db:Read"], "resources": ["db/mail"],
          "condition": ["StringNotEquals": ["identity.email": "eve@example.org"]],
        ]), attributes: [:]),
    .roleDefined(id: "mailer", document: RoleDocument(permissions: [permission(.allow, "db:Mail")]), attributes: [:]),
    .assignmentGranted(id: "a-mail-ann", grant: grant(.identity("ann"), "mailer")),
    .assignmentGranted(
      id: "a-mail-account",
      grant: Grant(principal: .identity("ann@db"), role: "mailer", scope: "db", condition: ["Bool": ["request.mfa": "true"]])),
    .policyDefined(
      id: "no-payments-mail",
      policy: policy(
        .deny, ["actions": ["db:Mail"], "condition": ["StringEquals": ["identity.department": "payments"]]]),
      attributes: [:]),
    .policyDefined(
      id: "only-reading",
      policy: policy(
        .boundary,
        [
          "principals": ["group:contractors"], "except": ["identity:ann"],
          "permissions": [["actions": ["db:Read"]], ["actions": ["db:Write"], "resources": ["db/scratch", "db/prod"]]],
        ]), attributes: [:]),
  ]

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let identity: String
    let action: String
    let resource: String
    var request = RequestFacts.unknown
    var hour = 13
    let status: Status
    var reason: String?
    var decidedBy: Decider?
  }

  static let cases: [Case] = [
    Case(
      testDescription: "a permission", identity: "con", action: "db:Read", resource: "db/x", status: .allowed,
      decidedBy: .grant("a-read")),
    Case(
      testDescription: "a deny policy by a group", identity: "con", action: "db:Read", resource: "db/secret/1", status: .denied,
      reason: "explicitly_denied", decidedBy: .denial(.policy("no-secrets"))),
    Case(
      testDescription: "outside a boundary", identity: "con", action: "db:Write", resource: "db/x",
      request: .complete(["mfa": true]), status: .denied, reason: "outside_boundary",
      decidedBy: .denial(.boundary("only-reading"))),
    Case(
      testDescription: "within a boundary", identity: "con", action: "db:Write", resource: "db/scratch",
      request: .complete(["mfa": true]), status: .allowed, decidedBy: .grant("a-write-con")),
    Case(
      testDescription: "a deny permission on its scope", identity: "con", action: "db:Write", resource: "db/prod",
      request: .complete(["mfa": true]), status: .denied, reason: "explicitly_denied",
      decidedBy: .denial(.assignment("a-frozen"))),
    Case(
      testDescription: "no request: conditional", identity: "ann", action: "db:Write", resource: "db/x", status: .conditional,
      decidedBy: .grant("a-write-ann")),
    Case(
      testDescription: "the request fulfils it", identity: "ann", action: "db:Write", resource: "db/x",
      request: .complete(["mfa": true]), status: .allowed, decidedBy: .grant("a-write-ann")),
    Case(
      testDescription: "the request does not", identity: "ann", action: "db:Write", resource: "db/x",
      request: .complete(["mfa": false]), status: .denied, reason: "no_path"),
    Case(
      testDescription: "enforced, a missing key is absent", identity: "ann", action: "db:Write", resource: "db/x",
      request: .complete([:]), status: .denied, reason: "no_path"),
    Case(
      testDescription: "of the past, a missing key is open", identity: "ann", action: "db:Write", resource: "db/x",
      request: .partial(["ip": "10.0.0.1"]), status: .conditional, decidedBy: .grant("a-write-ann")),
    Case(
      testDescription: "identity keys are the bearer's", identity: "ann@db", action: "db:Export", resource: "db/x",
      request: .complete(["ip": "10.0.0.1"]), status: .denied, reason: "no_path"),
    Case(
      testDescription: "the person has it by herself", identity: "ann", action: "db:Export", resource: "db/x",
      request: .complete(["ip": "10.0.0.1"]), status: .allowed, decidedBy: .grant("a-export-ann")),
    Case(
      testDescription: "what is denied to herself does not decide where her account's path is open", identity: "ann",
      action: "db:Mail", resource: "db/x", status: .conditional, decidedBy: .grant("a-mail-account")),
    Case(
      testDescription: "the hour of a zone: 05:00 in Berlin", identity: "eve", action: "db:Read", resource: "db/quiet", hour: 4,
      status: .denied, reason: "explicitly_denied", decidedBy: .denial(.policy("night"))),
    Case(
      testDescription: "the hour of a zone: 06:00 in Berlin", identity: "eve", action: "db:Read", resource: "db/quiet", hour: 5,
      status: .allowed, decidedBy: .grant("a-eve")),
    Case(
      testDescription: "a deny that cannot be evaluated applies where it is enforced", identity: "eve", action: "db:Read",
      resource: "db/mail", request: .complete([:]), status: .denied, reason: "explicitly_denied",
      decidedBy: .denial(.policy("known-mail"))),
    Case(
      testDescription: "and makes a survey's answer conditional", identity: "eve", action: "db:Read", resource: "db/mail",
      status: .conditional, decidedBy: .denial(.policy("known-mail"))),
  ]

  @Test(arguments: cases) func decides(_ one: Case) {
    let events = Self.changes.enumerated().map { index, change in
      Event(
        position: Int64(index) + 1, eventID: "e\(index + 1)", effectiveAt: Universe.instant(0),
        recordedAt: Universe.instant(0).adding(microseconds: Int64(index)), source: "s", basis: .declared,
        authority: Authority(), recordedBy: Recorder(id: "test", authentication: "local"), change: change)
    }
    let graph = AccessGraph()
    for event in events { graph.apply(event) }
    graph.publish()
    let view = Viewpoint(at: Universe.instant(one.hour), asKnownAt: graph.position)
    let answer = graph.check(one.identity, action: one.action, resource: one.resource, from: view, request: one.request)
    #expect(answer.status == one.status)
    #expect(answer.reason == one.reason)
    #expect(answer.decidedBy == one.decidedBy)
  }
}
