import AccessGraph
import EventLog
import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing
import Usage

@testable import Jobs

/// What the jobs that look at usage find in random histories with random usage, against going through everything by hand.
///
/// TENURE_SEEDS sets how many histories.
@Suite(.serialized) struct FlagHistoryTests {
  private static var seeds: Range<UInt64> {
    0..<(ProcessInfo.processInfo.environment["TENURE_SEEDS"].flatMap { UInt64($0) } ?? 8)
  }

  private static let unused = ["unused_permission", "unused_assignment", "unused_role", "dormant_identity"]
  private static let quiet = ["quiet1", "quiet2", "quiet3"]
  private static let used = ["use_without_path", "denied_though_allowed"]

  @Test func `what is unused, dormant, used without a path and denied though given is what the naive join says`() throws {
    var found: [String: Int] = [:]
    for seed in Self.seeds {
      let place = try Workplace()
      let records = try Self.tell(place, seed)
      for job in [Job.flagUnused, .flagDormant, .flagUse] { try Self.run(job, place) }
      try check(place, records, "seed \(seed)", &found)
      // Run again, and after the world went on a little, nothing is said twice, and what is over is resolved.
      let events = try place.events().count
      for job in [Job.flagUnused, .flagDormant, .flagUse] { try Self.run(job, place) }
      #expect(try place.events().count == events, "seed \(seed)")
      for (index, item) in RandomCommands.commands(seed: seed &+ 1_000, count: 25).enumerated() {
        Self.submit(place, item.command, "more \(index)")
      }
      // What began at the very moment of the run could not have been used yet; here it is judged a moment later.
      place.clock.now = place.tenant.now.adding(microseconds: 1_000_000)
      for job in [Job.flagUnused, .flagDormant, .flagUse] { try Self.run(job, place) }
      try check(place, records, "seed \(seed), later", &found)
    }
    for rule in Self.unused + Self.used { #expect(found[rule] ?? 0 > 5, "\(found)") }
  }

  private func check(
    _ place: Workplace, _ records: [UsageRecord], _ comment: String, _ found: inout [String: Int]
  ) throws {
    try place.tenant.catchUp()
    let open = try place.tenant.findings(
      FindingFilter(states: [.open]), at: place.tenant.now, asKnownAt: place.tenant.head.position, limit: 10_000
    ).map(\.finding)
    let naive = NaiveFlags(try place.events(), records, at: place.tenant.now)
    for (rule, expected) in naive.findings {
      let said = Set(open.filter { $0.rule == rule }.map(NaiveFlags.what))
      found[rule, default: 0] += expected.count
      #expect(said == expected, "\(comment), \(rule): \(said.symmetricDifference(expected).map(\.description))")
    }
  }

  private static func run(_ job: Job, _ place: Workplace) throws {
    let run = try place.run(job)
    #expect(run.state == .succeeded, "\(job.name): \(run.error ?? "")")
  }

  // MARK: What is told

  private static func submit(_ place: Workplace, _ command: Command, _ source: String = "s1") {
    // What the test itself begins with stays.
    if case .eventVoided(let position) = command.change, position <= 16 { return }
    _ = try? place.tenant.submitAndWait(
      Submission(
        mode: .observation, source: source, basis: .observed,
        recordedBy: Recorder(id: "test", authentication: "local"), commands: [command]))
  }

  private static func tell(_ place: Workplace, _ seed: UInt64) throws -> [UsageRecord] {
    place.clock.now = Universe.instant(20)
    var random = SeededGenerator(seed: seed &+ 0xF1A6)
    let none = PolicyDocument(type: .findings, rule: ["rules": .array(unused.map { .string($0) }), "days": 0])
    try place.submit(
      .policyDefined(id: "windows", policy: none, attributes: [:]),
      .sourceRegistered(id: "s1", attributes: ["delivers_usage": .open(true)]),
      .coverageBegan(source: "s1", resource: random.chance(4, in: 5) ? "*" : "org", expiresAt: nil), at: Universe.instant(0))
    // Some of whom all is known, so that what they do not do is seen.
    let quiet = RoleDocument(permissions: [Permission(actions: ["repo.read"])])
    try place.submit(.roleDefined(id: "quiet", document: quiet, attributes: [:]), at: Universe.instant(0))
    for (number, id) in Self.quiet.enumerated() {
      try place.submit(.identityRegistered(id: id, kind: .person, attributes: [:]), at: Universe.instant(0))
      let grant = Grant(
        principal: number == 0 ? .group("quiet") : .identity(id), role: "quiet", scope: random.pick(["*", "org", "org/repo"]))
      if number == 0 {
        try place.submit(
          .groupCreated(id: "quiet", attributes: [:]),
          .membershipAdded(group: "quiet", member: .identity(id), expiresAt: nil), at: Universe.instant(random.below(30)))
      }
      try place.submit(
        .assignmentGranted(id: "q\(number)", grant: grant), at: Universe.instant((number == 0 ? 30 : 1) + random.below(8)))
    }
    var grants = 0
    for item in RandomCommands.commands(seed: seed, count: 80) {
      submit(place, item.command)
      if random.chance(1, in: 2) {
        grants += 1
        let command = Command(
          grant("u\(grants)", &random), effectiveAt: Universe.instant(random.below(16)), authority: Authority(reason: "usage"))
        submit(place, command)
      } else if random.chance(1, in: 8) {
        submit(
          place,
          Command(coverage(&random), effectiveAt: Universe.instant(random.below(16)), authority: Authority(reason: "usage")))
      }
    }
    // Some do nothing at all.
    let acting =
      Universe.identities.filter { !BuiltIn.isReserved($0) }.shuffled(using: &random).prefix(3) + ["nobody", Self.quiet[1]]
    let records = (0..<60).map { number in
      UsageRecord(
        id: "\(number)", at: RandomHistory.instant(&random),
        identity: random.pick(Array(acting)), action: random.pick(Universe.actions),
        resource: random.pick(["org", "org/repo", "org/repo/x", "org/repository", "org2/x", "org/repo/y"]),
        outcome: random.pick([.allowed, .allowed, .failed, .denied]))
    }
    place.clock.now = max(place.tenant.now, Universe.instant(40))
    _ = try UsageStore(place.tenant).recordAll(records.shuffled(using: &random), source: "trail")
    return records
  }

  private static func grant(_ id: String, _ random: inout SeededGenerator) -> Change {
    let principal: Entity =
      random.chance(1, in: 12)
      ? .identity(random.pick([BuiltIn.everyone, BuiltIn.authenticated]))
      : random.chance(1, in: 2) ? .identity(random.pick(Universe.identities)) : .group(random.pick(Universe.groups))
    let end = random.chance(1, in: 5) ? Universe.instant(17 + random.below(30)) : nil
    return .assignmentGranted(
      id: id,
      grant: Grant(
        principal: principal, role: random.pick(Universe.roles), scope: random.pick(Universe.scopes), expiresAt: end))
  }

  private static func coverage(_ random: inout SeededGenerator) -> Change {
    switch random.below(4) {
    case 0: .coverageBegan(source: "s2", resource: random.pick(["org", "org/repo", "org2"]), expiresAt: nil)
    case 1: .coverageGap(source: "s1", resource: random.pick(["org", "org/repo/x"]), until: Universe.instant(18))
    case 2: .sourceRegistered(id: "s2", attributes: ["delivers_usage": .open(true)])
    default:
      .sourceRegistered(
        id: "s1", attributes: ["usage_unseen_actions": random.chance(1, in: 2) ? .open(["s3:Get*"]) : .open(.null)])
    }
  }
}

/// The findings by going through everything.
private struct NaiveFlags {
  /// What a finding is about, and what tells it from others about the same.
  struct What: Hashable, CustomStringConvertible {
    let subject: Entity
    let distinction: [Entity]
    let json: JSONValue?

