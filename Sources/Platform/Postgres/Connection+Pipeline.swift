import CPostgres
import Glibc

extension Connection {
  /// All results of a pipeline are held until its end, and the server's locks too; more belongs in a COPY.
  public static let maximumPipelineStatements = 10_000

  /// Runs statements in one round trip and returns the rows of each.
  ///
  /// Outside a transaction they are one: all take effect or none does. If one fails, those after it are not run, the first
  /// error is thrown, and the connection can be used again.
  public func pipeline(_ statements: [SQL]) throws(PostgresError) -> [Rows] {
    try results(of: send(pipeline: statements))
  }

  /// A pipeline that was sent and whose results were not read yet.
  public struct SentPipeline: Sendable {
    fileprivate let steps: [Step]
  }

  /// Sends statements as ``pipeline(_:)`` does, without waiting for their results.
  ///
  /// The connection is taken until ``results(of:)`` has read them, which another thread may do.
  public func send(pipeline statements: [SQL]) throws(PostgresError) -> SentPipeline {
    guard statements.count <= Self.maximumPipelineStatements else {
      throw PostgresError(
        .badValue, "a pipeline of \(statements.count) statements is over the limit of \(Self.maximumPipelineStatements)")
    }
    for statement in statements { if let defect = statement.defect { throw defect } }
    guard !statements.isEmpty else { return SentPipeline(steps: []) }
    try begin()
    guard unsafe PQenterPipelineMode(handle) == 1 else { throw failure(nil, mayHaveCommitted: false) }
    // Non-blocking: were both sides to block on sending, neither would ever read (libpq manual, "Pipeline Mode").
    unsafe PQsetnonblocking(handle, 1)
    do throws(PostgresError) {
      return SentPipeline(steps: try send(statements))
    } catch {
      leavePipelineMode()
      throw error
    }
  }

  /// Waits for the results of a pipeline that was sent; to be called once.
  public func results(of sent: SentPipeline) throws(PostgresError) -> [Rows] {
    guard !sent.steps.isEmpty else { return [] }
    defer { leavePipelineMode() }
    return try receive(sent.steps)
  }

  private func leavePipelineMode() {
    unsafe PQsetnonblocking(handle, 0)
    unsafe PQexitPipelineMode(handle)
  }

  /// One command in the pipeline.
  fileprivate enum Step: Sendable {
    case prepare(SQL, name: String)
    case run(SQL)
  }

  private func send(_ batch: [SQL]) throws(PostgresError) -> [Step] {
    var steps: [Step] = []
    var fresh: [StatementCache.Key: String] = [:]
    for statement in batch {
      var name = statements.name(for: statement.key) ?? fresh[statement.key]
      if name == nil {
        let new = statements.newName()
        fresh[statement.key] = new
        name = new
        try queued(unsafe PQsendPrepare(handle, new, statement.text, Int32(statement.types.count), statement.types))
        steps.append(.prepare(statement, name: new))
      }
      try queued(
        unsafe statement.withParameters { count, values, lengths, formats in
          unsafe PQsendQueryPrepared(handle, name, count, values, lengths, formats, 1)
        })
      steps.append(.run(statement))
    }
    try queued(unsafe PQpipelineSync(handle))
    try flush()
    return steps
  }

  private func queued(_ outcome: Int32) throws(PostgresError) {
    guard outcome == 1 else { throw brokenPipeline() }
  }

  /// Sends all that is queued, reading what arrives meanwhile.
  private func flush() throws(PostgresError) {
    while true {
      let left = unsafe PQflush(handle)
      if left == 0 { return }
      guard left == 1, try wait(for: Int16(POLLIN | POLLOUT), milliseconds: -1) else { throw brokenPipeline() }
      guard unsafe PQconsumeInput(handle) == 1 else { throw brokenPipeline() }
    }
  }

  /// Half a pipeline cannot be taken back: the connection is given up.
  private func brokenPipeline() -> PostgresError {
    var error = failure(nil, mayHaveCommitted: true)
    error.code = .connectionLost
    error.commitOutcomeUnknown = true
    abandon()
    return error
  }

  private func receive(_ steps: [Step]) throws(PostgresError) -> [Rows] {
    var rows: [Rows] = []
    var first: PostgresError?
    for step in steps {
      let outcome = unsafe PQgetResult(handle).map { unsafe QueryResult($0) }
      guard let outcome else { throw brokenPipeline() }
      if outcome.status == PGRES_COPY_IN || outcome.status == PGRES_COPY_OUT {
        abandon()
        throw PostgresError(.badValue, "COPY cannot be part of a pipeline; the connection was given up")
      }
      // Each command's result is followed by a null.
      while let more = unsafe PQgetResult(handle) { unsafe PQclear(more) }
      switch (outcome.status, step) {
      case (PGRES_TUPLES_OK, .run), (PGRES_COMMAND_OK, .run), (PGRES_EMPTY_QUERY, .run): rows.append(Rows(outcome))
      case (PGRES_COMMAND_OK, .prepare(let statement, let name)): remember(statement, name: name)
      case (PGRES_PIPELINE_ABORTED, _): continue
      default:
        let error = failure(outcome, mayHaveCommitted: true)
        if case .run(let statement) = step, error.meansStalePlan { forget(statement) }
        if first == nil { first = error }
      }
      guard isOpen else { throw first ?? brokenPipeline() }
    }
    let sync = unsafe PQgetResult(handle).map { unsafe QueryResult($0) }
    if sync?.status != PGRES_PIPELINE_SYNC {
      let error = sync.map { failure($0, mayHaveCommitted: true) }
      throw first ?? error ?? brokenPipeline()
    }
    if let first { throw first }
    return rows
  }
}
