import Governance
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

/// A fact that holds: the entry that gives its present value, the place where that began, the value and its own end.
struct Holding {
  let entry: Int32
  let begun: FlatMoment
  let value: Int32
  let expires: Int64
}

/// An entity that exists: since when without a break, and the entry with its present document.
struct Being {
  let since: FlatMoment
  let entry: Int32
}

extension AccessGraph {
  /// The entity at (t, k); nil where it does not exist.
  ///
  /// O(its registrations and endings up to t).
  func being(_ node: Int32, _ sight: Sight) -> Being? {
    var since: FlatMoment?
    var document: Int32 = -1
    var index = facts[Int(nodes[Int(node)].existence)].first
    while index >= 0 {
      let entry = entries[Int(index)]
      if entry.effective > sight.t { break }
      if entry.isVisible(at: sight.k) {
        switch entry.effect {
        case .begins:
          since = since ?? FlatMoment(effective: entry.effective, position: entry.position)
          document = index
        case .ends: since = nil
        case .extends: break
        }
      }
      index = entry.next
    }
    return since.map { Being(since: $0, entry: document) }
  }

  /// Whether the entity exists at (t, k) without a break since before a place in the fold.
  func existed(_ node: Int32, since moment: FlatMoment, _ sight: Sight) -> Bool {
    being(node, sight).map { $0.since <= moment } ?? false
  }

  /// The fact at (t, k) by its own entries and by its ends; nil where it does not hold.
  func holding(_ fact: Int32, _ sight: Sight) -> Holding? {
    guard let own = ownHolding(fact, sight) else { return nil }
    for end in ends(of: fact, value: own.value) where !existed(end, since: own.begun, sight) { return nil }
    return own
  }

  private func ownHolding(_ fact: Int32, _ sight: Sight) -> Holding? {
    var current: Holding?
    var index = facts[Int(fact)].first
    while index >= 0 {
      let entry = entries[Int(index)]
      if entry.effective > sight.t { break }
      if entry.isVisible(at: sight.k) {
        switch entry.effect {
        case .begins:
          current = Holding(
            entry: index, begun: FlatMoment(effective: entry.effective, position: entry.position), value: entry.value,
            expires: entry.expires)
        case .extends:
          if let old = current, entry.effective < old.expires {
            current = Holding(entry: index, begun: old.begun, value: old.value, expires: entry.expires)
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
    let key = facts[Int(fact)].key
    switch key.kind {
    case .existence: return []
    case .attribute, .suspension, .coverage, .gap: return [key.a]
    case .link: return [key.a, value]
    case .membership: return [key.a, key.b]
    case .assignment:
      let grant = grants[Int(value)]
      return [grant.principal, grant.role]
    }
  }

  /// Whether the identity exists at (t, k) and is not suspended.
  func isActive(_ identity: Int32, _ sight: Sight) -> Bool {
    being(identity, sight) != nil && suspension(of: identity, sight) == nil
  }

  /// The suspension of an identity at (t, k).
  func suspension(of identity: Int32, _ sight: Sight) -> Holding? {
    suspensionFact(of: identity).flatMap { holding($0, sight) }
  }

  func suspensionFact(of identity: Int32) -> Int32? {
    factNumbers[FactKey(kind: .suspension, a: identity, b: -1)]
  }

  /// The document of a role at (t, k), with the place in the fold of its definition.
  func definition(of role: Int32, _ sight: Sight) -> (role: CompiledRole, entry: EntryRecord)? {
    guard let being = being(role, sight) else { return nil }
    let entry = entries[Int(being.entry)]
    return (roles[Int(entry.value)], entry)
  }

  /// The roles that a role includes at (t, k).
  func inclusions(of definition: (role: CompiledRole, entry: EntryRecord), _ sight: Sight) -> [Int32] {
    let moment = FlatMoment(effective: definition.entry.effective, position: definition.entry.position)
    return definition.role.includes.filter { existed($0, since: moment, sight) }
  }
}

/// What is still held though its end was due: access without entitlement.
extension AccessGraph {
  /// The instant at which the fact's end was due, where that is past at t and the end takes effect only later.
  func overdue(_ fact: Int32, value: Int32, _ sight: Sight) -> Int64? {
    guard hasDueLosses else { return nil }
    var due = overdueEntry(of: fact, .ends, sight)
    for end in ends(of: fact, value: value) { due = earlier(due, overdue(existenceOf: end, sight)) }
    return due
  }

  func overdue(existenceOf node: Int32, _ sight: Sight) -> Int64? {
    hasDueLosses ? overdueEntry(of: nodes[Int(node)].existence, .ends, sight) : nil
  }

  /// The same for an identity itself: its retirement or its suspension was due.
  func overdue(identity node: Int32, _ sight: Sight) -> Int64? {
    guard hasDueLosses else { return nil }
    let suspension = suspensionFact(of: node).flatMap { overdueEntry(of: $0, .begins, sight) }
    return earlier(overdue(existenceOf: node, sight), suspension)
  }

  private func overdueEntry(of fact: Int32, _ effect: EntryEffect, _ sight: Sight) -> Int64? {
    var due: Int64?
    var index = facts[Int(fact)].first
    while index >= 0 {
      let entry = entries[Int(index)]
      if entry.effect == effect, entry.due <= sight.t, sight.t < entry.effective, entry.isVisible(at: sight.k) {
        due = earlier(due, entry.due)
      }
      index = entry.next
    }
    return due
  }

  private func earlier(_ a: Int64?, _ b: Int64?) -> Int64? {
    guard let a, let b else { return a ?? b }
    return min(a, b)
  }
}
