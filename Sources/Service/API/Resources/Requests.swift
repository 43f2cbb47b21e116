import AccessGraph
import EventLog
import Governance
import HTTP
import JSON
import Temporal

/// `/v1/requests`: access that is asked for, and what became of it.
extension Endpoint {
  static let requests: [Endpoint] =
    [
      Endpoint(
        .get, "/v1/requests", "listRequests", "The access requests up to a moment, in the order of their submission",
        .query(
          [
            Member("state", Schemas.choice(RequestState.self), "Only those that stand there at the moment"),
            Member("requester", Schemas.id, "Only those of this requester"), .at, .asKnownAt,
          ] + Member.paging), RequestPages.list),
      Endpoint(
        .get, "/v1/requests/{id}", "getRequest", "One access request at a moment", .query([.at, .asKnownAt]), RequestPages.one),
    ]
    + [
      Write("request.submit", "/v1/requests", status: 201), Write("request.revise", "/v1/requests/{id}/revise"),
      Write("request.approve", "/v1/requests/{id}/approve"), Write("request.deny", "/v1/requests/{id}/deny"),
      Write("request.withdraw", "/v1/requests/{id}/withdraw"), Write("request.claim", "/v1/requests/{id}/claim"),
      Write("request.end", "/v1/requests/{id}/end"), Write("request.record_lapse", "/v1/requests/{id}/record_lapse"),
    ].map(\.endpoint)
}

/// Reads access requests and pages them.
private enum RequestPages {
  @Sendable static func list(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let state = try reader.optionalString("state") == nil ? nil : try reader.choice("state", of: RequestState.self)
    let requester = try reader.optionalID("requester")
    let view = try PagedView(call, input, &reader)
    try reader.finish()
    let first = try view.firstRow
    return .waiting {
      let page = try call.questions.requests(
        RequestFilter(state: state, requester: requester), at: view.at, asKnownAt: view.asKnownAt, after: first,
        limit: view.page.rows)
      var writer = JSONWriter()
      writer.beginObject()
      page.writeHead(to: &writer)
      writer.key("requests")
      writer.beginArray()
      var next = page.next
      for (index, request) in page.requests.enumerated() {
        if view.page.isFull(rows: index, bytes: writer.bytes.count) {
          next = page.requests[index - 1].place + 1
          break
        }
        request.write(to: &writer)
      }
      writer.endArray()
      let cursor = next.map { Cursor(at: page.view.at, asKnownAt: page.view.asKnownAt, place: .integer(Int64($0))) }
      writer.member("next_cursor", cursor?.text(for: view.question))
      writer.endObject()
      return .json(writer.take(), position: page.position)
    }
  }

  @Sendable static func one(_ call: Call) throws -> Outcome {
    var reader = FieldReader(object: try call.input())
    let (at, asKnownAt) = (try reader.optionalInstant("at"), try reader.asKnownAt())
    try reader.finish()
    let id = call.parameters["id"]
    return .waiting {
      guard let found = try call.questions.request(id, at: at, asKnownAt: asKnownAt) else {
        throw Problem(.notFound, "there was no request \(id) then")
      }
      return .json(found.json(), position: found.position)
    }
  }
}
