import Foundation
import TestSupport
import Testing

/// What `plan` shows of the access that a directory would add and remove.
@Suite struct PlanCommandTests {
  private let program: TenureProgram
  private let place: [String]
  private let folder: ScratchFolder

  private static let organisation = """
    identities:
      ann: {kind: person, attributes: {department: payments}}
      bob: {kind: person, attributes: {department: sales}}
    groups:
      staff: {members: [identity:ann, identity:bob]}
    roles:
      reader: {permissions: [{actions: [repo.read]}]}
      writer: {permissions: [{actions: [repo.write], condition: {Bool: {request.mfa: "true"}}}]}
    assignments:
      - {id: all-read, principal: group:staff, role: reader, scope: acme}
      - {id: ann-writes, principal: identity:ann, role: writer, scope: acme/site}
    coverage: [acme]
    """

  init() throws {
    program = try TenureProgram()
    place = ["--source", "s", "--database", try ScratchDatabase.conninfo(), "--tenant", ScratchDatabase.tenantName()]
    folder = try ScratchFolder()
    try folder.write(Self.organisation, to: "organisation.yaml")
    #expect(try program.run(["apply", folder.url.path] + place).status == 0)
  }

  /// The lines about effective access, and the last one.
  private func access(of more: String) throws -> [Substring] {
    try folder.write(more, to: "more.yaml")
    let planned = try program.run(["plan", folder.url.path] + place)
    #expect(planned.status == 0, "\(planned.complaint)")
    let lines = planned.output.split(separator: "\n")
    return Array(lines[try #require(lines.firstIndex(of: "effective access"))...].dropFirst())
  }

  @Test func `a deny policy takes access away`() throws {
    let lines = try access(
      of: #"policies: {freeze: {policy_type: deny, rule: {principals: ["identity:ann"], actions: ["repo.*"]}}}"#)
    #expect(
      lines == [
        "- ann  repo.read on acme", #"- ann  repo.write on acme/site if {"Bool":{"request.mfa":"true"}}"#,
        "1 commands; entitlements: 0 gained, 2 lost",
      ])
  }

  @Test func `a deny policy of some of it restricts access, and one on a condition makes it conditional`() throws {
    let some = try access(
      of: "policies: {freeze: {policy_type: deny, rule: {actions: [repo.read], resources: [acme/site]}}}")
    #expect(
      some == [
        "~ ann  repo.read on acme  RESTRICTED by deny policy freeze",
        "~ bob  repo.read on acme  RESTRICTED by deny policy freeze",
        "1 commands; entitlements: 0 gained, 0 lost, 2 otherwise restricted",
      ])
    let conditional = try access(
      of: """
        policies:
          freeze:
            policy_type: deny
            rule: {actions: [repo.read], condition: {StringEquals: {identity.department: sales}, Bool: {request.mfa: "false"}}}
        """)
    #expect(
      conditional == [
        "~ bob  repo.read on acme  CONDITIONAL, RESTRICTED by deny policy freeze",
        "1 commands; entitlements: 0 gained, 0 lost, 1 otherwise restricted",
      ])
  }

  @Test func `a boundary policy takes away what it does not leave`() throws {
    let lines = try access(
      of: "policies: {limit: {policy_type: boundary, rule: {permissions: [{actions: [repo.read]}]}}}")
    #expect(
      lines == [
        #"- ann  repo.write on acme/site if {"Bool":{"request.mfa":"true"}}"#, "1 commands; entitlements: 0 gained, 1 lost",
      ])
  }

  @Test func `a deny permission of a role takes access away, and is listed itself`() throws {
    let lines = try access(
      of: """
        roles: {frozen: {permissions: [{effect: deny, actions: [repo.read]}]}}
        assignments: [{id: f, principal: "identity:bob", role: frozen, scope: "*"}]
        """)
    #expect(
      lines == [
        "- bob  repo.read on acme", "+ bob  DENIED repo.read on *", "2 commands; entitlements: 1 gained, 1 lost",
      ])
  }

  @Test func `what an elevation policy governs is declared only as unapproved, with a reason, and found`() throws {
    try folder.write(
      """
      policies:
        ask:
          policy_type: elevation
          rule: {roles: [writer], scopes: [acme], approvers: ["identity:ann"], longest_seconds: 3600}
      """, to: "policies.yaml")
    #expect(try program.run(["apply", folder.url.path] + place).status == 0)
    try folder.write(
      "assignments: [{id: bob-writes, principal: identity:bob, role: writer, scope: acme/site}]", to: "more.yaml")
    let planned = try program.run(["plan", folder.url.path] + place)
    #expect(planned.status == 1 && planned.output.contains("ask governs this"))
    #expect(try program.run(["apply", folder.url.path] + place).status == 3)
    #expect(try program.run(["apply", folder.url.path, "--unapproved"] + place).status == 3)
    let applied = try program.run(["apply", folder.url.path, "--unapproved", "--reason", "no time to ask"] + place)
    #expect(applied.status == 0, "\(applied.complaint)")
    let log = try program.run(["log", "--type", "finding.raised"] + place.dropFirst(2))
    #expect(log.output.contains("assignment:bob-writes") && log.output.contains("no time to ask"))
  }
}
