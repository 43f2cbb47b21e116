public import JSON
public import Temporal

/// The rule of a `separation_of_duties` policy: nobody is to hold n of a set of roles at the same instant.
///
/// Static separation of duty (ANSI INCITS 359): through groups and the hierarchy of roles, over all accounts of a person, and with
/// what the built-in principals have, as if they were groups that everybody is in.
public struct SeparationRule: Hashable, Sendable {
  /// What becomes of those who hold them already when the policy is written.
  public enum Standing: String, Hashable, Sendable, CaseIterable {
    /// The policy is refused.
    case refuse
    /// The policy is recorded, and a finding for each of them.
    case record
  }

  /// The roles.
  public var roles: [String]
  /// How many of them are too many.
  public var n: Int
  /// What becomes of those who hold them already.
  public var standing: Standing

  /// A rule for a question.
  init(roles: [String], n: Int) {
    self.roles = roles
    self.n = n
    standing = .record
  }

  /// Reads `{"roles": ["payment-creator", "payment-releaser"], "n": 2, "standing": "refuse"}`; n is 2 and standing refuse where
  /// they are left out.
  public init(_ rule: JSONValue, at pointer: String = "") throws(JSONFieldError) {
    var reader = try FieldReader(rule, at: pointer)
    roles = try reader.strings("roles", maximumCount: Limits.rolesPerSeparation, maximumBytes: Limits.identifierBytes)
    for (index, role) in roles.enumerated() {
      let at = JSONPointer.child(index, of: reader.pointer(to: "roles"))
      if let problem = Limits.problem(identifier: role) { throw JSONFieldError(pointer: at, problem: problem) }
      if roles[..<index].contains(where: { $0.isExactly(role) }) {
        throw JSONFieldError(pointer: at, problem: "is named twice")
      }
    }
    guard roles.count >= 2 else { throw reader.error("roles", "must name at least two roles") }
    let count = try reader.optionalInteger("n") ?? 2
    guard (2...Int64(roles.count)).contains(count) else {
      throw reader.error("n", "must lie between 2 and the number of roles")
    }
    n = Int(count)
    let word = try reader.optionalString("standing") ?? Standing.refuse.rawValue
    guard let standing = Standing(rawValue: word) else { throw reader.error("standing", "must be refuse or record") }
    self.standing = standing
    try reader.finish()
  }
}

/// A person, or another identity, who holds too many roles of a separation at the same time.
public struct SeparationConflict: Hashable, Sendable {
  /// The policy; nil where roles were only asked about.
  public var policy: String?
  /// The person, with all accounts; or another identity by itself.
  ///
  /// An account that holds too many alone is named beside its person: whoever signs in with it holds them.
  public var identity: String
  /// When n of the roles are held together.
  public var held: IntervalSet
  /// The stretches over which that is so, each with the roles that are held all through it.
  fileprivate var together: [Stretch]

  /// A stretch over which the same roles are held.
  fileprivate struct Stretch: Hashable {
    let interval: Interval
    let roles: Set<Entity>
  }

  /// The roles of the set that are held together at some instant of it.
  public var roles: [String] { roles(during: held) }

  /// The roles of the set that are held together at some instant of a stretch.
  public func roles(during stretch: Interval) -> [String] { roles(during: IntervalSet(stretch)) }

  private func roles(during instants: IntervalSet) -> [String] {
    let meant = together.filter { !instants.intersection(IntervalSet($0.interval)).isEmpty }
    return Set(meant.flatMap(\.roles)).map(\.id).sorted { $0.precedes($1) }
  }
}

extension SeparationConflict {
  /// The conflict as a finding, with the last of the stretches over which it stands: an earlier one is over.
  public var finding: Finding {
    let last = held.intervals.last
    let roles = last.map { self.roles(during: $0) } ?? []
    var evidence: JSONObject = [
      "policy": .string(policy ?? ""), "roles": .array(roles.map { .string($0) }),
      "from": .string(last?.from.description ?? ""),
    ]
    if let end = last?.to { evidence["to"] = .string(end.description) }
    return Finding(rule: "separation_of_duties", subject: .identity(identity), evidence: .object(evidence))
  }
}

extension World {
  /// Who holds too much together at t, or will, by policies of separation that stand then.
  ///
  /// As `separationConflicts` has it, but of each with the whole stretch, as it was found when it came about.
  public func standingConflicts(at t: Instant) -> [SeparationConflict] {
    separations.filter { $0.instants.to.map { t < $0 } ?? true }.flatMap { conflicts(with: $0) }.compactMap { conflict in
      var conflict = conflict
      conflict.held = IntervalSet(conflict.held.intervals.filter { $0.to.map { t < $0 } ?? true })
      return conflict.held.isEmpty ? nil : conflict
    }
  }
}

