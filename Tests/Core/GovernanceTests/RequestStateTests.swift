import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// Requests as a state machine: every pair of a state and a command is a stated transition or a refusal.
@Suite struct RequestStateTests {
  /// What each command makes of a request in each state; all that is not listed is refused.
  static let transitions: [RequestState: [RequestStep: RequestState]] = [
    .pending: [.revised: .pending, .approved: .active, .denied: .denied, .withdrawn: .withdrawn],
    .approved: [.revised: .pending, .denied: .denied, .withdrawn: .withdrawn, .claimed: .active],
    .active: [.ended: .ended],
    .lapsed: [.lapsed: .lapsed],
  ]

  /// Every step that can be commanded; that one fails is decided.
  static let steps = RequestStep.allCases.filter { $0 != .failed }

  @Test(arguments: RequestState.allCases, steps)
  func `a command is a transition or a refusal`(_ state: RequestState, _ step: RequestStep) throws {
    var desk = try Self.desk(in: state)
    #expect(desk.state("r") == state)
    let before = desk.events
    let by = step == .approved || step == .denied ? "bob" : "ada"
    let terms = step == .submitted || step == .revised ? RequestDesk.terms(seconds: 120) : nil
    do throws(Refusal) {
      try desk.step("r", step, by: by, terms)
      #expect(desk.state("r") == Self.transitions[state]?[step], "\(state) \(step)")
      // Recorded once; a second time it has no effect left.
      #expect(desk.events.count > before.count)
    } catch {
      #expect(Self.transitions[state]?[step] == nil, "\(state) \(step): \(error)")
      #expect(desk.events == before)
    }
  }

  /// A desk with a request that stands there.
  private static func desk(in state: RequestState) throws -> RequestDesk {
    var desk = try RequestDesk()
    let start: RequestStart = state == .approved ? .onClaim : .onApproval
    if state == .applied {
      let document = RoleDocument(permissions: [Permission(actions: ["x"])])
      try desk.submit("r", RequestDesk.terms(.role(id: "reader", document), seconds: nil))
    } else {
      try desk.submit("r", RequestDesk.terms(start: start))
    }
    switch state {
    case .pending: break
    case .approved, .active, .applied: try desk.step("r", .approved, by: "bob")
    case .denied: try desk.step("r", .denied, by: "cy")
    case .withdrawn: try desk.step("r", .withdrawn, by: "ada")
    case .lapsed: desk.wait(seconds: 3_600)
    case .failed:
      try desk.tell(.roleRetired(id: "db-admin"))
      try desk.step("r", .approved, by: "bob")
    case .ended:
      try desk.step("r", .approved, by: "bob")
      desk.wait(seconds: 3_600)
    }
    return desk
  }

  @Test func `one microsecond decides between pending and lapsed`() throws {
    var desk = try Self.desk(in: .pending)
    let end = try #require(desk.standing("r")?.progress.expiresAt)
    desk.now = end.adding(microseconds: -1)
    var late = desk
    try desk.step("r", .approved, by: "bob")
    #expect(desk.state("r") == .active)
    late.now = end
    #expect(throws: Refusal.self) { try late.step("r", .approved, by: "bob") }
    // The clock may jump: the lapse is recorded where it took effect.
    late.wait(seconds: 86_400)
    try late.step("r", .lapsed, by: nil)
    #expect(late.events.last?.effectiveAt == end)
    #expect(throws: Refusal.self) { try late.step("r", .lapsed, by: nil) }
  }
}
