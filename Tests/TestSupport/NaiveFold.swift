public import Governance
import JSON
public import Temporal

/// The world after some events, written straight from DESIGN §1: dictionaries, changed one event at a time.
///
/// It is the reference for everything faster, and therefore shares no code with it: an entity that ends takes every fact
/// about it along, and a fact whose ends do not exist when it is written is not there.
public struct NaiveState {
  /// The event that something in the world rests on.
  public struct Origin: Hashable, Sendable {
    /// Its position.
    public var position: Int64
    /// When it took effect.
    public var effectiveAt: Instant

    init(_ event: Event) {
      position = event.position
      effectiveAt = event.effectiveAt
    }
  }

  /// What an existing entity is.
  public enum Document: Hashable, Sendable {
    case identity(IdentityKind)
    case group
    /// The permissions, and the roles included that have existed since.
    case role([Permission]?, includes: Set<Entity>)
    case policy(PolicyDocument)
    case resource
    case source
    case request(AccessRequest)
    case credential(CredentialDocument)
    case finding(Finding)
    case review(Review)
  }

  /// An entity that exists.
  public struct Living: Hashable, Sendable {
    /// The event that began this unbroken existence.
    public var born: Origin
    /// The event that wrote the document.
    public var latest: Origin
    /// The document.
    public var document: Document
  }

  /// A fact that holds until its end.
  public struct Held: Hashable, Sendable {
    /// The event that began it.
    public var origin: Origin
    /// The first instant at which it no longer holds.
    public var expiresAt: Instant?
  }

  /// An assignment that holds.
  public struct HeldGrant: Hashable, Sendable {
    /// The grant, with its end as extended.
    public var grant: Grant
    /// The event that granted it.
    public var origin: Origin
  }

  /// The person whom an account belongs to.
  public struct Link: Hashable, Sendable {
    /// The person.
    public var person: Entity
    /// The event that linked them.
    public var origin: Origin
  }

  /// An attribute that an entity has.
  public struct Attribute: Hashable, Sendable {
    /// Its value.
    public var value: AttributeValue
    /// The event that wrote it.
    public var origin: Origin
  }

  /// A group and a member of it.
  public struct Membership: Hashable, Sendable {
    /// The group.
    public var group: Entity
    /// The member.
    public var member: Entity
  }

  /// A source and a resource that it vouches for, or a gap of it by its first instant.
  public struct Cover: Hashable, Sendable {
    /// The source.
    public var source: Entity
    /// The resource, as an entity so that paths compare by their bytes.
    public var resource: Entity
    /// Of a gap: its first instant.
    public var from: Instant?
  }

  /// Every entity that exists.
  public var living: [Entity: Living] = [:]
  /// Attributes by entity and name.
  public var attributes: [Entity: [String: Attribute]] = [:]
  /// Suspended identities.
  public var suspended: [Entity: Origin] = [:]
  /// Links by account.
  public var links: [Entity: Link] = [:]
  /// Memberships.
  public var memberships: [Membership: Held] = [:]
  /// Assignments by id.
  public var assignments: [Entity: HeldGrant] = [:]
  /// Coverage.
  public var coverage: [Cover: Held] = [:]
  /// What has become of the items of reviews.
  public var reviewItems: [ReviewedItem: HeldItem] = [:]

  /// An item of a review.
  public struct ReviewedItem: Hashable, Sendable {
    /// The review.
    public var review: Entity
    /// Its item.
    public var item: GrantName
  }

  /// What has become of an item.
  public struct HeldItem: Hashable, Sendable {
    /// What.
    public var state: ReviewItemState
    /// The event that says so.
    public var origin: Origin
  }

  /// Gaps in coverage.
  public var gaps: [Cover: Held] = [:]
  /// Acceptances of findings.
  public var acceptances: [Entity: Held] = [:]

  /// The world before any event.
  public init() {}

  /// Whether the entity exists.
  public func exists(_ entity: Entity) -> Bool { living[entity] != nil }
}

extension NaiveState {
  /// Applies the next event in the order of (effective, position).
  public mutating func apply(_ event: Event) {
    let origin = Origin(event)
    switch event.change {
    case .identityRegistered(let id, let kind, let attributes):
      begin(.identity(id), .identity(kind), attributes, origin)
    case .groupCreated(let id, let attributes): begin(.group(id), .group, attributes, origin)
    case .roleDefined(let id, let document, let attributes):
      begin(.role(id), .role(document.permissions, includes: []), attributes, origin)
      let includes = document.includes.map { Entity.role($0) }.filter { exists($0) }
      living[.role(id)]?.document = .role(document.permissions, includes: Set(includes))
    case .policyDefined(let id, let policy, let attributes): begin(.policy(id), .policy(policy), attributes, origin)
    case .resourceDescribed(let path, let attributes): begin(.resource(path), .resource, attributes, origin)
    case .sourceRegistered(let id, let attributes): begin(.source(id), .source, attributes, origin)
    case .identityRetired(let id): end(.identity(id))
    case .groupDeleted(let id): end(.group(id))
    case .roleRetired(let id): end(.role(id))
    case .policyRetired(let id): end(.policy(id))
    case .resourceRemoved(let path): end(.resource(path))
    case .sourceRetired(let id): end(.source(id))
    case .identitySuspended(let id): suspended[.identity(id)] = exists(.identity(id)) ? origin : nil
    case .identityResumed(let id): suspended[.identity(id)] = nil
    case .identityLinked, .identityUnlinked, .membershipAdded, .membershipRemoved: applyBond(event.change, origin)
    case .assignmentGranted, .assignmentExtended, .assignmentRevoked: applyAssignment(event.change, origin)
    case .coverageBegan, .coverageEnded, .coverageGap: applyCoverage(event.change, origin)
    case .request(let id, _, _, let request): if let request { begin(.request(id), .request(request), [:], origin) }
    case .credentialIssued(let id, let document, let attributes):
      begin(.credential(id), .credential(document), attributes, origin)
    case .credentialRevoked(let id): end(.credential(id))
    case .findingRaised(let finding): begin(.finding(finding.id), .finding(finding), [:], origin)
    case .findingResolved(let id): end(.finding(id))
    case .findingAccepted(let id, let until):
      acceptances[.finding(id)] = exists(.finding(id)) ? Held(origin: origin, expiresAt: until) : nil
    case .review(let id, _, _, _, let review): if let review { begin(Entity(.review, id), .review(review), [:], origin) }
    case .reviewItem(let id, let item, _, _, _, let state):
      guard let state else { break }
      let review = Entity(.review, id)
      reviewItems[ReviewedItem(review: review, item: item)] = exists(review) ? HeldItem(state: state, origin: origin) : nil
    case .assignmentExpired, .membershipExpired, .eventVoided, .fulfilmentConfirmed: break
    }
  }

