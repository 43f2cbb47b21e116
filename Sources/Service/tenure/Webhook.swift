import EventLog
import JSON
import Jobs
import Postgres
import Temporal

extension Subcommand {
  static let webhook = Subcommand(
    name: "webhook", summary: "tells other systems of events, signed and again until they acknowledge",
    usage: """
      webhook add --url URL [--types 'assignment.*,finding.raised'] [--since POSITION]
              makes one and prints its secret, once; told of what is recorded from now on, or after a position
          tenure webhook list                       all of them, ended ones too
          tenure webhook end ID                     for good; to change a secret, add another and end the first
          tenure webhook deliveries [ID] [--state pending|delivered|dead] [--limit 20]   of the newest events first
          tenure webhook retry ID [POSITION]        sends a delivery again; without a position, all dead ones

      Exit status 1: it is refused, as of a delivery that has arrived; or there is nothing to list or to send.

      The job deliver-webhooks does the telling. Signatures are those of Standard Webhooks (standardwebhooks.com).
      """
  ) { arguments in
    switch try arguments.word("what to do (add, list, end, deliveries or retry)") {
    case "add": return try addWebhook(&arguments)
    case "list": return try listWebhooks(&arguments)
    case "end": return try endWebhook(&arguments)
    case "deliveries": return try listDeliveries(&arguments)
    case "retry": return try retryDeliveries(&arguments)
    case let other: throw UsageError("there is no tenure webhook \(other); there are add, list, end, deliveries and retry")
    }
  }

  private static func addWebhook(_ arguments: inout Arguments) throws -> ExitStatus {
    let url = try arguments.required("url")
    let types = arguments.option("types")?.split(separator: ",").map(String.init) ?? ["*"]
    let since = try arguments.integer("since", in: 0...Int.max).map { Int64($0) }
    // Before the database is opened.
    do throws(WebhookError) {
      try Webhook.check(url: url)
      try Webhook.check(types: types)
    } catch {
      throw UsageError("--\(error)")
    }
    return try withDesk(&arguments) { desk in
      let (webhook, secret) = try Webhook.add(
        url: url, types: types, since: since, tenant: desk.tenant, at: desk.now, on: desk.connection)
      switch desk.format {
      case .json: try print(["webhook": webhook.json(pending: 0, dead: 0), "secret": .string(secret.text)])
      case .text:
        try Output.standard.writeText(
          """
          webhook \(webhook.id) is told of \(types.joined(separator: ", ")) after position \(webhook.since)
          secret  \(secret.text)
          Give the secret to the receiver now: it is not shown again.

          """)
      }
      return .yes
    }
  }

  private static func listWebhooks(_ arguments: inout Arguments) throws -> ExitStatus {
    try withDesk(&arguments) { desk in
      var table = TextTable()
      table.add("id", "url", "types", "pending", "dead", "made through", "state")
      var isEmpty = true
      try forEachPage(desk) { webhooks in
        isEmpty = false
        let counts = try WebhookDelivery.counts(of: webhooks, tenant: desk.tenant, on: desk.connection)
        for webhook in webhooks {
          let (pending, dead) = counts[webhook.id] ?? (0, 0)
          switch desk.format {
          case .json: try print(webhook.json(pending: pending, dead: dead))
          case .text:
            table.add(
              webhook.id, webhook.url, webhook.types.joined(separator: ","), counted(pending), counted(dead),
              "\(webhook.madeThrough)", webhook.state)
          }
        }
      }
      if desk.format == .text { try Output.standard.writeText(isEmpty ? "no webhooks\n" : table.text) }
      return isEmpty ? .no : .yes
    }
  }

  private static func counted(_ count: Int64) -> String {
    count < WebhookDelivery.maximumCounted ? "\(count)" : "\(count) or more"
  }

  /// Calls back with the webhooks, page by page; not where there are none.
  private static func forEachPage(_ desk: Desk, _ body: ([Webhook]) throws -> Void) throws {
    var last = ""
    while true {
      let page = try Webhook.list(after: last, tenant: desk.tenant, on: desk.connection)
      guard let end = page.last else { return }
      try body(page)
      last = end.id
    }
  }

  private static func endWebhook(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the webhook's id")
    return try withDesk(&arguments) { desk in
      try Webhook.end(id, tenant: desk.tenant, at: desk.now, on: desk.connection)
      switch desk.format {
      case .json: try print(["ended": .string(id)])
      case .text: try Output.standard.writeText("webhook \(id) has ended\n")
      }
      return .yes
    }
  }

