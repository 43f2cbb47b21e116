import AccessGraph
import Testing

@testable import tenure

/// Eligible access as people read it.
@Suite struct EligibleTextTests {
  @Test func `who is eligible, by what, and whether alone`() {
    let ways = [
      EligibleWay(policy: "db", alone: .yes, status: .allowed), EligibleWay(policy: "ops", alone: .no, status: .allowed),
      EligibleWay(policy: "x", alone: .conditional, status: .conditional),
    ]
    #expect(
      Eligible(identity: "dan", ways: ways).text
        == "  eligible: dan, by db (alone), ops, x (alone on a condition, conditional)\n")
    #expect(EligibleWay.text([ways[1]]) == "  eligible, by ops\n")
    #expect(EligibleWay.text([]) == "" && EligibleWay.text(nil) == "")
  }

  @Test func `what could be asked for`() {
    var one = Obtainable(
      policy: "db", requester: "dan", access: .role("admin", scope: "aws"), alone: .yes, isConditional: false,
      longestSeconds: 3_600, allowsStanding: false)
    #expect(one.text(of: "dan") == "  eligible: role admin on aws, by db (alone), at most 3600 s\n")
    (one.access, one.alone, one.isConditional) = (.group("dba"), .no, true)
    (one.longestSeconds, one.allowsStanding) = (nil, true)
    #expect(one.text(of: "ann") == "  eligible: membership in dba, for the account dan, by db (conditional), or standing\n")
  }
}
