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
    try connection.copyOut(Self.copy(of: tenant, through: last)) { row in
      let position = try row.int64()
      guard position == graph.appliedPosition + 1 else {
        throw EventLogError.gap(expected: graph.appliedPosition + 1, found: position)
      }
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
    guard graph.appliedPosition == last else {
      throw EventLogError.gap(expected: graph.appliedPosition + 1, found: last + 1)
    }
    graph.publish()
    return graph
  }

  /// Numbers only: nothing from outside stands in this text.
  private static func copy(of tenant: Int32, through last: Int64) -> String {
    """
    COPY (SELECT position, body FROM tenure.event WHERE tenant_id = \(tenant) AND position <= \(last) ORDER BY position)
    TO STDOUT (FORMAT binary)
    """
  }
}
