import Governance
import Memory
import Temporal

/// A (t, k) in flat numbers.
struct Sight {
  let t: Int64
  let k: Int64

  init(_ view: Viewpoint) {
    t = view.at.microseconds
    k = view.asKnownAt
  }

  init(t: Int64, k: Int64) {
    self.t = t
    self.k = k
  }

  /// The instant before, as known at the same position; nil at the beginning of time.
  var before: Sight? { t > Instant.earliest.microseconds ? Sight(t: t - 1, k: k) : nil }
}

/// A place in the fold, flat.
struct FlatMoment: Comparable {
  let effective: Int64
  let position: Int64

  static func < (a: FlatMoment, b: FlatMoment) -> Bool {
    a.effective != b.effective ? a.effective < b.effective : a.position < b.position
  }
}

/// A fact that holds: the entry that gives its present value, the one that began it, the value and its own end.
struct Holding {
  /// The beginning, or the extension that moved its end.
  let entry: Int32
  /// The beginning.
  let beginning: Int32
  let begun: FlatMoment
  let value: Int32
  let expires: Int64
}

/// Entities at (t, k).
extension AccessGraph {
  /// Where in the fold the entity's present, unbroken existence began; nil where it does not exist at (t, k).
  ///
  /// O(1) for one that came once and perhaps went; otherwise O(its registrations and endings up to t).
  @inline(__always) func presence(_ number: Int32, _ sight: Sight) -> FlatMoment? { presence(nodes[number], sight) }

  @inline(__always) func presence(_ node: NodeRecord, _ sight: Sight) -> FlatMoment? {
    guard node.isPlain, Int64(node.changed) <= sight.k else { return presenceByEntries(node.existence, sight) }
    guard node.since <= sight.t, sight.t < node.until else { return nil }
    return FlatMoment(effective: node.since, position: Int64(node.sincePosition))
  }

  @inline(never) private func presenceByEntries(_ existence: Int32, _ sight: Sight) -> FlatMoment? {
    var since: FlatMoment?
    var index = facts[existence].first
    while index != none {
      let entry = entries[index]
      if entry.effective > sight.t { break }
      if entry.isVisible(at: sight.k) {
        switch entry.effect {
        case .begins: since = since ?? FlatMoment(effective: entry.effective, position: entry.position)
        case .ends: since = nil
        case .extends: break
        }
      }
      index = entry.next
    }
    return since
  }

  /// Whether the entity exists at (t, k) without a break since before a place in the fold.
  func existed(_ node: Int32, since moment: FlatMoment, _ sight: Sight) -> Bool {
    presence(node, sight).map { $0 <= moment } ?? false
  }

  /// The same for the place in the fold at which an edge begins.
  @inline(__always) func existed(_ node: Int32, since edge: Edge, _ sight: Sight) -> Bool {
    guard let since = presence(node, sight) else { return false }
    return began(edge, since: since)
  }

  /// Whether an edge begins at or after a place in the fold.
  @inline(__always) func began(_ edge: Edge, since moment: FlatMoment) -> Bool {
    moment.effective != edge.from
      ? moment.effective < edge.from : moment.position <= entries[edge.entry].position
  }

  /// Whether the identity exists at (t, k) and is not suspended.
  @inline(__always) func isActive(_ identity: Int32, _ sight: Sight) -> Bool {
    presence(identity, sight) != nil && (!nodes[identity].hasSuspension || suspension(of: identity, sight) == nil)
  }

  /// The suspension of an identity at (t, k).
  func suspension(of identity: Int32, _ sight: Sight) -> Holding? {
    suspensionFact(of: identity).flatMap { holding($0, sight) }
  }

  func suspensionFact(of identity: Int32) -> Int32? {
    nodes[identity].hasSuspension ? find(FactKey(kind: .suspension, a: identity, b: none)) : nil
  }
}

/// Facts at (t, k).
extension AccessGraph {
  /// The fact at (t, k) by its own entries and by its ends; nil where it does not hold.
  func holding(_ fact: Int32, _ sight: Sight) -> Holding? {
    guard let own = ownHolding(fact, sight) else { return nil }
    for end in ends(of: fact, value: own.value) where !existed(end, since: own.begun, sight) { return nil }
    return own
  }

