import EventLog
import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// The writer of bodies against the tree of values that it replaces, and its word that what it wrote can be read.
@Suite struct CanonicalFormTests {
  /// The event as a tree, from which canonical bytes follow whatever the order of its members.
  static func tree(of event: Event) -> JSONValue {
    var object = JSONObject()
    event.authority.write(to: &object)
    object["basis"] = .string(event.basis.rawValue)
    object["command_id"] = event.commandID.map { .string($0) }
    object["correlation_id"] = event.correlationID.map { .string($0) }
    object["data"] = event.change.data
    object["due_at"] = event.dueAt.map { .string($0.description) }
    object["effective_at"] = .string(event.effectiveAt.description)
    object["entity"] = .string(event.change.entity.description)
    object["event_id"] = .string(event.eventID)
    object["position"] = .integer(event.position)
    object["recorded_at"] = .string(event.recordedAt.description)
    object["recorded_by"] = [
      "id": .string(event.recordedBy.id), "authentication": .string(event.recordedBy.authentication),
    ]
    object["source"] = .string(event.source)
    object["type"] = .string(event.change.type)
    object["version"] = .integer(EventCodec.currentVersion(of: event.change.type))
    return .object(object)
  }

  /// Texts that writers and readers stumble over.
  static let texts = [
    "", "a", "ada", "group:ops", "a/b", "a//b", "*", "a*", "\0", "\u{1}", "\u{7F}", "\n", "\"", "\\", "é", "e\u{301}",
    "\u{E000}", "\u{FFFF}", "\u{1F600}", "\u{10FFFF}", "ı", String(repeating: "x", count: 512),
    String(repeating: "x", count: 513), String(repeating: "é", count: 256), String(repeating: "p/", count: 70) + "p",
    String(repeating: "\u{1}", count: 700), String(repeating: "y", count: 4097), String(repeating: "z", count: 1025),
  ]

  private static func text(_ generator: inout SeededGenerator) -> String {
    Bool.random(using: &generator) ? "plain" : texts.randomElement(using: &generator) ?? ""
  }

  private static func maybe(_ generator: inout SeededGenerator) -> String? {
    Int.random(in: 0..<3, using: &generator) == 0 ? text(&generator) : nil
  }

  private static func value(_ generator: inout SeededGenerator) -> JSONValue {
    let values: [JSONValue] = [
      nil, true, 7, .integer(JSONValue.largestExactInteger), .integer(.max), 1.5, .string(text(&generator)),
      .array([.string(text(&generator))]), ["deep": 1], [],
    ]
    return values.randomElement(using: &generator) ?? nil
  }

  private static func attributes(_ generator: inout SeededGenerator) -> [String: AttributeValue] {
    var attributes: [String: AttributeValue] = [:]
    for _ in 0..<Int.random(in: 0..<4, using: &generator) {
      let isSealed = Int.random(in: 0..<5, using: &generator) == 0
      attributes[text(&generator)] =
        isSealed ? .sealed(Bool.random(using: &generator) ? String(repeating: "0", count: 64) : "no") : .open(value(&generator))
    }
    return attributes
  }

