import Glibc
import Synchronization

/// A PostgreSQL of Tenure's own, in a data directory, shared by all processes that use the directory.
///
/// The first to open it makes and starts it, the last to close it stops it. Starting and stopping happen under an exclusive lock on
/// `lock.start`; each user holds a shared lock on `lock.use` for its life, so that a process killed leaves no trace but a running
/// server, which the next to open adopts. It is reached through a Unix socket in a private folder only.
public final class EmbeddedServer: Sendable {
  /// The database superuser.
  public static let superuser = "postgres"
  /// Seconds to wait for another process to finish starting or stopping; it may be recovering from a crash.
  public static let lockSeconds = 600
  /// Seconds for a start, while the server lives: recovery after a crash replays what the last checkpoint did not cover.
  public static let startSeconds = 600
  /// Seconds for a shutdown, whose checkpoint writes what is still in memory.
  public static let stopSeconds = 120
  /// Starts tried after a crash: the dead server's sessions may need a moment to notice and leave its memory.
  static let maximumStarts = 20
  /// Between two such starts.
  static let restartMicroseconds: UInt32 = 250_000
  /// How often a starting server is asked whether it is ready.
  private static let readinessMicroseconds: UInt32 = 20_000

  /// The folder with the server's socket, what PostgreSQL's programs take as `--host`.
  public let socketDirectory: String
  private let cluster: DatabaseCluster
  private let use: Mutex<FileLock?>

  /// Opens the server of a data directory, making and starting it if need be; returns when it takes connections.
  ///
  /// Takes about two seconds the first time, a fraction of one to start, a few milliseconds when it runs.
  /// - Parameters:
  ///   - dataDirectory: Made if missing; the database is in `postgres` below it, the server's log beside it.
  ///   - progress: Told what is being waited for, if it may take long. The default drops it.
  public init(dataDirectory: String, progress: (String) -> Void = { _ in }) throws(EmbeddedServerError) {
    cluster = try DatabaseCluster(dataDirectory: dataDirectory)
    let start = try FileLock(path: cluster.dataDirectory + "/lock.start")
    let locked = start.lock(.exclusive, withinSeconds: Self.lockSeconds) {
      progress("waiting for another process to start or stop PostgreSQL")
    }
    guard locked else {
      throw EmbeddedServerError(.timedOut, "another process held `lock.start` for \(Self.lockSeconds) seconds")
    }
    let lock = try FileLock(path: cluster.dataDirectory + "/lock.use")
    // Taken exclusively under `lock.start` only, which we hold.
    guard lock.tryLock(.shared) else {
      throw EmbeddedServerError(.dataDirectory, "`lock.use` is held by something other than Tenure")
    }
    socketDirectory = try Self.socketOfRunningServer(cluster, lock, progress)
    use = Mutex(lock)
  }

  deinit {
    close()
  }

  /// A connection string for this server.
  ///
  /// - Parameters:
  ///   - user: The default is the superuser.
  ///   - database: The default is `postgres`, which always exists.
  public func conninfo(user: String = EmbeddedServer.superuser, database: String = "postgres") -> String {
    Self.conninfo(socketDirectory, user: user, database: database)
  }

  /// Starts the server again where it has died, for instance killed or stopped by a full disk; does nothing where it runs.
  ///
  /// A dead server is also reaped where this process had started it. Blocks while it starts.
  public func revive() throws(EmbeddedServerError) {
    if Postmaster(runningOn: cluster.directory) != nil { return }
    // Another user of the same directory: it starts the server at the noted socket, and leaves it to us when it is released.
    try EmbeddedServer(dataDirectory: cluster.dataDirectory).close()
  }

  /// Makes a database unless it exists.
  public func ensureDatabase(_ name: String) throws(PostgresError) {
    let connection = try Connection(conninfo())
    guard try connection.query("SELECT FROM pg_database WHERE datname = \(name)").isEmpty else { return }
    do throws(PostgresError) {
      try connection.run("CREATE DATABASE \(identifier: name)")
    } catch  where error.sqlState == "42P04" || error.sqlState == "23505" {
      // Another process made it meanwhile.
    }
  }

  /// Leaves the server; if nobody else uses it, stops it.
  ///
  /// Called by itself when released; a second call does nothing.
  public func close() {
    guard let lock = use.withLock({ $0.take() }) else { return }
    // If the lock cannot be had, somebody is starting: the server goes on, and whoever closes after us stops it.
    guard let start = try? FileLock(path: cluster.dataDirectory + "/lock.start"),
      start.lock(.exclusive, withinSeconds: Self.lockSeconds)
    else { return }
    guard lock.tryLock(.exclusive), let postmaster = Postmaster(runningOn: cluster.directory) else { return }
    guard postmaster.stop(on: cluster.directory, withinSeconds: Self.stopSeconds) else { return }
    SocketDirectory.remove(notedIn: cluster.socketNote)
  }

  /// Releases the lock and leaves the server running, as a killed process would; for tests.
  func abandon() {
    use.withLock { $0 = nil }
  }
}

