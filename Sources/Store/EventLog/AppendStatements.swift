import Cryptography
import Governance
import Postgres
import Relations
import Temporal

/// What one transaction writes: the head, the events, and beside them relation rows, personal values and idempotency keys.
struct AppendStatements {
  /// Events from which on a binary COPY is used: below it one round trip for everything is quicker.
  static let copiedFrom = 500
  /// Relation statements from which on a transaction with COPY is used: far below what one pipeline holds.
  static let pipelinedRelations = 2_000

  let tenant: Int32
  /// The head that the events were decided on.
  let before: Head
  /// Each with one event at least.
  let batches: [DecidedBatch]
  let relations: RelationChanges

  /// How many events it writes.
  var eventCount: Int { batches.reduce(0) { $0 + $1.events.count } }

  private var events: [RecordedEvent] { batches.flatMap(\.events) }
  private var personal: [PersonalRow] { batches.flatMap(\.personal) }

  /// Whether one pipeline can hold everything and is quicker than a transaction with COPY.
  var fitsOnePipeline: Bool {
    eventCount < Self.copiedFrom && relations.statementCount < Self.pipelinedRelations
  }

  /// Writes everything in one round trip and commits: libpq's pipeline outside a transaction is one.
  ///
  /// - Returns: the first sign that the relation tables were damaged before, if there is one.
  func writeAtOnce(on connection: Connection) throws -> RelationsDamage? {
    var statements = [advance, insertEvents(events), insertCommands]
    if !personal.isEmpty { statements.append(insertPersonal(personal)) }
    let own = statements.count
    let results = try connection.pipeline(statements + relations.statements(tenant: tenant))
    return relations.damage(in: results[own...])
  }

  /// Writes everything within a transaction that is open, in bulk.
  ///
  /// - Returns: the first sign that the relation tables were damaged before, if there is one.
  func write(on connection: Connection) throws -> RelationsDamage? {
    _ = try connection.query(advance)
    if eventCount >= Self.copiedFrom { try copyEvents(on: connection) } else { try connection.run(insertEvents(events)) }
    try connection.run(insertCommands)
    if !personal.isEmpty { try connection.run(insertPersonal(personal)) }
    return try relations.write(on: connection, tenant: tenant)
  }

  private var advance: SQL {
    guard let last = batches.last, let position = last.events.last?.event.position else {
      preconditionFailure("a transaction without events is not written")
    }
    return """
      SELECT tenure.advance_head(\(tenant), \(before.position), \(before.epoch), \(position), \(last.recordedAt.timestamp))
      """
  }

  private var insertCommands: SQL {
    return """
      INSERT INTO tenure.command (tenant_id, command_id, digest, personal_digest, first_position, last_position)
      SELECT \(tenant), * FROM unnest(
        \(batches.map(\.commandID)), \(batches.map(\.digest.plain.bytes)), \(batches.map { $0.digest.personal?.bytes }),
        \(batches.map { $0.events[0].event.position }), \(batches.map { $0.events[$0.events.count - 1].event.position }))
      """
  }

  private func insertPersonal(_ rows: [PersonalRow]) -> SQL {
    let digests = rows.map { Sealing.digest(salt: $0.salt, value: Array($0.value.utf8)).hexadecimal }
    return """
      INSERT INTO tenure.personal (tenant_id, digest, position, entity, attribute, salt, value)
      SELECT \(tenant), * FROM unnest(
        \(digests), \(rows.map(\.position)), \(rows.map(\.entity.description)), \(rows.map(\.name)), \(rows.map(\.salt)),
        \(rows.map(\.value)))
      """
  }

  private func insertEvents(_ events: [RecordedEvent]) -> SQL {
    let rows = events.map(EventColumns.init)
    return """
      INSERT INTO tenure.event (
        tenant_id, position, event_id, type, version, entity, effective_at, due_at, recorded_at, source, basis, actor,
        recorded_by, ticket, command_id, body, leaf)
      SELECT \(tenant), * FROM unnest(
        \(rows.map(\.position)), \(rows.map(\.eventID)), \(rows.map(\.type)), \(rows.map(\.version)),
        \(rows.map(\.entity)), \(rows.map(\.effectiveAt)), \(rows.map(\.dueAt)), \(rows.map(\.recordedAt)),
        \(rows.map(\.source)), \(rows.map(\.basis)), \(rows.map(\.actor)), \(rows.map(\.recordedBy)), \(rows.map(\.ticket)),
        \(rows.map(\.commandID)), \(rows.map(\.body)), \(rows.map(\.leaf)))
      """
  }

  private func copyEvents(on connection: Connection) throws {
    let copy = """
      COPY tenure.event (
        tenant_id, position, event_id, type, version, entity, effective_at, due_at, recorded_at, source, basis, actor,
        recorded_by, ticket, command_id, body, leaf) FROM STDIN (FORMAT binary)
      """
    _ = try connection.copyIn(copy) { writer in
      for event in events {
        let row = EventColumns(event)
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
  }
}