  private mutating func applyBond(_ change: Change, _ origin: Origin) {
    switch change {
    case .identityLinked(let account, let person):
      let takesHold = exists(.identity(account)) && exists(.identity(person))
      links[.identity(account)] = takesHold ? Link(person: .identity(person), origin: origin) : nil
    case .identityUnlinked(let account): links[.identity(account)] = nil
    case .membershipAdded(let group, let member, let expiresAt):
      let takesHold = exists(.group(group)) && exists(member)
      memberships[Membership(group: .group(group), member: member)] =
        takesHold ? Held(origin: origin, expiresAt: expiresAt) : nil
    case .membershipRemoved(let group, let member): memberships[Membership(group: .group(group), member: member)] = nil
    default: preconditionFailure("not a bond")
    }
  }

  private mutating func applyAssignment(_ change: Change, _ origin: Origin) {
    switch change {
    case .assignmentGranted(let id, let grant):
      let takesHold = exists(grant.principal) && exists(.role(grant.role))
      assignments[Entity(.assignment, id)] = takesHold ? HeldGrant(grant: grant, origin: origin) : nil
    case .assignmentExtended(let id, let expiresAt):
      guard var held = assignments[Entity(.assignment, id)] else { return }
      if let end = held.grant.expiresAt, origin.effectiveAt >= end { return }
      held.grant.expiresAt = expiresAt
      assignments[Entity(.assignment, id)] = held
    case .assignmentRevoked(let id): assignments[Entity(.assignment, id)] = nil
    default: preconditionFailure("not of an assignment")
    }
  }

  private mutating func applyCoverage(_ change: Change, _ origin: Origin) {
    switch change {
    case .coverageBegan(let source, let resource, let expiresAt):
      let cover = Cover(source: .source(source), resource: .resource(resource), from: nil)
      coverage[cover] = exists(.source(source)) ? Held(origin: origin, expiresAt: expiresAt) : nil
    case .coverageEnded(let source, let resource):
      coverage[Cover(source: .source(source), resource: .resource(resource), from: nil)] = nil
    case .coverageGap(let source, let resource, let until):
      let gap = Cover(source: .source(source), resource: .resource(resource), from: origin.effectiveAt)
      gaps[gap] = exists(.source(source)) ? Held(origin: origin, expiresAt: until) : nil
    default: preconditionFailure("not of coverage")
    }
  }

  /// Begins an entity, or revises it where it exists.
  private mutating func begin(
    _ entity: Entity, _ document: Document, _ written: [String: AttributeValue], _ origin: Origin
  ) {
    living[entity] = Living(born: living[entity]?.born ?? origin, latest: origin, document: document)
    for (name, value) in written {
      attributes[entity, default: [:]][name] = value == .open(.null) ? nil : Attribute(value: value, origin: origin)
    }
  }

  /// Ends an entity and every fact that has it as an end: a return starts with nothing.
  private mutating func end(_ entity: Entity) {
    living[entity] = nil
    attributes[entity] = nil
    suspended[entity] = nil
    acceptances[entity] = nil
    links = links.filter { $0.key != entity && $0.value.person != entity }
    memberships = memberships.filter { $0.key.group != entity && $0.key.member != entity }
    assignments = assignments.filter { $0.value.grant.principal != entity && .role($0.value.grant.role) != entity }
    coverage = coverage.filter { $0.key.source != entity }
    gaps = gaps.filter { $0.key.source != entity }
    for (role, old) in living {
      guard case .role(let permissions, let includes) = old.document, includes.contains(entity) else { continue }
      living[role]?.document = .role(permissions, includes: includes.subtracting([entity]))
    }
  }

  /// Takes away what has come to its own end by t.
  mutating func expire(at t: Instant) {
    func isOver(_ end: Instant?) -> Bool { end.map { t >= $0 } ?? false }
    memberships = memberships.filter { !isOver($0.value.expiresAt) }
    assignments = assignments.filter { !isOver($0.value.grant.expiresAt) }
    coverage = coverage.filter { !isOver($0.value.expiresAt) }
    gaps = gaps.filter { !isOver($0.value.expiresAt) }
    acceptances = acceptances.filter { !isOver($0.value.expiresAt) }
  }
}
