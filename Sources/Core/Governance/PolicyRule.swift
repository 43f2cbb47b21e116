import Conditions
public import JSON
public import Temporal

/// The rule of a `privileged` policy: which permissions count as privileged.
public struct PrivilegedRule: Hashable, Sendable {
  /// Patterns of actions; a permission is privileged if one of its patterns can match what one of these does.
  public var actions: [String]

  /// Reads `{"actions": ["repo.admin", …]}`.
  public init(_ rule: JSONValue, at pointer: String = "") throws(JSONFieldError) {
    var reader = try FieldReader(rule, at: pointer)
    actions = try reader.patterns("actions") ?? []
    if actions.isEmpty { throw reader.error("actions", "must name at least one pattern of actions") }
    try reader.finish()
  }
}

/// The rule of a `review` policy: how often what is reviewed, by whom, and what follows.
public struct ReviewRule: Hashable, Sendable {
  /// What is reviewed, who decides, until when.
  public var terms: ReviewTerms
  /// When a review is opened.
  public var cadence: Cadence

  /// When reviews are opened.
  public enum Cadence: Hashable, Sendable {
    /// So many days after the last one; the first at once.
    case everyDays(Int64)
    case cron(CronSchedule)
  }

  /// Reads `{"scope": "github.com/acme", "every_days": 90, "reviewers": ["owner", "manager"], "escalation": ["identity:ciso"]}`.
  ///
  /// Instead of `every_days`: `cron`, with a `zone` (UTC). Beside these: `roles`, `groups`, `identities`, `privileged`,
  /// `days_to_decide` (14), `remind_days` ([7, 1]), `at_deadline` (keep), `executes` (at_close), `signs_off`,
  /// `sign_off_within_days` (7). Without `reviewers`, owners and then managers review.
  public init(_ rule: JSONValue, at pointer: String = "") throws(JSONFieldError) {
    var reader = try FieldReader(rule, at: pointer)
    terms = try ReviewTerms(reading: &reader)
    if terms.reviewers.isEmpty { terms.reviewers = [.owner, .manager] }
    if let text = try reader.optionalString("cron", maximumBytes: Limits.identifierBytes) {
      let name = try reader.optionalString("zone", maximumBytes: Limits.identifierBytes)
      guard let zone = name.map({ Zone($0) }) ?? .utc else { throw reader.error("zone", "is no time zone known here") }
      guard !reader.isGiven("every_days") else {
        throw reader.error("cron", "and every_days exclude each other")
      }
      do { cadence = .cron(try CronSchedule(text, in: zone)) } catch { throw reader.error("cron", error.description) }
    } else {
      let days = try reader.integer("every_days")
      guard (1...3650).contains(days) else { throw reader.error("every_days", "must lie between 1 and 3650") }
      cadence = .everyDays(days)
    }
    try reader.finish()
  }

  /// When a review is due that nobody opened; nil where none is.
  ///
  /// Of several firings that were missed the last is meant. O(firings missed).
  ///
  /// - Parameters:
  ///   - defined: when the policy got its rule.
  ///   - last: when the last review was opened under it; nil before the first.
  ///   - now: the present.
  public func due(since defined: Instant, after last: Instant?, at now: Instant) -> Instant? {
    switch cadence {
    case .everyDays(let days):
      let next = last?.adding(seconds: days * 86_400) ?? defined
      return next <= now ? next : nil
    case .cron(let schedule):
      // Whoever was away for years opens one review, not all that would have been.
      var due: Instant?
      var from = max(last ?? defined, now.adding(seconds: -Self.longestLookback))
      while let next = schedule.next(after: from), next <= now {
        due = next
        from = next
      }
      return due
    }
  }

  /// Longer than a quarter, the usual cadence; of one that fires more rarely a firing missed for longer is skipped.
  private static let longestLookback: Int64 = 100 * 86_400
}

extension PolicyDocument {
  /// The entities that the rule names, each with its pointer in the rule; they must exist where the policy is written.
  var references: [(entity: Entity, pointer: String)] {
    switch type {
    case .separationOfDuties: return Self.roles((try? SeparationRule(rule))?.roles ?? [])
    case .elevation:
      guard let rule = try? ElevationRule(rule) else { return [] }
      return rule.subjects.named + Self.roles(rule.roles)
        + rule.groups.enumerated().map { (.group($1), "/groups/\($0)") }
        + rule.approvers.enumerated().map { ($1, "/approvers/\($0)") }
    case .lifetime: return (subjects?.named ?? []) + Self.roles((try? LifetimeRule(rule))?.roles ?? [])
    case .review: return (try? ReviewRule(rule))?.terms.references ?? []
    case .deny, .boundary, .privileged, .findings: return subjects?.named ?? []
    }
  }

  private static func roles(_ ids: [String]) -> [(entity: Entity, pointer: String)] {
    ids.enumerated().map { (.role($1), "/roles/\($0)") }
  }

