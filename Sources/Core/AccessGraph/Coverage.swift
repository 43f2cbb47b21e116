import Governance
import Memory
import Temporal

extension AccessGraph {
  /// The sources that vouch for exactly this resource at a moment, sorted; empty means that an answer about it is not known.
  public func coverage(of resource: String, from view: Viewpoint) -> [String] {
    coveringSources(of: scopes(covering: resource), Sight(view)).map(id).sorted { $0.precedes($1) }
  }

  /// The same as numbers, from the texts of the scopes that cover the resource.
  ///
  /// O(coverage and gaps of these scopes live at t).
  func coveringSources(of scopes: [Int32], _ sight: Sight) -> [Int32] {
    var covering: [Int32] = []
    var gaps: [Int32] = []
    for scope in scopes {
      forEachLive(resource(scope).coverage, sight) { edge in
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
