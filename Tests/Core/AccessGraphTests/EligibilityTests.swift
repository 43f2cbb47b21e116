import AccessGraph
import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Who could get what they have not, worked out by hand and put to the graph and to the naive fold.
@Suite struct EligibilityTests {
  private static func permission(_ effect: PermissionEffect, _ action: String) -> Permission {
    Permission(effect: effect, actions: [action])
  }

  private static func role(_ id: String, _ permissions: [Permission]?, includes: [String] = []) -> Change {
    .roleDefined(id: id, document: RoleDocument(permissions: permissions, includes: includes), attributes: [:])
  }

  private static func person(_ id: String, level: Int64) -> Change {
    .identityRegistered(id: id, kind: .person, attributes: ["level": .open(.integer(level))])
  }

  private static func join(_ group: String, _ member: Entity) -> Change {
    .membershipAdded(group: group, member: member, expiresAt: nil)
  }

  private static func grant(
    _ id: String, _ principal: Entity, _ role: String, if condition: JSONValue? = .none
  ) -> Change {
    .assignmentGranted(id: id, grant: Grant(principal: principal, role: role, scope: "db", condition: condition))
  }

  private static func policy(_ type: PolicyType, _ id: String, _ rule: JSONObject) -> Change {
    .policyDefined(id: id, policy: PolicyDocument(type: type, rule: .object(rule)), attributes: [:])
  }

  /// Whoever is on call may ask for the role `admin` on db/prod, but for cat.
  private static func elevation(_ id: String = "p", _ more: JSONObject = [:]) -> Change {
    var rule: JSONObject = [
      "principals": ["group:oncall"], "except": ["identity:cat"], "roles": ["admin"], "scopes": ["db/prod"],
      "approvers": ["group:leads"], "longest_seconds": 3_600,
    ]
    for member in more { rule[member.name] = member.value }
    return policy(.elevation, id, rule)
  }

  private static func membershipOnly(_ more: JSONObject = [:]) -> Change {
    var rule: JSONObject = ["roles": [], "scopes": [], "groups": ["dba"]]
    for member in more { rule[member.name] = member.value }
    return elevation("p", rule)
  }

  /// A personal attribute, of which the log has only the digest.
  private static func sealed(_ id: String) -> Change {
    let digest = String(repeating: "a", count: 64)
    return .identityRegistered(
      id: id, kind: .person, attributes: ["email": .sealed(digest), "level": .open(.integer(9))])
  }

  private static let named: JSONValue = ["StringEquals": ["identity.email": "amy@example.org"]]
  private static let mfa: JSONValue = ["Bool": ["request.mfa": "true"]]
  private static let senior: JSONValue = ["NumericGreaterThan": ["identity.level": "5"]]

  /// Amy, cat, dan, eve and (by a group) hal are on call; dan is suspended, eve may write already; fay is not on call.
  private static let beginning: [Change] =
    people + groups + [
      .identitySuspended(id: "dan"), role("writer", [permission(.allow, "db:Write")]),
      role("admin", [permission(.allow, "db:Admin")], includes: ["writer"]),
      role("mixed", [permission(.allow, "db:*"), permission(.deny, "db:Write")]), role("foggy", nil),
      grant("a-eve", .identity("eve"), "writer"),
    ]
  private static let people: [Change] = [
    person("amy", level: 9), person("cat", level: 9), person("dan", level: 9), person("eve", level: 9),
    person("fay", level: 9), person("hal", level: 1),
  ]
  private static let groups: [Change] =
    ["oncall", "night", "leads", "dba", "admins"].map { .groupCreated(id: $0, attributes: [:]) } + [
      join("oncall", .identity("amy")), join("oncall", .identity("cat")), join("oncall", .identity("dan")),
      join("oncall", .identity("eve")), join("night", .identity("hal")), join("oncall", .group("night")),
      join("admins", .group("dba")),
    ]

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// What else happens, from the second hour on, one thing an hour.
    var changes: [Change] = []
    var subject = WhoSubject.access(action: "db:Write", resource: "db/prod")
    var hour = 12
    /// How many of the changes are known; nil for all.
    var known: Int?
    /// Identity, policy, alone, status.
    var expected: [String] = []

