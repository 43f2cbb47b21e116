import JSON
import Governance
import Postgres

/// The permissions of one definition of a role, with their patterns for LIKE.
struct RolePermissionRow: Hashable, Sendable {
  let role: String
  let position: Int64
  let ordinal: Int32
  let permission: Permission

  /// The rows of one definition.
  static func rows(of change: Change, at position: Int64) -> [RolePermissionRow] {
    guard case .roleDefined(let id, let document, _) = change else { return [] }
    return (document.permissions ?? []).enumerated().map { index, permission in
      RolePermissionRow(role: id, position: position, ordinal: Int32(index), permission: permission)
    }
  }

  static let table = "role_permissions"
  static let columns =
    "tenant_id, role_id, position, ordinal, effect, actions, resources, action_likes, resource_likes, condition"

  func insert(tenant: Int32) -> SQL {
    """
    INSERT INTO tenure.role_permissions (\(unsafe: Self.columns))
    VALUES (\(tenant), \(role), \(position), \(ordinal), \(permission.effect.rawValue), \(permission.actions), \
    \(permission.resources), \(permission.actions.map(Self.like)), \(permission.resources.map(Self.like)), \
    \(permission.condition?.canonicalText))
    """
  }

  func write(tenant: Int32, to writer: inout BinaryCopyWriter) throws {
    try writer.row(columns: 10)
    try writer.write(tenant)
    try writer.write(role)
    try writer.write(position)
    try writer.write(ordinal)
    try writer.write(permission.effect.rawValue)
    try writer.write(permission.actions)
    try writer.write(permission.resources)
    try writer.write(permission.actions.map(Self.like))
    try writer.write(permission.resources.map(Self.like))
    try writer.write(permission.condition?.canonicalText)
  }

  /// A pattern for LIKE: `*` is `%`, `?` is `_`, and `\` escapes what LIKE would read otherwise.
  static func like(_ pattern: String) -> String {
    var like = ""
    for scalar in pattern.unicodeScalars {
      switch scalar {
      case "*": like.unicodeScalars.append("%")
      case "?": like.unicodeScalars.append("_")
      case "%", "_", "\\":
        like.unicodeScalars.append("\\")
        like.unicodeScalars.append(scalar)
      default: like.unicodeScalars.append(scalar)
      }
    }
    return like
  }
}
