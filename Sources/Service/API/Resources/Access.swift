import AccessGraph
import EventLog
import Governance
import HTTP
import JSON
import Temporal

/// `/v1/access/…`: the questions, each as GET with a query and as POST with the same members in a body.
extension Endpoint {
  static let access: [Endpoint] = [
    both(
      "who", "Who had access", whoMembers,
      answering: becoming("Who comes to it better by becoming another identity than by itself"), Access.who
    ),
    both(
      "what", "What an identity could do", whatMembers, answering: becoming("Whom it may become"),
      Access.what),
    both(
      "why", "By which paths, and by whose authority", whyMembers,
      answering: becoming("By becoming whom it comes to the access, each with the shortest path of whom it becomes"), Access.why
    ),
    both("timeline", "Each gain and loss, with the events that caused it", timelineMembers, Access.timeline),
    both("diff", "What was gained and lost between two moments", diffMembers, Access.diff),
    both("snapshot", "All entitlements, streamed", [.resource] + [.at, .asKnownAt], Access.snapshot),
    [
      Endpoint(
        .get, "/v1/access/separation", "separation", "Who held roles together that policies keep apart",
        .query(separationMembers), Access.separation),
      Endpoint(
        .post, "/v1/access/separation", "separationByBody", "The same, also of roles that are named",
        .body(
          separationMembers
            + [
              Member("roles", Schemas.ids(Limits.rolesPerSeparation), "Instead of policies: these roles, at any time"),
              Member("n", Schemas.count(Limits.rolesPerSeparation), "How many of the roles are too many; absent, 2"),
            ]), Access.separation),
    ],
  ].flatMap { $0 }

  private static func both(
    _ name: String, _ summary: String, _ members: [Member], answering answer: [Member] = [],
    _ handler: @escaping @Sendable (Call) throws -> Outcome
  ) -> [Endpoint] {
    var endpoints = [
      Endpoint(.get, "/v1/access/\(name)", "\(name)", summary, .query(members), handler),
      Endpoint(.post, "/v1/access/\(name)", "\(name)ByBody", summary, .body(members), handler),
    ]
    for index in endpoints.indices { endpoints[index].answer = answer }
    return endpoints
  }

  /// The member `becoming` of an answer, and what says that a limit was hit.
  private static func becoming(_ summary: String) -> [Member] {
    [
      Member("becoming", Schemas.becoming, summary),
      Member("becoming_is_whole", ["type": "boolean"], "Only where it is false: a limit was hit, and there are more"),
    ]
  }

  private static let whoMembers: [Member] =
    [
      Member("action", Schemas.action, "With resource: who may do this"),
      Member("resource", Schemas.path, "With action: to exactly this resource"),
      Member("role", Schemas.id, "Instead: who holds this role"),
      Member("group", Schemas.id, "Instead: who belongs to this group"),
      Member("privileged", ["type": "boolean"], "Instead: who holds a permission that a privileged policy names"),
      .at, .from, .to, .asKnownAt,
    ] + Member.paging
  private static let whatMembers: [Member] = [.identity, .at, .from, .to, .asKnownAt] + Member.paging
  private static let whyMembers: [Member] = [
    .identity, Member("action", Schemas.action, required: true, "What is done"),
    Member("resource", Schemas.path, required: true, "To exactly this resource"), .at, .asKnownAt,
    Member("limit", Schemas.count(Access.mostPaths), "How many paths are listed"),
  ]
  private static let timelineMembers: [Member] = [.identity, .resource, .from, .to, .asKnownAt] + Member.paging
  private static let separationMembers: [Member] =
    [Member("policy", Schemas.id, "One policy; absent, all of them"), .from, .to, .asKnownAt] + Member.paging
  private static let diffMembers: [Member] =
    [
      .resource, Member("identity", Schemas.id, "One identity; absent, all"),
      Member("from", Schemas.instant, "The first moment; absent, now"),
      Member("to", Schemas.instant, "The second moment; absent, now"),
      Member("from_as_known_at", Schemas.asKnownAt, "What is known of the first; absent, everything"),
      Member("to_as_known_at", Schemas.asKnownAt, "What is known of the second; absent, everything"),
    ] + Member.paging
}

/// Reads the questions and pages their answers.
enum Access {
  /// The most paths that `why` lists at once.
  static let mostPaths = 1000

