import Governance
import JSON
import Temporal

/// One batch of a generated history.
struct OrganisationBatch {
  /// Its number, from 0.
  var number: Int
  /// When it is recorded in the story; strictly increasing.
  var recordedAt: Instant
  /// Each command makes exactly one event.
  var commands: [Command]
}

/// A generated organisation, told batch by batch: first it is founded, then it changes at constant size.
///
/// Deterministic. Memory is that of the live organisation, about forty bytes an identity, whatever the number of events.
struct Organisation {
  let plan: OrganisationPlan
  var random: StoryRandomness
  /// Positions told so far.
  private(set) var position = 0
  private var batches = 0
  private var recordedAt = OrganisationPlan.began
  private var founding: Founding

  /// Members of the teams by place: a team's places lie together, and a place always has a member.
  var places: [Int32] = []
  /// Where a team's places begin; one more than there are teams.
  var placesOfTeam: [Int32] = [0]
  /// When a place was last taken, in minutes of the story: a change learnt late must not come before the one before it.
  var taken: [Int32] = []
  /// How deep a team is nested.
  var depths: [UInt8] = []
  /// The grants that hold until they are revoked.
  var grants: [StandingGrant] = []
  var grantsMade = 0
  /// How often each place of a turnover identity was taken.
  var generations: [Int32]
  /// The last grant that ended by itself, and where it stands; voidings take it back.
  var lastTemporary: (id: String, position: Int)?

  /// A grant by its numbers.
  struct StandingGrant {
    var id: Int32
    var principal: Int32
    var isDirect: Bool
    var role: Int16
    var scope: Int32
  }

  init(_ plan: OrganisationPlan) {
    self.plan = plan
    random = StoryRandomness(seed: plan.seed)
    generations = Array(repeating: 0, count: plan.identities - OrganisationPlan.steady(plan.identities))
    founding = Founding()
    let steady = OrganisationPlan.steady(plan.identities)
    let groups = max(2, Int(Double(plan.identities) * OrganisationPlan.groupsPerIdentity))
    placesOfTeam.reserveCapacity(groups + 1)
    // The teams' sizes, team 0 being everybody; together as many places as there are memberships to give out.
    for team in 0..<groups {
      let size = team == 0 ? 0 : min(random.size(OrganisationPlan.sizeQuantiles), steady / 2)
      for _ in 0..<max(size, team == 0 ? 0 : 1) { places.append(Int32(random.below(steady))) }
      placesOfTeam.append(Int32(places.count))
    }
    taken = Array(repeating: 0, count: places.count)
    depths = Array(repeating: 0, count: groups)
    for team in 1..<groups { removeDoubles(team, steady) }
  }

  /// A team has a member once.
  private mutating func removeDoubles(_ team: Int, _ steady: Int) {
    let range = Int(placesOfTeam[team])..<Int(placesOfTeam[team + 1])
    for place in range {
      while places[range.lowerBound..<place].contains(places[place]) { places[place] = (places[place] + 1) % Int32(steady) }
    }
  }

  var teams: Int { placesOfTeam.count - 1 }
  /// Teams that are never disbanded, of which the first is everybody.
  var lastingTeams: Int { max(2, teams - Int(Double(teams) * OrganisationPlan.workingGroupShare)) }

  /// The next batch; nil once the plan's events are told.
  mutating func next() -> OrganisationBatch? {
    guard position < plan.events else { return nil }
    var commands: [Command] = []
    var founding = founding
    if let founded = founding.next(&self) {
      commands = founded
      recordedAt = max(recordedAt.next, foundingInstant)
    } else {
      let size = random.size(OrganisationPlan.batchQuantiles)
      recordedAt = max(recordedAt.next, churnInstant)
      while commands.count < size { turn(&commands) }
    }
    commands.removeLast(max(0, commands.count - (plan.events - position)))
    self.founding = founding
    for index in commands.indices where commands[index].effectiveAt == nil { commands[index].effectiveAt = recordedAt }
    position += commands.count
    defer { batches += 1 }
    return OrganisationBatch(number: batches, recordedAt: recordedAt, commands: commands)
  }

  /// The moment in the story: the founding fills its day.
  private var foundingInstant: Instant {
    // Seven events an identity are more than the founding takes.
    let step = OrganisationPlan.foundingMicroseconds / Int64(plan.identities * 7)
    return OrganisationPlan.began.adding(microseconds: step * Int64(position))
  }

  /// The moment in the story: the changes are spread evenly over the rest.
  private var churnInstant: Instant {
    let start = OrganisationPlan.began.adding(microseconds: OrganisationPlan.foundingMicroseconds)
    let founded = founding.events
    let whole = Double(start.distance(to: OrganisationPlan.ended))
    let share = Double(position - founded) / Double(max(1, plan.events - founded))
    return start.adding(microseconds: Int64(whole * share))
  }

  /// Whether everything is founded, and how many events that took so far.
  var isFounded: Bool { founding.isDone }
  var foundedEvents: Int { founding.events }

  /// The position that the next command of a batch will have.
  func nextPosition(_ commands: [Command]) -> Int { position + commands.count + 1 }

  /// The present moment in the story.
  var now: Instant { recordedAt }

  /// Minutes of the story that have passed.
  var minutes: Int32 { Int32(OrganisationPlan.began.distance(to: recordedAt) / 60_000_000) }
}
