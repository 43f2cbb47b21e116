public import JSON
import Temporal

/// The rule of a `lifetime` policy: how long a grant may last at the most; it is renewed by extending it before its end.
public struct LifetimeRule: Hashable, Sendable {
  /// Whose grants.
  public var subjects: PolicySubjects
  /// Which roles; nil for any, and for memberships.
  public var roles: [String]?
  /// From the moment of granting or extending, in seconds.
  public var longestSeconds: Int64

  /// A longer life than ten years is no limit.
  private static let longestLife: Int64 = 3_650 * 86_400

  /// Reads `{"principals": ["group:contractors"], "roles": ["db-admin"], "longest_seconds": 7776000}`; `principals` and `roles`
  /// may be left out for all.
  public init(_ rule: JSONValue, at pointer: String = "") throws(JSONFieldError) {
    var reader = try FieldReader(rule, at: pointer)
    subjects = try reader.subjects()
    let named = try reader.ids("roles")
    roles = named.isEmpty ? nil : named
    longestSeconds = try reader.integer("longest_seconds")
    guard (1...Self.longestLife).contains(longestSeconds) else {
      throw reader.error("longest_seconds", "must lie between 1 and \(Self.longestLife)")
    }
    try reader.finish()
  }
}

extension Decision {
  /// A grant must not last longer than the policies of lifetime let it: it is renewed instead.
  mutating func checkLifetime(of principal: Entity?, role: String?, from begin: Instant, to end: Instant?) throws(Refusal) {
    guard let principal else { return }
    let policies = world.policies(ofType: .lifetime)
    if policies.isEmpty { return }
    let given = role.map { world.rolesReached(by: $0) } ?? []
    for policy in policies {
      guard case .policy(let document) = world.value(of: .existence(.policy(policy)), at: begin)?.value,
        document.type == .lifetime, let rule = try? LifetimeRule(document.rule), rule.applies(to: given),
        world.concerns(rule.subjects, principal, at: begin),
        end.map({ $0 > begin.adding(seconds: rule.longestSeconds) }) ?? true
      else { continue }
      if isGoverned {
        throw Refusal(
          .tooLong, "must be at most \(rule.longestSeconds) seconds ahead, by \(policy); extend it later", at: "/expires_at")
      }
      var evidence: JSONObject = ["policy": .string(policy), "longest_seconds": .integer(rule.longestSeconds)]
      if case .membershipAdded(_, let member, _) = command.change { evidence["member"] = .string(member.description) }
      note(Finding(rule: "grant_too_long", subject: command.change.entity, evidence: .object(evidence)))
    }
  }
}

extension LifetimeRule {
  /// Whether one of the roles is limited; of a membership none is given.
  fileprivate func applies(to given: Set<Entity>) -> Bool { roles?.contains { given.contains(.role($0)) } ?? true }
}
