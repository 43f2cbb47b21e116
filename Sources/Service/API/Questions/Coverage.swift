import AccessGraph
import Governance
import Temporal

/// Which sources vouch for what was asked about: what lies outside coverage is not known, which is never "no access".
public struct Coverage: Hashable, Sendable {
  /// The sources that vouch for the resource at any time asked about, or for anything where no resource was asked about.
  public var sources: [String]
  /// Whether at every instant asked about some source vouches for the resource, or for the whole tenant where none was named.
  public var isComplete: Bool
  /// Why it is not complete; nil exactly where it is.
  public var reason: String?

  /// A coverage.
  public init(sources: [String], isComplete: Bool, reason: String?) {
    self.sources = sources
    self.isComplete = isComplete
    self.reason = reason
  }
}

/// Works out coverage at one k.
struct CoverageSurvey {
  let graph: AccessGraph
  let asKnownAt: Int64
  /// Every source that was ever named.
  let sources: [String]

  func coverage(of resource: String?, at instant: Instant) -> Coverage { coverage(of: resource, at: [instant]) }

  /// Coverage changes only where a coverage or a gap begins or ends, so those instants and the first one tell of all.
  func coverage(of resource: String?, during stretch: Interval) -> Coverage {
    let ends = spans.flatMap { span in [span.from] + (span.to.map { [$0] } ?? []) }.filter(stretch.contains)
    return coverage(of: resource, at: [stretch.from] + Set(ends).sorted())
  }

  private func coverage(of resource: String?, at instants: [Instant]) -> Coverage {
    var found: Set<String> = []
    var uncovered: Instant?
    for instant in instants {
      let vouching = graph.coverage(of: resource ?? "*", from: Viewpoint(at: instant, asKnownAt: asKnownAt))
      if vouching.isEmpty, uncovered == nil { uncovered = instant }
      found.formUnion(resource == nil ? anythingCovered(at: instant) : vouching)
    }
    let what = resource ?? "the whole tenant"
    return Coverage(
      sources: found.sorted { $0.precedes($1) }, isComplete: uncovered == nil,
      reason: uncovered.map { "no source vouches for \(what) at \($0)" })
  }

  private func anythingCovered(at instant: Instant) -> [String] {
    let world = graph.world(asKnownAt: asKnownAt)
    return sources.filter { source in
      coverageFacts(of: source).contains { fact in
        guard case .coverage = fact else { return false }
        return world.value(of: fact, at: instant) != nil
      }
    }
  }

  private var spans: [Span] {
    let world = graph.world(asKnownAt: asKnownAt)
    return sources.flatMap { coverageFacts(of: $0).flatMap { world.holds($0) } }
  }

  private func coverageFacts(of source: String) -> [Fact] {
    graph.world(asKnownAt: asKnownAt).facts(about: .source(source)).filter { fact in
      switch fact {
      case .coverage, .coverageGap: true
      default: false
      }
    }
  }
}
