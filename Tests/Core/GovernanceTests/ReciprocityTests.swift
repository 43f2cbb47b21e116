import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Approvals that return one another, among many requests, against all pairs of them.
///
/// TENURE_FIRST_SEED repeats one seed.
@Suite struct ReciprocityTests {
  /// An approval as it was given.
  private struct Given {
    let request: String
    let at: Instant
    /// Who asked or gained, as persons.
    let gaining: Set<String>
    /// Who approved, as a person.
    let by: String
  }

  private static let people = ["ada", "bob", "cy", "dan", "eve"]
  private static let lookback: Int64 = 30 * 86_400

  private static func person(_ identity: String) -> String { identity == "ada@laptop" ? "ada" : identity }

  /// Everybody may ask and approve, ada also by her account.
  private static func desk(approvals: Int64) throws -> RequestDesk {
    var desk = try RequestDesk()
    try desk.tell(.identityRegistered(id: "eve", kind: .person, attributes: [:]))
    for id in people where !["bob", "cy"].contains(id) {
      try desk.tell(.membershipAdded(group: "leads", member: .identity(id), expiresAt: nil), by: "mallory")
    }
    for id in people where !["ada", "dan"].contains(id) {
      try desk.tell(.membershipAdded(group: "oncall", member: .identity(id), expiresAt: nil))
    }
    try desk.tell(.membershipAdded(group: "oncall", member: .identity("ada@laptop"), expiresAt: nil))
    try desk.define("db", RequestDesk.rule(approvals: approvals, ["decide_within_seconds": 8_640_000]))
    return desk
  }

  /// The pairs of requests whose approvals a finding says to return one another.
  private static func found(_ desk: RequestDesk) -> Set<[String]> {
    Set(
      desk.events.compactMap { event in
        guard case .findingRaised(let finding) = event.change, finding.rule == "reciprocal_approval",
          let other = finding.evidence["other_request"]?.stringValue
        else { return nil }
        return [finding.subject.id, other]
      })
  }

  @Test(arguments: UInt64(0)..<12)
  func `every approval that returns another within the look-back is found, and no other`(_ number: UInt64) throws {
    let seed = number + (ProcessInfo.processInfo.environment["TENURE_FIRST_SEED"].flatMap { UInt64($0) } ?? 0)
    var random = SeededGenerator(seed: seed)
    var desk = try Self.desk(approvals: 1 + Int64(seed % 2))
    var given: [Given] = []
    var expected: Set<[String]> = []
    for index in 0..<14 {
      let id = "r\(index)"
      let (requester, gaining) = (random.pick(Self.people + ["ada@laptop"]), random.pick(Self.people))
      desk.wait(seconds: Int64(random.below(6)) * 86_400)
      try desk.submit(
        id,
        RequestDesk.terms(
          .assignment(principal: .identity(gaining), role: "db-admin", scope: "prod", condition: nil), by: requester))
      for _ in 0..<3 {
        let by = random.pick(Self.people + ["ada@laptop"])
        desk.wait(seconds: Int64(random.below(3)) * 3_600)
        let at = desk.now
        guard (try? desk.step(id, .approved, by: by)) != nil else { continue }
        let one = Given(request: id, at: at, gaining: [Self.person(requester), gaining], by: Self.person(by))
        let since = at.adding(microseconds: -Self.lookback * RequestDesk.second)
        for other in given where other.request != id && other.at >= since {
          if one.gaining.contains(other.by), other.gaining.contains(one.by) { expected.insert([id, other.request]) }
        }
        given.append(one)
      }
    }
    #expect(!expected.isEmpty && given.count > 8, "seed \(seed)")
    #expect(Self.found(desk) == expected, "seed \(seed)")
  }

  @Test func `who gained by an extension gained, though the assignment has ended since`() throws {
    var desk = try Self.desk(approvals: 1)
    try desk.submit(
      "r",
      RequestDesk.terms(.assignment(principal: .identity("bob"), role: "db-admin", scope: "prod", condition: nil), by: "bob"))
    try desk.step("r", .approved, by: "eve")
    // Dan asks for bob, and ada approves; then bob approves what ada asks for.
    try desk.submit("x", RequestDesk.terms(.assignmentExtension(assignment: "r"), by: "dan", seconds: 7_200))
    try desk.step("x", .approved, by: "ada")
    desk.wait(seconds: 86_400)
    #expect(!desk.holds("r"))
    try desk.submit("a", RequestDesk.terms(by: "ada"))
    try desk.step("a", .approved, by: "bob")
    #expect(Self.found(desk) == [["a", "x"]])
  }
}
