import AccessGraph
import Governance
import Synchronization

/// The ids of everything that a tenant's log ever named, by kind, in byte order: what lists are made of.
///
/// Read off the graph's events, and only the new ones each time. The log never changes, so what was read stays right.
final class Catalogue: Sendable {
  private struct State {
    var scanned: Int64 = 0
    var known: Set<Entity> = []
    var ids: [EntityKind: [String]] = [:]
  }

  private let state = Mutex(State())

  /// All ids of a kind, ended ones and ones not yet begun among them.
  ///
  /// Cost: the events published since the last call; the first call reads them all.
  func ids(of kind: EntityKind, in graph: AccessGraph) -> [String] {
    state.withLock { state in
      Self.scan(graph, into: &state)
      return state.ids[kind] ?? []
    }
  }

  private static func scan(_ graph: AccessGraph, into state: inout State) {
    guard state.scanned < graph.position else { return }
    let world = graph.world(asKnownAt: graph.position)
    var touched: Set<EntityKind> = []
    for position in (state.scanned + 1)...graph.position {
      for fact in world.event(at: position)?.facts ?? [] {
        guard let entity = fact.listed, state.known.insert(entity).inserted else { continue }
        state.ids[entity.kind, default: []].append(entity.id)
        touched.insert(entity.kind)
      }
    }
    for kind in touched { state.ids[kind]?.sort { $0.precedes($1) } }
    state.scanned = graph.position
  }
}

extension Fact {
  /// The entity that the fact brings into lists.
  fileprivate var listed: Entity? {
    switch self {
    case .existence(let entity): entity
    case .assignment(let id): Entity(.assignment, id)
    case .attribute, .suspension, .link, .membership, .coverage, .coverageGap: nil
    }
  }
}
