public import Governance
import JSON
public import Temporal

/// Random commands that go on as time does, so that jobs and reports find something at every moment: the usual ones, each grant with
/// an id of its own, and beside them owners, accounts, duties to be kept apart, windows, credentials, broken glass and confirmations.
///
/// The same seed gives the same story where the same is known.
public struct RandomStory {
  private var random: SeededGenerator
  private var commands: ArraySlice<(command: Command, mode: CommandMode)>
  private var grants = 0

  /// The story of a seed.
  public init(seed: UInt64) {
    random = SeededGenerator(seed: seed &+ 0x5_7042)
    commands = RandomCommands.commands(seed: seed &+ 7_000, count: 160)[...]
  }

  /// Identities beside those of the universe.
  public static let accounts = ["acc1", "acc2", "svc", "bot"]
  private static let identities = Universe.identities + accounts

  /// What happens next, seen at a moment; of what happened before or will, some is learnt now.
  ///
  /// - Parameter known: all events up to now, asked for where something is said of them.
  public mutating func next(at now: Instant, knowing known: () throws -> [Event]) rethrows -> [Command] {
    var next: [Command] = []
    if let item = commands.popFirst() { next.append(owned(RandomCommands.distinct(item.command, &grants, &random))) }
    let change = random.chance(1, in: 20) ? confirmation(at: now, try known()) : more(at: now)
    next.append(Command(change, effectiveAt: when(now), authority: Authority(reason: "because")))
    return next
  }

  /// How something was learnt.
  public mutating func circumstances() -> (source: String, basis: Basis) {
    (random.pick(Universe.sources), random.pick([.observed, .observed, .declared, .enforced]))
  }

  /// Somebody answers a finding.
  public mutating func answer(to finding: String, at now: Instant) -> Command {
    let until = now.adding(microseconds: Int64(1 + random.below(60)) * 3_600_000_000 + 7)
    return Command(
      random.chance(1, in: 2) ? .findingResolved(id: finding) : .findingAccepted(id: finding, until: until),
      authority: Authority(reason: "looked at"))
  }

  /// Mostly now, else about as often back as ahead.
  private mutating func when(_ now: Instant) -> Instant? {
    if random.chance(2, in: 5) { return nil }
    if random.chance(1, in: 2) { return Universe.instant(random.below(Universe.slots)) }
    return hour(Int64(random.below(60) - 30), after: now)
  }

  private mutating func end(_ now: Instant) -> Instant? {
    random.chance(1, in: 2) ? nil : hour(Int64(random.below(50) - 10), after: now)
  }

  private func hour(_ hours: Int64, after now: Instant) -> Instant {
    Instant(microseconds: (now.microseconds / 3_600_000_000 + hours) * 3_600_000_000)
  }

  private mutating func owner() -> [String: AttributeValue] {
    switch random.below(6) {
    case 0: [:]
    case 1: ["owner": .open(.null)]
    case 2: ["owner": .open(["ada", "bob"])]
    default: ["owner": .open(.string(random.pick(Self.identities)))]
    }
  }

  /// The same with an owner, where it begins something.
  private mutating func owned(_ command: Command) -> Command {
    var command = command
    let owner = self.owner()
    func with(_ attributes: [String: AttributeValue]) -> [String: AttributeValue] { attributes.merging(owner) { $1 } }
    switch command.change {
    case .identityRegistered(let id, let kind, let attributes):
      command.change = .identityRegistered(id: id, kind: kind, attributes: with(attributes))
    case .groupCreated(let id, let attributes): command.change = .groupCreated(id: id, attributes: with(attributes))
    case .roleDefined(let id, let document, let attributes):
      command.change = .roleDefined(id: id, document: document, attributes: with(attributes))
    case .policyDefined(let id, let policy, let attributes):
      command.change = .policyDefined(id: id, policy: policy, attributes: with(attributes))
    default: break
    }
    return command
  }

