import CPostgres
import Glibc

/// The server process of a data directory, found through the `postmaster.pid` that it keeps there.
struct Postmaster {
  let processID: pid_t
  let socketDirectory: String

  /// The server that runs on a directory; `nil` if none does, whatever an old `postmaster.pid` says.
  init?(runningOn directory: String) {
    // Lines: process id, data directory, start, port, socket directory, … (`miscadmin.h`).
    guard let text = readSmallFile(directory + "/postmaster.pid") else { return nil }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard let number = lines.first.flatMap({ pid_t($0) }), number > 1 else { return nil }
    processID = number
    socketDirectory = lines.count > 4 ? String(lines[4]) : ""
    guard isAlive(on: directory) else { return nil }
  }

  /// True if the process lives and is a server of this directory: it is named on its command line, and not on that of a process
  /// that was given the old number.
  func isAlive(on directory: String) -> Bool {
    // Reaps it if this process had started it; else a corpse would look alive.
    _ = waitpid(processID, nil, WNOHANG)
    guard let state = readSmallFile("/proc/\(processID)/stat")?.split(separator: ")").last?.first(where: { $0 != " " }),
      state != "Z", state != "X"
    else { return false }
    // The command line may be read by everybody; the working directory not even by the root of a container.
    let arguments = readSmallFile("/proc/\(processID)/cmdline")?.split(separator: "\0") ?? []
    return arguments.contains { $0 == directory }
  }

  /// Asks for a fast shutdown (SIGINT): sessions are ended, work under way is rolled back, a checkpoint is written.
  ///
  /// - Returns: False if it still runs after the limit.
  func stop(on directory: String, withinSeconds seconds: Int) -> Bool {
    kill(processID, SIGINT)
    let deadline = ContinuousClock.now + .seconds(seconds)
    while isAlive(on: directory) {
      guard ContinuousClock.now < deadline else { return false }
      usleep(ChildProcess.pollMicroseconds)
    }
    return true
  }

  /// What a server at a socket says of itself.
  enum Answer {
    case ready
    /// It lives but takes nobody yet, or no longer.
    case busy
    case none
  }

  static func ask(_ conninfo: String) -> Answer {
    switch unsafe PQping(conninfo) {
    case PQPING_OK: .ready
    case PQPING_REJECT: .busy
    default: .none
    }
  }
}