/// Breaches of separation of duties that changes bring about, once applied to the world; at any instant.
///
/// Cost: nothing while no policy separates anything. Otherwise the persons whom a change concerns, each with the memberships and
/// assignments above them; a change of a role that no policy names, nor any role that is named reaches, concerns nobody. What a
/// built-in principal is given concerns everybody whom it stands for.
func separationBreaches(of changes: [Change], voiding facts: [Fact], in world: some World) -> [Breach] {
  let separations = world.separations
  if separations.isEmpty { return [] }
  var breaches: [Breach] = []
  // A built-in principal is there by its first mention: what is said of it is the matter, not that it is there.
  for change in changes.filter({ !$0.registersBuiltIn }) + changes.filter(\.registersBuiltIn) {
    if case .policyDefined(let id, let policy, _) = change, policy.type == .separationOfDuties {
      guard let rule = try? SeparationRule(policy.rule) else { continue }
      breaches += world.breaches(of: id, separations, "/rule/standing", isRefused: rule.standing == .refuse)
      continue
    }
    for cause in world.causes(change) { breaches += world.breaches(by: cause, separations, "/\(change.separatedMember)") }
  }
  for fact in facts {
    if case .existence(let entity) = fact, entity.kind == .policy {
      breaches += world.breaches(of: entity.id, separations, "/position", isRefused: true)
    }
    for cause in world.causes(fact) { breaches += world.breaches(by: cause, separations, "/position") }
  }
  return breaches
}

/// What is asked about separate duties.
public enum SeparationQuestion: Hashable, Sendable {
  /// The policies of the tenant, or one of them, while they were there.
  case policies(only: String?)
  /// Roles named for the question, n of them at any time.
  case roles([String], n: Int)
}

extension World {
  /// Who held too many of the roles together at any time in a stretch, though it were five minutes: by policy and identity.
  ///
  /// Every identity that may hold one of the roles is looked at, as in `breaches`.
  public func separationConflicts(_ question: SeparationQuestion, during stretch: Interval) -> [SeparationConflict] {
    let asked: [Separation]
    switch question {
    case .policies(let only):
      asked = separations.filter { separation in only.map { separation.policy?.isExactly($0) ?? false } ?? true }
    case .roles(let roles, let n):
      asked = [Separation(policy: nil, rule: SeparationRule(roles: roles, n: n), instants: .always)]
    }
    return asked.flatMap { conflicts(with: $0) }.compactMap { conflict in
      var conflict = conflict
      conflict.held = conflict.held.intersection(IntervalSet(stretch))
      return conflict.held.isEmpty ? nil : conflict
    }
  }

  /// Everyone's conflicts with a separation.
  fileprivate func conflicts(with separation: Separation) -> [SeparationConflict] {
    holders(ofAnyOf: separation.roles).compactMap { conflict(of: $0, with: separation) }
  }
}

/// A separation over a stretch: the policy may change, and end.
struct Separation {
  /// Nil where roles are only asked about.
  let policy: String?
  let rule: SeparationRule
  let instants: Interval

  var roles: [Entity] { rule.roles.map { .role($0) } }
}

/// Whom something may have given roles, and which; nil for any.
private struct SeparationCause {
  let identities: [Entity]
  var roles: Set<Entity>?
  /// Whether a governed command is refused for it.
  var isRefused = true
}

extension Change {
  /// The member of the command that brings a role about.
  fileprivate var separatedMember: String {
    switch self {
    case .membershipAdded: "member"
    case .identityLinked: "account"
    case .roleDefined: "includes"
    case .assignmentExtended: "expires_at"
    case .assignmentGranted: "role"
    default: "id"
    }
  }

  fileprivate var registersBuiltIn: Bool {
    if case .identityRegistered(let id, _, _) = self { BuiltIn.isReserved(id) } else { false }
  }
}

extension Fact {
  /// Whether somebody may have roles by it.
  fileprivate var givesRoles: Bool {
    switch self {
    case .assignment, .membership, .link: true
    default: false
    }
  }
}

extension World {
  /// Every policy of separation with when it is there.
  var separations: [Separation] {
    policies(ofType: .separationOfDuties).flatMap { id in
      Span.spans(of: entries(of: .existence(.policy(id)))).compactMap { span -> Separation? in
        guard case .policy(let policy) = span.value, policy.type == .separationOfDuties,
          let rule = try? SeparationRule(policy.rule)
        else { return nil }
        return Separation(policy: id, rule: rule, instants: span.interval)
      }
    }
  }