    init(
      _ testDescription: String, _ changes: [Change], on resource: String? = nil, of subject: WhoSubject? = nil,
      hour: Int = 12, known: Int? = nil, is expected: [String]
    ) {
      (self.testDescription, self.changes, self.hour, self.known, self.expected) =
        (testDescription, changes, hour, known, expected)
      if let subject { self.subject = subject }
      if let resource { self.subject = .access(action: "db:Write", resource: resource) }
    }
  }

  static let cases: [Case] = [
    Case("without a policy nobody is", [], is: []),
    Case(
      "members are, of the group or of one in it; not the excepted, suspended, allowed or unconcerned; by an included role",
      [elevation()], is: ["amy p no allowed", "hal p no allowed"]),
    Case("below the scope", [elevation()], on: "db/prod/x", is: ["amy p no allowed", "hal p no allowed"]),
    Case("not above the scope", [elevation()], on: "db", is: []),
    Case("not on what only begins alike", [elevation()], on: "db/production", is: []),
    Case("not for what the role does not permit", [elevation()], of: .access(action: "db:Drop", resource: "db/prod"), is: []),
    Case(
      "everybody where no principals are named",
      [policy(.elevation, "p", ["roles": ["admin"], "scopes": ["*"], "approvers": ["group:leads"], "standing": true])],
      is: ["amy p no allowed", "cat p no allowed", "fay p no allowed", "hal p no allowed"]),
    Case("glass is broken alone", [elevation("p", ["break_glass": true])], is: ["amy p yes allowed", "hal p yes allowed"]),
    Case(
      "what approves itself is got alone", [elevation("p", ["approves_itself": true])],
      is: ["amy p yes allowed", "hal p yes allowed"]),
    Case(
      "alone where the request says so", [elevation("p", ["approves_itself": mfa])],
      is: ["amy p conditional allowed", "hal p conditional allowed"]),
    Case(
      "alone by what is known of the identity", [elevation("p", ["approves_itself": senior])],
      is: ["amy p yes allowed", "hal p no allowed"]),
    Case(
      "a requirement that is settled", [elevation("p", ["requires": ["condition": senior]])],
      is: ["amy p no allowed", "hal p no allowed, by another"]),
    Case(
      "a requirement that is open", [elevation("p", ["requires": ["condition": mfa]])],
      is: ["amy p no conditional", "hal p no conditional"]),
    Case(
      "the scope may be chosen: alone by one that may be asked for and reaches it",
      [elevation("p", ["approves_itself": ["StringLike": ["resource.path": "db/prod/*"]]])], on: "db/prod/x/y",
      is: ["amy p yes allowed", "hal p yes allowed"]),
    Case(
      "but not alone by one that may not be asked for, or does not reach it",
      [elevation("p", ["approves_itself": ["StringLike": ["resource.path": ["db", "db/test/*", "db/prod/z"]]]])],
      on: "db/prod/x", is: ["amy p no allowed", "hal p no allowed"]),
    Case(
      "what depends on the scope and on the request is open",
      [
        elevation(
          "p", ["approves_itself": ["StringLike": ["resource.path": "db/prod*"], "Bool": ["request.mfa": "true"]]])
      ],
      is: ["amy p conditional allowed", "hal p conditional allowed"]),
    Case(
      "of the whole tenant the scope has no path",
      [elevation("p", ["scopes": ["*"], "approves_itself": ["StringEquals": ["resource.path": "db"]]])],
      is: ["amy p yes allowed", "hal p yes allowed"]),
    Case(
      "what is required of the scope is met by one of them",
      [elevation("p", ["requires": ["condition": ["StringEquals": ["resource.path": "db/prod/x"]]]])], on: "db/prod/x/y",
      is: ["amy p no allowed", "hal p no allowed"]),
    Case(
      "what is required of the scope is met by none",
      [elevation("p", ["requires": ["condition": ["StringEquals": ["resource.path": "db"]]]])], on: "db/prod/x", is: []),
    Case(
      "of a role the scope is any, so what depends on it is open",
      [elevation("p", ["approves_itself": ["StringLike": ["resource.path": "db/*"]]])], of: .role("writer"),
      is: ["amy p conditional allowed", "hal p conditional allowed"]),
    Case(
      "what nobody can evaluate is not met: a personal attribute",
      [sealed("amy"), sealed("hal"), elevation("p", ["requires": ["condition": named]])], is: []),
    Case(
      "nor is it approved by it",
      [sealed("amy"), elevation("p", ["approves_itself": named])], is: ["amy p no allowed", "hal p no allowed"]),
    Case(
      "who does not meet what is required is asked for by somebody who does",
      [elevation("p", ["requires": ["condition": senior], "break_glass": true])],
      is: ["amy p yes allowed", "hal p no allowed, by another"]),
    Case(
      "on a condition, where they meet it on one",
      [
        elevation(
          "p", ["requires": ["condition": ["NumericGreaterThan": ["identity.level": "5"], "Bool": ["request.mfa": "true"]]]])
      ],
      is: ["amy p no conditional", "hal p no conditional, by another"]),
    Case(
      "not by somebody whom the policy does not concern, or who is suspended",
      [
        elevation(
          "p", ["requires": ["condition": ["NumericGreaterThan": ["identity.level": "5"]]], "principals": ["group:night"]])
      ], is: []),
    Case(
      "a membership has no scope",
      [grant("a", .group("admins"), "admin"), membershipOnly(["approves_itself": ["StringLike": ["resource.path": "db/*"]]])],
      is: ["amy p no allowed", "hal p no allowed"]),
    Case(
      "by a membership, through the groups above", [grant("a", .group("admins"), "admin"), membershipOnly()],
      is: ["amy p no allowed", "hal p no allowed"]),
    Case(
      "not by a membership that is there",
      [
        grant("a", .group("admins"), "admin", if: mfa), join("dba", .identity("amy")), membershipOnly(),
      ], is: ["hal p no conditional"]),
    Case("not by a group that has nothing", [membershipOnly()], is: []),
    Case(
      "a boundary takes it away",
      [elevation(), policy(.boundary, "b", ["principals": ["group:night"], "permissions": [["actions": ["db:Read"]]]])],
      is: ["amy p no allowed"]),
    Case(
      "a boundary may take it away",
      [elevation(), policy(.boundary, "b", ["permissions": [["actions": ["db:*"], "condition": mfa]]])],
      // Eve's access depends on the request now, too.
      is: ["amy p no conditional", "eve p no conditional", "hal p no conditional"]),
    Case(
      "a deny of the group that one would come into",
      [
        grant("a", .group("admins"), "admin"), membershipOnly(),
        policy(.deny, "d", ["principals": ["group:dba"], "actions": ["db:*"]]),
      ],
      is: []),
    Case("a deny in the role itself", [elevation("p", ["roles": ["mixed"]])], is: []),
    Case("a role that is not known", [elevation("p", ["roles": ["foggy"]])], is: ["amy p no unknown", "hal p no unknown"]),
    Case(
      "who has it on a condition is both",
      [elevation(), grant("a", .identity("amy"), "writer", if: mfa)], is: ["amy p no allowed", "hal p no allowed"]),
    Case("before the policy", [elevation()], hour: 1, is: []),
    Case("before the policy was known", [elevation()], known: 0, is: []),
    Case("after the policy", [elevation(), .policyRetired(id: "p")], is: []),
    Case(
      "until its retirement was known", [elevation(), .policyRetired(id: "p")], known: 1,
      is: ["amy p no allowed", "hal p no allowed"]),
    Case(
      "by two policies, each once, the best of what it offers",
      [
        elevation("q", ["roles": ["foggy", "writer", "admin"]]),
        elevation("p", ["principals": ["identity:amy"], "break_glass": true]),
      ], is: ["amy p yes allowed, q no allowed", "hal q no allowed"]),
    Case(
      "an account is, and the person with it",
      [
        .identityRegistered(id: "fay@db", kind: .account, attributes: [:]),
        .identityLinked(account: "fay@db", person: "fay"), join("oncall", .identity("fay@db")), elevation(),
      ], is: ["amy p no allowed", "fay p no allowed", "fay@db p no allowed", "hal p no allowed"]),
    Case(
      "a person as well as its account, the better of the two",
      [
        .identityRegistered(id: "fay@db", kind: .account, attributes: [:]),
        .identityLinked(account: "fay@db", person: "fay"), join("dba", .identity("fay@db")), join("dba", .identity("fay")),
        elevation(
          "p", ["principals": ["group:dba"], "approves_itself": ["StringEquals": ["identity.kind": "account"]]]),
      ],
      is: ["fay p yes allowed", "fay@db p yes allowed"]),
    Case(
      "an account is not what its person is",
      [
        .identityRegistered(id: "fay@db", kind: .account, attributes: [:]),
        .identityLinked(account: "fay@db", person: "fay"), join("dba", .identity("fay@db")), join("dba", .identity("fay")),
        elevation(
          "p", ["principals": ["group:dba"], "approves_itself": ["StringEquals": ["identity.kind": "person"]]]),
      ],
      is: ["fay p yes allowed", "fay@db p no allowed"]),
    Case(
      "of a role, by one that includes it", [elevation()], of: .role("writer"), is: ["amy p no allowed", "hal p no allowed"]),
    Case(
      "of a group, by one in it", [membershipOnly()], of: .group("admins"),
      is: ["amy p no allowed", "eve p no allowed", "hal p no allowed"]),
    Case(
      "of what is privileged", [elevation(), policy(.privileged, "top", ["actions": ["db:Admin"]])], of: .privileged,
      is: ["amy p no allowed", "eve p no allowed", "hal p no allowed"]),
  ]

  private static func log(_ changes: [Change]) -> [Event] {
    (beginning.map { (0, $0) } + changes.enumerated().map { ($0.offset + 2, $0.element) }).enumerated().map { index, item in
      Event(
        position: Int64(index) + 1, eventID: "e\(index + 1)", effectiveAt: Universe.instant(item.0),
        recordedAt: Universe.instant(item.0), source: "s", basis: .declared, authority: Authority(),
        recordedBy: Recorder(id: "test", authentication: "local"), change: item.1)
    }
  }

  private static func graph(_ events: [Event]) -> AccessGraph {
    let graph = AccessGraph()
    for event in events { graph.apply(event) }
    graph.publish()
    return graph
  }

  private static func text(_ eligible: [Eligible]) -> [String] {
    eligible.map { one in
      "\(one.identity) "
        + one.ways.map { "\($0.policy) \($0.alone) \($0.status)\($0.isAskedByAnother ? ", by another" : "")" }
        .joined(separator: ", ")
    }
  }

  @Test(arguments: cases) func tells(_ one: Case) {
    let events = Self.log(one.changes)
    let graph = Self.graph(events)
    let known = one.known.map { Self.beginning.count + $0 } ?? events.count
    let view = Viewpoint(at: Universe.instant(one.hour), asKnownAt: Int64(known))
    let answer = graph.eligible(one.subject, from: view, beside: graph.who(one.subject, from: view))
    #expect(Self.text(answer) == one.expected)
    #expect(Self.text(NaiveLog(events).view(view).eligible(one.subject)) == one.expected)
    guard case .access(let action, let resource) = one.subject else { return }
    let alone = ["amy", "cat", "dan", "eve", "fay", "hal", "nobody"].compactMap { identity -> Eligible? in
      let ways = graph.eligible(identity, action: action, resource: resource, from: view)
      return ways.isEmpty ? nil : Eligible(identity: identity, ways: ways)
    }
    #expect(Self.text(alone) == one.expected.filter { !$0.contains("@") })
  }

  @Test func `what an identity could ask for`() {
    let events = Self.log([
      Self.elevation("p", ["roles": ["writer", "admin", "gone"], "groups": ["dba", "oncall"], "standing": true]),
      Self.elevation("q", ["roles": ["admin"], "break_glass": true, "requires": ["condition": Self.mfa]]),
    ])
    let view = Viewpoint(at: Universe.instant(9), asKnownAt: Int64(events.count))
    let expected = [
      "p amy group(\"dba\") alone no 3600 s or standing",
      "p amy role(\"admin\", scope: \"db/prod\") alone no 3600 s or standing",
      "p amy role(\"writer\", scope: \"db/prod\") alone no 3600 s or standing",
      "q amy role(\"admin\", scope: \"db/prod\") alone yes perhaps 3600 s",
    ]
    #expect(Self.graph(events).obtainable(by: "amy", from: view).map(Text.of) == expected)
    #expect(NaiveLog(events).view(view).obtainable(by: "amy").map(Text.of) == expected)
    for identity in ["cat", "dan", "fay", "nobody"] {
      #expect(Self.graph(events).obtainable(by: identity, from: view).isEmpty)
    }
  }
}
