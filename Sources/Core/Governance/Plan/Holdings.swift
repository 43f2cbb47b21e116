public import JSON
public import Temporal

/// What holds at a moment by a source's own word: what its next plan starts from.
public struct Holdings: Sendable {
  /// The facts; a fact whose latest entry is another source's is not among them.
  public private(set) var facts: [Fact: Holding] = [:]
  /// Attributes that are known by their digest only, with the position of the event that wrote each.
  public private(set) var sealed: [Fact: Int64] = [:]
  private var assignments: [GrantKey: Set<Fact>] = [:]

  /// Nothing holds.
  public init() {}

  /// Reads what holds at t by a source's word.
  ///
  /// Cost: the facts that the source ever wrote.
  ///
  /// Suspensions, coverage gaps and findings and reviews are left out: no desired state speaks of them.
  public init(of source: String, in world: some World, at t: Instant) {
    for fact in world.facts(from: source) {
      switch fact {
      case .suspension, .coverageGap, .acceptance, .reviewItem: continue
      case .existence(let entity) where entity.kind == .finding: continue
      case .existence, .attribute, .link, .membership, .assignment, .coverage: break
      }
      guard let span = world.value(of: fact, at: t), span.source.isExactly(source) else { continue }
      insert(fact, Holding(span.value, expiresAt: span.expiresAt))
      if case .attribute(.sealed) = span.value { sealed[fact] = span.entry.position }
    }
  }

  /// Puts the value in the place of a digest, so that it can be compared with a desired one.
  public mutating func reveal(_ fact: Fact, as value: JSONValue) {
    guard sealed.removeValue(forKey: fact) != nil else { return }
    facts[fact]?.value = .attribute(.open(value))
  }

  /// Leaves out facts that the next plan must not touch.
  public mutating func removeAll(where isLeftOut: (Fact) -> Bool) {
    for fact in facts.keys where isLeftOut(fact) { remove(fact) }
  }

  /// Takes over what a plan begins and ends.
  public mutating func apply(_ plan: Plan) {
    for fact in plan.ended { remove(fact) }
    for (fact, holding) in plan.begun { insert(fact, holding) }
  }

  /// The part that two partial desired states speak of, such as what a file said before and says now.
  ///
  /// A plan from this part to the second state changes what differs between the two and leaves everything else alone.
  /// Cost: the size of the two states.
  public func part(spokenOfBy first: DesiredState, or second: DesiredState) -> Holdings {
    var part = Holdings()
    for state in [first, second] {
      for fact in state.facts.keys { part.take(fact, from: self) }
      for grant in state.grants {
        for fact in assignments[GrantKey(grant)] ?? [] { part.take(fact, from: self) }
      }
    }
    return part
  }

  /// Takes one fact over from a larger whole, where it is there.
  public mutating func take(_ fact: Fact, from whole: Holdings) {
    guard let holding = whole.facts[fact] else { return }
    insert(fact, holding)
    sealed[fact] = whole.sealed[fact]
  }

  private mutating func insert(_ fact: Fact, _ holding: Holding) {
    facts[fact] = holding
    if case .grant(let grant) = holding.value { assignments[GrantKey(grant), default: []].insert(fact) }
  }

  private mutating func remove(_ fact: Fact) {
    sealed[fact] = nil
    guard let holding = facts.removeValue(forKey: fact), case .grant(let grant) = holding.value else { return }
    let key = GrantKey(grant)
    assignments[key]?.remove(fact)
    if assignments[key]?.isEmpty ?? false { assignments[key] = nil }
  }
}
