import AccessGraph
import EventLog
import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing

@testable import Usage

/// Random usage over random histories, against a join that goes through the log and the records one by one.
///
/// TENURE_SEEDS sets how many histories.
@Suite struct JoinHistoryTests {
  private static var seeds: Range<UInt64> {
    0..<(ProcessInfo.processInfo.environment["TENURE_SEEDS"].flatMap { UInt64($0) } ?? 8)
  }

  /// A history with the usage told in it.
  private struct Told {
    let place: UsageTenant
    let log: NaiveLog
    let records: [UsageRecord]
    let k: Int64
    var random: SeededGenerator
  }

  /// - Parameter isKnowing: whether all roles have documents from early on, and a source delivers usage of everything: random
  ///   histories alone seldom know what a group leads to.
  private static func told(seed: UInt64, isKnowing: Bool = false) throws -> Told {
    let place = try UsageTenant()
    place.clock.now = Universe.instant(4)
    var random = SeededGenerator(seed: seed &+ 0x05A6E)
    var grants = 0
    if isKnowing { try place.tenant.submitAndWait(knowledge(&random)) }
    for (index, item) in RandomCommands.commands(seed: seed, count: 90).enumerated() {
      let context = RandomCommands.context(index, item.mode)
      place.clock.now = max(place.clock.now, context.recordedAt)
      var command = item.command
      switch command.change {
      case .assignmentGranted(_, let grant):
        grants += 1
        command.change = .assignmentGranted(id: "a\(grants)", grant: grant)
      case .assignmentExtended(_, let end):
        command.change = .assignmentExtended(id: "a\(1 + random.below(grants + 1))", expiresAt: end)
      case .assignmentRevoked: command.change = .assignmentRevoked(id: "a\(1 + random.below(grants + 1))")
      default: break
      }
      if random.chance(1, in: 3) {
        grants += 1
        command = Command(
          grant("a\(grants)", &random), effectiveAt: Universe.instant(random.below(7)), authority: Authority(reason: "usage"))
      } else if random.chance(1, in: 7) {
        command = Command(
          coverage(&random), effectiveAt: Universe.instant(random.below(5)), authority: Authority(reason: "usage"))
      }
      _ = try? place.tenant.submitAndWait(
        Submission(
          mode: .observation, source: context.source, basis: .observed,
          recordedBy: Recorder(id: "test", authentication: "local"), commands: [command]))
    }
    var events: [Event] = []
    try place.tenant.export { line in events.append(try EventCodec.decode(Array(line.body.utf8), at: line.position)) }
    let records = (0..<160).map { number in
      UsageRecord(
        id: "\(number)", at: RandomHistory.instant(&random), identity: random.pick(Universe.identities + ["nobody"]),
        action: random.pick(Universe.actions), resource: random.pick(resources),
        outcome: random.pick([.allowed, .allowed, .failed, .denied]))
    }
    place.clock.now = max(place.clock.now, Universe.instant(40))
    _ = try place.usage.recordAll(records.shuffled(using: &random), source: "trail")
    return Told(place: place, log: NaiveLog(events), records: records, k: Int64(events.count), random: random)
  }

  private static func knowledge(_ random: inout SeededGenerator) -> Submission {
    let source = Universe.sources[0]
    var changes: [Change] = Universe.roles.map { role in
      let permissions = (0..<random.below(3)).map { _ in
        Permission(actions: [random.pick(Universe.actions)], resources: [random.pick(["*", "*", "org/repo/*"])])
      }
      return .roleDefined(id: role, document: RoleDocument(permissions: permissions), attributes: [:])
    }
    changes += [
      .sourceRegistered(id: source, attributes: ["delivers_usage": .open(true)]),
      .coverageBegan(source: source, resource: "*", expiresAt: random.chance(1, in: 2) ? Universe.instant(6) : nil),
    ]
    return Submission(
      mode: .observation, source: "api", basis: .observed, recordedBy: Recorder(id: "test", authentication: "local"),
      commands: changes.map { Command($0, effectiveAt: Universe.instant(-1), authority: Authority(reason: "known early")) })
  }

  private static let resources = [nil, "org", "org/repo", "org/repo/x", "org/repository", "org2/x", "org/repo/y"]

