/// How scopes cover resources: whole segments of a path, or `*` for everything.
public enum Scope {
  /// Whether a scope lies at, above or below a resource.
  public static func isRelated(_ scope: String, to resource: String) -> Bool {
    covers(scope, resource) || covers(resource, scope)
  }

  /// Every scope that covers a resource: `*`, those above it from the shortest on, and itself.
  public static func covering(_ resource: String) -> [String] {
    if resource == "*" { return ["*"] }
    let bytes = resource.utf8
    let ends = bytes.indices.filter { bytes[$0] == UInt8(ascii: "/") } + [bytes.endIndex]
    return ["*"] + ends.map { String(resource[..<$0]) }
  }

  /// Whether the scope covers the resource.
  public static func covers(_ scope: String, _ resource: String) -> Bool {
    if scope == "*" || scope.isExactly(resource) { return true }
    guard resource.utf8.count > scope.utf8.count else { return false }
    return resource.utf8.starts(with: scope.utf8)
      && resource.utf8[resource.utf8.index(resource.utf8.startIndex, offsetBy: scope.utf8.count)] == UInt8(ascii: "/")
  }
}
