public import Temporal

/// What a plan is made for: whose facts, when, and by whose authority.
public struct PlanFrame: Hashable, Sendable {
  /// The source whose facts the plan adds, revises and ends.
  public var source: String
  /// The moment of the world that the plan is made against.
  public var at: Instant
  /// Whether the commands say `at` as their `effective_at`; otherwise they take effect when they are recorded.
  public var isDated: Bool
  /// What every command carries.
  public var authority: Authority
  /// Whether the commands say that they are unapproved, where an elevation policy governs what they change.
  public var isUnapproved: Bool
  /// What the ids of new assignments begin with; a slash and a number follow.
  ///
  /// Must differ between plans of a source.
  public var assignmentPrefix: String

  /// A frame; the authority defaults to *not recorded*, and nothing is said to be unapproved.
  public init(
    source: String, at: Instant, isDated: Bool, authority: Authority = Authority(), isUnapproved: Bool = false,
    assignmentPrefix: String
  ) {
    self.isUnapproved = isUnapproved
    self.source = source
    self.at = at
    self.isDated = isDated
    self.authority = authority
    self.assignmentPrefix = assignmentPrefix
  }
}

/// A desired fact that the plan leaves alone, because another source has its say on it.
public struct Collision: Hashable, Sendable {
  /// The fact; an assignment whose id was used before is one too.
  public var fact: Fact
  /// The source that it belongs to.
  public var source: String

  /// A collision.
  public init(fact: Fact, source: String) {
    self.fact = fact
    self.source = source
  }
}

/// The commands that lead from what a source holds to what it desires.
public struct Plan: Hashable, Sendable {
  /// The commands, in an order in which every reference exists when it is needed.
  public internal(set) var commands: [Command] = []
  /// What the commands begin or revise, with the values it will have.
  public internal(set) var begun: [Fact: Holding] = [:]
  /// What the commands end.
  public internal(set) var ended: Set<Fact> = []
  /// What is desired and left alone, in the order of the facts.
  public internal(set) var collisions: [Collision] = []
  /// What is no longer desired and stays, because another source has a fact about it; a later plan looks at it again.
  public internal(set) var kept: [Entity] = []

  /// Whether there is nothing to do.
  public var isEmpty: Bool { commands.isEmpty }
}

/// Plans how a source gets from what it holds to what it desires, in a world at a moment.
///
/// Pure. Only facts of the source itself are added, revised and ended. What exists through another source is referred to,
/// and where it is desired with another value it is a collision and left alone. An entity ends only where no other source
/// has a fact about it that holds. What is desired until an instant that has come is not desired any more. Two desired
/// assignments may be equal; each keeps an id, and an id is used once. Cost: the size of the two states, and for each fact that
/// begins its entries in the world.
public func plan(
  _ desired: DesiredState, from current: Holdings, in world: some World, for frame: PlanFrame
) -> Plan {
  var planner = Planner(frame: frame, world: world, current: current, wanted: desired.facts)
  planner.wanted = planner.wanted.filter { $0.value.lasts(at: frame.at) }
  planner.name(desired.grants)
  planner.endFacts()
  planner.endEntities()
  planner.define()
  planner.beginFacts()
  planner.plan.collisions.sort { $0.fact.planOrder < $1.fact.planOrder }
  return planner.plan
}

/// One plan in the making.
struct Planner<W: World> {
  let frame: PlanFrame
  let world: W
  let current: Holdings
  var wanted: [Fact: Holding]
  var plan = Plan()

  init(frame: PlanFrame, world: W, current: Holdings, wanted: [Fact: Holding]) {
    (self.frame, self.world, self.current, self.wanted) = (frame, world, current, wanted)
  }

  mutating func command(_ change: Change, expecting expectation: Expectation? = nil) {
    let at = frame.isDated ? frame.at : nil
    var command = Command(change, expecting: expectation, effectiveAt: at, authority: frame.authority)
    command.isUnapproved = frame.isUnapproved
    plan.commands.append(command)
  }

  mutating func begin(_ fact: Fact, _ holding: Holding, by change: Change) {
    command(change)
    plan.begun[fact] = holding
  }

  /// The other source by whose word a fact holds, or nil.
  func foreignSource(of fact: Fact) -> String? {
    guard let span = world.value(of: fact, at: frame.at), !span.source.isExactly(frame.source) else { return nil }
    return span.source
  }

  /// Gives assignments without an id the ids of current ones with the same value, those with the same end first, else new ones.
  mutating func name(_ grants: [Grant]) {
    var free: [GrantKey: [(id: String, expiresAt: Instant?)]] = [:]
    for (fact, holding) in current.facts where wanted[fact] == nil {
      guard case .assignment(let id) = fact, case .grant(let grant) = holding.value else { continue }
      free[GrantKey(grant), default: []].append((id, holding.expiresAt))
    }
    for key in free.keys { free[key]?.sort { $0.id.precedes($1.id) } }
    var unmatched: [Grant] = []
    for grant in grants where grant.expiresAt.map({ frame.at < $0 }) ?? true {
      let key = GrantKey(grant)
      if let place = free[key]?.firstIndex(where: { $0.expiresAt == grant.expiresAt }), let id = free[key]?.remove(at: place).id
      {
        wanted[.assignment(id: id)] = Holding(.grant(grant), expiresAt: grant.expiresAt)
      } else {
        unmatched.append(grant)
      }
    }
    var next = 1
    for grant in unmatched.sorted(by: { $0.planOrder < $1.planOrder }) {
      let key = GrantKey(grant)
      let id = (free[key]?.isEmpty ?? true) ? unusedID(&next) : free[key]?.removeFirst().id ?? unusedID(&next)
      wanted[.assignment(id: id)] = Holding(.grant(grant), expiresAt: grant.expiresAt)
    }
  }

  private func unusedID(_ next: inout Int) -> String {
    while true {
      let id = "\(frame.assignmentPrefix)/\(next)"
      next += 1
      if !world.hasUsed(assignment: id), wanted[.assignment(id: id)] == nil { return id }
    }
  }
}
