import Governance
import Temporal

extension Organisation {
  /// The founding, step by step; made lazily, so that a large organisation takes no more memory than its places.
  struct Founding {
    /// Commands of one batch: large as the first commits of a configuration are.
    private static let batchCommands = 500

    private enum Step {
      case source, roles, people, turnover, teams, members, turnoverMembers, everybody, grants, probes, done
    }
    private var step = Step.source
    private var index = 0
    /// Events told while founding.
    private(set) var events = 0
    private var openTeam = 1
    private var probe = 0
    var isDone: Bool { step == .done }

    /// The next batch; nil once the organisation is founded.
    mutating func next(_ organisation: inout Organisation) -> [Command]? {
      var commands: [Command] = []
      while commands.count < Self.batchCommands, step != .done { advance(&organisation, &commands) }
      events += commands.count
      return commands.isEmpty ? nil : commands
    }

    private mutating func advance(_ organisation: inout Organisation, _ commands: inout [Command]) {
      typealias Names = OrganisationNames
      let steady = OrganisationPlan.steady(organisation.plan.identities)
      func tell(_ change: Change) {
        commands.append(Command(change, authority: Names.authority(index)))
      }
      defer { index += 1 }
      switch step {
      case .source:
        tell(.sourceRegistered(id: Names.source, attributes: [:]))
        tell(.coverageBegan(source: Names.source, resource: Names.root, expiresAt: nil))
        tell(.roleDefined(id: Names.probeRole, document: Self.probeDocument, attributes: [:]))
        step = .roles
        index = -1
      case .roles:
        tell(.roleDefined(id: Names.role(index), document: Names.document(index), attributes: [:]))
        if index + 1 == Names.roles { begin(.people) }
      case .people:
        let kind: IdentityKind = index % 20 == 19 ? .service : .person
        tell(.identityRegistered(id: Names.person(index), kind: kind, attributes: [:]))
        if index + 1 == steady { begin(organisation.generations.isEmpty ? .teams : .turnover) }
      case .turnover:
        tell(.identityRegistered(id: Names.person(index, generation: 0), kind: .person, attributes: [:]))
        if index + 1 == organisation.generations.count { begin(.teams) }
      case .teams:
        tell(.groupCreated(id: Names.team(index), attributes: [:]))
        if let parent = organisation.parent(of: index) {
          tell(.membershipAdded(group: Names.team(parent), member: .group(Names.team(index)), expiresAt: nil))
        }
        if index + 1 == organisation.teams { begin(.members) }
      case .members:
        while Int(organisation.placesOfTeam[openTeam + 1]) <= index { openTeam += 1 }
        tell(.membershipAdded(group: Names.team(openTeam), member: organisation.member(index), expiresAt: nil))
        if index + 1 == organisation.places.count { begin(organisation.generations.isEmpty ? .everybody : .turnoverMembers) }
      case .turnoverMembers:
        for team in organisation.teams(ofPlace: index) {
          let person = Entity.identity(Names.person(index, generation: 0))
          tell(.membershipAdded(group: Names.team(team), member: person, expiresAt: nil))
        }
        if index + 1 == organisation.generations.count { begin(.everybody) }
      case .everybody:
        if Double(index % 100) < OrganisationPlan.everybodyShare * 100 {
          tell(.membershipAdded(group: Names.everybody, member: .identity(Names.person(index)), expiresAt: nil))
        }
        if index + 1 == steady { begin(.grants) }
      case .grants:
        commands.append(organisation.grant())
        if index + 1 == Int(Double(organisation.plan.identities) * OrganisationPlan.assignmentsPerIdentity) {
          begin(organisation.plan.probes.isEmpty ? .done : .probes)
        }
      case .probes:
        let size = organisation.plan.probes[probe]
        Self.tellProbe(size, index, steady, &commands)
        guard index >= size else { break }
        probe += 1
        begin(probe == organisation.plan.probes.count ? .done : .probes)
      case .done: break
      }
    }

    private mutating func begin(_ step: Step) {
      self.step = step
      index = -1
    }

    private static let probeDocument = RoleDocument(permissions: [Permission(actions: [OrganisationNames.probeAction])])

