import AccessGraph
import Governance
import JSON
import Temporal

extension UsageStore {
  /// The open attribute that marks a source as delivering usage.
  public static let deliversUsage = "delivers_usage"
}

/// What usage coverage could see, and when.
///
/// A source delivers usage where its open attribute `delivers_usage` is true; it then sees, for the time that its coverage says and
/// outside its gaps, every use of what it covers. Actions that it never tells of it names in `usage_unseen_actions`, a list of
/// patterns: a trail of management events has `s3:GetObject` there. Both are facts of the log like others, and may change.
struct UsageCoverage {
  /// The attribute with the patterns of actions that the source does not tell of.
  static let unseenActions = "usage_unseen_actions"

  private struct Source {
    /// When it delivers.
    var delivers: IntervalSet
    /// What it covers, and when.
    var covered: [(resource: String, during: IntervalSet)] = []
    /// What it does not see for a while.
    var gaps: [(resource: String, during: IntervalSet)] = []
    /// Patterns of actions that it does not tell of, and when that was so.
    var unseen: [(patterns: [Pattern], during: IntervalSet)] = []
  }

  private let sources: [Source]

  /// Reads what the sources say; O(facts about each source).
  init(_ world: some World) {
    sources = world.named(.source).compactMap { id in
      let entity = Entity.source(id)
      let delivers = world.holds(.attribute(entity, name: UsageStore.deliversUsage)).filter { span in
        span.value == .attribute(.open(.bool(true)))
      }
      if delivers.isEmpty { return nil }
      var source = Source(delivers: IntervalSet(delivers.map(\.interval)))
      for span in world.holds(.attribute(entity, name: Self.unseenActions)) {
        guard case .attribute(.open(let value)) = span.value else { continue }
        let texts = value.arrayValue?.compactMap(\.stringValue) ?? [value.stringValue].compactMap { $0 }
        source.unseen.append((texts.map { Pattern($0) }, IntervalSet(span.interval)))
      }
      for fact in world.facts(about: entity) {
        let during = IntervalSet(world.holds(fact).map(\.interval))
        switch fact {
        case .coverage(_, let resource): source.covered.append((resource, during))
        case .coverageGap(_, let resource, _): source.gaps.append((resource, during))
        default: continue
        }
      }
      return source
    }
  }

  /// When some source would have told of every use of an action that the pattern matches, on anything below a path.
  func sees(_ action: Pattern, below path: String) -> IntervalSet {
    sources.reduce(IntervalSet()) { seen, source in
      var during = IntervalSet()
      for (resource, interval) in source.covered where Scope.covers(resource, path) { during = during.union(interval) }
      for (resource, interval) in source.gaps where Scope.isRelated(resource, to: path) {
        during = during.subtracting(interval)
      }
      for (patterns, interval) in source.unseen where patterns.contains(where: { $0.overlaps(action) }) {
        during = during.subtracting(interval)
      }
      return seen.union(during.intersection(source.delivers))
    }
  }
}
