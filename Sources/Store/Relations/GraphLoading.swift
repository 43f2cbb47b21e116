public import AccessGraph
public import Governance
import JSON
public import Postgres
public import Temporal

/// Loads a tenant's graph from its relation rows, which say in fewer bytes and without JSON what the log says.
///
/// The newest version of each entry is read, also of those that were voided. What rows lack comes from the log: the events that
/// write no fact, and the few that were voided in their own batch and so never had a row. Every position must stand in exactly
/// one of these places, the entries of an event must belong together, and who is voided is said by both: rows that contradict
/// the log in this are not loaded. What a hand changed within a row only a rebuild finds.
public struct GraphLoading {
  /// Events read in one round trip.
  private static let eventsPerQuery = 1_000

  private let tenant: Int32
  private let decode: (_ body: String, _ position: Int64) throws -> Event

  /// A loading of one tenant; the caller knows how bodies are read.
  public init(tenant: Int32, decode: @escaping (_ body: String, _ position: Int64) throws -> Event) {
    self.tenant = tenant
    self.decode = decode
  }

  /// Loads; blocks.
  ///
  /// - Parameters:
  ///   - connection: in a transaction that sees one state of this tenant: of one snapshot, or with the head row locked.
  ///   - position: the head's.
  ///   - recordedAt: the head's; nil before the first event.
  ///   - indexLimits: the graph's. The default is what serves.
  /// - Throws: `LoadingContradiction`, after which the transaction can go on; what decoding throws; `PostgresError`.
  public func run(
    on connection: Connection, position: Int64, recordedAt: Instant?, indexLimits: IndexLimits = IndexLimits()
  ) throws -> AccessGraph {
    let loader = GraphLoader(indexLimits: indexLimits)
    try readPermissions(loader, on: connection)
    for table in Self.tables {
      try connection.copyOut(copy(table.name, table.columns)) { row in try table.read(&row, loader) }
    }
    try readEvidence(loader, on: connection)
    try readMissing(loader, through: position, on: connection)
    return try loader.finish(position: position, recordedAt: recordedAt)
  }

  /// Names of tables and columns are this module's own; the tenant is a number.
  private func copy(_ table: String, _ columns: [String]) -> String {
    """
    COPY (SELECT \((columns + EntryColumns.names).joined(separator: ", ")) FROM tenure.\(table)
      WHERE tenant_id = \(tenant) AND (recorded_to IS NULL OR voided))
    TO STDOUT (FORMAT binary)
    """
  }

  private func readPermissions(_ loader: GraphLoader, on connection: Connection) throws {
    let copy = """
      COPY (SELECT position, ordinal, effect, actions, resources, condition FROM tenure.role_permissions
        WHERE tenant_id = \(tenant))
      TO STDOUT (FORMAT binary)
      """
    try connection.copyOut(copy) { row in
      let position = try row.int64()
      let ordinal = try row.int32()
      let effect = PermissionEffect(rawValue: try row.string())
      var permission = Permission(
        effect: effect ?? .deny, actions: try row.array(of: String.self), resources: try row.array(of: String.self))
      if effect == nil { loader.contradict(position, "gives a permission of no known effect") }
      permission.condition = try loader.document(&row, of: position)
      loader.addPermission(permission, ordinal: ordinal, at: position)
    }
  }

  /// Evidence and voidings: found by their types, which an index serves.
  private func readEvidence(_ loader: GraphLoader, on connection: Connection) throws {
    let rows = try connection.query(
      """
      SELECT position, type, effective_at, CASE WHEN type = 'event.voided' THEN body END FROM tenure.event
      WHERE tenant_id = \(tenant) AND type = ANY(\(GraphLoader.evidenceTypes))
      """)
    for row in rows {
      let position = try row.int64(0)
      if let body = try row.optionalString(3) {
        loader.add(try decode(body, position))
      } else {
        let effectiveAt = try row.timestamp(2).microsecondsSinceUnixEpoch
        loader.addEvidence(try row.string(1), position: position, effectiveAt: effectiveAt)
      }
    }
  }

