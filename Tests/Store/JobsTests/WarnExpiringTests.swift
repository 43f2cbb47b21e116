import EventLog
import Governance
import JSON
import Temporal
import TestSupport
import Testing

@testable import Jobs

/// Whoever comes to an end is warned of a day before.
@Suite struct WarnExpiringTests {
  let work: Workplace

  init() throws { work = try Workplace() }

  private func counts(_ found: Int64, raised: Int64? = nil, already: Int64 = 0) -> [String: Int64] {
    ["found": found, "raised": raised ?? found, "already": already]
  }

  /// What was warned of; what was resolved, one test looks at.
  private func run() throws -> [String: Int64] { Self.warned(try work.run(.warnExpiring).counts) }

  private static func warned(_ counts: [String: Int64]) -> [String: Int64] { counts.filter { $0.key != "resolved" } }

  /// What was warned of, as `id end`, in the order of the log.
  private func warnings() throws -> [String] {
    try work.events().compactMap { event in
      guard case .findingRaised(let finding) = event.change else { return nil }
      #expect(finding.rule == (finding.subject.kind == .group ? "membership_expiring" : "assignment_expiring"))
      #expect(event.effectiveAt == event.recordedAt)
      #expect(event.recordedBy == Recorder(id: "tenure job warn-expiring", authentication: "local"))
      let member = finding.evidence["member"]?.stringValue.map { "\($0) " } ?? ""
      return "\(finding.subject) \(member)\(finding.evidence["expires_at"]?.stringValue ?? "")"
    }
  }

