import Memory

/// From when on lists of edges are indexed by time, and how finely.
public struct IndexLimits: Sendable {
  /// Edges from which a list carries an index; fewer are looked through in less time than a search takes, for they lie in a row
  /// and an index lies here and there.
  public var edges = 256
  /// Changes between two checkpoints at the least: so many edges are looked at in no time.
  public var changes = 16
  /// Strays that are kept before an index is built anew, beside one in sixteen edges: every question looks at all of them.
  public var strays = 8

  /// The limits that serve; tests take smaller ones, so that small histories have indexes too.
  public init(edges: Int = 256, changes: Int = 16, strays: Int = 8) {
    self.edges = edges
    self.changes = changes
    self.strays = strays
  }
}

/// Finds the edges of one list that are live at t without looking at all that ever were: checkpoints of the live set.
///
/// `order` holds the edges by their first instant. A checkpoint holds the edges live at its instant; between two of them at
/// most half as many changes lie as edges are live, so a question looks at little that does not hold, and all checkpoints
/// together take some ten bytes a change. What does not fit the order (backdated, dated ahead, lengthened after a checkpoint
/// left it out) is kept apart as a stray; when strays are many, the index is built anew, so a change costs O(1) over time.
final class TimeIndex {
  private let limits: IndexLimits
  private struct Checkpoint {
    let t: Int64
    /// How much of `order` lies before it.
    let ordered: Int
    /// Where its live edges stand in `live`.
    let first: Int
    let count: Int
  }

  private var order: [Int32] = []
  private var checkpoints: [Checkpoint] = []
  private var live: [Int32] = []
  private var strays: [Int32] = []
  /// Changes since the last checkpoint.
  private var changes = 0
  /// Which fact of the list changed at which position, in the order of recording.
  private var log: [(position: UInt32, fact: Int32)] = []

  /// Indexes a list from its edges and their facts' entries.
  init(of list: Int32, in graph: AccessGraph) {
    limits = graph.indexLimits
    let view = graph.edges.view(list)
    for place in 0..<view.count where view[place].isFirst {
      let fact = graph.entries[view[place].entry].fact
      func note(_ entry: EntryRecord) {
        log.append((UInt32(entry.position), fact))
        if entry.voided != never { log.append((UInt32(entry.voided), fact)) }
      }
      graph.forEachEntry(of: fact) { entry in
        note(entry)
        guard entry.effect == .begins else { return }
        // The endings of the entities at its ends moved its end too.
        for end in graph.ends(of: fact, value: entry.value) {
          graph.forEachEntry(of: graph.nodes[end].existence) { if $0.effect == .ends { note($0) } }
        }
      }
    }
    log.sort { $0.position < $1.position }
    build(list, graph)
  }

  /// Bytes that it takes.
  var bytes: Int {
    (order.capacity + live.capacity + strays.capacity) * 4 + log.capacity * 8
      + checkpoints.capacity * MemoryLayout<Checkpoint>.stride
  }

  // MARK: Asking

  /// Calls back with each edge that is live at t, each once.
  ///
  /// - Parameter expecting: called before them with about how many there are, rather too many. The default ignores it.
  @inline(__always) func forEachLive(
    at t: Int64, in view: ListView<Edge>, expecting: (Int) -> Void = { _ in }, _ body: (Edge) -> Void
  ) {
    for place in strays {
      let edge = view[Int(place)]
      if edge.from <= t, t < edge.to { body(edge) }
    }
    let next = firstCheckpoint(after: t)
    let end = next < checkpoints.count ? checkpoints[next].ordered : order.count
    var start = 0
    if next > 0 {
      let checkpoint = checkpoints[next - 1]
      start = checkpoint.ordered
      expecting(checkpoint.count + end - start)
      let live = live
      let last = checkpoint.first + checkpoint.count
      for index in checkpoint.first..<last {
        // They lie as far apart as there were changes between them.
        if index + Self.ahead < last { view.prefetch(Int(live[index + Self.ahead])) }
        let edge = view[Int(live[index])]
        if t < edge.to, !edge.isStray { body(edge) }
      }
    }
    let order = order
    for index in start..<end {
      let edge = view[Int(order[index])]
      if edge.from > t { break }
      if t < edge.to, !edge.isStray { body(edge) }
    }
  }

  /// How many edges ahead memory is asked for: it takes about as long to come as to look at so many.
  private static let ahead = 8

  private func firstCheckpoint(after t: Int64) -> Int {
    firstPlace(in: 0..<checkpoints.count) { checkpoints[$0].t > t }
  }

  /// The facts of the list that changed after a position.
  func facts(changedAfter k: Int64) -> Set<Int32> {
    var facts: Set<Int32> = []
    for change in log.reversed() {
      if Int64(change.position) <= k { break }
      facts.insert(change.fact)
    }
    return facts
  }

  // MARK: Following changes

