import AccessGraph
import EventLog
import Governance
import JSON
import Temporal
import Usage

extension Job {
  /// Finds permissions, roles and assignments that nobody has used for as long as their window.
  ///
  /// Only time counts over which usage coverage could see every use; of what it could not see nothing is said. Counts as of every job
  /// that flags, and `assignments`, those looked at.
  public static let flagUnused = Job(
    name: FlagUnused.name, summary: "finds permissions, roles and assignments that nobody uses",
    schedule: .fixed("10 3 * * *"), catchUp: .once
  ) { try FlagUnused(context: $0).run() }
}

/// One run of the job.
///
/// The window of an assignment lies where its scope does; that of a role's pattern is the longest of its assignments'. What is
/// counted of it are the stretches since its last use over which it was given to somebody and every use would have been seen; so
/// a gap in the coverage makes it take longer, and is no evidence for either.
private struct FlagUnused {
  static let name = "flag-unused"
  static let rules = [permission, role, assignment]
  private static let permission = "unused_permission"
  private static let role = "unused_role"
  private static let assignment = "unused_assignment"
  let context: JobContext

  func run() throws -> JobReport {
    let sweep = try FindingSweep(job: Self.name, rules: Self.rules, context: context)
    let windows = try sweep.tenant.read { FindingWindows(in: $0.world(asKnownAt: $0.position), at: sweep.now) }
    var tally = UnusedTally(windows: windows, now: sweep.now)
    let assignments = try sweep.tenant.read { $0.ids(of: .assignment) }
    let position = sweep.tenant.head.position
    let window = Interval(
      from: sweep.now.adding(microseconds: -UnusedTally.lookedBackDays * 86_400_000_000), to: sweep.now.next)
    var rest = assignments[...]
    var looked: Int64 = 0
    while !rest.isEmpty {
      if context.isOver() {
        sweep.cutShort()
        break
      }
      let slice = rest.prefix(UsageStore.exercisedAtOnce)
      rest = rest.dropFirst(slice.count)
      let live = try sweep.tenant.read { graph in
        let world = graph.world(asKnownAt: position)
        return slice.filter { world.value(of: .assignment(id: $0), at: sweep.now) != nil }
      }
      looked += Int64(live.count)
      for exercise in try UsageStore(sweep.tenant).exercise(of: Array(live), during: window, asKnownAt: position) {
        tally.add(exercise)
      }
    }
    // What is not known of all its assignments is not known of a role.
    if rest.isEmpty { try note(tally, sweep, position) }
    var report = try sweep.finish()
    report.counts["assignments"] = looked
    return report
  }

  private func note(_ tally: UnusedTally, _ sweep: FindingSweep, _ position: Int64) throws {
    try sweep.note(
      tally.unusedAssignments.map { unused in
        Finding(
          rule: Self.assignment, subject: Entity(.assignment, unused.id), evidence: unused.evidence,
          fix: ["type": "assignment.revoke", "id": .string(unused.id)])
      })
    try sweep.note(
      tally.unusedRoles.map { role, assignments in
        Finding(rule: Self.role, subject: .role(role), evidence: ["assignments": .integer(Int64(assignments))])
      })
    let patterns = tally.unusedPatterns
    if patterns.isEmpty { return }
    // A graph of the job's own, for what has not been done is tried on it.
    let graph = try sweep.tenant.ownGraph()
    for start in stride(from: 0, to: patterns.count, by: FindingSweep.findingsPerSlice) {
      if context.isOver() { return sweep.cutShort() }
      let slice = patterns[start..<min(start + FindingSweep.findingsPerSlice, patterns.count)]
      try sweep.note(slice.compactMap { finding(about: $0, in: graph, at: sweep.now) })
    }
  }

  /// The finding with the smaller role that would mend it, and what would be lost by that.
  private func finding(about unused: UnusedTally.Pattern, in graph: AccessGraph, at t: Instant) -> Finding? {
    let world = graph.world(asKnownAt: graph.position)
    guard case .role(let document)? = world.value(of: .existence(.role(unused.role)), at: t)?.value,
      let permission = document.permissions.flatMap({ $0.indices.contains(unused.index) ? $0[unused.index] : nil }),
      permission.actions.contains(where: { $0.isExactly(unused.pattern) })
    else { return nil }
    let pattern = RolePattern(unused.pattern, of: permission)
    guard let smaller = document.without(pattern) else { return nil }
    let loss = graph.loss(of: unused.identities, byDefining: unused.role, as: smaller, at: t)
    var evidence = unused.evidence
    evidence["permission"] = pattern.json
    evidence["would_lose"] = loss.json
    return Finding(
      rule: Self.permission, subject: .role(unused.role), evidence: .object(evidence), fix: smaller.revision(of: unused.role))
  }
}

/// What usage says of all assignments together.
struct UnusedTally {
  /// How far back is looked for the last use: as long as the longest window.
  static let lookedBackDays: Int64 = 3_650

  /// A pattern of a role that nobody used.
  struct Pattern {
    let role: String
    let index: Int
    let pattern: String
    let evidence: JSONObject
    /// Whom it reaches, in byte order.
    let identities: [String]
  }

