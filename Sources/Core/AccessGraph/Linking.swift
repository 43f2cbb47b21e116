import Governance
import Memory
import Temporal

/// Entries into their facts, and what they come to: the ends of edges, the summaries of nodes.
extension AccessGraph {
  /// Enters one write of an event.
  func insert(_ write: Write, _ source: Int32, due: Int64?, _ change: ListChange) {
    let fact = number(of: write.fact)
    var expires: Instant?
    var value = none
    let effect: EntryEffect
    switch write.effect {
    case .begins(let written, let expiresAt):
      effect = .begins
      expires = expiresAt
      value = intern(written)
    case .extends(let expiresAt):
      effect = .extends
      expires = expiresAt
    case .ends: effect = .ends
    }
    insert(effect, value, of: fact, expires: expires?.microseconds ?? never, source, due: due, change)
  }

  /// Enters one entry: at the end of storage, at its place in its fact, and in the lists of the fact's ends.
  ///
  /// O(1) where it comes last in the fold, O(entries of the fact) otherwise.
  func insert(
    _ effect: EntryEffect, _ value: Int32, of fact: Int32, expires: Int64, _ source: Int32, due: Int64?, _ change: ListChange
  ) {
    let entry = EntryRecord(
      effective: change.effective, position: change.position, expires: expires, value: value, source: source, fact: fact,
      effect: effect, hasDue: due != nil)
    let index = Int32(entries.count)
    let isNew = facts[fact].first == none
    let isLast = link(entry, index)
    if let due { note(due, of: index, fact, effect) }
    noteSource(source, of: fact)
    if effect == .begins { makeEdges(index, to: expires, change) } else if isNew { makeEmptyEdges(index, change) }
    if isLast { follow(index, change) } else { settle(fact, change) }
  }

  /// Puts an entry at its place in its fact's list; answers whether that is the end.
  private func link(_ entry: EntryRecord, _ index: Int32) -> Bool {
    var entry = entry
    let last = facts[entry.fact].last
    let isLast = last == none || entries[last].precedes(entry)
    if isLast {
      if last == none { facts[entry.fact].first = index } else { entries[last].next = index }
      facts[entry.fact].last = index
    } else {
      var before = none
      var after = facts[entry.fact].first
      while after != none, entries[after].precedes(entry) {
        before = after
        after = entries[after].next
      }
      entry.next = after
      if before == none { facts[entry.fact].first = index } else { entries[before].next = index }
    }
    entries.append(entry)
    return isLast
  }

  private func unlink(_ index: Int32) {
    let entry = entries[index]
    var before = none
    var here = facts[entry.fact].first
    while here != index {
      before = here
      here = entries[here].next
    }
    if before == none { facts[entry.fact].first = entry.next } else { entries[before].next = entry.next }
    if facts[entry.fact].last == index { facts[entry.fact].last = before }
  }

  private func note(_ due: Int64, of index: Int32, _ fact: Int32, _ effect: EntryEffect) {
    dues[index] = due
    let key = facts[fact].key
    if key.kind == .existence || key.kind == .suspension {
      nodes[key.a].hasDue = true
      noteEventful(key.a)
    }
    guard effect == .ends else { return }
    facts[fact].hasDue = true
    forEachEntryIndex(of: fact) { beginning in
      forEachEdge(of: beginning) { list, place in edges[list, place].hasDue = true }
    }
  }

  private func noteSource(_ source: Int32, of fact: Int32) {
    if facts[fact].source == source { return }
    if facts[fact].source == none {
      facts[fact].source = source
    } else if !furtherSources.insert(FactSource(fact: fact, source: source)).inserted {
      return
    }
    let list = factsBySource[source] ?? factLists.make()
    factsBySource[source] = list
    factLists.append(fact, to: list)
  }

  /// Takes back the last entry of storage.
  func takeBackLastEntry(to target: Int64) {
    let index = Int32(entries.count) - 1
    let entry = entries[index]
    unlink(index)
    if entry.hasDue { dues[index] = nil }
    var touched: [Int32] = []
    forEachEdge(of: index) { list, _ in touched.append(list) }
    for list in touched { removeLast(of: list) }
    entries.removeLast()
    let change = ListChange(position: target, effective: .min)
    settle(entry.fact, change)
    if entry.effect == .ends { restoreEdges(afterEndOf: entry.fact, change) }
    // What was changed and taken back has not changed: readers of the head need not look it up.
    for list in touched { edges[note: list].changed = min(edges[note: list].changed, UInt32(target)) }
  }
}