  private static func grant(_ id: String, _ random: inout SeededGenerator) -> Change {
    let builtIn = random.pick([BuiltIn.everyone, BuiltIn.authenticated])
    let principal: Entity =
      random.chance(1, in: 8)
      ? .identity(builtIn)
      : random.chance(1, in: 2) ? .identity(random.pick(Universe.identities)) : .group(random.pick(Universe.groups))
    let end = random.chance(1, in: 3) ? Universe.instant(7 + random.below(6)) : nil
    var grant = Grant(
      principal: principal, role: random.pick(Universe.roles), scope: random.pick(Universe.scopes), expiresAt: end)
    if random.chance(1, in: 4) { grant.condition = ["Bool": ["request.mfa": ["true"]]] }
    return .assignmentGranted(id: id, grant: grant)
  }

  private static func coverage(_ random: inout SeededGenerator) -> Change {
    let source = random.pick(Universe.sources)
    switch random.below(5) {
    case 4:
      let builtIn = random.pick([BuiltIn.everyone, BuiltIn.authenticated])
      return .identityRegistered(id: builtIn, kind: .external, attributes: [:])
    case 0: return .coverageBegan(source: source, resource: random.pick(["*", "org", "org/repo"]), expiresAt: nil)
    case 1: return .coverageGap(source: source, resource: random.pick(["org", "org/repo/x"]), until: Universe.instant(7))
    default:
      return .sourceRegistered(
        id: source,
        attributes: [
          "delivers_usage": .open(.bool(random.chance(4, in: 5))),
          "usage_unseen_actions": random.chance(1, in: 2) ? .open(["s3:Get*"]) : .open(.null),
        ])
    }
  }

  // MARK: Paths

  @Test func `each use is covered by the grants on its paths at its moment`() throws {
    var words: Set<UsageCover.Word> = []
    for seed in Self.seeds {
      let told = try Self.told(seed: seed)
      let days = UsageDay(of: Universe.instant(-30))...UsageDay(of: Universe.instant(60))
      let entries = try told.place.usage.covered(days: days, asKnownAt: told.k, limit: 1_000)
      var naive = NaiveUsage()
      _ = naive.tell(told.records, source: "trail")
      #expect(Set(entries.map(\.usage)) == Set(naive.daily()), "seed \(seed)")
      #expect(entries.count == naive.daily().count, "seed \(seed)")
      for entry in entries {
        for (cover, moment) in [(entry.first, entry.usage.firstUsed), (entry.last, entry.usage.lastUsed)] {
          words.insert(cover.word)
          let view = told.log.view(Viewpoint(at: moment, asKnownAt: told.k))
          let answer = view.why(entry.usage.identity, action: entry.usage.action, resource: entry.usage.resource ?? "*").answer
          let comment = "seed \(seed), \(entry.usage) at \(moment)"
          #expect(cover.at == moment && !cover.isTruncated, "\(comment)")
          #expect(cover.word == Self.word(answer), "\(comment)")
          #expect(Set(cover.assignments) == Self.assignments(answer), "\(comment)")
        }
      }
    }
    #expect(words == Set(UsageCover.Word.allCases))
  }

  private static func word(_ answer: WhyAnswer) -> UsageCover.Word {
    switch answer.status {
    case .allowed: .covered
    case .conditional: .conditional
    case .unknown: .unknown
    case .denied: answer.reason == "no_path" ? .noKnownPath : .denied
    }
  }

  private static func assignments(_ answer: WhyAnswer) -> Set<String> {
    Set(
      answer.paths.flatMap(\.steps).compactMap { step in
        if case .assignment(let id, _, _) = step.kind { id } else { nil }
      })
  }

  // MARK: Permissions

