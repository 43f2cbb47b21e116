public import Governance
public import JSON
public import Temporal

/// A finding as the tests say that it should be: the rule, what it is about, all of the evidence, and whose it is.
public struct NaiveFinding: Hashable, Sendable, CustomStringConvertible {
  /// The rule.
  public var rule: String
  /// What it is about.
  public var subject: Entity
  /// The evidence, as canonical text, so that it is compared by its bytes.
  public var evidence: String
  /// Whose it is to mend, as an entity; nil for nobody's.
  public var owner: Entity?

  /// A finding.
  public init(_ rule: String, _ subject: Entity, _ evidence: JSONValue, owner: Entity?) {
    (self.rule, self.subject, self.evidence, self.owner) = (rule, subject, evidence.canonicalText, owner)
  }

  /// What a finding of the log says.
  ///
  /// - Parameter members: the members of the evidence that are compared; nil for all.
  public init(_ finding: Finding, only members: [String]? = nil) {
    var evidence = finding.evidence
    if let members {
      var kept = JSONObject()
      for name in members { if let value = finding.evidence[name] { kept[name] = value } }
      evidence = .object(kept)
    }
    self.init(finding.rule, finding.subject, evidence, owner: finding.owner.map { .identity($0) })
  }

  /// The rule, the subject and the rest.
  public var description: String { "\(rule) \(subject) \(evidence) of \(owner.map(\.description) ?? "nobody")" }
}

/// What should be found at a moment, by going through all that is known, rule by rule, in the words of the rules.
///
/// Shares with the rules nothing but the events and their values. Costs a fold of the log for each instant at which anything turns.
public struct NaiveFindings {
  let log: NaiveLog
  /// Up to which position the log is known.
  let k: Int64
  /// The moment.
  let now: Instant
  /// The world at the moment.
  let state: NaiveState
  /// Every instant at which the world turns, and the moment, in order, each with the world from it on.
  public let pieces: [(from: Instant, state: NaiveState)]

  /// All that is known at a moment.
  ///
  /// - Parameter k: up to which position; the default is all.
  public init(_ events: [Event], at now: Instant, asKnownAt k: Int64 = .max) {
    log = NaiveLog(events.filter { $0.position <= k })
    self.k = min(k, Int64(events.count))
    self.now = now
    state = log.state(at: now, asKnownAt: self.k)
    pieces = (log.fold(asKnownAt: self.k).filter { $0.from != now } + [(now, state)]).sorted { $0.from < $1.from }
  }

  /// The worlds from the moment on, whatever is dated ahead.
  var ahead: [NaiveState] { pieces.filter { $0.from >= now }.map(\.state) }

  /// A finding about something, whose it is now.
  public func finding(_ rule: String, _ subject: Entity, _ evidence: JSONObject) -> NaiveFinding {
    NaiveFinding(rule, subject, .object(evidence), owner: owner(of: subject))
  }

  // MARK: Whose it is

  /// The identity in an entity's attribute `owner`, if it is there and not suspended.
  private func activeOwner(in entity: Entity) -> Entity? {
    named(entity).flatMap { state.exists($0) && state.suspended[$0] == nil ? $0 : nil }
  }

  private func named(_ entity: Entity) -> Entity? {
    guard case .open(let value)? = state.attributes[entity]?["owner"]?.value else { return nil }
    return value.stringValue.map { .identity($0) }
  }

  /// To whom what is found about an entity is given.
  ///
  /// Its owner; of a grant that of the role, else that of the principal; of a credential that of whom it acts as. Nobody who is not
  /// active.
  private func owner(of subject: Entity) -> Entity? {
    switch subject.kind {
    case .identity, .group, .role, .policy: return activeOwner(in: subject)
    case .credential:
      guard case .credential(let document)? = state.living[subject]?.document else { return nil }
      return activeOwner(in: .identity(document.identity))
    case .assignment:
      for event in log.visible(asKnownAt: k) {
        guard case .assignmentGranted(let id, let grant) = event.change, Entity(.assignment, id) == subject else { continue }
        let owner = named(.role(grant.role)) ?? named(grant.principal)
        return owner.flatMap { state.exists($0) && state.suspended[$0] == nil ? $0 : nil }
      }
      return nil
    default: return nil
    }
  }

  // MARK: Who answers for what

