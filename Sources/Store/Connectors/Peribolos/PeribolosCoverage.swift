import Governance
import Temporal

/// What the source vouches for: each organisation while its group exists, as far as the history was read.
enum PeribolosCoverage {
  /// The commands that lead from the coverage that is recorded to the one that is true.
  ///
  /// - Parameters:
  ///   - organisations: those of the last valid commit.
  ///   - end: the last instant that was read.
  ///   - commit: the commit of that instant, named as the reason.
  static func commands(
    of source: String, organisations: [String], through end: Instant, commit: String, in world: some World
  ) -> [Command] {
    let authority = Authority(reason: "history read to commit \(commit)")
    var commands: [Command] = []
    for organisation in Set(organisations).union(recorded(by: source, in: world)).sorted(by: { $0.precedes($1) }) {
      let resource = OrganisationUnit.scope(of: organisation)
      let group = Fact.existence(.group("github:\(organisation)"))
      let present = IntervalSet(
        Existence.stretches(of: world.entries(of: group)).compactMap { stretch in
          Interval(exactly: stretch.since.effective, to: stretch.until?.effective)
        })
      let spans = world.holds(.coverage(source: source, resource: resource))
      let covered = IntervalSet(spans.map { Interval(from: $0.from, to: $0.to) })
      // What was read once stays read, also where this copy of the history ends earlier.
      for excess in covered.subtracting(present).intervals {
        let change = Change.coverageEnded(source: source, resource: resource)
        commands.append(Command(change, effectiveAt: excess.from, authority: authority))
      }
      let read = present.intersection(Interval(from: .earliest, to: end.next))
      for missing in read.subtracting(covered).intervals {
        let change = Change.coverageBegan(source: source, resource: resource, expiresAt: missing.to)
        commands.append(Command(change, effectiveAt: missing.from, authority: authority))
      }
    }
    return commands
  }

  /// The organisations whose group the source ever wrote; a team's group has a slash in its id.
  private static func recorded(by source: String, in world: some World) -> [String] {
    world.facts(from: source).compactMap { fact in
      guard case .existence(let entity) = fact, entity.kind == .group, entity.id.hasPrefix("github:") else { return nil }
      let name = entity.id.dropFirst("github:".count)
      return name.utf8.contains(UInt8(ascii: "/")) ? nil : String(name)
    }
  }
}