/// What entries come to.
extension AccessGraph {
  /// Lets the last entry of a fact take its effect.
  private func follow(_ index: Int32, _ change: ListChange) {
    let entry = entries[index]
    let key = facts[entry.fact].key
    if key.kind == .existence {
      summarise(entry, of: key.a)
      if entry.effect == .ends { endEdges(of: key.a, by: entry, change) }
    }
    if key.kind == .suspension { noteSuspension(of: key.a, change) }
    let open = facts[entry.fact].open
    switch entry.effect {
    case .begins:
      if open != none { close(open, at: entry.effective, change) }
      facts[entry.fact].open = index
    case .ends:
      if open != none { close(open, at: entry.effective, change) }
      facts[entry.fact].open = none
    case .extends:
      forEachEdge(of: open) { list, place in
        if entry.effective < edges[list, place].to { setEnd(entry.expires, of: place, in: list, change) }
      }
    }
  }

  private func close(_ beginning: Int32, at end: Int64, _ change: ListChange) {
    forEachEdge(of: beginning) { list, place in
      let to = min(edges[list, place].to, end)
      // Said again though nothing moves: the list changed, and a reader who knows less may have to see this edge still.
      setEnd(to, of: place, in: list, change)
    }
  }

  /// Works out what all entries of a fact come to, for entries that do not come last and for voidings.
  ///
  /// O(entries of the fact).
  ///
  /// - Parameter isItsOwn: whether the change is one of its own entries, and not of an entity at its ends.
  func settle(_ fact: Int32, _ change: ListChange, isItsOwn: Bool = true) {
    let key = facts[fact].key
    if key.kind == .existence {
      summarise(key.a, change)
      noteEventful(key.a)
    }
    if key.kind == .suspension { noteSuspension(of: key.a, change) }
    var open = none
    var to = never
    func setEnds(of beginning: Int32, _ to: Int64) {
      forEachEdge(of: beginning) { list, place in
        if isItsOwn || edges[list, place].to != to { setEnd(to, of: place, in: list, change) }
        // It may now last longer than an ended member.
        if key.kind == .membership, !nodes[key.b].isUneventful { edges[list, place].isPlain = false }
      }
    }
    func end(at end: Int64) {
      if open != none { setEnds(of: open, min(to, end)) }
    }
    forEachEntryIndex(of: fact) { index in
      let entry = entries[index]
      if entry.voided != never {
        if entry.effect == .begins { setEnds(of: index, entry.effective) }
        return
      }
      switch entry.effect {
      case .begins:
        end(at: entry.effective)
        (open, to) = (index, entry.expires)
      case .ends:
        end(at: entry.effective)
        open = none
      case .extends: if open != none, entry.effective < to { to = entry.expires }
      }
    }
    end(at: never)
    facts[fact].open = open
  }

  private func noteSuspension(of node: Int32, _ change: ListChange) {
    nodes[node].hasSuspension = true
    noteEventful(node)
    nodes[node].changed = UInt32(change.position)
  }

  /// The memberships of a node are no longer plain: from now on the node itself has to be looked at.
  ///
  /// O(memberships of the node).
  ///
  /// - Parameter first: those only that begin after it in the fold; nil for all.
  private func noteEventful(_ node: Int32, from first: EntryRecord? = nil) {
    let groups = nodes[node].groups
    if groups == none { return }
    for place in 0..<Int32(edges.count(of: groups)) {
      let edge = edges[groups, place]
      let beginning = entries[edge.entry]
      if let first, beginning.precedes(first) { continue }
      edges[nodes[edge.other].members, beginning.places.a].isPlain = false
    }
  }

