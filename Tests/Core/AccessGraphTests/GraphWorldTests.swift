import AccessGraph
import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// What the graph tells `decide` and the rules, against the naive world.
@Suite struct GraphWorldTests {
  @Test func `entries, facts and events are those of the naive world`() {
    for seed in UInt64(0)..<150 {
      let events = RandomHistory.events(seed: seed)
      let graph = AccessGraph()
      for event in events { graph.apply(event) }
      graph.publish()
      for k in [Int64(events.count), Int64(events.count / 2)] {
        let (naive, fast) = (NaiveWorld(events, asKnownAt: k), graph.world(asKnownAt: k))
        let problems = differences(naive, fast, events) + factDifferences(naive, fast, isHead: k == Int64(events.count))
        if problems.isEmpty { continue }
        Issue.record("seed \(seed) as known at \(k): \(problems.joined(separator: "\n"))")
        return
      }
    }
  }

  private func differences(_ naive: NaiveWorld, _ fast: GraphWorld, _ events: [Event]) -> [String] {
    let facts = naive.everyFact.filter { fast.entries(of: $0) != naive.entries(of: $0) }.map { "the entries of \($0)" }
    let positions = (0...Int64(events.count) + 1).filter { fast.event(at: $0) != naive.event(at: $0) }
    let ids = Universe.assignments.filter { fast.hasUsed(assignment: $0) != naive.hasUsed(assignment: $0) }
    let ends =
      (Universe.identities.flatMap { [CredentialEnd.identity($0), .holder($0)] }
      + Universe.assignments.map { .grant($0) } + Universe.credentials.map { .parent($0) })
      .filter { fast.credentials(of: $0) != naive.credentials(of: $0) }
    // Below the head the graph may also name approvals above it: who asks looks at the request as it is known.
    let isHead = fast.position == Int64(events.count)
    func isNamed(_ expected: [String], _ found: [String]) -> Bool {
      let (expected, found) = (Set(expected.map { Entity.request($0) }), Set(found.map { Entity.request($0) }))
      return isHead ? expected == found : expected.isSubset(of: found)
    }
    let approvers = (Universe.identities + ["nobody"]).filter {
      !isNamed(naive.requests(approvedBy: $0), fast.requests(approvedBy: $0))
    }
    let isComplete = isNamed(naive.requestApprovers, fast.requestApprovers)
    return (isComplete ? [] : ["those who approve"]) + approvers.map { "what \($0) approved" } + facts
      + positions.map { "the event at \($0)" } + ids.map { "the use of \($0)" }
      + ends.map { "the credentials of \($0)" }
  }

  @Test(arguments: UInt64(0)..<150)
  func `random commands come to the same on the graph, one after another`(_ seed: UInt64) {
    let commands = RandomCommands.commands(seed: seed, count: 60)
    let (events, outcomes) = RandomCommands.run(commands)
    let graph = AccessGraph()
    for (index, item) in commands.enumerated() {
      let outcome = decided(item, RandomCommands.context(index, item.mode), on: graph)
      guard text(outcome) == text(outcomes[index]) else {
        Issue.record("seed \(seed) command \(index): \(text(outcome)) instead of \(text(outcomes[index]))")
        return
      }
      if case .accepted(let made) = outcomes[index] {
        for event in made { graph.apply(event) }
        graph.publish()
      }
    }
    #expect(graph.position == Int64(events.count))
  }

  /// Decides on the graph as the appender does: apply tentatively, look for breaches; then everything is taken back.
  private func decided(
    _ item: (command: Command, mode: CommandMode), _ context: DecisionContext, on graph: AccessGraph
  ) -> RandomCommands.Outcome {
    defer { graph.undo() }
    do {
      let drafts = try decide(item.command, in: context, world: graph.world(asKnownAt: graph.appliedPosition))
      let made = RandomCommands.make(drafts, after: Int(graph.position), context)
      for event in made { graph.apply(event) }
      let world = graph.world(asKnownAt: graph.appliedPosition)
      let voided = drafts.flatMap { draft in
        guard case .eventVoided(let position) = draft.change else { return [Fact]() }
        return world.event(at: position)?.facts ?? []
      }
      let found = breaches(of: drafts.map(\.change), voiding: voided, in: world)
      if item.mode == .governed, let breach = found.first(where: \.isRefused) { throw breach.refusal }
      let findings = found.compactMap { world.unsaid($0.finding, at: context.recordedAt) }.map {
        Draft(effectiveAt: context.recordedAt, authority: Authority(), change: .findingRaised($0))
      }
      return .accepted(made + RandomCommands.make(findings, after: Int(graph.appliedPosition), context))
    } catch let refusal as Refusal {
      return .refused(refusal)
    } catch {
      preconditionFailure("decide throws refusals only")
    }
  }

  /// An outcome but for what may differ: the order in which facts ahead are ended, and which cycle is named of several.
  private func text(_ outcome: RandomCommands.Outcome) -> String {
    switch outcome {
    case .accepted(let events):
      events.map { event in
        let when = "\(event.effectiveAt) due \(event.dueAt?.description ?? "-") "
        if case .findingRaised(let finding) = event.change { return when + "\(finding.rule) \(finding.subject)" }
        return when + "\(event.change.type) \(event.change.data.canonicalText)"
      }.sorted().joined(separator: "; ")
    case .refused(let refusal):
      "\(refusal.code) \([.cycle, .separationOfDuties].contains(refusal.code) ? refusal.pointer : refusal.description)"
    }
  }

  /// At the head the same facts; below it the graph may also name some that are about the entity only above k.
  private func factDifferences(_ naive: NaiveWorld, _ fast: GraphWorld, isHead: Bool) -> [String] {
    func differences(_ expected: [Fact], _ facts: [Fact], _ what: String) -> [String] {
      let (expected, found) = (begun(expected, naive), begun(facts, naive))
      var problems = expected.subtracting(found).map { "\($0) is missing among the facts \(what)" }
      if isHead { problems += found.subtracting(expected).map { "\($0) is too much among the facts \(what)" } }
      if Set(facts).count != facts.count { problems.append("repetitions among the facts \(what): \(facts)") }
      return problems
    }
    let entities =
      Universe.identities.map { Entity.identity($0) } + Universe.groups.map { .group($0) } + Universe.roles.map { .role($0) }
      + Universe.sources.map { .source($0) }
    var problems: [String] = []
    for entity in entities {
      problems += differences(naive.facts(about: entity), fast.facts(about: entity), "about \(entity)")
      problems += differences(naive.attributes(of: entity), fast.attributes(of: entity), "that describe \(entity)")
      problems += differences(naive.links(to: entity), fast.links(to: entity), "that link to \(entity)")
      problems += differences(naive.grants(of: entity), fast.grants(of: entity), "granted to \(entity)")
    }
    for group in Universe.groups {
      problems += differences(naive.memberships(in: group), fast.memberships(in: group), "that group:\(group) gave")
    }
    for source in Universe.sources {
      problems += differences(naive.facts(from: source), fast.facts(from: source), "from \(source)")
    }
    return problems
  }

  /// The facts that some visible entry begins; one that was only ever ended has no ends of its own.
  private func begun(_ facts: [Fact], _ world: NaiveWorld) -> Set<Fact> {
    Set(
      facts.filter { fact in
        world.entries(of: fact).contains { entry in
          if case .begins = entry.effect { return true }
          return false
        }
      })
  }
}
