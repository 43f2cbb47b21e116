import Governance
import JSON
import Temporal
import TestSupport

/// A log of an organisation where access is asked for: commands are decided on the naive world, one batch each, as the store does.
struct RequestDesk {
  private(set) var events: [Event] = []
  var now = Universe.instant(0)
  /// Who writes what is told.
  var recorder = "test"

  static let second: Int64 = 1_000_000

  var world: NaiveWorld { NaiveWorld(events, asKnownAt: Int64(events.count)) }

  /// The organisation with the policy `db`, which takes one approval.
  ///
  /// ada asks and gains, bob and cy approve, mallory belongs nowhere; `ada@laptop` is an account of ada's, `robot` a
  /// service of hers.
  init() throws(Refusal) {
    for id in ["ada", "bob", "cy", "dan", "mallory"] { try tell(.identityRegistered(id: id, kind: .person, attributes: [:])) }
    try tell(.identityRegistered(id: "ada@laptop", kind: .account, attributes: [:]))
    try tell(.identityLinked(account: "ada@laptop", person: "ada"))
    try tell(.identityRegistered(id: "robot", kind: .service, attributes: ["owner": .open("ada")]))
    for id in ["oncall", "leads", "vault"] { try tell(.groupCreated(id: id, attributes: [:])) }
    for id in ["ada", "dan"] { try tell(.membershipAdded(group: "oncall", member: .identity(id), expiresAt: nil)) }
    for id in ["bob", "cy", "ada@laptop", "robot"] {
      try tell(.membershipAdded(group: "leads", member: .identity(id), expiresAt: nil))
    }
    for id in ["db-admin", "reader", "payer"] {
      try tell(.roleDefined(id: id, document: RoleDocument(permissions: [Permission(actions: ["\(id).*"])]), attributes: [:]))
    }
    try define("db", Self.rule(approvals: 1))
  }

  /// The usual rule of `db`.
  static func rule(approvals: Int64, _ more: JSONObject = [:]) -> JSONValue {
    var rule: JSONObject = [
      "principals": ["group:oncall"], "roles": ["db-admin"], "scopes": ["prod"], "groups": ["vault"],
      "revisions": ["role:reader"],
      "approvers": ["group:leads"], "approvals": .integer(approvals), "longest_seconds": 28_800,
      "decide_within_seconds": 3_600, "claim_within_seconds": 600,
    ]
    for member in more { rule[member.name] = member.value }
    return .object(rule)
  }

  mutating func define(_ policy: String, _ rule: JSONValue, as type: PolicyType = .elevation, by actor: String? = nil)
    throws(Refusal)
  {
    let isNew = !world.exists(.policy(policy), at: now)
    let command = Command(
      .policyDefined(id: policy, policy: PolicyDocument(type: type, rule: rule), attributes: [:]),
      expecting: isNew ? .absent : .present, authority: Authority(actor: actor.map { Actor(id: $0) }))
    try send(command)
  }

  /// Records a change directly, by an actor.
  mutating func tell(
    _ change: Change, by actor: String? = nil, at effective: Instant? = nil, isUnapproved: Bool = false, reason: String? = nil
  ) throws(Refusal) {
    var command = Command(
      change, effectiveAt: effective, authority: Authority(actor: actor.map { Actor(id: $0) }, reason: reason))
    command.isUnapproved = isUnapproved
    try send(command)
  }

  /// Asks for `db-admin` on `prod` for ada, unless something else is said.
  static func terms(
    _ proposal: RequestProposal = .assignment(principal: .identity("ada"), role: "db-admin", scope: "prod", condition: nil),
    by requester: String = "ada", under policy: String = "db", seconds: Int64? = 3_600, start: RequestStart = .onApproval,
    context: JSONObject = [:]
  ) -> RequestTerms {
    RequestTerms(
      requester: requester, proposal: proposal, policy: policy, durationSeconds: seconds, start: start, context: context)
  }

  mutating func submit(_ id: String, _ terms: RequestTerms = terms(), reason: String? = nil, ticket: Ticket? = nil)
    throws(Refusal)
  {
    let change = Change.request(id: id, .submitted, by: nil, AccessRequest(step: .submitted, terms: terms))
    try send(Command(change, authority: Authority(reason: reason, ticket: ticket)))
  }

  mutating func step(_ id: String, _ step: RequestStep, by: String?, _ terms: RequestTerms? = nil) throws(Refusal) {
    let said = terms.map { AccessRequest(step: step, terms: $0) }
    var command = Command(.request(id: id, step, by: by, said))
    if step == .lapsed {
      command.effectiveAt = world.request(id, at: now)?.progress.expiresAt ?? now
      command.authority.reason = "nobody decided"
    }
    if step == .approved, let by { command.witness = witness(id, by) }
    try send(command)
  }

  /// Who wrote the events that an approval rests on, from the log itself.
  func witness(_ id: String, _ by: String) -> [Int64: Witness] {
    Dictionary(
      uniqueKeysWithValues: world.approvalSteps(of: id, by: by, at: now).map { position in
        (position, Witness(events[Int(position) - 1]))
      })
  }

  /// Decides, applies and looks for breaches; what a rule forbids of a request's grant fails the request.
  mutating func send(_ command: Command, mode: CommandMode = .governed) throws(Refusal) {
    do throws(Refusal) {
      try attempt(command, mode, failing: nil)
    } catch {
      switch command.change {
      case .request, .reviewItem: if !error.isBreach { throw error }
      default: throw error
      }
      try attempt(command, mode, failing: error)
    }
  }

  private mutating func attempt(_ command: Command, _ mode: CommandMode, failing: Refusal?) throws(Refusal) {
    let context = DecisionContext(recordedAt: now, source: "api", mode: mode, failing: failing)
    let drafts = try decide(command, in: context, world: world)
    var after = self
    for draft in drafts {
      after.events.append(
        Event(
          position: Int64(after.events.count) + 1, eventID: "e\(after.events.count)", effectiveAt: draft.effectiveAt,
          dueAt: draft.dueAt, recordedAt: now, source: "api", basis: .declared, authority: draft.authority,
          recordedBy: Recorder(id: recorder, authentication: "local"), change: draft.change))
    }
    let found = breaches(of: drafts.map(\.change), voiding: [], in: after.world)
    if let breach = found.first(where: \.isRefused), mode == .governed { throw breach.refusal }
    after.now = now.next
    self = after
  }

  mutating func wait(seconds: Int64) { now = now.adding(microseconds: seconds * Self.second) }

  func state(_ id: String) -> RequestState? { world.request(id, at: now)?.state }

  func standing(_ id: String) -> RequestStanding? { world.request(id, at: now) }

  /// Whether an assignment holds at an instant, the present by default.
  func holds(_ id: String, at t: Instant? = nil) -> Bool { world.value(of: .assignment(id: id), at: t ?? now) != nil }

  /// The rules of all findings, in order.
  var findings: [String] {
    events.compactMap { event in
      if case .findingRaised(let finding) = event.change { finding.rule } else { nil }
    }
  }
}
