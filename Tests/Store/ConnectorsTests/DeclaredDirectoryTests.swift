import Foundation
import Governance
import JSON
import Temporal
import Testing

@testable import Connectors

/// Writes the files into a temporary directory for as long as the body runs.
private func withDirectory<Answer>(_ files: [String: String], _ body: (String) throws -> Answer) throws -> Answer {
  let directory = FileManager.default.temporaryDirectory.appendingPathComponent("connectors-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: directory) }
  for (name, text) in files { try Data(text.utf8).write(to: directory.appendingPathComponent(name)) }
  return try body(directory.path)
}

@Suite struct `A declarative directory` {
  @Test func `is read into desired state, YAML and JSON alike`() throws {
    let yaml = """
      identities:
        alice: {kind: person, attributes: {department: finance, level: 3, code: "007", leaver: false}}
        gh:alice: {kind: account, person: alice}
      groups:
        team: {members: [identity:alice, {member: "identity:gh:alice", expires_at: 2027-01-01T00:00:00Z}]}
      roles:
        reader: {permissions: [{actions: [ledger.read]}], includes: []}
      assignments:
        - {principal: group:team, role: reader, scope: acme/ledger}
        - {id: night, principal: identity:alice, role: reader, scope: acme}
      coverage: [acme]
      """
    let json =
      #"{"resources": {"acme/ledger": {"attributes": {"class": "secret"}}}, "policies": {"p": {"policy_type": "privileged", "rule": {"actions": ["*"]}}}}"#
    let read = try withDirectory(["a.yaml": yaml, "b.json": json, "notes.txt": "x: ["]) { path in
      try DeclaredDirectory(at: path, name: "test")
    }
    let desired = read.desired
    #expect(read.files.count == 2)
    #expect(desired.facts[.existence(.source("apply:test"))]?.value == .source)
    #expect(desired.facts[.existence(.identity("alice"))]?.value == .identity(.person))
    #expect(desired.facts[.attribute(.identity("alice"), name: "code")]?.value == .attribute(.open(.string("007"))))
    #expect(desired.facts[.attribute(.identity("alice"), name: "level")]?.value == .attribute(.open(.integer(3))))
    #expect(desired.facts[.link(account: "gh:alice")]?.value == .person("alice"))
    let end = try Instant(rfc3339: "2027-01-01T00:00:00Z")
    #expect(desired.facts[.membership(group: "team", member: .identity("gh:alice"))]?.expiresAt == end)
    #expect(desired.grants.map(\.scope) == ["acme/ledger"])
    #expect(desired.facts[.assignment(id: "night")] != nil)
    #expect(desired.facts[.coverage(source: "apply:test", resource: "acme")] != nil)
    #expect(desired.facts[.existence(.resource("acme/ledger"))] != nil)
    #expect(desired.facts[.existence(.policy("p"))] != nil)
  }

  @Test(
    arguments: [
      ("people: {}", 1, "known section"), ("identities: [a]", 1, "mapping"), ("identities:\n  a: {kind: robot}", 2, "one of"),
      ("identities:\n  a:\n    kind: person\n    colour: red", 4, "known field"),
      ("identities:\n  a:\n    id: b\n    kind: person", 3, "known field"),
      ("groups:\n  g:\n    members:\n    - identity:a\n    - bob", 5, "kind:id"),
      ("groups:\n  g:\n    members:\n    - identity:a\n    - identity:a", 5, "twice"), ("roles:\n  r: {}", 2, "permissions"),
      ("assignments:\n- {principal: identity:a, role: r, scope: a//b}", 2, "segment"),
      ("assignments:\n- &x {principal: identity:a, role: r, scope: a}\n- *x", 2, "twice"),
      ("assignments:\n- {principal: identity:a, role: r, scope: a, expires_at: tomorrow}", 2, "RFC 3339"),
      ("coverage: {a: b}", 1, "list"), ("identities: {a: ]", 1, ""), ("- a", 1, "sections"),
    ])
  func `is refused with file and line`(text: String, line: Int, words: String) throws {
    try withDirectory(["bad.yaml": text]) { path in
      let error = #expect(throws: DeclaredError.self) { try DeclaredDirectory(at: path, name: "test") }
      #expect(error?.path == "\(path)/bad.yaml")
      #expect(error?.line == line, "\(String(describing: error))")
      #expect(error?.message.contains(words) == true || words.isEmpty, "\(String(describing: error))")
    }
  }

  @Test func `without any file, or declaring a thing in two files, is refused`() throws {
    try withDirectory([:]) { path in
      #expect(throws: DeclaredError.self) { try DeclaredDirectory(at: path, name: "test") }
      #expect(throws: DeclaredError.self) { try DeclaredDirectory(at: path + "/missing", name: "test") }
    }
    try withDirectory(["a.yaml": "groups: {g: {}}", "b.yaml": "groups:\n  g: {}"]) { path in
      let error = #expect(throws: DeclaredError.self) { try DeclaredDirectory(at: path, name: "test") }
      #expect(error?.path == "\(path)/b.yaml")
      #expect(error?.line == 2)
    }
  }
}
