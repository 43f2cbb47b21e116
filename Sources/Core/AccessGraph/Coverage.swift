import Governance
import Memory
import Temporal

extension AccessGraph {
  /// The sources that vouch for exactly this resource at a moment, sorted; empty means that an answer about it is not known.
  public func coverage(of resource: String, from view: Viewpoint) -> [String] {
    coveringSources(of: resource, Sight(view)).map(id).sorted { $0.precedes($1) }
  }

  /// The same as numbers.
  ///
  /// O(coverage and gaps ever written of this path and those above it).
  func coveringSources(of resource: String, _ sight: Sight) -> [Int32] {
    var covering: [Int32] = []
    var gaps: [Int32] = []
    for path in Scope.covering(resource) {
      guard let text = texts.find(path), let record = resources[text], record.coverage != none else { continue }
      forEachLive(record.coverage, sight) { edge in
        guard existed(edge.other, since: edge, sight) else { return }
        switch facts[entries[edge.entry].fact].key.kind {
        case .gap: gaps.append(edge.other)
        default: if !covering.contains(edge.other) { covering.append(edge.other) }
        }
      }
    }
    return gaps.isEmpty ? covering : covering.filter { !gaps.contains($0) }
  }
}
