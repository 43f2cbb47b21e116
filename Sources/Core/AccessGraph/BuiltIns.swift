import Governance
import Memory
import Temporal

extension IdentityKind {
  /// The number of `external`.
  static let externalNumber = IdentityKind.external.number
}

/// Built-in principals: what everybody has, and who is external.
extension AccessGraph {
  /// Calls back with the built-in principals that an identity is one of at (t, k).
  ///
  /// Costs a comparison while nobody named any.
  @inline(__always) func forEachBuiltIn(of identity: Int32, _ sight: Sight, _ body: (Int32) -> Void) {
    if everyoneNode == none, authenticatedNode == none { return }
    for principal in builtIns(of: identity) where isActive(principal, sight) { body(principal) }
  }

  /// The built-in principals that an identity is one of, whenever there are any.
  func builtIns(of identity: Int32) -> [Int32] {
    if identity == everyoneNode { return [] }
    let both = identity == authenticatedNode ? [everyoneNode] : [authenticatedNode, everyoneNode]
    return both.filter { $0 != none }
  }

  /// Whether an identity is external at (t, k).
  func isExternal(_ identity: Int32, _ sight: Sight) -> Bool {
    externalNodes.contains(identity) && identityKind(of: identity, sight) == .external
  }
}
