/// Why a database cannot be migrated or used.
public struct SchemaError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, stable for programs.
  public enum Code: String, Hashable, Sendable {
    /// The database has migrations that this program does not know.
    case writtenByNewerVersion = "written_by_newer_version"
    /// The database lacks migrations that this program needs.
    case migrationMissing = "migration_missing"
    /// A migration was applied with another text than this program has.
    case migrationChanged = "migration_changed"
    /// The session is a superuser's, whom no privilege binds.
    case superuser
    /// The database's encoding is not UTF8.
    case encoding
    /// A setting would let an acknowledged event be lost.
    case durability
  }

  /// What is wrong.
  public let code: Code
  /// One sentence: what is wrong and what to do.
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  /// The message.
  public var description: String { message }
}
