import EventLog
import Governance
import HTTP
import JSON
import Jobs
import Temporal

/// `/v1/webhooks`: who is told of events as they are recorded; and what each was told.
///
/// No answer but the one to the making of a webhook holds its secret.
extension Endpoint {
  static let webhooks: [Endpoint] = [
    Endpoint(
      .get, "/v1/webhooks", "listWebhooks",
      "Webhooks, ended ones too, in the order of their making; pending and dead deliveries are counted up to "
        + "\(WebhookDelivery.maximumCounted)",
      .query(Member.paging), list),
    Endpoint(
      .post, "/v1/webhooks", "addWebhook",
      "Makes a webhook; its signing secret is in this answer and in no other", .body(newMembers), status: 201, add),
    Endpoint(.post, "/v1/webhooks/{id}/end", "endWebhook", "Ends a webhook for good", .body([])) { call in
      try FieldReader(object: try call.input()).finish()
      return .waiting { try WebhookPages.end(call) }
    },
    Endpoint(
      .get, "/v1/webhooks/{id}/deliveries", "listDeliveries", "What a webhook is told, of the newest events first",
      .query(deliveryMembers), deliveries),
    Endpoint(
      .post, "/v1/webhooks/{id}/deliveries/retry", "retryDeliveries",
      "Has dead deliveries sent again, at most \(WebhookDelivery.maximumRetried) of the oldest events; ask until none is",
      .body([])
    ) { call in
      try FieldReader(object: try call.input()).finish()
      return .waiting { try WebhookPages.retryDead(call) }
    },
    Endpoint(
      .post, "/v1/webhooks/{id}/deliveries/{position}/retry", "retryDelivery", "Has one delivery sent again", .body([])
    ) { call in
      try FieldReader(object: try call.input()).finish()
      let position = try Write.position(call.parameters["position"])
      return .waiting { try WebhookPages.retry(position, call) }
    },
  ]

  private static let newMembers = [
    Member("url", Schemas.webhookURL, required: true, "Where it is: https, or http to this machine"),
    Member("types", Schemas.eventPatterns, "Patterns of the event types that it is told of; absent, all"),
    Member(
      "since", ["type": "integer", "minimum": 0, "examples": [0]],
      "Told of what is recorded after this position; absent, after the head"),
  ]

  private static let deliveryMembers =
    [Member("state", Schemas.choice(WebhookDelivery.State.self), "Only these")] + Member.paging

  @Sendable private static func list(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let question = Cursor.question(call.request.rawPath, input)
    let cursor = try Cursor.read(&reader, question: question)
    let limit = try reader.limit()
    try reader.finish()
    return .waiting { try WebhookPages.list(call, after: cursor?.place.stringValue, limit: limit, question: question) }
  }

  @Sendable private static func add(_ call: Call) throws -> Outcome {
    var reader = FieldReader(object: try call.input())
    let url = try reader.string("url", maximumBytes: Schemas.webhookURLBytes)
    let types =
      try reader.optionalStrings(
        "types", maximumCount: Webhook.maximumTypes, maximumBytes: Webhook.typeBytes) ?? ["*"]
    let since = try reader.optionalInteger("since")
    try reader.finish()
    return .waiting { try WebhookPages.add(call, url: url, types: types, since: since) }
  }