  /// A change of any type with texts that need not be sound.
  private static func change(_ generator: inout SeededGenerator) -> Change {
    let (a, b) = (text(&generator), text(&generator))
    let kind = EntityKind.allCases.randomElement(using: &generator) ?? .identity
    let end = Bool.random(using: &generator) ? Universe.instant(5) : nil
    let grant = Grant(
      principal: Entity(kind, b), role: b, scope: a, condition: Bool.random(using: &generator) ? value(&generator) : nil,
      expiresAt: end)
    let document = RoleDocument(permissions: [Permission(actions: [a], resources: [b])], includes: [b])
    let changes: [Change] = [
      .identityRegistered(id: a, kind: .person, attributes: attributes(&generator)), .identitySuspended(id: a),
      .identityLinked(account: a, person: b), .identityUnlinked(account: a),
      .groupCreated(id: a, attributes: attributes(&generator)),
      .membershipAdded(group: a, member: Entity(kind, b), expiresAt: end), .membershipRemoved(group: a, member: .group(b)),
      .membershipExpired(group: a, member: .group(b)),
      .roleDefined(id: a, document: document, attributes: attributes(&generator)), .assignmentGranted(id: a, grant: grant),
      .assignmentExtended(id: a, expiresAt: end), .assignmentRevoked(id: a),
      .policyDefined(id: a, policy: PolicyDocument(type: .review, rule: value(&generator)), attributes: [:]),
      .resourceDescribed(path: a, attributes: attributes(&generator)), .resourceRemoved(path: a),
      .sourceRegistered(id: a, attributes: attributes(&generator)), .coverageBegan(source: a, resource: b, expiresAt: end),
      .coverageEnded(source: a, resource: b), .coverageGap(source: a, resource: b, until: Universe.instant(9)),
      .eventVoided(position: Bool.random(using: &generator) ? 3 : .max),
      .findingRaised(Finding(rule: a, subject: Entity(kind, b), evidence: value(&generator))), .findingResolved(id: a),
      .findingAccepted(id: a, until: Universe.instant(9)),
    ]
    return changes.randomElement(using: &generator) ?? .identitySuspended(id: a)
  }

  private static func event(_ generator: inout SeededGenerator, position: Int64) -> Event {
    var authority = Authority(reason: maybe(&generator))
    if let id = maybe(&generator) { authority.actor = Actor(id: id, onBehalfOf: maybe(&generator)) }
    if let id = maybe(&generator) {
      authority.authorisedBy = Approval(
        approver: id, at: Universe.instant(1), reference: maybe(&generator), verified: Bool.random(using: &generator))
    }
    if let id = maybe(&generator) { authority.ticket = Ticket(system: id, key: "k", url: maybe(&generator)) }
    return Event(
      position: position, eventID: "0190b0c0-0000-7000-8000-000000000000", effectiveAt: Universe.instant(2),
      dueAt: Bool.random(using: &generator) ? Universe.instant(1) : nil, recordedAt: Universe.instant(3),
      source: maybe(&generator) ?? "api", basis: .observed, authority: authority,
      recordedBy: Recorder(id: maybe(&generator) ?? "test", authentication: "local"), correlationID: maybe(&generator),
      commandID: maybe(&generator), change: change(&generator))
  }

  @Test(arguments: UInt64(0)..<40)
  func `bodies are the canonical form of their trees, and those said to be certain read back the same`(seed: UInt64) throws {
    var generator = SeededGenerator(seed: seed)
    var certain = 0
    for position in Int64(1)...250 {
      let event = Self.event(&generator, position: position)
      let form = EventCodec.form(of: event)
      #expect(form.bytes == Self.tree(of: event).canonicalBytes(), "seed \(seed) position \(position)")
      guard form.isCertain else { continue }
      certain += 1
      let read = try EventCodec.decode(form.bytes, at: position)
      #expect(read == event, "seed \(seed) position \(position)")
      #expect(EventCodec.body(of: read) == form.bytes, "seed \(seed) position \(position)")
    }
    #expect(certain > 10, "seed \(seed)")
  }

  @Test func `the events of random histories are certain unless they hold documents`() throws {
    for seed in UInt64(0)..<50 {
      for event in RandomHistory.events(seed: seed) {
        let form = EventCodec.form(of: event)
        #expect(form.bytes == Self.tree(of: event).canonicalBytes(), "seed \(seed) position \(event.position)")
        switch event.change {
        case .roleDefined, .policyDefined, .findingRaised: #expect(!form.isCertain)
        case .membershipAdded, .membershipRemoved, .assignmentRevoked, .identityRetired, .groupDeleted:
          #expect(form.isCertain, "seed \(seed) position \(event.position)")
        default: continue
        }
      }
    }
  }
}
