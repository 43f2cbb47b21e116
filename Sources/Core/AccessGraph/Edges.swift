import Memory

/// One stretch of a fact in the list of one of its ends, by the fact's own entries, as known at the last applied position;
/// shorter where an entity at its ends has ended, mostly.
///
/// Each beginning has exactly one in each list that the fact stands in, made with it and empty where it never holds; so a
/// list is in the order of recording. 24 bytes.
struct Edge: BitwiseCopyable {
  /// The first instant.
  let from: Int64
  /// The first instant no longer in it; at or before `from` where it never holds.
  var to: Int64
  /// What lies across: the other node; of an assignment the grant; of a definition the document.
  let other: Int32
  private var tag: UInt32

  /// Entries that a graph can hold: what is left of 32 bits beside four marks; some fifty gigabytes of graph.
  static let maximumEntries = 1 << 28

  init(from: Int64, to: Int64, other: Int32, entry: Int32, isFirst: Bool) {
    precondition(Int(entry) < Self.maximumEntries, "too many entries for one graph")
    self.from = from
    self.to = to
    self.other = other
    tag = UInt32(entry) << 4 | (isFirst ? 4 : 0)
  }

  /// The entry that begins it.
  var entry: Int32 { Int32(bitPattern: tag >> 4) }
  /// Whether its fact stands here for the first time in this list.
  var isFirst: Bool { tag & 4 != 0 }
  /// Whether an ending of its fact ever said when it was due.
  var hasDue: Bool {
    get { tag & 2 != 0 }
    set { tag = newValue ? tag | 2 : tag & ~2 }
  }
  /// Of a membership in its group's list: whether the member is an identity of which nothing has to be looked up.
  ///
  /// It has existed since before the edge begins; no entry ever suspended or linked it, or ended it but where the edge ends.
  var isPlain: Bool {
    get { tag & 8 != 0 }
    set { tag = newValue ? tag | 8 : tag & ~8 }
  }
  /// Whether it is plain and not due.
  var isPlainAndNotDue: Bool { tag & 10 == 8 }
  /// Whether the list's index of time keeps it apart.
  var isStray: Bool {
    get { tag & 1 != 0 }
    set { tag = newValue ? tag | 1 : tag & ~1 }
  }
}

/// What is known of a list of edges beside its elements.
struct ListState: BitwiseCopyable {
  /// The last position that changed an edge of it; who knows less asks the entries.
  var changed: UInt32 = 0
  /// Its index of time; `none` while it is short.
  var index = none
  /// Whether its edges stand in the order of their first instants: those after one that begins later need not be looked at.
  var isInOrder = true
  /// Of which of its edges some may hold at an instant, as long as it has no index.
  var ends = BlockEnds()
}

/// The latest ends of the first edges of a list, by blocks: what has ended before an instant need not be looked at for it.
///
/// Two bytes a block, so that it lies in one cache line with the list's head.
struct BlockEnds: BitwiseCopyable {
  /// Edges of a block: so few that most of the old ones have ended altogether.
  static let edges = 16
  /// Blocks that it knows of: no more are needed where lists are indexed.
  private static let known = 16
  /// Ends are rounded down to some ten hours, of which there are 65,536 from 1970 to 2041; what lies before or after is told
  /// apart no more.
  private static let roundedBits: Int64 = 35

  private var latest = InlineArray<16, UInt16>(repeating: 0)

  private static func rounded(_ t: Int64) -> UInt16 { UInt16(clamping: t >> roundedBits) }

  /// Where the first block begins of which some edges may end after an instant.
  ///
  /// - Parameters:
  ///   - place: where the first block begins that is looked at.
  ///   - count: the number of edges.
  @inline(__always) func firstBlock(from place: Int, endingAfter t: Int64, of count: Int) -> Int? {
    // What is one block is rather read than asked about.
    if count <= Self.edges { return place < count ? place : nil }
    let rounded = Self.rounded(t)
    var place = place
    while place < count {
      let block = place / Self.edges
      if block >= Self.known || latest[block] >= rounded { return place }
      place += Self.edges
    }
    return nil
  }

  /// Takes in an edge that was added to its list.
  mutating func add(_ place: Int32, to end: Int64) {
    let block = Int(place) / Self.edges
    if block >= Self.known { return }
    let end = Self.rounded(end)
    latest[block] = Int(place) % Self.edges == 0 ? end : max(latest[block], end)
  }

  /// Takes in that the end of an edge moved.
  mutating func move(_ place: Int32, from old: Int64, to new: Int64, in view: ListView<Edge>) {
    let block = Int(place) / Self.edges
    if block >= Self.known { return }
    latest[block] = max(latest[block], Self.rounded(new))
    guard new < old, latest[block] == Self.rounded(old) else { return }
    let first = block * Self.edges
    let end = (first..<min(first + Self.edges, view.count)).reduce(Int64.min) { max($0, view[$1].to) }
    latest[block] = Self.rounded(end)
  }
}

/// Lists of edges.
extension AccessGraph {
  /// The list, made where there is none yet.
  func ensured(_ list: inout Int32) -> Int32 {
    if list == none { list = edges.make(ListState()) }
    return list
  }