  /// The conflict of a person with a separation; nil where there is none at any instant.
  func conflict(of identity: Entity, with separation: Separation) -> SeparationConflict? {
    let held = roles(heldBy: identity).filter { role, _ in separation.roles.contains(role) }
    guard held.count >= separation.rule.n else { return nil }
    let stretches = held.map { ($0.key, $0.value.intersection(separation.instants)) }
    // What is held changes only where one of them begins or ends.
    let turns = Set(stretches.flatMap { $0.1.intervals.flatMap { [$0.from] + [$0.to].compactMap { $0 } } }).sorted()
    let together = turns.enumerated().compactMap { index, turn -> SeparationConflict.Stretch? in
      let here = stretches.filter { $0.1.contains(turn) }.map(\.0)
      guard here.count >= separation.rule.n else { return nil }
      return .init(interval: Interval(from: turn, to: index + 1 < turns.count ? turns[index + 1] : nil), roles: Set(here))
    }
    guard !together.isEmpty else { return nil }
    return SeparationConflict(
      policy: separation.policy, identity: identity.id, held: IntervalSet(together.map(\.interval)), together: together)
  }

  fileprivate func causes(_ change: Change) -> [SeparationCause] {
    switch change {
    case .assignmentGranted(let id, _), .assignmentExtended(let id, _): causes(.assignment(id: id))
    case .membershipAdded(let group, let member, _): causes(.membership(group: group, member: member))
    case .identityLinked(let account, _): causes(.link(account: account))
    case .roleDefined(let id, let document, _):
      document.includes.isEmpty && !isBackdated(.role(id)) ? [] : [SeparationCause(identities: holders(ofAnyOf: [.role(id)]))]
    case .identityRegistered(let id, _, _):
      if isRevision(.identity(id)) {
        []
      } else if facts(about: .identity(id)).contains(where: \.givesRoles) {
        causes(.existence(.identity(id)))
      } else if BuiltIn.principals(of: id).contains(where: { isNamed(.identity($0)) }) {
        // Who has nothing yet has what everybody has: that is found, and not the fault of who comes.
        [SeparationCause(identities: [.identity(id)], isRefused: false)]
      } else {
        []
      }
    case .groupCreated(let id, _): isBackdated(.group(id)) ? causes(.existence(.group(id))) : []
    default: []
    }
  }

  /// Whether something hangs on an entity already: then its registration may let it take hold.
  private func isBackdated(_ entity: Entity) -> Bool { isNamed(entity) }

  /// Whether what was said of an entity last revises it where it was there: then nothing takes hold by that.
  private func isRevision(_ entity: Entity) -> Bool {
    let entries = entries(of: .existence(entity))
    guard let newest = entries.map(\.moment.position).max() else { return false }
    guard
      case .begins? = entries.last(where: { entry in
        entries.contains { $0.moment.position == newest && entry.moment < $0.moment }
      })?.effect
    else { return false }
    return true
  }

  fileprivate func causes(_ fact: Fact) -> [SeparationCause] {
    switch fact {
    case .assignment:
      return holds(fact).compactMap { span in
        guard case .grant(let grant) = span.value else { return nil }
        return SeparationCause(
          identities: persons(of: identities(below: [grant.principal])), roles: rolesReached(by: grant.role))
      }
    case .membership(let group, let member):
      let given = Set(roles(of: principals(above: [(.group(group), IntervalSet(.always))])).keys)
      return [SeparationCause(identities: persons(of: identities(below: [member])), roles: given)]
    case .link(let account): return [SeparationCause(identities: persons(of: [.identity(account)]))]
    case .existence(let entity) where entity.kind == .identity || entity.kind == .group:
      return [SeparationCause(identities: persons(of: identities(below: [entity])))]
    case .existence(let entity) where entity.kind == .role:
      return [SeparationCause(identities: holders(ofAnyOf: [entity]))]
    default: return []
    }
  }

  /// All that breaches one policy.
  fileprivate func breaches(
    of policy: String, _ separations: [Separation], _ pointer: String, isRefused: Bool
  ) -> [Breach] {
    separations.filter { $0.policy?.isExactly(policy) ?? false }.flatMap { conflicts(with: $0) }.map {
      .separation($0, pointer, isRefused: isRefused)
    }
  }

  fileprivate func breaches(by cause: SeparationCause, _ separations: [Separation], _ pointer: String) -> [Breach] {
    var breaches: [Breach] = []
    for separation in separations {
      if let roles = cause.roles, !separation.roles.contains(where: roles.contains) { continue }
      for identity in cause.identities {
        guard let conflict = conflict(of: identity, with: separation) else { continue }
        // What stands already without a part in this is no reason to refuse it.
        if let roles = cause.roles, !conflict.roles.contains(where: { roles.contains(.role($0)) }) { continue }
        breaches.append(.separation(conflict, pointer, isRefused: cause.isRefused))
      }
    }
    return breaches
  }
}

extension Breach {
  fileprivate static func separation(
    _ conflict: SeparationConflict, _ pointer: String, isRefused: Bool = true
  ) -> Breach {
    let policy = conflict.policy ?? ""
    let roles = conflict.roles.joined(separator: " and ")
    let message = "would let \(conflict.identity) hold \(roles) together, which policy \(policy) keeps apart"
    return Breach(
      finding: conflict.finding,
      refusal: Refusal(.separationOfDuties, message, at: pointer), isRefused: isRefused)
  }
}