  /// What random commands seldom or never are.
  private mutating func more(at now: Instant) -> Change {
    switch random.below(19) {
    case 0, 1:
      let id = random.pick(Self.accounts)
      let kind: IdentityKind = id.hasPrefix("acc") ? .account : random.pick([.service, .agent, .workload, .account])
      return .identityRegistered(id: id, kind: kind, attributes: owner())
    case 2: return .identityLinked(account: random.pick(Self.accounts), person: random.pick(Universe.identities))
    case 3: return random.chance(1, in: 2) ? .identityUnlinked(account: random.pick(Self.accounts)) : ending()
    case 4: return .policyDefined(id: "apart\(random.below(2))", policy: apart(), attributes: owner())
    case 5: return random.chance(1, in: 3) ? .policyRetired(id: "apart\(random.below(2))") : powers()
    case 6: return .policyDefined(id: "windows\(random.below(3))", policy: windows(), attributes: [:])
    case 7...10:
      grants += 1
      let grant = Grant(
        principal: random.chance(1, in: 2) ? .identity(random.pick(Self.identities)) : .group(random.pick(Universe.groups)),
        role: random.pick(Universe.roles), scope: random.pick(Universe.scopes), expiresAt: end(now))
      return .assignmentGranted(id: "a\(grants)", grant: grant)
    case 11, 12:
      let member: Entity =
        random.chance(2, in: 3) ? .identity(random.pick(Self.identities)) : .group(random.pick(Universe.groups))
      return .membershipAdded(group: random.pick(Universe.groups), member: member, expiresAt: end(now))
    case 13, 14: return credential(now)
    case 15, 16:
      let requester = JSONValue.string(random.pick(Self.identities))
      return .findingRaised(
        Finding(rule: "break_glass", subject: .request("broken\(random.below(5))"), evidence: ["requester": requester]))
    default:
      return random.chance(1, in: 2)
        ? .assignmentRevoked(id: "a\(1 + random.below(grants + 1))")
        : .coverageBegan(source: random.pick(Universe.sources), resource: random.pick(Universe.scopes), expiresAt: end(now))
    }
  }

  private mutating func ending() -> Change {
    random.pick([
      .identityRetired(id: random.pick(Self.identities)), .groupDeleted(id: random.pick(Universe.groups)),
      .roleRetired(id: random.pick(Universe.roles)), .identitySuspended(id: random.pick(Self.identities)),
    ])
  }

  private mutating func apart() -> PolicyDocument {
    let roles = Universe.roles.shuffled(using: &random).prefix(2 + random.below(3))
    let rule: JSONValue = [
      "roles": .array(roles.map { .string($0) }), "n": .integer(Int64(2 + random.below(roles.count - 1))), "standing": "record",
    ]
    return PolicyDocument(type: .separationOfDuties, rule: rule)
  }

  private mutating func powers() -> Change {
    let actions: JSONValue = ["actions": .array([.string(random.pick(Universe.actionPatterns))])]
    return .policyDefined(id: "powers", policy: PolicyDocument(type: .privileged, rule: actions), attributes: owner())
  }

  private static let windowed = [
    "expired_unrecorded", "ending_not_observed", "break_glass_unreviewed", "session_from_several_networks",
  ]

  private mutating func windows() -> PolicyDocument {
    let rules = Set([random.pick(Self.windowed)] + random.some(Self.windowed, chance: 1, in: 3)).sorted()
    let scope = random.chance(1, in: 2) ? "*" : random.pick(Universe.scopes)
    let rule: JSONValue = [
      "rules": .array(rules.map { .string($0) }), "days": .integer(Int64(random.below(4))), "scope": .string(scope),
    ]
    return PolicyDocument(type: .findings, rule: rule)
  }

  private mutating func credential(_ now: Instant) -> Change {
    let id = random.pick(Universe.credentials)
    if random.chance(1, in: 5) { return .credentialRevoked(id: id) }
    var document = CredentialDocument(
      kind: random.pick(CredentialKind.allCases), identity: random.pick(Self.identities), expiresAt: end(now))
    if random.chance(2, in: 3) { document.holder = random.pick(Self.identities) }
    if random.chance(2, in: 3) { document.grant = "a\(1 + random.below(grants + 1))" }
    if random.chance(1, in: 2) { document.parent = random.pick(Universe.credentials.filter { $0 != id }) }
    return .credentialIssued(id: id, document, attributes: [:])
  }

  /// Somebody says that an ending was carried out: of one that there was, or of none.
  private mutating func confirmation(at now: Instant, _ events: [Event]) -> Change {
    let endings = NaiveLog(events).endings(at: now, asKnownAt: Int64(events.count)).sorted {
      ($0.value, "\($0.key)") < ($1.value, "\($1.key)")
    }
    let (item, end) = endings.isEmpty ? (GrantName.assignment("a1"), now) : random.pick(endings)
    return .fulfilmentConfirmed(
      of: item,
      FulfilmentConfirmation(
        endedAt: end, claim: random.pick(FulfilmentConfirmation.Claim.allCases), by: "bob", evidence: "not in the list"))
  }
}
