import Conditions
public import JSON
import Temporal

/// The rule of an `elevation` policy: who may ask for what, who approves, for how long, and what is required.
public struct ElevationRule: Hashable, Sendable {
  /// Who may ask, and for whom.
  public var subjects: PolicySubjects
  /// Roles that may be asked for, on `scopes` and below.
  public var roles: [String]
  /// Where the roles may be asked for.
  public var scopes: [String]
  /// Groups in which membership may be asked for.
  public var groups: [String]
  /// Roles and policies of which a revision may be asked for.
  public var revisions: [Entity]
  /// Who may approve; empty where nobody needs to.
  public var approvers: [Entity]
  /// How many persons have to approve.
  public var approvals: Int
  /// The longest work window, in seconds; nil where only standing access or revisions may be asked for.
  public var longestSeconds: Int64?
  /// Whether access without an end may be asked for.
  public var allowsStanding: Bool
  /// Whether a reason must be given.
  public var requiresReason: Bool
  /// The ticket that must be named.
  public var ticket: TicketPattern?
  /// What must hold of the request and the requester.
  public var condition: JSONValue?
  /// When nobody has to approve.
  public var approvesItself: SelfApproval
  /// Whether it is granted at once, loudly, to be reviewed afterwards.
  public var isBreakGlass: Bool
  /// How long a request may wait for its approvals, in seconds.
  public var decideWithinSeconds: Int64
  /// How long an approved request may wait to be claimed, in seconds.
  public var claimWithinSeconds: Int64
  /// How far ahead the beginning of the access may lie, in seconds.
  public var startWithinSeconds: Int64
  /// How far back it is looked whether the requester made somebody an approver, or approved for them, in days.
  public var lookbackDays: Int64

  /// When a request needs no approver.
  public enum SelfApproval: Hashable, Sendable {
    case never, always
    /// Where a condition holds of the request and the requester.
    case when(JSONValue)
  }

  /// When nobody else has to act: to break glass, nobody ever has.
  public var needsNobody: SelfApproval { isBreakGlass ? .always : approvesItself }

  /// A ticket by its system and a pattern of its key.
  public struct TicketPattern: Hashable, Sendable {
    /// The ticket system.
    public var system: String
    /// A pattern of keys, such as `OPS-*`.
    public var key: String
  }
}

extension ElevationRule {
  private static let day: Int64 = 86_400
  /// A request that nobody decided for so long is forgotten rather than pending.
  private static let usualDecideWithin = 7 * day
  /// An approval that is not used within a day is stale.
  private static let usualClaimWithin = day
  /// Who knows whether the approval still holds for what begins later than in a month.
  private static let usualStartWithin = 30 * day
  private static let usualLookback: Int64 = 30
  /// The longest of all windows: a longer one is standing access under another name.
  private static let longestWindow = 3_650 * day
  private static let longestLookback: Int64 = 3_650

