import Governance
import JSON
import Temporal
import TestSupport
import Testing

@Suite struct CodecTests {
  /// One change of each type, from random histories.
  static let samples: [String: Change] = {
    var samples: [String: Change] = [:]
    for seed in UInt64(0)..<400 {
      for event in RandomHistory.events(seed: seed) { samples[event.change.type] = event.change }
    }
    return samples
  }()

  static let authority = Authority(
    actor: Actor(id: "ada", onBehalfOf: "bob"),
    authorisedBy: Approval(approver: "cy", at: Universe.instant(1), reference: "REQ-1", verified: true), reason: "because",
    ticket: Ticket(system: "jira", key: "T-1", url: "https://example.org/T-1"))

  @Test(arguments: Verb.all.map(\.name))
  func `a command survives its JSON form`(_ name: String) throws {
    let verb = try #require(Verb.named(name))
    let change = try #require(Self.samples[verb.eventType], "no random history has a \(verb.eventType)")
    let full = Command(
      change, expecting: verb.expectation, effectiveAt: Universe.instant(3).next, dueAt: Universe.instant(2),
      authority: Self.authority)
    let bare = Command(change, expecting: verb.expectation)
    for command in [full, bare] {
      #expect(command.json["type"]?.stringValue == name)
      let text = command.json.canonicalText
      #expect(try Command(JSONValue(parsing: text)) == command)
    }
  }

  @Test func `an unknown member of a command is refused by name`() throws {
    let json: JSONValue = ["type": "group.delete", "id": "eng", "dueAt": "2024-01-01T00:00:00Z"]
    let error = #expect(throws: JSONFieldError.self) { try Command(json) }
    #expect(error?.pointer == "/dueAt")
  }

  @Test(
    arguments: [
      (["type": "group.destroy", "id": "eng"], "/type"), (["type": "group.delete"], "/id"),
      (["type": "membership.add", "group": "eng", "member": "ada"], "/member"),
      (["type": "identity.register", "id": "ada", "kind": "robot"], "/kind"),
      (["type": "assignment.grant", "id": "a", "principal": "role:r", "role": "r", "scope": "*"], "/principal"),
      (["type": "assignment.grant", "id": "a", "principal": "group:g", "role": "r", "scope": "org//x"], "/scope"),
      (["type": "assignment.extend", "id": "a", "expires_at": "2024-01-01"], "/expires_at"),
      (["type": "role.define", "id": "r", "permissions": [["actions": []]]], "/permissions/0/actions"),
      (["type": "role.define", "id": "r", "permissions": [["action": ["x"]]]], "/permissions/0/actions"),
      (
        ["type": "role.define", "id": "r", "permissions": [["actions": ["x"], "condition": "no"]]], "/permissions/0/condition"
      ),
      (["type": "group.create", "id": "g", "attributes": ["size": ["deep": 1]]], "/attributes/size"),
    ] as [(JSONValue, String)])
  func `a malformed command names the member`(_ json: JSONValue, _ pointer: String) {
    let error = #expect(throws: JSONFieldError.self) { try Command(json) }
    #expect(error?.pointer == pointer)
  }

  @Test func `the data of random events survives its JSON form`() throws {
    for seed in UInt64(0)..<200 {
      for event in RandomHistory.events(seed: seed) {
        let text = event.change.data.canonicalText
        var reader = try FieldReader(JSONValue(parsing: text))
        let change = try Change(type: event.change.type, reading: &reader)
        try reader.finish()
        #expect(change == event.change, "seed \(seed) position \(event.position)")
        #expect(change.data.canonicalText == text)
      }
    }
  }
}
