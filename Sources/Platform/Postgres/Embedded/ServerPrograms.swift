import FoundationEssentials
import Glibc

/// PostgreSQL's programs on this machine.
struct ServerPrograms {
  /// The folder they are in.
  let directory: String

  var postgres: String { directory + "/postgres" }
  var initdb: String { directory + "/initdb" }

  /// Where Debian and Ubuntu put each major version.
  static let versionsDirectory = "/usr/lib/postgresql"

  /// Finds the programs of one major version, or without one the newest there are, else those in `PATH`.
  static func find(majorVersion: String?) throws(EmbeddedServerError) -> ServerPrograms {
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: versionsDirectory)) ?? []
    let wanted = versions.filter { majorVersion == nil || $0 == majorVersion }.sorted { (Int($0) ?? 0) > (Int($1) ?? 0) }
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    let candidates = wanted.map { "\(versionsDirectory)/\($0)/bin" } + path.split(separator: ":").map(String.init)
    for directory in candidates where directory.hasPrefix("/") {
      let programs = ServerPrograms(directory: directory)
      let areThere = [programs.postgres, programs.initdb].allSatisfy(FileManager.default.isExecutableFile(atPath:))
      guard areThere else { continue }
      if majorVersion == nil || programs.majorVersion() == majorVersion { return programs }
    }
    guard let majorVersion else {
      throw EmbeddedServerError(
        .notInstalled, "no PostgreSQL server found; run `apt-get install postgresql`, or name a database with --database")
    }
    throw EmbeddedServerError(
      .notInstalled, "the data was made by PostgreSQL \(majorVersion); run `apt-get install postgresql-\(majorVersion)`")
  }

  /// Seconds for a program to print its version.
  static let versionSeconds = 10

  /// What `postgres --version` prints, the number before the first dot: `postgres (PostgreSQL) 15.18 (Debian …)`.
  private func majorVersion() -> String? {
    var ends: [Int32] = [-1, -1]
    guard unsafe pipe(&ends) == 0 else { return nil }
    defer { close(ends[0]) }
    let child = try? ChildProcess([postgres, "--version"], outputDescriptor: ends[1])
    close(ends[1])
    guard let child, child.wait(seconds: Self.versionSeconds) == 0 else { return nil }
    // One line, which a pipe holds until it is read.
    let words = readSome(from: ends[0])?.split(separator: " ") ?? []
    return words.count > 2 ? String(words[2].prefix { $0.isNumber }) : nil
  }
}
