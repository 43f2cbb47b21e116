import Conditions
import Governance
import Memory
import Temporal

/// When what is left of a right: it has some at `allowed` and `conditional`, none at `denied`; no two of them overlap.
struct StretchRemainder {
  var allowed = IntervalSet()
  var conditional = IntervalSet()
  var denied = IntervalSet()

  /// What is left of the same right as two bearers hold it: the best at each instant.
  mutating func merge(_ other: StretchRemainder) {
    allowed = allowed.union(other.allowed)
    conditional = conditional.union(other.conditional).subtracting(allowed)
    denied = denied.union(other.denied).subtracting(allowed).subtracting(conditional)
  }
}

/// All that takes rights away from one bearer over all time; the clock is open.
struct StretchRightRestrictions {
  /// A deny, or what a boundary leaves: what it reaches and when it applies.
  private struct Applying {
    let reach: Reach
    let when: StretchApplies
  }
  private struct Boundary {
    let concerned: IntervalSet
    let leaves: [Applying]
  }

  private let graph: AccessGraph
  private let k: Int64
  private let bearer: Int32
  private var denies: [Applying] = []
  private var boundaries: [Boundary] = []

  /// Nil where nothing can take anything away.
  init?(_ graph: AccessGraph, _ k: Int64, _ bearer: Int32) {
    guard graph.hasDenyPermissions || graph.hasRestrictingPolicies else { return nil }
    (self.graph, self.k, self.bearer) = (graph, k, bearer)
    let ancestry = graph.stretchAncestry(of: bearer, k)
    if graph.hasRestrictingPolicies { addPolicies(ancestry) }
    if graph.hasDenyPermissions { for (principal, instants) in ancestry { addDenyPermissions(of: principal, instants) } }
    if denies.isEmpty, boundaries.isEmpty { return nil }
  }

  private mutating func addPolicies(_ ancestry: [Int32: IntervalSet]) {
    for (interval, policy) in graph.policyNodes.flatMap({ graph.policyStretches($0, k) }) where policy.isRestricting {
      let concerned = graph.instants(concernedBy: policy, ancestry).intersection(interval)
      if concerned.isEmpty { continue }
      let found = policy.permissions.map { applying($0, [], scope: "*", concerned) }
      if policy.document.type == .deny {
        denies += found
      } else {
        boundaries.append(Boundary(concerned: concerned, leaves: found))
      }
    }
  }

  private mutating func addDenyPermissions(of principal: Int32, _ instants: IntervalSet) {
    for fact in graph.facts(in: graph.nodes[principal].assignments) {
      for (interval, value) in graph.stretches(fact, k) {
        let grant = graph.grants[value]
        let held = instants.intersection(interval)
        guard grant.principal == principal, !held.isEmpty else { continue }
        for (_, role, reached) in graph.stretchClosure(of: grant.role, k) where role.hasDenies {
          for permission in role.permissions where permission.effect == .deny {
            denies.append(
              applying(
                permission, graph.conditions(of: grant), scope: graph.texts[grant.scope], held.intersection(reached)))
          }
        }
      }
    }
  }

  private func applying(
    _ permission: CompiledPermission, _ conditions: [Condition], scope: String, _ instants: IntervalSet
  ) -> Applying {
    Applying(
      reach: Reach(permission, scope: scope),
      when: graph.applies(conditions + permission.conditions, to: bearer, nil, over: instants, k))
  }

  /// What is left of a right that is held.
  func restrict(_ remainder: StretchRemainder, of right: Reach) -> StretchRemainder {
    var denied = IntervalSet()
    var open = IntervalSet()
    for deny in denies where deny.reach.mayMeet(right) {
      if deny.reach.contains(right) { denied = denied.union(deny.when.yes) }
      open = open.union(deny.when.perhaps)
    }
    for boundary in boundaries {
      var exposed = boundary.concerned
      for permission in boundary.leaves where permission.reach.contains(right) {
        exposed = exposed.subtracting(permission.when.yes)
      }
      var outside = exposed
      for permission in boundary.leaves where permission.reach.mayMeet(right) {
        outside = outside.subtracting(permission.when.yes).subtracting(permission.when.perhaps)
        open = open.union(exposed.intersection(permission.when.perhaps))
      }
      denied = denied.union(outside)
    }
    let all = remainder.allowed.union(remainder.conditional)
    let allowed = remainder.allowed.subtracting(denied)
    return StretchRemainder(
      allowed: allowed.subtracting(open),
      conditional: remainder.conditional.subtracting(denied).union(allowed.intersection(open)),
      denied: remainder.denied.union(all.intersection(denied)))
  }
}