// MARK: Starting, under `lock.start`
extension EmbeddedServer {
  private static func socketOfRunningServer(
    _ cluster: DatabaseCluster, _ use: borrowing FileLock, _ progress: (String) -> Void
  ) throws(EmbeddedServerError) -> String {
    if let running = Postmaster(runningOn: cluster.directory) {
      if let socket = try adopt(running, cluster, use, progress) { return socket }
    }
    let programs = try ServerPrograms.find(majorVersion: cluster.majorVersion)
    let user = try ServerUser.forData(at: cluster.directory)
    if cluster.majorVersion == nil {
      progress("making a new PostgreSQL database in \(cluster.directory)")
      try cluster.initialize(with: programs, as: user)
    }
    return try start(cluster, programs, user, progress)
  }

  /// Waits until a server found running takes connections; `nil` if it ended instead.
  private static func adopt(
    _ postmaster: Postmaster, _ cluster: DatabaseCluster, _ use: borrowing FileLock, _ progress: (String) -> Void
  ) throws(EmbeddedServerError) -> String? {
    let socket = postmaster.socketDirectory
    if FileFacts("\(socket)/\(SocketDirectory.socketName)") == nil {
      return try replaceUnreachable(postmaster, cluster, use)
    }
    let isReady = try waitUntilReady(socket, progress) { postmaster.isAlive(on: cluster.directory) }
    return isReady ? socket : nil
  }

  /// Stops a server whose socket was deleted, so that it can be started with another; always `nil`.
  private static func replaceUnreachable(
    _ postmaster: Postmaster, _ cluster: DatabaseCluster, _ use: borrowing FileLock
  ) throws(EmbeddedServerError) -> String? {
    let isAlone = use.tryLock(.exclusive)
    // The attempt gave up the lock held before (`flock(2)`); nobody takes an exclusive one while we hold `lock.start`.
    _ = use.tryLock(.shared)
    guard isAlone else {
      throw EmbeddedServerError(
        .startFailed, "the server's socket in `\(postmaster.socketDirectory)` was deleted while others use it; end them first")
    }
    guard postmaster.stop(on: cluster.directory, withinSeconds: stopSeconds) else {
      throw EmbeddedServerError(.timedOut, "process \(postmaster.processID) did not stop in \(stopSeconds) seconds")
    }
    return nil
  }

  private static func start(
    _ cluster: DatabaseCluster, _ programs: ServerPrograms, _ user: ServerUser, _ progress: (String) -> Void
  ) throws(EmbeddedServerError) -> String {
    let socket = try SocketDirectory.open(notedIn: cluster.socketNote, for: user)
    let command = try user.command(
      cluster.serverCommand(programs, socketDirectory: socket), reaching: [cluster.directory, socket])
    let hadCrashed = FileFacts(cluster.directory + "/postmaster.pid") != nil
    var attempt = 1
    while true {
      // Looking at the dead one reaps it if it was our child: to the new server a corpse would be alive.
      _ = Postmaster(runningOn: cluster.directory)
      let output = try cluster.openLog()
      defer { Glibc.close(output) }
      let child = try ChildProcess(command, outputDescriptor: output)
      var status: Int32?
      let isReady = try waitUntilReady(socket, progress) {
        status = child.exitStatus()
        return status == nil
      }
      if isReady { return socket }
      guard hadCrashed, attempt < maximumStarts else {
        SocketDirectory.remove(notedIn: cluster.socketNote)
        throw EmbeddedServerError(
          .startFailed, "the server ended with status \(status ?? 0); see `\(cluster.log)`: \(cluster.lastLogLine())")
      }
      attempt += 1
      usleep(restartMicroseconds)
    }
  }

  /// Asks until the server is ready; false if it ended.
  private static func waitUntilReady(
    _ socket: String, _ progress: (String) -> Void, while isAlive: () -> Bool
  ) throws(EmbeddedServerError) -> Bool {
    let conninfo = conninfo(socket, user: superuser, database: "postgres")
    let began = ContinuousClock.now
    var nextReport = Duration.seconds(5)
    while true {
      if Postmaster.ask(conninfo) == .ready { return true }
      guard isAlive() else { return false }
      let waited = ContinuousClock.now - began
      guard waited < .seconds(startSeconds) else {
        throw EmbeddedServerError(.timedOut, "the server was not ready after \(startSeconds) seconds")
      }
      if waited >= nextReport {
        progress("PostgreSQL is starting, perhaps recovering from a crash, for \(waited.components.seconds) s")
        nextReport += .seconds(5)
      }
      usleep(readinessMicroseconds)
    }
  }

  private static func conninfo(_ socket: String, user: String, database: String) -> String {
    "host=\(quoted(socket)) port=5432 user=\(quoted(user)) dbname=\(quoted(database))"
  }

  /// A value in a keyword string: quoted, with quotes and backslashes escaped (libpq, "Keyword/Value Connection Strings").
  private static func quoted(_ value: String) -> String {
    var quoted = "'"
    for character in value.unicodeScalars {
      if character == "'" || character == "\\" { quoted.unicodeScalars.append("\\") }
      quoted.unicodeScalars.append(character)
    }
    return quoted + "'"
  }
}
