/// What went wrong between Tenure and PostgreSQL.
///
/// The description holds the server's primary message only: never a bind value, and never the DETAIL field, which quotes rows.
public struct PostgresError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The family of a failure; what a caller switches over.
  public enum Code: String, Hashable, Sendable {
    /// No connection could be made: wrong address, refused, not authorised, or no answer in time.
    case connectionFailed
    /// A connection that had been open is gone; see ``PostgresError/commitOutcomeUnknown``.
    case connectionLost
    /// The server refused or failed the statement; ``PostgresError/sqlState`` says why.
    case server
    /// The server cancelled the statement, because of ``Connection/cancel()`` or of its `statement_timeout` (SQLSTATE 57014).
    case cancelled
    /// A lock was not to be had within `lock_timeout`, or at once with NOWAIT (SQLSTATE 55P03).
    case timedOut
    /// Bytes arrived that do not follow the protocol or the binary format of their type.
    case protocolViolation
    /// No connection of the pool became free within the limit.
    case poolExhausted
    /// The pool was closed.
    case poolClosed
    /// A value or statement that cannot be sent, or a column that does not hold what was asked for.
    case badValue
  }

  /// The family of the failure.
  public var code: Code
  /// PostgreSQL's five-character error code; `nil` where the failure did not come from the server.
  public var sqlState: String?
  /// The server's primary message, or ours: lower case, without a full stop.
  public var message: String
  /// The constraint that was violated; `nil` where none was.
  public var constraint: String?
  /// The table concerned, where the server names it.
  public var table: String?
  /// The column concerned, where the server names it.
  public var column: String?
  /// True if the connection broke after a command that commits was sent: it may or may not have taken effect.
  public var commitOutcomeUnknown = false

  init(_ code: Code, _ message: String, sqlState: String? = nil) {
    self.code = code
    self.sqlState = sqlState
    self.message = message
  }

  /// True if the same transaction, run again from its beginning, may well succeed and cannot take effect twice.
  public var isRetryable: Bool {
    if commitOutcomeUnknown { return false }
    switch code {
    case .connectionFailed, .connectionLost, .poolExhausted, .timedOut: return true
    case .server:
      guard let sqlState else { return false }
      return sqlState.hasPrefix("40") || sqlState.hasPrefix("53") || sqlState == "57P03"
    case .cancelled, .protocolViolation, .poolClosed, .badValue: return false
    }
  }

  /// One line for a log: family, message, SQLSTATE and constraint.
  public var description: String {
    var line = "\(phrase): \(message)"
    if let sqlState { line += " (SQLSTATE \(sqlState))" }
    if let constraint { line += " [constraint \(constraint)]" }
    if commitOutcomeUnknown { line += "; whether the change was committed is unknown" }
    return line
  }

  private var phrase: String {
    switch code {
    case .connectionFailed: "cannot connect to PostgreSQL"
    case .connectionLost: "connection to PostgreSQL lost"
    case .server: "PostgreSQL refused the statement"
    case .cancelled: "PostgreSQL cancelled the statement"
    case .timedOut: "PostgreSQL waited too long for a lock"
    case .protocolViolation: "unexpected bytes from PostgreSQL"
    case .poolExhausted: "no database connection became free"
    case .poolClosed: "the connection pool is closed"
    case .badValue: "value does not fit PostgreSQL"
    }
  }
}