  @Test func `of each assignment it is found which permissions were used, when last, and what could be seen`() throws {
    var words: [ExerciseWord: Int] = [:]
    for seed in Self.seeds {
      var told = try Self.told(seed: seed)
      for _ in 0..<2 {
        let from = Universe.instant(told.random.below(8))
        let window = Interval(from: from, to: from.adding(microseconds: Int64(1 + told.random.below(9)) * 3_600_000_000))
        let ids = Set(
          told.log.events.compactMap { event -> String? in
            if case .assignmentGranted(let id, _) = event.change { id } else { nil }
          }
        ).sorted()
        let found = try told.place.usage.exercise(of: ids, during: window, asKnownAt: told.k)
        let naive = NaiveJoin(log: told.log, k: told.k, records: told.records, window: window)
        #expect(found.map(\.assignment) == ids.filter { !naive.held($0).isEmpty }, "seed \(seed)")
        for exercise in found {
          let comment = "seed \(seed), \(exercise.assignment) during \(window)"
          for t in naive.instants {
            #expect(exercise.held.contains(t) == naive.held(exercise.assignment).contains(t), "\(comment) at \(t)")
          }
          let expected = naive.permissions(exercise.assignment)
          #expect(Set(exercise.permissions.map(NaiveJoin.Key.init)) == Set(expected), "\(comment)")
          #expect(exercise.permissions.count == expected.count, "\(comment)")
          for permission in exercise.permissions {
            words[permission.word, default: 0] += 1
            let used = Dictionary(uniqueKeysWithValues: permission.used.map { ($0.action, $0.lastUsed) })
            #expect(used == naive.used(permission, of: exercise.assignment), "\(comment), \(permission)")
            let observed = naive.instants.filter { naive.sees(permission, of: exercise.assignment, at: $0) }
            #expect(naive.instants.filter(permission.observed.contains) == observed, "\(comment), \(permission)")
          }
        }
      }
    }
    for word in ExerciseWord.allCases { #expect(words[word] ?? 0 > 10, "\(words)") }
  }

  // MARK: Grants

  @Test
  func `a membership was used where what it led to was, by whoever had it through it, and seen as far as all of that was`()
    throws
  {
    var words: [String: Int] = [:]
    for seed in Self.seeds {
      var told = try Self.told(seed: seed, isKnowing: seed % 2 == 0)
      let grants = Set(
        told.log.events.compactMap { event -> GrantName? in
          switch event.change {
          case .assignmentGranted(let id, _): .assignment(id)
          case .membershipAdded(let group, let member, _): .membership(group: group, member: member)
          default: nil
          }
        }
      ).sorted { $0.text.precedes($1.text) }
      for _ in 0..<3 {
        let t = Universe.instant(2 + told.random.below(12)).adding(microseconds: Int64(told.random.below(2)))
        let window = Interval(from: Universe.instant(-50), to: t.next)
        let found = try told.place.usage.exercise(ofGrants: grants, during: window, asKnownAt: told.k)
        #expect(found.map(\.grant) == grants, "seed \(seed)")
        let naive = NaiveJoin(log: told.log, k: told.k, records: told.records, window: window)
        for exercise in found {
          let lastUse = exercise.lastUse(at: t)
          let kind = exercise.grant.kind
          words["\(kind) \(lastUse.unseen?.rawValue ?? "seen")", default: 0] += 1
          if lastUse.at != nil { words["\(kind) used", default: 0] += 1 }
          if lastUse.noneSince != nil { words["\(kind) unused", default: 0] += 1 }
          let expected = naive.lastUse(of: exercise.grant, at: t)
          #expect(lastUse == expected, "seed \(seed), \(exercise.grant.text) at \(t)")
        }
      }
    }
    let wanted = ["seen", "used", "unused"] + UnseenReason.allCases.filter { $0 != .notLookedAt }.map(\.rawValue)
    for word in wanted { for kind in ["assignment", "membership"] { #expect(words["\(kind) \(word)"] ?? 0 > 1, "\(words)") } }
  }
}

/// The join by going through everything.
private struct NaiveJoin {
  /// A permission's pattern.
  struct Key: Hashable {
    let role: String
    let index: Int
    let pattern: String

    init(role: String, index: Int, pattern: String) { (self.role, self.index, self.pattern) = (role, index, pattern) }
    init(_ permission: ExercisedPermission) {
      self.init(role: permission.role, index: permission.index, pattern: permission.pattern)
    }
  }

  let log: NaiveLog
  let k: Int64
  let records: [UsageRecord]
  let window: Interval
  /// Every instant in the window at which anything may turn, and those just before.
  let instants: [Instant]
  private let states: [Instant: NaiveState]
  /// Only what a membership leads to, and only whom it gives it; nil for all.
  private var via: (group: Entity, member: Entity)?

  init(log: NaiveLog, k: Int64, records: [UsageRecord], window: Interval) {
    (self.log, self.k, self.records, self.window) = (log, k, records, window)
    let turns = log.turningPoints(asKnownAt: k) + [window.from, window.to ?? .latest] + records.map(\.at)
    instants = Set(turns.flatMap { [$0, $0.adding(microseconds: -1)] }).filter(window.contains).sorted()
    states = Dictionary(uniqueKeysWithValues: instants.map { ($0, log.state(at: $0, asKnownAt: k)) })
  }

  func held(_ assignment: String) -> [Instant] {
    instants.filter { t in
      guard let grant = grant(assignment, at: t) else { return false }
      guard let via else { return true }
      return isMember(at: t) && reached(grant.principal, at: t).contains(via.group)
    }
  }

  /// Whether the membership is there.
  private func isMember(at t: Instant) -> Bool {
    states[t]?.memberships.keys.contains { $0.group == via?.group && $0.member == via?.member } ?? false
  }

  // MARK: Of a grant as a whole

  /// What is known of the last use of a grant at the window's last instant, instant by instant.
  func lastUse(of grant: GrantName, at t: Instant) -> LastUse {
    var join = self
    var ids: [String] = []
    var isHeld = false
    switch grant {
    case .assignment(let id):
      ids = [id]
      isHeld = held(id).contains(t)
    case .membership(let group, let member):
      join.via = (.group(group), member)
      ids = Set(log.events.compactMap { event in if case .assignmentGranted(let id, _) = event.change { id } else { nil } })
        .sorted()
      isHeld = join.isMember(at: t)
    }
    return join.lastUse(through: ids.map { GivenBy($0, join) }.filter { !$0.held.isEmpty }, isHeld: isHeld, at: t)
  }

  /// What an assignment gives, by the grant that is asked about.
  private struct GivenBy {
    let id: String
    let held: Set<Instant>
    let isKnown: Bool
    /// Of each permission that lies in the scope: when it was given, and when it was seen.
    let permissions: [(given: Set<Instant>, seen: Set<Instant>)]
    let lastUsed: Instant?

    init(_ id: String, _ join: NaiveJoin) {
      self.id = id
      let held = join.held(id)
      self.held = Set(held)
      let grant = held.last.flatMap { join.grant(id, at: $0) }
      isKnown =
        held.last.flatMap { last in grant.map { join.closure(of: $0.role, at: last) } }?
        .allSatisfy { $0.permissions != nil } ?? true
      var permissions: [(given: Set<Instant>, seen: Set<Instant>)] = []
      var lastUsed: Instant?
      for key in join.permissions(id) {
        guard let permission = join.permission(key, of: id), let grant else { continue }
        let found = ExercisedPermission(
          role: key.role, index: key.index, pattern: key.pattern, resources: permission.resources, held: IntervalSet(),
          liesInScope: true, observed: IntervalSet(), used: [])
        lastUsed = ([lastUsed].compactMap { $0 } + join.used(found, of: id).values).max()
        if permission.resources.allSatisfy({ NaivePattern.path(of: $0, within: grant.scope) == nil }) { continue }
        let given = held.filter { join.gives(permission, key.pattern, key.role, id, at: $0) }
        permissions.append((Set(given), Set(given.filter { join.sees(found, of: id, at: $0) })))
      }
      (self.permissions, self.lastUsed) = (permissions, lastUsed)
    }

    func gave(_ t: Instant) -> Bool { held.contains(t) && (!isKnown || permissions.contains { $0.given.contains(t) }) }
    func missed(_ t: Instant) -> Bool {
      held.contains(t) && (!isKnown || permissions.contains { $0.given.contains(t) && !$0.seen.contains(t) })
    }
  }

  private func lastUse(through given: [GivenBy], isHeld: Bool, at t: Instant) -> LastUse {
    let last = given.compactMap(\.lastUsed).max()
    func isSeen(_ t: Instant) -> Bool { given.contains { $0.gave(t) } && !given.contains { $0.missed(t) } }
    let now = given.filter { $0.held.contains(t) }
    if isSeen(t) {
      let permissions = now.flatMap(\.permissions).filter { $0.given.contains(t) }
      let run = instants.reversed().prefix { i in isSeen(i) && permissions.allSatisfy { $0.seen.contains(i) } }
      return LastUse(at: last, seen: run.last.map { Interval(from: $0) })
    }
    var seen: Interval?
    if let end = instants.lastIndex(where: isSeen) {
      let run = instants[...end].reversed().prefix(while: isSeen)
      seen = run.last.map { Interval(from: $0, to: instants[end + 1]) }
    }
    let reason: UnseenReason =
      if !isHeld {
        .ended
      } else if now.contains(where: { !$0.isKnown }) {
        .roleUnknown
      } else if !now.contains(where: { $0.gave(t) }) {
        .givesNothing
      } else {
        seen == nil ? .neverCovered : .coverageEnded
      }
    return LastUse(at: last, seen: seen, unseen: reason)
  }

  // MARK: Of an assignment

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

  private func grant(_ assignment: String, at t: Instant) -> Grant? {
    states[t]?.assignments[Entity(.assignment, assignment)]?.grant
  }

  /// What it gave at its last instant in the window.
  func permissions(_ assignment: String) -> [Key] {
    guard let last = held(assignment).last, let grant = grant(assignment, at: last) else { return [] }
    return closure(of: grant.role, at: last).flatMap { role, permissions in
      (permissions ?? []).enumerated().filter { $0.element.effect == .allow }.flatMap { index, permission in
        permission.actions.map { Key(role: role.id, index: index, pattern: $0) }
      }
    }
  }

  private func permission(_ key: Key, of assignment: String) -> Permission? {
    guard let last = held(assignment).last, let grant = grant(assignment, at: last) else { return nil }
    return closure(of: grant.role, at: last).first { $0.role == .role(key.role) }?.permissions?[key.index]
  }

  /// Whether the assignment gave the pattern by the same role then, on the same resources and conditions.
  private func gives(
    _ permission: Permission, _ pattern: String, _ role: String, _ assignment: String, at t: Instant
  ) -> Bool {
    guard let grant = grant(assignment, at: t) else { return false }
    return closure(of: grant.role, at: t).filter { $0.role == .role(role) }.flatMap { $0.permissions ?? [] }.contains { other in
      other.effect == permission.effect && other.resources == permission.resources && other.condition == permission.condition
        && other.actions.contains(pattern)
    }
  }

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
    if via != nil, !isMember(at: t) || !reached(principal, at: t).contains(via?.group ?? principal) { return false }
    let reached = reached(via?.member ?? principal, at: t)
    if reached.contains(.identity(identity)) || reached.contains(.identity("everyone")) { return true }
    return reached.contains(.identity("authenticated")) && states[t]?.exists(.identity(identity)) ?? false
  }

  func used(_ found: ExercisedPermission, of assignment: String) -> [String: Instant] {
    guard let permission = permission(Key(found), of: assignment) else { return [:] }
    var used: [String: Instant] = [:]
    for record in records where record.outcome != .denied && window.contains(record.at) {
      guard let grant = grant(assignment, at: record.at),
        gives(permission, found.pattern, found.role, assignment, at: record.at),
        isReached(record.identity, by: grant.principal, at: record.at),
        NaivePattern.matches(found.pattern, record.action),
        record.resource.map({ resource in
          NaivePattern.covers(grant.scope, resource) && permission.resources.contains { NaivePattern.matches($0, resource) }
        }) ?? true
      else { continue }
      used[record.action] = max(used[record.action] ?? .earliest, record.at)
    }
    return used
  }

  /// Whether a source that delivers usage would have told of every use of it then.
  func sees(_ found: ExercisedPermission, of assignment: String, at t: Instant) -> Bool {
    guard let permission = permission(Key(found), of: assignment), let state = states[t],
      let grant = grant(assignment, at: t), gives(permission, found.pattern, found.role, assignment, at: t)
    else { return false }
    return state.seesUse(of: found.pattern, on: permission.resources, within: grant.scope)
  }
}
