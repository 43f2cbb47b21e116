import AccessGraph
import Governance
import JSON
import Temporal

/// `/v1/sources`: the systems that facts come from, with what each vouches for.
extension Endpoint {
  static let sources: [Endpoint] =
    EntityPages(kind: .source, plural: "sources", details: sourceDetails).endpoints
    + [
      Write("source.register", "/v1/sources", status: 201), Write("source.revise", "/v1/sources/{id}/revise"),
      Write("source.retire", "/v1/sources/{id}/retire"),
      Write("coverage.begin", "/v1/sources/{source}/coverage/begin"),
      Write("coverage.end", "/v1/sources/{source}/coverage/end"),
      Write("coverage.report_gap", "/v1/sources/{source}/coverage/gap"),
    ].map(\.endpoint)

  /// The paths that the source vouches for, and those of which it says at the moment that it does not.
  @Sendable private static func sourceDetails(_ entity: Entity, _ world: GraphWorld, _ t: Instant) -> EntityPages.Writing {
    var covered: [String] = []
    var gaps: [String] = []
    for fact in world.facts(about: entity) where world.value(of: fact, at: t) != nil {
      if case .coverage(_, let resource) = fact { covered.append(resource) }
      if case .coverageGap(_, let resource, _) = fact { gaps.append(resource) }
    }
    return { [covered, gaps] writer in
      writer.member("covers", covered.sorted { $0.precedes($1) }.map { .string($0) })
      writer.member("gaps", gaps.sorted { $0.precedes($1) }.map { .string($0) })
    }
  }
}