  /// Reads `{"principals": ["group:oncall"], "roles": ["db-admin"], "scopes": ["aws/prod"], "approvers": ["group:dba-leads"],
  /// "approvals": 2, "longest_seconds": 28800, "requires": {"reason": true, "ticket": {"system": "jira", "key": "OPS-*"}}}`.
  ///
  /// Beside these: `except`, `groups`, `revisions` (`role:ID`, `policy:ID`), `standing`, `requires.condition`, `approves_itself`
  /// (true, or a condition), `break_glass`, `decide_within_seconds` (7 days), `claim_within_seconds` (1 day),
  /// `start_within_seconds` (30 days), `lookback_days` (30).
  public init(_ rule: JSONValue, at pointer: String = "") throws(JSONFieldError) {
    var reader = try FieldReader(rule, at: pointer)
    subjects = try reader.subjects()
    roles = try reader.ids("roles")
    scopes = try reader.scopes()
    groups = try reader.ids("groups")
    revisions = try reader.revisions()
    approvers = try reader.principals("approvers") ?? []
    isBreakGlass = try reader.optionalBool("break_glass") ?? false
    approvesItself = try reader.selfApproval()
    approvals = Int(try reader.count("approvals", in: 1...Int64(Limits.approvalsPerRequest), usual: 1))
    longestSeconds = try reader.optionalCount("longest_seconds", in: 1...Self.longestWindow)
    allowsStanding = try reader.optionalBool("standing") ?? false
    (requiresReason, ticket, condition) = (false, nil, nil)
    decideWithinSeconds = try reader.count("decide_within_seconds", in: 1...Self.longestWindow, usual: Self.usualDecideWithin)
    claimWithinSeconds = try reader.count("claim_within_seconds", in: 1...Self.longestWindow, usual: Self.usualClaimWithin)
    startWithinSeconds = try reader.count("start_within_seconds", in: 1...Self.longestWindow, usual: Self.usualStartWithin)
    lookbackDays = try reader.count("lookback_days", in: 0...Self.longestLookback, usual: Self.usualLookback)
    try readRequirements(&reader)
    if roles.isEmpty, groups.isEmpty, revisions.isEmpty {
      throw reader.error("roles", "must name what may be asked for: roles, groups or revisions")
    }
    if !roles.isEmpty, scopes.isEmpty { throw reader.error("scopes", "must name where the roles may be asked for, or *") }
    if needsNobody != .always, approvers.isEmpty { throw reader.error("approvers", "must name who approves") }
    if !(roles + groups).isEmpty, longestSeconds == nil, !allowsStanding {
      throw reader.error("longest_seconds", "must say how long access may last, or standing must be true")
    }
    try reader.finish()
  }

  private mutating func readRequirements(_ reader: inout FieldReader) throws(JSONFieldError) {
    guard var part = try reader.optionalObject("requires") else { return }
    requiresReason = try part.optionalBool("reason") ?? false
    if var pattern = try part.optionalObject("ticket") {
      let (system, key) = (try pattern.id("system"), try pattern.id("key"))
      ticket = TicketPattern(system: system, key: key)
      try pattern.finish()
    }
    condition = try part.judgeableCondition()
    try part.finish()
  }
}

extension FieldReader {
  fileprivate mutating func scopes() throws(JSONFieldError) -> [String] {
    let scopes =
      try optionalStrings("scopes", maximumCount: Limits.principalsPerPolicy, maximumBytes: Limits.pathBytes) ?? []
    for (index, scope) in scopes.enumerated() {
      guard let problem = Limits.problem(path: scope) else { continue }
      throw JSONFieldError(pointer: JSONPointer.child(index, of: pointer(to: "scopes")), problem: problem)
    }
    return scopes
  }

  fileprivate mutating func revisions() throws(JSONFieldError) -> [Entity] {
    let texts = try optionalStrings("revisions", maximumCount: Limits.principalsPerPolicy) ?? []
    var revisions: [Entity] = []
    for (index, text) in texts.enumerated() {
      let at = JSONPointer.child(index, of: pointer(to: "revisions"))
      guard let entity = Entity(text: text), entity.kind == .role || entity.kind == .policy else {
        throw JSONFieldError(pointer: at, problem: "must begin with role: or policy:")
      }
      if let problem = Limits.problem(identifier: entity.id) { throw JSONFieldError(pointer: at, problem: problem) }
      revisions.append(entity)
    }
    return revisions
  }

  fileprivate mutating func selfApproval() throws(JSONFieldError) -> ElevationRule.SelfApproval {
    guard let value = optionalValue("approves_itself") else { return .never }
    if case .bool(let isAlways) = value { return isAlways ? .always : .never }
    guard value.objectValue?.isEmpty == false else {
      throw error("approves_itself", "must be true, false or a condition")
    }
    _ = try Condition(value, at: pointer(to: "approves_itself"))
    return .when(value)
  }
}
