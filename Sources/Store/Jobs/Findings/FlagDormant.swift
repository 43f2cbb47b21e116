import AccessGraph
import EventLog
import Governance
import JSON
import Temporal
import Usage

extension Job {
  /// Finds identities that have access and have done nothing for as long as their window.
  ///
  /// Only time counts over which usage coverage could see all that the identity has access to; where it could not, nothing is said.
  /// Counts as of every job that flags.
  public static let flagDormant = Job(
    name: FlagDormant.name, summary: "finds identities that have access and do nothing",
    schedule: .fixed("20 3 * * *"), catchUp: .once
  ) { try FlagDormant(context: $0).run() }
}

/// One run of the job.
private struct FlagDormant {
  static let name = "flag-dormant"
  static let rule = "dormant_identity"
  /// Identities looked at together: their last uses are one round trip.
  static let identitiesPerSlice = 256

  let context: JobContext

  func run() throws -> JobReport {
    let sweep = try FindingSweep(job: Self.name, rules: [Self.rule], context: context)
    let windows = try sweep.tenant.read { FindingWindows(in: $0.world(asKnownAt: $0.position), at: sweep.now) }
    let assignments = try sweep.tenant.read { $0.ids(of: .assignment) }
    let position = sweep.tenant.head.position
    let window = Interval(
      from: sweep.now.adding(microseconds: -UnusedTally.lookedBackDays * 86_400_000_000), to: sweep.now.next)
    var seen: [Entity: Seen] = [:]
    var rest = assignments[...]
    while !rest.isEmpty {
      if context.isOver() {
        sweep.cutShort()
        return try sweep.finish()
      }
      let slice = rest.prefix(UsageStore.exercisedAtOnce)
      rest = rest.dropFirst(slice.count)
      let live = try sweep.tenant.read { graph in
        let world = graph.world(asKnownAt: position)
        return slice.filter { world.value(of: .assignment(id: $0), at: sweep.now) != nil }
      }
      for exercise in try UsageStore(sweep.tenant).exercise(of: Array(live), during: window, asKnownAt: position) {
        let (gave, unseen) = (exercise.gave, exercise.unseen)
        for (identity, reached) in exercise.reached {
          var one = seen[identity] ?? Seen()
          let had = reached.intersection(gave)
          one.had = one.had.union(had)
          one.unseen = one.unseen.union(reached.intersection(unseen))
          if had.contains(sweep.now), exercise.isBlind { one.isBlind = true }
          seen[identity] = one
        }
      }
    }
    let known = seen.filter { !$0.value.isBlind && $0.value.had.contains(sweep.now) }
    try note(known.mapValues { $0.had.subtracting($0.unseen) }, windows.days(Self.rule), sweep)
    return try sweep.finish()
  }

  /// What is known of an identity by all assignments that reach it.
  private struct Seen {
    /// When it had anything.
    var had = IntervalSet()
    /// When it had anything of which not every use would have been seen: then nothing is known of it, whatever else was seen.
    var unseen = IntervalSet()
    /// Whether it has something of which no use was ever seen.
    var isBlind = false
  }

  private func note(_ seen: [Entity: IntervalSet], _ days: Int64, _ sweep: FindingSweep) throws {
    var rest = seen.keys.sorted()[...]
    while !rest.isEmpty {
      if context.isOver() { return sweep.cutShort() }
      let slice = rest.prefix(Self.identitiesPerSlice)
      rest = rest.dropFirst(slice.count)
      // Each with the accounts that a person acts by.
      let active = try sweep.tenant.read { graph in
        let world = graph.world(asKnownAt: graph.position)
        return slice.filter { identity in
          identity.kind == .identity && !BuiltIn.isReserved(identity.id) && world.isActive(identity.id, at: sweep.now)
        }.map { ($0, [$0] + world.accounts(of: $0, at: sweep.now)) }
      }
      // Denied ones count, too: whoever is refused is there.
      let uses = try UsageStore(sweep.tenant).lastUses(of: active.flatMap(\.1).map(\.id))
      try sweep.note(
        active.compactMap { identity, selves in
          let last = selves.compactMap { uses[$0] }.max()
          return finding(about: identity, seen[identity] ?? IntervalSet(), last, days, sweep.now)
        })
    }
  }

  private func finding(
    about identity: Entity, _ seen: IntervalSet, _ last: Instant?, _ days: Int64, _ now: Instant
  ) -> Finding? {
    guard let counted = Interval(exactly: last?.next ?? .earliest, to: now) else { return nil }
    let parts = seen.intersection(counted).intervals
    let length = parts.reduce(Int64(0)) { $0 + $1.from.distance(to: $1.to ?? now) }
    guard !parts.isEmpty, length >= days * 86_400_000_000 else { return nil }
    var evidence: JSONObject = ["window_days": .integer(days)]
    evidence["last_used"] = last.map { .string($0.description) } ?? .null
    return Finding(
      rule: Self.rule, subject: identity, evidence: .object(evidence),
      fix: ["type": "identity.suspend", "id": .string(identity.id)])
  }
}

extension AssignmentExercise {
  /// Whether it gives anything of which no use would ever have been seen.
  fileprivate var isBlind: Bool {
    !isDocumentKnown || permissions.contains { $0.liesInScope && $0.observed.isEmpty }
  }
}
