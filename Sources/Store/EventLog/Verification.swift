import Cryptography
import Governance
import JSON
import Postgres

/// Something in a log that is not as it should be.
public struct VerificationProblem: Hashable, Sendable {
  /// Where.
  public var position: Int64
  /// What.
  public var problem: String
}

/// The answer to `verify`.
public struct Verification: Hashable, Sendable {
  /// Events looked at.
  public var events: Int64 = 0
  /// What was found, in the order of position, up to ``Tenant/maximumProblems``.
  public var problems: [VerificationProblem] = []

  /// Whether nothing was found.
  public var isClean: Bool { problems.isEmpty }

  fileprivate mutating func add(_ position: Int64, _ problem: String) {
    if problems.count < Tenant.maximumProblems { problems.append(VerificationProblem(position: position, problem: problem)) }
  }
}

extension Tenant {
  /// Problems that a verification lists; where there are so many, the first tell enough.
  public static let maximumProblems = 1_000
  /// Events between two reports of progress.
  private static let eventsPerReport: Int64 = 10_000

  /// Reads the whole log and checks it: no gap in the positions, each leaf SHA-256(0x00 ‖ body), each body canonical and
  /// readable, the columns as the body says, `recorded_at` never going back, the head where the log ends.
  ///
  /// O(events); memory does not grow with their number.
  /// - Parameter progress: told how many events are done, now and then. The default drops it.
  public func verify(progress: ((Int64) -> Void)? = nil) throws -> Verification {
    var verification = Verification()
    var last: EventColumns?
    var end: Head?
    try pool.withConnection { connection in
      // One snapshot: the head and the log as they stand together.
      try connection.transaction(.repeatableRead, readOnly: true) { connection in
        end = try Head.read(id, on: connection)
        try connection.copyOut(Self.copyColumns(of: id)) { row in
          let columns = try EventColumns(&row)
          Self.check(columns, after: last, &verification)
          last = columns
          verification.events += 1
          if verification.events % Self.eventsPerReport == 0 { progress?(verification.events) }
        }
      }
    }
    if end?.position != last?.position ?? 0 || end?.recordedAt?.timestamp != last?.recordedAt {
      verification.add(last?.position ?? 0, "the head row does not stand where the log ends")
    }
    return verification
  }

  private static func check(_ columns: EventColumns, after last: EventColumns?, _ verification: inout Verification) {
    let position = columns.position
    let expected = (last?.position ?? 0) + 1
    if position != expected { verification.add(position, "event \(expected) should stand here") }
    if let last, columns.recordedAt < last.recordedAt { verification.add(position, "recorded_at goes back") }
    let body = Array(columns.body.utf8)
    if EventCodec.leaf(body).bytes != columns.leaf { verification.add(position, "leaf is not the digest of the body") }
    do throws(UndecodableEvent) {
      let event = try EventCodec.decode(body, at: position)
      var stated = EventColumns(RecordedEvent(event: event, body: columns.body))
      if stated.version == columns.version {
        if EventCodec.body(of: event) != body { verification.add(position, "the body is not canonical") }
      } else if let document = try? JSONValue(parsing: body) {
        // Of an older version: read into the present one, it would be written otherwise.
        if document.canonicalBytes() != body { verification.add(position, "the body is not canonical") }
        stated.version = Int32(clamping: document["version"]?.integerValue ?? 0)
      }
      stated.leaf = columns.leaf
      for name in stated.differences(from: columns) { verification.add(position, "column \(name) disagrees with the body") }
    } catch {
      verification.add(position, "cannot be read: \(error.problem)")
    }
  }

  /// Numbers only: nothing from outside stands in this text.
  private static func copyColumns(of tenant: Int32) -> String {
    """
    COPY (SELECT position, event_id, type, version, entity, effective_at, due_at, recorded_at, source, basis, actor,
      recorded_by, ticket, command_id, body, leaf FROM tenure.event WHERE tenant_id = \(tenant) ORDER BY position)
    TO STDOUT (FORMAT binary)
    """
  }
}

extension EventColumns {
  /// The columns as they stand in a row, in the order of the declarations.
  fileprivate init(_ row: inout BinaryCopyReader) throws {
    position = try row.int64()
    eventID = try row.uuid()
    type = try row.string()
    version = try row.int32()
    entity = try row.string()
    effectiveAt = try row.timestamp()
    dueAt = try row.optionalTimestamp()
    recordedAt = try row.timestamp()
    source = try row.string()
    basis = try row.string()
    actor = try row.optionalString()
    recordedBy = try row.string()
    ticket = try row.optionalString()
    commandID = try row.optionalString()
    body = try row.string()
    leaf = try row.bytes()
  }

  /// The names of the columns that differ.
  fileprivate func differences(from other: EventColumns) -> [String] {
    let same: [(String, Bool)] = [
      ("position", position == other.position), ("event_id", eventID == other.eventID),
      ("type", type.isExactly(other.type)), ("version", version == other.version),
      ("entity", entity.isExactly(other.entity)), ("effective_at", effectiveAt == other.effectiveAt),
      ("due_at", dueAt == other.dueAt), ("recorded_at", recordedAt == other.recordedAt),
      ("source", source.isExactly(other.source)), ("basis", basis.isExactly(other.basis)), ("actor", actor == other.actor),
      ("recorded_by", recordedBy.isExactly(other.recordedBy)), ("ticket", ticket == other.ticket),
      ("command_id", commandID == other.commandID),
    ]
    return same.filter { !$0.1 }.map(\.0)
  }
}
