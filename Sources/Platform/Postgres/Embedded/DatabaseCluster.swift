import FoundationEssentials
import Glibc

/// The files of an embedded server below its data directory, and how they are made.
struct DatabaseCluster {
  /// Real and absolute.
  let dataDirectory: String

  var directory: String { dataDirectory + "/postgres" }
  var halfMade: String { dataDirectory + "/postgres.new" }
  var log: String { dataDirectory + "/postgres.log" }
  var socketNote: String { dataDirectory + "/postgres.socket" }

  /// Seconds for initdb, which takes one or two; a slow disk gets time.
  static let initializationSeconds = 120
  /// A log larger than this is put aside when the server starts, replacing the one put aside before.
  static let maximumLogBytes = 16 * 1024 * 1024

  /// Makes the data directory if need be.
  ///
  /// One that root makes may be passed by the server's user, but not listed; what is in it is closed by itself.
  init(dataDirectory: String) throws(EmbeddedServerError) {
    do {
      try FileManager.default.createDirectory(
        atPath: dataDirectory, withIntermediateDirectories: true,
        attributes: [.posixPermissions: geteuid() == 0 ? 0o711 : 0o700])
    } catch {
      throw EmbeddedServerError(.dataDirectory, "cannot make the data directory `\(dataDirectory)`")
    }
    guard let real = unsafe realpath(dataDirectory, nil) else {
      throw EmbeddedServerError(.dataDirectory, "cannot open the data directory `\(dataDirectory)`: \(describe(errno))")
    }
    defer { unsafe free(real) }
    self.dataDirectory = unsafe String(cString: real)
  }

  /// The major version that made the data; `nil` if there is none yet.
  var majorVersion: String? {
    readSmallFile(directory + "/PG_VERSION").map { String($0.prefix { !$0.isNewline }) }
  }

  /// Makes the cluster: beside its place, then moved there, so that half a cluster is never taken for a whole one.
  func initialize(with programs: ServerPrograms, as user: ServerUser) throws(EmbeddedServerError) {
    try removeHalfMade()
    guard unsafe mkdir(halfMade, 0o700) == 0 else {
      throw EmbeddedServerError(.dataDirectory, "cannot make `\(halfMade)`: \(describe(errno))")
    }
    do throws(EmbeddedServerError) {
      try user.own(halfMade)
      try runInitdb(programs, user)
      try appendSettings()
      guard unsafe rename(halfMade, directory) == 0 else {
        throw EmbeddedServerError(.dataDirectory, "cannot move `\(halfMade)` into place: \(describe(errno))")
      }
    } catch {
      try? removeHalfMade()
      throw error
    }
  }

  private func runInitdb(_ programs: ServerPrograms, _ user: ServerUser) throws(EmbeddedServerError) {
    let output = try openLog()
    defer { close(output) }
    // Collation C: sorting by code point, the same on every machine for good; case mapping knows all of Unicode.
    let command = [
      programs.initdb, "--pgdata=" + halfMade, "--username=" + EmbeddedServer.superuser, "--encoding=UTF8", "--locale=C",
      "--lc-ctype=C.UTF-8", "--auth=trust", "--data-checksums",
    ]
    let child = try ChildProcess(try user.command(command, reaching: [halfMade]), outputDescriptor: output)
    switch child.wait(seconds: Self.initializationSeconds) {
    case 0: return
    case nil:
      throw EmbeddedServerError(.timedOut, "initdb took longer than \(Self.initializationSeconds) seconds; see `\(log)`")
    case let status?:
      throw EmbeddedServerError(.initializationFailed, "initdb ended with status \(status); see `\(log)`: \(lastLogLine())")
    }
  }

  /// Settings that an operator may change, in the file where one looks for them; what must hold is on the command line.
  private func appendSettings() throws(EmbeddedServerError) {
    let settings = """

      # Written by Tenure when it made this cluster.
      fsync = on
      full_page_writes = on
      synchronous_commit = on
      # Each tenant that appends has one of its own; those that are not used cost next to nothing.
      max_connections = 300
      shared_buffers = 256MB
      work_mem = 16MB
      maintenance_work_mem = 256MB
      wal_compression = on
      max_wal_size = 2GB
      # So much of the write-ahead log is used again and not made anew: an append would wait for 16 MB of zeros.
      min_wal_size = 512MB
      # Pages are written before an append needs their room; with the usual 500 a second it would write them itself.
      bgwriter_delay = 20ms
      bgwriter_lru_maxpages = 400
      random_page_cost = 1.1
      jit = off
      timezone = 'UTC'
      log_timezone = 'UTC'
      log_checkpoints = off
      # A failed statement's text can hold personal values; the log names the error only.
      log_min_error_statement = panic

      """
    let file = unsafe open(halfMade + "/postgresql.conf", O_WRONLY | O_APPEND | O_CLOEXEC)
    guard file >= 0 else {
      throw EmbeddedServerError(.initializationFailed, "cannot write postgresql.conf: \(describe(errno))")
    }
    defer { close(file) }
    let bytes = Array(settings.utf8)
    let written = unsafe bytes.withUnsafeBytes { unsafe write(file, $0.baseAddress, $0.count) }
    guard written == bytes.count, fsync(file) == 0 else {
      throw EmbeddedServerError(.initializationFailed, "cannot write postgresql.conf: \(describe(errno))")
    }
  }

  private func removeHalfMade() throws(EmbeddedServerError) {
    guard FileFacts(halfMade) != nil else { return }
    do {
      try FileManager.default.removeItem(atPath: halfMade)
    } catch {
      throw EmbeddedServerError(.dataDirectory, "cannot remove `\(halfMade)`, left by an earlier start")
    }
  }

  /// The command line of the server: reached through the private socket only.
  func serverCommand(_ programs: ServerPrograms, socketDirectory: String) -> [String] {
    [
      programs.postgres, "-D", directory, "-c", "listen_addresses=", "-c", "unix_socket_directories=" + socketDirectory,
      "-c", "unix_socket_permissions=0700", "-c", "port=5432", "-c", "logging_collector=off", "-c", "log_destination=stderr",
    ]
  }

  /// Opens the log for appending, putting a large one aside.
  func openLog() throws(EmbeddedServerError) -> Int32 {
    var facts = stat()
    if unsafe stat(log, &facts) == 0, facts.st_size > Self.maximumLogBytes { unsafe rename(log, log + ".1") }
    let descriptor = unsafe open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else {
      throw EmbeddedServerError(.dataDirectory, "cannot open `\(log)`: \(describe(errno))")
    }
    return descriptor
  }

  /// What PostgreSQL said last, for an error's message.
  func lastLogLine() -> String {
    guard let bytes = try? Data(contentsOf: URL(filePath: log)) else { return "" }
    let tail = String(decoding: bytes.suffix(4096), as: UTF8.self)
    let lines = tail.split(separator: "\n")
    return String(lines.last { $0.contains("FATAL") || $0.contains("error") } ?? lines.last ?? "")
  }
}
