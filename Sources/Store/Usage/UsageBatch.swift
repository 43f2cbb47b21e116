import Cryptography
import Governance
import Postgres
import Temporal

/// The records of one transaction, checked, each with its key.
struct UsageBatch {
  /// PostgreSQL's word for a row that no partition takes (check_violation).
  static let noPartition = "23514"

  /// A record with what makes it count once.
  struct Keyed {
    let record: UsageRecord
    let key: UUIDBytes
    let digest: UUIDBytes
  }

  let tenant: Int32
  let source: String
  let now: Instant
  /// In the order of their keys, each key once: so no two batches wait for each other in a circle.
  private let keyed: [Keyed]
  /// What became of those that stand twice in the batch itself.
  private let within: UsageReceipt

  /// Checks the records.
  ///
  /// - Throws: `UsageStoreError`.
  init(_ records: [UsageRecord], source: String, tenant: Int32, now: Instant) throws(UsageStoreError) {
    if let problem = Limits.problem(identifier: source) { throw .badSource(problem: problem) }
    guard records.count <= UsageLimits.recordsPerBatch else { throw .tooMany(count: records.count) }
    let latest = now.adding(microseconds: UsageLimits.skewMicroseconds)
    for (index, record) in records.enumerated() {
      do { try record.validate() } catch { throw .invalid(record: index, field: error.field, problem: error.problem) }
      guard record.at <= latest else {
        throw .invalid(
          record: index, field: "at", problem: "must not lie more than an hour ahead of the present, which is \(now)")
      }
    }
    let days = Set(records.map { UsageDay(of: $0.at) }).count
    guard days <= UsageLimits.daysPerBatch else { throw .tooManyDays(count: days) }
    self.tenant = tenant
    self.source = source
    self.now = now
    (keyed, within) = Self.keyed(records, source: source)
  }

  private static func keyed(_ records: [UsageRecord], source: String) -> ([Keyed], UsageReceipt) {
    var within = UsageReceipt()
    var digests: [UUIDBytes: UUIDBytes] = [:]
    var keyed: [Keyed] = []
    keyed.reserveCapacity(records.count)
    for record in records {
      let one = Keyed(record: record, key: record.key(of: source), digest: record.digest)
      if let first = digests.updateValue(one.digest, forKey: one.key) {
        // The first one stands.
        digests[one.key] = first
        if first == one.digest { within.repeated += 1 } else { within.conflicting += 1 }
      } else {
        keyed.append(one)
      }
    }
    keyed.sort { $0.key.value < $1.key.value }
    return (keyed, within)
  }

  // MARK: Days

  /// Makes the partitions that are missing, in a transaction of its own before the batch's.
  func makeDays(on connection: Connection) throws {
    let days = Set(keyed.map { UsageDay(of: $0.record.at) }).sorted().map(\.start.timestamp)
    let missing = try connection.query("SELECT tenure.usage_days_missing(\(days))").map { try $0.timestamp(0) }
    if missing.isEmpty { return }
    try UsageWindow.make(for: tenant, on: connection)
    let kept = try connection.transaction { try UsageWindow.held(by: tenant, on: $0) }
    let first = UsageDay(of: now).adding(days: -kept)
    let wanted = missing.filter { UsageDay(of: Instant($0)) >= first }
    if wanted.isEmpty { return }
    _ = try connection.query(
      """
      SELECT tenure.make_usage_day(\(tenant), (d AT TIME ZONE 'UTC')::date, \(now.timestamp)) FROM unnest(\(wanted)) AS d
      """)
  }

  /// Those that are stored: of a day that is kept, and not closed.
  private func kept(on connection: Connection) throws -> [Keyed] {
    let first = UsageDay(of: now).adding(days: -(try UsageWindow.held(by: tenant, on: connection)))
    let days = Set(keyed.map { UsageDay(of: $0.record.at) }).sorted().map(\.start.timestamp)
    // A statement of its own: its snapshot is taken when the window is held, and sees what was closed before.
    let closed = try connection.query(
      """
      SELECT day::timestamp AT TIME ZONE 'UTC' FROM tenure.usage_closed_day
      WHERE tenant_id = \(tenant) AND day IN (SELECT (d AT TIME ZONE 'UTC')::date FROM unnest(\(days)) AS d)
      """
    ).map { UsageDay(of: Instant(try $0.timestamp(0))) }
    return keyed.filter { one in
      let day = UsageDay(of: one.record.at)
      return day >= first && !closed.contains(day)
    }
  }

  // MARK: Rows

