/// Principals that are there by themselves, under reserved ids: external identities that stand for many.
///
/// What is granted to ``everyone`` every identity has, like a group that all are in; so it is with ``authenticated``, for whoever
/// is known. Answers about many (who, diff, snapshot) name the principal itself and not all whom it stands for; those about one
/// identity include it. `account:<id>`, another account as a whole, is only a name that is listed and marked.
public enum BuiltIn {
  /// Whoever asks, known or not.
  public static let everyone = "everyone"
  /// Whoever is known.
  public static let authenticated = "authenticated"
  /// What the ids of other accounts begin with.
  public static let accountPrefix = "account:"

  /// Whether an id is that of a built-in principal, and of nothing else.
  public static func isReserved(_ id: String) -> Bool {
    id.isExactly(everyone) || id.isExactly(authenticated) || id.utf8.starts(with: accountPrefix.utf8)
  }

  /// The built-in principals that an identity is one of, the nearer first.
  public static func principals(of identity: String) -> [String] {
    if identity.isExactly(everyone) { return [] }
    return identity.isExactly(authenticated) ? [everyone] : [authenticated, everyone]
  }
}
