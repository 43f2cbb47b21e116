import AccessGraph
import EventLog
import Governance
import Postgres
public import Temporal

/// What an assignment gave over a window, to whom, and what of it usage coverage could see: all that the world says, before usage
/// is looked at.
struct ExerciseGround {
  var assignment: String
  var grant: Grant
  var held: IntervalSet
  var isDocumentKnown = true
  /// Whom it reached, and when; everyone by the name of the built-in principal.
  var reached: [Entity: IntervalSet] = [:]
  var permissions: [ExercisedPermission] = []
}

extension World {
  /// What an assignment gave over a window; nil where it held at no time in it.
  ///
  /// O(facts about the principal, its members and their persons, and definitions of the roles).
  ///
  /// - Parameters:
  ///   - moments: only what it gave at these. The default is all the while.
  ///   - bearer: only to whom this principal stands for, whom the assignment reaches at these moments. The default is its own
  ///     principal.
  func ground(
    of assignment: String, during window: Interval, at moments: IntervalSet = IntervalSet(.always), to bearer: Entity? = nil,
    seenBy coverage: UsageCoverage, _ histories: inout RoleHistories
  ) -> ExerciseGround? {
    var held = IntervalSet()
    var found: Grant?
    for span in holds(.assignment(id: assignment)) {
      guard case .grant(let grant) = span.value, let part = span.interval.intersection(window) else { continue }
      let given = moments.intersection(part)
      if given.isEmpty { continue }
      held = held.union(given)
      found = grant
    }
    guard let grant = found, let last = held.lastInstant else { return nil }
    var ground = ExerciseGround(assignment: assignment, grant: grant, held: held)
    ground.reached = reached(by: bearer ?? grant.principal, during: held)
    let closure = histories.history(of: grant.role, in: self)
    ground.isDocumentKnown = closure.isKnown(at: last)
    for (role, index, permission) in closure.permissions(at: last) where permission.effect == .allow {
      for pattern in permission.actions {
        let given = closure.gives(RolePattern(pattern, of: permission), in: role).intersection(held)
        let paths = permission.resources.compactMap { Self.reach(of: $0, within: grant.scope) }
        let observed = paths.reduce(given) { $0.intersection(coverage.sees(Pattern(pattern), below: $1)) }
        ground.permissions.append(
          ExercisedPermission(
            role: role, index: index, pattern: pattern, resources: permission.resources, held: given,
            liesInScope: !paths.isEmpty, observed: paths.isEmpty ? IntervalSet() : observed, used: []))
      }
    }
    return ground
  }

  /// Whom a principal stands for, and when: itself, a group's members, and of each of these the person whose account it is.
  ///
  /// A person is not followed on: who is himself an account of another acts by what he was reached with, and nothing more.
  func reached(by principal: Entity, during stretch: IntervalSet) -> [Entity: IntervalSet] {
    var walked: [Entity: IntervalSet] = [:]
    walk(principal, during: stretch, into: &walked)
    var reached = walked
    for (bearer, moments) in walked where bearer.kind == .identity {
      for span in holds(.link(account: bearer.id)) {
        guard case .person(let person) = span.value else { continue }
        let linked = moments.intersection(span.interval)
        if linked.isEmpty { continue }
        reached[.identity(person)] = (reached[.identity(person)] ?? IntervalSet()).union(linked)
      }
    }
    return reached
  }

  /// Adds a principal, and of a group all below it.
  private func walk(_ principal: Entity, during stretch: IntervalSet, into walked: inout [Entity: IntervalSet]) {
    let known = walked[principal] ?? IntervalSet()
    // Only what is new goes on, so that groups in a circle come to an end.
    let new = stretch.subtracting(known)
    if new.isEmpty { return }
    walked[principal] = known.union(new)
    guard principal.kind == .group else { return }
    for case .membership(let group, let member) in memberships(in: principal.id) {
      let holding = IntervalSet(holds(.membership(group: group, member: member)).map(\.interval))
      walk(member, during: new.intersection(holding), into: &walked)
    }
  }