  /// Adds an edge to a list and returns its place.
  func append(_ edge: Edge, to list: Int32, _ change: ListChange) -> Int32 {
    let place = edges.append(edge, to: list)
    if place > 0, edge.from < edges[list, place - 1].from { edges[note: list].isInOrder = false }
    edges[note: list].changed = UInt32(change.position)
    let index = edges[note: list].index
    if index != none {
      timeIndexes[Int(index)].add(place, in: list, of: self, change)
      return place
    }
    edges[note: list].ends.add(place, to: edge.to)
    if Int(place) + 1 >= indexLimits.edges {
      edges[note: list].index = Int32(timeIndexes.count)
      timeIndexes.append(TimeIndex(of: list, in: self))
    }
    return place
  }

  /// Moves the end of an edge.
  func setEnd(_ to: Int64, of place: Int32, in list: Int32, _ change: ListChange) {
    let old = edges[list, place].to
    edges[list, place].to = to
    edges[note: list].changed = UInt32(change.position)
    let index = edges[note: list].index
    if index == none {
      edges[note: list].ends.move(place, from: old, to: to, in: edges.view(list))
    } else {
      timeIndexes[Int(index)].move(place, from: old, to: to, in: list, of: self, change)
    }
  }

  /// Takes back the last edge of a list.
  func removeLast(of list: Int32) {
    let place = Int32(edges.count(of: list)) - 1
    edges.removeLast(of: list)
    let index = edges[note: list].index
    if index != none { timeIndexes[Int(index)].remove(place, in: list, of: self) }
  }

  /// Calls back with each edge whose fact holds at (t, k) by its own entries, each once.
  ///
  /// At the head's k O(log changes + edges live at t); an earlier k adds what changed in this list since.
  ///
  /// - Parameter expecting: called before them with about how many there are, rather too many, where that is known. The default
  ///   ignores it.
  @inline(__always) func forEachLive(
    _ list: Int32, _ sight: Sight, expecting: (Int) -> Void = { _ in }, _ body: (Edge) -> Void
  ) {
    if list == none { return }
    let state = edges[note: list]
    guard Int64(state.changed) <= sight.k else { return forEachLiveEarlier(list, state, sight, body) }
    let view = edges.view(list)
    guard state.index == none else {
      return timeIndexes[Int(state.index)].forEachLive(at: sight.t, in: view, expecting: expecting, body)
    }
    expecting(view.count)
    var block = state.ends.firstBlock(from: 0, endingAfter: sight.t, of: view.count)
    while let first = block {
      let next = state.ends.firstBlock(from: first + BlockEnds.edges, endingAfter: sight.t, of: view.count)
      // The next lies elsewhere; by the time that this one is read it has come.
      if let next { view.prefetch(next) }
      for place in first..<min(first + BlockEnds.edges, view.count) {
        let edge = view[place]
        if edge.from > sight.t {
          if state.isInOrder { return }
        } else if sight.t < edge.to {
          body(edge)
        }
      }
      block = next
    }
  }

  /// The same where k knows less than the edges do: facts that changed since are looked up in their entries.
  @inline(never) private func forEachLiveEarlier(
    _ list: Int32, _ state: ListState, _ sight: Sight, _ body: (Edge) -> Void
  ) {
    let view = edges.view(list)
    guard state.index != none else {
      for place in 0..<view.count where view[place].isFirst {
        if let edge = edge(of: entries[view[place].entry].fact, in: view, sight) { body(edge) }
      }
      return
    }
    let index = timeIndexes[Int(state.index)]
    let changed = index.facts(changedAfter: sight.k)
    index.forEachLive(at: sight.t, in: view) { edge in
      if !changed.contains(entries[edge.entry].fact) { body(edge) }
    }
    for fact in changed {
      if let edge = edge(of: fact, in: view, sight) { body(edge) }
    }
  }

  /// The edge, in this list, of the beginning whose stretch the fact is in at (t, k).
  private func edge(of fact: Int32, in view: ListView<Edge>, _ sight: Sight) -> Edge? {
    guard let holding = ownHolding(fact, sight) else { return nil }
    let places = entries[holding.beginning].places
    for place in [places.a, places.b, places.c] where place != none && Int(place) < view.count {
      guard view[Int(place)].entry == holding.beginning else { continue }
      var edge = view[Int(place)]
      // By its own entries it may hold longer than by its end, which an ended member has shortened: so the member is looked at.
      edge.isPlain = false
      return edge
    }
    return nil
  }

  /// The edges that hold at (t, k) by their own entries.
  func live(_ list: Int32, _ sight: Sight) -> [Edge] {
    var found: [Edge] = []
    forEachLive(list, sight) { found.append($0) }
    return found
  }

  /// The facts of a list, each once, in the order of recording, whatever they say at any time.
  func facts(in list: Int32) -> [Int32] {
    if list == none { return [] }
    let view = edges.view(list)
    return (0..<view.count).compactMap { view[$0].isFirst ? entries[view[$0].entry].fact : nil }
  }
}

/// What changes a list: the position, and the instant it takes effect at.
struct ListChange {
  let position: Int64
  let effective: Int64
}
