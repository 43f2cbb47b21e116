public import AccessGraph
import Governance
import JSON
import Temporal

/// A text with its bytes as its identity, so that canonically equivalent ones stay apart.
struct Bytes: Hashable, Comparable {
  let bytes: [UInt8]

  init(_ text: String) { bytes = Array(text.utf8) }

  static func < (a: Bytes, b: Bytes) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
}

extension Right {
  /// A key that two rights share only if all their bytes are the same.
  public var exactKey: [UInt8] {
    let parts: [JSONValue] = [
      action.map { .string($0) } ?? .null, unknownRole.map { .string($0) } ?? .null, .string(resource), .string(scope),
      .array(conditions), .string(effect.rawValue),
    ]
    return JSONValue.array(parts).canonicalBytes()
  }
}

extension NaiveView {
  /// A status that a path gives, and whether the path is overdue.
  typealias Claim = (status: Status, isOverdue: Bool)

  /// Who, sorted by identity.
  ///
  /// - Parameter hasClock: whether conditions may look at the clock; not in questions over a stretch.
  public func who(_ subject: WhoSubject, hasClock: Bool = true) -> [Holder] {
    let order: [Status] = [.allowed, .conditional, .unknown]
    let identities = reaches.keys.sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
    return identities.compactMap { identity in
      // Built-in principals are listed themselves.
      let own = (paths[identity] ?? []).filter { !$0.isShared }
      let claims = claims(of: own, (reaches[identity] ?? []).filter { !$0.isShared }, on: subject, hasClock)
      guard let best = order.first(where: { status in claims.contains { $0.status == status } }) else { return nil }
      let without = claims.filter { $0.status == best }.allSatisfy(\.isOverdue)
      let isExternal = state.living[identity]?.document == .identity(.external)
      return Holder(identity: identity.id, status: best, isWithoutEntitlement: without, isExternal: isExternal)
    }
  }

  /// What paths and ways give of what is asked about.
  func claims(
    of paths: [NaivePath], _ reaches: [NaiveReach], on subject: WhoSubject, _ hasClock: Bool = true
  ) -> [Claim] {
    let nowhere = Circumstance(resource: nil, hasClock: hasClock)
    func claim(_ path: NaivePath, _ conditions: [JSONValue?]) -> Claim? {
      switch holds(conditions, path.bearer, nowhere) {
      case true: (.allowed, path.isOverdue)
      case false: nil
      case nil: (.conditional, path.isOverdue)
      }
    }
    switch subject {
    case .access(let action, let resource):
      let circumstance = Circumstance(resource: resource, hasClock: hasClock)
      return paths.flatMap { path in
        applying(path, action: action, circumstance, isRestricted: true).map { ($0.status, path.isOverdue) }
      }
    case .role(let role):
      return paths.filter { $0.role == .role(role) }.compactMap { claim($0, [$0.grant.condition]) }
    case .group(let group):
      return reaches.filter { $0.principal == .group(group) }.map { (.allowed, $0.isOverdue) }
    case .privileged:
      let privileged = privilegedActions
      return paths.flatMap { path -> [Claim] in
        guard let permissions = path.permissions else {
          // Nobody can say that it is not.
          let isThere = !privileged.isEmpty && holds([path.grant.condition], path.bearer, nowhere) != false
          return isThere ? [(.unknown, path.isOverdue)] : []
        }
        return permissions.filter { permission in
          permission.effect == .allow
            && permission.actions.contains { action in privileged.contains { NaivePattern.overlap(action, $0) } }
        }.compactMap { claim(path, [path.grant.condition, $0.condition]) }
      }
    }
  }

