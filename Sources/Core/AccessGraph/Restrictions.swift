import Conditions
import Governance
import JSON
import Memory
import Temporal

/// What takes access away, for one question about an action on a resource: denies and boundaries.
///
/// Judged for each bearer of a path, who answers for the person that it is an account of too.
struct Restrictions {
  private let circumstances: Circumstances
  private let scopes: [Int32]
  private let denies: [Restriction]
  private let boundaries: [Restriction]
  private let test: RoleTest?

  /// Nil where nothing can take anything away, which is nearly always so.
  init?(_ circumstances: Circumstances, action: String, resource: String) {
    let (graph, sight) = (circumstances.graph, circumstances.sight)
    guard graph.hasDenyPermissions || graph.hasRestrictingPolicies else { return nil }
    self.circumstances = circumstances
    scopes = graph.scopes(covering: resource)
    let (action, resource) = (Array(action.utf8), Array(resource.utf8))
    var denies: [Restriction] = []
    var boundaries: [Restriction] = []
    for node in graph.policyNodes {
      guard let edge = graph.definitionEdge(of: node, sight) else { continue }
      let policy = graph.policies[Int(edge.other)]
      let matching = policy.permissions.filter { $0.applies(action: action.span, resource: resource.span) }
      switch policy.document.type {
      case .deny where !matching.isEmpty: denies.append(Restriction(policy, matching, .policy(graph.id(node)), graph))
      case .boundary: boundaries.append(Restriction(policy, matching, .boundary(graph.id(node)), graph))
      default: break
      }
    }
    (self.denies, self.boundaries) = (denies, boundaries)
    test = graph.hasDenyPermissions ? .denies(action: action, resource: resource) : nil
    if denies.isEmpty, boundaries.isEmpty, test == nil { return nil }
  }

  /// What is left of a bearer's access.
  func apply(_ certainty: Certainty, to bearer: Int32) -> Certainty {
    certainty.isEmpty ? [] : certainty.under(verdict(of: bearer).applies)
  }

  /// What becomes of a bearer's access, and by what.
  ///
  /// - Parameter groups: groups that the bearer would come into, and those above them. The default is none.
  func verdict(of bearer: Int32, joining groups: [Int32] = []) -> (applies: Applies, by: Denial?) {
    let ancestry = circumstances.graph.ancestry(of: bearer, circumstances.sight) + groups
    var found: (Applies, Denial?) = (.yes, nil)
    for deny in denies where deny.concerns(ancestry) {
      switch circumstances.applies(deny.permissions[0].conditions, to: bearer, failing: .yes) {
      case .yes: return (.no, deny.denial)
      case .perhaps: found = (.perhaps, deny.denial)
      case .no: break
      }
    }
    switch denied(by: ancestry, bearer) {
    case (.no, let denial): return (.no, denial)
    case (.perhaps, let denial): found = (.perhaps, denial)
    default: break
    }
    for boundary in boundaries where boundary.concerns(ancestry) {
      let answers = boundary.permissions.map { circumstances.applies($0.conditions, to: bearer, failing: .no) }
      if answers.contains(.yes) { continue }
      guard answers.contains(.perhaps) else { return (.no, boundary.denial) }
      found = (.perhaps, boundary.denial)
    }
    return found
  }

  /// Denies by permissions of roles that the bearer's ancestry holds.
  private func denied(by ancestry: [Int32], _ bearer: Int32) -> (Applies, Denial?) {
    guard let test else { return (.yes, nil) }
    let graph = circumstances.graph
    var closure = RoleClosure(graph, circumstances.sight, test)
    var found: (Applies, Denial?) = (.yes, nil)
    for principal in ancestry {
      graph.forEachGrant(of: principal, on: scopes, circumstances.sight) { grant, edge in
        if found.0 == .no { return }
        for gift in closure.gifts(of: grant.role) {
          let conditions = graph.conditions(of: grant) + gift.conditions
          let denial = Denial.assignment(graph.assignmentID(of: edge))
          switch circumstances.applies(conditions, to: bearer, failing: .yes) {
          case .yes: found = (.no, denial)
          case .perhaps: if found.0 == .yes { found = (.perhaps, denial) }
          case .no: break
          }
        }
      }
    }
    return found
  }
}

/// What denied an access.
public enum Denial: Hashable, Sendable {
  /// A `deny` policy, by its id.
  case policy(String)
  /// A `boundary` policy that covers the identity and does not allow it.
  case boundary(String)
  /// A deny permission in a role that this assignment gives.
  case assignment(String)
}

/// A deny or boundary policy as it meets one question.
struct Restriction {
  let denial: Denial
  let principals: [Int32]?
  let except: [Int32]
  /// Those that match what is asked.
  let permissions: [CompiledPermission]

  init(_ policy: CompiledPolicy, _ permissions: [CompiledPermission], _ denial: Denial, _ graph: AccessGraph) {
    self.denial = denial
    principals = policy.subjects?.principals?.compactMap { graph.find($0) }
    except = (policy.subjects?.except ?? []).compactMap { graph.find($0) }
    self.permissions = permissions
  }

  func concerns(_ ancestry: [Int32]) -> Bool {
    principals.map { $0.contains(where: ancestry.contains) } ?? true && !except.contains(where: ancestry.contains)
  }
}

/// A policy's document; of a deny or a boundary with its rule ready to be asked.
final class CompiledPolicy {
  let document: PolicyDocument
  let subjects: PolicySubjects?
  /// What a deny takes away, or a boundary leaves.
  let permissions: [CompiledPermission]
  /// What may be asked for under it; nil for one of another type.
  let elevation: CompiledElevation?

  init(_ document: PolicyDocument) {
    self.document = document
    elevation = CompiledElevation(document)
    switch document.type {
    case .deny:
      let rule = try? DenyRule(document.rule)
      (subjects, permissions) = (rule?.subjects, rule.map { [CompiledPermission($0.permission)] } ?? [])
    case .boundary:
      let rule = try? BoundaryRule(document.rule)
      (subjects, permissions) = (rule?.subjects, rule?.permissions.map(CompiledPermission.init) ?? [])
    default: (subjects, permissions) = (nil, [])
    }
  }

  /// Whether it takes access away.
  var isRestricting: Bool { document.type == .deny || document.type == .boundary }
}

/// Whom denies are looked for at.
extension AccessGraph {
  /// A bearer, the person whose account it is, and all groups that these belong to at (t, k).
  ///
  /// The person's suspension does not matter: what is denied to a person is denied to each account.
  func ancestry(of bearer: Int32, _ sight: Sight) -> [Int32] {
    var starts = [bearer]
    for link in live(nodes[bearer].links, sight) where link.other != bearer {
      if existed(bearer, since: link, sight), existed(link.other, since: link, sight) { starts.append(link.other) }
    }
    return ancestry(of: starts, withBuiltInsOf: bearer, sight)
  }
}