    var description: String { "\(subject) \(distinction.map(\.description)) \(json.map { "\($0)" } ?? "")" }
  }

  private struct Pattern {
    let role: String
    let permission: Permission
    let action: String
    var json: JSONValue { RolePattern(action, of: permission).json }
  }

  private let log: NaiveLog
  private let k: Int64
  private let now: Instant
  private let records: [UsageRecord]
  /// Before the present, each instant at which anything turns or lies just behind a use.
  private let turns: [Instant]
  private let states: [Instant: NaiveState]

  init(_ events: [Event], _ records: [UsageRecord], at now: Instant) {
    (log, k, self.now, self.records) = (NaiveLog(events), Int64(events.count), now, records)
    let all = log.turningPoints(asKnownAt: k) + records.flatMap { [$0.at, $0.at.adding(microseconds: 1)] }
    turns = Set(all).filter { $0 < now }.sorted()
    let (log, k) = (log, k)
    states = Dictionary(uniqueKeysWithValues: (turns + [now]).map { ($0, log.state(at: $0, asKnownAt: k)) })
  }

  static func what(_ finding: Finding) -> What {
    switch finding.rule {
    case "unused_permission": What(subject: finding.subject, distinction: [], json: finding.evidence["permission"])
    case "use_without_path", "denied_though_allowed":
      What(
        subject: finding.subject,
        distinction: ["action", "resource"].map { Entity(.resource, finding.evidence[$0]?.stringValue ?? "") }, json: nil)
    default: What(subject: finding.subject, distinction: [], json: nil)
    }
  }