  /// Events that were voided in their own batch.
  private func readMissing(_ loader: GraphLoader, through position: Int64, on connection: Connection) throws {
    var missing = loader.missing(through: position)[...]
    if let first = missing.first, missing.count > loader.voidings {
      throw LoadingContradiction(position: first, problem: "has no rows, nor have others")
    }
    while !missing.isEmpty {
      let positions = Array(missing.prefix(Self.eventsPerQuery))
      let rows = try connection.query(
        "SELECT position, body FROM tenure.event WHERE tenant_id = \(tenant) AND position = ANY(\(positions))")
      for row in rows { loader.add(try decode(try row.string(1), try row.int64(0))) }
      missing = missing.dropFirst(positions.count)
    }
  }
}

/// A relation table on its way into a graph: the columns that name the fact and its value, and how a row is read.
///
/// Rows that no log says are noted with the loader; thrown is only what the connection did wrong.
private struct LoadedTable: Sendable {
  let name: String
  let columns: [String]
  let read: @Sendable (_ row: inout BinaryCopyReader, _ loader: GraphLoader) throws -> Void
}

extension GraphLoading {
  private static let tables: [LoadedTable] =
    existences + [
      LoadedTable(name: "identity_suspensions", columns: ["identity"]) { row, loader in
        let identity = try loader.text(&row)
        loader.addSuspension(identity, at: try EntryColumns.read(&row, loader))
      },
      LoadedTable(name: "finding_acceptances", columns: ["finding", "expires_at"]) { row, loader in
        let finding = try loader.text(&row)
        let expiresAt = try row.optionalTimestamp()
        loader.addAcceptance(finding, at: try EntryColumns.read(&row, loader, expiresAt: expiresAt))
      },
      LoadedTable(name: "account_links", columns: ["account", "person"]) { row, loader in
        let account = try loader.text(&row)
        let person = try loader.optionalText(&row)
        loader.addLink(account, person: person, at: try EntryColumns.read(&row, loader))
      },
      LoadedTable(name: "memberships", columns: ["group_id", "member_kind", "member", "expires_at"]) { row, loader in
        let group = try loader.text(&row)
        let kind = try EntryColumns.principalKind(&row)
        let member = try loader.text(&row)
        let expiresAt = try row.optionalTimestamp()
        let place = try EntryColumns.read(&row, loader, expiresAt: expiresAt)
        guard let kind else { return loader.contradict(place.position, "has a member of no known kind") }
        loader.addMembership(group, kind, member, at: place)
      },
      assignments,
      LoadedTable(name: "attributes", columns: ["entity_kind", "entity", "name", "value", "digest"]) { row, loader in
        let kind = EntityKind(rawValue: try row.string())
        let entity = try loader.text(&row)
        let name = try loader.text(&row)
        let json = try row.optionalJSON()
        let digest = try row.optionalString()
        let place = try EntryColumns.read(&row, loader)
        guard let kind else { return loader.contradict(place.position, "writes an attribute of no known kind of entity") }
        loader.addAttribute(kind, entity, name: name, loader.attribute(json, digest, of: place.position), at: place)
      },
      LoadedTable(name: "coverage", columns: ["source_id", "resource", "expires_at"]) { row, loader in
        let source = try loader.text(&row)
        let resource = try loader.text(&row)
        let expiresAt = try row.optionalTimestamp()
        loader.addCoverage(source, resource: resource, at: try EntryColumns.read(&row, loader, expiresAt: expiresAt))
      },
      LoadedTable(name: "coverage_gaps", columns: ["source_id", "resource", "gap_from", "expires_at"]) { row, loader in
        let source = try loader.text(&row)
        let resource = try loader.text(&row)
        let from = try row.timestamp().microsecondsSinceUnixEpoch
        let expiresAt = try row.optionalTimestamp()
        let place = try EntryColumns.read(&row, loader, expiresAt: expiresAt)
        loader.addGap(source, resource: resource, from: from, at: place)
      },
    ]

