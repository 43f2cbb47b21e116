import JSON
public import Temporal

/// Who wrote an event, and when it was recorded.
public struct Witness: Hashable, Sendable {
  /// When.
  public var recordedAt: Instant
  /// Who did it, for whom, and who wrote it here.
  public var writers: [String]
  /// Who approved it.
  public var approver: String?

  /// What an event says about who wrote it, told piece by piece.
  public init(recordedAt: Instant, actor: String?, onBehalfOf: String?, recordedBy: String, approver: String?) {
    self.recordedAt = recordedAt
    writers = [actor, onBehalfOf, recordedBy].compactMap { $0 }
    self.approver = approver
  }

  /// What an event says about who wrote it.
  ///
  /// The recorder always answers for it, too: an actor is only what the caller says, so that whoever writes a change and names
  /// somebody else as its actor has written it all the same. Where no actor is recorded, the recorder alone answers. One that is
  /// nobody's account or service, such as `api` while callers are not authenticated, stands for nobody: what it wrote owes
  /// nothing to any requester, for else nothing could be approved where nobody can say who they are.
  public init(_ event: Event) {
    let authority = event.authority
    self.init(
      recordedAt: event.recordedAt, actor: authority.actor?.id, onBehalfOf: authority.actor?.onBehalfOf,
      recordedBy: event.recordedBy.id, approver: authority.authorisedBy?.approver)
  }

  /// All who have a part in it.
  var authors: [String] { writers + [approver].compactMap { $0 } }
}

/// Whoever stands behind identities: nobody approves what is their own, by any account, service or agent.
extension World {
  /// The identity, the persons whose account it is, the owners of services and agents, and so on up.
  ///
  /// - Parameter stretch: at any time in it; nil for whatever was ever recorded, also what was voided or backdated away: to
  ///   unlink an account, or to say that it was never linked, does not make it somebody else's.
  func selves(of identity: Entity, during stretch: Interval?) -> Set<Entity> {
    reach(from: identity) { next in
      var behind: [Entity] = []
      for case .person(let person) in values(of: .link(account: next.id), during: stretch) { behind.append(.identity(person)) }
      // A person belongs to nobody, whoever is named as answering for the record; but all the while, not for a moment.
      if values(of: .existence(next), during: stretch).contains(where: { $0 != .identity(.person) }) {
        for case .attribute(.open(let value)) in values(of: .attribute(next, name: "owner"), during: stretch) {
          behind += value.owners
        }
      }
      return behind
    }
  }

  private func values(of fact: Fact, during stretch: Interval?) -> [FactValue] {
    guard let stretch else { return valuesEver(of: fact) }
    return holds(fact).filter { $0.overlaps(stretch) }.map(\.value)
  }

  /// Everybody who asks or gains by a request.
  func interested(in terms: RequestTerms, at t: Instant, during stretch: Interval?) -> Set<Entity> {
    var identities: Set<Entity> = [.identity(terms.requester)]
    if let beneficiary = beneficiary(of: terms.proposal, at: t) {
      identities.formUnion(self.identities(of: beneficiary, at: t))
    }
    return identities.reduce(into: []) { $0.formUnion(selves(of: $1, during: stretch)) }
  }

  /// Who gains by a proposal; nil for a revision.
  func beneficiary(of proposal: RequestProposal, at t: Instant) -> Entity? {
    switch proposal {
    case .assignment(let principal, _, _, _): principal
    case .membership(_, let member): member
    case .assignmentExtension(let assignment): grant(assignment, at: t)?.principal
    case .role, .policy: nil
    }
  }

  /// The grant of an assignment that holds at t.
  func grant(_ assignment: String, at t: Instant) -> Grant? {
    guard case .grant(let grant) = value(of: .assignment(id: assignment), at: t)?.value else { return nil }
    return grant
  }

