import Governance
import Temporal

/// The answer to `check`: one decision, without the paths.
public struct CheckAnswer: Hashable, Sendable {
  /// The decision, by DESIGN's rules of access; the same as `why` gives.
  public var status: Status
  /// Why it is denied or unknown, in the words of `why`; nil otherwise.
  public var reason: String?
  /// Every path of that status rests on something whose end was due already.
  public var isWithoutEntitlement: Bool

  /// An answer; the default is one without a reason and without an overdue end.
  public init(status: Status, reason: String? = nil, isWithoutEntitlement: Bool = false) {
    self.status = status
    self.reason = reason
    self.isWithoutEntitlement = isWithoutEntitlement
  }
}

/// Check: whether it may.
extension AccessGraph {
  /// Whether an identity may do an action on exactly this resource; conditions are not evaluated.
  ///
  /// O(groups above it + their assignments + the roles reached).
  public func check(_ identity: String, action: String, resource: String, from view: Viewpoint) -> CheckAnswer {
    let sight = Sight(view)
    guard let node = nodeNumbers[.identity(identity)] else {
      return CheckAnswer(status: .unknown, reason: "identity_unknown")
    }
    if being(node, sight) == nil {
      return hasBegun(node, sight)
        ? CheckAnswer(status: .denied, reason: "identity_retired")
        : CheckAnswer(status: .unknown, reason: "identity_unknown")
    }
    if suspension(of: node, sight) != nil { return CheckAnswer(status: .denied, reason: "identity_suspended") }
    let scopes = scopes(covering: resource)
    guard isCovered(within: scopes, sight) else { return CheckAnswer(status: .unknown, reason: "not_covered") }
    let test = RoleTest.permits(action: Array(action.utf8), resource: Array(resource.utf8))
    var ascent = Ascent(graph: self, sight: sight, test: test, scopes: scopes)
    ascent.run(from: node)
    let verdict = ascent.found.verdict
    let reason: String? =
      switch verdict.status {
      case .allowed, .conditional: nil
      case .unknown: "role_unknown"
      case .denied: "no_path"
      }
    return CheckAnswer(status: verdict.status, reason: reason, isWithoutEntitlement: verdict.isWithoutEntitlement)
  }

  /// The texts of the scopes that cover exactly this resource, as far as any is known: `*`, its prefixes by whole segments, itself.
  private func scopes(covering resource: String) -> [Int32] {
    var found: [Int32] = []
    if let all = texts.find("*") { found.append(all) }
    let bytes = resource.utf8
    var end = bytes.startIndex
    while end < bytes.endIndex {
      // By bytes: a combining mark after a slash would make one Character of both.
      if bytes[end] == UInt8(ascii: "/"), let scope = texts.find(String(resource[..<end])) { found.append(scope) }
      end = bytes.index(after: end)
    }
    if resource != "*", let own = texts.find(resource) { found.append(own) }
    return found
  }

  /// Whether the entity existed at any time up to t, as far as is known.
  private func hasBegun(_ node: Int32, _ sight: Sight) -> Bool {
    var has = false
    forEachEntry(of: nodes[Int(node)].existence) { entry in
      if entry.effect == .begins, entry.effective <= sight.t, entry.isVisible(at: sight.k) { has = true }
    }
    return has
  }

  /// Whether some source vouches for what these scopes cover: one of them is among its covers and none among its gaps.
  private func isCovered(within scopes: [Int32], _ sight: Sight) -> Bool {
    sourceNodes.contains { source in
      var isCovered = false
      for fact in nodes[Int(source)].details {
        let key = facts[Int(fact)].key
        switch key.kind {
        case .coverage where !isCovered && scopes.contains(key.b):
          isCovered = holding(fact, sight) != nil
        case .gap where scopes.contains(gaps[Int(key.b)].resource):
          if holding(fact, sight) != nil { return false }
        default: continue
        }
      }
      return isCovered
    }
  }
}

/// The way up from an identity to the assignments of everything that it belongs to, until one allows.
///
/// Tolerates cycles. What was reached is kept in arrays and looked through: an identity belongs to few groups and holds few
/// roles, and a table costs more than it saves.
private struct Ascent {
  let graph: AccessGraph
  let sight: Sight
  let test: RoleTest
  let scopes: [Int32]
  /// What the paths looked at so far give.
  private(set) var found: Certainty = []
  /// Principals with the ways to them: `.allowed`, the same overdue, or both.
  private var reached: [(node: Int32, ways: Certainty)] = []
  private var roles: [(node: Int32, certainty: Certainty)] = []