  private static let existences: [LoadedTable] = [
    LoadedTable(name: "identities", columns: ["id", "kind"]) { row, loader in
      let id = try loader.text(&row)
      let kind = try row.optionalString().flatMap(IdentityKind.init(rawValue:))
      loader.addIdentity(id, kind: kind, at: try EntryColumns.read(&row, loader))
    },
    existence(of: .group, in: "groups", "id"),
    LoadedTable(name: "roles", columns: ["id", "is_known", "includes IS NOT NULL", "coalesce(includes, '{}')"]) { row, loader in
      let id = try loader.text(&row)
      let isKnown = try row.optionalBool()
      let hasIncludes = try row.bool()
      let includes = try row.array(of: String.self)
      let place = try EntryColumns.read(&row, loader)
      loader.addRole(id, isKnown: isKnown, includes: hasIncludes ? includes : nil, at: place)
    },
    LoadedTable(name: "policies", columns: ["id", "policy_type", "rule::text"]) { row, loader in
      let id = try loader.text(&row)
      let type = try row.optionalString().flatMap(PolicyType.init(rawValue:))
      let text = try row.optionalString()
      let place = try EntryColumns.read(&row, loader)
      var document: PolicyDocument?
      if let type, let text, let rule = try? JSONValue(parsing: text) { document = PolicyDocument(type: type, rule: rule) }
      loader.addPolicy(id, document, at: place)
    },
    LoadedTable(name: "reviews", columns: ["id", "step", "review::text"]) { row, loader in
      let id = try loader.text(&row)
      let step = try row.optionalString().flatMap(ReviewStep.init(rawValue:))
      let text = try row.optionalString()
      let place = try EntryColumns.read(&row, loader)
      var review: Review?
      if let step, let text, let value = try? JSONValue(parsing: text) { review = try? Review(value, step: step) }
      loader.addReview(id, review, at: place)
    },
    LoadedTable(name: "review_items", columns: ["review", "item", "step", "item_state::text"]) { row, loader in
      let (review, item) = (try loader.text(&row), try loader.text(&row))
      let step = try row.optionalString().flatMap(ReviewItemStep.init(rawValue:))
      let text = try row.optionalString()
      let place = try EntryColumns.read(&row, loader)
      var state: ReviewItemState?
      if let step, let text, let value = try? JSONValue(parsing: text) { state = try? ReviewItemState(value, step: step) }
      loader.addReviewItem(review, item: item, state, at: place)
    },
    LoadedTable(name: "requests", columns: ["id", "step", "request::text"]) { row, loader in
      let id = try loader.text(&row)
      let step = try row.optionalString().flatMap(RequestStep.init(rawValue:))
      let text = try row.optionalString()
      let place = try EntryColumns.read(&row, loader)
      var request: AccessRequest?
      if let step, let text, let value = try? JSONValue(parsing: text) { request = try? AccessRequest(value, step: step) }
      loader.addRequest(id, request, at: place)
    },
    LoadedTable(
      name: "credentials", columns: ["id", "kind", "identity", "holder", "grant_id", "parent", "credential_expires_at"]
    ) { row, loader in
      let id = try loader.text(&row)
      let kind = try row.optionalString().flatMap(CredentialKind.init(rawValue:))
      let identity = try loader.optionalText(&row)
      let holder = try loader.optionalText(&row)
      let grant = try loader.optionalText(&row)
      let parent = try loader.optionalText(&row)
      let expiresAt = try row.optionalTimestamp()?.microsecondsSinceUnixEpoch
      loader.addCredential(
        id, kind, identity: identity, holder: holder, grant: grant, parent: parent, expiresAt: expiresAt,
        at: try EntryColumns.read(&row, loader))
    },
    LoadedTable(
      name: "findings",
      columns: ["id", "rule", "subject_kind", "subject", "severity", "owner", "evidence::text", "fix::text"]
    ) { row, loader in
      let number = try loader.text(&row)
      let finding = try FindingColumns.read(&row)
      loader.addFinding(number, finding, at: try EntryColumns.read(&row, loader))
    },
    existence(of: .resource, in: "resources", "path"),
    existence(of: .source, in: "sources", "id"),
  ]

  private static func existence(of kind: EntityKind, in table: String, _ id: String) -> LoadedTable {
    LoadedTable(name: table, columns: [id]) { row, loader in
      let id = try loader.text(&row)
      loader.add(kind, id, at: try EntryColumns.read(&row, loader))
    }
  }

