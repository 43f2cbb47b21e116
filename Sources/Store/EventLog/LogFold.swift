public import AccessGraph
public import Postgres

/// Folds a tenant's log, from its first event on, into a graph: the definition, as fast as bodies can be read.
public enum LogFold {
  /// The graph of a log, published at a position.
  ///
  /// The usual events go from their bytes into the graph by their outlines; every other is decoded whole, and the decoder is the
  /// judge of what cannot be read.
  ///
  /// - Parameters:
  ///   - tenant: the tenant's number.
  ///   - last: the position to fold through.
  ///   - connection: used for nothing else meanwhile.
  /// - Throws: ``UndecodableEvent``; ``EventLogError/gap(expected:found:)``; `PostgresError`.
  public static func graph(of tenant: Int32, through last: Int64, on connection: Connection) throws -> AccessGraph {
    let graph = AccessGraph()
    try read(tenant, after: 0, through: last, on: connection) { position, row in
      let undone = try row.withText { body -> [UInt8]? in
        guard let outline = EventOutline(scanning: body), outline.position == position else {
          var copy: [UInt8] = []
          for index in 0..<body.count { copy.append(body[index]) }
          return copy
        }
        graph.apply(outline, body)
        return nil
      }
      if let body = undone ?? nil { graph.apply(try EventCodec.decode(body, at: position)) }
    }
    graph.publish()
    return graph
  }

  /// Reads a stretch of a log: calls back with each position and its row, of which the body is still to be read.
  ///
  /// - Throws: ``EventLogError/gap(expected:found:)`` where a position is missing; what the callback throws; `PostgresError`.
  static func read(
    _ tenant: Int32, after position: Int64, through last: Int64, on connection: Connection,
    _ body: (Int64, inout BinaryCopyReader) throws -> Void
  ) throws {
    var expected = position + 1
    // Numbers only: nothing from outside stands in this text.
    let copy = """
      COPY (SELECT position, body FROM tenure.event
        WHERE tenant_id = \(tenant) AND position > \(position) AND position <= \(last) ORDER BY position)
      TO STDOUT (FORMAT binary)
      """
    try connection.copyOut(copy) { row in
      let found = try row.int64()
      guard found == expected else { throw EventLogError.gap(expected: expected, found: found) }
      expected += 1
      try body(found, &row)
    }
    guard expected == last + 1 else { throw EventLogError.gap(expected: expected, found: last + 1) }
  }
}
