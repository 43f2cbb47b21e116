import Governance
import Memory
import Temporal

/// What may change what is left of a right at one instant, though the right itself neither begins nor ends: denies and boundaries,
/// what makes them concern somebody, and what conditions are read against.
///
/// Only what takes effect at that instant, and only where it may meet the right: it may name what changed nothing, as two
/// denies that begin together, and never leaves out what did.
struct TurnCauses {
  private let graph: AccessGraph
  private let right: Right
  private let reach: Reach
  private let before: Sight
  private let after: Sight
  private(set) var found: Set<Turn.Cause> = []
  /// Whether something with a condition bears on the right.
  private var isConditional: Bool

  init(_ graph: AccessGraph, _ right: Right, _ before: Sight, _ after: Sight) {
    self.graph = graph
    self.right = right
    (self.before, self.after) = (before, after)
    reach = Reach(right)
    isConditional = !right.conditions.isEmpty
  }

  private var sights: [Sight] { [before, after] }

  /// Adds what concerns one identity, by itself or as the account of another.
  mutating func add(bearer: Int32) {
    let mayDeny = graph.hasDenyPermissions || graph.hasRestrictingPolicies
    if mayDeny, right.effect == .allow {
      let ancestry = sights.map { graph.ancestry(of: bearer, $0) }
      var restricting = addPolicies(ancestry)
      for principal in Set(ancestry.joined()) where addDenyPermissions(of: principal) { restricting.insert(principal) }
      addWays(from: bearer, Set(ancestry.joined()), to: restricting)
    }
    if isConditional { addDetails(of: bearer) }
  }

  /// Policies that restrict the right, before or after; answers with the principals that they name.
  private mutating func addPolicies(_ ancestry: [[Int32]]) -> Set<Int32> {
    var named: Set<Int32> = []
    for node in graph.policyNodes {
      let documents = sights.map { sight in graph.definitionEdge(of: node, sight).map { graph.policies[Int($0.other)] } }
      var isRelevant = false
      for (policy, ancestry) in zip(documents, ancestry) {
        guard let policy, policy.isRestricting, mayMeet(policy) else { continue }
        let restriction = Restriction(policy, policy.permissions, .policy(graph.id(node)), graph)
        named.formUnion((restriction.principals ?? []) + restriction.except)
        if restriction.concerns(ancestry) {
          isRelevant = true
          isConditional = isConditional || policy.permissions.contains { !$0.conditions.isEmpty }
        }
      }
      if isRelevant { add(entriesOf: graph.nodes[node].existence) }
    }
    return named
  }

  /// Of a boundary what it leaves out is what it takes.
  private func mayMeet(_ policy: CompiledPolicy) -> Bool {
    policy.document.type == .boundary || policy.permissions.contains { Reach($0, scope: "*").mayMeet(reach) }
  }

  /// Assignments of a principal whose roles deny; answers whether there is one.
  private mutating func addDenyPermissions(of principal: Int32) -> Bool {
    guard graph.hasDenyPermissions else { return false }
    var denying: Set<Int32> = []
    var roles: Set<Int32> = []
    for sight in sights {
      graph.forEachGrant(of: principal, sight) { grant, edge in
        var closure: [Int32] = []
        var denies = false
        graph.forEachRole(under: grant.role, sight) { node, role, _ in
          closure.append(node)
          for permission in role.permissions where permission.effect == .deny {
            guard Reach(permission, scope: graph.texts[grant.scope]).mayMeet(reach) else { continue }
            denies = true
            isConditional = isConditional || !permission.conditions.isEmpty || !graph.conditions(of: grant).isEmpty
          }
        }
        guard denies else { return }
        denying.insert(graph.entries[edge.entry].fact)
        roles.formUnion(closure)
      }
    }
    for fact in denying { add(turnOf: .assignment(fact)) }
    for role in roles { add(entriesOf: graph.nodes[role].existence) }
    return !denying.isEmpty
  }

  /// Memberships and links by which somebody comes to, or leaves, a principal whom something restricts.
  private mutating func addWays(from bearer: Int32, _ ancestry: Set<Int32>, to restricting: Set<Int32>) {
    if restricting.isEmpty { return }
    func leads(_ node: Int32) -> Bool {
      sights.contains { sight in graph.ancestry(of: [node], sight).contains(where: restricting.contains) }
    }
    for node in ancestry {
      for fact in graph.facts(in: graph.nodes[node].groups) where leads(graph.facts[fact].key.a) {
        add(turnOf: .membership(fact))
      }
    }
    // A person is above an account as a group is.
    for fact in graph.facts(in: graph.nodes[bearer].links) { add(turnOf: .link(fact)) }
    for principal in graph.builtIns(of: bearer) where leads(principal) { add(turnOf: .builtIn(principal)) }
  }

  /// Attributes and the kind of an identity.
  private mutating func addDetails(of identity: Int32) {
    add(entriesOf: graph.nodes[identity].existence)
    for fact in graph.listedFacts(graph.nodes[identity].details) where graph.facts[fact].key.kind == .attribute {
      add(entriesOf: fact)
    }
  }

  private mutating func add(entriesOf fact: Int32) {
    for effect in [EntryEffect.begins, .ends] { found.formUnion(graph.entries(at: after, of: fact, effect)) }
  }

  private mutating func add(turnOf element: Element) {
    found.formUnion(graph.beginning(of: element, after))
    found.formUnion(graph.ending(of: element, before, after))
  }
}
