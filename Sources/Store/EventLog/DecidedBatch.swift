import Cryptography
import Governance
import Temporal

/// An atomic batch that was decided and applied tentatively, ready to be written.
struct DecidedBatch: Sendable {
  let commandID: String
  /// The digests of its body, which the same key must bring again.
  let digest: KeptDigest
  let recordedAt: Instant
  let events: [RecordedEvent]
  let personal: [PersonalRow]

  /// The answer to it once it is on disk.
  func receipt(after head: Int64) -> Receipt {
    Receipt(
      commandID: commandID, firstPosition: events.first?.event.position, lastPosition: events.last?.event.position,
      recordedAt: recordedAt, position: head, isReplay: false)
  }
}
