import CPostgres

extension Connection {
  /// Sends rows with `COPY … FROM STDIN (FORMAT binary)`.
  ///
  /// If the body throws, or the server refuses a row, nothing is kept, and the connection can be used again.
  /// - Parameters:
  ///   - sql: The COPY statement.
  ///   - body: Writes the rows; memory does not grow with their number.
  /// - Returns: The number of rows.
  /// - Throws: What the body threw, or ``PostgresError``.
  public func copyIn(_ sql: String, _ body: (inout BinaryCopyWriter) throws -> Void) throws -> Int {
    let commits = try startCopy(sql, expecting: PGRES_COPY_IN)
    var writer = BinaryCopyWriter(connection: self)
    do {
      try body(&writer)
      try writer.finish()
    } catch {
      unsafe PQputCopyEnd(handle, "ended by the client")
      drain()
      throw error
    }
    guard unsafe PQputCopyEnd(handle, nil) == 1 else { throw copyFailure(mayHaveCommitted: commits) }
    return try endCopy(mayHaveCommitted: commits)?.affectedRows ?? 0
  }

  /// Receives rows with `COPY … TO STDOUT (FORMAT binary)`; memory does not grow with their number.
  ///
  /// If the body throws, the COPY is cancelled, which also fails a transaction that is open, and the body's error is thrown.
  /// - Parameters:
  ///   - sql: The COPY statement.
  ///   - row: Reads one row's columns in order; those it leaves are skipped.
  public func copyOut(_ sql: String, _ row: (inout BinaryCopyReader) throws -> Void) throws {
    let commits = try startCopy(sql, expecting: PGRES_COPY_OUT)
    do {
      try receiveRows(row)
    } catch {
      // Only while it runs: a request that came late could hit the next statement.
      if isBusy { cancel() }
      drain()
      throw error
    }
    try endCopy(mayHaveCommitted: commits)
  }

  private func startCopy(_ sql: String, expecting: ExecStatusType) throws(PostgresError) -> Bool {
    guard !sql.containsNUL else { throw PostgresError(.badValue, "a statement's text contains a NUL character (U+0000)") }
    let commits = try begin()
    guard let raw = unsafe PQexec(handle, sql) else { throw failure(nil, mayHaveCommitted: false) }
    let result = unsafe QueryResult(raw)
    guard result.status == expecting, unsafe PQbinaryTuples(result.handle) == 1 else {
      let isCopy = result.status == PGRES_COPY_IN || result.status == PGRES_COPY_OUT
      guard isCopy || result.status == PGRES_COMMAND_OK || result.status == PGRES_TUPLES_OK else {
        throw failure(result, mayHaveCommitted: false)
      }
      drain()
      throw PostgresError(.badValue, "the statement is not a COPY in this direction with (FORMAT binary)")
    }
    return commits
  }

  /// Reads the command's own result, after which the connection is free again.
  @discardableResult
  private func endCopy(mayHaveCommitted: Bool) throws(PostgresError) -> QueryResult? {
    var last: QueryResult?
    var first: PostgresError?
    while let raw = unsafe PQgetResult(handle) {
      do throws(PostgresError) {
        last = try unsafe checked(raw, mayHaveCommitted: mayHaveCommitted)
      } catch {
        if first == nil { first = error }
      }
      guard isOpen else { break }
    }
    if let first { throw first }
    return last
  }

  /// Sends part of the stream.
  func send(copyData bytes: [UInt8]) throws(PostgresError) {
    let outcome = unsafe bytes.withUnsafeBytes { raw in
      unsafe PQputCopyData(handle, raw.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(raw.count))
    }
    guard outcome == 1 else { throw copyFailure(mayHaveCommitted: false) }
  }

  /// Why the server no longer takes data: its own error if it sent one.
  private func copyFailure(mayHaveCommitted: Bool) -> PostgresError {
    do throws(PostgresError) {
      try endCopy(mayHaveCommitted: mayHaveCommitted)
    } catch {
      return error
    }
    return failure(nil, mayHaveCommitted: mayHaveCommitted)
  }

  private func receiveRows(_ row: (inout BinaryCopyReader) throws -> Void) throws {
    var isFirst = true
    var isComplete = false
    while true {
      var buffer: UnsafeMutablePointer<CChar>?
      let length = unsafe PQgetCopyData(handle, &buffer, 0)
      if length == -2 { throw failure(nil, mayHaveCommitted: false) }
      guard length >= 0, let buffer = unsafe buffer else { break }
      defer { unsafe PQfreemem(buffer) }
      var reader = unsafe BinaryCopyReader(UnsafeRawBufferPointer(start: buffer, count: Int(length)))
      if isFirst { try reader.skipHeader() }
      isFirst = false
      // The server sends the header with the first row, and each row and the trailer as a message of their own.
      while try reader.startRow() {
        try row(&reader)
        try reader.skipRest()
      }
      isComplete = isComplete || reader.sawTrailer
    }
    // Without a trailer an error ended the stream; the command's result tells which.
    if !isComplete, isFirst == false, try endCopy(mayHaveCommitted: false) != nil {
      throw PostgresError(.protocolViolation, "a binary COPY ended without its trailer")
    }
  }
}
