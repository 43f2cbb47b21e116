public import EventLog
import FoundationEssentials
import Glibc
public import Postgres
import Schema
import Synchronization

/// A PostgreSQL of the test process's own, migrated; every test makes tenants of its own in it.
public enum ScratchDatabase {
  private static let server = Mutex<EmbeddedServer?>(nil)
  private static let nextTenant = Atomic<Int>(0)

  /// The connection string of the service role; the first call starts the server, the end of the process stops and removes it.
  public static func conninfo(user: String = "tenure_service") throws -> String {
    try server.withLock { server in
      if let server { return server.conninfo(user: user, database: "tenure") }
      let folder = FileManager.default.temporaryDirectory.appending(path: "tenure-store-test-\(UUID().uuidString)").path
      let started = try EmbeddedServer(dataDirectory: folder)
      try started.ensureDatabase("tenure")
      _ = try Schema.migrate(Connection(started.conninfo(database: "tenure")))
      server = started
      folderToRemove.withLock { $0 = folder }
      atexit { ScratchDatabase.stop() }
      return started.conninfo(user: user, database: "tenure")
    }
  }

  private static let folderToRemove = Mutex<String?>(nil)

  private static func stop() {
    server.withLock { server in
      server?.close()
      server = nil
    }
    if let folder = folderToRemove.withLock({ $0 }) { try? FileManager.default.removeItem(atPath: folder) }
  }

  /// A connection of the service role.
  public static func connect() throws -> Connection { try Connection(conninfo()) }

  /// A connection of the superuser, for what nobody else may do.
  public static func connectAsSuperuser() throws -> Connection {
    try Connection(conninfo(user: EmbeddedServer.superuser))
  }

  /// The store of one more process.
  public static func store(_ settings: EventStore.Settings = EventStore.Settings()) throws -> EventStore {
    try EventStore(conninfo(), settings: settings)
  }

  /// A name that no other test's tenant has.
  public static func tenantName() -> String {
    "test-\(nextTenant.add(1, ordering: .relaxed).newValue)"
  }
}
