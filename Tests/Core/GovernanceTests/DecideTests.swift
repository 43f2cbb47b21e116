import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// A small organisation, recorded at the fifth hour; commands are decided at the seventh.
struct Office {
  static let now = Universe.instant(6)

  static let changes: [(hour: Int, change: Change)] = [
    (1, .identityRegistered(id: "ada", kind: .person, attributes: [:])),
    (1, .identityRegistered(id: "bob", kind: .person, attributes: [:])),
    (1, .identityRegistered(id: "ada@github", kind: .account, attributes: [:])),
    (1, .groupCreated(id: "eng", attributes: [:])),
    (1, .groupCreated(id: "ops", attributes: [:])),
    (1, .roleDefined(id: "reader", document: RoleDocument(permissions: [Permission(actions: ["repo.read"])]), attributes: [:])),
    (1, .roleDefined(id: "admin", document: RoleDocument(permissions: [], includes: ["reader"]), attributes: [:])),
    (1, .sourceRegistered(id: "s1", attributes: [:])),
    (2, .membershipAdded(group: "eng", member: .identity("ada"), expiresAt: nil)),
    (2, .membershipAdded(group: "ops", member: .group("eng"), expiresAt: nil)),
    (2, .assignmentGranted(id: "a1", grant: Grant(principal: .group("eng"), role: "reader", scope: "org"))),
    (
      2,
      .assignmentGranted(
        id: "a2", grant: Grant(principal: .identity("bob"), role: "admin", scope: "*", expiresAt: Universe.instant(5)))
    ),
    (2, .coverageBegan(source: "s1", resource: "org", expiresAt: nil)),
    (2, .identityLinked(account: "ada@github", person: "ada")),
    (3, .identitySuspended(id: "bob")),
    (3, .membershipAdded(group: "ops", member: .identity("bob"), expiresAt: nil)),
    (3, .eventVoided(position: voided)),
  ]

  /// The position of the event that has been voided, and of the voiding.
  static let voided: Int64 = 16
  static let voiding: Int64 = 17

  static var events: [Event] {
    changes.enumerated().map { index, item in
      Event(
        position: Int64(index) + 1, eventID: "e\(index + 1)", effectiveAt: Universe.instant(item.hour),
        recordedAt: Universe.instant(4), source: "s1", basis: .declared, authority: Authority(),
        recordedBy: Recorder(id: "test", authentication: "local"), change: item.change)
    }
  }

  static var world: NaiveWorld { NaiveWorld(events, asKnownAt: Int64(changes.count)) }

  static func decided(_ command: Command, _ mode: CommandMode) throws(Refusal) -> [Draft] {
    let context = DecisionContext(recordedAt: now, source: "s1", mode: mode)
    return try decide(command, in: context, world: world)
  }

  /// A command by the change alone, now, with a reason.
  static func command(
    _ change: Change, expecting expectation: Governance.Expectation? = nil, hour: Int? = nil, due: Int? = nil,
    reason: String? = "because"
  ) -> Command {
    Command(
      change, expecting: expectation, effectiveAt: hour.map(Universe.instant), dueAt: due.map(Universe.instant),
      authority: Authority(reason: reason))
  }
}

/// One command and what it comes to when governed, and as an observation.
struct Verdict: Sendable, CustomTestStringConvertible {
  let name: String
  let command: Command
  /// Governed: the refusal's code and pointer.
  let code: Refusal.Code
  let pointer: String
  /// As an observation: refused with the same code, or the types of the events that it makes.
  let observed: [String]?

  init(_ name: String, _ command: Command, _ code: Refusal.Code, _ pointer: String, observed: [String]?) {
    self.name = name
    self.command = command
    self.code = code
    self.pointer = pointer
    self.observed = observed
  }

  var testDescription: String { name }
}

