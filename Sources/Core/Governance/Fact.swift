import JSON
public import Temporal

/// What an event writes whole values to; at (t, k) a fact has the value of its greatest visible (effective, position).
public enum Fact: Hashable, Sendable {
  /// Existence of an identity, group, role, policy, resource, source, request or credential, and its document; of a finding, that
  /// it is open.
  case existence(Entity)
  /// One attribute of an entity.
  case attribute(Entity, name: String)
  /// Whether an identity is suspended.
  case suspension(identity: String)
  /// The person whom an account belongs to.
  case link(account: String)
  /// A member, identity or group, of a group.
  case membership(group: String, member: Entity)
  /// An assignment.
  case assignment(id: String)
  /// What a source vouches for.
  case coverage(source: String, resource: String)
  /// A stretch in which a source vouches for nothing, by its first instant.
  case coverageGap(source: String, resource: String, from: Instant)
  /// Somebody answers for leaving an open finding as it is.
  case acceptance(finding: String)
  /// What has become of an item of a review.
  case reviewItem(review: String, item: GrantName)
}

extension Fact {
  /// Equal exactly if the bytes of their names are.
  public static func == (a: Fact, b: Fact) -> Bool {
    switch (a, b) {
    case (.existence(let x), .existence(let y)): x == y
    case (.attribute(let x, let n), .attribute(let y, let m)): x == y && n.isExactly(m)
    case (.suspension(let x), .suspension(let y)): x.isExactly(y)
    case (.link(let x), .link(let y)): x.isExactly(y)
    case (.membership(let g, let x), .membership(let h, let y)): x == y && g.isExactly(h)
    case (.assignment(let x), .assignment(let y)): x.isExactly(y)
    case (.coverage(let s, let x), .coverage(let t, let y)): s.isExactly(t) && x.isExactly(y)
    case (.coverageGap(let s, let x, let f), .coverageGap(let t, let y, let g)):
      f == g && s.isExactly(t) && x.isExactly(y)
    case (.acceptance(let x), .acceptance(let y)): x.isExactly(y)
    case (.reviewItem(let x, let i), .reviewItem(let y, let j)): x.isExactly(y) && i == j
    default: false
    }
  }
}

/// The value of a fact.
public enum FactValue: Hashable, Sendable {
  case identity(IdentityKind)
  case group
  case role(RoleDocument)
  case policy(PolicyDocument)
  case resource
  case source
  indirect case request(AccessRequest)
  indirect case credential(CredentialDocument)
  indirect case finding(Finding)
  case accepted
  indirect case review(Review)
  indirect case reviewItem(ReviewItemState)
  case attribute(AttributeValue)
  case suspended
  case person(String)
  case member
  case grant(Grant)
  case covered
}

/// What an entry does to its fact.
public enum Effect: Hashable, Sendable {
  /// The fact holds with this value, until `expiresAt` or its next entry.
  case begins(FactValue, expiresAt: Instant?)
  /// The fact no longer holds.
  case ends
  /// The fact's end moves; inert where the fact does not hold at this place in the fold.
  case extends(expiresAt: Instant?)
}

/// One write of an event to a fact.
public struct Write: Hashable, Sendable {
  /// The fact.
  public let fact: Fact
  /// What happens to it.
  public let effect: Effect

  /// A write.
  public init(_ fact: Fact, _ effect: Effect) {
    self.fact = fact
    self.effect = effect
  }
}

/// One write as the fold places it: with its moment, its source, and the instant at which a loss was due.
public struct Entry: Hashable, Sendable {
  /// The place in the fold.
  public var moment: Moment
  /// What happens to the fact.
  public var effect: Effect
  /// Of a loss: when it should have taken effect.
  public var dueAt: Instant?
  /// The source of the event.
  public var source: String

  /// An entry.
  public init(moment: Moment, effect: Effect, dueAt: Instant? = nil, source: String) {
    self.moment = moment
    self.effect = effect
    self.dueAt = dueAt
    self.source = source
  }
}

