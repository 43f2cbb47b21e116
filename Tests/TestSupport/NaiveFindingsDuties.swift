public import Governance
public import JSON
public import Temporal

/// Duties held together, by asking at every instant at which anything turns who holds what.
extension NaiveFindings {
  /// What somebody holds of a policy's roles over one stretch, and when.
  public struct HeldTogether: Hashable, Sendable {
    /// The policy that keeps them apart.
    public var policy: Entity
    /// Who.
    public var identity: Entity
    /// The first instant.
    public var from: Instant
    /// The first instant no longer in it; nil for no end.
    public var to: Instant?
    /// The roles of the policy that are held at some instant of it.
    public var roles: Set<Entity>

    /// The ids of the roles, in the order of their bytes.
    public var roleIDs: [JSONValue] {
      roles.map { Bytes($0.id) }.sorted().map { .string(String(decoding: $0.bytes, as: UTF8.self)) }
    }
  }

  /// Who holds too many of the roles of a policy together, now or later by what is dated ahead: of each policy and person the last
  /// stretch, with the roles that are held together in it.
  ///
  /// Everybody is looked at, an account by itself and a person with all accounts; who is suspended holds what he did. What a built-in
  /// principal holds, everybody holds whom it stands for.
  public var duties: [NaiveFinding] {
    var found: [NaiveFinding] = []
    let standing = dutiesTogether(during: .always).filter { $0.to.map { now < $0 } ?? true }
    for runs in Dictionary(grouping: standing, by: { [$0.policy, $0.identity] }).values {
      guard let run = runs.max(by: { $0.from < $1.from }) else { continue }
      var evidence: JSONObject = [
        "policy": .string(run.policy.id), "roles": .array(run.roleIDs), "from": .string(run.from.description),
      ]
      if let end = run.to { evidence["to"] = .string(end.description) }
      found.append(finding("separation_of_duties", run.identity, evidence))
    }
    return found
  }

  private struct Version: Hashable {
    let policy: Entity
    let position: Int64
    let roles: Set<Entity>
    let n: Int
  }

  /// Every version of every policy that keeps roles apart.
  private var separations: Set<Version> {
    Set(
      pieces.flatMap { piece in
        piece.state.living.compactMap { entity, living -> Version? in
          guard case .policy(let policy) = living.document, policy.type == .separationOfDuties else { return nil }
          let roles = policy.rule["roles"]?.arrayValue?.compactMap(\.stringValue) ?? []
          return Version(
            policy: entity, position: living.latest.position, roles: Set(roles.map { .role($0) }),
            n: Int(policy.rule["n"]?.integerValue ?? 2))
        }
      })
  }

  /// Whenever anybody held too many roles of a policy together, or will, clipped: each stretch as long as the version is in force.
  public func dutiesTogether(during stretch: Interval) -> [HeldTogether] {
    let versions = separations
    if versions.isEmpty { return [] }
    // Asked once for all policies: by piece and identity.
    let held = pieces.map { piece in
      Dictionary(
        uniqueKeysWithValues: piece.state.living.keys.filter { $0.kind == .identity }.map {
          ($0, rolesHeld(by: $0, in: piece.state))
        })
    }
    return versions.flatMap { runs(of: $0, held, during: stretch) }
  }

  private func runs(of version: Version, _ rolesHeld: [[Entity: Set<Entity>]], during stretch: Interval) -> [HeldTogether] {
    var done: [HeldTogether] = []
    var runs: [Entity: HeldTogether] = [:]
    for (index, piece) in pieces.enumerated() {
      guard piece.state.living[version.policy]?.latest.position == version.position else { continue }
      let whole = Interval(exactly: piece.from, to: index + 1 < pieces.count ? pieces[index + 1].from : nil)
      guard let part = whole?.intersection(stretch) else { continue }
      for (identity, roles) in rolesHeld[index] {
        let held = roles.intersection(version.roles)
        guard held.count >= version.n else { continue }
        var run = HeldTogether(policy: version.policy, identity: identity, from: part.from, to: part.to, roles: held)
        if let last = runs[identity] {
          if last.to == part.from { (run.from, run.roles) = (last.from, last.roles.union(held)) } else { done.append(last) }
        }
        runs[identity] = run
      }
    }
    return done + runs.values
  }

  /// The roles that an identity has: itself and by accounts, as one of everyone, through groups of groups and roles that include
  /// others.
  private func rolesHeld(by identity: Entity, in state: NaiveState) -> Set<Entity> {
    var selves = Set([identity] + state.links.filter { $0.value.person == identity }.map(\.key))
    let (everyone, authenticated) = (Entity.identity("everyone"), Entity.identity("authenticated"))
    if identity != everyone, identity != authenticated { selves.insert(authenticated) }
    selves.insert(everyone)
    while let next = state.memberships.keys.first(where: { selves.contains($0.member) && !selves.contains($0.group) }) {
      selves.insert(next.group)
    }
    let granted = state.assignments.values.filter { selves.contains($0.grant.principal) }.map { Entity.role($0.grant.role) }
    return roles(below: Set(granted), in: state)
  }
}