@Suite struct DecideTests {
  static let malformed: [Verdict] = [
    Verdict("an empty id", Office.command(.groupDeleted(id: "")), .malformed, "/id", observed: nil),
    Verdict("a control character", Office.command(.identitySuspended(id: "a\u{7}")), .malformed, "/id", observed: nil),
    Verdict(
      "an end before the beginning",
      Office.command(.membershipAdded(group: "eng", member: .identity("bob"), expiresAt: Universe.instant(6))), .malformed,
      "/expires_at", observed: nil),
    Verdict(
      "a gap that ends before it begins",
      Office.command(.coverageGap(source: "s1", resource: "org", until: Universe.instant(2))), .malformed, "/until",
      observed: nil),
    Verdict(
      "a role as a member", Office.command(.membershipAdded(group: "eng", member: .role("reader"), expiresAt: nil)),
      .malformed, "/member", observed: nil),
    Verdict(
      "a wildcard in a scope",
      Office.command(.assignmentGranted(id: "a9", grant: Grant(principal: .identity("ada"), role: "reader", scope: "org/*"))),
      .malformed, "/scope", observed: nil),
    Verdict(
      "a due date on a gain", Office.command(.identityResumed(id: "bob"), due: 5), .malformed, "/due_at", observed: nil),
    Verdict(
      "a due date after the loss", Office.command(.identityRetired(id: "bob"), due: 7), .malformed, "/due_at",
      observed: nil),
    Verdict(
      "a permission without actions",
      Office.command(.roleDefined(id: "r", document: RoleDocument(permissions: [Permission(actions: [])]), attributes: [:])),
      .malformed, "/permissions/0/actions", observed: nil),
    Verdict(
      "an account of itself", Office.command(.identityLinked(account: "ada", person: "ada")), .malformed, "/person",
      observed: nil),
    Verdict(
      "a privileged policy without actions",
      Office.command(
        .policyDefined(id: "p", policy: PolicyDocument(type: .privileged, rule: ["actions": []]), attributes: [:])),
      .malformed, "/rule/actions", observed: nil),
    Verdict(
      "a reason too long", Office.command(.groupDeleted(id: "eng"), reason: String(repeating: "x", count: 4097)),
      .limitExceeded, "/reason", observed: nil),
    Verdict(
      "a role that includes too many",
      Office.command(
        .roleDefined(
          id: "r", document: RoleDocument(permissions: [], includes: (0...500).map { "r\($0)" }), attributes: [:])),
      .limitExceeded, "/includes", observed: nil),
    Verdict(
      "a deny policy without actions",
      Office.command(.policyDefined(id: "p", policy: PolicyDocument(type: .deny, rule: [:]), attributes: [:])),
      .malformed, "/rule/actions", observed: nil),
    Verdict(
      "a boundary policy for a role",
      Office.command(
        .policyDefined(
          id: "p", policy: PolicyDocument(type: .boundary, rule: ["principals": ["role:r"], "permissions": []]), attributes: [:]
        )),
      .malformed, "/rule/principals/0", observed: nil),
    Verdict(
      "a deny policy on a condition that cannot be judged",
      Office.command(
        .policyDefined(
          id: "p",
          policy: PolicyDocument(type: .deny, rule: ["actions": ["*"], "condition": ["Bool": ["request.mfa": "yes"]]]),
          attributes: [:])),
      .malformed, "/rule/condition/Bool/request.mfa", observed: nil),
    Verdict(
      "an elevation policy that lets nobody ask for anything",
      Office.command(.policyDefined(id: "p", policy: PolicyDocument(type: .elevation, rule: [:]), attributes: [:])),
      .malformed, "/rule/roles", observed: nil),
    Verdict(
      "a separation of one role",
      Office.command(
        .policyDefined(id: "p", policy: PolicyDocument(type: .separationOfDuties, rule: ["roles": ["r"]]), attributes: [:])),
      .malformed, "/rule/roles", observed: nil),
    Verdict(
      "a separation of more roles than there are",
      Office.command(
        .policyDefined(
          id: "p", policy: PolicyDocument(type: .separationOfDuties, rule: ["roles": ["r", "s"], "n": 3]), attributes: [:])),
      .malformed, "/rule/n", observed: nil),
    Verdict(
      "a voiding without a reason", Office.command(.eventVoided(position: 9), reason: nil), .reasonRequired, "/reason",
      observed: nil),
    Verdict("a voiding of nothing", Office.command(.eventVoided(position: 99)), .notFound, "/position", observed: nil),
    Verdict(
      "a voiding of a voiding", Office.command(.eventVoided(position: Office.voiding)), .notVoidable, "/position",
      observed: nil),
    Verdict(
      "a second voiding", Office.command(.eventVoided(position: Office.voided)), .noChange, "/position", observed: nil),
    Verdict(
      "an assignment id used before",
      Office.command(.assignmentGranted(id: "a2", grant: Grant(principal: .identity("ada"), role: "reader", scope: "*"))),
      .idUsed, "/id", observed: nil),
  ]