extension Change {
  /// What applying the event does: the facts it writes, in a stable order.
  ///
  /// Evidence and voidings write none.
  ///
  /// This is the whole of `apply`; graph, relation rows and rules all start from it. It cannot fail.
  public func writes(effectiveAt: Instant) -> [Write] {
    switch self {
    case .identityRegistered(let id, let kind, let attributes):
      return Self.begin(.identity(id), .identity(kind), attributes)
    case .identitySuspended(let id):
      return [Write(.suspension(identity: id), .begins(.suspended, expiresAt: nil))]
    case .identityResumed(let id): return [Write(.suspension(identity: id), .ends)]
    case .identityRetired(let id): return [Write(.existence(.identity(id)), .ends)]
    case .identityLinked(let account, let person):
      return [Write(.link(account: account), .begins(.person(person), expiresAt: nil))]
    case .identityUnlinked(let account): return [Write(.link(account: account), .ends)]
    case .groupCreated(let id, let attributes): return Self.begin(.group(id), .group, attributes)
    case .groupDeleted(let id): return [Write(.existence(.group(id)), .ends)]
    case .membershipAdded(let group, let member, let expiresAt):
      return [Write(.membership(group: group, member: member), .begins(.member, expiresAt: expiresAt))]
    case .membershipRemoved(let group, let member):
      return [Write(.membership(group: group, member: member), .ends)]
    case .roleDefined(let id, let document, let attributes):
      return Self.begin(.role(id), .role(document), attributes)
    case .roleRetired(let id): return [Write(.existence(.role(id)), .ends)]
    case .assignmentGranted(let id, let grant):
      return [Write(.assignment(id: id), .begins(.grant(grant), expiresAt: grant.expiresAt))]
    case .assignmentExtended(let id, let expiresAt):
      return [Write(.assignment(id: id), .extends(expiresAt: expiresAt))]
    case .assignmentRevoked(let id): return [Write(.assignment(id: id), .ends)]
    case .policyDefined(let id, let policy, let attributes):
      return Self.begin(.policy(id), .policy(policy), attributes)
    case .policyRetired(let id): return [Write(.existence(.policy(id)), .ends)]
    case .resourceDescribed(let path, let attributes):
      return Self.begin(.resource(path), .resource, attributes)
    case .resourceRemoved(let path): return [Write(.existence(.resource(path)), .ends)]
    case .sourceRegistered(let id, let attributes): return Self.begin(.source(id), .source, attributes)
    case .sourceRetired(let id): return [Write(.existence(.source(id)), .ends)]
    case .coverageBegan(let source, let resource, let expiresAt):
      return [Write(.coverage(source: source, resource: resource), .begins(.covered, expiresAt: expiresAt))]
    case .coverageEnded(let source, let resource):
      return [Write(.coverage(source: source, resource: resource), .ends)]
    case .coverageGap(let source, let resource, let until):
      let gap = Fact.coverageGap(source: source, resource: resource, from: effectiveAt)
      return [Write(gap, .begins(.covered, expiresAt: until))]
    case .request(let id, _, _, let request):
      // Only a command lacks it, and commands are not applied.
      return request.map { [Write(.existence(.request(id)), .begins(.request($0), expiresAt: nil))] } ?? []
    case .credentialIssued(let id, let document, let attributes):
      // Not until its own end: one that has run out can still be revoked or extended.
      return Self.begin(.credential(id), .credential(document), attributes)
    case .credentialRevoked(let id): return [Write(.existence(.credential(id)), .ends)]
    case .findingRaised(let finding):
      return [Write(.existence(.finding(finding.id)), .begins(.finding(finding), expiresAt: nil))]
    case .findingResolved(let id): return [Write(.existence(.finding(id)), .ends)]
    case .findingAccepted(let id, let until):
      return [Write(.acceptance(finding: id), .begins(.accepted, expiresAt: until))]
    case .review(let id, _, _, _, let review):
      return review.map { [Write(.existence(Entity(.review, id)), .begins(.review($0), expiresAt: nil))] } ?? []
    case .reviewItem(let id, let item, _, _, _, let state):
      return state.map { [Write(.reviewItem(review: id, item: item), .begins(.reviewItem($0), expiresAt: nil))] } ?? []
    case .assignmentExpired, .membershipExpired, .eventVoided, .fulfilmentConfirmed: return []
    }
  }

  private static func begin(_ entity: Entity, _ value: FactValue, _ attributes: [String: AttributeValue]) -> [Write] {
    var writes = [Write(.existence(entity), .begins(value, expiresAt: nil))]
    for (name, value) in attributes.sorted(by: { $0.key < $1.key }) {
      let effect: Effect = value == .open(.null) ? .ends : .begins(.attribute(value), expiresAt: nil)
      writes.append(Write(.attribute(entity, name: name), effect))
    }
    return writes
  }
}

extension Event {
  /// The facts that the event writes, in a stable order.
  public var writes: [Write] { change.writes(effectiveAt: effectiveAt) }

  /// The entry that one of its writes makes.
  public func entry(_ effect: Effect) -> Entry {
    Entry(moment: moment, effect: effect, dueAt: dueAt, source: source)
  }
}

extension Fact {
  /// The entities that must exist for the fact to take hold, given the value that its entry writes.
  public func ends(_ value: FactValue) -> [Entity] {
    switch self {
    case .existence: return []
    case .attribute(let entity, _): return [entity]
    case .suspension(let identity): return [.identity(identity)]
    case .link(let account):
      guard case .person(let person) = value else { return [.identity(account)] }
      return [.identity(account), .identity(person)]
    case .membership(let group, let member): return [.group(group), member]
    case .assignment:
      guard case .grant(let grant) = value else { return [] }
      return [grant.principal, .role(grant.role)]
    case .coverage(let source, _), .coverageGap(let source, _, _): return [.source(source)]
    case .acceptance(let finding): return [.finding(finding)]
    case .reviewItem(let review, _): return [Entity(.review, review)]
    }
  }
}