  @Test func `each end is warned of once, a day before, and anew where it was moved`() throws {
    try work.submit(.grant("a1", until: hour(48)), .grant("a2", to: .group("staff"), until: hour(100)))
    work.clock.now = hour(24).adding(microseconds: -1)
    #expect(try run() == counts(0))
    work.clock.now = hour(24)
    #expect(try run() == counts(1))
    #expect(try run() == counts(0))
    #expect(try warnings() == ["assignment:a1 \(hour(48))"])
    work.clock.now = hour(40)
    #expect(try run() == counts(0))
    try work.submit(.assignmentExtended(id: "a1", expiresAt: hour(90)))
    #expect(try run() == counts(0))
    work.clock.now = hour(70)
    #expect(try run() == counts(1))
    work.clock.now = hour(80)
    #expect(try run() == counts(1))
    #expect(
      try warnings() == ["assignment:a1 \(hour(48))", "assignment:a1 \(hour(90))", "assignment:a2 \(hour(100))"])
    // The end itself is the other job's.
    work.clock.now = hour(200)
    #expect(try run() == counts(0))
    #expect(try work.tenant.verify().isClean)
  }

  @Test func `a warning is resolved when the end has come, or is another one, and the next is another finding`() throws {
    try work.submit(.grant("a1", until: hour(48)), .grant("a2", until: hour(49)))
    work.clock.now = hour(30)
    #expect(try work.run(.warnExpiring).counts["resolved"] == 0)
    #expect(try work.open(.warned) == ["a1", "a2"])
    try work.submit(.assignmentExtended(id: "a1", expiresAt: hour(90)))
    #expect(try work.run(.warnExpiring).counts["resolved"] == 1)
    #expect(try work.open(.warned) == ["a2"])
    work.clock.now = hour(70)
    #expect(try work.run(.warnExpiring).counts["resolved"] == 1)
    #expect(try work.open(.warned) == ["a1"])
    #expect(try work.run(.warnExpiring).counts["resolved"] == 0)
  }

  @Test func `a membership that comes to its end is warned of, and anew where it was added again`() throws {
    func join(_ member: Entity, until end: Instant?) -> Change {
      .membershipAdded(group: "staff", member: member, expiresAt: end)
    }
    try work.submit(
      .groupCreated(id: "night", attributes: [:]), join(.identity("ada"), until: hour(48)), join(.identity("bob"), until: nil),
      join(.group("night"), until: hour(48)))
    work.clock.now = hour(24).adding(microseconds: -1)
    #expect(try run() == counts(0))
    work.clock.now = hour(30)
    #expect(try run() == counts(2))
    #expect(try run() == counts(0))
    try work.submit(join(.identity("ada"), until: hour(100)), .membershipRemoved(group: "staff", member: .group("night")))
    work.clock.now = hour(80)
    #expect(try run() == counts(1))
    #expect(
      try warnings() == [
        "group:staff identity:ada \(hour(48))", "group:staff group:night \(hour(48))", "group:staff identity:ada \(hour(100))",
      ])
    #expect(try work.tenant.verify().isClean)
  }

  @Test func `what lasts a day or less, has ended, or has no end is not warned of`() throws {
    try work.submit(
      .grant("day", until: hour(24)), .grant("longer", until: hour(24).next), .grant("unlimited", until: nil),
      .grant("revoked", until: hour(30)), .grant("retired", to: .identity("bob"), until: hour(30)),
      .grant("deleted", to: .group("staff"), until: hour(30)), .grant("unended", until: hour(30)),
      .grant("suspended", until: hour(31)), at: hour(0))
    work.clock.now = hour(10)
    try work.submit(
      .assignmentRevoked(id: "revoked"), .identityRetired(id: "bob"), .groupDeleted(id: "staff"),
      .assignmentExtended(id: "unended", expiresAt: nil), .identitySuspended(id: "ada"))
    #expect(try run() == counts(2))
    #expect(Set(try warnings()) == ["assignment:longer \(hour(24).next)", "assignment:suspended \(hour(31))"])
    try work.submit(.roleRetired(id: "reader"))
    try work.submit(.roleDefined(id: "reader", document: RoleDocument(permissions: nil), attributes: [:]))
    work.clock.now = hour(11)
    try work.submit(.grant("anew", until: hour(34)), at: hour(9))
    #expect(try run() == counts(0))
  }

  @Test func `where it lasted a day only because it was cut short, it counts as it is now`() throws {
    try work.submit(.grant("a1", until: hour(400)))
    work.clock.now = hour(2)
    try work.submit(.assignmentExtended(id: "a1", expiresAt: hour(20)))
    #expect(try run() == counts(0))
    try work.submit(.assignmentExtended(id: "a1", expiresAt: hour(26)))
    #expect(try run() == counts(1))
  }

  @Test func `two processes at the same end, and one killed before its record, warn once`() throws {
    try work.submit(.grant("a1", until: hour(30)), .grant("a2", until: hour(30)))
    work.clock.now = hour(10)
    let (tenant, other) = (work.tenant, work.context())
    // The other comes between this one's reading of the ends and its warnings.
    let report = try Job.warnExpiring.work(
      work.context(openTenant: {
        let counts = try Job.warnExpiring.work(other).counts
        #expect(Self.warned(counts) == ["found": 2, "raised": 2, "already": 0])
        return tenant
      }))
    #expect(Self.warned(report.counts) == counts(2, raised: 0, already: 2))
    #expect(try run() == counts(0))
    #expect(try warnings().count == 2)
  }

  @Test func `a run with nothing to say loads no graph`() throws {
    try work.submit(.grant("a1", until: hour(30)))
    work.clock.now = hour(10)
    #expect(try run() == counts(1))
    let report = try Job.warnExpiring.work(work.context(openTenant: { throw Unexpected() }))
    #expect(Self.warned(report.counts) == counts(0))
  }

  @Test func `more ends than a page are all warned of`() throws {
    for first in stride(from: 0, to: 1_050, by: 350) {
      let grants = (first..<first + 350).map { number in
        Command(
          .grant("g\(number)", until: hour(30).adding(microseconds: Int64(number / 7))),
          authority: Authority(reason: "test"))
      }
      try work.tenant.submitAndWait(
        Submission(
          mode: .observation, source: "test", basis: .observed, recordedBy: Recorder(id: "test", authentication: "local"),
          commands: grants))
    }
    work.clock.now = hour(10)
    #expect(try run() == counts(1_050))
    #expect(Set(try warnings()).count == 1_050)
  }

  private struct Unexpected: Error {}
}

extension FindingFilter {
  /// The warnings that are open.
  fileprivate static let warned = FindingFilter(rule: "assignment_expiring", states: [.open])
}

extension Workplace {
  /// The ids of what some findings are about, in order.
  fileprivate func open(_ filter: FindingFilter) throws -> [String] {
    try tenant.findings(filter, at: tenant.now, asKnownAt: tenant.head.position, limit: 100).map(\.finding.subject.id).sorted()
  }
}
