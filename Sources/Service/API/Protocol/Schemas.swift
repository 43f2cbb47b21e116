import Conditions
import EventLog
import Governance
import HTTP
import JSON
import Jobs

/// The JSON schemas (2020-12) that inputs are made of; each carries an example that the service accepts.
enum Schemas {
  static let id: JSONValue = text(most: Limits.identifierBytes, "alice")
  static let tenant: JSONValue = [
    "type": "string", "pattern": "^[a-z0-9_.-]{1,63}$", "default": "default", "examples": ["default"],
  ]
  static let path: JSONValue = text(most: Limits.pathBytes, "github.com/acme/site")
  static let action: JSONValue = text(most: Limits.pathBytes, "repo.write")
  static let text: JSONValue = text(most: Limits.attributeValueBytes, "alice")
  static let reason: JSONValue = ["type": "string", "maxLength": .integer(Int64(Limits.reasonBytes)), "examples": ["hired"]]
  static let attributeName: JSONValue = text(most: Limits.attributeNameBytes, "email")
  static let instant: JSONValue = ["type": "string", "format": "date-time", "examples": ["2024-05-01T00:00:00Z"]]
  static let cursor: JSONValue = ["type": "string", "maxLength": .integer(Int64(Cursor.textBytes))]
  static let position: JSONValue = ["type": "integer", "minimum": 1, "examples": [1]]
  static let positions: JSONValue = [
    "type": "array", "maxItems": .integer(Int64(IncidentQuestion.mostNames)), "items": position, "examples": [[1]],
  ]
  static let asKnownAt: JSONValue = [
    "oneOf": [["type": "integer", "minimum": 0], ["type": "string", "format": "date-time"]], "examples": [1],
  ]
  static let principal: JSONValue = [
    "type": "string", "pattern": "^(identity|group):.", "maxLength": .integer(Int64(Limits.identifierBytes + Limits.kindBytes)),
    "examples": ["identity:alice"],
  ]
  static let entity: JSONValue = [
    "type": "string", "pattern": .string("^(\(EntityKind.allCases.map(\.rawValue).joined(separator: "|"))):"),
    "maxLength": .integer(Int64(Limits.identifierBytes + Limits.kindBytes)), "examples": ["identity:alice"],
  ]
  static let eventType: JSONValue = [
    "type": "string", "enum": .array(Verb.eventTypes.map { .string($0) }),
    "examples": ["identity.registered"],
  ]
  /// Bytes of a webhook's address.
  static let webhookURLBytes = OutgoingAddress.maximumBytes
  static let webhookURL: JSONValue = [
    "type": "string", "format": "uri", "maxLength": .integer(Int64(webhookURLBytes)),
    "examples": ["https://hooks.example.org/tenure"],
  ]
  static let eventPatterns: JSONValue = [
    "type": "array", "minItems": 1, "maxItems": .integer(Int64(Webhook.maximumTypes)), "examples": [["assignment.*"]],
    "items": text(most: Webhook.typeBytes, "assignment.*"),
  ]
  static let attributes: JSONValue = [
    "type": "object", "maxProperties": .integer(Int64(Limits.attributesPerEntity)), "examples": [["team": "sre"]],
    "additionalProperties": [
      "oneOf": [["type": ["string", "integer", "boolean", "null"]], ["type": "array", "items": ["type": "string"]]]
    ],
  ]
  static let condition: JSONValue = [
    "type": "object", "examples": [["Bool": ["request.mfa": ["true"]]]],
  ]
  static let context: JSONValue = [
    "type": "object", "maxProperties": .integer(Int64(RequestContext.mostMembers)), "examples": [["mfa": true]],
  ]
  static let start: JSONValue = [
    "oneOf": [["enum": ["approval", "claim"]], ["type": "string", "format": "date-time"]], "examples": ["approval"],
  ]
  static let fulfilmentStage: JSONValue = [
    "type": "string", "enum": .array(FulfilmentFilter.Stages.words.map { .string($0) }), "examples": ["open"],
  ]
  static let fulfilmentEvidence: JSONValue = text(most: Limits.evidenceBytes, "removed in the console, see OPS-7")
  static let proposal: JSONValue = [
    "type": "object", "required": ["type"],
    "properties": ["type": ["enum": .array(RequestProposal.verbs.map { .string($0) })]],
    "description": "The members of that command without its id where it grants, its end, and those that all commands share",
    "examples": [["type": "assignment.grant", "principal": "identity:alice", "role": "viewer", "scope": "github.com/acme"]],
  ]
  private static let intervals: JSONValue = [
    "type": "array",
    "items": ["type": "object", "properties": ["from": instant, "to": ["type": ["string", "null"], "format": "date-time"]]],
  ]
  /// Ways of becoming another identity, as answers have them.
  static let becoming: JSONValue = [
    "type": "array",
    "items": [
      "type": "object", "required": ["identity", "as", "steps"],
      "description": "At a moment with a status, over a stretch with the stretches of each",
      "properties": [
        "identity": id, "as": id, "status": ["enum": ["allowed", "conditional", "unknown"]],
        "allowed": intervals, "conditional": intervals, "unknown": intervals,
        "steps": [
          "type": "array",
          "items": [
            "type": "object",
            "properties": [
              "identity": id, "account": ["type": ["string", "null"]], "becomes": id,
              "action": ["enum": .array(Trust.actions.map { .string($0) })], "assignment": id, "event": position,
              "status": ["enum": ["allowed", "conditional", "unknown"]], "conditions": ["type": "array", "items": condition],
            ],
          ],
        ],
      ],
    ],
  ]
  static let reviewItem: JSONValue = [
    "type": "string", "pattern": "^(assignment|membership):.", "examples": ["assignment:a1"],
    "maxLength": .integer(Int64(4 * Limits.identifierBytes + Limits.kindBytes)),
  ]
  static let digest: JSONValue = [
    "type": "string", "pattern": "^[0-9a-f]{64}$", "examples": [.string(String(repeating: "0", count: 64))],
  ]
  static let reduction: JSONValue = object([
    Member("role", id, "The role to give instead"), Member("scope", path, "The scope to give it on instead"),
    Member("expires_at", instant, "The end that it gets"),
  ])
  static let outstanding: JSONValue = [
    "type": "array", "maxItems": .integer(Int64(Limits.reviewersReminded)),
    "examples": [[["reviewer": "alice", "items": 3]]],
    "items": object([
      Member("reviewer", id, required: true, "The reviewer"),
      Member("items", count(Limits.itemsPerReview), required: true, "Items"),
    ]),
  ]
  static let reviewers: JSONValue = [
    "type": "array", "maxItems": .integer(Int64(Limits.reviewerRules)), "examples": [["owner", "identity:alice"]],
    "items": ["type": "string", "pattern": "^(owner|manager|(identity|group):.+)$"],
  ]
  static let principals: JSONValue = [
    "type": "array", "maxItems": .integer(Int64(Limits.principalsPerPolicy)), "items": principal,
    "examples": [["identity:alice"]],
  ]
  static let days: JSONValue = [
    "type": "array", "maxItems": .integer(Int64(Limits.remindersPerReview)), "examples": [[7, 1]],
    "items": ["type": "integer", "minimum": 0, "maximum": 3_650],
  ]
  static let rule: JSONValue = ["type": "object", "examples": [["actions": ["repo.admin"]]]]
  static let evidence: JSONValue = ["examples": [["count": 3]]]
  static let fix: JSONValue = [
    "type": ["string", "object"], "examples": ["revoke it", ["type": "assignment.revoke", "id": "a-17"]],
  ]
  static let findingState: JSONValue = [
    "type": "string", "enum": .array(FindingState.words.map { .string($0) }), "examples": ["open"],
  ]
  static let actor: JSONValue = object([
    Member("id", id, required: true, "The actor at the source"), Member("on_behalf_of", id, "Whom the actor acted for"),
  ])
  static let approval: JSONValue = object([
    Member("approver", id, required: true, "Who approved"), Member("at", instant, "When"),
    Member("reference", id, "Where that is written"),
    Member("verified", ["type": "boolean"], "Seen by the service itself, or only asserted (the default)"),
  ])
  static let ticket: JSONValue = object([
    Member("system", id, required: true, "The ticket system"), Member("key", id, required: true, "The ticket's key there"),
    Member("url", id, "Its address"),
  ])
  static let permissions: JSONValue = [
    "type": ["array", "null"], "maxItems": .integer(Int64(Limits.permissionsPerRole)),
    "examples": [[["actions": ["repo.read"]]]],
    "items": object([
      Member("effect", ["enum": ["allow", "deny"]], "allow (the default), or deny, which goes before"),
      Member("actions", patterns, required: true, "Patterns of actions"),
      Member("resources", patterns, "Patterns of absolute paths; absent, all"),
      Member("condition", condition, "A condition document"),
    ]),
  ]
  private static let patterns: JSONValue = [
    "type": "array", "minItems": 1, "maxItems": .integer(Int64(Limits.patternsPerPermission)),
    "items": text(most: Limits.pathBytes, "repo.*"),
  ]