    /// One step of a group of a known size, in nested parts, with a grant of its own: first the groups, then a member a step.
    private static func tellProbe(_ size: Int, _ step: Int, _ steady: Int, _ commands: inout [Command]) {
      typealias Names = OrganisationNames
      let authority = Names.authority(size)
      func tell(_ change: Change) { commands.append(Command(change, authority: authority)) }
      if step > 0 {
        // Spread over all who stay; each once.
        let person = Entity.identity(Names.person((step - 1) * (steady / size)))
        let part = Names.probePart(size, step % OrganisationPlan.probeParts)
        return tell(.membershipAdded(group: part, member: person, expiresAt: nil))
      }
      tell(.groupCreated(id: Names.probeGroup(size), attributes: [:]))
      for part in 0..<OrganisationPlan.probeParts {
        tell(.groupCreated(id: Names.probePart(size, part), attributes: [:]))
        let member = Entity.group(Names.probePart(size, part))
        tell(.membershipAdded(group: Names.probeGroup(size), member: member, expiresAt: nil))
      }
      let grant = Grant(principal: .group(Names.probeGroup(size)), role: Names.probeRole, scope: Names.probeScope(size))
      tell(.assignmentGranted(id: "probe-grant-\(size)", grant: grant))
    }
  }

  /// The team that a team is nested in, chosen once, when it is founded.
  mutating func parent(of team: Int) -> Int? {
    // Everybody, and the working groups, stand alone.
    guard (2..<lastingTeams).contains(team), random.happens(OrganisationPlan.nestedShare) else { return nil }
    let isDeep = random.happens(OrganisationPlan.deepShare)
    let first = 1 + random.below(team - 1)
    // The nearest one of the depth that is wanted, looked for not far.
    let candidates = (0..<64).map { 1 + (first - 1 + $0) % (team - 1) }
    guard let parent = candidates.first(where: { depths[$0] == (isDeep ? 1 : 0) }) else { return nil }
    depths[team] = depths[parent] + 1
    return parent
  }

  func member(_ place: Int) -> Entity { .identity(OrganisationNames.person(Int(places[place]))) }

  /// The teams of whoever has a turnover identity's place, the same for every generation.
  func teams(ofPlace place: Int) -> [Int] {
    let hash = StoryRandomness.mix(plan.seed &+ UInt64(place) &* 0x9E37_79B9)
    let range = lastingTeams - 1
    let count = min(OrganisationPlan.turnoverTeams, range)
    return [0] + (0..<count).map { 1 + Int((hash >> UInt64($0 * 8)) % UInt64(range - count + 1)) + $0 }.uniqued
  }

  /// A new grant that stands until it is revoked.
  mutating func grant() -> Command {
    let isDirect = random.happens(OrganisationPlan.directShare)
    let steady = OrganisationPlan.steady(plan.identities)
    let principal = isDirect ? random.below(steady) : 1 + random.below(lastingTeams - 1)
    let standing = StandingGrant(
      id: Int32(grantsMade), principal: Int32(principal), isDirect: isDirect, role: Int16(randomRole()),
      scope: Int32(random.below(max(1, Int(Double(plan.identities) * OrganisationPlan.scopesPerIdentity)))))
    grants.append(standing)
    grantsMade += 1
    return command(standing, until: nil)
  }

  mutating func randomRole() -> Int {
    var weight = random.below(OrganisationPlan.levelWeights.reduce(0, +))
    var level = 0
    while weight >= OrganisationPlan.levelWeights[level] {
      weight -= OrganisationPlan.levelWeights[level]
      level += 1
    }
    return random.below(OrganisationNames.systems.count) * OrganisationNames.levels.count + level
  }

  func command(_ standing: StandingGrant, until expiresAt: Instant?) -> Command {
    let number = Int(standing.principal)
    let principal: Entity =
      standing.isDirect ? .identity(OrganisationNames.person(number)) : .group(OrganisationNames.team(number))
    let grant = Grant(
      principal: principal, role: OrganisationNames.role(Int(standing.role)),
      scope: OrganisationNames.scope(Int(standing.scope)), expiresAt: expiresAt)
    return Command(
      .assignmentGranted(id: OrganisationNames.grant(Int(standing.id)), grant: grant),
      authority: OrganisationNames.authority(Int(standing.id)))
  }
}

extension [Int] {
  /// Without repetitions, in order.
  fileprivate var uniqued: [Int] {
    var seen: Set<Int> = []
    return filter { seen.insert($0).inserted }
  }
}
