public import JSON
public import Temporal

/// The rule of a `findings` policy: after how long a rule says something of what lies at or below a scope.
public struct FindingsRule: Hashable, Sendable {
  /// The rules that it is about; each has a window.
  public var rules: [String]
  /// After how many days.
  public var days: Int64
  /// Where: a scope; `*` also for what lies nowhere, as an identity or a group does.
  public var scope: String

  /// Reads `{"rules": ["unused_permission", …], "days": 30, "scope": "aws/123456789012"}`; the scope may be left out for `*`.
  public init(_ rule: JSONValue, at pointer: String = "") throws(JSONFieldError) {
    var reader = try FieldReader(rule, at: pointer)
    rules = try reader.strings("rules", maximumCount: FindingRule.all.count, maximumBytes: Limits.findingRuleBytes)
    if rules.isEmpty { throw reader.error("rules", "must name at least one rule") }
    for (index, rule) in rules.enumerated() where FindingRule.named(rule)?.usualDays == nil {
      let known = FindingRule.all.filter { $0.usualDays != nil }.map(\.name).sorted().joined(separator: ", ")
      throw JSONFieldError(
        pointer: JSONPointer.child(index, of: reader.pointer(to: "rules")), problem: "must be one of \(known)")
    }
    days = try reader.integer("days")
    guard (0...Self.mostDays).contains(days) else { throw reader.error("days", "must lie between 0 and \(Self.mostDays)") }
    scope = try reader.optionalString("scope") == nil ? "*" : try reader.path("scope")
    try reader.finish()
  }

  /// Ten years: longer than anything is kept that a window looks at.
  private static let mostDays: Int64 = 3_650
}

/// After how long each rule says something, as policies of a moment have it.
public struct FindingWindows: Hashable, Sendable {
  private var rules: [FindingsRule]

  /// The windows at t.
  ///
  /// O(policies of that type).
  public init(in world: some World, at t: Instant) {
    rules = world.policies(ofType: .findings).compactMap { id in
      guard case .policy(let policy)? = world.value(of: .existence(.policy(id)), at: t)?.value, policy.type == .findings else {
        return nil
      }
      return try? FindingsRule(policy.rule)
    }
  }

  /// The days of a rule for what lies on a scope: of the policies that cover it the nearest says, of several the shortest.
  ///
  /// - Parameter scope: a resource path; the default is what lies nowhere.
  public func days(_ rule: String, scope: String = "*") -> Int64 {
    let covering = rules.filter { $0.rules.contains { $0.isExactly(rule) } && Scope.covers($0.scope, scope) }
    // Of two that cover the same path the longer lies nearer.
    let nearest = covering.map { $0.scope == "*" ? 0 : $0.scope.utf8.count }.max()
    let saying = covering.filter { ($0.scope == "*" ? 0 : $0.scope.utf8.count) == nearest }
    return saying.map(\.days).min() ?? FindingRule.named(rule)?.usualDays ?? FindingRule.unusedDays
  }

  /// The fewest and the most days of a rule, wherever something lies.
  public func daysAnywhere(_ rule: String) -> ClosedRange<Int64> {
    let all = rules.filter { $0.rules.contains { $0.isExactly(rule) } }.map(\.days) + [days(rule)]
    return (all.min() ?? 0)...(all.max() ?? 0)
  }

  /// The instant that lies so long before t.
  public func begin(_ rule: String, scope: String = "*", before t: Instant) -> Instant {
    t.adding(microseconds: -days(rule, scope: scope) * 86_400_000_000)
  }
}
