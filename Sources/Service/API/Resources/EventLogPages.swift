import AccessGraph
import EventLog
import Governance
import HTTP
import JSON
import Temporal

/// `/v1/events`: the log itself, voided events included.
extension Endpoint {
  static let events: [Endpoint] =
    [
      Endpoint(.get, "/v1/events", "listEvents", "The log, filtered; every filter given must match", .query(logMembers), log),
      Endpoint(.get, "/v1/events/{position}", "getEvent", "One event", .query([]), event),
    ] + [
      Write("event.void", "/v1/events/{position}/void").endpoint
    ]

  private static let logMembers: [Member] =
    [
      Member("actor", Schemas.id, "Who did it at the source"), Member("recorder", Schemas.id, "Who wrote it here"),
      Member("type", Schemas.eventType, "The event's type"), Member("source", Schemas.id, "The source"),
      Member("ticket", Schemas.id, "The ticket's key"), Member("entity", Schemas.entity, "What the event is filed under"),
      Member("effective_from", Schemas.instant, "Took effect at or after"),
      Member("effective_to", Schemas.instant, "Took effect before"),
      Member("recorded_from", Schemas.instant, "Recorded at or after"),
      Member("recorded_to", Schemas.instant, "Recorded before"),
      .asKnownAt,
    ] + Member.paging

  @Sendable private static func log(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let filter = try LogFilter(&reader)
    let view = try PagedView(call, input, &reader, hasMoment: false)
    try reader.finish()
    let first = try view.firstRow
    return .waiting {
      let (k, position) = try call.questions.ask(nil, view.asKnownAt) { graph, view in (view.asKnownAt, graph.position) }
      var filter = filter
      filter.through = k
      let page = try call.tenant.log(filter, after: Int64(first), limit: view.page.rows)
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("as_known_at", k)
      writer.member("position", position)
      writer.key("events")
      writer.beginArray()
      var written = 0
      for event in page.events where !view.page.isFull(rows: written, bytes: writer.bytes.count) {
        writer.rawJSON(event.body.utf8)
        written += 1
      }
      writer.endArray()
      let next = written < page.events.count ? page.events[written - 1].event.position : page.next
      let cursor = next.map { Cursor(at: nil, asKnownAt: k, place: .integer($0)) }
      writer.member("next_cursor", cursor?.text(for: view.question))
      writer.endObject()
      return .json(writer.take(), position: position)
    }
  }

  @Sendable private static func event(_ call: Call) throws -> Outcome {
    let input = try call.input()
    try FieldReader(object: input).finish()
    let asked = try Write.position(call.parameters["position"])
    return .waiting {
      guard let event = try call.tenant.events(at: [asked]).first else {
        throw Problem(.notFound, "there is no event at position \(asked)")
      }
      let (isVoided, position) = try call.questions.ask(nil, .head) { graph, view in
        (graph.world(asKnownAt: view.asKnownAt).event(at: asked)?.isVoided ?? false, graph.position)
      }
      var writer = JSONWriter()
      writer.beginObject()
      writer.key("event")
      writer.rawJSON(event.body.utf8)
      writer.member("voided", isVoided)
      writer.member("position", position)
      writer.endObject()
      return .json(writer.take(), position: position)
    }
  }
}

extension LogFilter {
  fileprivate init(_ reader: inout FieldReader) throws(JSONFieldError) {
    self.init()
    actor = try reader.optionalID("actor")
    recorder = try reader.optionalID("recorder")
    type = try reader.optionalID("type")
    if let type, !Verb.eventTypes.contains(type) {
      throw reader.error("type", "is not an event type; they are listed in /openapi.json")
    }
    source = try reader.optionalID("source")
    ticket = try reader.optionalID("ticket")
    if try reader.optionalString("entity") != nil { entity = try reader.entity("entity") }
    effectiveFrom = try reader.optionalInstant("effective_from")
    effectiveTo = try reader.optionalInstant("effective_to")
    recordedFrom = try reader.optionalInstant("recorded_from")
    recordedTo = try reader.optionalInstant("recorded_to")
  }
}
