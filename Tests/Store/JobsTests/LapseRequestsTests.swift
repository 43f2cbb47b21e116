import AccessGraph
import EventLog
import Governance
import JSON
import Postgres
import Temporal
import TestSupport
import Testing

@testable import Jobs

/// A request that nobody decides lapses by itself, and the job records that it has.
@Suite struct LapseRequestsTests {
  let work: Workplace

  init() throws {
    work = try Workplace()
    let rule: JSONValue = [
      "roles": ["reader"], "scopes": ["org"], "approvers": ["identity:bob"], "longest_seconds": 7_200,
      "decide_within_seconds": 3_600, "claim_within_seconds": 1_800,
    ]
    try work.submit(
      .policyDefined(id: "ask", policy: PolicyDocument(type: .elevation, rule: rule), attributes: [:]))
  }

  @discardableResult
  private func send(_ change: Change, at instant: Instant? = nil) throws -> Receipt {
    try work.tenant.submitAndWait(
      Submission(
        mode: .governed, source: "api", basis: .declared, recordedBy: Recorder(id: "test", authentication: "local"),
        commands: [Command(change, effectiveAt: instant, authority: Authority(reason: "test"))]))
  }

  private func submit(_ id: String, start: RequestStart = .onApproval) throws {
    let terms = RequestTerms(
      requester: "ada",
      proposal: .assignment(principal: .identity("ada"), role: "reader", scope: "org", condition: nil), policy: "ask",
      durationSeconds: 7_200, start: start)
    try send(.request(id: id, .submitted, by: nil, AccessRequest(step: .submitted, terms: terms)))
  }

  private func state(_ id: String) throws -> RequestState? {
    let now = work.clock.now
    return try work.tenant.read { $0.world(asKnownAt: $0.position).request(id, at: now)?.state }
  }

  private func lapses() throws -> [String: Instant] {
    var lapses: [String: Instant] = [:]
    for event in try work.events() {
      if case .request(let id, .lapsed, _, _) = event.change { lapses[id] = event.effectiveAt }
    }
    return lapses
  }

  @Test func `what waits too long has lapsed without the job, which records it once and where it took effect`() throws {
    try submit("r1")
    try submit("r2")
    try submit("claimed", start: .onClaim)
    try submit("unclaimed", start: .onClaim)
    for id in ["r2", "claimed", "unclaimed"] { try send(.request(id: id, .approved, by: "bob", nil)) }
    try send(.request(id: "claimed", .claimed, by: "ada", nil))
    #expect(try work.run(.lapseRequests).counts == ["due": 0, "recorded": 0, "already": 0])
    work.clock.now = hour(5)
    #expect(try state("r1") == .lapsed)
    #expect(try state("unclaimed") == .lapsed)
    #expect(throws: SubmissionFailure.self) { try send(.request(id: "r1", .approved, by: "bob", nil)) }
    #expect(try work.run(.lapseRequests).counts == ["due": 2, "recorded": 2, "already": 0])
    #expect(try work.run(.lapseRequests).counts == ["due": 0, "recorded": 0, "already": 0])
    let lapses = try lapses()
    #expect(Set(lapses.keys) == ["r1", "unclaimed"])
    let begun = try #require(try work.events().first { $0.change.entity == .request("r1") })
    #expect(lapses["r1"] == begun.recordedAt.adding(microseconds: 3_600_000_000))
  }

  @Test func `a run that was killed after its events is followed by one that finds nothing left`() throws {
    for number in 0..<5 { try submit("r\(number)") }
    work.clock.now = hour(5)
    // The events are recorded; the run never says so.
    let context = work.context()
    _ = try Job.lapseRequests.work(context)
    #expect(try lapses().count == 5)
    #expect(try work.run(.lapseRequests).counts == ["due": 0, "recorded": 0, "already": 0])
  }

  @Test func `a clock that jumps back a day undoes nothing, and one that jumps ahead lapses once`() throws {
    try submit("r1")
    work.clock.now = hour(24)
    #expect(try work.run(.lapseRequests).counts == ["due": 1, "recorded": 1, "already": 0])
    work.clock.now = hour(0)
    #expect(try work.run(.lapseRequests).counts == ["due": 0, "recorded": 0, "already": 0])
    #expect(throws: SubmissionFailure.self) { try send(.request(id: "r1", .approved, by: "bob", nil)) }
    try submit("r2")
    #expect(try lapses().count == 1)
  }
}
