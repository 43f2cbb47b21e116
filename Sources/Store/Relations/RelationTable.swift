/// A relation table: its name and its columns beside `tenant_id`, `recorded_from`, `recorded_to` and `voided`, which all have.
///
/// One object a table, equal to itself only: rows by the thousand name theirs.
final class RelationTable: Hashable, Sendable {
  let name: String
  /// The columns that name the fact.
  let key: [String]
  /// The columns with the fact's value.
  let values: [String]
  /// The columns with the place in the fold where it began; empty for tables whose entries begin it themselves.
  let began: [String]

  /// All columns of the table that a row is written with, as a statement lists them.
  let columnList: String

  private init(_ name: String, key: [String], values: [String] = [], began: [String] = []) {
    self.name = name
    self.key = key
    self.values = values
    self.began = began
    let columns = ["tenant_id"] + key + values + Self.entry + began + ["recorded_from", "recorded_to", "voided"]
    columnList = columns.joined(separator: ", ")
  }

  /// Whether both are the same table.
  static func == (a: RelationTable, b: RelationTable) -> Bool { a === b }

  /// Feeds the table to the hasher.
  func hash(into hasher: inout Hasher) { hasher.combine(ObjectIdentifier(self)) }

  /// The columns of every table that describe an entry.
  static let entry = ["effective_at", "position", "source", "due_at", "begins", "valid"]

  /// All columns of a row's cells, in the order of the cells.
  var columns: [String] { key + values + Self.entry + began }

  private static let existence = ["since_effective", "since_position"]

  static let identities = RelationTable("identities", key: ["id"], values: ["kind"], began: existence)
  static let groups = RelationTable("groups", key: ["id"], began: existence)
  static let roles = RelationTable("roles", key: ["id"], values: ["is_known", "includes"], began: existence)
  static let policies = RelationTable("policies", key: ["id"], values: ["policy_type", "rule"], began: existence)
  static let requests = RelationTable(
    "requests", key: ["id"], values: ["step", "state", "request_expires_at", "requester", "request"], began: existence)
  static let credentials = RelationTable(
    "credentials", key: ["id"], values: ["kind", "identity", "holder", "grant_id", "parent", "credential_expires_at"],
    began: existence)
  static let findings = RelationTable(
    "findings", key: ["id"], values: ["rule", "subject_kind", "subject", "severity", "owner", "evidence", "fix"],
    began: existence)
  static let reviews = RelationTable(
    "reviews", key: ["id"], values: ["step", "state", "deadline", "policy", "review"], began: existence)
  static let reviewItems = RelationTable(
    "review_items", key: ["review", "item"], values: ["step", "decision", "decided_by", "outcome", "item_state"])
  static let resources = RelationTable("resources", key: ["path"], began: existence)
  static let sources = RelationTable("sources", key: ["id"], began: existence)
  static let suspensions = RelationTable("identity_suspensions", key: ["identity"])
  static let acceptances = RelationTable("finding_acceptances", key: ["finding"], values: ["expires_at"])
  static let links = RelationTable("account_links", key: ["account"], values: ["person"])
  static let memberships = RelationTable("memberships", key: ["group_id", "member_kind", "member"], values: ["expires_at"])
  static let assignments = RelationTable(
    "assignments", key: ["id"],
    values: ["principal_kind", "principal", "role_id", "scope", "condition", "expires_at", "extends"],
    began: ["begun_effective", "begun_position"])
  static let attributes = RelationTable("attributes", key: ["entity_kind", "entity", "name"], values: ["value", "digest"])
  static let coverage = RelationTable("coverage", key: ["source_id", "resource"], values: ["expires_at"])
  static let gaps = RelationTable("coverage_gaps", key: ["source_id", "resource", "gap_from"], values: ["expires_at"])

  /// Every table that a rebuild compares.
  static let all: [RelationTable] = [
    identities, groups, roles, policies, requests, credentials, findings, resources, sources, suspensions, acceptances, links,
    memberships, assignments, attributes, coverage, gaps, reviews, reviewItems,
  ]
}
