import Conditions
import Governance
import JSON
import Memory
import Temporal

/// Judges the rights of one identity after another at one (t, k): by conditions, denies and boundaries.
///
/// A right is about many resources and no request, so what depends on either stays open.
struct RightJudge {
  let circumstances: Circumstances
  /// Denies and boundaries that are in force.
  private let policies: [Restriction]
  private let hasDenyPermissions: Bool
  private var conditions: [JSONValue: Condition] = [:]
  /// What takes rights away from the last bearer asked about.
  private var taking: (bearer: Int32, restrictions: BearerRestrictions?) = (none, nil)

  init(_ graph: AccessGraph, _ sight: Sight) {
    circumstances = Circumstances(graph: graph, sight: sight, resource: nil)
    hasDenyPermissions = graph.hasDenyPermissions
    guard graph.hasRestrictingPolicies else {
      policies = []
      return
    }
    policies = graph.policyNodes.compactMap { node in
      guard let edge = graph.definitionEdge(of: node, sight) else { return nil }
      let policy = graph.policies[Int(edge.other)]
      switch policy.document.type {
      case .deny: return Restriction(policy, policy.permissions, .policy(graph.id(node)), graph)
      case .boundary: return Restriction(policy, policy.permissions, .boundary(graph.id(node)), graph)
      default: return nil
      }
    }
  }

  /// Whether anything may take rights away, whatever they are.
  var mayRestrict: Bool { hasDenyPermissions || !policies.isEmpty }

  /// What is left of a right for a bearer; nil where one of its conditions does not hold.
  ///
  /// What denies is not denied itself.
  mutating func judge(_ right: Right, _ bearer: Int32) -> Remainder? {
    var left = right.conditions
    if !left.isEmpty {
      guard let residual = circumstances.residual(of: left.map { compiled($0) }, for: bearer) else { return nil }
      left = residual
    }
    var remainder = Remainder(right, openConditions: left)
    guard mayRestrict, right.effect == .allow else { return remainder }
    if taking.bearer != bearer {
      taking = (bearer, BearerRestrictions(circumstances, policies, hasDenyPermissions: hasDenyPermissions, bearer))
    }
    taking.restrictions?.restrict(&remainder, of: Reach(right))
    return remainder
  }

  private mutating func compiled(_ document: JSONValue) -> Condition {
    if let known = conditions[document] { return known }
    let condition = Condition(observed: document)
    conditions[document] = condition
    return condition
  }
}

/// All that takes rights away from one bearer.
private struct BearerRestrictions {
  /// A deny, with what it reaches.
  private struct Deny {
    let denial: Denial
    let reach: Reach
    let isOpen: Bool
  }
  /// A boundary, with what it leaves.
  private struct Boundary {
    let denial: Denial
    let leaves: [(reach: Reach, isOpen: Bool)]
  }

  private var denies: [Deny] = []
  private var boundaries: [Boundary] = []

  /// Nil where there is nothing.
  init?(_ circumstances: Circumstances, _ policies: [Restriction], hasDenyPermissions: Bool, _ bearer: Int32) {
    let graph = circumstances.graph
    let ancestry = graph.ancestry(of: bearer, circumstances.sight)
    for policy in policies where policy.concerns(ancestry) {
      if case .boundary = policy.denial {
        boundaries.append(
          Boundary(
            denial: policy.denial,
            leaves: policy.permissions.compactMap { permission in
              let applies = circumstances.applies(permission.conditions, to: bearer, failing: .no)
              return applies == .no ? nil : (Reach(permission, scope: "*"), applies == .perhaps)
            }))
      } else {
        for permission in policy.permissions {
          deny(permission, by: policy.denial, "*", circumstances.applies(permission.conditions, to: bearer, failing: .yes))
        }
      }
    }
    if hasDenyPermissions { addDenyPermissions(of: ancestry, circumstances, bearer) }
    if denies.isEmpty, boundaries.isEmpty { return nil }
  }

  private mutating func addDenyPermissions(of ancestry: [Int32], _ circumstances: Circumstances, _ bearer: Int32) {
    let graph = circumstances.graph
    for principal in ancestry {
      graph.forEachGrant(of: principal, circumstances.sight) { grant, edge in
        graph.forEachRole(under: grant.role, circumstances.sight) { _, role, _ in
          guard role.hasDenies else { return }
          for permission in role.permissions where permission.effect == .deny {
            let conditions = graph.conditions(of: grant) + permission.conditions
            deny(
              permission, by: .assignment(graph.assignmentID(of: edge)), graph.texts[grant.scope],
              circumstances.applies(conditions, to: bearer, failing: .yes))
          }
        }
      }
    }
  }

  private mutating func deny(_ permission: CompiledPermission, by denial: Denial, _ scope: String, _ applies: Applies) {
    if applies == .no { return }
    denies.append(Deny(denial: denial, reach: Reach(permission, scope: scope), isOpen: applies == .perhaps))
  }

  /// Notes what takes a right away, all of it or some.
  func restrict(_ remainder: inout Remainder, of right: Reach) {
    var takingAll: [Denial] = []
    var takingSome: [Denial] = []
    var isOpen = false
    for deny in denies where deny.reach.mayMeet(right) {
      if !deny.isOpen, deny.reach.contains(right) { takingAll.append(deny.denial) } else { takingSome.append(deny.denial) }
      isOpen = isOpen || deny.isOpen
    }
    for boundary in boundaries {
      if boundary.leaves.contains(where: { !$0.isOpen && $0.reach.contains(right) }) { continue }
      let leaving = boundary.leaves.filter { $0.reach.mayMeet(right) }
      if leaving.isEmpty { takingAll.append(boundary.denial) } else { takingSome.append(boundary.denial) }
      isOpen = isOpen || leaving.contains(where: \.isOpen)
    }
    remainder.restrict(takingAll: takingAll, takingSome: takingSome, isOpen: isOpen)
  }
}
