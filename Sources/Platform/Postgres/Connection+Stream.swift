import CPostgres

extension Connection {
  /// Runs a query and gives each row to the body as it arrives; memory does not grow with the number of rows.
  ///
  /// If the body throws, the query is cancelled, which also fails a transaction that is open, and the body's error is thrown.
  public func queryStreaming(_ statement: SQL, _ row: (Row) throws -> Void) throws {
    let commits = try begin()
    let name = try prepare(statement)
    let sent = unsafe statement.withParameters { count, values, lengths, formats in
      unsafe PQsendQueryPrepared(handle, name, count, values, lengths, formats, 1)
    }
    guard sent == 1 else { throw failure(nil, mayHaveCommitted: false) }
    unsafe PQsetSingleRowMode(handle)
    var thrown: (any Error)?
    while let raw = unsafe PQgetResult(handle) {
      do {
        let result = try unsafe arrived(raw, mayHaveCommitted: commits)
        guard thrown == nil, result.status == PGRES_SINGLE_TUPLE else { continue }
        do {
          try row(Row(result: result, index: 0))
        } catch {
          cancel()
          throw error
        }
      } catch {
        // The first error is the reason; what follows is our own cancelling.
        if thrown == nil { thrown = error }
        guard isOpen else { break }
      }
    }
    guard let thrown else { return }
    if let error = thrown as? PostgresError, error.meansStalePlan { forget(statement) }
    throw thrown
  }

  /// Like `checked`, but a COPY is drained by this loop's own reading.
  private func arrived(_ raw: OpaquePointer, mayHaveCommitted: Bool) throws(PostgresError) -> QueryResult {
    try unsafe checked(raw, mayHaveCommitted: mayHaveCommitted)
  }
}