  /// Takes the last entry of an existence into the node's summary.
  private func summarise(_ entry: EntryRecord, of number: Int32) {
    var node = nodes[number]
    node.changed = UInt32(entry.position)
    let isThere = node.since != never && node.until == never
    switch entry.effect {
    case .begins where node.since == never:
      node.since = entry.effective
      node.sincePosition = UInt32(entry.position)
    case .begins: if !isThere { node.isPlain = false }
    case .ends: if isThere { node.until = entry.effective }
    case .extends: break
    }
    nodes[number] = node
  }

  /// Works the summary of a node out anew.
  private func summarise(_ number: Int32, _ change: ListChange) {
    nodes[number].since = never
    nodes[number].until = never
    nodes[number].isPlain = true
    forEachEntry(of: nodes[number].existence) { entry in
      if entry.voided == never { summarise(entry, of: number) }
    }
    nodes[number].changed = UInt32(change.position)
  }
}

/// What holds no longer because an entity has ended.
///
/// Whoever reads an edge looks at the entities at its ends too; that these end it as well spares him the edges of all who ever
/// left. So an edge that is not ended here is no mistake, and one that is ended here must be restored when the ending goes.
extension AccessGraph {
  /// Ends the edges that live when the last entry of an entity's existence ends it.
  ///
  /// O(edges that live then + memberships of the entity).
  private func endEdges(of node: Int32, by end: EntryRecord, _ change: ListChange) {
    for list in lists(of: node) {
      for edge in live(list, Sight(t: end.effective, k: .max)) where entries[edge.entry].precedes(end) {
        close(edge.entry, at: end.effective, change)
      }
    }
    // What ends so may stay plain; what only begins afterwards may not.
    noteEventful(node, from: end)
  }

  /// Gives the edges of an entity their own ends back after an ending of it was taken back or voided.
  ///
  /// O(entries of its facts).
  func restoreEdges(afterEndOf existence: Int32, _ change: ListChange) {
    let key = facts[existence].key
    guard key.kind == .existence else { return }
    for list in lists(of: key.a) {
      for fact in facts(in: list) { settle(fact, change, isItsOwn: false) }
    }
  }

  /// The lists of the facts that hold only while an entity exists.
  private func lists(of node: Int32) -> [Int32] {
    let node = nodes[node]
    let members = node.kind == .group ? node.members : none
    return [members, node.groups, node.assignments, node.grants, node.links, node.accounts].filter { $0 != none }
  }
}

/// The edges of entries.
extension AccessGraph {
  /// Makes the edges of a beginning, one in each list that its fact stands in.
  private func makeEdges(_ index: Int32, to: Int64, _ change: ListChange) {
    let entry = entries[index]
    let key = facts[entry.fact].key
    var places = EntryRecord.Places()
    switch key.kind {
    case .membership:
      places.a = put(index, to, other: key.b, in: ensured(&nodes[key.a].members), change)
      places.b = put(index, to, other: key.a, in: ensured(&nodes[key.b].groups), change)
      edges[nodes[key.a].members, places.a].isPlain = isPlain(entry, memberOf: key)
    case .link:
      places.a = put(index, to, other: entry.value, in: ensured(&nodes[key.a].links), change)
      noteEventful(key.a)
      places.b = put(index, to, other: key.a, in: ensured(&nodes[entry.value].accounts), change)
    case .assignment:
      let grant = grants[entry.value]
      places.a = put(index, to, other: entry.value, in: ensured(&nodes[grant.principal].assignments), change)
      places.b = put(index, to, other: entry.value, in: ensured(&nodes[grant.role].grants), change)
      let onScope = ensured(&resources[resourceNumber(grant.scope)].assignments)
      places.c = put(index, to, other: entry.value, in: onScope, change)
    case .coverage, .gap:
      places.a = put(index, to, other: key.a, in: coverageList(of: key), change)
    case .existence where nodes[key.a].kind == .role || nodes[key.a].kind == .policy:
      places.a = put(index, to, other: entry.value, in: ensured(&nodes[key.a].members), change)
      if nodes[key.a].kind == .role { noteIncluder(key.a, of: roles[Int(entry.value)].includes) }
    case .existence where nodes[key.a].kind == .identity:
      if entry.value == IdentityKind.externalNumber { externalNodes.insert(key.a) }
      return
    case .existence where nodes[key.a].kind == .credential: return noteEnds(of: key.a, credentials[entry.value])
    case .existence where nodes[key.a].kind == .request: return noteApprovals(of: key.a, requests[Int(entry.value)])
    case .existence, .attribute, .suspension, .acceptance, .reviewItem: return
    }
    entries[index].places = places
  }

