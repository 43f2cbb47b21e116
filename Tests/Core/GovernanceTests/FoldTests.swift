import Governance
import Temporal
import TestSupport
import Testing

/// The fold by entries and stretches, which `decide` and the graph use, against the naive one.
@Suite struct FoldTests {
  @Test(arguments: UInt64(0)..<250)
  func `a fact holds at an instant exactly if it does in the naive fold`(_ seed: UInt64) {
    let events = RandomHistory.events(seed: seed)
    let log = NaiveLog(events)
    for k in [Int64(events.count), Int64(events.count / 2)] {
      let world = NaiveWorld(events, asKnownAt: k)
      for t in log.turningPoints(asKnownAt: k) {
        let state = log.state(at: t, asKnownAt: k)
        for fact in world.everyFact {
          let held = world.value(of: fact, at: t)
          let expected = state.beginning(of: fact)
          #expect(held?.begun.position == expected?.position, "seed \(seed) k \(k) t \(t) \(fact)")
          #expect(held?.expiresAt == expected?.expiresAt, "seed \(seed) k \(k) t \(t) \(fact)")
        }
      }
    }
  }

  @Test func `governed commands never bring about a cycle, at any instant`() {
    var refusals = 0
    for seed in UInt64(0)..<250 {
      let commands = RandomCommands.commands(seed: seed, count: 90).map {
        (command: $0.command, mode: CommandMode.governed)
      }
      let (events, outcomes) = RandomCommands.run(commands)
      for case .refused(let refusal) in outcomes where refusal.code == .cycle && refusal.message.contains("→") {
        refusals += 1
      }
      let log = NaiveLog(events)
      for t in log.turningPoints(asKnownAt: Int64(events.count)) {
        let state = log.state(at: t, asKnownAt: Int64(events.count))
        guard state.hasGroupCycle || state.hasRoleCycle else { continue }
        Issue.record("seed \(seed) at \(t)\n\(RandomHistory.describe(events))")
        return
      }
    }
    #expect(refusals > 0, "the random commands must try to bring about cycles")
  }

  @Test func `observed cycles are recorded, each with a finding`() {
    var found: Set<String> = []
    for seed in UInt64(0)..<60 {
      let commands = RandomCommands.commands(seed: seed, count: 90).map {
        (command: $0.command, mode: CommandMode.observation)
      }
      let (events, _) = RandomCommands.run(commands)
      let rules = Set(
        events.compactMap { event -> String? in
          guard case .findingRaised(let finding) = event.change else { return nil }
          return finding.rule
        })
      let log = NaiveLog(events)
      let states = log.turningPoints(asKnownAt: Int64(events.count)).map { log.state(at: $0, asKnownAt: Int64(events.count)) }
      if states.contains(where: \.hasGroupCycle) {
        #expect(rules.contains("membership_cycle"), "seed \(seed)")
        found.insert("membership_cycle")
      }
      if states.contains(where: \.hasRoleCycle) {
        #expect(rules.contains("role_cycle"), "seed \(seed)")
        found.insert("role_cycle")
      }
    }
    #expect(found == ["membership_cycle", "role_cycle"], "the random commands must bring about cycles")
  }
}
