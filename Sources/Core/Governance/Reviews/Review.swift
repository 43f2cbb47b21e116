public import Temporal

/// One step of a review as a whole, each an event type such as `review.opened`.
public enum ReviewStep: String, Hashable, Sendable, CaseIterable {
  case opened, reminded
  case signedOff = "signed_off"
  case closed, completed
}

/// Where a review stands.
public enum ReviewState: String, Hashable, Sendable, CaseIterable {
  /// Its items are decided.
  case open
  /// Nothing can be decided any more, and something that was decided is still to be executed.
  case closed
  /// All that was decided is executed.
  case completed
}

/// Which grants a review is about; what is left out restricts nothing.
public struct ReviewQuery: Hashable, Sendable {
  /// Only what gives access at, below or from above this path.
  public var scope: String?
  /// Only what gives one of these roles, or one that includes one of them.
  public var roles: [String]
  /// Only memberships in these groups and in groups within them, and what is assigned to any of these.
  public var groups: [String]
  /// Only what these identities hold themselves.
  public var identities: [String]
  /// Only what gives a privileged permission, by the tenant's rules.
  public var isPrivileged: Bool

  /// A query; the default is about every grant of the tenant.
  public init(
    scope: String? = nil, roles: [String] = [], groups: [String] = [], identities: [String] = [], isPrivileged: Bool = false
  ) {
    self.scope = scope
    self.roles = roles
    self.groups = groups
    self.identities = identities
    self.isPrivileged = isPrivileged
  }
}

/// By which rule somebody reviews an item.
public enum ReviewerRule: Hashable, Sendable {
  /// Who owns what is given: the role or the group; where nobody does, the resource; where nobody does, who owns the principal.
  case owner
  /// The manager of who holds it, by the attribute `manager`.
  case manager
  /// An identity, or anybody in a group.
  case named(Entity)

  /// Reads `owner`, `manager`, `identity:ID` or `group:ID`.
  public init?(_ text: String) {
    switch text {
    case "owner": self = .owner
    case "manager": self = .manager
    default:
      guard let entity = Entity(text: text), entity.kind == .identity || entity.kind == .group,
        Limits.problem(identifier: entity.id) == nil
      else { return nil }
      self = .named(entity)
    }
  }

  /// `owner`, `manager` or the principal.
  public var text: String {
    switch self {
    case .owner: "owner"
    case .manager: "manager"
    case .named(let entity): entity.description
    }
  }
}

/// What becomes, at the deadline, of an item that nobody decided.
public enum DeadlineMeasure: String, Hashable, Sendable, CaseIterable {
  /// It stays, and the report says so.
  case keep
  /// Whoever holds it is suspended.
  case lock
  case revoke
}

/// When what was decided is executed.
public enum ReviewExecutionTime: String, Hashable, Sendable, CaseIterable {
  case atClose = "at_close"
  case atOnce = "at_once"
}

/// What a review is about, who decides it, until when, and what follows.
public struct ReviewTerms: Hashable, Sendable {
  /// The grants that it is about.
  public var query: ReviewQuery
  /// By which rules they get their reviewers, the first before the next; empty in a command that names a policy for all this.
  public var reviewers: [ReviewerRule]
  /// Who reviews what nobody may by those rules.
  public var escalation: [Entity]
  /// Days from the opening to the deadline.
  public var decideWithinDays: Int64
  /// So many days before the deadline reviewers are reminded.
  public var remindDays: [Int64]
  /// What becomes of what nobody decided.
  public var atDeadline: DeadlineMeasure
  /// When decisions are executed.
  public var executes: ReviewExecutionTime
  /// Who may sign it off; empty where nobody needs to.
  public var signsOff: [Entity]
  /// Days after the deadline that the job waits for the signature before it closes without.
  public var signOffWithinDays: Int64
  /// The policy that asks for it.
  public var policy: String?

  /// Two weeks, as most organisations give.
  public static let usualDays: Int64 = 14
  /// A week before, and on the last day.
  public static let usualReminders: [Int64] = [7, 1]
  /// A week to look at the result.
  public static let usualSignOffDays: Int64 = 7