  @Sendable private static func deliveries(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let question = Cursor.question(call.request.rawPath, input)
    let state = try reader.optionalString("state").map { text throws(JSONFieldError) in
      guard let state = WebhookDelivery.State(rawValue: text) else {
        throw reader.error("state", "must be \(WebhookDelivery.State.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      return state
    }
    let cursor = try Cursor.read(&reader, question: question)
    let limit = try reader.limit()
    try reader.finish()
    let before = cursor?.place.integerValue
    return .waiting { try WebhookPages.deliveries(call, state, before: before, limit: limit, question: question) }
  }
}

/// The answers about webhooks, each after one or two round trips.
private enum WebhookPages {
  static func list(_ call: Call, after id: String?, limit: Int, question: String) throws -> Response {
    let limit = min(limit, Webhook.maximumListed)
    let (webhooks, counts) = try call.tenant.withConnection { connection in
      let webhooks = try Webhook.list(after: id ?? "", limit: limit, tenant: call.tenant.id, on: connection)
      return (webhooks, try WebhookDelivery.counts(of: webhooks, tenant: call.tenant.id, on: connection))
    }
    return answer(call) { writer in
      writer.key("webhooks")
      writer.beginArray()
      for webhook in webhooks {
        let counts = counts[webhook.id] ?? (0, 0)
        writer.value(webhook.json(pending: counts.pending, dead: counts.dead))
      }
      writer.endArray()
      let last = webhooks.count == limit ? webhooks.last?.id : nil
      let cursor = last.map { Cursor(at: nil, asKnownAt: call.tenant.head.position, place: .string($0)) }
      writer.member("next_cursor", cursor?.text(for: question))
    }
  }

  static func add(_ call: Call, url: String, types: [String], since: Int64?) throws -> Response {
    let (webhook, secret) = try asProblem(call) {
      try call.tenant.withConnection { connection in
        try Webhook.add(url: url, types: types, since: since, tenant: call.tenant.id, at: call.tenant.now, on: connection)
      }
    }
    var response = answer(call, status: 201) { writer in
      writer.key("webhook")
      writer.value(webhook.json(pending: 0, dead: 0))
      writer.member("secret", secret.text)
    }
    response.headers.set("Cache-Control", "no-store")
    return response
  }

  static func end(_ call: Call) throws -> Response {
    let id = call.parameters["id"]
    try asProblem(call) {
      try call.tenant.withConnection { connection in
        try Webhook.end(id, tenant: call.tenant.id, at: call.tenant.now, on: connection)
      }
    }
    return answer(call) { $0.member("ended", id) }
  }

  static func deliveries(
    _ call: Call, _ state: WebhookDelivery.State?, before: Int64?, limit: Int, question: String
  ) throws -> Response {
    let deliveries = try asProblem(call) {
      try call.tenant.withConnection { connection in
        let webhook = try Webhook.find(call.parameters["id"], tenant: call.tenant.id, on: connection)
        return try WebhookDelivery.newest(
          of: webhook.id, tenant: call.tenant.id, state: state, before: before, limit: limit, on: connection)
      }
    }
    let last = deliveries.count == min(limit, WebhookDelivery.maximumListed) ? deliveries.last?.position : nil
    return answer(call) { writer in
      writer.member("deliveries", deliveries.map(\.json))
      let cursor = last.map { Cursor(at: nil, asKnownAt: call.tenant.head.position, place: .integer($0)) }
      writer.member("next_cursor", cursor?.text(for: question))
    }
  }

  static func retry(_ position: Int64, _ call: Call) throws -> Response {
    try asProblem(call) {
      try call.tenant.withConnection { connection in
        try WebhookDelivery.retry(
          position, of: call.parameters["id"], tenant: call.tenant.id, at: call.tenant.now, on: connection)
      }
    }
    return answer(call) { $0.member("retried", Int64(1)) }
  }

  static func retryDead(_ call: Call) throws -> Response {
    let count = try asProblem(call) {
      try call.tenant.withConnection { connection in
        try WebhookDelivery.retryDead(of: call.parameters["id"], tenant: call.tenant.id, at: call.tenant.now, on: connection)
      }
    }
    return answer(call) { $0.member("retried", Int64(count)) }
  }

  private static func answer(_ call: Call, status: Int = 200, _ members: (inout JSONWriter) -> Void) -> Response {
    let position = call.tenant.head.position
    var writer = JSONWriter()
    writer.beginObject()
    members(&writer)
    writer.member("position", position)
    writer.endObject()
    return .json(writer.take(), status: status, position: position)
  }

  private static func asProblem<T>(_ call: Call, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as WebhookError { throw Problem(error) }
  }
}

extension Problem {
  fileprivate init(_ error: WebhookError) {
    switch error {
    case .invalid(let member, let problem):
      self.init(JSONFieldError(pointer: "/" + member, problem: problem), isQuery: false)
    case .tooMany: self.init(.limitExceeded, error.description, limit: "webhooks_per_tenant")
    case .unknown: self.init(.notFound, error.description, places: [Self.place("id", "names no webhook")])
    case .noDelivery: self.init(.notFound, error.description, places: [Self.place("position", "names no delivery")])
    case .ended: self.init(.refusal(.notHeld), error.description, places: [Self.place("id", "names a webhook that has ended")])
    case .delivered:
      self.init(.refusal(.noChange), error.description, places: [Self.place("position", "was delivered already")])
    }
  }

  private static func place(_ name: String, _ detail: String) -> Place {
    Place(kind: "parameter", name: name, detail: detail)
  }
}
