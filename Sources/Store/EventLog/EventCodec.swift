public import Cryptography
public import Governance
public import JSON
import Temporal

/// Events to and from their bodies: canonical JSON (RFC 8785), the very bytes that are stored, exported and hashed.
public enum EventCodec {
  /// The version that every event type is written in.
  ///
  /// A type that changes gets its own number and a step in ``Upcast``.
  public static let currentVersion: Int64 = 1

  /// The event's body.
  public static func body(of event: Event) -> [UInt8] { json(of: event).canonicalBytes() }

  /// The event's leaf: SHA-256(0x00 ‖ body), as RFC 6962 section 2.1 has it.
  public static func leaf(_ body: [UInt8]) -> Digest { SHA256.digest(of: [[0x00], body]) }

  /// The event as JSON: the body's members, absent ones left out.
  public static func json(of event: Event) -> JSONValue {
    // In the canonical order of the names, so that the writer finds them sorted.
    var object = JSONObject()
    var authority = JSONObject()
    event.authority.write(to: &authority)
    func put(_ name: String, _ value: JSONValue?) {
      if let value { object.append(name, value) }
    }
    put("actor", authority["actor"])
    put("authorised_by", authority["authorised_by"])
    put("basis", .string(event.basis.rawValue))
    put("command_id", event.commandID.map { .string($0) })
    put("correlation_id", event.correlationID.map { .string($0) })
    put("data", event.change.data)
    put("due_at", event.dueAt.map { .string($0.description) })
    put("effective_at", .string(event.effectiveAt.description))
    put("entity", .string(event.change.entity.description))
    put("event_id", .string(event.eventID))
    put("position", .integer(event.position))
    put("reason", authority["reason"])
    put("recorded_at", .string(event.recordedAt.description))
    put("recorded_by", json(of: event.recordedBy))
    put("source", .string(event.source))
    put("ticket", authority["ticket"])
    put("type", .string(event.change.type))
    put("version", .integer(currentVersion))
    return .object(object)
  }

  private static func json(of recorder: Recorder) -> JSONValue {
    ["authentication": .string(recorder.authentication), "id": .string(recorder.id)]
  }

  /// Reads a body; older versions are brought up to date on the way.
  ///
  /// - Parameters:
  ///   - body: the stored bytes.
  ///   - position: where the event stands; the body must say the same.
  /// - Throws: ``UndecodableEvent`` for unknown members, types and versions, and for whatever a body cannot hold.
  public static func decode(_ body: [UInt8], at position: Int64) throws(UndecodableEvent) -> Event {
    let document: JSONValue
    do throws(JSONError) {
      document = try JSONValue(parsing: body)
    } catch {
      throw UndecodableEvent(position: position, problem: "is not JSON: \(error)")
    }
    let type = document["type"]?.stringValue
    let version = document["version"]?.integerValue
    do throws(JSONFieldError) {
      let event = try event(from: try Upcast.toCurrent(document))
      guard event.position == position else {
        throw JSONFieldError(pointer: "/position", problem: "must be the event's place in the log")
      }
      return event
    } catch {
      throw UndecodableEvent(position: position, type: type, version: version, problem: error.description)
    }
  }

  private static func event(from document: JSONValue) throws(JSONFieldError) -> Event {
    var reader = try FieldReader(document)
    let type = try reader.string("type", maximumBytes: Limits.identifierBytes)
    guard try reader.integer("version") == currentVersion else {
      throw reader.error("version", "is not a version that this program knows")
    }
    let entity = try reader.string("entity", maximumBytes: Limits.pathBytes + Limits.kindBytes)
    var data = try reader.object("data")
    let change = try Change(type: type, reading: &data)
    try data.finish()
    guard change.entity.description.isExactly(entity) else {
      throw reader.error("entity", "must be the entity that the data is about")
    }
    var recorder = try reader.object("recorded_by")
    let recordedBy = Recorder(id: try recorder.id("id"), authentication: try recorder.id("authentication"))
    try recorder.finish()
    let event = Event(
      position: try reader.integer("position"), eventID: try reader.id("event_id"),
      effectiveAt: try reader.instant("effective_at"), dueAt: try reader.optionalInstant("due_at"),
      recordedAt: try reader.instant("recorded_at"), source: try reader.id("source"),
      basis: try reader.choice("basis", of: Basis.self), authority: try Authority(reading: &reader), recordedBy: recordedBy,
      correlationID: try reader.optionalID("correlation_id"), commandID: try reader.optionalID("command_id"), change: change)
    try reader.finish()
    return event
  }
}