  /// Accounts without a person, what needs an owner and has none that is active, and groups without members.
  public var structure: [NaiveFinding] {
    state.living.flatMap { entity, living -> [NaiveFinding] in
      var found: [NaiveFinding] = []
      if living.document == .identity(.account), state.links[entity] == nil {
        found.append(finding("orphaned_account", entity, ["suspended": .bool(state.suspended[entity] != nil)]))
      }
      if needsOwner(entity, living.document) {
        if let owner = named(entity) {
          if let why = whyInactive(owner) {
            found.append(finding("ownerless", entity, ["owner": .string(owner.id), "owner_is": .string(why)]))
          }
        } else {
          found.append(finding("ownerless", entity, ["owner": .null]))
        }
      }
      if living.document == .group, !state.memberships.keys.contains(where: { $0.group == entity }) {
        found.append(finding("empty_group", entity, [:]))
      }
      return found
    }
  }

  /// People answer for themselves and for their accounts; of a placeholder and of a role without a document nothing is known; what is
  /// built in is nobody's.
  private func needsOwner(_ entity: Entity, _ document: NaiveState.Document) -> Bool {
    switch document {
    case .group, .policy: true
    case .role(let permissions, _): permissions != nil
    case .identity(let kind):
      ![.person, .account, .placeholder].contains(kind)
        && !["everyone", "authenticated"].contains(where: { entity == .identity($0) })
    default: false
    }
  }

  private func whyInactive(_ identity: Entity) -> String? {
    if state.suspended[identity] != nil { return "suspended" }
    if state.exists(identity) { return nil }
    return pieces.contains { $0.from <= now && $0.state.exists(identity) } ? "retired" : "unknown"
  }

  // MARK: Standing privilege

  /// Assignments of roles that give a privileged action, without an end that is known, to somebody who is active.
  public var standingPrivilege: [NaiveFinding] {
    let patterns = state.living.values.flatMap { living -> [String] in
      guard case .policy(let policy) = living.document, policy.type == .privileged else { return [] }
      return policy.rule["actions"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }
    let later = ahead
    return state.assignments.compactMap { assignment, held in
      let actions = privileged(held.grant.role, patterns)
      guard !actions.isEmpty, later.allSatisfy({ $0.assignments[assignment] != nil }) else { return nil }
      // Whom the principal stands for by memberships that never end.
      let memberships = state.memberships.keys.filter { one in later.allSatisfy { $0.memberships[one] != nil } }
      var reached: Set<Entity> = [held.grant.principal]
      while let next = memberships.first(where: { reached.contains($0.group) && !reached.contains($0.member) }) {
        reached.insert(next.member)
      }
      guard reached.contains(where: { $0.kind == .identity && state.exists($0) && state.suspended[$0] == nil }) else {
        return nil
      }
      return finding(
        "standing_privileged_access", assignment,
        [
          "principal": .string(held.grant.principal.description), "role": .string(held.grant.role),
          "scope": .string(held.grant.scope), "actions": .array(actions.map { .string($0) }),
        ])
    }
  }

  /// What a role and those that it includes allow and is privileged, in the order of bytes.
  private func privileged(_ role: String, _ patterns: [String]) -> [String] {
    var actions: Set<Bytes> = []
    for role in roles(below: [.role(role)], in: state) {
      guard case .role(let permissions?, _) = state.living[role]?.document else { continue }
      for permission in permissions where permission.effect == .allow {
        for action in permission.actions where patterns.contains(where: { NaivePattern.overlap($0, action) }) {
          actions.insert(Bytes(action))
        }
      }
    }
    return actions.sorted().map { String(decoding: $0.bytes, as: UTF8.self) }
  }

  func roles(below roles: Set<Entity>, in state: NaiveState) -> Set<Entity> {
    var found = roles
    var open = Array(roles)
    while let next = open.popLast() {
      guard case .role(_, let includes)? = state.living[next]?.document else { continue }
      for role in includes where found.insert(role).inserted { open.append(role) }
    }
    return found
  }

  // MARK: Broken glass

  /// Findings that glass was broken that have been open for so long, and that nobody answers for now.
  public func unreviewedGlass(after days: Int64) -> [NaiveFinding] {
    state.living.compactMap { entity, living in
      guard case .finding(let broken) = living.document, broken.rule == "break_glass", state.acceptances[entity] == nil,
        living.born.effectiveAt <= now.adding(microseconds: -days * 86_400_000_000)
      else { return nil }
      return finding(
        "break_glass_unreviewed", broken.subject,
        [
          "finding": .string(entity.id), "since": .string(living.born.effectiveAt.description),
          "requester": broken.evidence["requester"] ?? .null,
        ])
    }
  }
}
