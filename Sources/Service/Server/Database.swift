import Dispatch
import Foundation
import Postgres
import Schema

/// Where the log lives.
public enum DatabasePlace: Hashable, Sendable {
  /// An embedded PostgreSQL in this data directory.
  case embedded(dataDirectory: String)
  /// A PostgreSQL that others run, as a libpq connection string or URI.
  case external(String)
}

/// A failure to open the database, with what to do about it.
public struct DatabaseError: Error, Hashable, Sendable, CustomStringConvertible {
  /// One sentence.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// An opened database: embedded ones are started, made and migrated on the way, and stop with their last user.
public final class Database: Sendable {
  /// The name of the embedded database.
  private static let name = "tenure"
  /// The role that every process works as.
  private static let role = "tenure_service"

  /// How to connect as the service.
  public let conninfo: String
  private let server: EmbeddedServer?

  /// Opens a database; an external one is never migrated here, `migrate` does that.
  ///
  /// - Parameter progress: told what takes long, for instance the making of a new cluster.
  public init(_ place: DatabasePlace, progress: @escaping (String) -> Void = { _ in }) throws {
    switch place {
    case .external(let conninfo):
      self.conninfo = conninfo
      server = nil
    case .embedded(let directory):
      let server = try EmbeddedServer(dataDirectory: directory, progress: progress)
      try server.ensureDatabase(Self.name)
      let migrator = try Connection(server.conninfo(database: Self.name))
      for name in try Schema.migrate(migrator) { progress("migrated \(name)") }
      conninfo = server.conninfo(user: Self.role, database: Self.name)
      self.server = server
    }
  }

  /// Migrates an external database, connected as its owner or a superuser; answers the migrations applied now.
  public static func migrate(_ conninfo: String) throws -> [String] {
    try Schema.migrate(try Connection(conninfo))
  }

  /// Looks every now and then whether an embedded server still runs, and starts it again where it has died.
  ///
  /// For processes that stay; ends when the watch is released.
  public func watch(_ report: @escaping @Sendable (String) -> Void) -> DatabaseWatch? {
    server.map { DatabaseWatch($0, report) }
  }

  /// Releases an embedded server; the last one out stops it.
  public func close() { server?.close() }

  /// The data directory unless one is named: `$XDG_DATA_HOME/tenure`, else `~/.local/share/tenure`.
  ///
  /// Source: the XDG Base Directory Specification, where a relative path counts as unset.
  public static func defaultDataDirectory(_ environment: [String: String]) throws -> String {
    if let base = environment["XDG_DATA_HOME"], base.hasPrefix("/") { return base + "/tenure" }
    guard let home = environment["HOME"], home.hasPrefix("/") else {
      throw DatabaseError("neither XDG_DATA_HOME nor HOME is set; name a data directory with --data DIR")
    }
    return home + "/.local/share/tenure"
  }
}

/// The watch over an embedded server.
public final class DatabaseWatch {
  /// Between two looks: a dead server is noticed before most clients give up, and a look costs a system call or two.
  private static let everySeconds = 1

  private let timer: any DispatchSourceTimer

  init(_ server: EmbeddedServer, _ report: @escaping @Sendable (String) -> Void) {
    let timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "tenure.database.watch"))
    timer.schedule(deadline: .now() + .seconds(Self.everySeconds), repeating: .seconds(Self.everySeconds))
    timer.setEventHandler {
      do throws(EmbeddedServerError) { try server.revive() } catch { report("\(error)") }
    }
    timer.resume()
    self.timer = timer
  }

  deinit { timer.cancel() }
}