  init(graph: AccessGraph, sight: Sight, test: RoleTest, scopes: [Int32]) {
    self.graph = graph
    self.sight = sight
    self.test = test
    self.scopes = scopes
  }

  /// Looks from an active identity, and from the accounts of a person.
  mutating func run(from identity: Int32) {
    let own = Certainty.allowed.overdue(if: graph.overdue(identity: identity, sight) != nil)
    climb(from: identity, own)
    for fact in graph.nodes[Int(identity)].links where !found.contains(.allowed) {
      let account = graph.facts[Int(fact)].key.a
      guard account != identity, let link = graph.holding(fact, sight), link.value == identity,
        graph.isActive(account, sight)
      else { continue }
      let isOverdue =
        graph.overdue(fact, value: link.value, sight) != nil || graph.overdue(identity: account, sight) != nil
      climb(from: account, own.overdue(if: isOverdue))
    }
  }

  private mutating func climb(from start: Int32, _ ways: Certainty) {
    var open = [(start, ways)]
    while let (node, ways) = open.popLast() {
      let fresh = reach(node, ways)
      if fresh.isEmpty { continue }
      look(at: node, fresh)
      if found.contains(.allowed) { return }
      for fact in graph.nodes[Int(node)].groups {
        guard let holding = graph.holding(fact, sight) else { continue }
        let isOverdue = graph.overdue(fact, value: holding.value, sight) != nil
        open.append((graph.facts[Int(fact)].key.a, fresh.overdue(if: isOverdue)))
      }
    }
  }

  /// Notes the ways to a principal; the answer is those that were not known.
  private mutating func reach(_ node: Int32, _ ways: Certainty) -> Certainty {
    guard let index = reached.firstIndex(where: { $0.node == node }) else {
      reached.append((node, ways))
      return ways
    }
    let fresh = ways.subtracting(reached[index].ways)
    reached[index].ways.formUnion(fresh)
    return fresh
  }

  private mutating func look(at principal: Int32, _ ways: Certainty) {
    for fact in graph.nodes[Int(principal)].assignments {
      guard let holding = graph.holding(fact, sight) else { continue }
      let grant = graph.grants[Int(holding.value)]
      guard grant.principal == principal, scopes.contains(grant.scope) else { continue }
      var certainty = certainty(of: grant.role)
      if grant.condition != nil { certainty = certainty.underCondition }
      let isOverdue = graph.overdue(fact, value: holding.value, sight) != nil
      if ways.contains(.allowed) { found.formUnion(certainty.overdue(if: isOverdue)) }
      if ways.contains(.allowed.overdue) { found.formUnion(certainty.overdue) }
      if found.contains(.allowed) { return }
    }
  }

  /// What a role gives, by itself and by all that it includes.
  private mutating func certainty(of role: Int32) -> Certainty {
    if let known = roles.first(where: { $0.node == role }) { return known.certainty }
    let gives = closure(of: role)
    roles.append((role, gives))
    return gives
  }

  /// The same, walked; what allows without more ado ends the walk, for nothing found later says more.
  private func closure(of role: Int32) -> Certainty {
    var gives: Certainty = []
    var seen: [(node: Int32, isOverdue: Bool)] = []
    var open = [(node: role, isOverdue: graph.overdue(existenceOf: role, sight) != nil)]
    while let next = open.popLast(), !gives.contains(.allowed) {
      if seen.contains(where: { $0 == next }) { continue }
      seen.append(next)
      guard let being = graph.being(next.node, sight) else { continue }
      let entry = graph.entries[Int(being.entry)]
      let document = Int(entry.value)
      gives.formUnion(test.certainty(of: next.node, graph.roles[document]).overdue(if: next.isOverdue))
      let defined = FlatMoment(effective: entry.effective, position: entry.position)
      for included in graph.roles[document].includes where graph.existed(included, since: defined, sight) {
        open.append((included, next.isOverdue || graph.overdue(existenceOf: included, sight) != nil))
      }
    }
    return gives
  }
}
