import Governance
import Temporal

extension AccessGraph {
  /// The sources that vouch for exactly this resource at a moment, sorted; empty means that an answer about it is not known.
  public func coverage(of resource: String, from view: Viewpoint) -> [String] {
    let sight = Sight(view)
    return sourceNodes.compactMap { source -> String? in
      var isCovered = false
      for fact in nodes[Int(source)].details where holding(fact, sight) != nil {
        let key = facts[Int(fact)].key
        switch key.kind {
        case .coverage: if Scope.covers(texts[key.b], resource) { isCovered = true }
        case .gap: if Scope.covers(texts[gaps[Int(key.b)].resource], resource) { return nil }
        default: continue
        }
      }
      return isCovered ? nodes[Int(source)].entity.id : nil
    }.sorted { $0.precedes($1) }
  }
}
