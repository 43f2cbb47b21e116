import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Who made an approver one, by whichever change: nobody approves who owes it to the requester.
@Suite struct IndependenceTests {
  private func refused(_ body: () throws -> Void) throws -> Refusal? {
    do {
      try body()
      return nil
    } catch let refusal as Refusal {
      return refusal
    }
  }

  /// A desk after a year, so that what made its approvers is forgotten.
  private static func desk() throws -> RequestDesk {
    var desk = try RequestDesk()
    desk.wait(seconds: 86_400 * 365)
    return desk
  }

  /// Whether bob's approval of a request of ada's is refused because she made him an approver.
  private func owes(_ desk: RequestDesk) throws -> Bool {
    var desk = desk
    try desk.submit("r")
    let refusal = try refused { try desk.step("r", .approved, by: "bob") }
    if let refusal { #expect(refusal.message.contains("was made an approver"), "\(refusal)") }
    return refusal != nil
  }

  private static func voidLast(_ desk: inout RequestDesk, by actor: String) throws {
    try desk.tell(.eventVoided(position: Int64(desk.events.count)), by: actor, reason: "by mistake")
  }

  @Test(arguments: ["ada", "ada@laptop", "robot", "cy"]) func `who voids the removal of an approver makes one`(
    _ actor: String
  ) throws {
    let soon = try Self.desk().now.adding(microseconds: 9)
    let removals: [Change] = [
      .membershipRemoved(group: "leads", member: .identity("bob")), .groupDeleted(id: "leads"), .identityRetired(id: "bob"),
      .membershipAdded(group: "leads", member: .identity("bob"), expiresAt: soon),
      .identitySuspended(id: "bob"),
    ]
    for removal in removals {
      var desk = try Self.desk()
      try desk.tell(removal, by: "cy")
      try Self.voidLast(&desk, by: actor)
      desk.wait(seconds: 1)
      #expect(try owes(desk) == (actor != "cy"), "\(removal)")
    }
    var desk = try Self.desk()
    try desk.define("db", RequestDesk.rule(approvals: 1, ["approvers": ["identity:cy"]]), by: "cy")
    try Self.voidLast(&desk, by: actor)
    #expect(try owes(desk) == (actor != "cy"))
  }

  @Test(arguments: ["ada", "cy"]) func `who wakes a suspended approver makes one`(_ actor: String) throws {
    var desk = try Self.desk()
    try desk.tell(.identitySuspended(id: "bob"), by: "cy")
    try desk.tell(.identityResumed(id: "bob"), by: actor)
    #expect(try owes(desk) == (actor == "ada"))
  }

  @Test(arguments: ["ada", "cy"]) func `who dates the registration of an approver back below a membership makes one`(
    _ actor: String
  ) throws {
    var desk = try RequestDesk()
    let start = desk.now
    desk.wait(seconds: 3_600)
    try desk.tell(.groupCreated(id: "new", attributes: [:]))
    try desk.define("db", RequestDesk.rule(approvals: 1, ["approvers": ["group:new"]]))
    try desk.tell(.membershipAdded(group: "new", member: .identity("bob"), expiresAt: nil))
    desk.wait(seconds: 86_400 * 365)
    try desk.tell(
      .identityRetired(id: "bob"), by: "cy", at: start.adding(microseconds: 60 * RequestDesk.second), reason: "left")
    try desk.tell(
      .identityRegistered(id: "bob", kind: .person, attributes: [:]), by: actor,
      at: start.adding(microseconds: 120 * RequestDesk.second), reason: "came again")
    #expect(try owes(desk) == (actor == "ada"))
  }

  @Test func `who writes a change answers for it, whomever it names as its actor`() throws {
    for actor in [nil, "cy"] {
      for (recorder, owing) in [("ada", true), ("robot", true), ("ada@laptop", true), ("test", false), ("cy", false)] {
        var desk = try Self.desk()
        try desk.tell(.membershipRemoved(group: "leads", member: .identity("bob")))
        desk.recorder = recorder
        try desk.tell(.membershipAdded(group: "leads", member: .identity("bob"), expiresAt: nil), by: actor)
        desk.recorder = "test"
        #expect(try owes(desk) == owing, "\(recorder)")
      }
    }
  }

  @Test func `who granted directly does not approve its extension`() throws {
    var desk = try Self.desk()
    let end = desk.now.adding(microseconds: 3_600 * RequestDesk.second)
    let grant = Grant(principal: .identity("ada"), role: "db-admin", scope: "prod", expiresAt: end)
    try desk.tell(.assignmentGranted(id: "d", grant: grant), by: "bob", isUnapproved: true, reason: "no time")
    try desk.submit("x", RequestDesk.terms(.assignmentExtension(assignment: "d"), seconds: 7_200))
    #expect(try refused { try desk.step("x", .approved, by: "bob") }?.message == "granted what would be extended")
    try desk.step("x", .approved, by: "cy")
    #expect(desk.state("x") == .applied)
    // Who approved a request granted nothing: that was the requester's doing.
    try desk.submit("r")
    try desk.step("r", .approved, by: "bob")
    try desk.submit("y", RequestDesk.terms(.assignmentExtension(assignment: "r"), seconds: 7_200))
    try desk.step("y", .approved, by: "bob")
    #expect(desk.state("y") == .applied)
  }
}