  static let byRule: [Verdict] = [
    Verdict(
      "a backdated command without a reason",
      Office.command(.membershipAdded(group: "ops", member: .identity("ada"), expiresAt: nil), hour: 5, reason: nil),
      .reasonRequired, "/reason", observed: ["membership.added"]),
    Verdict(
      "a role without a document",
      Office.command(.roleDefined(id: "r", document: RoleDocument(permissions: nil), attributes: [:])), .malformed,
      "/permissions", observed: ["role.defined"]),
    Verdict(
      "an unknown member", Office.command(.membershipAdded(group: "eng", member: .identity("eve"), expiresAt: nil)),
      .unknownReference, "/member", observed: ["identity.registered", "finding.raised", "membership.added"]),
    Verdict(
      "a deny policy for somebody unknown",
      Office.command(
        .policyDefined(
          id: "p", policy: PolicyDocument(type: .deny, rule: ["principals": ["identity:nobody"], "actions": ["*"]]),
          attributes: [:])),
      .unknownReference, "/rule/principals/0", observed: ["identity.registered", "finding.raised", "policy.defined"]),
    Verdict(
      "a permission on a condition that cannot be judged",
      Office.command(
        .roleDefined(
          id: "r",
          document: RoleDocument(permissions: [
            Permission(actions: ["*"], condition: ["IpAddress": ["request.ip": ["10.0.0.1/8"]]])
          ]), attributes: [:])),
      .malformed, "/permissions/0/condition/IpAddress/request.ip/0", observed: ["role.defined"]),
    Verdict(
      "a group that exists only later",
      Office.command(.membershipAdded(group: "eng", member: .identity("ada"), expiresAt: nil), hour: 0),
      .unknownReference, "/group",
      observed: ["group.created", "finding.raised", "identity.registered", "finding.raised", "membership.added"]),
    Verdict(
      "an unknown role twice over",
      Office.command(.assignmentGranted(id: "a9", grant: Grant(principal: .group("new"), role: "new", scope: "*"))),
      .unknownReference, "/principal",
      observed: ["group.created", "finding.raised", "role.defined", "finding.raised", "assignment.granted"]),
    Verdict(
      "an unknown owner", Office.command(.groupCreated(id: "new", attributes: ["owner": .open("eve")])),
      .unknownReference, "/attributes/owner", observed: ["identity.registered", "finding.raised", "group.created"]),
    Verdict(
      "an unknown source", Office.command(.coverageBegan(source: "s9", resource: "*", expiresAt: nil)),
      .unknownReference, "/source", observed: ["source.registered", "finding.raised", "coverage.began"]),
    Verdict(
      "a group there is", Office.command(.groupCreated(id: "eng", attributes: [:]), expecting: .absent), .alreadyExists,
      "/id", observed: ["group.created"]),
    Verdict(
      "an account of two persons", Office.command(.identityLinked(account: "ada@github", person: "bob")),
      .alreadyExists, "/account", observed: ["identity.linked"]),
    Verdict(
      "a revision of nothing", Office.command(.groupCreated(id: "new", attributes: [:]), expecting: .present),
      .notFound, "/id", observed: ["group.created"]),
    Verdict(
      "the end of nothing", Office.command(.roleRetired(id: "new")), .notFound, "/id", observed: ["role.retired"]),
    Verdict(
      "the same membership", Office.command(.membershipAdded(group: "eng", member: .identity("ada"), expiresAt: nil)),
      .noChange, "/member", observed: ["membership.added"]),
    Verdict(
      "a second suspension", Office.command(.identitySuspended(id: "bob")), .noChange, "/id",
      observed: ["identity.suspended"]),
    Verdict(
      "the same link", Office.command(.identityLinked(account: "ada@github", person: "ada")), .noChange, "/account",
      observed: ["identity.linked"]),
    Verdict(
      "the same end", Office.command(.assignmentExtended(id: "a1", expiresAt: nil)), .noChange, "/expires_at",
      observed: ["assignment.extended"]),
    Verdict(
      "the same coverage", Office.command(.coverageBegan(source: "s1", resource: "org", expiresAt: nil)), .noChange,
      "/resource", observed: ["coverage.began"]),
    Verdict(
      "a member that is none", Office.command(.membershipRemoved(group: "ops", member: .identity("ada"))), .notHeld,
      "/member", observed: ["membership.removed"]),
    Verdict(
      "the extension of what has ended", Office.command(.assignmentExtended(id: "a2", expiresAt: nil)), .notHeld, "/id",
      observed: ["assignment.extended"]),
    Verdict(
      "the expiry of what has no end", Office.command(.assignmentExpired(id: "a1")), .notHeld, "/id",
      observed: ["assignment.expired"]),
    Verdict(
      "a resumption of the active", Office.command(.identityResumed(id: "ada")), .notHeld, "/id",
      observed: ["identity.resumed"]),
    Verdict(
      "a group in itself", Office.command(.membershipAdded(group: "eng", member: .group("eng"), expiresAt: nil)),
      .cycle, "/member", observed: ["membership.added"]),
    Verdict(
      "a role in itself",
      Office.command(
        .roleDefined(id: "admin", document: RoleDocument(permissions: [], includes: ["admin"]), attributes: [:]),
        expecting: .present), .cycle, "/includes/0", observed: ["role.defined"]),
    Verdict(
      "an account of an account", Office.command(.identityLinked(account: "bob", person: "ada@github")), .cycle,
      "/person", observed: ["identity.linked"]),
  ]

