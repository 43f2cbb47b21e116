import Cryptography
import Governance
import Postgres
import Temporal

/// The idempotency keys that are recorded already, looked up in one round trip for many batches.
struct CommandKeys {
  /// What is kept with a key.
  private struct Kept {
    var digest: Digest
    var receipt: Receipt
    /// The salt of the batch's first personal value; nil where it had none, or it was erased.
    var salt: [UInt8]?
  }
  private var kept: [String: Kept] = [:]

  /// No keys.
  init() {}

  /// Looks the keys up.
  init(_ keys: [String], tenant: Int32, on connection: Connection) throws {
    guard !keys.isEmpty else { return }
    let rows = try connection.query(
      """
      SELECT c.command_id, c.digest, c.first_position, c.last_position, e.recorded_at, (
        SELECT p.salt FROM tenure.personal p
        WHERE p.tenant_id = c.tenant_id AND p.position BETWEEN c.first_position AND c.last_position
        ORDER BY p.position, p.attribute LIMIT 1)
      FROM tenure.command c JOIN tenure.event e ON e.tenant_id = c.tenant_id AND e.position = c.last_position
      WHERE c.tenant_id = \(tenant) AND c.command_id = ANY(\(keys))
      """)
    for row in rows {
      guard let digest = Digest(try row.bytes(1)) else { continue }
      let last = try row.int64(3)
      let receipt = Receipt(
        commandID: try row.string(0), firstPosition: try row.int64(2), lastPosition: last,
        recordedAt: Instant(try row.timestamp(4)), position: last, isReplay: true)
      kept[receipt.commandID] = Kept(digest: digest, receipt: receipt, salt: try row.optionalBytes(5))
    }
  }

  /// Whether all of these keys are recorded.
  func contains(all keys: [String]) -> Bool { keys.allSatisfy { kept[$0] != nil } }

  /// The key of a batch that was decided just now, for a later one of the same transaction.
  mutating func add(_ batch: DecidedBatch) {
    var receipt = batch.receipt(after: batch.events.last?.event.position ?? 0)
    receipt.isReplay = true
    kept[batch.commandID] = Kept(digest: batch.digest, receipt: receipt, salt: batch.personal.first?.salt)
  }

  /// The first answer, if the key came before with the same body; nil if it is new.
  ///
  /// - Throws: `Refusal` with code `keyReused` if it came with another body. Once a person's values are erased, the batch that
  ///   brought them can no longer be told from one with other values, and gets the first answer.
  func replay(of submission: Submission) throws(Refusal) -> Receipt? {
    guard let key = submission.commandID, let kept = kept[key] else { return nil }
    let fingerprint = Fingerprint(submission)
    if fingerprint.digest(salt: kept.salt) == kept.digest { return kept.receipt }
    if kept.salt == nil, !fingerprint.personal.isEmpty { return kept.receipt }
    throw Refusal(.keyReused, "this key came before with another body; use a new key for a new command")
  }
}