  /// Terms; what is left out has its default.
  public init(
    query: ReviewQuery = ReviewQuery(), reviewers: [ReviewerRule] = [], escalation: [Entity] = [],
    decideWithinDays: Int64 = usualDays, remindDays: [Int64] = usualReminders, atDeadline: DeadlineMeasure = .keep,
    executes: ReviewExecutionTime = .atClose, signsOff: [Entity] = [], signOffWithinDays: Int64 = usualSignOffDays,
    policy: String? = nil
  ) {
    self.query = query
    self.reviewers = reviewers
    self.escalation = escalation
    self.decideWithinDays = decideWithinDays
    self.remindDays = remindDays
    self.atDeadline = atDeadline
    self.executes = executes
    self.signsOff = signsOff
    self.signOffWithinDays = signOffWithinDays
    self.policy = policy
  }
}

/// The population of a review, frozen: not copied, but named so that it can be derived again and a difference be seen.
public struct FrozenPopulation: Hashable, Sendable {
  /// The moment in the world.
  public var at: Instant
  /// What was known: everything up to this position.
  public var position: Int64
  /// How many items.
  public var count: Int64
  /// SHA-256 of their canonical list, in hexadecimal.
  public var digest: String

  /// A frozen population.
  public init(at: Instant, position: Int64, count: Int64, digest: String) {
    self.at = at
    self.position = position
    self.count = count
    self.digest = digest
  }
}

/// Who signed a review off, and when.
public struct ReviewSignature: Hashable, Sendable {
  /// Who.
  public var by: String
  /// When.
  public var at: Instant

  /// A signature.
  public init(by: String, at: Instant) {
    self.by = by
    self.at = at
  }
}

/// How a review was closed.
public struct ReviewClosing: Hashable, Sendable {
  /// Who closed it; nil for the job.
  public var by: String?
  /// When.
  public var at: Instant
  /// Whether it was closed without the signature that it asks for.
  public var isUnsigned: Bool
  /// Items that nobody decided.
  public var undecided: Int64

  /// A closing.
  public init(by: String?, at: Instant, isUnsigned: Bool, undecided: Int64) {
    self.by = by
    self.at = at
    self.isUnsigned = isUnsigned
    self.undecided = undecided
  }
}

/// What has become of a review; decided, never said by a caller.
public struct ReviewProgress: Hashable, Sendable {
  /// Where it stands.
  public var state: ReviewState
  /// What it is about.
  public var population: FrozenPopulation
  /// The first instant at which nothing can be decided any more.
  public var deadline: Instant
  /// The reminders that were sent, by their days before the deadline.
  public var reminded: [Int64] = []
  /// Who signed it off.
  public var signature: ReviewSignature?
  /// How it was closed.
  public var closing: ReviewClosing?

  /// Progress of a review that has just been opened.
  public init(state: ReviewState = .open, population: FrozenPopulation, deadline: Instant) {
    self.state = state
    self.population = population
    self.deadline = deadline
  }
}

/// A review: whole, as each of its own events writes it; what is decided of its items stands in theirs.
public struct Review: Hashable, Sendable {
  /// The step that came last.
  public var step: ReviewStep
  /// What it is about and who decides.
  public var terms: ReviewTerms
  /// What has become of it; nil only in a command, which proposes it.
  public var progress: ReviewProgress?

  /// A review; as proposed where there is no progress.
  public init(step: ReviewStep, terms: ReviewTerms, progress: ReviewProgress? = nil) {
    self.step = step
    self.terms = terms
    self.progress = progress
  }
}

/// What reviewers are reminded of.
public struct ReviewReminder: Hashable, Sendable {
  /// Days before the deadline.
  public var daysBefore: Int64
  /// Who has how many items to decide; whoever has none is not asked.
  ///
  /// In an event not more than ``Limits/reviewersPerReminder``: whoever else is asked stands in the next ones.
  public var outstanding: [Load]

  /// What one reviewer has to decide.
  public struct Load: Hashable, Sendable {
    /// The reviewer.
    public var reviewer: String
    /// How many items.
    public var items: Int64

    /// A load.
    public init(reviewer: String, items: Int64) {
      self.reviewer = reviewer
      self.items = items
    }
  }

  /// A reminder.
  public init(daysBefore: Int64, outstanding: [Load]) {
    self.daysBefore = daysBefore
    self.outstanding = outstanding
  }
}