  /// Whom the policy concerns; nil for one that is about something else.
  public var subjects: PolicySubjects? {
    switch type {
    case .deny: (try? DenyRule(rule))?.subjects
    case .boundary: (try? BoundaryRule(rule))?.subjects
    case .elevation: (try? ElevationRule(rule))?.subjects
    case .lifetime: (try? LifetimeRule(rule))?.subjects
    case .separationOfDuties, .review, .privileged, .findings: nil
    }
  }
}

/// Whom a policy concerns.
public struct PolicySubjects: Hashable, Sendable {
  /// Identities and groups, whose members are meant too; nil for everybody.
  public var principals: [Entity]?
  /// Those who are not meant, though they are among them.
  public var except: [Entity]

  /// All that are named.
  public var named: [(entity: Entity, pointer: String)] {
    (principals ?? []).enumerated().map { ($1, "/principals/\($0)") } + except.enumerated().map { ($1, "/except/\($0)") }
  }
}

/// The rule of a `deny` policy: what those whom it concerns may not do, whatever else they were given.
public struct DenyRule: Hashable, Sendable {
  /// Whom it concerns.
  public var subjects: PolicySubjects
  /// What they may not do.
  public var permission: Permission

  /// Reads `{"principals": ["group:contractors"], "except": […], "actions": ["db:*"], "resources": ["aws/prod/*"], "condition": {…}}`.
  ///
  /// All but `actions` may be left out.
  public init(_ rule: JSONValue, at pointer: String = "") throws(JSONFieldError) {
    var reader = try FieldReader(rule, at: pointer)
    subjects = try reader.subjects()
    permission = try reader.rulePermission(.deny)
    try reader.finish()
  }
}

/// The rule of a `boundary` policy: all that those whom it covers may do at the most; it gives nothing.
public struct BoundaryRule: Hashable, Sendable {
  /// Whom it covers.
  public var subjects: PolicySubjects
  /// What they may do at the most.
  public var permissions: [Permission]

  /// Reads `{"principals": ["group:contractors"], "permissions": [{"actions": ["repo.*"], "resources": ["github.com/*"]}]}`.
  public init(_ rule: JSONValue, at pointer: String = "") throws(JSONFieldError) {
    var reader = try FieldReader(rule, at: pointer)
    subjects = try reader.subjects()
    permissions = []
    let items = try reader.array("permissions", maximumCount: Limits.permissionsPerRole)
    for (index, item) in items.enumerated() {
      var reader = try FieldReader(item, at: JSONPointer.child(index, of: reader.pointer(to: "permissions")))
      permissions.append(try reader.rulePermission(.allow))
      try reader.finish()
    }
    try reader.finish()
  }
}

extension FieldReader {
  mutating func subjects() throws(JSONFieldError) -> PolicySubjects {
    PolicySubjects(principals: try principals("principals"), except: try principals("except") ?? [])
  }

  mutating func principals(_ name: String) throws(JSONFieldError) -> [Entity]? {
    guard let texts = try optionalStrings(name, maximumCount: Limits.principalsPerPolicy) else { return nil }
    var principals: [Entity] = []
    for (index, text) in texts.enumerated() {
      let at = JSONPointer.child(index, of: pointer(to: name))
      guard let entity = Entity(text: text), entity.kind == .identity || entity.kind == .group else {
        throw JSONFieldError(pointer: at, problem: "must begin with identity: or group:")
      }
      if let problem = Limits.problem(identifier: entity.id) { throw JSONFieldError(pointer: at, problem: problem) }
      principals.append(entity)
    }
    return principals
  }

  mutating func ids(_ name: String) throws(JSONFieldError) -> [String] {
    let ids = try optionalStrings(name, maximumCount: Limits.principalsPerPolicy) ?? []
    for (index, id) in ids.enumerated() {
      guard let problem = Limits.problem(identifier: id) else { continue }
      throw JSONFieldError(pointer: JSONPointer.child(index, of: pointer(to: name)), problem: problem)
    }
    return ids
  }

  /// A permission of a rule: its effect is the policy's, and its condition must be one that can be judged.
  fileprivate mutating func rulePermission(_ effect: PermissionEffect) throws(JSONFieldError) -> Permission {
    let actions = try patterns("actions") ?? []
    guard !actions.isEmpty else { throw error("actions", "must name at least one pattern of actions") }
    let resources = try patterns("resources") ?? ["*"]
    guard !resources.isEmpty else { throw error("resources", "must name at least one pattern, or be left out for *") }
    return Permission(effect: effect, actions: actions, resources: resources, condition: try judgeableCondition())
  }

  /// The member `condition`, which must be one that can be judged.
  mutating func judgeableCondition() throws(JSONFieldError) -> JSONValue? {
    let condition = try condition()
    if let condition { _ = try Condition(condition, at: pointer(to: "condition")) }
    return condition
  }
}
