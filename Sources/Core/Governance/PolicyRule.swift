public import JSON

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

/// The rule of a `review` policy: how often what is reviewed.
public struct ReviewRule: Hashable, Sendable {
  /// What is reviewed: a scope.
  public var scope: String
  /// Days between two reviews.
  public var everyDays: Int64

  /// Reads `{"scope": "github.com/acme", "every_days": 90}`.
  public init(_ rule: JSONValue, at pointer: String = "") throws(JSONFieldError) {
    var reader = try FieldReader(rule, at: pointer)
    scope = try reader.path("scope")
    everyDays = try reader.integer("every_days")
    guard (1...3650).contains(everyDays) else { throw reader.error("every_days", "must lie between 1 and 3650") }
    try reader.finish()
  }
}
