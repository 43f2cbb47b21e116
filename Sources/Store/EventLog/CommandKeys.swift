public import Cryptography
import Governance
import Postgres
import Temporal

/// The idempotency keys that are recorded already, looked up in one round trip for many batches.
struct CommandKeys {
  /// What is kept with a key.
  private struct Kept {
    var digest: KeptDigest
    var receipt: Receipt
    /// The salt of the first personal value that is left; nil where there were none, or all are erased.
    var salt: [UInt8]?
    /// The personal values that are left.
    var personalCount: Int64
  }
  private var kept: [String: Kept] = [:]

  /// No keys.
  init() {}

  /// Whether none of them was recorded.
  var isEmpty: Bool { kept.isEmpty }

  /// Looks the keys up.
  init(_ keys: [String], tenant: Int32, on connection: Connection) throws {
    guard !keys.isEmpty else { return }
    let rows = try connection.query(
      """
      SELECT c.command_id, c.digest, c.first_position, c.last_position, e.recorded_at, c.personal_digest, rest.salt,
        coalesce(rest.count, 0)
      FROM tenure.command c JOIN tenure.event e ON e.tenant_id = c.tenant_id AND e.position = c.last_position
      LEFT JOIN LATERAL (
        SELECT (array_agg(p.salt ORDER BY p.position, p.attribute))[1] AS salt, count(*) AS count FROM tenure.personal p
        WHERE p.tenant_id = c.tenant_id AND p.position BETWEEN c.first_position AND c.last_position) AS rest
        ON c.personal_digest IS NOT NULL
      WHERE c.tenant_id = \(tenant) AND c.command_id = ANY(\(keys))
      """)
    for row in rows {
      guard let plain = Digest(try row.bytes(1)) else { continue }
      let digest = KeptDigest(plain: plain, personal: try row.optionalBytes(5).flatMap { Digest($0) })
      let last = try row.int64(3)
      let receipt = Receipt(
        commandID: try row.string(0), firstPosition: try row.int64(2), lastPosition: last,
        recordedAt: Instant(try row.timestamp(4)), position: last, isReplay: true)
      kept[receipt.commandID] = Kept(
        digest: digest, receipt: receipt, salt: try row.optionalBytes(6), personalCount: try row.int64(7))
    }
  }

  /// Whether exactly these batches are recorded under their keys; another process may have recorded a key for the same caller.
  func contains(all batches: [DecidedBatch]) -> Bool {
    batches.allSatisfy { batch in
      guard let kept = kept[batch.commandID] else { return false }
      return kept.digest == batch.digest && kept.receipt.firstPosition == batch.events.first?.event.position
        && kept.receipt.lastPosition == batch.events.last?.event.position
    }
  }

  /// The key of a batch that was decided just now, for a later one of the same transaction.
  mutating func add(_ batch: DecidedBatch) {
    var receipt = batch.receipt(after: batch.events.last?.event.position ?? 0)
    receipt.isReplay = true
    kept[batch.commandID] = Kept(
      digest: batch.digest, receipt: receipt, salt: batch.personal.first?.salt, personalCount: Int64(batch.personal.count))
  }

  /// The first answer, if the key came before with the same body; nil if it is new.
  ///
  /// - Throws: `Refusal` with code `keyReused` if it came with another body. Once a person's values are erased, the batch that
  ///   brought them can no longer be told from one with other values, and gets the first answer.
  func replay(of waiting: Appender.Waiting) throws(Refusal) -> Receipt? {
    guard let key = waiting.submission.commandID, let kept = kept[key] else { return nil }
    let fingerprint = waiting.fingerprint
    guard fingerprint.plain == kept.digest.plain else { throw Self.reused }
    if fingerprint.isOfQuestion { return kept.receipt }
    guard let personal = kept.digest.personal else {
      if fingerprint.personalCount == 0 { return kept.receipt }
      throw Self.reused
    }
    // Once any of them is erased, the values can no longer be told from others.
    let isErased = kept.personalCount < Int64(fingerprint.personalCount)
    if isErased || fingerprint.kept(salt: kept.salt).personal == personal { return kept.receipt }
    throw Self.reused
  }

  private static var reused: Refusal {
    Refusal(.keyReused, "this key came before with another body; use a new key for a new command")
  }
}

extension CommandKeys {
  /// What was answered first to a key; nil if it is new.
  ///
  /// - Throws: `Refusal` with code `keyReused` if something else was asked with it.
  func receipt(of key: String, asked: Digest) throws(Refusal) -> Receipt? {
    guard let kept = kept[key] else { return nil }
    guard kept.digest.plain == Fingerprint(asked: asked).plain else { throw Self.reused }
    return kept.receipt
  }
}

extension Tenant {
  /// The first answer to an idempotency key of a batch that was made from what was asked; nil if it was never recorded.
  ///
  /// One round trip.
  /// - Throws: `Refusal` with code `keyReused` if something else was asked with it; what the database throws.
  public func receipt(of commandID: String, asked: Digest) throws -> Receipt? {
    try withConnection { try CommandKeys([commandID], tenant: id, on: $0) }.receipt(of: commandID, asked: asked)
  }

  /// Which of these idempotency keys are recorded already; one round trip.
  public func recorded(commandIDs: [String]) throws -> Set<String> {
    if commandIDs.isEmpty { return [] }
    return try withConnection { connection in
      let rows = try connection.query(
        "SELECT command_id FROM tenure.command WHERE tenant_id = \(id) AND command_id = ANY(\(commandIDs))")
      var recorded: Set<String> = []
      for row in rows { recorded.insert(try row.string(0)) }
      return recorded
    }
  }
}
