import AccessGraph
public import EventLog
import Governance
import HTTP
import JSON
import Temporal

/// `/v1/fulfilments`: whether access that has ended was taken away where it was.
extension Endpoint {
  static let fulfilments: [Endpoint] = [
    Endpoint(
      .get, "/v1/fulfilments", "listFulfilments",
      "How far endings of assignments and memberships have come by a moment, the oldest first",
      .query(
        [
          Member("stage", Schemas.fulfilmentStage, "open (the default): not carried out yet; all; or one stage"),
          Member("assignment", Schemas.id, "The end of this assignment only"),
          Member("group", Schemas.id, "The end of a membership of this group only; takes a member"),
          Member("member", Schemas.principal, "The member"),
          Member("since", Schemas.instant, "Only what ended then or later"), .at, .asKnownAt,
        ] + Member.paging), list),
    Write("fulfilment.confirm", "/v1/assignments/{id}/confirm_fulfilment").endpoint,
    Write(
      "fulfilment.confirm", "/v1/groups/{group}/members/confirm_fulfilment", operation: "fulfilmentConfirmOfMembership"
    ).endpoint,
  ]

  @Sendable private static func list(_ call: Call) throws -> Outcome {
    let input = try call.input()
    var reader = FieldReader(object: input)
    let filter = try FulfilmentFilter(&reader)
    let view = try PagedView(call, input, &reader)
    try reader.finish()
    let after = try EndingPlace(cursor: try view.after)
    return .waiting {
      let page = try call.questions.fulfilments(
        filter, at: view.at, asKnownAt: view.asKnownAt, after: after, limit: view.page.rows)
      return view.response(
        "fulfilments", page.fulfilments, at: page.view, position: page.position, next: page.next.map { .string($0.cursor) }
      ) {
        .string(EndingPlace(endedAt: $0.ending.endedAt, item: $0.ending.item).cursor)
      } _: {
        $1.writeMembers(to: &$0, at: page.view.at)
      }
    }
  }
}

extension FulfilmentFilter {
  fileprivate init(_ reader: inout FieldReader) throws(JSONFieldError) {
    self.init()
    if let text = try reader.optionalString("stage") {
      guard let stages = Stages(text: text) else {
        throw reader.error("stage", "must be one of \(Stages.words.joined(separator: ", "))")
      }
      self.stages = stages
    }
    item = try reader.optionalID("assignment").map { .assignment($0) }
    if let group = try reader.optionalID("group") {
      if item != nil { throw reader.error("group", "and assignment exclude each other") }
      item = .membership(group: group, member: try reader.principal("member"))
    }
    since = try reader.optionalInstant("since")
  }
}

extension FulfilmentFilter.Stages {
  /// The words that `init(text:)` knows.
  public static let words = ["open", "all"] + FulfilmentStage.allCases.map(\.rawValue)

  /// Reads `open`, `all` or a stage; nil for anything else.
  public init?(text: String) {
    switch text {
    case "open": self = .open
    case "all": self = .any
    default:
      guard let stage = FulfilmentStage(rawValue: text) else { return nil }
      self = .stage(stage)
    }
  }
}

extension EndingPlace {
  /// The place as it stands in a cursor: an instant has no blank in it.
  fileprivate var cursor: String { "\(endedAt) \(item?.text ?? "")" }

  fileprivate init?(cursor: String?) throws(JSONFieldError) {
    guard let cursor else { return nil }
    let parts = cursor.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, let end = try? Instant(rfc3339: parts[0]) else {
      throw JSONFieldError(pointer: "/cursor", problem: "must be a next_cursor of the same question")
    }
    guard !parts[1].isEmpty else {
      self.init(endedAt: end)
      return
    }
    guard let item = GrantName(text: parts[1]) else {
      throw JSONFieldError(pointer: "/cursor", problem: "must be a next_cursor of the same question")
    }
    self.init(endedAt: end, item: item)
  }
}