  private static func listDeliveries(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = arguments.word()
    let limit = try arguments.integer("limit", in: 1...WebhookDelivery.maximumListed) ?? 20
    var state: WebhookDelivery.State?
    if let text = arguments.option("state") {
      guard let known = WebhookDelivery.State(rawValue: text) else {
        throw UsageError("--state must be \(WebhookDelivery.State.allCases.map(\.rawValue).joined(separator: ", "))")
      }
      state = known
    }
    return try withDesk(&arguments) { desk in
      var deliveries: [WebhookDelivery] = []
      func add(_ webhooks: [Webhook]) throws {
        for webhook in webhooks {
          deliveries += try WebhookDelivery.newest(
            of: webhook.id, tenant: desk.tenant, state: state, limit: limit, on: desk.connection)
          deliveries.sort { ($0.position, $0.webhook) > ($1.position, $1.webhook) }
          deliveries.removeLast(max(0, deliveries.count - limit))
        }
      }
      if let id {
        try add([try Webhook.find(id, tenant: desk.tenant, on: desk.connection)])
      } else {
        try forEachPage(desk, add)
      }
      switch desk.format {
      case .json: for delivery in deliveries { try print(delivery.json) }
      case .text:
        var table = TextTable()
        table.add("position", "state", "attempts", "last attempt", "status", "next attempt", "webhook", "error")
        for delivery in deliveries {
          table.add(
            "\(delivery.position)", delivery.state.rawValue, "\(delivery.attempts)",
            delivery.lastAttemptAt?.description ?? "", delivery.lastStatus.map { "\($0)" } ?? "",
            delivery.nextAttemptAt?.description ?? "", delivery.webhook, delivery.lastError ?? "")
        }
        try Output.standard.writeText(deliveries.isEmpty ? "no deliveries\n" : table.text)
      }
      return deliveries.isEmpty ? .no : .yes
    }
  }

  private static func retryDeliveries(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the webhook's id")
    let position = try arguments.word().map { text throws(UsageError) -> Int64 in
      guard let position = Int64(text), position > 0 else { throw UsageError("a position is 1, 2, 3, …: \(text)") }
      return position
    }
    return try withDesk(&arguments) { desk in
      var count = 1
      if let position {
        try WebhookDelivery.retry(position, of: id, tenant: desk.tenant, at: desk.now, on: desk.connection)
      } else {
        count = 0
        var more: Int
        repeat {
          more = try WebhookDelivery.retryDead(of: id, tenant: desk.tenant, at: desk.now, on: desk.connection)
          count += more
        } while more == WebhookDelivery.maximumRetried
      }
      switch desk.format {
      case .json: try print(["retried": .integer(Int64(count))])
      case .text:
        try Output.standard.writeText(
          "\(count) \(count == 1 ? "delivery is" : "deliveries are") sent again by the next run of deliver-webhooks\n")
      }
      return count == 0 ? .no : .yes
    }
  }

  private static func print(_ value: JSONValue) throws {
    try Output.standard.writeBytes(value.canonicalBytes() + [UInt8(ascii: "\n")])
  }

  /// What a subcommand works with: no graph is loaded for it.
  private struct Desk {
    let tenant: Int32
    let connection: Connection
    let now: Instant
    let format: OutputFormat
  }

  /// Opens the database for the tenant that the arguments name, and takes the format; what else they hold is refused.
  private static func withDesk(
    _ arguments: inout Arguments, _ body: (Desk) throws -> ExitStatus
  ) throws -> ExitStatus {
    let format = try arguments.format()
    let name = arguments.tenantName()
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let connection = try session.connect()
      guard let tenant = try JobTenant.all(named: name, on: connection).first else {
        throw CommandError("there is no tenant \(name)")
      }
      do {
        return try body(
          Desk(tenant: tenant.id, connection: connection, now: session.store.settings.clock(), format: format))
      } catch let error as WebhookError where error.isRefusal {
        try Output.standard.writeRefusal(error.description, format: format)
        return .no
      }
    }
  }
}

extension WebhookError {
  /// Whether what was asked makes sense and is refused as things stand.
  fileprivate var isRefusal: Bool {
    switch self {
    case .tooMany, .ended, .delivered: true
    case .invalid, .unknown, .noDelivery: false
    }
  }
}

extension Webhook {
  /// How it is, in a few words.
  fileprivate var state: String {
    if let endedAt { return "ended \(endedAt)\(ending == .gone ? ": the receiver answered 410 Gone" : "")" }
    if let restingUntil { return "\(troubles) troubles in a row, resting until \(restingUntil)" }
    return "well"
  }
}
