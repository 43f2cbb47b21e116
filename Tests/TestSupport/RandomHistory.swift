public import Governance
public import JSON
public import Temporal

/// A small universe in which things meet often: few names, and instants on a grid so that ties are common.
///
/// Two identities, two roles' worth of resources and so on differ only in their normalisation (`café`), or are prefixes of
/// one another, since those are the mistakes that an index makes.
public enum Universe {
  /// Ids of identities; two are canonically equivalent and not the same, the last are built-in.
  public static let identities = [
    "ada", "bob", "cy", "dee", "caf\u{E9}", "cafe\u{301}", "everyone", "authenticated",
  ]
  /// Ids of groups.
  public static let groups = ["g1", "g2", "g3", "g4", "g5"]
  /// Ids of roles.
  public static let roles = ["r1", "r2", "r3", "r4"]
  /// Ids of assignments.
  public static let assignments = (1...12).map { "a\($0)" }
  /// Ids of policies.
  public static let policies = ["p1", "p2"]
  /// Ids of reviews.
  public static let reviews = ["q1", "q2"]
  /// Ids of access requests.
  public static let requests = ["r1", "r2"]
  /// Ids of credentials.
  public static let credentials = ["k1", "k2", "k3", "k4"]
  /// Ids of sources.
  public static let sources = ["s1", "s2"]
  /// Scopes; some are prefixes of others, by text only or by segments.
  public static let scopes = [
    "*", "org", "org/repo", "org/repo/x", "org/repository", "org2", "org/caf\u{E9}", "org/cafe\u{301}",
  ]
  /// Actions that questions ask about.
  public static let actions = ["repo.read", "repo.write", "repo.admin", "s3:GetObject"]
  /// Patterns of actions in permissions and privileged policies.
  public static let actionPatterns = ["repo.*", "repo.read", "repo.?dmin", "*", "s3:Get*", "*.admin", "re*d"]
  /// Patterns of resources in permissions.
  public static let resourcePatterns = [
    "*", "org/*", "org/repo", "org/rep?", "*/x", "org*", "org/caf?", "org/cafe\u{301}", "*\u{E9}",
  ]
  /// Conditions, their members in the order of a body, for answers are compared as texts.
  public static let conditions: [JSONValue] = [
    ["Bool": ["request.mfa": ["true"]]], ["IpAddress": ["request.ip": ["10.0.0.0/8"]]],
    ["StringEquals": ["identity.team": ["red", "green"]]], ["StringNotEquals": ["identity.team": ["red"]]],
    ["Bool": ["request.mfa": ["true"]], "NumericLessThan": ["identity.level": ["2"]]],
    ["NumericGreaterThanEquals": ["time.hour": ["6"]], "StringLike": ["resource.path": ["org/*"]]],
    ["StringEquals": ["identity.team": ["${resource.team}"]]], ["Null": ["identity.email": ["true"]]],
    ["StringEquals": ["identity.email": ["a@example.org"]]], ["StringEqualsIfExists": ["resource.team": ["blue"]]],
    ["StringNotEquals": ["identity.kind": ["account", "agent"]]], ["NumericLessThan": ["time.hour@America/New_York": ["22"]]],
    ["StringNotEquals": ["identity.id": ["ada", "cy"]]], ["StringIs": ["aws:PrincipalTag/team": ["red"]]],
  ]
  /// Whom policies name.
  public static let subjects: [String] = [
    "identity:ada", "identity:cy", "group:g1", "group:g3", "identity:caf\u{E9}", "identity:everyone",
  ]
  /// The number of instants on the grid.
  public static let slots = 14

  /// An instant of the grid, one an hour.
  public static func instant(_ slot: Int) -> Instant {
    Instant(microseconds: 1_704_067_200_000_000 + Int64(slot) * 3_600_000_000)
  }
}