  /// The positions of the events that make somebody an approver: what lets memberships above them hold, and the versions of the
  /// policy; and of an extension the grant.
  ///
  /// Whoever submits an approval looks up who wrote them.
  public func approvalSteps(of request: String, by approver: String, at t: Instant) -> [Int64] {
    guard let standing = self.request(request, at: t) else { return [] }
    let approvers = Set(([approver] + standing.progress.approvals.map(\.approver)).map { Entity.identity($0) })
    var steps = Set(versions(of: standing.terms.policy).map(\.position))
    steps.formUnion(voidings(of: .existence(.policy(standing.terms.policy))))
    if let grant = grantSpan(of: standing.terms.proposal, at: t) { steps.insert(grant.begun.position) }
    for approver in approvers {
      steps.formUnion(awakenings(of: approver))
      for principal in principalsAbove(approver, at: t) {
        for case .membership(let group, let member) in memberships(of: principal) {
          let fact = Fact.membership(group: group, member: member)
          if let span = value(of: fact, at: t) { steps.formUnion(origins(of: span, fact)) }
        }
      }
    }
    return steps.sorted()
  }

  /// The positions of the events by which a fact holds: that which began it, what let it take hold later, and the voidings of
  /// what had ended it.
  func origins(of span: Span, _ fact: Fact) -> [Int64] {
    var origins = [span.begun.position] + voidings(of: fact)
    for end in fact.ends(span.value) {
      origins += voidings(of: .existence(end))
      // Who is registered is no approver for that; but one whose registration was dated back below a membership is.
      if let since = existence(of: end, at: span.begun)?.since.position, since > span.begun.position { origins.append(since) }
    }
    return origins
  }

  /// The positions of the events by which a suspended identity could act again.
  func awakenings(of identity: Entity) -> [Int64] {
    let suspension = Fact.suspension(identity: identity.id)
    return entries(of: suspension).filter { $0.effect == .ends }.map(\.moment.position) + voidings(of: suspension)
      + voidings(of: .existence(identity))
  }

  /// The grant that a request would extend.
  func grantSpan(of proposal: RequestProposal, at t: Instant) -> Span? {
    guard case .assignmentExtension(let assignment) = proposal else { return nil }
    return value(of: .assignment(id: assignment), at: t)
  }

  /// The versions of an elevation policy, in order.
  func versions(of policy: String) -> [(position: Int64, rule: ElevationRule)] {
    holds(.existence(.policy(policy))).compactMap { span in
      guard case .policy(let document) = span.value, let rule = try? ElevationRule(document.rule) else { return nil }
      return (span.entry.position, rule)
    }
  }
}

/// Who may approve one request.
struct Approvers<W: World> {
  let world: W
  let elevation: Elevation
  let terms: RequestTerms
  let now: Instant
  /// Who wrote the events that make approvers; nil where nobody looked, as before the request is submitted.
  let witness: [Int64: Witness]?
  private let interested: Set<Entity>

  /// Who has a part in the request now, or had when it was submitted.
  init(
    _ world: W, _ elevation: Elevation, _ terms: RequestTerms, at now: Instant, since submitted: Instant,
    witness: [Int64: Witness]?
  ) {
    self.world = world
    self.elevation = elevation
    self.terms = terms
    self.now = now
    self.witness = witness
    var interested = world.interested(in: terms, at: now, during: nil)
    if submitted < now { interested.formUnion(world.interested(in: terms, at: submitted, during: nil)) }
    self.interested = interested
  }

  /// What was recorded before it is forgotten.
  private var lookback: Instant { now.adding(microseconds: -elevation.rule.lookbackDays * 86_400_000_000) }

  /// Those who stand behind an approver; two accounts of one person are one approver.
  func selves(of approver: String) -> Set<Entity> { world.selves(of: .identity(approver), during: nil) }

  /// Whether two approvers are one person, or somebody stands behind both.
  func areOne(_ a: String, _ b: String) -> Bool { !selves(of: a).isDisjoint(with: selves(of: b)) }

  /// The approvals that still count: by those who may still approve, and of those who turned out to be one person the first.
  ///
  /// - Throws: `Refusal` where it was not looked up who made one of them an approver: an approval recorded a moment ago must not
  ///   be lost for that.
  func independent(of approvals: [RequestApproval]) throws(Refusal) -> [RequestApproval] {
    var kept: [RequestApproval] = []
    for approval in approvals {
      if let objection = objection(to: approval.approver) {
        if objection.code == .changedMeanwhile { throw objection }
        continue
      }
      if !kept.contains(where: { areOne($0.approver, approval.approver) }) { kept.append(approval) }
    }
    return kept
  }

