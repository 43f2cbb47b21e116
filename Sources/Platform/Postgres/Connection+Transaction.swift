import CPostgres

/// How much a transaction sees of others that run at the same time ("Transaction Isolation" in PostgreSQL's manual).
public enum Isolation: String, Sendable {
  /// Each statement sees what was committed before it began.
  case readCommitted = "READ COMMITTED"
  /// All statements see what was committed before the first began.
  case repeatableRead = "REPEATABLE READ"
  /// As if transactions ran one after another; fails with SQLSTATE 40001 where they cannot have, and is then run again.
  case serializable = "SERIALIZABLE"
}

extension Connection {
  /// Runs the body in a transaction: committed when the body returns, rolled back when it throws.
  ///
  /// Two round trips more than the body's. Transactions do not nest: a transaction within one is a programmer error and traps.
  /// - Parameters:
  ///   - isolation: The default is `.readCommitted`.
  ///   - readOnly: True to have the server refuse changes. The default is false.
  /// - Throws: What the body threw; or ``PostgresError``. If the connection is lost while committing, the code is
  ///   `.connectionLost` and ``PostgresError/commitOutcomeUnknown`` is true. If the body swallowed an error that had made the
  ///   server abort the transaction, SQLSTATE 25P02.
  public func transaction<T>(
    _ isolation: Isolation = .readCommitted, readOnly: Bool = false, _ body: (Connection) throws -> T
  ) throws -> T {
    precondition(!isInTransaction, "a transaction was begun within a transaction")
    try command("BEGIN ISOLATION LEVEL \(isolation.rawValue)\(readOnly ? " READ ONLY" : "")")
    let value: T
    do {
      value = try body(self)
    } catch {
      // If this fails the connection is lost, and the server rolls back by itself; the body's error says why.
      if isOpen, isInTransaction { try? command("ROLLBACK") }
      throw error
    }
    try begin()
    let result = try unsafe checked(PQexec(handle, "COMMIT"), mayHaveCommitted: true)
    // PostgreSQL answers COMMIT of a failed transaction with success and the tag ROLLBACK.
    guard result.commandTag == "COMMIT" else {
      throw PostgresError(.server, "the transaction was rolled back, for a statement in it had failed", sqlState: "25P02")
    }
    return value
  }

  private func command(_ text: String) throws(PostgresError) {
    try begin()
    _ = try unsafe checked(PQexec(handle, text), mayHaveCommitted: false)
  }
}