  /// An assignment of which nothing was used.
  struct Assignment {
    let id: String
    let evidence: JSONValue
  }

  private struct Key: Hashable {
    let role: Entity
    let index: Int
    let pattern: Entity
  }

  private struct Sum {
    var lastUsed: Instant?
    var held = IntervalSet()
    /// When any of the assignments gave it and not every use would have been seen.
    var unseen = IntervalSet()
    var isAllObserved = true
    var days: Int64 = 0
    var assignments = 0
    var identities: Set<Entity> = []
  }

  private let windows: FindingWindows
  private let now: Instant
  private var patterns: [Key: Sum] = [:]
  private var roles: [Entity: (unused: Int, all: Int)] = [:]
  private(set) var unusedAssignments: [Assignment] = []

  init(windows: FindingWindows, now: Instant) {
    self.windows = windows
    self.now = now
  }

  /// Takes in one that holds now.
  mutating func add(_ exercise: AssignmentExercise) {
    let scope = exercise.grant.scope
    // Whoever uses what another account has as a whole is told of, if at all, by a name of his own.
    let isObservable = !exercise.identities.contains { $0.utf8.starts(with: BuiltIn.accountPrefix.utf8) }
    for permission in exercise.permissions where permission.liesInScope && !permission.held.isEmpty {
      // The pattern as bytes, for which any kind of entity will do.
      let key = Key(role: .role(permission.role), index: permission.index, pattern: Entity(.resource, permission.pattern))
      var sum = patterns[key] ?? Sum()
      sum.lastUsed = [sum.lastUsed, permission.used.map(\.lastUsed).max()].compactMap { $0 }.max()
      sum.held = sum.held.union(permission.held)
      sum.unseen = sum.unseen.union(permission.held.subtracting(permission.observed))
      sum.isAllObserved = sum.isAllObserved && isObservable && !permission.observed.isEmpty
      sum.days = max(sum.days, windows.days("unused_permission", scope: scope))
      sum.assignments += 1
      for identity in exercise.identities { sum.identities.insert(.identity(identity)) }
      patterns[key] = sum
    }
    let isUnused = isObservable && note(exercise, days: windows.days("unused_assignment", scope: scope))
    let role = Entity.role(exercise.grant.role)
    let isUnusedAsRole = isUnused && lies(exercise, beyond: windows.days("unused_role", scope: scope))
    roles[role, default: (0, 0)].all += 1
    if isUnusedAsRole { roles[role, default: (0, 0)].unused += 1 }
  }

  private mutating func note(_ exercise: AssignmentExercise, days: Int64) -> Bool {
    guard lies(exercise, beyond: days) else { return false }
    var evidence: JSONObject = [
      "principal": .string(exercise.grant.principal.description), "role": .string(exercise.grant.role),
      "scope": .string(exercise.grant.scope), "window_days": .integer(days),
    ]
    evidence["last_used"] = exercise.lastUsed.map { .string($0.description) } ?? .null
    unusedAssignments.append(Assignment(id: exercise.assignment, evidence: .object(evidence)))
    return true
  }

  /// Whether nothing of an assignment was used for so long, all of which could be seen.
  private func lies(_ exercise: AssignmentExercise, beyond days: Int64) -> Bool {
    let given = exercise.permissions.filter(\.liesInScope)
    guard exercise.isDocumentKnown, !given.isEmpty else { return false }
    let since = exercise.lastUsed?.next ?? .earliest
    return given.allSatisfy { isLong($0.observed, since: since, days: days) }
  }

  /// Whether the part of some stretches since an instant lasts as long as a window; nothing never does.
  private func isLong(_ stretches: IntervalSet, since: Instant, days: Int64) -> Bool {
    guard let counted = Interval(exactly: since, to: now) else { return false }
    let seen = stretches.intersection(counted)
    let length = seen.intervals.reduce(Int64(0)) { $0 + $1.from.distance(to: $1.to ?? now) }
    return !seen.isEmpty && length >= days * 86_400_000_000
  }

  /// The roles of which every assignment is unused, with how many there are.
  var unusedRoles: [(role: String, assignments: Int)] {
    roles.filter { $0.value.unused == $0.value.all }.map { ($0.key.id, $0.value.all) }.sorted { $0.0.precedes($1.0) }
  }

  /// The patterns that nobody used, in the order of their roles.
  var unusedPatterns: [Pattern] {
    patterns.filter { _, sum in
      sum.isAllObserved && isLong(sum.held.subtracting(sum.unseen), since: sum.lastUsed?.next ?? .earliest, days: sum.days)
    }.sorted { a, b in
      if a.key.role != b.key.role { return a.key.role < b.key.role }
      return a.key.index != b.key.index ? a.key.index < b.key.index : a.key.pattern < b.key.pattern
    }.map { key, sum in
      var evidence: JSONObject = ["assignments": .integer(Int64(sum.assignments)), "window_days": .integer(sum.days)]
      evidence["last_used"] = sum.lastUsed.map { .string($0.description) } ?? .null
      return Pattern(
        role: key.role.id, index: key.index, pattern: key.pattern.id, evidence: evidence,
        identities: sum.identities.sorted().map(\.id))
    }
  }
}
