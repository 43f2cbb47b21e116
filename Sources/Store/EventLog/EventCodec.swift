public import Cryptography
public import Governance
import JSON
import Temporal

/// Events to and from their bodies: canonical JSON (RFC 8785), the very bytes that are stored, exported and hashed.
public enum EventCodec {
  /// The version that an event type is written in.
  ///
  /// A type that changes gets its own number here and a step in ``Upcast``.
  public static func currentVersion(of type: String) -> Int64 {
    switch type {
    case "finding.raised": 2
    default: 1
    }
  }

  /// The event's body.
  public static func body(of event: Event) -> [UInt8] { form(of: event).bytes }

  /// The event's leaf: SHA-256(0x00 ‖ body), as RFC 6962 section 2.1 has it.
  public static func leaf(_ body: some Collection<UInt8>) -> Digest {
    var bytes: [UInt8] = [0x00]
    bytes.reserveCapacity(body.count + 1)
    bytes.append(contentsOf: body)
    return SHA256.digest(bytes)
  }

  /// The event's body, and whether it is certain to be read again; absent members are left out.
  public static func form(of event: Event) -> CanonicalForm {
    var form = CanonicalForm()
    // In the canonical order of the names.
    form.beginObject()
    event.authority.writeBeginning(to: &form)
    form.word("basis", event.basis.rawValue)
    form.id("command_id", event.commandID)
    form.id("correlation_id", event.correlationID)
    event.change.write(to: &form)
    form.instant("due_at", event.dueAt)
    form.instant("effective_at", event.effectiveAt)
    form.entity("entity", event.change.entity)
    form.id("event_id", event.eventID)
    form.integer("position", event.position)
    event.authority.writeReason(to: &form)
    form.instant("recorded_at", event.recordedAt)
    form.beginObject("recorded_by")
    form.id("authentication", event.recordedBy.authentication)
    form.id("id", event.recordedBy.id)
    form.endObject()
    form.id("source", event.source)
    event.authority.writeTicket(to: &form)
    form.word("type", event.change.type)
    form.integer("version", currentVersion(of: event.change.type))
    form.endObject()
    return form
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
    guard try reader.integer("version") == currentVersion(of: type) else {
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
