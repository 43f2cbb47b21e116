public import Governance
import Memory
import Synchronization

/// The names that a log ever gave, for lists.
extension AccessGraph {
  /// All ids of a kind in byte order, ended ones and ones not yet begun among them; those of published events only.
  ///
  /// Cost: the names that are new since the last call; the first call reads them all.
  public func ids(of kind: EntityKind) -> [String] { nameLists.ids(of: kind, in: self) }
}

/// What was read of a graph's names.
///
/// The log never changes, so what was read stays right.
final class NameLists: Sendable {
  private struct State {
    var ids: [EntityKind: [String]] = [:]
    /// How far nodes and facts were read.
    var nodes = 0
    var facts = 0
    /// Facts without a published entry when they were read: of names that are only referred to, or of a batch under way.
    var waiting: [Int32] = []
    var position: Int64 = -1
  }

  private let state = Mutex(State())

  /// Bytes that the lists take: a string of 16 and, where it is longer, an object of its own.
  var bytes: Int {
    state.withLock { state in state.ids.values.reduce(0) { $0 + $1.capacity * 16 + $1.count * 32 } }
  }

  func ids(of kind: EntityKind, in graph: AccessGraph) -> [String] {
    state.withLock { state in
      if state.position < graph.position { Self.read(graph, into: &state) }
      return state.ids[kind] ?? []
    }
  }

  private static func read(_ graph: AccessGraph, into state: inout State) {
    var candidates = state.waiting
    for node in state.nodes..<graph.nodes.count { candidates.append(graph.nodes[node].existence) }
    for fact in state.facts..<graph.facts.count where graph.facts[fact].key.kind == .assignment {
      candidates.append(Int32(fact))
    }
    (state.nodes, state.facts, state.position) = (graph.nodes.count, graph.facts.count, graph.position)
    state.waiting = candidates.filter { !graph.isPublished($0) }
    var touched: Set<EntityKind> = []
    for fact in candidates where graph.isPublished(fact) {
      let key = graph.facts[fact].key
      let entity = key.kind == .existence ? graph.entity(key.a) : Entity(.assignment, graph.texts[key.a])
      state.ids[entity.kind, default: []].append(entity.id)
      touched.insert(entity.kind)
    }
    for kind in touched { state.ids[kind]?.sort { $0.precedes($1) } }
  }
}

extension AccessGraph {
  /// Whether a published event wrote the fact.
  fileprivate func isPublished(_ fact: Int32) -> Bool {
    var isPublished = false
    forEachEntry(of: fact) { if $0.position <= position { isPublished = true } }
    return isPublished
  }
}

/// The identities of a graph in the byte order of their ids.
///
/// Made when first asked for and then only where more is to be known than it knows, so that the pages of one answer share it.
final class IdentityOrder: Sendable {
  private struct State {
    var sorted: [Int32] = []
    /// Identities of the graph that are in it.
    var covered = 0
    /// The position up to which every identity is in it.
    var position: Int64 = -1
  }

  private let state = Mutex(State())

  /// Bytes that the order takes.
  var bytes: Int { state.withLock { $0.sorted.capacity * MemoryLayout<Int32>.stride } }

  /// The nodes of every identity named up to position k, perhaps of more.
  ///
  /// O(identities log identities) at first; what is new since is sorted and put in its place.
  func nodes(asKnownAt k: Int64, in graph: AccessGraph) -> [Int32] {
    state.withLock { state in
      guard k > state.position else { return state.sorted }
      let unsorted = Array(graph.identityNodes[state.covered...])
      let new = graph.texts.order(of: unsorted.map { graph.nodeTexts[$0] }).map { unsorted[Int($0)] }
      state.sorted = Self.merge(state.sorted, new, graph)
      state.covered = graph.identityNodes.count
      state.position = graph.position
      return state.sorted
    }
  }

  private static func merge(_ old: [Int32], _ new: [Int32], _ graph: AccessGraph) -> [Int32] {
    if old.isEmpty || new.isEmpty { return old.isEmpty ? new : old }
    var merged: [Int32] = []
    merged.reserveCapacity(old.count + new.count)
    var from = 0
    for node in new {
      // Few are new, so places are searched for and what lies between is copied.
      let to = firstPlace(in: from..<old.count) { graph.precedes(node, old[$0]) }
      merged += old[from..<to]
      merged.append(node)
      from = to
    }
    return merged + old[from...]
  }
}

extension AccessGraph {
  func precedes(_ a: Int32, _ b: Int32) -> Bool { texts.precedes(nodeTexts[a], nodeTexts[b]) }
}
