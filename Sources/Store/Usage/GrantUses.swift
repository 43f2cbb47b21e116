import AccessGraph
import EventLog
public import Governance
public import Temporal

/// What usage says of a grant: of an assignment by itself, of a membership by every assignment that it leads to.
public struct GrantExercise: Hashable, Sendable {
  /// The grant.
  public var grant: GrantName
  /// When it held, within the window.
  public var held: IntervalSet
  /// The assignments that give something by it, each with what it gave to whom by this grant, and while it did.
  public var exercises: [AssignmentExercise]

  /// When it was used last up to a moment, and how far usage coverage could have seen a use.
  ///
  /// - Parameter t: the last moment of the window.
  public func lastUse(at t: Instant) -> LastUse {
    let last = exercises.compactMap(\.lastUsed).max()
    if let since = seenSince(t) { return LastUse(at: last, seen: Interval(from: since)) }
    let seen = seen.intervals.last
    return LastUse(at: last, seen: seen, unseen: unseenReason(at: t, seen))
  }

  /// When it gave something of which every use would have been seen.
  private var seen: IntervalSet {
    let gave = exercises.reduce(IntervalSet()) { $0.union($1.gave) }
    return exercises.reduce(gave) { $0.subtracting($1.unseen) }
  }

  /// What gives something by it at a moment.
  private func giving(at t: Instant) -> [AssignmentExercise] { exercises.filter { $0.held.contains(t) } }

  /// Since when every use of what it gives at t, and of what it gave meanwhile, would have been seen; nil where one would not be now.
  private func seenSince(_ t: Instant) -> Instant? {
    let giving = giving(at: t)
    let permissions = giving.flatMap(\.permissions).filter { $0.liesInScope && $0.held.contains(t) }
    guard giving.allSatisfy(\.isDocumentKnown), !permissions.isEmpty,
      let whole = seen.intervals.last(where: { $0.contains(t) })
    else { return nil }
    // What was added to a role lately was looked at lately.
    let since = permissions.compactMap { permission in permission.observed.intervals.first { $0.contains(t) }?.from }
    return since.count == permissions.count ? since.reduce(whole.from, max) : nil
  }

  private func unseenReason(at t: Instant, _ seen: Interval?) -> UnseenReason {
    if !held.contains(t) { return .ended }
    let giving = giving(at: t)
    if giving.contains(where: { !$0.isDocumentKnown }) { return .roleUnknown }
    if giving.allSatisfy({ !$0.gave.contains(t) }) { return .givesNothing }
    return seen == nil ? .neverCovered : .coverageEnded
  }
}

extension World {
  /// When a membership held within a window, and when it led to each assignment of its group and of the groups above.
  func ways(of membership: Fact, during window: Interval) -> (held: IntervalSet, assignments: [Entity: IntervalSet]) {
    guard case .membership(let group, _) = membership else { return (IntervalSet(), [:]) }
    let held = IntervalSet(holds(membership).map(\.interval)).intersection(window)
    var above: [Entity: IntervalSet] = [:]
    var open: [(Entity, IntervalSet)] = [(.group(group), held)]
    while let (principal, moments) = open.popLast() {
      // Only what is new goes on, so that groups in a circle come to an end.
      let new = moments.subtracting(above[principal] ?? IntervalSet())
      if new.isEmpty { continue }
      above[principal] = (above[principal] ?? IntervalSet()).union(new)
      for fact in memberships(of: principal) {
        guard case .membership(let higher, let member) = fact, member == principal else { continue }
        open.append((.group(higher), new.intersection(IntervalSet(holds(fact).map(\.interval)))))
      }
    }
    var assignments: [Entity: IntervalSet] = [:]
    for (principal, moments) in above {
      for case .assignment(let id) in self.assignments(to: principal) {
        for span in holds(.assignment(id: id)) {
          guard case .grant(let grant) = span.value, grant.principal == principal else { continue }
          let led = moments.intersection(span.interval)
          if led.isEmpty { continue }
          let assignment = Entity(.assignment, id)
          assignments[assignment] = (assignments[assignment] ?? IntervalSet()).union(led)
        }
      }
    }
    return (held, assignments)
  }
}

