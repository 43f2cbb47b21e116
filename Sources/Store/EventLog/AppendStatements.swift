import Cryptography
import Governance
import Postgres
import Relations
import Temporal

/// What one transaction writes: the head, the events, and beside them relation rows, personal values and idempotency keys.
struct AppendStatements {
  /// Events from which on a binary COPY is used: below it one round trip for everything is quicker.
  static let copiedFrom = 500
  /// Relation rows from which on a transaction with COPY is used.
  static let pipelinedRelations = 2_000

  let tenant: Int32
  /// The head that the events were decided on.
  let before: Head
  /// Each with one event at least.
  let batches: [DecidedBatch]
  let relations: RelationChanges
  /// The events as arrays, where they are fewer than are copied.
  let arrays: EventArrays

  /// How many events it writes.
  private var eventCount: Int { batches.reduce(0) { $0 + $1.events.count } }

  /// Whether one pipeline can hold everything and is quicker than a transaction with COPY.
  var fitsOnePipeline: Bool {
    arrays.count == eventCount && relations.rowCount < Self.pipelinedRelations
  }

  /// Everything for one round trip, which commits: libpq's pipeline outside a transaction is one.
  var pipeline: [SQL] { own + relations.statements(tenant: tenant) }

  /// Waits until what was sent is on disk.
  ///
  /// - Returns: the first sign that the relation tables were damaged before, if there is one.
  func finish(_ sent: Connection.SentPipeline, on connection: Connection) throws -> RelationsDamage? {
    let results = try connection.results(of: sent)
    return relations.damage(in: results[ownCount...])
  }

  /// The statements before those of the relation rows.
  private var own: [SQL] { [insertLog] + (insertPersonal.map { [$0] } ?? []) }
  private var ownCount: Int { batches.contains { !$0.personal.isEmpty } ? 2 : 1 }

  /// Writes everything within a transaction that is open, in bulk.
  ///
  /// - Returns: the first sign that the relation tables were damaged before, if there is one.
  func write(on connection: Connection) throws -> RelationsDamage? {
    if arrays.count < eventCount {
      _ = try connection.query(advance)
      try copyEvents(on: connection)
      try copyCommands(on: connection)
    } else {
      try connection.run(insertLog)
    }
    if let insertPersonal { try connection.run(insertPersonal) }
    return try relations.write(on: connection, tenant: tenant)
  }

  private var advance: SQL {
    let last = last
    return """
      SELECT tenure.advance_head(\(tenant), \(before.position), \(before.epoch), \(last.position), \(last.recordedAt))
      """
  }

  private var last: (position: Int64, recordedAt: Timestamp) {
    guard let last = batches.last, let position = last.events.last?.event.position else {
      preconditionFailure("a transaction without events is not written")
    }
    return (position, last.recordedAt.timestamp)
  }

  /// Head, events and keys in one statement: each would cost the server as much again as the rows of a few commands.
  ///
  /// The arrays side by side, each a column of its own: in FROM the server would first store what comes of each apart.
  private var insertLog: SQL {
    let last = last
    let keys = CommandArrays(batches)
    return """
      WITH head AS MATERIALIZED (
        SELECT tenure.advance_head(\(tenant), \(before.position), \(before.epoch), \(last.position), \(last.recordedAt))
      ), events AS (
        INSERT INTO tenure.event (\(unsafe: Self.eventColumns))
        SELECT \(tenant), unnest(\(arrays.position)), unnest(\(arrays.eventID)), unnest(\(arrays.type)),
          unnest(\(arrays.version)), unnest(\(arrays.entity)), unnest(\(arrays.effectiveAt)), unnest(\(arrays.dueAt)),
          unnest(\(arrays.recordedAt)), unnest(\(arrays.source)), unnest(\(arrays.basis)), unnest(\(arrays.actor)),
          unnest(\(arrays.recordedBy)), unnest(\(arrays.ticket)), unnest(\(arrays.commandID)), unnest(\(arrays.body)),
          unnest(\(arrays.leaf))
        FROM head
      )
      INSERT INTO tenure.command (\(unsafe: Self.commandColumns))
      SELECT \(tenant), unnest(\(keys.id)), unnest(\(keys.digest)), unnest(\(keys.personalDigest)),
        unnest(\(keys.firstPosition)), unnest(\(keys.lastPosition))
      FROM head
      """
  }

  // MARK: Idempotency keys

  private static let commandColumns = "tenant_id, command_id, digest, personal_digest, first_position, last_position"