  /// A fact whose first entry is no beginning stands in the lists of its ends all the same, by an edge that never holds.
  private func makeEmptyEdges(_ index: Int32, _ change: ListChange) {
    let entry = entries[index]
    let key = facts[entry.fact].key
    var places = EntryRecord.Places()
    switch key.kind {
    case .membership:
      places.a = put(index, entry.effective, other: key.b, in: ensured(&nodes[key.a].members), change)
      places.b = put(index, entry.effective, other: key.a, in: ensured(&nodes[key.b].groups), change)
    case .link:
      places.a = put(index, entry.effective, other: key.a, in: ensured(&nodes[key.a].links), change)
      noteEventful(key.a)
    case .coverage, .gap:
      places.a = put(index, entry.effective, other: key.a, in: coverageList(of: key), change)
    case .existence, .attribute, .suspension, .acceptance, .assignment, .reviewItem: return
    }
    entries[index].places = places
  }

  private func isPlain(_ entry: EntryRecord, memberOf key: FactKey) -> Bool {
    let member = nodes[key.b]
    guard member.isUneventful else { return false }
    return FlatMoment(effective: member.since, position: Int64(member.sincePosition))
      <= FlatMoment(effective: entry.effective, position: entry.position)
  }

  private func put(_ index: Int32, _ to: Int64, other: Int32, in list: Int32, _ change: ListChange) -> Int32 {
    let entry = entries[index]
    let fact = facts[entry.fact]
    var edge = Edge(
      from: entry.effective, to: to, other: other, entry: index, isFirst: isFirst(index, of: fact, in: list))
    edge.hasDue = fact.hasDue
    return append(edge, to: list, change)
  }

  /// Whether no other entry of the fact has an edge in the list.
  private func isFirst(_ index: Int32, of fact: FactRecord, in list: Int32) -> Bool {
    if fact.first == index, fact.last == index { return true }
    switch fact.key.kind {
    case .membership, .coverage, .gap, .attribute, .suspension, .acceptance, .reviewItem: return false
    case .existence: return edges.count(of: list) == 0
    case .link, .assignment: break
    }
    var other = fact.first
    while other != none {
      var isListed = false
      if other != index { forEachEdge(of: other) { otherList, _ in isListed = isListed || otherList == list } }
      if isListed { return false }
      other = entries[other].next
    }
    return true
  }

  private func coverageList(of key: FactKey) -> Int32 {
    let resource = key.kind == .gap ? gaps[Int(key.b)].resource : key.b
    return ensured(&resources[resourceNumber(resource)].coverage)
  }

  /// Calls back with list and place of each edge of an entry; of `none` nothing.
  @inline(__always) func forEachEdge(of index: Int32, _ body: (_ list: Int32, _ place: Int32) -> Void) {
    if index == none { return }
    let entry = entries[index]
    let places = entry.places
    if places.a == none { return }
    let key = facts[entry.fact].key
    switch key.kind {
    case .membership:
      body(nodes[key.a].members, places.a)
      if places.b != none { body(nodes[key.b].groups, places.b) }
    case .link:
      body(nodes[key.a].links, places.a)
      if places.b != none { body(nodes[entry.value].accounts, places.b) }
    case .assignment:
      let grant = grants[entry.value]
      body(nodes[grant.principal].assignments, places.a)
      body(nodes[grant.role].grants, places.b)
      body(resource(grant.scope).assignments, places.c)
    case .coverage, .gap: body(coverageList(of: key), places.a)
    case .existence: body(nodes[key.a].members, places.a)
    case .attribute, .suspension, .acceptance, .reviewItem: return
    }
  }

  @inline(__always) func forEachEntryIndex(of fact: Int32, _ body: (Int32) -> Void) {
    var index = facts[fact].first
    while index != none {
      body(index)
      index = entries[index].next
    }
  }

  func forEachEntry(of fact: Int32, _ body: (EntryRecord) -> Void) {
    forEachEntryIndex(of: fact) { body(entries[$0]) }
  }
}
