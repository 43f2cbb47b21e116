import Governance
import HTTP
import JSON

/// The description of the API in OpenAPI 3.1, made from the endpoints that the router serves, so that it is true.
enum OpenAPI {
  /// The document's bytes, made once.
  static let document: [UInt8] = JSONValue.object([
    "openapi": "3.1.0",
    "info": [
      "title": "Tenure", "version": "1",
      "description": "Who had access to what, when, through which path, and by whose authority.",
    ],
    "paths": .object(paths),
    "components": ["schemas": .object(schemas), "responses": ["problem": problem]],
  ]).canonicalBytes()

  private static var paths: JSONObject {
    var paths = JSONObject()
    for endpoint in Endpoint.all {
      var item = paths[endpoint.pattern]?.objectValue ?? JSONObject()
      item[endpoint.method.rawValue.lowercased()] = operation(endpoint)
      paths[endpoint.pattern] = .object(item)
    }
    return paths
  }

  private static var schemas: JSONObject {
    var schemas = JSONObject()
    for verb in Verb.all { schemas[verb.name] = CommandSchema.schema(of: verb) }
    return schemas
  }

  private static func operation(_ endpoint: Endpoint) -> JSONValue {
    var parameters = endpoint.pattern.split(separator: "/").filter { $0.hasPrefix("{") }.map { segment in
      let name = String(segment.dropFirst().dropLast())
      let schema = name == "position" ? Schemas.position : Schemas.id
      return parameter(Member(name, schema, required: true, "One percent-encoded segment"), in: "path")
    }
    var operation: JSONObject = ["operationId": .string(endpoint.operation), "summary": .string(endpoint.summary)]
    if case .tenant = endpoint.handler {
      parameters += headers(isWrite: endpoint.isWrite).map { parameter($0, in: "header") }
    }
    switch endpoint.input {
    case .none: break
    case .query(let members): parameters += members.map { parameter($0, in: "query") }
    case .lines(let members, let each):
      parameters += members.map { parameter($0, in: "query") }
      operation["requestBody"] = [
        "required": true, "description": "One object on each line",
        "content": ["application/x-ndjson": ["schema": Schemas.object(each)]],
      ]
    case .body(let members):
      operation["requestBody"] = [
        "required": .bool(members.contains(where: \.isRequired)),
        "content": ["application/json": ["schema": Schemas.object(members)]],
      ]
    }
    if !parameters.isEmpty { operation["parameters"] = .array(parameters) }
    operation["responses"] = [
      String(endpoint.status): [
        "description": "The answer", "content": ["application/json": ["schema": answer(endpoint)]],
      ],
      "4XX": ["$ref": "#/components/responses/problem"], "5XX": ["$ref": "#/components/responses/problem"],
    ]
    return .object(operation)
  }

  /// Any object; members that need a word are described.
  private static func answer(_ endpoint: Endpoint) -> JSONValue {
    if endpoint.answer.isEmpty { return ["type": "object"] }
    var properties = JSONObject()
    for member in endpoint.answer {
      var schema = member.schema.objectValue ?? JSONObject()
      schema["description"] = .string(member.summary)
      properties[member.name] = .object(schema)
    }
    return ["type": "object", "properties": .object(properties)]
  }

  private static func parameter(_ member: Member, in place: String) -> JSONValue {
    [
      "name": .string(member.name), "in": .string(place), "required": .bool(member.isRequired),
      "description": .string(member.summary), "schema": member.schema,
    ]
  }

  private static func headers(isWrite: Bool) -> [Member] {
    let all = [
      Member("Tenure-Tenant", Schemas.tenant, "The tenant; absent, default"),
      Member("Tenure-Min-Position", ["type": "integer", "minimum": 0], "Wait until the answer includes this position"),
    ]
    let key = Member(
      "Idempotency-Key", ["type": "string", "maxLength": .integer(Int64(CallHeaders.keyBytes))],
      "The same key with the same commands gives the first answer again")
    return isWrite ? all + [key] : all
  }

  /// RFC 9457.
  private static let problem: JSONValue = [
    "description": "What is wrong, as RFC 9457 has it",
    "content": [
      "application/problem+json": [
        "schema": [
          "type": "object", "required": ["type", "title", "status", "code", "detail"],
          "properties": [
            "type": ["type": "string", "format": "uri-reference"], "title": ["type": "string"], "status": ["type": "integer"],
            "code": ["type": "string", "enum": .array(ProblemKind.all.map { .string($0.code) })],
            "detail": ["type": "string"], "limit": ["type": "string"], "command_id": ["type": "string"],
            "errors": [
              "type": "array",
              "items": [
                "type": "object", "required": ["detail"],
                "properties": [
                  "pointer": ["type": "string"], "parameter": ["type": "string"], "header": ["type": "string"],
                  "detail": ["type": "string"],
                ],
              ],
            ],
          ],
        ]
      ]
    ],
  ]
}

extension Endpoint {
  /// Every route there is.
  static let all: [Endpoint] =
    service + identities + groups + roles + assignments + policies + resources + sources + credentials + requests + findings
    + reviews + fulfilments + events + [commands] + access + check + find + usage + webhooks + auditReports + incidents
}
