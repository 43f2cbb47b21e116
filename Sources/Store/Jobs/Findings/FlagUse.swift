import AccessGraph
import EventLog
import Governance
import JSON
import Temporal
import Usage

extension Job {
  /// Finds what was used though nothing known gives it, what was denied though it is given, and sessions from several networks.
  ///
  /// Looked at is the last use of each action on each resource by each identity, within the window. Counts as of every job that
  /// flags, and `uses`, those looked at.
  public static let flagUse = Job(
    name: FlagUse.name,
    summary: "finds use that no known path gives, denials of what is given, and sessions from several networks",
    schedule: .fixed("30 3 * * *"), catchUp: .once
  ) { try FlagUse(context: $0).run() }
}

/// One run of the job.
private struct FlagUse {
  static let name = "flag-use"
  static let rules = [noPath, denied, networks]
  private static let noPath = "use_without_path"
  private static let denied = "denied_though_allowed"
  private static let networks = "session_from_several_networks"

  let context: JobContext

  func run() throws -> JobReport {
    let sweep = try FindingSweep(job: Self.name, rules: Self.rules, context: context)
    let windows = try sweep.tenant.read { FindingWindows(in: $0.world(asKnownAt: $0.position), at: sweep.now) }
    let uses = try lookAtUses(sweep, windows)
    try lookAtSessions(sweep, windows)
    var report = try sweep.finish()
    report.counts["uses"] = uses
    return report
  }

  private func lookAtUses(_ sweep: FindingSweep, _ windows: FindingWindows) throws -> Int64 {
    let usage = UsageStore(sweep.tenant)
    try UsageRollUp.rollUpMarkedDays(of: context.tenant.id, on: context.connection, isOver: context.isOver)
    // As far back as anything counts anywhere.
    let most = [Self.noPath, Self.denied].map { windows.daysAnywhere($0).upperBound }.max() ?? 0
    let since = sweep.now.adding(microseconds: -most * 86_400_000_000)
    let days = UsageDay(of: since)...UsageDay(of: sweep.now)
    var place: DailyUsagePlace?
    var last: LastUse?
    var looked: Int64 = 0
    repeat {
      if context.isOver() {
        sweep.cutShort()
        return looked
      }
      let page = try usage.daily(days: days, after: place)
      // Of one action on one resource all days stand together, the last day last.
      var whole: [LastUse] = []
      for entry in page {
        if let known = last, !known.isOf(entry) {
          whole.append(known)
          last = nil
        }
        last = LastUse(last, entry)
      }
      place = page.count < UsageStore.maximumDailyPage ? nil : page.last.map(DailyUsagePlace.init)
      if place == nil, let rest = last { whole.append(rest) }
      looked += Int64(whole.count)
      try sweep.look(at: whole, slice: 64) { slice, graph in slice.flatMap { findings(about: $0, graph, windows, sweep.now) } }
    } while place != nil
    return looked
  }

  private func findings(
    about use: LastUse, _ graph: AccessGraph, _ windows: FindingWindows, _ now: Instant
  ) -> [Finding] {
    func cover(_ moment: Instant) -> UsageCover {
      graph.cover(use.identity, action: use.action, resource: use.resource, at: moment, asKnownAt: graph.position)
    }
    func finding(_ rule: String, _ moment: Instant, _ cover: UsageCover) -> Finding {
      var evidence: JSONObject = [
        "action": .string(use.action), "resource": .string(use.resource ?? "*"), "graph": .string(cover.word.rawValue),
        // By the day: what goes on is said anew once a day, and not with each use.
        "last_day": .string(String(UsageDay(of: moment).start.description.prefix(10))),
      ]
      if let reason = cover.reason { evidence["reason"] = .string(reason) }
      if !cover.assignments.isEmpty {
        evidence["assignments"] = .array(cover.assignments.prefix(Self.shownAssignments).map { .string($0) })
      }
      return Finding(rule: rule, subject: .identity(use.identity), evidence: .object(evidence))
    }
    let scope = use.resource.flatMap { Limits.problem(path: $0) == nil ? $0 : nil } ?? "*"
    var found: [Finding] = []
    if let moment = use.permitted, moment >= windows.begin(Self.noPath, scope: scope, before: now) {
      let cover = cover(moment)
      // Where the source names no resource, any way to the action somewhere may have been the one.
      let isWithout =
        cover.word == .noKnownPath && (use.resource != nil || !graph.gives(use.action, to: use.identity, at: moment))
      if isWithout || cover.word == .denied { found.append(finding(Self.noPath, moment, cover)) }
    }
    if let moment = use.denied, moment >= windows.begin(Self.denied, scope: scope, before: now) {
      let cover = cover(moment)
      if cover.word == .covered { found.append(finding(Self.denied, moment, cover)) }
    }
    return found
  }

  /// Assignments that a finding names: enough to see what gives it.
  private static let shownAssignments = 20

  private func lookAtSessions(_ sweep: FindingSweep, _ windows: FindingWindows) throws {
    let since = windows.begin(Self.networks, before: sweep.now)
    var after: String? = ""
    while let session = after {
      if context.isOver() { return sweep.cutShort() }
      let page = try UsageStore(sweep.tenant).sessionsFromSeveralNetworks(
        since: since, after: session, limit: UsageStore.sessionsPerPage)
      try sweep.note(
        page.found.map { found in
          let evidence: JSONValue = [
            "identity": .string(found.identity), "networks": .array(found.networks.map { .string($0) }),
          ]
          return Finding(
            rule: Self.networks, subject: .credential(found.session), evidence: evidence,
            fix: ["type": "credential.revoke", "id": .string(found.session)])
        })
      after = page.next
    }
  }
}

extension AccessGraph {
  /// Whether an identity may do something anywhere at t, be it on conditions.
  fileprivate func gives(_ action: String, to identity: String, at t: Instant) -> Bool {
    what(identity, from: Viewpoint(at: t, asKnownAt: position)).contains { held in
      held.right.effect == .allow && (held.right.action.map { Pattern($0).matches(action) } ?? true)
    }
  }
}

/// The last use of an action on a resource by an identity, and the last that was denied.
private struct LastUse {
  let identity: String
  let action: String
  let resource: String?
  /// The last one that was not denied.
  var permitted: Instant?
  /// The last one known to have been denied: the first or the last of a day.
  ///
  /// One that only lies between permitted ones is not.
  var denied: Instant?

  /// The same with another day's entry.
  init(_ earlier: LastUse?, _ entry: DailyUsage) {
    identity = entry.identity
    action = entry.action
    resource = entry.resource
    permitted = [earlier?.permitted, entry.lastPermitted].compactMap { $0 }.max()
    var refused: [Instant] = []
    if entry.denied > 0 {
      if entry.lastPermitted != entry.lastUsed { refused.append(entry.lastUsed) }
      if entry.firstPermitted != entry.firstUsed { refused.append(entry.firstUsed) }
    }
    denied = (refused + [earlier?.denied].compactMap { $0 }).max()
  }

  func isOf(_ entry: DailyUsage) -> Bool {
    func same(_ a: String?, _ b: String?) -> Bool {
      guard let a, let b else { return a == nil && b == nil }
      return a.isExactly(b)
    }
    return identity.isExactly(entry.identity) && action.isExactly(entry.action) && same(resource, entry.resource)
  }
}
