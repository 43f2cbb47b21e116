public import EventLog
public import Governance
public import JSON
public import Temporal

/// What is shown of an event behind a step or a turn; nil is *not recorded*, and never filled from its neighbour.
public struct EventNote: Hashable, Sendable {
  /// Its place in the log.
  public var position: Int64
  /// The event's type.
  public var type: String
  /// When it took effect in the world.
  public var effectiveAt: Instant
  /// When Tenure learnt of it.
  public var recordedAt: Instant
  /// The source that its facts belong to.
  public var source: String
  /// How Tenure came to know.
  public var basis: Basis
  /// Who did it at the source.
  public var actor: Actor?
  /// Who wrote it here.
  public var recordedBy: Recorder
  /// Who approved it.
  public var authorisedBy: Approval?
  /// Why, in words.
  public var reason: String?
  /// The ticket it belongs to.
  public var ticket: Ticket?

  /// Takes from an event what is shown of it.
  public init(_ event: Event) {
    position = event.position
    type = event.change.type
    effectiveAt = event.effectiveAt
    recordedAt = event.recordedAt
    source = event.source
    basis = event.basis
    actor = event.authority.actor
    recordedBy = event.recordedBy
    authorisedBy = event.authority.authorisedBy
    reason = event.authority.reason
    ticket = event.authority.ticket
  }

  /// How long after it took effect Tenure learnt of it, where that was after t; nil where it was known at t.
  public func learnt(after t: Instant) -> Lapse? {
    recordedAt > t ? Lapse(from: effectiveAt, to: recordedAt) : nil
  }

  /// Writes the note as an object; what is not recorded is `null`.
  public func write(to writer: inout JSONWriter) {
    var authority = JSONObject()
    Authority(actor: actor, authorisedBy: authorisedBy, reason: reason, ticket: ticket).write(to: &authority)
    writer.beginObject()
    writer.member("position", position)
    writer.member("type", type)
    writer.member("effective_at", effectiveAt)
    writer.member("recorded_at", recordedAt)
    writer.member("source", source)
    writer.member("basis", basis.rawValue)
    for name in ["actor", "authorised_by", "reason", "ticket"] {
      writer.key(name)
      writer.value(authority[name] ?? .null)
    }
    writer.key("recorded_by")
    writer.value(["id": .string(recordedBy.id), "authentication": .string(recordedBy.authentication)])
    writer.endObject()
  }
}

extension AsKnownAt {
  /// Reads a position (`1234`) or an RFC 3339 instant.
  public init(text: String) throws(InstantError) {
    if !text.isEmpty, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let position = Int64(text)
    {
      self = .position(position)
    } else {
      self = .instant(try Instant(rfc3339: text))
    }
  }
}
