/// Trust: who may become which identity.
///
/// A trust is an assignment whose scope is exactly the identity, `identity/<id>`, of a role that allows one of ``actions``
/// there. So it has conditions, an end, requests and fulfilment like any other. A wider scope is no trust: who administers
/// everything is not thereby everybody.
public enum Trust {
  /// The actions by which an identity becomes another.
  public static let actions = ["identity:assume", "identity:impersonate", "identity:mint_token"]

  /// What the path of every identity begins with.
  public static let prefix = "identity/"

  /// The scope that a trust in an identity has.
  ///
  /// - Throws: a refusal for an id that cannot stand in a path: no assignment can be on it, so nobody can be trusted to become it.
  public static func scope(of identity: String) throws(Refusal) -> String {
    let scope = prefix + identity
    guard let problem = identity.isEmpty ? "must not be empty" : Limits.problem(path: scope) else { return scope }
    throw Refusal(
      .malformed, "nobody can be trusted to become `\(identity)`: as a path, identity/… \(problem)", at: "/scope")
  }

  /// The identity that a scope is exactly the path of; nil for any other scope.
  public static func identity(of scope: String) -> String? {
    guard scope.utf8.count > prefix.utf8.count, scope.utf8.starts(with: prefix.utf8) else { return nil }
    return String(scope.utf8.dropFirst(prefix.utf8.count))
  }
}
