public import Governance
import Temporal

/// Random commands, and logs built from them by the public path: decide, apply, look for breaches.
public enum RandomCommands {
  /// So many random commands, each with how it came, after those that make most of the universe.
  public static func commands(seed: UInt64, count: Int) -> [(command: Command, mode: CommandMode)] {
    var random = SeededGenerator(seed: seed &+ 0x00C0_FFEE)
    let changes = RandomChanges()
    return prelude(&random)
      + (0..<count).map { index in
        // Voidings aim at positions that probably exist by then.
        let change =
          random.chance(1, in: 12)
          ? Change.eventVoided(position: Int64(1 + random.below(index + 3))) : changes.next(&random, after: [])
        let slot = random.chance(1, in: 3) ? nil : Optional(random.below(Universe.slots))
        let effectiveAt = slot.map(Universe.instant)
        let dueAt =
          change.isLoss && random.chance(1, in: 4) ? effectiveAt?.adding(microseconds: -3_600_000_000) : nil
        let command = Command(
          change, expecting: random.pick([.absent, .present, .either]), effectiveAt: effectiveAt, dueAt: dueAt,
          authority: Authority(reason: random.chance(4, in: 5) ? "because" : nil))
        return (command, random.chance(2, in: 3) ? .governed : .observation)
      }
  }

  /// Commands that make most identities, groups and roles, early on.
  private static func prelude(_ random: inout SeededGenerator) -> [(command: Command, mode: CommandMode)] {
    let document = RoleDocument(permissions: [Permission(actions: ["repo.*"])])
    let beginnings: [Change] =
      Universe.identities.map {
        .identityRegistered(id: $0, kind: BuiltIn.isReserved($0) ? .external : .person, attributes: [:])
      }
      + Universe.groups.map { .groupCreated(id: $0, attributes: [:]) }
      + Universe.roles.map { .roleDefined(id: $0, document: document, attributes: [:]) }
    return random.some(beginnings, chance: 4, in: 5).map { change in
      let command = Command(
        change, effectiveAt: Universe.instant(random.below(3)), authority: Authority(reason: "at the start"))
      return (command, .governed)
    }
  }

  /// Each grant gets an id of its own, what is done to one is done to an earlier one, and most get an end, soon after they begin.
  ///
  /// - Parameter grants: how many were made.
  public static func distinct(_ command: Command, _ grants: inout Int, _ random: inout SeededGenerator) -> Command {
    var command = command
    let end = Universe.instant(2 + random.below(Universe.slots))
    let hasEnd = random.chance(2, in: 3)
    let earlier = "a\(1 + random.below(max(1, grants)))"
    switch command.change {
    case .assignmentGranted(_, var grant):
      grants += 1
      if hasEnd { grant.expiresAt = end }
      command.change = .assignmentGranted(id: "a\(grants)", grant: grant)
    case .assignmentExtended(_, let expiresAt):
      command.change = .assignmentExtended(id: earlier, expiresAt: hasEnd ? end : expiresAt)
    case .assignmentRevoked: command.change = .assignmentRevoked(id: earlier)
    case .assignmentExpired: command.change = .assignmentExpired(id: earlier)
    default: break
    }
    return command
  }

  /// What a command came to.
  public enum Outcome: Sendable {
    /// The events that it became, findings among them.
    case accepted([Event])
    case refused(Refusal)
  }

  /// The log that these commands make on the naive world, one batch each, with what each came to.
  public static func run(
    _ commands: [(command: Command, mode: CommandMode)]
  ) -> (events: [Event], outcomes: [Outcome]) {
    var events: [Event] = []
    var outcomes: [Outcome] = []
    for (index, item) in commands.enumerated() {
      let context = context(index, item.mode)
      do {
        let drafts = try decide(item.command, in: context, world: NaiveWorld(events, asKnownAt: Int64(events.count)))
        let facts = voidedFacts(drafts, events)
        let tried = events + make(drafts, after: events.count, context)
        let found = breaches(
          of: drafts.map(\.change), voiding: facts, in: NaiveWorld(tried, asKnownAt: Int64(tried.count)))
        if item.mode == .governed, let breach = found.first(where: \.isRefused) { throw breach.refusal }
        let world = NaiveWorld(tried, asKnownAt: Int64(tried.count))
        let findings = found.compactMap { world.unsaid($0.finding, at: context.recordedAt) }.map {
          Draft(effectiveAt: context.recordedAt, authority: Authority(), change: .findingRaised($0))
        }
        let made = Array(tried[events.count...]) + make(findings, after: tried.count, context)
        events += made
        outcomes.append(.accepted(made))
      } catch let refusal as Refusal {
        outcomes.append(.refused(refusal))
      } catch {
        preconditionFailure("decide throws refusals only")
      }
    }
    return (events, outcomes)
  }

  /// The context of the command at an index: recorded later with each, from the fourth instant of the grid on.
  public static func context(_ index: Int, _ mode: CommandMode) -> DecisionContext {
    let recordedAt = Universe.instant(4).adding(microseconds: Int64(index) * 600_000_000 + 1)
    return DecisionContext(recordedAt: recordedAt, source: index.isMultiple(of: 2) ? "s1" : "s2", mode: mode)
  }

  /// The events that drafts become.
  public static func make(_ drafts: [Draft], after count: Int, _ context: DecisionContext) -> [Event] {
    drafts.enumerated().map { index, draft in
      let position = Int64(count + index) + 1
      return Event(
        position: position, eventID: "e\(position)", effectiveAt: draft.effectiveAt, dueAt: draft.dueAt,
        recordedAt: context.recordedAt, source: context.source,
        basis: context.mode == .governed ? .declared : .observed, authority: draft.authority,
        recordedBy: Recorder(id: "test", authentication: "local"), change: draft.change)
    }
  }

  private static func voidedFacts(_ drafts: [Draft], _ events: [Event]) -> [Fact] {
    drafts.flatMap { draft in
      guard case .eventVoided(let position) = draft.change else { return [Fact]() }
      return events.first { $0.position == position }?.writes.map(\.fact) ?? []
    }
  }
}
