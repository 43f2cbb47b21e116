public import Governance
import Postgres

/// An event as it was read from the log, with its very bytes.
public struct RecordedEvent: Hashable, Sendable {
  /// The event.
  public var event: Event
  /// Its body: canonical JSON, byte for byte what is hashed and exported.
  public var body: String

  /// An event with its body.
  public init(event: Event, body: String) {
    self.event = event
    self.body = body
  }
}

/// One line of an export.
public struct ExportedLine: Hashable, Sendable {
  /// The event's position.
  public var position: Int64
  /// The line, without its end: the event's body.
  public var body: String
  /// The stored leaf, which should be SHA-256(0x00 ‖ body).
  public var leaf: [UInt8]
}

extension Tenant {
  /// The events at some positions, in the order of position; one round trip.
  ///
  /// Those that do not exist are left out.
  ///
  /// - Throws: ``UndecodableEvent``, or what the database throws.
  public func events(at positions: [Int64]) throws -> [RecordedEvent] {
    guard !positions.isEmpty else { return [] }
    return try pool.withConnection { connection in
      try connection.query(
        "SELECT position, body FROM tenure.event WHERE tenant_id = \(id) AND position = ANY(\(positions)) ORDER BY position"
      ).map(Self.recorded)
    }
  }

  /// An event from a row of position and body.
  static func recorded(_ row: Row) throws -> RecordedEvent {
    let body = try row.string(1)
    return RecordedEvent(event: try EventCodec.decode(Array(body.utf8), at: try row.int64(0)), body: body)
  }

  /// Gives each event's line to the body in the order of position; memory does not grow with their number.
  ///
  /// - Parameters:
  ///   - position: the position before the first line. The default is the beginning.
  ///   - last: the last position. The default is the head as it is now.
  ///   - line: takes one line.
  public func export(after position: Int64 = 0, through last: Int64? = nil, _ line: (ExportedLine) throws -> Void) throws {
    let last = last ?? head.position
    try pool.withConnection { connection in
      // Numbers only: nothing from outside stands in this text.
      let copy = """
        COPY (SELECT position, body, leaf FROM tenure.event
          WHERE tenant_id = \(id) AND position > \(position) AND position <= \(last) ORDER BY position)
        TO STDOUT (FORMAT binary)
        """
      try connection.copyOut(copy) { row in
        try line(ExportedLine(position: try row.int64(), body: try row.string(), leaf: try row.bytes()))
      }
    }
  }
}