  @Test(arguments: malformed + byRule)
  func `a governed command is refused`(_ verdict: Verdict) {
    let refusal = #expect(throws: Refusal.self) { try Office.decided(verdict.command, .governed) }
    #expect(refusal?.code == verdict.code)
    #expect(refusal?.pointer == verdict.pointer)
  }

  @Test(arguments: malformed)
  func `an observation is refused where it is malformed`(_ verdict: Verdict) {
    let refusal = #expect(throws: Refusal.self) { try Office.decided(verdict.command, .observation) }
    #expect(refusal?.code == verdict.code)
    #expect(refusal?.pointer == verdict.pointer)
  }

  @Test(arguments: byRule)
  func `an observation is recorded whatever the rules`(_ verdict: Verdict) throws {
    let drafts = try Office.decided(verdict.command, .observation)
    #expect(drafts.map(\.change.type) == verdict.observed)
    #expect(drafts.last?.change == verdict.command.change)
    #expect(drafts.allSatisfy { $0.effectiveAt == verdict.command.effectiveAt ?? Office.now })
  }

  @Test func `the tables show every code that decide refuses with`() {
    let shown = Set((Self.malformed + Self.byRule).map(\.code))
    // A key used twice is for the log to refuse, which alone knows the keys; separate duties are seen once all stands.
    let elsewhere: Set<Refusal.Code> = [.keyReused, .separationOfDuties]
    // RequestTests show what is said to requests, and beside them.
    let toRequests: Set<Refusal.Code> = [
      .approvalRequired, .notPermitted, .notEntitled, .wrongState, .tooLong, .changedMeanwhile,
    ]
    #expect(shown == Set(Refusal.Code.allCases).subtracting(elsewhere).subtracting(toRequests))
  }

  @Test func `what is accepted takes effect when it says, or when it is recorded`() throws {
    let change = Change.membershipRemoved(group: "eng", member: .identity("ada"))
    let now = try Office.decided(Office.command(change, due: 5), .governed)
    #expect(
      now == [
        Draft(effectiveAt: Office.now, dueAt: Universe.instant(5), authority: Authority(reason: "because"), change: change)
      ])
    let later = try Office.decided(Office.command(change, hour: 9), .governed)
    #expect(later.map(\.effectiveAt) == [Universe.instant(9)])
  }

  @Test func `an expiry is recorded at its own instant`() throws {
    let drafts = try Office.decided(Office.command(.assignmentExpired(id: "a2"), hour: 5), .governed)
    #expect(drafts.map(\.change) == [.assignmentExpired(id: "a2")])
  }
}