  func ownHolding(_ fact: Int32, _ sight: Sight) -> Holding? {
    var current: Holding?
    var index = facts[fact].first
    while index != none {
      let entry = entries[index]
      if entry.effective > sight.t { break }
      if entry.isVisible(at: sight.k) {
        switch entry.effect {
        case .begins:
          current = Holding(
            entry: index, beginning: index, begun: FlatMoment(effective: entry.effective, position: entry.position),
            value: entry.value, expires: entry.expires)
        case .extends:
          if let old = current, entry.effective < old.expires {
            current = Holding(
              entry: index, beginning: old.beginning, begun: old.begun, value: old.value, expires: entry.expires)
          }
        case .ends: current = nil
        }
      }
      index = entry.next
    }
    guard let current, sight.t < current.expires else { return nil }
    return current
  }

  /// The entities that must exist for the fact to hold.
  func ends(of fact: Int32, value: Int32) -> [Int32] {
    let key = facts[fact].key
    switch key.kind {
    case .existence: return []
    case .attribute, .suspension, .acceptance, .coverage, .gap, .reviewItem: return [key.a]
    case .link: return [key.a, value]
    case .membership: return [key.a, key.b]
    case .assignment:
      let grant = grants[value]
      return [grant.principal, grant.role]
    }
  }
}

/// Definitions of roles and policies at (t, k).
extension AccessGraph {
  /// The beginning that defines a role or policy at (t, k), as an edge; nil where it does not exist.
  ///
  /// O(revisions) for a few, O(log revisions) for many.
  func definitionEdge(of node: Int32, _ sight: Sight) -> Edge? {
    guard presence(node, sight) != nil else { return nil }
    var found: Edge?
    forEachLive(nodes[node].definitions, sight) { found = $0 }
    return found
  }

  /// The document of a role at (t, k), with the place in the fold of its definition.
  func definition(of role: Int32, _ sight: Sight) -> (role: CompiledRole, edge: Edge)? {
    definitionEdge(of: role, sight).map { (roles[Int($0.other)], $0) }
  }

  /// The roles that a role includes at (t, k).
  func inclusions(of definition: (role: CompiledRole, edge: Edge), _ sight: Sight) -> [Int32] {
    definition.role.includes.filter { existed($0, since: definition.edge, sight) }
  }
}

/// What is still held though its end was due: access without entitlement.
extension AccessGraph {
  /// The instant at which the fact's end was due, where that is past at t and the end takes effect only later.
  func overdue(_ fact: Int32, value: Int32, _ sight: Sight) -> Int64? {
    guard hasDueLosses else { return nil }
    var due = facts[fact].hasDue ? overdueEntry(of: fact, .ends, sight) : nil
    for end in ends(of: fact, value: value) { due = earlier(due, overdue(existenceOf: end, sight)) }
    return due
  }

  func overdue(existenceOf node: Int32, _ sight: Sight) -> Int64? {
    nodes[node].hasDue ? overdueEntry(of: nodes[node].existence, .ends, sight) : nil
  }

  /// The same for an identity itself: its retirement or its suspension was due.
  func overdue(identity node: Int32, _ sight: Sight) -> Int64? {
    guard nodes[node].hasDue else { return nil }
    let suspension = suspensionFact(of: node).flatMap { overdueEntry(of: $0, .begins, sight) }
    return earlier(overdue(existenceOf: node, sight), suspension)
  }

  /// Whether an edge is held though its end was due: its own, or that of either entity at its ends.
  @inline(__always) func isOverdue(_ edge: Edge, _ one: Int32, _ other: Int32, _ sight: Sight) -> Bool {
    guard edge.hasDue || nodes[one].hasDue || nodes[other].hasDue else { return false }
    return (edge.hasDue && overdueEntry(of: entries[edge.entry].fact, .ends, sight) != nil)
      || overdue(existenceOf: one, sight) != nil || overdue(existenceOf: other, sight) != nil
  }

  private func overdueEntry(of fact: Int32, _ effect: EntryEffect, _ sight: Sight) -> Int64? {
    var due: Int64?
    forEachEntryIndex(of: fact) { index in
      let entry = entries[index]
      guard entry.hasDue, entry.effect == effect, sight.t < entry.effective, entry.isVisible(at: sight.k) else { return }
      if let at = dues[index], at <= sight.t { due = earlier(due, at) }
    }
    return due
  }

  private func earlier(_ a: Int64?, _ b: Int64?) -> Int64? {
    guard let a, let b else { return a ?? b }
    return min(a, b)
  }
}