/// Random histories: whatever a log may hold, contradictions and cycles included.
///
/// The same seed gives the same history.
public enum RandomHistory {
  /// A log of 5 to 120 events at positions 1, 2, 3, ….
  public static func events(seed: UInt64) -> [Event] {
    var maker = HistoryMaker(seed: seed)
    return maker.history()
  }

  /// Random instants to ask about: on the grid, a microsecond off it, or before and after everything.
  public static func instant(_ random: inout SeededGenerator) -> Instant {
    // Rarely before everything, sometimes after it.
    let slot = random.chance(1, in: 20) ? -1 : 1 + random.below(Universe.slots + 3)
    let instant = Universe.instant(slot)
    return random.chance(3, in: 4) ? instant : instant.adding(microseconds: random.chance(1, in: 2) ? 1 : -1)
  }

  /// A random stretch to ask about, sometimes without end.
  public static func stretch(_ random: inout SeededGenerator) -> Interval {
    let from = instant(&random)
    if random.chance(1, in: 4) { return Interval(from: from) }
    return Interval(exactly: from, to: instant(&random)) ?? Interval(from: from, to: from.next)
  }
}

/// Makes one random history.
private struct HistoryMaker {
  var random: SeededGenerator
  var changes: RandomChanges
  var events: [Event] = []
  var recordedAt = Universe.instant(2)

  init(seed: UInt64) {
    random = SeededGenerator(seed: seed)
    changes = RandomChanges()
  }

  mutating func history() -> [Event] {
    let size = 5 + random.below(random.chance(3, in: 4) ? 116 : 26)
    if random.chance(9, in: 10) { warmStart() }
    while events.count < size {
      recordedAt = recordedAt.adding(microseconds: 1 + Int64(random.below(3)) * 1_200_000_000)
      for _ in 0...(random.chance(1, in: 4) ? 3 : 0) { append(changes.next(&random, after: events)) }
    }
    return Array(events.prefix(size))
  }

  /// Most histories begin with most of the universe there, early on.
  private mutating func warmStart() {
    if random.chance(4, in: 5) {
      append(.sourceRegistered(id: "s1", attributes: [:]), early: true)
      append(.coverageBegan(source: "s1", resource: "*", expiresAt: nil), early: true)
    }
    for id in random.some(Universe.identities, chance: 5, in: 6) { append(changes.identity(id, &random), early: true) }
    for id in random.some(Universe.roles, chance: 5, in: 6) { append(changes.role(id, &random), early: true) }
    for id in random.some(Universe.groups, chance: 5, in: 6) { append(.groupCreated(id: id, attributes: [:]), early: true) }
    if random.chance(1, in: 3) {
      let policy = changes.elevation(&random)
      append(.policyDefined(id: random.pick(Universe.policies), policy: policy, attributes: [:]), early: true)
    }
  }

  /// What is over before it begins is refused by `decide`; some is kept where it simply never holds, an extension is not.
  private mutating func mayBeOver(_ change: Change) -> Bool {
    if case .assignmentExtended = change { return false }
    return random.chance(1, in: 6)
  }

  private mutating func append(_ change: Change, early: Bool = false) {
    let slot = early ? random.below(2) : random.below(Universe.slots)
    // A third follows the one before at its instant, so that only the position tells them apart.
    let follows = !early && random.chance(1, in: 3)
    let effectiveAt = (follows ? events.last?.effectiveAt : nil) ?? Universe.instant(slot)
    if let end = change.ownEnd, end <= effectiveAt, !mayBeOver(change) { return }
    let isLate = change.isLoss && random.chance(1, in: 3)
    let dueAt = isLate ? effectiveAt.adding(microseconds: -Int64(random.below(6)) * 3_600_000_000) : nil
    let position = Int64(events.count) + 1
    events.append(
      Event(
        position: position, eventID: "e\(position)", effectiveAt: effectiveAt, dueAt: dueAt, recordedAt: recordedAt,
        source: random.pick(Universe.sources), basis: .observed, authority: Authority(reason: "random"),
        recordedBy: Recorder(id: "test", authentication: "local"), change: change))
  }
}