  @Sendable static func who(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let subject = try subject(&reader)
    let stretch = try reader.stretch()
    let view = try PagedView(call, input, &reader)
    try reader.finish()
    let first = try view.firstRow
    if let stretch {
      if view.at != nil { throw reader.error("at", "cannot stand beside from and to") }
      return .waiting {
        let report = try call.questions.who(subject, during: stretch, asKnownAt: view.asKnownAt)
        return page(report, view, first, at: nil, report.asKnownAt, report.position)
      }
    }
    return try run(view) {
      let report = try call.questions.who(subject, at: view.at, asKnownAt: view.asKnownAt)
      return page(report, view, first, at: report.view.at, report.view.asKnownAt, report.position)
    }
  }

  private static func subject(_ reader: inout FieldReader) throws(JSONFieldError) -> WhoSubject {
    let action = try reader.optionalAction("action")
    let resource = try reader.optionalPath("resource")
    let role = try reader.optionalID("role")
    let group = try reader.optionalID("group")
    let privileged = try reader.optionalBool("privileged")
    let count = [action ?? resource, role, group].count { $0 != nil } + (privileged == nil ? 0 : 1)
    guard count == 1 else {
      throw JSONFieldError(pointer: "", problem: "must ask about one of: action with resource, role, group, privileged")
    }
    if let role { return .role(role) }
    if let group { return .group(group) }
    if let privileged {
      guard privileged else { throw reader.error("privileged", "must be true, or absent") }
      return .privileged
    }
    guard let action else { throw reader.error("action", "is missing") }
    guard let resource else { throw reader.error("resource", "is missing") }
    return .access(action: action, resource: resource)
  }

  @Sendable static func what(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let identity = try reader.id("identity")
    let stretch = try reader.stretch()
    let view = try PagedView(call, input, &reader)
    try reader.finish()
    let first = try view.firstRow
    if let stretch {
      if view.at != nil { throw reader.error("at", "cannot stand beside from and to") }
      return .waiting {
        let report = try call.questions.what(identity, during: stretch, asKnownAt: view.asKnownAt)
        return page(report, view, first, at: nil, report.asKnownAt, report.position)
      }
    }
    return try run(view) {
      let report = try call.questions.what(identity, at: view.at, asKnownAt: view.asKnownAt)
      return page(report, view, first, at: report.view.at, report.view.asKnownAt, report.position)
    }
  }

  @Sendable static func why(_ call: Call) throws -> Outcome {
    var reader = FieldReader(object: try call.input())
    let identity = try reader.id("identity")
    let action = try reader.action("action")
    let resource = try reader.path("resource")
    let (at, asKnownAt) = (try reader.optionalInstant("at"), try reader.asKnownAt())
    let limit = try reader.limit(usual: Questions.usualPaths, most: mostPaths)
    try reader.finish()
    return .waiting {
      let report = try call.questions.why(
        identity, action: action, resource: resource, at: at, asKnownAt: asKnownAt, limit: limit)
      return .json(report.json(), position: report.position)
    }
  }

  @Sendable static func separation(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let policy = try reader.optionalID("policy")
    let roles = call.isQuery ? nil : try reader.optionalStrings("roles", maximumCount: Limits.rolesPerSeparation)
    let n = call.isQuery ? nil : try reader.optionalInteger("n")
    let stretch = try reader.stretch() ?? .always
    let view = try PagedView(call, input, &reader, hasMoment: false)
    try reader.finish()
    if policy != nil, roles != nil { throw reader.error("roles", "cannot stand beside a policy") }
    if let roles, roles.count < 2 { throw reader.error("roles", "must name at least two roles") }
    let question = roles.map { SeparationQuestion.roles($0, n: Int(n ?? 2)) } ?? .policies(only: policy)
    if roles == nil, n != nil { throw reader.error("n", "belongs to roles") }
    if let n, let roles, !(2...Int64(roles.count)).contains(n) {
      throw reader.error("n", "must lie between 2 and the number of roles")
    }
    let first = try view.firstRow
    return .waiting {
      let report = try call.questions.separation(question, during: stretch, asKnownAt: view.asKnownAt)
      return page(report, view, first, at: nil, report.asKnownAt, report.position)
    }
  }

  @Sendable static func timeline(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let identity = try reader.id("identity")
    let resource = try reader.optionalPath("resource")
    let stretch = try reader.stretch() ?? .always
    let view = try PagedView(call, input, &reader, hasMoment: false)
    try reader.finish()
    let first = try view.firstRow
    return .waiting {
      let last = first.addingReportingOverflow(view.page.rows).partialValue
      let report = try call.questions.timeline(
        identity, resource: resource, during: stretch, asKnownAt: view.asKnownAt, turns: first..<max(first, last))
      var writer = JSONWriter()
      writer.beginObject()
      let written = report.writeMembers(to: &writer, page: view.page)
      writer.write(report.events)
      let next = written.map { first + $0 } ?? (last < report.total ? last : nil)
      finish(&writer, view, next, at: nil, report.asKnownAt)
      return .json(writer.take(), position: report.position)
    }
  }

