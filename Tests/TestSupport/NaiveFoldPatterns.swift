/// Patterns and scopes by plain recursion on Unicode scalars.
public enum NaivePattern {
  /// Whether the pattern matches the whole text: `*` any run, `?` exactly one scalar.
  public static func matches(_ pattern: String, _ text: String) -> Bool {
    matches(Array(pattern.unicodeScalars)[...], Array(text.unicodeScalars)[...])
  }

  private static func matches(_ pattern: ArraySlice<Unicode.Scalar>, _ text: ArraySlice<Unicode.Scalar>) -> Bool {
    guard let head = pattern.first else { return text.isEmpty }
    if head == "*" {
      return matches(pattern.dropFirst(), text) || !text.isEmpty && matches(pattern, text.dropFirst())
    }
    guard let first = text.first, head == "?" || head == first else { return false }
    return matches(pattern.dropFirst(), text.dropFirst())
  }

  /// Whether some text matches both patterns.
  public static func overlap(_ left: String, _ right: String) -> Bool {
    overlap(Array(left.unicodeScalars)[...], Array(right.unicodeScalars)[...])
  }

  private static func overlap(_ left: ArraySlice<Unicode.Scalar>, _ right: ArraySlice<Unicode.Scalar>) -> Bool {
    if left.first == "*" { return overlap(left.dropFirst(), right) || !right.isEmpty && overlap(left, right.dropFirst()) }
    if right.first == "*" { return overlap(right, left) }
    guard let a = left.first, let b = right.first else { return left.isEmpty && right.isEmpty }
    return (a == b || a == "?" || b == "?") && overlap(left.dropFirst(), right.dropFirst())
  }

  /// Whether the one pattern, with the other read as a text whose wildcards only a wildcard stands for, matches it.
  public static func contains(_ pattern: String, _ other: String) -> Bool {
    contains(Array(pattern.unicodeScalars)[...], Array(other.unicodeScalars)[...])
  }

  private static func contains(_ pattern: ArraySlice<Unicode.Scalar>, _ other: ArraySlice<Unicode.Scalar>) -> Bool {
    guard let head = pattern.first else { return other.isEmpty }
    if head == "*" { return contains(pattern.dropFirst(), other) || !other.isEmpty && contains(pattern, other.dropFirst()) }
    guard let first = other.first, first != "*", head == "?" || head == first else { return false }
    return contains(pattern.dropFirst(), other.dropFirst())
  }

  /// The patterns of what a scope covers; its question marks are no wildcards, so a character stands for them that no pattern has.
  public static func covered(by scope: String) -> [String] {
    if scope == "*" { return ["*"] }
    var path = String.UnicodeScalarView()
    for scalar in scope.unicodeScalars { path.append(scalar == "?" ? "\u{1}" : scalar) }
    return [String(path), String(path) + "/*"]
  }

  /// Whether a scope covers a resource: it is `*`, the same, or a prefix by whole segments.
  public static func covers(_ scope: String, _ resource: String) -> Bool {
    let (above, below) = (Array(scope.utf8), Array(resource.utf8))
    return above == Array("*".utf8) || above == below || below.starts(with: above + Array("/".utf8))
  }

  /// Whether a scope lies at, above or below a resource; nil is the whole tenant.
  public static func concerns(_ scope: String, _ resource: String?) -> Bool {
    guard let resource else { return true }
    return covers(scope, resource) || covers(resource, scope)
  }
}
