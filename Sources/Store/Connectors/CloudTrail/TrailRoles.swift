import Governance
import JSON

/// What the ids of roles and policies tell that a trail's documents and shares were recorded under.
enum TrailRoles {
  /// The resource whose document or share a role stands for.
  static func resource(of role: String) -> String? {
    // What is somebody's own, under whatever name.
    if role.contains("/inline/") { return nil }
    let parts = role.split(separator: "/", omittingEmptySubsequences: false)
    guard let place = parts.lastIndex(where: { words.contains(String($0)) }), place > 0 else { return nil }
    return parts[..<place].joined(separator: "/")
  }

  /// Whether a role stands for one statement of a document that is among the roles.
  static func isStatement(_ role: String, among roles: Set<Entity>) -> Bool {
    guard let slash = role.lastIndex(of: "/"), Int(role[role.index(after: slash)...]) != nil else { return false }
    return roles.contains(.role(String(role[..<slash])))
  }

  private static let words: Set<String> = ["policy", "acl", "share", "grant"]

  /// The identities that managed policies bound, or bounded once.
  static func bounded(in world: some World) -> Set<Entity> {
    Set(
      world.policies(ofType: .boundary).filter { $0.hasSuffix("/boundary") && AmazonName($0) != nil }
        .map { .identity(String($0.dropLast("/boundary".count))) })
  }
}
