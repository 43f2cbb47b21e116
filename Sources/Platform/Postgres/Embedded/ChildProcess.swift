import CPostgres
import Glibc

/// A program started without a shell, in a session of its own.
///
/// A session of its own keeps the terminal's Ctrl-C, meant for the program in front, from PostgreSQL.
struct ChildProcess {
  let processID: pid_t

  /// Starts a program.
  ///
  /// It gets `/` as its directory, nothing to read, a file for what it prints, no other open files, signals as if freshly
  /// logged in, and of the environment what it needs.
  init(_ command: [String], outputDescriptor: Int32) throws(EmbeddedServerError) {
    var actions = unsafe posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    unsafe posix_spawn_file_actions_init(&actions)
    unsafe posix_spawnattr_init(&attributes)
    defer {
      unsafe posix_spawn_file_actions_destroy(&actions)
      unsafe posix_spawnattr_destroy(&attributes)
    }
    unsafe posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    unsafe posix_spawn_file_actions_adddup2(&actions, outputDescriptor, 1)
    unsafe posix_spawn_file_actions_adddup2(&actions, outputDescriptor, 2)
    // A listening socket that a server inherited would stay bound after its owner's end.
    unsafe posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    unsafe posix_spawn_file_actions_addchdir_np(&actions, "/")
    Self.resetSignals(&attributes)

    var list = unsafe command.map { unsafe strdup($0) } + [nil]
    var environment = unsafe Self.environment.map { unsafe strdup($0) } + [nil]
    defer { unsafe (list + environment).forEach { unsafe free($0) } }
    var started: pid_t = 0
    let outcome = unsafe posix_spawn(&started, command[0], &actions, &attributes, &list, &environment)
    guard outcome == 0 else {
      throw EmbeddedServerError(.startFailed, "cannot start `\(command[0])`: \(describe(outcome))")
    }
    processID = started
  }

  /// glibc's `POSIX_SPAWN_SETSID`, which Swift's Glibc module does not show.
  private static let sessionFlag: Int32 = 0x80

  private static func resetSignals(_ attributes: inout posix_spawnattr_t) {
    var all = sigset_t()
    var none = sigset_t()
    unsafe sigfillset(&all)
    unsafe sigemptyset(&none)
    unsafe posix_spawnattr_setsigdefault(&attributes, &all)
    unsafe posix_spawnattr_setsigmask(&attributes, &none)
    let flags = Int32(POSIX_SPAWN_SETSIGDEF) | Int32(POSIX_SPAWN_SETSIGMASK) | sessionFlag
    unsafe posix_spawnattr_setflags(&attributes, Int16(flags))
  }

  /// No variable of the caller's: `PGDATA` and its like would change what PostgreSQL does.
  private static let environment = ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL=C.UTF-8", "TZ=UTC"]

  /// How often a process is asked whether it has ended.
  static let pollMicroseconds: UInt32 = 10_000

  /// The exit status, 128 + signal where a signal ended it; `nil` while it runs.
  func exitStatus() -> Int32? {
    var status: Int32 = 0
    guard unsafe waitpid(processID, &status, WNOHANG) != 0 else { return nil }
    let signal = status & 0x7f
    return signal == 0 ? (status >> 8) & 0xff : 128 + signal
  }

  /// Waits for the end; past the limit the process is killed.
  ///
  /// - Returns: The exit status; `nil` if it had to be killed.
  func wait(seconds: Int) -> Int32? {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < deadline {
      if let status = exitStatus() { return status }
      usleep(Self.pollMicroseconds)
    }
    // Its session is its own, and so is its process group: what it started ends with it.
    kill(-processID, SIGKILL)
    _ = waitpid(processID, nil, 0)
    return nil
  }
}
