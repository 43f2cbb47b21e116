/// One file of SQL, compiled in.
struct SQLFile {
  /// The file's name without its ending; a migration's place in the order.
  let name: String
  /// The text as bytes.
  let bytes: [UInt8]

  var text: String { String(decoding: bytes, as: UTF8.self) }
}

/// The schema `tenure`: what is applied once, and what is brought to its present text by every migration.
public enum Schema {
  /// Roles and the schema itself; each is made only where it is missing.
  static let roles = SQLFile(name: "login_roles", bytes: PackageResources.login_roles_sql)

  /// Forward only; never edited once released.
  static let migrations: [SQLFile] = [
    SQLFile(name: "m0001_append_only", bytes: PackageResources.m0001_append_only_sql),
    SQLFile(name: "m0002_tenant", bytes: PackageResources.m0002_tenant_sql),
    SQLFile(name: "m0003_head", bytes: PackageResources.m0003_head_sql),
    SQLFile(name: "m0004_event", bytes: PackageResources.m0004_event_sql),
    SQLFile(name: "m0005_command", bytes: PackageResources.m0005_command_sql),
    SQLFile(name: "m0006_personal", bytes: PackageResources.m0006_personal_sql),
    SQLFile(name: "m0007_identities", bytes: PackageResources.m0007_identities_sql),
    SQLFile(name: "m0008_groups", bytes: PackageResources.m0008_groups_sql),
    SQLFile(name: "m0009_roles", bytes: PackageResources.m0009_roles_sql),
    SQLFile(name: "m0010_role_permissions", bytes: PackageResources.m0010_role_permissions_sql),
    SQLFile(name: "m0011_policies", bytes: PackageResources.m0011_policies_sql),
    SQLFile(name: "m0012_resources", bytes: PackageResources.m0012_resources_sql),
    SQLFile(name: "m0013_sources", bytes: PackageResources.m0013_sources_sql),
    SQLFile(name: "m0014_identity_suspensions", bytes: PackageResources.m0014_identity_suspensions_sql),
    SQLFile(name: "m0015_account_links", bytes: PackageResources.m0015_account_links_sql),
    SQLFile(name: "m0016_memberships", bytes: PackageResources.m0016_memberships_sql),
    SQLFile(name: "m0017_assignments", bytes: PackageResources.m0017_assignments_sql),
    SQLFile(name: "m0018_attributes", bytes: PackageResources.m0018_attributes_sql),
    SQLFile(name: "m0019_coverage", bytes: PackageResources.m0019_coverage_sql),
    SQLFile(name: "m0020_coverage_gaps", bytes: PackageResources.m0020_coverage_gaps_sql),
  ]

  /// Functions, in the order in which they need one another.
  static let functions: [SQLFile] = [
    SQLFile(name: "tenant_named", bytes: PackageResources.tenant_named_sql),
    SQLFile(name: "known_position", bytes: PackageResources.known_position_sql),
    SQLFile(name: "scopes_covering", bytes: PackageResources.scopes_covering_sql),
    SQLFile(name: "create_tenant", bytes: PackageResources.create_tenant_sql),
    SQLFile(name: "advance_head", bytes: PackageResources.advance_head_sql),
    SQLFile(name: "position_recorded_by", bytes: PackageResources.position_recorded_by_sql),
    SQLFile(name: "who_had_access", bytes: PackageResources.who_had_access_sql),
    SQLFile(name: "who_had_access_during", bytes: PackageResources.who_had_access_during_sql),
    SQLFile(name: "what_could", bytes: PackageResources.what_could_sql),
  ]

  /// Views.
  static let views: [SQLFile] = [
    SQLFile(name: "current_role_graph", bytes: PackageResources.current_role_graph_sql),
    SQLFile(name: "current_entitlements", bytes: PackageResources.current_entitlements_sql),
  ]

  /// Privileges, said in full each time.
  static let grants = SQLFile(name: "grants", bytes: PackageResources.grants_sql)
}

/// SQLSTATEs that the schema raises of its own.
public enum SQLState {
  /// The head of a log has moved since it was read.
  public static let headMoved = "TN001"
  /// There is no tenant of that name.
  public static let unknownTenant = "TN002"
  /// A change to an append-only table.
  public static let appendOnly = "TN003"
}
