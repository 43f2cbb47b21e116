public import JSON

/// A pattern of actions of a role's permission, by itself: what a finding on an unused permission is about.
public struct RolePattern: Hashable, Sendable {
  /// The permission with no other pattern than this.
  public var permission: Permission

  /// A pattern of a permission.
  public init(_ pattern: String, of permission: Permission) {
    self.permission = permission
    self.permission.actions = [pattern]
  }

  /// Reads it from the evidence of a finding; nil for anything else.
  public init?(evidence: JSONValue) {
    guard let value = evidence["permission"], var reader = try? FieldReader(value),
      let permission = try? reader.permission(), permission.actions.count == 1
    else { return nil }
    self.permission = permission
  }

  /// As it stands in the evidence of a finding, and tells it from others about the same role.
  public var json: JSONValue { permission.json }
}

extension RoleDocument {
  /// The role without a pattern; nil where it has none such, or is not known.
  ///
  /// The order of what stays is kept. A permission that has no pattern left is left out.
  public func without(_ pattern: RolePattern) -> RoleDocument? {
    guard let permissions else { return nil }
    var smaller = RoleDocument(permissions: [], includes: includes)
    var isFound = false
    for permission in permissions {
      var rest = permission
      if RolePattern(pattern.permission.actions[0], of: permission).permission == pattern.permission {
        rest.actions.removeAll { $0.isExactly(pattern.permission.actions[0]) }
      }
      if rest.actions.count < permission.actions.count { isFound = true }
      if !rest.actions.isEmpty { smaller.permissions?.append(rest) }
    }
    return isFound ? smaller : nil
  }

  /// The command that makes a role this document.
  public func revision(of role: String) -> JSONValue {
    Command(.roleDefined(id: role, document: self, attributes: [:]), expecting: .present).json
  }
}