  @Sendable static func diff(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let resource = try reader.optionalPath("resource")
    let identity = try reader.optionalID("identity")
    let cursor = try Cursor.read(&reader, question: Cursor.question(call.request.rawPath, input))
    let page = PageSize(rows: try reader.limit())
    let (from, to) = (try reader.optionalInstant("from"), try reader.optionalInstant("to"))
    let (fromKnown, toKnown) = (try reader.asKnownAt("from_as_known_at"), try reader.asKnownAt("to_as_known_at"))
    try reader.finish()
    let place = try DiffPlace(cursor)
    let first = Knowledge(at: place?.from.at ?? from, asKnownAt: place.map { .position($0.from.asKnownAt) } ?? fromKnown)
    let second = Knowledge(at: place?.to.at ?? to, asKnownAt: place.map { .position($0.to.asKnownAt) } ?? toKnown)
    return .waiting {
      let report = try call.questions.diff(resource: resource, identity: identity, from: first, to: second)
      var writer = JSONWriter()
      writer.beginObject()
      let next = report.writeMembers(to: &writer, from: place?.row ?? 0, page: page)
      let cursor = next.map { DiffPlace(from: report.first, to: report.second, row: $0).cursor }
      writer.member("next_cursor", cursor?.text(for: Cursor.question(call.request.rawPath, input)))
      writer.endObject()
      return .json(writer.take(), position: report.position)
    }
  }

  @Sendable static func snapshot(_ call: Call) throws -> Outcome {
    var reader = FieldReader(object: try call.input())
    let resource = try reader.optionalPath("resource")
    let (at, asKnownAt) = (try reader.optionalInstant("at"), try reader.asKnownAt())
    try reader.finish()
    return .waiting {
      let snapshot = try call.questions.snapshot(resource: resource, at: at, asKnownAt: asKnownAt)
      var response = Response.json([], position: snapshot.position)
      let stream = SnapshotStream(snapshot)
      response.body = .stream { try stream.next() }
      return response
    }
  }

  /// Runs a question about a moment at once where only the graph is asked; on a worker where the position must be looked up.
  private static func run(_ view: PagedView, _ body: @escaping @Sendable () throws -> Response) throws -> Outcome {
    view.asKnownAt == .head ? .now(try body()) : .waiting(body)
  }

  private static func page(
    _ report: some ListReport, _ view: PagedView, _ first: Int, at: Instant?, _ asKnownAt: Int64, _ position: Int64
  ) -> Response {
    var writer = JSONWriter()
    writer.beginObject()
    let next = report.writeMembers(to: &writer, from: first, page: view.page)
    finish(&writer, view, next, at: at, asKnownAt)
    return .json(writer.take(), position: position)
  }

  private static func finish(_ writer: inout JSONWriter, _ view: PagedView, _ next: Int?, at: Instant?, _ asKnownAt: Int64) {
    let cursor = next.map { Cursor(at: at, asKnownAt: asKnownAt, place: .integer(Int64($0))) }
    writer.member("next_cursor", cursor?.text(for: view.question))
    writer.endObject()
  }
}

/// Where a page of a diff begins: both moments, fixed, and the row.
private struct DiffPlace: Sendable {
  let from: Viewpoint
  let to: Viewpoint
  let row: Int

  init(from: Viewpoint, to: Viewpoint, row: Int) {
    (self.from, self.to, self.row) = (from, to, row)
  }

  /// Reads it from a cursor; nil where there is none.
  init?(_ cursor: Cursor?) throws(JSONFieldError) {
    guard let cursor else { return nil }
    guard let first = cursor.place[0]?.stringValue.flatMap({ try? Instant(rfc3339: $0) }),
      let known = cursor.place[1]?.integerValue, let row = cursor.place[2]?.integerValue, let second = cursor.at, row >= 0,
      known >= 0
    else { throw JSONFieldError(pointer: "/cursor", problem: "must be a next_cursor of the same question") }
    from = Viewpoint(at: first, asKnownAt: known)
    to = Viewpoint(at: second, asKnownAt: cursor.asKnownAt)
    self.row = Int(row)
  }

  var cursor: Cursor {
    let place: JSONValue = [.string(from.at.description), .integer(from.asKnownAt), .integer(Int64(row))]
    return Cursor(at: to.at, asKnownAt: to.asKnownAt, place: place)
  }
}
