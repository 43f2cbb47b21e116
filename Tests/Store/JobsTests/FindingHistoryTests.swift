import EventLog
import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing
import Usage

@testable import Jobs

/// What the jobs that look at the world find in random histories, run after run, against going through everything by hand.
///
/// TENURE_SEEDS sets how many histories.
@Suite(.serialized) struct FindingHistoryTests {
  private static var seeds: Range<UInt64> {
    0..<(ProcessInfo.processInfo.environment["TENURE_SEEDS"].flatMap { UInt64($0) } ?? 2)
  }

  private static let jobs: [Job] = [.flagOrphans, .flagBreaches, .flagEndings, .flagUse]
  private static let rules = [
    "orphaned_account", "ownerless", "empty_group", "standing_privileged_access", "separation_of_duties",
    "credential_outlives_grant", "break_glass_unreviewed", "expired_unrecorded", "ending_not_observed",
    "session_from_several_networks",
  ]

  /// After so many hours the jobs run; the windows are of days.
  private static let hours = [5, 8, 11, 15, 40, 90, 300]

  @Test func `what is raised, kept and resolved is what going through the log says`() throws {
    var tally = Tally()
    for seed in Self.seeds {
      var history = try FindingHistory(seed)
      for hour in Self.hours {
        try history.goOn(until: hour)
        try check(history, "seed \(seed), hour \(hour)", &tally)
      }
    }
    // In few histories not everything is mended again.
    let isMany = Self.seeds.count > 2
    for rule in Self.rules {
      #expect(
        tally.raised[rule] ?? 0 > 0 && (!isMany || tally.resolved[rule] ?? 0 > 0),
        "raised \(tally.raised), resolved \(tally.resolved)")
    }
  }

  /// What was raised and resolved in all, by rule.
  private struct Tally {
    var raised: [String: Int] = [:]
    var resolved: [String: Int] = [:]
  }

  private func check(_ history: FindingHistory, _ comment: String, _ tally: inout Tally) throws {
    let place = history.place
    let before = try place.events()
    let wasOpen = Self.findings(before, at: place.tenant.now)
    for job in Self.jobs {
      let run = try place.run(job)
      #expect(run.state == .succeeded, "\(comment), \(job.name): \(run.error ?? "")")
    }
    let events = try place.events()
    let isTrue = Set(history.expected(events))
    let isOpen = Set(Self.findings(events, at: place.tenant.now).map(Self.naive))
    for rule in Self.rules {
      let (said, expected) = (isOpen.filter { $0.rule == rule }, isTrue.filter { $0.rule == rule })
      #expect(
        said == expected, "\(comment), \(rule): said \(said.subtracting(expected)), expected \(expected.subtracting(said))")
    }
    // What was open and is true still was not said again, and nothing was resolved that is true.
    for event in events[before.count...] {
      switch event.change {
      case .findingRaised(let finding):
        tally.raised[finding.rule, default: 0] += 1
        #expect(!wasOpen.contains(finding), "\(comment): \(finding.id) was said before")
      case .findingResolved(let id):
        let finding = events.compactMap { event -> Finding? in
          if case .findingRaised(let finding) = event.change, finding.id == id { finding } else { nil }
        }.last
        tally.resolved[finding?.rule ?? "", default: 0] += 1
      default: Issue.record("\(comment): a job that flags wrote \(event.change.type)")
      }
    }
    for job in Self.jobs { _ = try place.run(job) }
    #expect(try place.events().count == events.count, "\(comment): a second run said something")
  }

  private static func naive(_ finding: Finding) -> NaiveFinding {
    NaiveFinding(finding, only: finding.rule == "ending_not_observed" ? NaiveFindings.membersOfUnobserved : nil)
  }

  /// The findings that are open or accepted at a moment, by the fold.
  private static func findings(_ events: [Event], at t: Instant) -> Set<Finding> {
    let state = NaiveLog(events).state(at: t, asKnownAt: Int64(events.count))
    return Set(
      state.living.values.compactMap { living in
        guard case .finding(let finding) = living.document else { return nil }
        return finding
      })
  }
}

/// A history that goes on: random commands late, early and backdated, uses, answers to findings, and what should be found.
private struct FindingHistory {
  let place: Workplace
  private var story: RandomStory
  private var random: SeededGenerator
  private var records: [UsageRecord] = []

  init(_ seed: UInt64) throws {
    place = try Workplace()
    place.clock.now = Universe.instant(4)
    random = SeededGenerator(seed: seed &+ 0xF1_4D1)
    story = RandomStory(seed: seed)
    let privileged = PolicyDocument(type: .privileged, rule: ["actions": ["*.admin"]])
    try place.submit(
      .policyDefined(id: "powers", policy: privileged, attributes: [:]), .sourceRegistered(id: "s1", attributes: [:]),
      .coverageBegan(source: "s1", resource: "*", expiresAt: nil), at: Universe.instant(0))
  }

  // MARK: What happens

  /// Lets things happen up to an hour, and stands a moment after it.
  mutating func goOn(until hour: Int) throws {
    let begin = place.tenant.now
    let end = Universe.instant(hour).adding(microseconds: 1_500)
    let rounds = 20
    for index in 0..<rounds {
      let step = begin.distance(to: end) / Int64(rounds) * Int64(index)
      place.clock.now = max(place.clock.now, begin.adding(microseconds: step))
      let place = place
      for command in try story.next(at: place.tenant.now, knowing: { try place.events() }) { submit(command) }
      if random.chance(1, in: 6) { try answer() }
    }
    if random.chance(1, in: 4) { _ = try place.run(.expireGrants) }
    place.clock.now = max(place.clock.now, end)
    try use()
  }