  /// The deepest path that has all of what a pattern matches within a scope below it; nil where that is nothing.
  private static func reach(of pattern: String, within scope: String) -> String? {
    let isWild = { (byte: UInt8) in byte == UInt8(ascii: "*") || byte == UInt8(ascii: "?") }
    let literal = pattern.utf8.prefix { !isWild($0) }
    if literal.count == pattern.utf8.count {
      return Scope.covers(scope, pattern) ? pattern : nil
    }
    guard let slash = literal.lastIndex(of: UInt8(ascii: "/")), slash > literal.startIndex else { return scope }
    let folder = String(pattern[..<slash])
    if Scope.covers(scope, folder) { return folder }
    return Scope.covers(folder, scope) ? scope : nil
  }
}

extension IntervalSet {
  /// The last instant in it; nil where it is empty.
  var lastInstant: Instant? {
    intervals.last.map { $0.to.map { $0.adding(microseconds: -1) } ?? .latest }
  }
}

/// The histories of the roles of several assignments, each read once.
struct RoleHistories {
  private var histories: [Entity: RoleHistory] = [:]

  fileprivate mutating func history(of role: String, in world: some World) -> RoleHistory {
    if let known = histories[.role(role)] { return known }
    let history = RoleHistory(of: role, in: world)
    histories[.role(role)] = history
    return history
  }
}

/// The definitions that a role ever had, and those of all roles that any of them includes, transitively.
private struct RoleHistory {
  private let root: String
  private var definitions: [Entity: [Span]] = [:]
  /// The roles that each includes, with when: one that was retired since is not included again by coming back.
  private var inclusions: [Entity: [(role: String, during: IntervalSet)]] = [:]
  /// When each role that the root is or includes permits each pattern.
  private var given: [Entity: [RolePattern: IntervalSet]] = [:]

  init(of role: String, in world: some World) {
    root = role
    read(role, in: world)
    let stretches = definitions.values.joined().map(\.interval) + inclusions.values.joined().flatMap(\.during.intervals)
    let turns = Set(stretches.flatMap { [$0.from] + ($0.to.map { [$0] } ?? []) }).sorted()
    for (index, from) in turns.enumerated() {
      let stretch = Interval(from: from, to: index + 1 < turns.count ? turns[index + 1] : nil)
      for (role, document) in closure(at: from) {
        for permission in document.permissions ?? [] where permission.effect == .allow {
          for pattern in permission.actions {
            given[.role(role), default: [:]][RolePattern(pattern, of: permission), default: IntervalSet()].insert(stretch)
          }
        }
      }
    }
  }

  private mutating func read(_ role: String, in world: some World) {
    var waiting = [role]
    while let next = waiting.popLast() {
      let entity = Entity.role(next)
      guard definitions[entity] == nil else { continue }
      definitions[entity] = world.holds(.existence(entity))
      let included = world.rolesIncluded(in: next).map { (role: $0.0, during: $0.1) }
      inclusions[entity] = included
      waiting += included.map(\.role)
    }
  }

  private func document(_ role: String, at t: Instant) -> RoleDocument? {
    guard case .role(let document) = definitions[.role(role)]?.first(where: { $0.contains(t) })?.value else { return nil }
    return document
  }

  /// The roles that the root is and includes at t, in the order of their finding; those that do not exist are left out.
  private func closure(at t: Instant) -> [(role: String, document: RoleDocument)] {
    var found: [(String, RoleDocument)] = []
    var seen: Set<Entity> = []
    var waiting = [root]
    while !waiting.isEmpty {
      let role = waiting.removeFirst()
      guard seen.insert(.role(role)).inserted, let document = document(role, at: t) else { continue }
      found.append((role, document))
      waiting += (inclusions[.role(role)] ?? []).filter { $0.during.contains(t) }.map(\.role)
    }
    return found
  }

