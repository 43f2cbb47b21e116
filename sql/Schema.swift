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
    SQLFile(name: "m0021_job_run", bytes: PackageResources.m0021_job_run_sql),
    SQLFile(name: "m0022_assignments_by_end", bytes: PackageResources.m0022_assignments_by_end_sql),
    SQLFile(name: "m0023_event_of_expiry", bytes: PackageResources.m0023_event_of_expiry_sql),
    SQLFile(name: "m0024_deny_permissions", bytes: PackageResources.m0024_deny_permissions_sql),
    SQLFile(name: "m0025_event_by_circumstance", bytes: PackageResources.m0025_event_by_circumstance_sql),
    SQLFile(name: "m0026_requests", bytes: PackageResources.m0026_requests_sql),
    SQLFile(name: "m0027_requests_by_end", bytes: PackageResources.m0027_requests_by_end_sql),
    SQLFile(name: "m0028_webhook", bytes: PackageResources.m0028_webhook_sql),
    SQLFile(name: "m0029_webhook_delivery", bytes: PackageResources.m0029_webhook_delivery_sql),
    SQLFile(name: "m0030_event_of_loss", bytes: PackageResources.m0030_event_of_loss_sql),
    SQLFile(name: "m0031_credentials", bytes: PackageResources.m0031_credentials_sql),
    SQLFile(name: "m0032_credentials_by_identity", bytes: PackageResources.m0032_credentials_by_identity_sql),
    SQLFile(name: "m0033_usage", bytes: PackageResources.m0033_usage_sql),
    SQLFile(name: "m0034_usage_key", bytes: PackageResources.m0034_usage_key_sql),
    SQLFile(name: "m0035_usage_window", bytes: PackageResources.m0035_usage_window_sql),
    SQLFile(name: "m0036_usage_daily", bytes: PackageResources.m0036_usage_daily_sql),
    SQLFile(name: "m0037_findings", bytes: PackageResources.m0037_findings_sql),
    SQLFile(name: "m0038_finding_acceptances", bytes: PackageResources.m0038_finding_acceptances_sql),
    SQLFile(name: "m0039_memberships_by_end", bytes: PackageResources.m0039_memberships_by_end_sql),
    SQLFile(name: "m0040_event_of_any_expiry", bytes: PackageResources.m0040_event_of_any_expiry_sql),
    SQLFile(name: "m0041_reviews", bytes: PackageResources.m0041_reviews_sql),
    SQLFile(name: "m0042_review_items", bytes: PackageResources.m0042_review_items_sql),
    SQLFile(name: "m0043_event_of_any_loss", bytes: PackageResources.m0043_event_of_any_loss_sql),
    SQLFile(name: "m0044_event_of_ending", bytes: PackageResources.m0044_event_of_ending_sql),
    SQLFile(name: "m0045_event_of_grant_ending", bytes: PackageResources.m0045_event_of_grant_ending_sql),
    SQLFile(name: "m0046_event_of_taking", bytes: PackageResources.m0046_event_of_taking_sql),
    SQLFile(name: "m0047_event_of_shared_loss", bytes: PackageResources.m0047_event_of_shared_loss_sql),
    SQLFile(name: "m0048_event_by_rare_type", bytes: PackageResources.m0048_event_by_rare_type_sql),
  ]

  /// Functions, in the order in which they need one another.
  static let functions: [SQLFile] = [
    SQLFile(name: "tenant_named", bytes: PackageResources.tenant_named_sql),
    SQLFile(name: "known_position", bytes: PackageResources.known_position_sql),
    SQLFile(name: "scopes_covering", bytes: PackageResources.scopes_covering_sql),
    SQLFile(name: "create_tenant", bytes: PackageResources.create_tenant_sql),
    SQLFile(name: "advance_head", bytes: PackageResources.advance_head_sql),
    SQLFile(name: "position_recorded_by", bytes: PackageResources.position_recorded_by_sql),
    SQLFile(name: "built_in_principals", bytes: PackageResources.built_in_principals_sql),
    SQLFile(name: "like_pattern", bytes: PackageResources.like_pattern_sql),
    SQLFile(name: "condition_zone", bytes: PackageResources.condition_zone_sql),
    SQLFile(name: "condition_kind", bytes: PackageResources.condition_kind_sql),
    SQLFile(name: "condition_values", bytes: PackageResources.condition_values_sql),
    SQLFile(name: "condition_value", bytes: PackageResources.condition_value_sql),
    SQLFile(name: "condition_number", bytes: PackageResources.condition_number_sql),
    SQLFile(name: "condition_instant", bytes: PackageResources.condition_instant_sql),
    SQLFile(name: "condition_address", bytes: PackageResources.condition_address_sql),
    SQLFile(name: "condition_bytes", bytes: PackageResources.condition_bytes_sql),
    SQLFile(name: "condition_text", bytes: PackageResources.condition_text_sql),
    SQLFile(name: "condition_reads", bytes: PackageResources.condition_reads_sql),
    SQLFile(name: "condition_match", bytes: PackageResources.condition_match_sql),
    SQLFile(name: "condition_clause", bytes: PackageResources.condition_clause_sql),
    SQLFile(name: "condition_judgement", bytes: PackageResources.condition_judgement_sql),
    SQLFile(name: "attributes_at", bytes: PackageResources.attributes_at_sql),
    SQLFile(name: "conditions_judgement", bytes: PackageResources.conditions_judgement_sql),
    SQLFile(name: "conditions_judged_during", bytes: PackageResources.conditions_judged_during_sql),
    SQLFile(name: "matches_pattern", bytes: PackageResources.matches_pattern_sql),
    SQLFile(name: "policies_denying", bytes: PackageResources.policies_denying_sql),
    SQLFile(name: "has_denials", bytes: PackageResources.has_denials_sql),
    SQLFile(name: "denials", bytes: PackageResources.denials_sql),
    SQLFile(name: "denials_during", bytes: PackageResources.denials_during_sql),
    SQLFile(name: "pattern_regexp", bytes: PackageResources.pattern_regexp_sql),
    SQLFile(name: "pattern_contains", bytes: PackageResources.pattern_contains_sql),
    SQLFile(name: "patterns_overlap", bytes: PackageResources.patterns_overlap_sql),
    SQLFile(name: "scope_patterns", bytes: PackageResources.scope_patterns_sql),
    SQLFile(name: "reach_meets", bytes: PackageResources.reach_meets_sql),
    SQLFile(name: "reach_contains", bytes: PackageResources.reach_contains_sql),
    SQLFile(name: "restrictions", bytes: PackageResources.restrictions_sql),
    SQLFile(name: "who_had_access", bytes: PackageResources.who_had_access_sql),
    SQLFile(name: "who_had_access_during", bytes: PackageResources.who_had_access_during_sql),
    SQLFile(name: "what_could", bytes: PackageResources.what_could_sql),
    SQLFile(name: "job_lock", bytes: PackageResources.job_lock_sql),
    SQLFile(name: "job_is_running", bytes: PackageResources.job_is_running_sql),
    SQLFile(name: "usage_table", bytes: PackageResources.usage_table_sql),
    SQLFile(name: "usage_days_missing", bytes: PackageResources.usage_days_missing_sql),
    SQLFile(name: "make_usage_day", bytes: PackageResources.make_usage_day_sql),
    SQLFile(name: "prune_job_runs", bytes: PackageResources.prune_job_runs_sql),
    SQLFile(name: "prune_deliveries", bytes: PackageResources.prune_deliveries_sql),
    SQLFile(name: "drop_usage_day", bytes: PackageResources.drop_usage_day_sql),
    SQLFile(name: "usage_by_day", bytes: PackageResources.usage_by_day_sql),
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
  /// A day of which no usage is kept.
  public static let dayNotKept = "TN004"
}
