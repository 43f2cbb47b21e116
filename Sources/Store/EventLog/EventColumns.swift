import Cryptography
import Governance
import Postgres
import Temporal

/// The columns beside a body, extracted from the event for the indexes; `verify` checks that they never disagree with it.
struct EventColumns: Hashable {
  var position: Int64
  var eventID: UUIDBytes
  var type: String
  var version: Int32
  var entity: String
  var effectiveAt: Timestamp
  var dueAt: Timestamp?
  var recordedAt: Timestamp
  var source: String
  var basis: String
  var actor: String?
  var recordedBy: String
  var ticket: String?
  var commandID: String?
  var body: String
  var leaf: [UInt8]

  /// The columns of an event and its body.
  init(_ recorded: RecordedEvent) {
    let event = recorded.event
    position = event.position
    // The id was made here, or was stored as a uuid: 32 hexadecimal digits either way.
    eventID = UUIDBytes(text: event.eventID) ?? UUIDBytes(0)
    type = event.change.type
    version = Int32(EventCodec.currentVersion(of: type))
    entity = event.change.entity.description
    effectiveAt = event.effectiveAt.timestamp
    dueAt = event.dueAt?.timestamp
    recordedAt = event.recordedAt.timestamp
    source = event.source
    basis = event.basis.rawValue
    actor = event.authority.actor?.id
    recordedBy = event.recordedBy.id
    ticket = event.authority.ticket.map { "\($0.system):\($0.key)" }
    commandID = event.commandID
    body = recorded.body
    leaf = EventCodec.leaf(recorded.body.utf8).bytes
  }
}
