import Governance

/// What GitHub lets somebody do with a repository, in growing order; each includes the one before and adds one action.
enum RepositoryPermission: String, CaseIterable, Hashable, Sendable {
  case read, triage, write, maintain, admin

  /// The role that stands for the permission.
  var role: String { "github:\(rawValue)" }

  /// The permission that this one includes.
  var included: RepositoryPermission? {
    let place = Self.allCases.firstIndex(of: self) ?? 0
    return place == 0 ? nil : Self.allCases[place - 1]
  }

  /// The definition of the role.
  var definition: Change {
    let permission = Permission(actions: ["repo.\(rawValue)"])
    return .roleDefined(
      id: role, document: RoleDocument(permissions: [permission], includes: included.map { [$0.role] } ?? []), attributes: [:])
  }
}
