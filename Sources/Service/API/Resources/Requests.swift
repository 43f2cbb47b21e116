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
      return view.response(
        "requests", page.requests, at: page.view, position: page.position, next: page.next.map { .integer(Int64($0)) }
      ) {
        .integer(Int64($0.place + 1))
      } _: {
        $1.writeMembers(to: &$0)
      }
    }
  }

  @Sendable static func one(_ call: Call) throws -> Outcome {
    try call.one("request") { try $0.request($1, at: $2, asKnownAt: $3).map { ($0, $0.position) } }
  }
}