  private static let assignments = LoadedTable(
    name: "assignments",
    columns: [
      "id", "extends", "principal_kind", "principal", "role_id", "scope", "condition", "expires_at",
    ]
  ) { row, loader in
    let id = try loader.text(&row)
    let extends = try row.bool()
    let kind = try EntryColumns.principalKind(&row)
    let principal = try loader.optionalText(&row)
    let role = try loader.optionalText(&row)
    let scope = try loader.optionalText(&row)
    // Parsed where a grant carries it; an extension's row only repeats it.
    let condition = try row.optionalString()
    let expiresAt = try row.optionalTimestamp()
    let place = try EntryColumns.read(&row, loader, expiresAt: expiresAt, extends: extends)
    guard place.effect == .begins else { return loader.addAssignment(id, at: place) }
    guard let kind, let principal, let role, let scope else {
      return loader.contradict(place.position, "grants nothing or to nobody")
    }
    let document = loader.document(condition, of: place.position)
    loader.addGrant(id, to: kind, principal, role: role, scope: scope, condition: document, at: place)
  }
}

/// The columns that every entry has.
private enum EntryColumns {
  static let names = ["position", "effective_at", "source", "due_at", "begins", "voided"]

  /// The kind that can hold access in the next column; nil for NULL and any other.
  static func principalKind(_ row: inout BinaryCopyReader) throws(PostgresError) -> EntityKind? {
    try row.withText { text in
      // The two words differ in their length; a `String` for each row would cost more than the rest of it.
      switch text.count {
      case 5 where text[0] == UInt8(ascii: "g"): .group
      case 8 where text[0] == UInt8(ascii: "i"): .identity
      default: nil
      }
    } ?? nil
  }

  static func read(
    _ row: inout BinaryCopyReader, _ loader: GraphLoader, expiresAt: Timestamp? = nil, extends: Bool = false
  ) throws(PostgresError) -> LoadedPlace {
    let position = try row.int64()
    let effectiveAt = try row.timestamp().microsecondsSinceUnixEpoch
    let source = try row.withText { loader.source(utf8: $0) }
    let dueAt = try row.optionalTimestamp()
    let begins = try row.bool()
    if begins, extends { loader.contradict(position, "both begins and extends") }
    if source == nil { loader.contradict(position, "has no source") }
    return LoadedPlace(
      position: position, effectiveAt: effectiveAt, effect: begins ? .begins : extends ? .extends : .ends,
      expiresAt: begins || extends ? expiresAt?.microsecondsSinceUnixEpoch : nil,
      dueAt: dueAt?.microsecondsSinceUnixEpoch, source: source ?? 0, isVoided: try row.bool())
  }
}

/// The columns of what a finding says; all NULL where its entry resolves it.
private enum FindingColumns {
  static func read(_ row: inout BinaryCopyReader) throws(PostgresError) -> Finding? {
    let rule = try row.optionalString()
    let kind = try row.optionalString().flatMap(EntityKind.init(rawValue:))
    let subject = try row.optionalString()
    let severity = try row.optionalString().flatMap(Severity.init(rawValue:))
    let owner = try row.optionalString()
    let documents = [try row.optionalString(), try row.optionalString()]
    guard let rule, let kind, let subject, let severity, let evidence = try? JSONValue(parsing: documents[0] ?? ""),
      let fix = try? JSONValue(parsing: documents[1] ?? "")
    else { return nil }
    return Finding(
      rule: rule, subject: Entity(kind, subject), evidence: evidence, severity: severity, owner: owner, fix: fix)
  }
}

extension GraphLoader {
  /// The number of the text in the next column, which the table declares NOT NULL.
  fileprivate func text(_ row: inout BinaryCopyReader) throws(PostgresError) -> Int32 {
    if let number = try optionalText(&row) { return number }
    contradict(0, "lacks a name in some row")
    return 0
  }

  fileprivate func optionalText(_ row: inout BinaryCopyReader) throws(PostgresError) -> Int32? {
    try row.withText { text(utf8: $0) }
  }

  /// The JSON in the next column, if there is any.
  fileprivate func document(_ row: inout BinaryCopyReader, of position: Int64) throws(PostgresError) -> JSONValue? {
    document(try row.optionalString(), of: position)
  }

  fileprivate func document(_ text: String?, of position: Int64) -> JSONValue? {
    guard let text else { return nil }
    if let document = try? JSONValue(parsing: text) { return document }
    contradict(position, "has a document that is not JSON")
    return nil
  }

  fileprivate func attribute(_ json: JSONText?, _ digest: String?, of position: Int64) -> AttributeValue? {
    if let digest { return .sealed(digest) }
    guard let value = document(json?.text, of: position) else { return nil }
    return .open(value)
  }
}
