import Conditions
import Governance
import JSON
import Memory
import Temporal

/// Judges the rights of one identity after another at one (t, k): by conditions, denies and boundaries.
///
/// A right is about many resources and no request, so what depends on either stays open. Many identities hold the same rights, so
/// which denials may meet a right is found out once for each right, and only these are judged for each identity.
struct RightJudge {
  let circumstances: Circumstances
  private var conditions: [JSONValue: Condition] = [:]
  private var denials: Denials
  /// What takes rights away from the last bearer asked about.
  private var taking = BearerRestrictions()

  init(_ graph: AccessGraph, _ sight: Sight) {
    circumstances = Circumstances(graph: graph, sight: sight, resource: nil)
    var policies: [Restriction] = []
    for node in graph.hasRestrictingPolicies ? graph.policyNodes : [] {
      guard let edge = graph.definitionEdge(of: node, sight) else { continue }
      let policy = graph.policies[Int(edge.other)]
      switch policy.document.type {
      case .deny: policies.append(Restriction(policy, policy.permissions, .policy(graph.id(node)), graph))
      case .boundary: policies.append(Restriction(policy, policy.permissions, .boundary(graph.id(node)), graph))
      default: continue
      }
    }
    denials = Denials(
      policies.sorted { Denial.precedes($0.denial, $1.denial) }, hasDenyPermissions: graph.hasDenyPermissions)
  }

  /// Whether anything may take rights away, whatever they are.
  var mayRestrict: Bool { denials.hasDenyPermissions || !denials.policies.isEmpty }

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
    if taking.bearer != bearer { taking = BearerRestrictions(bearer, circumstances, &denials) }
    taking.restrict(&remainder, denials.meeting(right), denials, circumstances)
    return remainder
  }

  private mutating func compiled(_ document: JSONValue) -> Condition {
    if let known = conditions[document] { return known }
    let condition = Condition(observed: document)
    conditions[document] = condition
    return condition
  }
}

/// Denials at one (t, k), whomever they concern: what each reaches, and which of them may meet a right.
private struct Denials {
  /// A denial that may meet a right, or is proved to reach all of it.
  ///
  /// Both but for a right that reaches nothing, its pattern and its scope having nothing in common: all of that is reached, and
  /// none of it met.
  struct Meeting {
    let number: Int
    let isWhole: Bool
    let isMet: Bool
  }

  private struct RoleDenial: Hashable {
    let role: Int32
    let permission: Int
    let scope: Int32
  }

  /// In the order of their denials, so that answers need no sorting.
  let policies: [Restriction]
  /// Those of them that are boundaries.
  let boundaries: [Int]
  let hasDenyPermissions: Bool
  /// By number: first what the policies deny or leave, then deny permissions of roles on a scope as they are come across.
  private var reaches: [Reach] = []
  /// By number the policy; nil of a role's permission.
  private(set) var policyOf: [Int?] = []
  /// The first number of each policy.
  private var first: [Int] = []
  private var roleDenials: [RoleDenial: Int] = [:]
  /// For each right how many were held against it, and which of them may meet it.
  private var met: [Right: (looked: Int, meeting: [Meeting])] = [:]

  init(_ policies: [Restriction], hasDenyPermissions: Bool) {
    self.policies = policies
    self.hasDenyPermissions = hasDenyPermissions
    boundaries = policies.indices.filter { if case .boundary = policies[$0].denial { true } else { false } }
    for (index, policy) in policies.enumerated() {
      first.append(reaches.count)
      for permission in policy.permissions {
        reaches.append(Reach(permission, scope: "*"))
        policyOf.append(index)
      }
    }
  }

  /// The permission of a policy that a number stands for.
  func permission(_ number: Int, of policy: Int) -> CompiledPermission { policies[policy].permissions[number - first[policy]] }

  mutating func number(of role: Int32, _ index: Int, _ permission: CompiledPermission, on scope: Int32, _ graph: AccessGraph)
    -> Int
  {
    let key = RoleDenial(role: role, permission: index, scope: scope)
    if let known = roleDenials[key] { return known }
    roleDenials[key] = reaches.count
    reaches.append(Reach(permission, scope: graph.texts[scope]))
    policyOf.append(nil)
    return reaches.count - 1
  }

  /// Those that may meet a right, by number.
  ///
  /// O(denials) for a right that was not asked about before, and for denials that are new since.
  mutating func meeting(_ right: Right) -> [Meeting] {
    var known = met[right] ?? (0, [])
    if known.looked == reaches.count { return known.meeting }
    let reach = Reach(right)
    for number in known.looked..<reaches.count {
      let (isWhole, isMet) = (reaches[number].contains(reach), reaches[number].mayMeet(reach))
      if isWhole || isMet { known.meeting.append(Meeting(number: number, isWhole: isWhole, isMet: isMet)) }
    }
    known.looked = reaches.count
    met[right] = known
    return known.meeting
  }
}

