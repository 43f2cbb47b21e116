import AccessGraph
import EventLog
import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// The scanner of bodies against the decoder: what it accepts means what is decoded.
@Suite struct EventScanTests {
  @Test func `what is scanned is what is decoded, on random histories`() throws {
    var scanned = 0
    var hot = 0
    for seed in UInt64(0)..<300 {
      var random = SeededGenerator(seed: seed)
      for event in RandomHistory.events(seed: seed) {
        let event = Self.adorned(event, &random)
        let body = EventCodec.body(of: event)
        if Self.isUsual(event) { hot += 1 }
        guard let outline = EventOutline(scanning: body.span) else {
          #expect(!Self.isUsual(event), "seed \(seed): \(String(decoding: body, as: UTF8.self))")
          continue
        }
        scanned += 1
        let problem = Self.difference(outline, body, event)
        #expect(problem == nil, "seed \(seed): \(problem ?? "") in \(String(decoding: body, as: UTF8.self))")
      }
    }
    #expect(scanned == hot)
    #expect(scanned > 10_000)
  }

  /// TENURE_MUTATIONS sets how many a body.
  @Test(arguments: UInt64(0)..<8)
  func `a body that was damaged is scanned only where it is decoded to the same`(seed: UInt64) throws {
    let rounds = ProcessInfo.processInfo.environment["TENURE_MUTATIONS"].flatMap { Int($0) } ?? 150
    var random = SeededGenerator(seed: seed)
    var bodies = try GoldenBodies.current.map { try GoldenBodies.body($0) }
    for event in RandomHistory.events(seed: seed + 1000) { bodies.append(EventCodec.body(of: Self.adorned(event, &random))) }
    var accepted = 0
    for body in bodies {
      for round in 0..<rounds {
        let damaged = round.isMultiple(of: 3) ? try Self.altered(body, &random) : Self.damaged(body, &random)
        guard let outline = EventOutline(scanning: damaged.span) else { continue }
        accepted += 1
        let text = String(decoding: damaged, as: UTF8.self)
        guard let event = try? EventCodec.decode(damaged, at: outline.position) else {
          Issue.record("seed \(seed): scanned and not decoded: \(text)")
          return
        }
        if let problem = Self.difference(outline, damaged, event) {
          Issue.record("seed \(seed): \(problem) in \(text)")
          return
        }
      }
    }
    #expect(accepted > 100)
  }

  @Test func `what is at a limit is scanned, and what is over it is left to the decoder`() throws {
    let longest = String(repeating: "x", count: Limits.identifierBytes)
    let deepest = Array(repeating: "s", count: Limits.pathSegments).joined(separator: "/")
    func grant(_ id: String, _ scope: String, reason: String? = nil) -> EventOutline? {
      let change = Change.assignmentGranted(
        id: id, grant: Grant(principal: .identity(longest), role: "r", scope: scope, expiresAt: .latest))
      let body = EventCodec.body(of: Self.event(change, Authority(reason: reason)))
      let outline = EventOutline(scanning: body.span)
      if let outline {
        let event = try? EventCodec.decode(body, at: outline.position)
        #expect(event.map { Self.difference(outline, body, $0) } == .some(nil))
      }
      return outline
    }
    #expect(grant(longest, deepest) != nil)
    #expect(grant("a", "*", reason: String(repeating: "\n\"", count: Limits.reasonBytes / 4)) != nil)
    #expect(grant("a", String(repeating: "s", count: Limits.pathBytes), reason: "") != nil)
    for (id, scope) in [
      (longest + "x", "s"), ("", "s"), ("a", deepest + "/s"), ("a", "a//b"), ("a", "/a"), ("a", "a/"), ("a", "a*"), ("a", ""),
      ("a\u{7F}", "s"), ("a", "s\u{7F}"), ("a\n", "s"), ("a", String(repeating: "s", count: Limits.pathBytes + 1)),
    ] { #expect(grant(id, scope) == nil, "\(id) on \(scope)") }
    #expect(grant("a", "*", reason: String(repeating: "r", count: Limits.reasonBytes + 1)) == nil)
    func registered(_ attributes: [String: AttributeValue]) -> EventOutline? {
      EventOutline(
        scanning: EventCodec.body(
          of: Self.event(.identityRegistered(id: "a", kind: .person, attributes: attributes), Authority())
        ).span)
    }
    let text = AttributeValue.open(.string(String(repeating: "v", count: Limits.attributeValueBytes - 2)))
    #expect(registered([String(repeating: "n", count: Limits.attributeNameBytes): text]) != nil)
    #expect(registered([String(repeating: "n", count: Limits.attributeNameBytes + 1): text]) == nil)
    #expect(registered(["n": .open(.string(String(repeating: "v", count: Limits.attributeValueBytes - 1)))]) == nil)
    #expect(registered(["caf\u{E9}": .open(1)]) == nil)
    #expect(registered(["n": .open(.string("caf\u{E9}"))]) != nil)
    #expect(registered(["n": .open(.integer(JSONValue.largestExactInteger))]) != nil)
    #expect(registered(["n": .open(.integer(-JSONValue.largestExactInteger))]) != nil)
    #expect(registered(["n": .open(1.5)]) == nil)
    let many = Dictionary(uniqueKeysWithValues: (0...AttributeOutlines.capacity).map { ("n\($0)", AttributeValue.open(1)) })
    #expect(registered(many) == nil)
  }

  /// Nanoseconds a body; run with TENURE_SCAN_BENCH=1 in a release build.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["TENURE_SCAN_BENCH"] != nil))
  func `a million bodies`() {
    var random = SeededGenerator(seed: 1)
    var bodies: [[UInt8]] = []
    while bodies.count < 100_000 {
      for event in RandomHistory.events(seed: UInt64(bodies.count)) where Self.isUsual(event) {
        bodies.append(EventCodec.body(of: Self.adorned(event, &random)))
      }
    }
    var sum: Int64 = 0
    let clock = ContinuousClock()
    for round in 0..<4 {
      let lasted = clock.measure {
        for _ in 0..<3 {
          for body in bodies { sum &+= EventOutline(scanning: body.span)?.effective ?? 0 }
        }
      }
      let nanoseconds = Double(lasted.components.attoseconds) / 1e9 + Double(lasted.components.seconds) * 1e9
      let bytes = bodies.reduce(0) { $0 + $1.count }
      print("round \(round): \(nanoseconds / Double(3 * bodies.count)) ns a body of \(bytes / bodies.count) bytes (\(sum))")
    }
  }
}

extension EventScanTests {
  static func event(_ change: Change, _ authority: Authority) -> Event {
    Event(
      position: 7, eventID: "018f3333-2f00-7001-8000-000000000001", effectiveAt: Universe.instant(1),
      recordedAt: Universe.instant(2), source: "s", basis: .observed, authority: authority,
      recordedBy: Recorder(id: "test", authentication: "local"), change: change)
  }

