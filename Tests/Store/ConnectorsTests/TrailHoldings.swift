import Governance
import Temporal

/// All that holds at a moment, without the ids that imports make up.
struct TrailHoldings: Equatable {
  private(set) var facts: Set<String> = []

  /// - Parameter world: where only connectors of trails have written.
  init(_ world: some World, at t: Instant, accounts: [String] = ["123837392027", "111122223333"]) {
    for fact in accounts.flatMap({ world.facts(from: "cloudtrail:\($0)") }) {
      guard let span = world.value(of: fact, at: t) else { continue }
      switch (fact, span.value) {
      case (.assignment, .grant(let grant)): facts.insert("\(grant)")
      case (.existence(let entity), .credential(let document)):
        facts.insert("\(entity) \(document.kind) \(document.identity) \(document.holder ?? "")")
      case (.attribute, _), (.coverage, _), (.coverageGap, _): continue
      default: facts.insert("\(fact) \(span.value)")
      }
    }
  }

  /// What the one has and the other has not.
  func difference(from other: TrailHoldings) -> String {
    "only here: \(facts.subtracting(other.facts).sorted()); only there: \(other.facts.subtracting(facts).sorted())"
  }
}