/// What of the denials concerns one bearer, judged as it is asked for.
private struct BearerRestrictions {
  /// A deny permission that the bearer has by an assignment.
  private struct Held {
    let denial: Denial
    let isOpen: Bool
  }

  let bearer: Int32
  private var ancestry: [Int32]?
  private var concerned: [Bool?]
  private var judged: [Int: Applies] = [:]
  private var held: [Int: [Held]] = [:]

  /// Nobody's.
  init() {
    bearer = none
    concerned = []
  }

  init(_ bearer: Int32, _ circumstances: Circumstances, _ denials: inout Denials) {
    self.bearer = bearer
    concerned = [Bool?](repeating: nil, count: denials.policies.count)
    guard denials.hasDenyPermissions else { return }
    let graph = circumstances.graph
    for principal in lineage(circumstances) {
      graph.forEachGrant(of: principal, circumstances.sight) { grant, edge in
        graph.forEachRole(under: grant.role, circumstances.sight) { node, role, _ in
          guard role.hasDenies else { return }
          for (index, permission) in role.permissions.enumerated() where permission.effect == .deny {
            let applies = circumstances.applies(
              graph.conditions(of: grant) + permission.conditions, to: bearer, failing: .yes)
            if applies == .no { continue }
            let number = denials.number(of: node, index, permission, on: grant.scope, graph)
            held[number, default: []].append(
              Held(denial: .assignment(graph.assignmentID(of: edge)), isOpen: applies == .perhaps))
          }
        }
      }
    }
  }

  private mutating func lineage(_ circumstances: Circumstances) -> [Int32] {
    if let ancestry { return ancestry }
    let found = circumstances.graph.ancestry(of: bearer, circumstances.sight)
    ancestry = found
    return found
  }

  private mutating func isConcerned(by policy: Int, _ denials: Denials, _ circumstances: Circumstances) -> Bool {
    if let known = concerned[policy] { return known }
    let restriction = denials.policies[policy]
    let isMeantForAll = restriction.principals == nil && restriction.except.isEmpty
    let found = isMeantForAll || restriction.concerns(lineage(circumstances))
    concerned[policy] = found
    return found
  }

  private mutating func applies(
    _ number: Int, of policy: Int, failing: Applies, _ denials: Denials, _ circumstances: Circumstances
  ) -> Applies {
    let conditions = denials.permission(number, of: policy).conditions
    if conditions.isEmpty { return .yes }
    if let known = judged[number] { return known }
    let found = circumstances.applies(conditions, to: bearer, failing: failing)
    judged[number] = found
    return found
  }

  /// Notes what takes a right away, all of it or some, of the denials that may meet it.
  mutating func restrict(
    _ remainder: inout Remainder, _ meeting: [Denials.Meeting], _ denials: Denials, _ circumstances: Circumstances
  ) {
    var takingAll: [Denial] = []
    var takingSome: [Denial] = []
    var isOpen = false
    var place = 0
    for boundary in denials.boundaries {
      while place < meeting.count, let policy = denials.policyOf[meeting[place].number], policy < boundary { place += 1 }
      guard isConcerned(by: boundary, denials, circumstances) else { continue }
      var (leavesAll, leavesSome, mayLeave) = (false, false, false)
      while place < meeting.count, denials.policyOf[meeting[place].number] == boundary {
        let met = meeting[place]
        switch applies(met.number, of: boundary, failing: .no, denials, circumstances) {
        case .yes: (leavesAll, leavesSome) = (leavesAll || met.isWhole, leavesSome || met.isMet)
        case .perhaps: (leavesSome, mayLeave) = (leavesSome || met.isMet, mayLeave || met.isMet)
        case .no: break
        }
        place += 1
      }
      if leavesAll { continue }
      if leavesSome {
        takingSome.append(denials.policies[boundary].denial)
      } else {
        takingAll.append(denials.policies[boundary].denial)
      }
      isOpen = isOpen || mayLeave
    }
    func take(_ denial: Denial, _ isDenyOpen: Bool, _ isWhole: Bool) {
      if !isDenyOpen, isWhole { takingAll.append(denial) } else { takingSome.append(denial) }
      isOpen = isOpen || isDenyOpen
    }
    for met in meeting where met.isMet {
      guard let policy = denials.policyOf[met.number] else {
        for one in held[met.number] ?? [] { take(one.denial, one.isOpen, met.isWhole) }
        continue
      }
      guard case .policy = denials.policies[policy].denial, isConcerned(by: policy, denials, circumstances) else { continue }
      let applies = applies(met.number, of: policy, failing: .yes, denials, circumstances)
      if applies != .no { take(denials.policies[policy].denial, applies == .perhaps, met.isWhole) }
    }
    remainder.restrict(takingAll: takingAll, takingSome: takingSome, isOpen: isOpen)
  }
}