  /// The event with some of everything that may stand beside a change.
  static func adorned(_ event: Event, _ random: inout SeededGenerator) -> Event {
    var event = event
    event.basis = random.pick(Basis.allCases)
    event.position = random.chance(1, in: 9) ? JSONValue.largestExactInteger : event.position
    event.effectiveAt =
      random.chance(1, in: 9)
      ? random.pick([.earliest, .latest]) : event.effectiveAt.adding(microseconds: Int64(random.below(9_999_999)))
    event.source = random.pick(["s1", "peribolos:acme", "caf\u{E9}"])
    event.commandID = random.chance(1, in: 2) ? "key-1" : nil
    event.correlationID = random.chance(1, in: 2) ? "0af7651916cd43dd8448eb211c80319c" : nil
    event.authority = Authority(
      actor: random.chance(1, in: 2) ? Actor(id: "root", onBehalfOf: random.chance(1, in: 2) ? "ada" : nil) : nil,
      authorisedBy: random.chance(1, in: 2)
        ? Approval(
          approver: "bob", at: random.chance(1, in: 2) ? Universe.instant(1) : nil,
          reference: random.chance(1, in: 2) ? "REQ-1" : nil, verified: random.chance(1, in: 2)) : nil,
      reason: random.pick([nil, "", "joined", "said \"yes\"\nand \\ so on", "caf\u{E9}"]),
      ticket: random.chance(1, in: 2)
        ? Ticket(system: "jira", key: "OPS-1", url: random.chance(1, in: 2) ? "https://jira.example/OPS-1" : nil) : nil)
    return event
  }

  /// Whether the event is one of those that must be scanned, so that logs load fast.
  static func isUsual(_ event: Event) -> Bool {
    switch event.change {
    case .assignmentGranted(_, let grant): grant.condition == nil
    case .identityRegistered, .identitySuspended, .identityResumed, .identityRetired, .identityLinked, .identityUnlinked,
      .groupCreated, .groupDeleted, .membershipAdded, .membershipRemoved, .assignmentExtended, .assignmentRevoked:
      true
    default: false
    }
  }

  /// A body with some bytes changed, added, left out, repeated or exchanged with another place's.
  static func damaged(_ body: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
    var body = body
    let letters = Array("\"\\{}[],:.*/-+019aefntuzZ T\u{7F}\u{1}é".utf8)
    for _ in 0...random.below(3) where body.count > 2 {
      let place = random.below(body.count)
      switch random.below(7) {
      case 0: body[place] = UInt8(truncatingIfNeeded: random.next())
      case 1: body[place] ^= 1 << UInt8(random.below(8))
      case 2: body.remove(at: place)
      case 3: body.insert(random.pick(letters), at: place)
      case 4: body[place] = random.pick(letters)
      case 5:
        let end = min(body.count, place + 1 + random.below(30))
        body.insert(contentsOf: body[place..<end], at: random.below(body.count))
      default: body.removeSubrange(place..<min(body.count, place + 1 + random.below(30)))
      }
    }
    return body
  }

