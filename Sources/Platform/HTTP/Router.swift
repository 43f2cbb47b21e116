/// What a path's parameters stand for in one request.
public struct Parameters: Sendable {
  let names: [String]
  let values: [String]

  /// The decoded segment that a parameter of the pattern matched.
  ///
  /// - Precondition: the pattern has that parameter; another name is a programmer error and traps.
  public subscript(name: String) -> String {
    guard let index = names.firstIndex(of: name) else { preconditionFailure("the route has no parameter \(name)") }
    return values[index]
  }
}

/// Finds the handler of a request by path and method; a value, without I/O.
///
/// Routing is O(segments) but for branches where a literal and a parameter both fit.
public struct Router: Sendable {
  /// Answers one route's requests.
  public typealias Handler = @Sendable (Request, Parameters) -> Reply

  private struct Route: Sendable {
    let names: [String]
    let handler: Handler
  }

  private struct Node: Sendable {
    var literals: [String: Node] = [:]
    var parameter: [Node] = []  // none or one; an array because a struct cannot hold itself
    var routes: [HTTPMethod: Route] = [:]

    mutating func insert(_ pattern: ArraySlice<String>, _ method: HTTPMethod, _ route: Route) {
      guard let first = pattern.first else {
        precondition(routes[method] == nil, "two handlers for one method and path")
        routes[method] = route
        return
      }
      if Router.parameterName(first) != nil {
        if parameter.isEmpty { parameter.append(Node()) }
        parameter[0].insert(pattern.dropFirst(), method, route)
      } else {
        literals[first, default: Node()].insert(pattern.dropFirst(), method, route)
      }
    }

    /// The routes of the node a path leads to; a literal is tried first, the parameter if that leads nowhere.
    func find(_ segments: ArraySlice<String>, _ values: inout [String]) -> [HTTPMethod: Route]? {
      guard let first = segments.first else { return routes.isEmpty ? nil : routes }
      if let found = literals[first]?.find(segments.dropFirst(), &values) { return found }
      guard let parameter = parameter.first, !first.isEmpty else { return nil }
      values.append(first)
      if let found = parameter.find(segments.dropFirst(), &values) { return found }
      values.removeLast()
      return nil
    }
  }

  private var root = Node()
  /// The routes of patterns without a parameter by their text, which is the usual request's raw path.
  private var literals: [String: [HTTPMethod: Route]] = [:]
  private let problem: ProblemResponse

  /// Makes a router without routes; `problem` answers 404 and 405, by default without a body.
  public init(problem: @escaping ProblemResponse = emptyProblemResponse) {
    self.problem = problem
  }

  /// Adds a route, such as `/v1/identities/{id}`: a segment in braces is a parameter and matches any segment but an empty one.
  ///
  /// Where a literal and a parameter both match, the literal does, whatever their methods. A route for GET also serves
  /// HEAD, and OPTIONS is answered for every path with a route.
  ///
  /// - Precondition: the pattern begins with `/`, the pair of method and path is new, the method is not `other`.
  public mutating func on(_ method: HTTPMethod, _ pattern: String, _ handler: @escaping Handler) {
    precondition(pattern.first == "/", "a pattern begins with a slash")
    precondition(method != .other, "a route has a method by name")
    let segments =
      pattern == "/" ? [] : pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    let names = segments.compactMap(Self.parameterName)
    root.insert(segments[...], method, Route(names: names, handler: handler))
    if names.isEmpty {
      var unused: [String] = []
      literals[pattern] = root.find(segments[...], &unused)
    }
  }

  /// Calls the request's handler, or answers 404, 405 with `Allow`, or OPTIONS.
  public func route(_ request: Request) -> Reply {
    var values: [String] = []
    guard let routes = literals[request.rawPath] ?? root.find(request.segments[...], &values) else {
      return .now(problem(404, request, []))
    }
    let route = routes[request.method] ?? (request.method == .head ? routes[.get] : nil)
    if let route { return route.handler(request, Parameters(names: route.names, values: values)) }
    let allow = Self.allowed(routes)
    var response = request.method == .options ? Response(status: 204) : problem(405, request, allow)
    response.headers.appendIfAbsent("Allow", allow.map(\.rawValue).joined(separator: ", "))
    return .now(response)
  }

  private static func allowed(_ routes: [HTTPMethod: Route]) -> [HTTPMethod] {
    HTTPMethod.allCases.filter {
      routes[$0] != nil || $0 == .options || ($0 == .head && routes[.get] != nil)
    }
  }

  private static func parameterName(_ segment: String) -> String? {
    segment.first == "{" && segment.last == "}" ? String(segment.dropFirst().dropLast()) : nil
  }
}