  static func ids(_ most: Int) -> JSONValue {
    ["type": "array", "maxItems": .integer(Int64(most)), "items": id, "examples": [["viewer"]]]
  }

  static func count(_ most: Int) -> JSONValue {
    ["type": "integer", "minimum": 1, "maximum": .integer(Int64(most)), "examples": [1]]
  }

  static func choice<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type) -> JSONValue
  where Choice.RawValue == String {
    let names = Choice.allCases.map { JSONValue.string($0.rawValue) }
    return ["type": "string", "enum": .array(names), "examples": .array([names[0]])]
  }

  private static func text(most bytes: Int, _ example: String) -> JSONValue {
    ["type": "string", "minLength": 1, "maxLength": .integer(Int64(bytes)), "examples": [.string(example)]]
  }

  /// An object of these members and no others.
  static func object(_ members: [Member]) -> JSONValue {
    var properties = JSONObject()
    for member in members {
      var schema = member.schema.objectValue ?? JSONObject()
      schema["description"] = .string(member.summary)
      properties[member.name] = .object(schema)
    }
    var object: JSONObject = ["type": "object", "properties": .object(properties), "additionalProperties": false]
    let required = members.filter(\.isRequired).map { JSONValue.string($0.name) }
    if !required.isEmpty { object["required"] = .array(required) }
    return .object(object)
  }
}

/// Members that many inputs have.
extension Member {
  static let identity = Member("identity", Schemas.id, required: true, "The identity's id")
  static let resource = Member("resource", Schemas.path, "Scopes at, above or below it; absent, all")
  static let at = Member("at", Schemas.instant, "The moment in the world; absent, now")
  static let from = Member("from", Schemas.instant, "First instant of a stretch; absent, the beginning of time")
  static let to = Member("to", Schemas.instant, "First instant after the stretch; absent, no end")
  static let asKnownAt = Member(
    "as_known_at", Schemas.asKnownAt, "What is known: up to a position or an instant; absent, everything")
  static let paging = [
    Member("limit", Schemas.count(PageSize.mostRows), "Rows of a page"),
    Member("cursor", Schemas.cursor, "The next_cursor of the page before"),
  ]
}