  var findings: [String: Set<What>] {
    let uses = uses
    let assignments = unusedAssignments
    return [
      "unused_assignment": Set(assignments.map { What(subject: $0, distinction: [], json: nil) }),
      "unused_role": unusedRoles(assignments), "unused_permission": unusedPermissions, "dormant_identity": dormant,
      "use_without_path": uses.without, "denied_though_allowed": uses.denied,
    ]
  }

  // MARK: The world

  private var live: [Entity] { (states[now]?.assignments.keys).map(Array.init) ?? [] }

  private func grant(_ assignment: Entity, at t: Instant) -> Grant? { states[t]?.assignments[assignment]?.grant }

  private func closure(of role: String, at t: Instant) -> [(role: Entity, permissions: [Permission]?)] {
    guard let state = states[t] else { return [] }
    var found: [Entity] = []
    var waiting: [Entity] = [.role(role)]
    while let next = waiting.popLast() {
      guard !found.contains(next), case .role(_, let includes) = state.living[next]?.document else { continue }
      found.append(next)
      waiting += includes
    }
    return found.map { role in
      guard case .role(let permissions, _) = state.living[role]?.document else { return (role, nil) }
      return (role, permissions)
    }
  }

  private func isKnown(_ assignment: Entity) -> Bool {
    grant(assignment, at: now).map { closure(of: $0.role, at: now).allSatisfy { $0.permissions != nil } } ?? false
  }

  /// What it gives now.
  private func patterns(_ assignment: Entity) -> [Pattern] {
    guard let grant = grant(assignment, at: now) else { return [] }
    return closure(of: grant.role, at: now).flatMap { role, permissions in
      (permissions ?? []).filter { $0.effect == .allow }.flatMap { permission in
        permission.actions.map { Pattern(role: role.id, permission: permission, action: $0) }
      }
    }
  }

  private func isInScope(_ pattern: Pattern, _ assignment: Entity) -> Bool {
    grant(assignment, at: now).map { grant in
      pattern.permission.resources.contains { NaivePattern.path(of: $0, within: grant.scope) != nil }
    } ?? false
  }

  private func gives(_ pattern: Pattern, _ assignment: Entity, at t: Instant) -> Bool {
    guard let grant = grant(assignment, at: t) else { return false }
    let wanted = pattern.permission
    return closure(of: grant.role, at: t).filter { $0.role == .role(pattern.role) }.flatMap { $0.permissions ?? [] }.contains {
      $0.effect == .allow && $0.resources == wanted.resources && $0.condition == wanted.condition
        && $0.actions.contains(pattern.action)
    }
  }

  private func sees(_ pattern: Pattern, _ assignment: Entity, at t: Instant) -> Bool {
    guard let state = states[t], let grant = grant(assignment, at: t), gives(pattern, assignment, at: t) else { return false }
    return state.seesUse(of: pattern.action, on: pattern.permission.resources, within: grant.scope)
  }

  /// Whom a principal stands for by name.
  private func reached(_ principal: Entity, at t: Instant) -> Set<Entity> {
    guard let state = states[t] else { return [] }
    var found: Set<Entity> = []
    var waiting = [principal]
    while let next = waiting.popLast() {
      guard found.insert(next).inserted else { continue }
      waiting += state.memberships.keys.filter { $0.group == next }.map(\.member)
    }
    return found.union(found.compactMap { state.links[$0]?.person })
  }

  private func isReached(_ identity: String, by principal: Entity, at t: Instant) -> Bool {
    let reached = reached(principal, at: t)
    if reached.contains(.identity(identity)) || reached.contains(.identity("everyone")) { return true }
    return reached.contains(.identity("authenticated")) && states[t]?.exists(.identity(identity)) ?? false
  }

  // MARK: Unused

  private func lastUse(of pattern: Pattern, _ assignment: Entity) -> Instant? {
    records.filter { record in
      guard record.outcome != .denied, let grant = grant(assignment, at: record.at),
        gives(pattern, assignment, at: record.at), isReached(record.identity, by: grant.principal, at: record.at),
        NaivePattern.matches(pattern.action, record.action)
      else { return false }
      return record.resource.map { resource in
        NaivePattern.covers(grant.scope, resource)
          && pattern.permission.resources.contains { NaivePattern.matches($0, resource) }
      } ?? true
    }.map(\.at).max()
  }

  private func isAfter(_ last: Instant?, _ t: Instant) -> Bool { last.map { t > $0 } ?? true }

  private var unusedAssignments: Set<Entity> {
    Set(
      live.filter { assignment in
        let all = patterns(assignment)
        let given = all.filter { isInScope($0, assignment) }
        guard isKnown(assignment), !given.isEmpty else { return false }
        let last = all.compactMap { lastUse(of: $0, assignment) }.max()
        return given.allSatisfy { pattern in turns.contains { isAfter(last, $0) && sees(pattern, assignment, at: $0) } }
      })
  }