  /// Whether all documents are known at t.
  func isKnown(at t: Instant) -> Bool { closure(at: t).allSatisfy { $0.document.permissions != nil } }

  /// Every permission that the root gives at t.
  func permissions(at t: Instant) -> [(role: String, index: Int, permission: Permission)] {
    closure(at: t).flatMap { role, document in
      (document.permissions ?? []).enumerated().map { (role, $0.offset, $0.element) }
    }
  }

  /// When the root gave the pattern by the same role, on the same resources and conditions, whatever stood beside it.
  func gives(_ pattern: RolePattern, in role: String) -> IntervalSet { given[.role(role)]?[pattern] ?? IntervalSet() }
}

extension UsageStore {
  /// Assignments that one call looks at: their usage is in memory at a time.
  public static let exercisedAtOnce = 1_000
  /// Identities whose usage one statement fetches.
  private static let identitiesAtOnce = 200

  /// Which permissions of some assignments were used over a window, by whomever they reached.
  ///
  /// A use counts for every assignment that gave it at its moment: its action and resource match one of the permissions within the
  /// scope, and whoever used it was reached. One whose resource the source does not name counts by its action. Conditions are not judged, and what was denied was no use. Of days whose rows are gone
  /// only the first and the last use are known to the instant.
  /// - Parameters:
  ///   - assignments: at most ``exercisedAtOnce``; those that held at no time in the window are left out.
  ///   - window: the stretch of time.
  ///   - k: the position up to which the world is known.
  public func exercise(
    of assignments: [String], during window: Interval, asKnownAt k: Int64
  ) throws -> [AssignmentExercise] {
    precondition(assignments.count <= Self.exercisedAtOnce, "at most \(Self.exercisedAtOnce) assignments at once")
    let coverage = try tenant.read { UsageCoverage($0.world(asKnownAt: k)) }
    var histories = RoleHistories()
    let grounds = try assignments.compactMap { assignment in
      try tenant.read { $0.world(asKnownAt: k).ground(of: assignment, during: window, seenBy: coverage, &histories) }
    }
    return try exercises(on: grounds, during: window, asKnownAt: k)
  }

  /// What was used of all that some grounds gave; each ground is answered in its place.
  func exercises(on grounds: [ExerciseGround], during window: Interval, asKnownAt k: Int64) throws -> [AssignmentExercise] {
    let identities = Set(grounds.flatMap { $0.reached.keys }.filter { $0.kind == .identity }).sorted()
    let days = UsageDay(of: window.from)...UsageDay(of: window.to ?? .latest)
    var usage: [Entity: [DailyUsage]] = [:]
    if identities.contains(.identity(BuiltIn.everyone)) || identities.contains(.identity(BuiltIn.authenticated)) {
      try addUsage(of: nil, days, to: &usage)
    } else {
      for start in stride(from: 0, to: identities.count, by: Self.identitiesAtOnce) {
        let some = identities[start..<min(start + Self.identitiesAtOnce, identities.count)].map(\.id)
        try addUsage(of: some, days, to: &usage)
      }
    }
    return try grounds.map { ground in
      let users = try reached(by: ground, among: usage.keys, asKnownAt: k)
      return try exercise(ground, users, usage)
    }
  }

  private func addUsage(
    of identities: [String]?, _ days: ClosedRange<UsageDay>, to usage: inout [Entity: [DailyUsage]]
  ) throws {
    var place: DailyUsagePlace?
    repeat {
      let page = try daily(of: identities, days: days, after: place)
      for entry in page where entry.lastPermitted != nil { usage[.identity(entry.identity), default: []].append(entry) }
      place = page.count < Self.maximumDailyPage ? nil : page.last.map(DailyUsagePlace.init)
    } while place != nil
  }