  /// A body that is still canonical JSON, with a member left out, added, renamed or of another value, at any depth.
  static func altered(_ body: [UInt8], _ random: inout SeededGenerator) throws -> [UInt8] {
    func alter(_ value: JSONValue) -> JSONValue {
      guard var object = value.objectValue, !object.isEmpty else { return other() }
      let member = object[random.below(object.count)]
      switch random.below(6) {
      case 0: object[member.name] = nil
      case 1: object[random.pick(["at", "colour", "condition", "due_at", "expires_at", "reason", "url"])] = other()
      case 2: object[member.name] = other()
      default: object[member.name] = alter(member.value)
      }
      return .object(object)
    }
    func other() -> JSONValue {
      random.pick([
        nil, true, 0, 1, -7, 1.5, 9_007_199_254_740_991, "", "x", "*", "a/b", "a\"b", "caf\u{E9}", "\u{7F}", "identity:ada",
        "group:", "2024-05-01T09:30:00.000000Z", "2024-02-30T09:30:00.000000Z", "2024-05-01T09:30:00Z", "person", [], ["a"],
        [1],
        [:], ["a": 1], ["sha256": "00"], .string(String(repeating: "x", count: 513)),
      ])
    }
    return alter(try JSONValue(parsing: body)).canonicalBytes()
  }

  /// Where an outline differs from an event; nil where it says the same.
  static func difference(_ outline: EventOutline, _ body: [UInt8], _ event: Event) -> String? {
    if outline.position != event.position { return "position" }
    if outline.effective != event.effectiveAt.microseconds { return "effective" }
    if outline.due != event.dueAt?.microseconds ?? .max { return "due" }
    if outline.recorded != event.recordedAt.microseconds { return "recorded" }
    if !text(outline.source, body).isExactly(event.source) { return "source" }
    guard let change = try? change(outline.change, body) else { return "a value that is not JSON" }
    return change == event.change && change.data.canonicalBytes() == event.change.data.canonicalBytes() ? nil : "change"
  }

  private static func text(_ range: ByteRange, _ body: [UInt8]) -> String {
    String(decoding: body[range.offsets], as: UTF8.self)
  }

  /// The change that an outline stands for.
  private static func change(_ outline: ChangeOutline, _ body: [UInt8]) throws -> Change {
    func text(_ range: ByteRange) -> String { Self.text(range, body) }
    func entity(_ outline: EntityOutline) -> Entity { Entity(outline.kind, text(outline.id)) }
    func end(_ microseconds: Int64) -> Instant? { microseconds == .max ? nil : Instant(microseconds: microseconds) }
    func values(_ outlines: AttributeOutlines) throws -> [String: AttributeValue] {
      var values: [String: AttributeValue] = [:]
      for place in 0..<outlines.count {
        let (name, value) = (text(outlines[place].name), text(outlines[place].value))
        values[name] = outlines[place].isSealed ? .sealed(value) : .open(try JSONValue(parsing: value))
      }
      return values
    }
    switch outline {
    case .identityRegistered(let id, let kind, let attributes):
      return .identityRegistered(id: text(id), kind: kind, attributes: try values(attributes))
    case .identitySuspended(let id): return .identitySuspended(id: text(id))
    case .identityResumed(let id): return .identityResumed(id: text(id))
    case .identityRetired(let id): return .identityRetired(id: text(id))
    case .identityLinked(let account, let person): return .identityLinked(account: text(account), person: text(person))
    case .identityUnlinked(let account): return .identityUnlinked(account: text(account))
    case .groupCreated(let id, let attributes): return .groupCreated(id: text(id), attributes: try values(attributes))
    case .groupDeleted(let id): return .groupDeleted(id: text(id))
    case .membershipAdded(let group, let member, let expires):
      return .membershipAdded(group: text(group), member: entity(member), expiresAt: end(expires))
    case .membershipRemoved(let group, let member): return .membershipRemoved(group: text(group), member: entity(member))
    case .assignmentGranted(let id, let principal, let role, let scope, let expires):
      let grant = Grant(principal: entity(principal), role: text(role), scope: text(scope), expiresAt: end(expires))
      return .assignmentGranted(id: text(id), grant: grant)
    case .assignmentExtended(let id, let expires): return .assignmentExtended(id: text(id), expiresAt: end(expires))
    case .assignmentRevoked(let id): return .assignmentRevoked(id: text(id))
    }
  }
}
