import Governance
import HTTP
import JSON
import Testing

@testable import API

/// The description is true.
@Suite struct OpenAPITests {
  @Test func `the description lists exactly what is routed`() throws {
    let document = try JSONValue(parsing: OpenAPI.document)
    let paths = try #require(document["paths"]?.objectValue)
    var described: Set<String> = []
    for path in paths {
      for method in path.value.objectValue ?? [:] { described.insert("\(method.name.uppercased()) \(path.name)") }
    }
    let router = API.makeRouter { endpoint, _, _ in .now(Response(status: 299, headers: ["Endpoint": endpoint.operation])) }
    for path in paths.map(\.name) {
      let concrete = path.split(separator: "/").map { $0.hasPrefix("{") ? "1" : String($0) }.joined(separator: "/")
      for method in HTTPMethod.allCases where ![.head, .options, .other].contains(method) {
        guard case .now(let reply) = router.route(try Request(method: method, rawPath: "/" + concrete)) else { continue }
        #expect((reply.status == 299) == described.contains("\(method.rawValue) \(path)"), "\(method) \(path)")
      }
    }
    #expect(described.count == Endpoint.all.count)
    #expect(Set(Endpoint.all.map(\.operation)).count == Endpoint.all.count)
  }

  @Test(arguments: Verb.all)
  func `a command takes exactly the members that are described`(verb: Verb) throws {
    // What ended is an assignment or a membership: the one member or the other two.
    let alternatives: [Set<String>] = verb.name == "fulfilment.confirm" ? [["id"], ["group", "member"]] : [[]]
    for left in alternatives {
      let members = CommandSchema.members(of: verb).filter { !left.contains($0.name) }
      let needed = alternatives.reduce(into: Set<String>()) { $0.formUnion($1) }.subtracting(left)
      try check(verb, members, needed)
    }
  }

  private func check(_ verb: Verb, _ members: [Member], _ needed: Set<String>) throws {
    var whole: JSONObject = ["type": .string(verb.name)]
    for member in members { whole[member.name] = example(member.schema) }
    // An id may be left out of a grant, for the service makes one.
    func read(_ object: JSONObject) -> JSONFieldError? {
      var object = object
      NewIDs.name(&object, verb, key: "key", index: 0)
      do throws(JSONFieldError) {
        _ = try Command(.object(object))
        return nil
      } catch {
        return error
      }
    }
    #expect(read(whole) == nil)
    for member in members {
      var less = whole
      less[member.name] = nil
      #expect(
        (read(less)?.pointer == "/\(member.name)") == (member.isRequired || needed.contains(member.name)), "\(member.name)")
    }
    whole["colour"] = "red"
    #expect(read(whole)?.pointer == "/colour")
  }

  /// A value that a schema allows: its example, or an object of its members' examples.
  private func example(_ schema: JSONValue) -> JSONValue {
    if let example = schema["examples"]?[0] { return example }
    if let choice = schema["enum"]?[0] { return choice }
    if schema["type"] == "boolean" { return true }
    var object = JSONObject()
    for member in schema["properties"]?.objectValue ?? [:] { object[member.name] = example(member.value) }
    return .object(object)
  }

  @Test func `every verb has a path, a schema and a problem of its own for each refusal`() throws {
    let document = try JSONValue(parsing: OpenAPI.document)
    #expect(document["components"]?["schemas"]?.objectValue?.count == Verb.all.count)
    for code in Refusal.Code.allCases { #expect(ProblemKind.all.contains { $0.code == code.rawValue }) }
    #expect(Set(ProblemKind.all.map(\.code)).count == ProblemKind.all.count)
    let summaries = Set(Endpoint.all.map(\.summary))
    for verb in Verb.all { #expect(summaries.contains("The command \(verb.name)"), "\(verb.name)") }
  }
}