  /// Whom an assignment reached of those who used anything, and when: by name, as one of everyone, or as one who was known.
  private func reached(
    by ground: ExerciseGround, among users: some Collection<Entity>, asKnownAt k: Int64
  ) throws -> [Entity: IntervalSet] {
    let everyone = ground.reached[.identity(BuiltIn.everyone)] ?? IntervalSet()
    let authenticated = ground.reached[.identity(BuiltIn.authenticated)] ?? IntervalSet()
    if everyone.isEmpty, authenticated.isEmpty { return ground.reached.filter { $0.key.kind == .identity } }
    return try tenant.read { graph in
      let world = graph.world(asKnownAt: k)
      let reached = users.map { user in
        let known = Existence.stretches(of: world.entries(of: .existence(user))).compactMap { stretch in
          Interval(exactly: stretch.since.effective, to: stretch.until?.effective)
        }
        let byName = ground.reached[user] ?? IntervalSet()
        return (user, byName.union(everyone).union(authenticated.intersection(IntervalSet(known))))
      }
      return Dictionary(uniqueKeysWithValues: reached)
    }
  }

  private func exercise(
    _ ground: ExerciseGround, _ reached: [Entity: IntervalSet], _ usage: [Entity: [DailyUsage]]
  ) throws -> AssignmentExercise {
    var permissions = ground.permissions
    for index in permissions.indices {
      let permission = permissions[index]
      let pattern = Pattern(permission.pattern)
      let resources = permission.resources.map { Pattern($0) }
      var last: [Entity: Instant] = [:]
      for (identity, during) in reached {
        let moments = during.intersection(permission.held)
        for entry in usage[identity] ?? [] {
          // Where the source names no resource, it may have been any: what may be a use is none of what is unused.
          let isWithin =
            entry.resource.map { resource in
              Scope.covers(ground.grant.scope, resource) && resources.contains { $0.matches(resource) }
            } ?? true
          guard isWithin, pattern.matches(entry.action), let moment = try lastUse(of: entry, in: moments) else { continue }
          // Actions as bytes, for which any kind of entity will do.
          let action = Entity(.resource, entry.action)
          last[action] = max(last[action] ?? .earliest, moment)
        }
      }
      permissions[index].used = last.sorted { $0.key < $1.key }.map { ExercisedAction(action: $0.key.id, lastUsed: $0.value) }
    }
    return AssignmentExercise(
      assignment: ground.assignment, grant: ground.grant, held: ground.held, isDocumentKnown: ground.isDocumentKnown,
      reached: ground.reached.filter { $0.key.kind == .identity }, permissions: permissions)
  }

  /// The last use of an entry that lies in some moments and was not denied; nil where none does.
  private func lastUse(of entry: DailyUsage, in moments: IntervalSet) throws -> Instant? {
    guard let first = entry.firstPermitted, let last = entry.lastPermitted else { return nil }
    if moments.contains(last) { return last }
    let parts = moments.intersection(Interval(from: first, to: last.next)).intervals
    if parts.isEmpty { return nil }
    // The moments end or begin within the day: only its rows say which uses lie in them.
    return try lastRow(of: entry, in: parts) ?? (moments.contains(first) ? first : nil)
  }

  private func lastRow(of entry: DailyUsage, in parts: [Interval]) throws -> Instant? {
    let from = parts.map(\.from.timestamp)
    let to = parts.map { ($0.to ?? entry.day.end).timestamp }
    return try tenant.withConnection { connection in
      try connection.query(
        """
        SELECT max(u.used_at) FROM tenure.usage u
        WHERE u.tenant_id = \(tenant.id) AND u.used_at >= \(unsafe: entry.day.literal)
          AND u.used_at < \(unsafe: entry.day.adding(days: 1).literal) AND u.identity = \(entry.identity)
          AND u.action = \(entry.action) AND coalesce(u.resource, '') = \(entry.resource ?? "") AND u.outcome <> 'denied'
          AND EXISTS (
            SELECT FROM unnest(\(from), \(to)) AS part (since, until) WHERE u.used_at >= since AND u.used_at < until)
        """
      )[0].optionalTimestamp(0).map { Instant($0) }
    }
  }
}