  /// Writes the batch within a transaction.
  func write(on connection: Connection) throws -> UsageReceipt {
    // A plan kept for any batch guesses that arrays are short, and would compare each record with each.
    try connection.execute("SET LOCAL enable_nestloop = off")
    let kept = try kept(on: connection)
    var receipt = within
    receipt.tooOld = keyed.count - kept.count
    if kept.isEmpty { return receipt }
    let known = try connection.query(insert(kept)).map { try $0.uuid(0) }
    receipt.new = kept.count - known.count
    guard !known.isEmpty else { return receipt }
    // Now committed, whoever wrote them: the insertion waited for it.
    var digests: [UUIDBytes: UUIDBytes] = [:]
    let rows = try connection.query(
      "SELECT key, digest FROM tenure.usage_key WHERE tenant_id = \(tenant) AND key = ANY(\(known))")
    for row in rows { digests[try row.uuid(0)] = try row.uuid(1) }
    let isKnown = Set(known)
    for one in kept where isKnown.contains(one.key) {
      if digests[one.key] == one.digest { receipt.repeated += 1 } else { receipt.conflicting += 1 }
    }
    return receipt
  }

  /// One statement: the keys that are new, their rows, and a mark for each of their days; it answers with the other keys.
  private func insert(_ kept: [Keyed]) -> SQL {
    let columns = UsageColumns(kept)
    return """
      WITH input AS MATERIALIZED (
        SELECT * FROM unnest(
          \(columns.keys), \(columns.digests), \(columns.at), \(columns.ids), \(columns.identities), \(columns.actions),
          \(columns.sourceActions), \(columns.resources), \(columns.sessions), \(columns.credentials), \(columns.addresses),
          \(columns.agents), \(columns.outcomes), \(columns.errorCodes)
        ) AS u (key, digest, used_at, id, identity, action, source_action, resource, session, credential, address, agent,
          outcome, error_code)
      ), fresh AS (
        INSERT INTO tenure.usage_key (tenant_id, key, digest, day)
        SELECT \(tenant), key, digest, (used_at AT TIME ZONE 'UTC')::date FROM input ORDER BY key
        ON CONFLICT DO NOTHING RETURNING key, day
      ), stored AS (
        INSERT INTO tenure.usage (
          tenant_id, used_at, key, source, id, identity, action, source_action, resource, session, credential, address, agent,
          outcome, error_code, recorded_at)
        SELECT \(tenant), used_at, key, \(source), id, identity, action, source_action, resource, session, credential, address,
          agent, outcome, error_code, \(now.timestamp)
        FROM input JOIN fresh USING (key)
      ), marked AS (
        INSERT INTO tenure.usage_mark (tenant_id, day) SELECT DISTINCT \(tenant), day FROM fresh
      )
      SELECT key FROM input WHERE NOT EXISTS (SELECT FROM fresh WHERE fresh.key = input.key)
      """
  }
}

/// The columns of the rows of a batch.
private struct UsageColumns {
  var keys = ArrayColumn(of: UUIDBytes.self)
  var digests = ArrayColumn(of: UUIDBytes.self)
  var at = ArrayColumn(of: Timestamp.self)
  var ids = ArrayColumn(of: String.self)
  var identities = ArrayColumn(of: String.self)
  var actions = ArrayColumn(of: String.self)
  var sourceActions = ArrayColumn(of: String.self)
  var resources = ArrayColumn(of: String.self)
  var sessions = ArrayColumn(of: String.self)
  var credentials = ArrayColumn(of: String.self)
  var addresses = ArrayColumn(of: String.self)
  var agents = ArrayColumn(of: String.self)
  var outcomes = ArrayColumn(of: String.self)
  var errorCodes = ArrayColumn(of: String.self)

  init(_ records: [UsageBatch.Keyed]) {
    for one in records {
      let record = one.record
      keys.append(one.key)
      digests.append(one.digest)
      at.append(record.at.timestamp)
      ids.append(record.id)
      identities.append(record.identity)
      actions.append(record.action)
      sourceActions.append(record.sourceAction)
      resources.append(record.resource)
      sessions.append(record.session)
      credentials.append(record.credential)
      addresses.append(record.address)
      agents.append(record.agent)
      outcomes.append(record.outcome.rawValue)
      errorCodes.append(record.errorCode)
    }
  }
}

extension UsageRecord {
  /// What makes it count once: 128 bits of SHA-256 over source and id.
  ///
  /// Two ids that share them take 2⁶⁴ attempts to find.
  func key(of source: String) -> UUIDBytes { Self.shortDigest([source, id]) }

  /// What it says.
  ///
  /// The action by the source's name for it, so that a table of names that grew makes no other record of it; and likewise without a
  /// resource that was only concluded.
  var digest: UUIDBytes {
    Self.shortDigest([
      "\(at.microseconds)", identity, sourceAction == nil ? action : nil, sourceAction,
      isResourceDerived ? nil : resource, session, credential, address,
      agent, outcome.rawValue, errorCode,
    ])
  }

  /// Each field with its length before it, and what is absent unlike what is empty.
  private static func shortDigest(_ fields: [String?]) -> UUIDBytes {
    var bytes: [UInt8] = []
    for field in fields {
      guard let field else {
        bytes.append(UInt8(ascii: "-"))
        continue
      }
      bytes.append(contentsOf: "\(field.utf8.count):".utf8)
      bytes.append(contentsOf: field.utf8)
    }
    guard let short = UUIDBytes(SHA256.digest(bytes).bytes.prefix(16)) else { preconditionFailure("a digest has 32 bytes") }
    return short
  }
}