  /// Why somebody may not approve; nil where they may.
  func objection(to approver: String) -> Refusal? {
    guard world.isActive(approver, at: now) else {
      return Refusal(.notEntitled, "is not an active identity", at: "/by")
    }
    if !selves(of: approver).isDisjoint(with: interested) {
      return Refusal(.notEntitled, "asks or gains by it, by this or another account, or owns who does", at: "/by")
    }
    if world.principalsAbove(.identity(approver), at: now).isDisjoint(with: elevation.rule.approvers) {
      return Refusal(.notEntitled, "is no approver of \(elevation.policy)", at: "/by")
    }
    guard let witness else { return nil }
    switch origin(of: approver, witness) {
    case .independent: break
    case .madeByRequester:
      return Refusal(
        .notEntitled, "was made an approver by the requester in the last \(elevation.rule.lookbackDays) days", at: "/by")
    case .unknown:
      return Refusal(.changedMeanwhile, "became an approver while this was being decided; ask again", at: "/by")
    }
    guard let grant = world.grantSpan(of: terms.proposal, at: now) else { return nil }
    guard let event = witness[grant.begun.position] else {
      return Refusal(.changedMeanwhile, "extends what was granted while this was being decided; ask again", at: "/by")
    }
    let isGranter = event.writers.contains { !selves(of: $0).isDisjoint(with: selves(of: approver)) }
    return isGranter ? Refusal(.notEntitled, "granted what would be extended", at: "/by") : nil
  }

  /// To whom somebody owes it that they are an approver.
  private enum Origin { case independent, madeByRequester, unknown }

  /// Whether some way on which they are an approver owes nothing to the requester.
  private func origin(of approver: String, _ witness: [Int64: Witness]) -> Origin {
    var isUnknown = false
    func owesNothing(_ position: Int64) -> Bool {
      guard let event = witness[position] else {
        isUnknown = true
        return false
      }
      if event.recordedAt < lookback { return true }
      return event.authors.allSatisfy { author in
        selves(of: author).isDisjoint(with: interested)
      }
    }
    guard world.awakenings(of: .identity(approver)).allSatisfy(owesNothing),
      world.voidings(of: .existence(.policy(elevation.policy))).allSatisfy(owesNothing)
    else { return isUnknown ? .unknown : .madeByRequester }
    let reached = world.reach(from: .identity(approver)) { principal in
      world.memberships(of: principal).compactMap { fact in
        guard case .membership(let group, let member) = fact, member == principal,
          let span = world.value(of: fact, at: now), world.origins(of: span, fact).allSatisfy(owesNothing)
        else { return nil }
        return .group(group)
      }
    }
    let named = elevation.rule.approvers.filter { reached.contains($0) }
    if named.contains(where: { principal in introduction(of: principal).map(owesNothing) ?? false }) { return .independent }
    return isUnknown ? .unknown : .madeByRequester
  }

  /// The event since which the policy names a principal as an approver without a break.
  private func introduction(of principal: Entity) -> Int64? {
    var introduction: Int64?
    for (position, rule) in world.versions(of: elevation.policy) {
      if !rule.approvers.contains(principal) { introduction = nil } else if introduction == nil { introduction = position }
      if position == elevation.position { break }
    }
    return introduction
  }

  /// Whether as many persons as are needed could approve.
  func areEnough() -> Bool {
    var persons: [Set<Entity>] = []
    var seen: Set<Entity> = []
    for principal in elevation.rule.approvers {
      for identity in world.identities(of: principal, at: now).sorted() where seen.insert(identity).inserted {
        let selves = selves(of: identity.id)
        guard objection(to: identity.id) == nil, persons.allSatisfy({ $0.isDisjoint(with: selves) }) else { continue }
        persons.append(selves)
        if persons.count >= elevation.rule.approvals { return true }
      }
    }
    return false
  }
}

extension JSONValue {
  /// The identities that an attribute `owner` names: one, or a list.
  fileprivate var owners: [Entity] {
    (arrayValue ?? [self]).compactMap { $0.stringValue.map { .identity($0) } }
  }
}