  private func copyCommands(on connection: Connection) throws {
    _ = try connection.copyIn("COPY tenure.command (\(Self.commandColumns)) FROM STDIN (FORMAT binary)") { writer in
      for batch in batches {
        try writer.row(columns: 6)
        try writer.write(tenant)
        try writer.write(batch.commandID)
        try writer.write(batch.digest.plain.bytes)
        try writer.write(batch.digest.personal?.bytes)
        try writer.write(batch.events.first?.event.position)
        try writer.write(batch.events.last?.event.position)
      }
    }
  }

  // MARK: Personal values

  private var insertPersonal: SQL? {
    let rows = batches.flatMap(\.personal)
    if rows.isEmpty { return nil }
    let digests = rows.map { Sealing.digest(salt: $0.salt, value: Array($0.value.utf8)).hexadecimal }
    return """
      INSERT INTO tenure.personal (tenant_id, digest, position, entity, attribute, salt, value)
      SELECT \(tenant), * FROM unnest(
        \(digests), \(rows.map(\.position)), \(rows.map(\.entity.description)), \(rows.map(\.name)), \(rows.map(\.salt)),
        \(rows.map(\.value)))
      """
  }

  // MARK: Events

  private static let eventColumns = """
    tenant_id, position, event_id, type, version, entity, effective_at, due_at, recorded_at, source, basis, actor, \
    recorded_by, ticket, command_id, body, leaf
    """

  private func copyEvents(on connection: Connection) throws {
    _ = try connection.copyIn("COPY tenure.event (\(Self.eventColumns)) FROM STDIN (FORMAT binary)") { writer in
      for batch in batches {
        for event in batch.events { try copy(EventColumns(event), to: &writer) }
      }
    }
  }

  private func copy(_ row: EventColumns, to writer: inout BinaryCopyWriter) throws {
    try writer.row(columns: 17)
    try writer.write(tenant)
    try writer.write(row.position)
    try writer.write(row.eventID)
    try writer.write(row.type)
    try writer.write(row.version)
    try writer.write(row.entity)
    try writer.write(row.effectiveAt)
    try writer.write(row.dueAt)
    try writer.write(row.recordedAt)
    try writer.write(row.source)
    try writer.write(row.basis)
    try writer.write(row.actor)
    try writer.write(row.recordedBy)
    try writer.write(row.ticket)
    try writer.write(row.commandID)
    try writer.write(row.body)
    try writer.write(row.leaf)
  }
}

/// The columns of events as arrays, one a column.
struct EventArrays: Sendable {
  var position = ArrayColumn(of: Int64.self)
  var eventID = ArrayColumn(of: UUIDBytes.self)
  var type = ArrayColumn(of: String.self)
  var version = ArrayColumn(of: Int32.self)
  var entity = ArrayColumn(of: String.self)
  var effectiveAt = ArrayColumn(of: Timestamp.self)
  var dueAt = ArrayColumn(of: Timestamp.self)
  var recordedAt = ArrayColumn(of: Timestamp.self)
  var source = ArrayColumn(of: String.self)
  var basis = ArrayColumn(of: String.self)
  var actor = ArrayColumn(of: String.self)
  var recordedBy = ArrayColumn(of: String.self)
  var ticket = ArrayColumn(of: String.self)
  var commandID = ArrayColumn(of: String.self)
  var body = ArrayColumn(of: String.self)
  var leaf = ArrayColumn(of: [UInt8].self)

  /// The number of events.
  var count: Int { position.count }

  /// Adds an event, unless there are so many that they are copied.
  mutating func append(_ event: RecordedEvent) {
    if count < AppendStatements.copiedFrom { append(EventColumns(event)) }
  }

  private mutating func append(_ row: EventColumns) {
    position.append(row.position)
    eventID.append(row.eventID)
    type.append(row.type)
    version.append(row.version)
    entity.append(row.entity)
    effectiveAt.append(row.effectiveAt)
    dueAt.append(row.dueAt)
    recordedAt.append(row.recordedAt)
    source.append(row.source)
    basis.append(row.basis)
    actor.append(row.actor)
    recordedBy.append(row.recordedBy)
    ticket.append(row.ticket)
    commandID.append(row.commandID)
    body.append(row.body)
    leaf.append(row.leaf)
  }
}

/// The rows of idempotency keys as arrays, one a column.
private struct CommandArrays {
  var id = ArrayColumn(of: String.self)
  var digest = ArrayColumn(of: [UInt8].self)
  var personalDigest = ArrayColumn(of: [UInt8].self)
  var firstPosition = ArrayColumn(of: Int64.self)
  var lastPosition = ArrayColumn(of: Int64.self)

  init(_ batches: [DecidedBatch]) {
    for batch in batches {
      id.append(batch.commandID)
      digest.append(batch.digest.plain.bytes)
      personalDigest.append(batch.digest.personal?.bytes)
      firstPosition.append(batch.events.first?.event.position)
      lastPosition.append(batch.events.last?.event.position)
    }
  }
}