extension UsageStore {
  /// Assignments by memberships whose usage is in memory at a time: a group may be given many.
  private static let groundsAtOnce = 2_000

  /// Which permissions of some grants were used over a window: of a membership all that it led to, by whoever had it through it.
  ///
  /// Of a membership as of an assignment (``exercise(of:during:asKnownAt:)``): a use counts for each that gave it at its moment,
  /// though another gave it too.
  public func exercise(
    ofGrants grants: [GrantName], during window: Interval, asKnownAt k: Int64
  ) throws -> [GrantExercise] {
    let coverage = try tenant.read { UsageCoverage($0.world(asKnownAt: k)) }
    var search = GroundSearch(window: window, coverage: coverage)
    var found: [GrantExercise] = []
    var pending: [(grant: GrantName, held: IntervalSet, count: Int)] = []
    var grounds: [ExerciseGround] = []
    func settle() throws {
      var rest = try exercises(on: grounds, during: window, asKnownAt: k)[...]
      for (grant, held, count) in pending {
        found.append(GrantExercise(grant: grant, held: held, exercises: Array(rest.prefix(count))))
        rest = rest.dropFirst(count)
      }
      (pending, grounds) = ([], [])
    }
    for grant in grants {
      let (held, more) = try tenant.read { search.grounds(of: grant, in: $0.world(asKnownAt: k)) }
      pending.append((grant, held, more.count))
      grounds += more
      if grounds.count >= Self.groundsAtOnce { try settle() }
    }
    try settle()
    return found
  }
}

/// Finds what grants gave; remembers what many memberships of one group lead to.
private struct GroundSearch {
  let window: Interval
  let coverage: UsageCoverage
  private var histories = RoleHistories()
  private var whole: [Entity: ExerciseGround?] = [:]

  init(window: Interval, coverage: UsageCoverage) {
    self.window = window
    self.coverage = coverage
  }

  mutating func grounds(of grant: GrantName, in world: some World) -> (held: IntervalSet, grounds: [ExerciseGround]) {
    guard case .membership(_, let member) = grant else {
      let held = IntervalSet(world.holds(grant.fact).map(\.interval)).intersection(window)
      let ground = grant.assignment.flatMap { world.ground(of: $0, during: window, seenBy: coverage, &histories) }
      return (held, ground.map { [$0] } ?? [])
    }
    let (held, led) = world.ways(of: grant.fact, during: window)
    let sorted = led.sorted { $0.key < $1.key }
    return (held, sorted.compactMap { ground(of: $0.key, at: $0.value, to: member, in: world) })
  }

  /// What an assignment gave to a member at some moments.
  private mutating func ground(
    of assignment: Entity, at moments: IntervalSet, to member: Entity, in world: some World
  ) -> ExerciseGround? {
    // Whom it reaches by other members is not looked at: a group may have a hundred thousand.
    let known = whole[assignment]
    let found =
      known ?? world.ground(of: assignment.id, during: window, to: member, seenBy: coverage, &histories)
    whole[assignment] = .some(found)
    guard let all = found else { return nil }
    let led = all.held.intersection(moments)
    guard led.lastInstant == all.held.lastInstant else {
      // It gave by then what its role gave then.
      return world.ground(of: assignment.id, during: window, at: moments, to: member, seenBy: coverage, &histories)
    }
    var ground = all
    ground.held = led
    ground.reached = world.reached(by: member, during: led)
    for index in ground.permissions.indices {
      ground.permissions[index].held = ground.permissions[index].held.intersection(led)
      ground.permissions[index].observed = ground.permissions[index].observed.intersection(led)
    }
    return ground
  }
}