  private func unusedRoles(_ unused: Set<Entity>) -> Set<What> {
    let byRole = Dictionary(grouping: live) { Entity.role(grant($0, at: now)?.role ?? "") }
    return Set(
      byRole.filter { $0.value.allSatisfy(unused.contains) }.keys.map { What(subject: $0, distinction: [], json: nil) })
  }

  private var unusedPermissions: Set<What> {
    var givers: [What: [(assignment: Entity, pattern: Pattern)]] = [:]
    for assignment in live {
      for pattern in patterns(assignment) where isInScope(pattern, assignment) {
        let what = What(subject: .role(pattern.role), distinction: [], json: pattern.json)
        givers[what, default: []].append((assignment, pattern))
      }
    }
    let unused = givers.filter { _, givers in
      guard givers.allSatisfy({ giver in turns.contains { sees(giver.pattern, giver.assignment, at: $0) } }) else {
        return false
      }
      let last = givers.compactMap { lastUse(of: $0.pattern, $0.assignment) }.max()
      return turns.contains { t in
        let giving = givers.filter { gives($0.pattern, $0.assignment, at: t) }
        return isAfter(last, t) && !giving.isEmpty && giving.allSatisfy { sees($0.pattern, $0.assignment, at: t) }
      }
    }
    return Set(unused.keys)
  }

  // MARK: Dormant

  private var dormant: Set<What> {
    guard let state = states[now] else { return [] }
    let identities = Set(live.flatMap { grant($0, at: now).map { reached($0.principal, at: now) } ?? [] })
      .filter { $0.kind == .identity && !BuiltIn.isReserved($0.id) && state.exists($0) && state.suspended[$0] == nil }
    return Set(identities.filter(isDormant).map { What(subject: $0, distinction: [], json: nil) })
  }

  private func isDormant(_ identity: Entity) -> Bool {
    func reaches(_ assignment: Entity, at t: Instant) -> Bool {
      grant(assignment, at: t).map { reached($0.principal, at: t).contains(identity) } ?? false
    }
    func given(_ assignment: Entity, at t: Instant) -> [Pattern] {
      patterns(assignment).filter { isInScope($0, assignment) && gives($0, assignment, at: t) }
    }
    func had(_ assignment: Entity, at t: Instant) -> Bool {
      reaches(assignment, at: t) && (!isKnown(assignment) || !given(assignment, at: t).isEmpty)
    }
    let mine = live.filter { had($0, at: now) }
    let isBlind = mine.contains { assignment in
      !isKnown(assignment)
        || patterns(assignment).contains { pattern in
          isInScope(pattern, assignment) && !turns.contains { sees(pattern, assignment, at: $0) }
        }
    }
    if mine.isEmpty || isBlind { return false }
    let accounts = states[now]?.links.filter { $0.value.person == identity }.map(\.key) ?? []
    let selves = [identity] + accounts
    let last = records.filter { selves.contains(.identity($0.identity)) }.map(\.at).max()
    return turns.contains { t in
      let held = live.filter { had($0, at: t) }
      return isAfter(last, t) && !held.isEmpty
        && held.allSatisfy { assignment in
          isKnown(assignment) && given(assignment, at: t).allSatisfy { sees($0, assignment, at: t) }
        }
    }
  }

  // MARK: Used

  private var uses: (without: Set<What>, denied: Set<What>) {
    var (without, denied): (Set<What>, Set<What>) = ([], [])
    let grouped = Dictionary(grouping: records) { record in
      [Entity.identity(record.identity), Entity(.resource, record.action), Entity(.resource, record.resource ?? "*")]
    }
    for (key, records) in grouped {
      let what = What(subject: key[0], distinction: Array(key[1...]), json: nil)
      func answer(at t: Instant) -> WhyAnswer {
        log.view(Viewpoint(at: t, asKnownAt: k)).why(key[0].id, action: key[1].id, resource: key[2].id).answer
      }
      if let last = records.filter({ $0.outcome != .denied }).map(\.at).max(), answer(at: last).status == .denied {
        without.insert(what)
      }
      // Of each day the first and the last, where nothing was permitted at that instant.
      let days = Dictionary(grouping: records) { UsageDay(of: $0.at) }.values
      let refused = days.flatMap { day in
        [day.map(\.at).min(), day.map(\.at).max()].compactMap { $0 }.filter { t in
          !day.contains { $0.at == t && $0.outcome != .denied }
        }
      }
      if let last = refused.max(), answer(at: last).status == .allowed { denied.insert(what) }
    }
    return (without, denied)
  }
}
