import Governance
import Temporal

/// Retirements by other imports that a history read since contradicts.
///
/// An import retires whom no source holds. A history that is imported later may say that its own source held them at that
/// very time: the retirement then should not have been recorded, and is voided with that reason, so that the facts of this
/// source go on. Only retirements that connectors concluded are voided, never one that a caller commanded.
enum ContradictedRetirements {
  /// The positions of retirements that cut short what the source says of an identity, ascending.
  ///
  /// O(facts of the source).
  static func positions(contradictedBy source: String, in world: some World) -> [Int64] {
    var positions: Set<Int64> = []
    for fact in world.facts(from: source) {
      switch fact {
      case .membership, .assignment: positions.formUnion(cuts(of: fact, source, in: world))
      default: continue
      }
    }
    return positions.sorted()
  }

  private static func cuts(of fact: Fact, _ source: String, in world: some World) -> Set<Int64> {
    var positions: Set<Int64> = []
    for span in Span.spans(of: world.entries(of: fact)) where span.source.isExactly(source) {
      for end in fact.ends(span.value) where end.kind == .identity {
        guard let until = world.existence(of: end, at: span.begun)?.until,
          span.to.map({ until.effective < $0 }) ?? true,
          let ending = world.entries(of: .existence(end)).first(where: { $0.moment == until }),
          ending.source.hasPrefix(PeribolosImport.sourcePrefix), !ending.source.isExactly(source)
        else { continue }
        positions.insert(until.position)
      }
    }
    return positions
  }
}