  /// Takes in the edge that was just added to the list.
  func add(_ place: Int32, in list: Int32, of graph: AccessGraph, _ change: ListChange) {
    let edge = graph.edges[list, place]
    log.append((UInt32(change.position), graph.entries[edge.entry].fact))
    let isInOrder = edge.from >= lastInstant(list, graph) && edge.from <= graph.horizon
    if isInOrder { order.append(place) } else { keepApart(place, list, graph) }
    count(list, graph, change)
  }

  /// Takes in that the end of an edge moved.
  func move(_ place: Int32, from old: Int64, to new: Int64, in list: Int32, of graph: AccessGraph, _ change: ListChange) {
    log.append((UInt32(change.position), graph.entries[graph.edges[list, place].entry].fact))
    if new > old, let last = checkpoints.last, old <= last.t { keepApart(place, list, graph) }
    count(list, graph, change)
  }

  /// Takes back the edge that was last in the list and is gone from it.
  func remove(_ place: Int32, in list: Int32, of graph: AccessGraph) {
    if let stray = strays.lastIndex(of: place) { strays.remove(at: stray) }
    if order.last == place {
      order.removeLast()
      while let last = checkpoints.last, last.ordered > order.count {
        checkpoints.removeLast()
        live.removeLast(live.count - last.first)
      }
    } else if order.contains(place) {
      build(list, graph)
    }
  }

  private func lastInstant(_ list: Int32, _ graph: AccessGraph) -> Int64 {
    max(order.last.map { graph.edges[list, $0].from } ?? .min, checkpoints.last?.t ?? .min)
  }

  private func keepApart(_ place: Int32, _ list: Int32, _ graph: AccessGraph) {
    if graph.edges[list, place].isStray { return }
    graph.edges[list, place].isStray = true
    strays.append(place)
  }

  private func count(_ list: Int32, _ graph: AccessGraph, _ change: ListChange) {
    changes += 1
    if strays.count > limits.strays + order.count / 16 { return build(list, graph) }
    guard changes >= max(limits.changes, (checkpoints.last?.count ?? 0) / 2) else { return }
    let last = lastInstant(list, graph)
    let t = change.effective > last && change.effective <= graph.horizon ? change.effective : last
    if t > checkpoints.last?.t ?? .min { addCheckpoint(at: t, ordered: order.count, graph.edges.view(list)) }
  }

  /// Adds a checkpoint at an instant that no edge before it in the order begins after.
  private func addCheckpoint(at t: Int64, ordered: Int, _ view: ListView<Edge>) {
    let first = live.count
    func isLive(_ place: Int32) -> Bool {
      let edge = view[Int(place)]
      return t < edge.to && !edge.isStray
    }
    if let last = checkpoints.last {
      for index in last.first..<(last.first + last.count) where isLive(live[index]) { live.append(live[index]) }
    }
    for index in (checkpoints.last?.ordered ?? 0)..<ordered where isLive(order[index]) { live.append(order[index]) }
    checkpoints.append(Checkpoint(t: t, ordered: ordered, first: first, count: live.count - first))
    changes = 0
  }

  /// Builds order and checkpoints anew from all edges.
  ///
  /// O(n log n).
  private func build(_ list: Int32, _ graph: AccessGraph) {
    let view = graph.edges.view(list)
    order.removeAll(keepingCapacity: true)
    checkpoints.removeAll(keepingCapacity: true)
    live.removeAll(keepingCapacity: true)
    strays.removeAll(keepingCapacity: true)
    changes = 0
    var ends: [Int64] = []
    for place in 0..<Int32(view.count) {
      let edge = view[Int(place)]
      let isAhead = edge.from > graph.horizon
      graph.edges[list, place].isStray = isAhead
      if isAhead { strays.append(place) } else { order.append(place) }
      if edge.from < edge.to, edge.to <= graph.horizon { ends.append(edge.to) }
    }
    order.sort { (view[Int($0)].from, $0) < (view[Int($1)].from, $1) }
    ends.sort()
    var ended = 0
    for (index, place) in order.enumerated() {
      let from = view[Int(place)].from
      // Before an edge that begins later: everything up to the instant of the last change stands in the order.
      passEnds(before: from, ends, &ended, ordered: index, view)
      changes += 1
      let isLastOfInstant = index + 1 == order.count || view[Int(order[index + 1])].from > from
      if isLastOfInstant { addCheckpointIfDue(at: from, ordered: index + 1, view) }
    }
    passEnds(before: graph.horizon, ends, &ended, ordered: order.count, view)
  }

  private func passEnds(before t: Int64, _ ends: [Int64], _ ended: inout Int, ordered: Int, _ view: ListView<Edge>) {
    while ended < ends.count, ends[ended] < t {
      changes += 1
      addCheckpointIfDue(at: ends[ended], ordered: ordered, view)
      ended += 1
    }
  }

  private func addCheckpointIfDue(at t: Int64, ordered: Int, _ view: ListView<Edge>) {
    guard changes >= max(limits.changes, (checkpoints.last?.count ?? 0) / 2), t > checkpoints.last?.t ?? .min else { return }
    addCheckpoint(at: t, ordered: ordered, view)
  }
}
