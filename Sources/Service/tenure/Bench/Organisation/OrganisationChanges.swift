import Governance
import Temporal

/// What changes once the organisation stands: each turn leaves it as large as it was.
extension Organisation {
  /// The kinds of turn with their weights: the first four as counted in the real history, the others chosen.
  private enum Turn: CaseIterable {
    case member, person, grant, group, temporary, role, void

    var weight: Int {
      switch self {
      case .member: 8_205
      case .person: 1_585
      case .grant: 160
      case .group: 60  // each takes a group's whole membership along, so that 371 groups are made by fewer turns
      case .temporary: 500
      case .role: 10
      case .void: 5
      }
    }
  }

  /// Share of changes that are learnt late, and by how much at most.
  private static let backdatedShare = 0.02
  private static let backdatedMicroseconds = 48 * 3_600_000_000
  /// Share of losses that come later than they were due, and by how much at most.
  private static let overdueShare = 0.01
  private static let overdueMicroseconds = 5 * 86_400_000_000
  /// How many grants that end by themselves hold at a time for each identity, at the most.
  ///
  /// They last the shorter the more often they are made, so that the organisation is as large however much it changes: eleven
  /// days at the real one's churn.
  private static let temporaryShare = 0.05
  /// Share of those that are extended.
  private static let extendedShare = 0.1

  private static let weights = Turn.allCases.map(\.weight).reduce(0, +)

  /// Adds the commands of one turn.
  mutating func turn(_ commands: inout [Command]) {
    var weight = random.below(Self.weights)
    for turn in Turn.allCases {
      guard weight >= turn.weight else { return tell(turn, &commands) }
      weight -= turn.weight
    }
  }

  private mutating func tell(_ turn: Turn, _ commands: inout [Command]) {
    switch turn {
    case .member: changeMember(&commands)
    case .person: changePerson(&commands)
    case .grant: changeGrant(&commands)
    case .group: foundAnew(&commands)
    case .temporary: grantForAWhile(&commands)
    case .role:
      let role = random.below(OrganisationNames.roles)
      commands.append(
        Command(
          .roleDefined(id: OrganisationNames.role(role), document: OrganisationNames.document(role), attributes: [:]),
          expecting: .present, authority: OrganisationNames.authority(position)))
    case .void:
      guard let last = lastTemporary else { return grantForAWhile(&commands) }
      lastTemporary = nil
      commands.append(
        Command(.eventVoided(position: Int64(last.position)), authority: OrganisationNames.authority(last.position)))
    }
  }

  /// A member of a team for another.
  private mutating func changeMember(_ commands: inout [Command]) {
    let place = random.below(places.count)
    let team = team(ofPlace: place)
    let range = Int(placesOfTeam[team])..<Int(placesOfTeam[team + 1])
    let steady = OrganisationPlan.steady(plan.identities)
    var next = Int32(random.below(steady))
    while places[range].contains(next) { next = (next + 1) % Int32(steady) }
    let before = member(place)
    places[place] = next
    let mayBeLate = minutes - taken[place] > Int32(Self.backdatedMicroseconds / 60_000_000)
    taken[place] = minutes
    let authority = OrganisationNames.authority(Int(next))
    var removal = Command(
      .membershipRemoved(group: OrganisationNames.team(team), member: before), authority: authority)
    var addition = Command(
      .membershipAdded(group: OrganisationNames.team(team), member: member(place), expiresAt: nil), authority: authority)
    if mayBeLate, random.happens(Self.backdatedShare) {
      let instant = now.adding(microseconds: -Int64(1 + random.below(Self.backdatedMicroseconds)))
      removal.effectiveAt = instant
      addition.effectiveAt = instant
    } else if random.happens(Self.overdueShare) {
      removal.dueAt = now.adding(microseconds: -Int64(1 + random.below(Self.overdueMicroseconds)))
    }
    commands += [removal, addition]
  }

  private func team(ofPlace place: Int) -> Int {
    var (low, high) = (0, teams)
    while low + 1 < high {
      let middle = (low + high) / 2
      if Int(placesOfTeam[middle]) <= place { low = middle } else { high = middle }
    }
    return low
  }

  /// One leaves, and another comes and takes the same place.
  private mutating func changePerson(_ commands: inout [Command]) {
    guard !generations.isEmpty else { return changeMember(&commands) }
    let place = random.below(generations.count)
    let authority = OrganisationNames.authority(place)
    let generation = Int(generations[place])
    generations[place] += 1
    let next = OrganisationNames.person(place, generation: generation + 1)
    commands.append(
      Command(.identityRetired(id: OrganisationNames.person(place, generation: generation)), authority: authority))
    commands.append(Command(.identityRegistered(id: next, kind: .person, attributes: [:]), authority: authority))
    for team in teams(ofPlace: place) {
      let change = Change.membershipAdded(group: OrganisationNames.team(team), member: .identity(next), expiresAt: nil)
      commands.append(Command(change, authority: authority))
    }
  }

  /// A grant for another.
  private mutating func changeGrant(_ commands: inout [Command]) {
    guard !grants.isEmpty else { return }
    let index = random.below(grants.count)
    let ended = grants[index]
    commands.append(
      Command(
        .assignmentRevoked(id: OrganisationNames.grant(Int(ended.id))), authority: OrganisationNames.authority(Int(ended.id))))
    commands.append(grant())
    grants[index] = grants.removeLast()
  }

  /// A working group is disbanded, and founded anew with the same members.
  private mutating func foundAnew(_ commands: inout [Command]) {
    guard lastingTeams < teams else { return changeMember(&commands) }
    let team = lastingTeams + random.below(teams - lastingTeams)
    let authority = OrganisationNames.authority(team)
    let name = OrganisationNames.team(team)
    commands.append(Command(.groupDeleted(id: name), authority: authority))
    commands.append(Command(.groupCreated(id: name, attributes: [:]), authority: authority))
    for place in Int(placesOfTeam[team])..<Int(placesOfTeam[team + 1]) {
      commands.append(Command(.membershipAdded(group: name, member: member(place), expiresAt: nil), authority: authority))
    }
  }

  /// A grant that ends by itself, sometimes extended.
  private mutating func grantForAWhile(_ commands: inout [Command]) {
    let steady = OrganisationPlan.steady(plan.identities)
    let scopes = max(1, Int(Double(plan.identities) * OrganisationPlan.scopesPerIdentity))
    let standing = StandingGrant(
      id: Int32(grantsMade), principal: Int32(random.below(steady)), isDirect: true, role: Int16(randomRole()),
      scope: Int32(random.below(scopes)))
    grantsMade += 1
    let whole = Double(OrganisationPlan.began.distance(to: OrganisationPlan.ended))
    let churn = Double(max(1, plan.events - foundedEvents)) / Double(plan.identities)
    let longest = max(1_000_000, Int(whole * Self.temporaryShare / churn))
    let end = now.adding(microseconds: Int64(1_000_000 + random.below(longest)))
    let id = OrganisationNames.grant(Int(standing.id))
    lastTemporary = (id, nextPosition(commands))
    commands.append(command(standing, until: end))
    guard random.happens(Self.extendedShare) else { return }
    let later = end.adding(microseconds: Int64(random.below(longest)))
    commands.append(
      Command(.assignmentExtended(id: id, expiresAt: later), authority: OrganisationNames.authority(Int(standing.id))))
  }
}
