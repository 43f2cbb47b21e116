/// Why the embedded PostgreSQL could not be had.
public struct EmbeddedServerError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The family of a failure; what a caller switches over.
  public enum Code: String, Hashable, Sendable {
    /// PostgreSQL's programs are not installed, or not in the version that made the data.
    case notInstalled
    /// The data directory cannot be made, read, locked or reached by the server's user.
    case dataDirectory
    /// A new database cluster could not be made.
    case initializationFailed
    /// The server did not start.
    case startFailed
    /// Something took longer than its limit.
    case timedOut
  }

  /// The family of the failure.
  public let code: Code
  /// What happened and what to do, lower case, without a full stop.
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message, told to be about the embedded server.
  public var description: String { "embedded PostgreSQL: \(message)" }
}
