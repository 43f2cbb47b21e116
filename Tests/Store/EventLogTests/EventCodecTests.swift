import Cryptography
import EventLog
import Foundation
import Governance
import JSON
import Temporal
import Testing

/// Bodies of every event type and version ever released; written by another program than ours.
enum GoldenBodies {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Cases/events")

  static func body(_ type: String) throws -> [UInt8] {
    Array(try Data(contentsOf: folder.appending(path: "\(type).json")))
  }

  static let types = Set(Verb.eventTypes)

  /// Bodies of types whose data has another form, too.
  static let otherForms = ["fulfilment.confirmed.membership"]

  /// All that are written today, by the names of their files.
  static let current = (types + otherForms).sorted()

  /// Bodies of older versions, which are read and never written again.
  static let older = ["finding.raised.v1"]
}

@Suite struct EventCodecTests {
  @Test(arguments: GoldenBodies.current)
  func `a golden body is read and written again to the same bytes`(name: String) throws {
    let body = try GoldenBodies.body(name)
    let position = try #require(try JSONValue(parsing: body)["position"]?.integerValue)
    let event = try EventCodec.decode(body, at: position)
    #expect(name == event.change.type || name.hasPrefix(event.change.type + "."))
    #expect(String(decoding: EventCodec.body(of: event), as: UTF8.self) == String(decoding: body, as: UTF8.self))
  }

  @Test func `every golden body belongs to a type that exists`() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: GoldenBodies.folder.path)
    #expect(Set(files) == Set((GoldenBodies.current + GoldenBodies.older).map { "\($0).json" }))
  }

  @Test func `a finding of version 1 is read with what follows from its rule`() throws {
    let event = try EventCodec.decode(try GoldenBodies.body("finding.raised.v1"), at: 27)
    let finding = Finding(rule: "membership_cycle", subject: .group("ops"), evidence: ["path": ["ops", "a", "ops"]])
    #expect(event.change == .findingRaised(finding))
    // The digits were computed by another program.
    #expect(finding.id == "membership_cycle:40b39503f42ced5345c11486")
    #expect(finding.severity == .medium && finding.owner == nil)
    #expect(try JSONValue(parsing: EventCodec.body(of: event))["version"] == 2)
  }

  @Test func `a leaf is the digest of a zero byte and the body`() throws {
    #expect(EventCodec.leaf([]).hexadecimal == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
  }

  /// A golden body with one member changed or added.
  private func altered(_ change: (inout JSONObject) -> Void) throws -> [UInt8] {
    guard case .object(var object) = try JSONValue(parsing: try GoldenBodies.body("membership.added")) else { return [] }
    change(&object)
    return JSONValue.object(object).canonicalBytes()
  }

  private func problem(_ change: (inout JSONObject) -> Void) throws -> UndecodableEvent {
    let body = try altered(change)
    return try #require(throws: UndecodableEvent.self) { try EventCodec.decode(body, at: 9) }
  }

  @Test func `what is not known is refused, with its place and type`() throws {
    _ = try EventCodec.decode(try altered { _ in }, at: 9)
    let unknown = try problem { $0["type"] = "future.thing" }
    #expect(unknown.type == "future.thing")
    #expect(unknown.position == 9)
    #expect(try problem { $0["version"] = 2 }.version == 2)
    #expect(try problem { $0["version"] = 0 }.version == 0)
    #expect(try problem { $0["colour"] = "red" }.problem.contains("/colour"))
    #expect(try problem { $0["entity"] = "group:other" }.problem.contains("/entity"))
    #expect(try problem { $0["position"] = 10 }.problem.contains("/position"))
    #expect(try problem { $0["basis"] = "guessed" }.problem.contains("/basis"))
    #expect(try problem { $0["source"] = nil }.problem.contains("/source"))
    #expect(throws: UndecodableEvent.self) { try EventCodec.decode(Array("{".utf8), at: 1) }
  }
}