  private var privilegedActions: [String] {
    state.living.values.flatMap { living in
      guard case .policy(let policy) = living.document, policy.type == .privileged else { return [String]() }
      return policy.rule["actions"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }
  }

  /// The ways in which a path applies: by which permission, nil for a role whose document is not known.
  ///
  /// - Parameter isRestricted: whether denies and boundaries count.
  private func applying(
    _ path: NaivePath, action: String, _ circumstance: Circumstance, isRestricted: Bool
  ) -> [(index: Int?, status: Status, conditions: [JSONValue])] {
    guard let resource = circumstance.resource, NaivePattern.covers(path.grant.scope, resource) else { return [] }
    var keeps: Bool? = true
    if isRestricted { keeps = mayKeep(path.bearer, action: action, circumstance) }
    if keeps == false { return [] }
    guard let permissions = path.permissions else {
      guard let left = residual([path.grant.condition], path.bearer, circumstance) else { return [] }
      return [(nil, .unknown, left)]
    }
    return permissions.enumerated().compactMap { index, permission in
      guard permission.effect == .allow, permission.actions.contains(where: { NaivePattern.matches($0, action) }),
        permission.resources.contains(where: { NaivePattern.matches($0, resource) }),
        let left = residual([path.grant.condition, permission.condition], path.bearer, circumstance)
      else { return nil }
      return (index, left.isEmpty && keeps == true ? .allowed : .conditional, left)
    }
  }

  /// How much of a right is judged.
  public enum Judging { case nothing, allButClock, all }

  /// What, in no particular order.
  ///
  /// - Parameter isOwn: whether what built-in principals give is left out.
  public func what(_ identity: String, judging: Judging = .all, isOwn: Bool = false) -> [HeldRight] {
    typealias Row = (remainder: Remainder, isOverdue: Bool)
    var rights: [[UInt8]: Right] = [:]
    var rows: [[UInt8]: [Entity: Row]] = [:]
    for path in paths[.identity(identity)] ?? [] where !isOwn || !path.isShared {
      for right in Self.rights(of: path) {
        let key = right.exactKey
        let isOverdue = path.isOverdue && rows[key]?[path.bearer]?.isOverdue ?? true
        guard let remainder = remainder(of: right, path.bearer, judging) else { continue }
        rights[key] = right
        rows[key, default: [:]][path.bearer] = (remainder, isOverdue)
      }
    }
    let order: [Status] = [.allowed, .conditional, .unknown, .denied]
    return rights.map { key, right in
      let all = Array((rows[key] ?? [:]).values)
      guard let best = order.first(where: { status in all.contains { $0.remainder.status == status } }) else {
        preconditionFailure("a right without a bearer")
      }
      let rows = all.filter { $0.remainder.status == best }
      let rests = Set(rows.map { $0.remainder.openConditions.map(\.canonicalText) })
      let denials = rows.map(\.remainder.restrictedBy)
      return HeldRight(
        right: right,
        remainder: Remainder(
          status: best, openConditions: rests.count == 1 ? rows[0].remainder.openConditions : right.conditions,
          restrictedBy: denials.contains(where: \.isEmpty) ? [] : Self.sorted(denials.flatMap { $0 })),
        isWithoutEntitlement: best != .denied && rows.allSatisfy(\.isOverdue))
    }
  }

  private func remainder(of right: Right, _ bearer: Entity, _ judging: Judging) -> Remainder? {
    if judging == .nothing {
      return Remainder(status: right.status, openConditions: right.conditions, restrictedBy: [])
    }
    let circumstance = Circumstance(resource: nil, hasClock: judging == .all)
    guard let residual = residual(right.conditions, bearer, circumstance) else { return nil }
    let left = Self.conditions(residual)
    var status = right.status == .conditional && left.isEmpty ? .allowed : right.status
    if right.effect == .deny {
      return Remainder(status: status, openConditions: left, restrictedBy: [])
    }
    let takings = takings(of: right, from: bearer, circumstance)
    if takings.contains(where: \.isAll) { status = .denied }
    if status == .allowed, takings.contains(where: \.isOpen) { status = .conditional }
    let deciding = takings.filter { status != .denied || $0.isAll }.map(\.denial)
    return Remainder(status: status, openConditions: left, restrictedBy: Self.sorted(deciding))
  }

  static func sorted(_ denials: [Denial]) -> [Denial] {
    var byText: [Bytes: Denial] = [:]
    for denial in denials { byText[Bytes(denial.text)] = denial }
    return byText.sorted { $0.key < $1.key }.map(\.value)
  }

  private static func rights(of path: NaivePath) -> [Right] {
    let scope = path.grant.scope
    guard let permissions = path.permissions else {
      return [
        Right(
          action: nil, unknownRole: path.role.id, resource: "*", scope: scope,
          conditions: conditions([path.grant.condition]))
      ]
    }
    return permissions.flatMap { permission in
      permission.actions.flatMap { action in
        permission.resources.map { resource in
          Right(
            effect: permission.effect, action: action, resource: resource, scope: scope,
            conditions: conditions([path.grant.condition, permission.condition]))
        }
      }
    }
  }

  private static func conditions(_ all: [JSONValue?]) -> [JSONValue] {
    var byText: [Bytes: JSONValue] = [:]
    for condition in all.compactMap({ $0 }) { byText[Bytes(condition.canonicalText)] = condition }
    return byText.sorted { $0.key < $1.key }.map(\.value)
  }

  /// Entitlements on scopes at, above or below the resource; nil for all.
  public func entitlements(resource: String?) -> [Entitlement] {
    paths.keys.flatMap { identity in
      what(identity.id, isOwn: true).filter { NaivePattern.concerns($0.right.scope, resource) }
        .map { Entitlement(identity: identity.id, right: $0.right, remainder: $0.remainder) }
    }
  }

  /// The sources that vouch for a resource, sorted.
  public func coverage(of resource: String) -> [String] {
    func covers(_ cover: NaiveState.Cover) -> Bool { NaivePattern.covers(cover.resource.id, resource) }
    let vouching = Set(state.coverage.keys.filter(covers).map(\.source))
    let silent = Set(state.gaps.keys.filter(covers).map(\.source))
    return vouching.subtracting(silent).map(\.id).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// Why, with all paths, in no particular order; steps do not say when an end was due, but `overdue` has the paths with one.
  public func why(_ identity: String, action: String, resource: String) -> (answer: WhyAnswer, overdue: Set<Path>) {
    let circumstance = Circumstance(resource: resource)
    var found: [Path] = []
    var overdue: Set<Path> = []
    var left: [Status] = []
    for path in paths[.identity(identity)] ?? [] {
      for way in applying(path, action: action, circumstance, isRestricted: false) {
        let answer = Self.path(path, by: way.index, way.status, way.conditions)
        found.append(answer)
        if path.isOverdue { overdue.insert(answer) }
      }
      left += applying(path, action: action, circumstance, isRestricted: true).map(\.status)
    }
    var (status, reason) = decision(.identity(identity), resource, left)
    if reason == "no_path", !found.isEmpty { reason = "restricted" }
    return (WhyAnswer(status: status, reason: reason, paths: found, isTruncated: false), overdue)
  }

  private func decision(_ identity: Entity, _ resource: String, _ found: [Status]) -> (Status, String?) {
    if !everKnown.contains(identity) { return (.unknown, "identity_unknown") }
    if state.suspended[identity] != nil { return (.denied, "identity_suspended") }
    if !state.exists(identity) { return (.denied, "identity_retired") }
    if coverage(of: resource).isEmpty { return (.unknown, "not_covered") }
    if found.contains(.allowed) { return (.allowed, nil) }
    if found.contains(.conditional) { return (.conditional, nil) }
    return found.isEmpty ? (.denied, "no_path") : (.unknown, "role_unknown")
  }

  private static func path(_ path: NaivePath, by index: Int?, _ status: Status, _ left: [JSONValue]) -> Path {
    let last = Step(
      kind: .permission(role: path.role.id, index: index ?? unknownPermission), position: path.definition.position,
      effectiveAt: path.definition.effectiveAt)
    return Path(steps: path.steps + [last], conditions: conditions(left), status: status)
  }

  /// The index by which a path's last step names a document that is not known.
  private static let unknownPermission = -1
}
