import AccessGraph
import EventLog
import Governance
import HTTP
import JSON
import Temporal

/// `/v1/find`: an identity by its id or by the value of an attribute, as of t.
///
/// As POST too, so that a name or an address need not stand in a URL, which others log.
extension Endpoint {
  static let find: [Endpoint] = [
    Endpoint(.get, "/v1/find", "find", "Finds identities by id or attribute", .query(findMembers), find),
    Endpoint(.post, "/v1/find", "findByBody", "Finds identities by id or attribute", .body(findMembers), find),
  ]

  private static let findMembers: [Member] = [
    Member("text", Schemas.text, required: true, "The id, or the exact value of the attribute"),
    Member("attribute", Schemas.attributeName, "Only this attribute; absent, ids and all attributes"), .at, .asKnownAt,
    Member("limit", Schemas.count(mostFound), "How many at the most"),
  ]

  /// The most identities that one answer names: who has more found should ask for less.
  private static let mostFound = 1000

  @Sendable private static func find(_ call: Call) throws -> Outcome {
    var reader = FieldReader(object: try call.input())
    let text = try reader.string("text", maximumBytes: Limits.attributeValueBytes)
    if text.isEmpty { throw reader.error("text", "must not be empty") }
    let attribute = try reader.optionalString("attribute", maximumBytes: Limits.attributeNameBytes)
    let (at, asKnownAt) = (try reader.optionalInstant("at"), try reader.asKnownAt())
    let limit = try reader.limit(most: mostFound)
    try reader.finish()
    return .waiting {
      let (view, position) = try call.questions.ask(at, asKnownAt) { graph, view in (view, graph.position) }
      // One more than asked for tells whether there are more.
      let found = try call.tenant.find(
        FindQuestion(text, attribute: attribute), at: view.at, asKnownAt: view.asKnownAt, limit: limit + 1)
      var writer = JSONWriter()
      writer.beginObject()
      writer.member("at", view.at)
      writer.member("as_known_at", view.asKnownAt)
      writer.member("position", position)
      writer.key("identities")
      writer.beginArray()
      for identity in found.prefix(limit) {
        writer.beginObject()
        writer.member("identity", identity.identity)
        writer.member("kind", identity.kind.rawValue)
        writer.member("matched", identity.matched)
        writer.endObject()
      }
      writer.endArray()
      writer.member("truncated", found.count > limit)
      writer.endObject()
      return .json(writer.take(), position: position)
    }
  }
}
