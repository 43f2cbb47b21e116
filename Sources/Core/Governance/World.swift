public import Temporal

/// What is asked of an event by its position.
public struct EventSummary: Hashable, Sendable {
  /// The event's type.
  public var type: String
  /// When it took effect.
  public var effectiveAt: Instant
  /// The facts that it wrote.
  public var facts: [Fact]
  /// Whether it has been voided.
  public var isVoided: Bool

  /// A summary.
  public init(type: String, effectiveAt: Instant, facts: [Fact], isVoided: Bool) {
    self.type = type
    self.effectiveAt = effectiveAt
    self.facts = facts
    self.isVoided = isVoided
  }
}

/// World at one k, over all t: what `decide`, the rules and `plan` ask.
///
/// The graph and the tests' naive fold both conform, so every rule is tested against the reference too.
public protocol World {
  /// Up to which position the log is known in it.
  var position: Int64 { get }

  /// The same world as it was known at a position, not later than its own.
  func known(at position: Int64) -> Self

  /// The visible entries of a fact (voided ones left out), ordered by moment. Empty where it was never written.
  func entries(of fact: Fact) -> [Entry]

  /// Those of the visible entries of a fact that tell what changed between two moments; see ``EntryWindow``.
  func entries(of fact: Fact, around moments: ClosedRange<Moment>) -> EntryWindow

  /// Whether an entity exists at t, after everything that takes effect at t.
  func exists(_ entity: Entity, at t: Instant) -> Bool

  /// The stretch of unbroken existence that a place in the fold lies in; nil where the entity did not exist there.
  func existence(of entity: Entity, at moment: Moment) -> Existence?

  /// Every value that an entry of the fact ever began, also one that was voided since. In a stable order.
  func valuesEver(of fact: Fact) -> [FactValue]

  /// The positions of the events that voided an entry of the fact, in order.
  func voidings(of fact: Fact) -> [Int64]

  /// Every fact that ever had this entity as an end, and the entity's own existence not among them. In a stable order.
  func facts(about entity: Entity) -> [Fact]

  /// The memberships that this principal ever had, one a group. In a stable order.
  ///
  /// Of ``facts(about:)`` those of which it is the member. Whoever wants one kind of fact asks for that kind, here and below: a
  /// group has few groups above it and few attributes, and may have a million members.
  func memberships(of member: Entity) -> [Fact]

  /// The memberships that this group ever gave. In a stable order.
  func memberships(in group: String) -> [Fact]

  /// The assignments ever granted to this principal. In a stable order.
  func assignments(to principal: Entity) -> [Fact]

  /// The assignments that ever had this role or principal as an end, but for those that ended at t or before for good. In a stable
  /// order; others may be among them.
  ///
  /// A document that is written again and again has few of them, of thousands.
  func assignments(of end: Entity, notEndedBy t: Instant) -> [Fact]

  /// The links by which accounts ever belonged to this identity. In a stable order.
  func links(to person: Entity) -> [Fact]

  /// The attributes that this entity ever had. In a stable order.
  func attributes(of entity: Entity) -> [Fact]

  /// Every fact that a source ever wrote. In a stable order.
  func facts(from source: String) -> [Fact]

  /// The ids of all entities of a kind that were ever written. In a stable order.
  func named(_ kind: EntityKind) -> [String]

  /// The ids of the policies that ever had this type. In a stable order.
  func policies(ofType type: PolicyType) -> [String]

  /// An elevation policy at t; nil where there is none of that name.
  ///
  /// Asked at every grant, so that who keeps rules read gives them.
  func elevation(_ policy: String, at t: Instant) -> Elevation?

  /// The ids of the access requests submitted at or after an instant. In a stable order.
  func requests(since instant: Instant) -> [String]

  /// The ids of those who ever approved an access request. In a stable order; above this world's position others may have.
  var requestApprovers: [String] { get }

  /// The ids of the access requests that somebody ever approved. In a stable order; others may be among them that were approved above
  /// this world's position.
  func requests(approvedBy approver: String) -> [String]

  /// The ids of the credentials that were ever issued with this end, by a voided event too. In the order of
  /// their bytes.
  func credentials(of end: CredentialEnd) -> [String]

  /// Whether an assignment id was ever used, by a voided event too.
  func hasUsed(assignment id: String) -> Bool

  /// An event by its position; nil above the head.
  func event(at position: Int64) -> EventSummary?
}

/// For whoever keeps no lists of its own.
extension World {
  /// The memberships of a principal, found among all facts about it.
  public func memberships(of member: Entity) -> [Fact] {
    facts(about: member).filter { if case .membership(_, let other) = $0 { other == member } else { false } }
  }

  /// The memberships in a group, found among all facts about it.
  public func memberships(in group: String) -> [Fact] {
    facts(about: .group(group)).filter { if case .membership(let other, _) = $0 { other.isExactly(group) } else { false } }
  }

  /// The assignments to a principal, found among all facts about it.
  public func assignments(to principal: Entity) -> [Fact] {
    facts(about: principal).filter { fact in
      guard case .assignment = fact else { return false }
      return valuesEver(of: fact).contains { value in
        if case .grant(let grant) = value { grant.principal == principal } else { false }
      }
    }
  }

  /// The assignments of an end, found among all facts about it.
  public func assignments(of end: Entity, notEndedBy t: Instant) -> [Fact] {
    facts(about: end).filter { if case .assignment = $0 { true } else { false } }
  }

  /// The links to an identity, found among all facts about it.
  public func links(to person: Entity) -> [Fact] {
    facts(about: person).filter { fact in
      guard case .link = fact else { return false }
      return valuesEver(of: fact).contains { if case .person(let id) = $0 { .identity(id) == person } else { false } }
    }
  }

  /// The attributes of an entity, found among all facts about it.
  public func attributes(of entity: Entity) -> [Fact] {
    facts(about: entity).filter { if case .attribute(let owner, _) = $0 { owner == entity } else { false } }
  }
}