  /// Whatever is refused has not happened.
  private mutating func submit(_ command: Command) {
    let (source, basis) = story.circumstances()
    _ = try? place.tenant.submitAndWait(
      Submission(
        mode: .observation, source: source, basis: basis, recordedBy: Recorder(id: "test", authentication: "local"),
        commands: [command]))
  }

  /// Somebody answers a finding that is open.
  private mutating func answer() throws {
    let events = try place.events()
    let state = NaiveLog(events).state(at: place.tenant.now, asKnownAt: Int64(events.count))
    let all = state.living.keys.filter { $0.kind == .finding }.map(\.id).sorted()
    // Broken glass more often than the rest.
    let glass = all.filter { $0.hasPrefix("break_glass:") }
    let open = random.chance(1, in: 2) && !glass.isEmpty ? glass : all
    if !open.isEmpty { submit(story.answer(to: random.pick(open), at: place.tenant.now)) }
  }

  private static let addresses: [String?] = [
    "10.0.0.1", "10.0.9.9", "10.1.0.1", "192.0.2.7", "::ffff:10.0.0.5", "::ffff:a00:6", "0:0:0:0:0:FFFF:0A00:7",
    "0::ffff:c000:208", "2001:db8::1", "2001:0DB8:0:7::2", "2001:db9::1", "::1",
    "lambda.amazonaws.com", nil,
  ]

  /// What was used lately, some of it told late.
  private mutating func use() throws {
    let hour = place.tenant.now.microseconds / 3_600_000_000
    let new = (0..<8).map { number in
      UsageRecord(
        id: "\(records.count + number)", at: Instant(microseconds: (hour - Int64(random.below(80))) * 3_600_000_000),
        identity: random.pick(["ada", "bob"]), action: "repo.read", resource: "org",
        session: random.chance(5, in: 6) ? random.pick(["k1", "k2", "k3", "other"]) : nil,
        address: random.pick(Self.addresses), outcome: random.pick(UsageOutcome.allCases))
    }
    records += new
    _ = try UsageStore(place.tenant).recordAll(new, source: "trail")
  }

  // MARK: What should be found

  func expected(_ events: [Event]) -> [NaiveFinding] {
    let now = place.tenant.now
    let naive = NaiveFindings(events, at: now)
    let windows = NaiveWindows(NaiveLog(events).state(at: now, asKnownAt: Int64(events.count)))
    return naive.structure + naive.standingPrivilege + naive.duties + naive.outlivingCredentials
      + naive.unreviewedGlass(after: windows.days("break_glass_unreviewed", nil, usual: 3))
      + naive.unrecordedEnds { windows.days("expired_unrecorded", $0, usual: 1) }
      + naive.unobservedEndings { windows.days("ending_not_observed", $0, usual: 7) }
      + sessions(
        since: now.adding(microseconds: -windows.days("session_from_several_networks", nil, usual: 90) * 86_400_000_000), naive)
  }

  /// Sessions that were used from several networks, by all that was ever told.
  private func sessions(since: Instant, _ naive: NaiveFindings) -> [NaiveFinding] {
    let located = records.filter { $0.at >= since && $0.session != nil && Self.network($0.address) != nil }
    return Dictionary(grouping: located) { $0.session ?? "" }.compactMap { session, records in
      let networks = Set(records.compactMap { Self.network($0.address) }).sorted()
      guard networks.count > 1, let identity = records.map(\.identity).min() else { return nil }
      return naive.finding(
        "session_from_several_networks", .credential(session),
        ["identity": .string(identity), "networks": .array(networks.map { .string($0) })])
    }
  }

  /// The networks of the addresses above, by hand.
  private static func network(_ address: String?) -> String? {
    switch address {
    case "10.0.0.1", "10.0.9.9", "::ffff:10.0.0.5", "::ffff:a00:6", "0:0:0:0:0:FFFF:0A00:7": "10.0.0.0/16"
    case "10.1.0.1": "10.1.0.0/16"
    case "192.0.2.7", "0::ffff:c000:208": "192.0.0.0/16"
    case "2001:db8::1", "2001:0DB8:0:7::2": "2001:db8::/32"
    case "2001:db9::1": "2001:db9::/32"
    case "::1": "0:0::/32"
    default: nil
    }
  }
}

/// After how long each rule says something, by the policies of a world: the nearest, of several the shortest.
private struct NaiveWindows {
  let state: NaiveState

  init(_ state: NaiveState) { self.state = state }

  func days(_ rule: String, _ scope: String?, usual: Int64) -> Int64 {
    var best: (depth: Int, days: Int64)?
    for living in state.living.values {
      guard case .policy(let policy) = living.document, policy.type == .findings, let days = policy.rule["days"]?.integerValue,
        policy.rule["rules"]?.arrayValue?.contains(.string(rule)) ?? false
      else { continue }
      let place = policy.rule["scope"]?.stringValue ?? "*"
      guard NaivePattern.covers(place, scope ?? "*") else { continue }
      let depth = place == "*" ? 0 : place.split(separator: "/").count
      if best.map({ depth > $0.depth || depth == $0.depth && days < $0.days }) ?? true { best = (depth, days) }
    }
    return best?.days ?? usual
  }
}
