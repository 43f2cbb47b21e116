import HTTP
import Testing

@Suite struct RouterTests {
  /// A router whose answers carry their route's name and parameters as headers.
  private static func router() -> Router {
    var router = Router { status, _, allow in
      Response(status: status, headers: ["Problem": allow.map(\.rawValue).joined(separator: " ")])
    }
    func on(_ method: HTTPMethod, _ pattern: String, _ parameters: [String]) {
      router.on(method, pattern) { _, values in
        var headers: Headers = ["Route": "\(method.rawValue) \(pattern)"]
        for name in parameters { headers.append(name, values[name]) }
        return .now(Response(status: 200, headers: headers))
      }
    }
    on(.get, "/", [])
    on(.get, "/v1/identities", [])
    on(.post, "/v1/identities", [])
    on(.get, "/v1/identities/{id}", ["id"])
    on(.delete, "/v1/identities/{id}", ["id"])
    on(.get, "/v1/identities/me", [])
    on(.get, "/v1/identities/{id}/groups/{group}", ["id", "group"])
    on(.get, "/v1/{kind}/me/groups", ["kind"])
    return router
  }

  private func answer(_ method: HTTPMethod, _ path: String) throws -> Response {
    guard case .now(let response) = Self.router().route(try Request(method: method, rawPath: path)) else {
      throw Unexpected()
    }
    return response
  }

  private struct Unexpected: Error {}

  @Test(arguments: [
    (HTTPMethod.get, "/", "GET /"),
    (.get, "/v1/identities", "GET /v1/identities"),
    (.post, "/v1/identities", "POST /v1/identities"),
    (.get, "/v1/identities/7", "GET /v1/identities/{id}"),
    (.head, "/v1/identities/7", "GET /v1/identities/{id}"),
    (.delete, "/v1/identities/7", "DELETE /v1/identities/{id}"),
    (.get, "/v1/identities/me", "GET /v1/identities/me"),
    (.get, "/v1/identities/7/groups/9", "GET /v1/identities/{id}/groups/{group}"),
    (.get, "/v1/identities/me/groups/9", "GET /v1/identities/{id}/groups/{group}"),
    (.get, "/v1/roles/me/groups", "GET /v1/{kind}/me/groups"),
  ])
  func `a literal beats a parameter, and a dead end is left again`(method: HTTPMethod, path: String, route: String) throws {
    let response = try answer(method, path)
    #expect(response.status == 200)
    #expect(response.headers["route"] == route)
  }

  @Test(arguments: [
    ("/v1/identities/team%2Fops", "team/ops"), ("/v1/identities/a%20b", "a b"), ("/v1/identities/%C3%A9t%c3%a9", "été"),
    ("/v1/identities/a+b", "a+b"), ("/v1/identities/%252F", "%2F"), ("/v1/identities/%2e%2e", ".."),
  ])
  func `an encoded segment is one parameter`(path: String, id: String) throws {
    #expect(try answer(.get, path).headers["id"] == id)
  }

  @Test func `parameters are found by name`() throws {
    let headers = try answer(.get, "/v1/identities/one/groups/two").headers
    #expect(headers["id"] == "one")
    #expect(headers["group"] == "two")
  }

  @Test(arguments: ["/nowhere", "/v1", "/v1/identities/", "/v1//identities", "/v1/identities/7/groups", "//"])
  func `an unknown path is 404`(path: String) throws {
    #expect(try answer(.get, path).status == 404)
  }

  @Test(arguments: [
    (HTTPMethod.put, "/v1/identities", "GET, HEAD, POST, OPTIONS"),
    (.other, "/v1/identities/7", "GET, HEAD, DELETE, OPTIONS"),
    (.delete, "/v1/identities/me", "GET, HEAD, OPTIONS"),
  ])
  func `an unknown method is 405 with Allow`(method: HTTPMethod, path: String, allow: String) throws {
    let response = try answer(method, path)
    #expect(response.status == 405)
    #expect(response.headers["Allow"] == allow)
    #expect(response.headers["Problem"] == allow.split(separator: ", ").joined(separator: " "))
  }

  @Test func `OPTIONS is answered with Allow`() throws {
    let response = try answer(.options, "/v1/identities")
    #expect(response.status == 204)
    #expect(response.headers["Allow"] == "GET, HEAD, POST, OPTIONS")
  }

  @Test(arguments: ["", "x", "*", "/%", "/%2", "/%zz", "/%FF", "/%00", "/a%C3/b", "http://host/"])
  func `a malformed path is refused`(path: String) {
    #expect(throws: MalformedTarget.self) { try Request(method: .get, rawPath: path) }
  }

  @Test func `headers keep their order and are found in any case`() {
    var headers: Headers = ["Content-Type": "text/plain", "X-A": "1", "x-a": "2"]
    #expect(headers["CONTENT-TYPE"] == "text/plain")
    #expect(headers.values(of: "X-a") == ["1", "2"])
    #expect(headers["X"] == nil)
    headers.set("X-A", "3")
    headers.append("Empty", "")
    #expect(headers.all.map(\.name) == ["Content-Type", "X-A", "Empty"])
    #expect(headers.all.map(\.value) == ["text/plain", "3", ""])
    #expect(headers.count == 3)
  }
}
