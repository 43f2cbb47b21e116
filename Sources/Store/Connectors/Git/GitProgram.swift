import Foundation

/// The `git` program, run without a shell and shut off from the machine's and the user's configuration.
struct GitProgram: Sendable {
  /// What a run answered.
  struct Answer {
    let status: Int32
    let output: Data
    let complaint: String
  }

  private let executable: URL
  /// A private directory: home, place of temporary files, and the repository.
  let directory: URL

  /// - Throws: ``GitError/gitMissing``.
  init(in directory: URL) throws(GitError) {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    let candidates = path.split(separator: ":").map { URL(fileURLWithPath: String($0)).appendingPathComponent("git") }
    guard let found = candidates.first(where: { FileManager.default.isExecutableFile(atPath: $0.path) }) else {
      throw .gitMissing
    }
    executable = found
    self.directory = directory
  }

  /// A process that is set up and not yet running.
  ///
  /// The caller sets what it reads and writes.
  func process(_ arguments: [String]) -> Process {
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.currentDirectoryURL = directory
    // Nothing of the caller's environment: no configuration, no credential helpers, no prompts, no network, no hooks.
    process.environment = [
      "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin",
      "HOME": directory.path, "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
      "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_REPLACE_OBJECTS": "1", "GIT_ALLOW_PROTOCOL": "file",
      "GIT_CONFIG_COUNT": "3", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": "/dev/null",
      "GIT_CONFIG_KEY_1": "safe.directory", "GIT_CONFIG_VALUE_1": "*",
      "GIT_CONFIG_KEY_2": "gc.auto", "GIT_CONFIG_VALUE_2": "0",
    ]
    process.standardInput = FileHandle.nullDevice
    return process
  }

  /// Runs git to its end.
  ///
  /// Complaints go through a file, so that neither pipe can fill up while the other is read.
  func run(_ arguments: [String]) throws(GitError) -> Answer {
    let complaints = directory.appendingPathComponent("complaints")
    let process = process(arguments)
    let output = Pipe()
    process.standardOutput = output
    do {
      try Data().write(to: complaints)
      process.standardError = try FileHandle(forWritingTo: complaints)
      try process.run()
      let data = try output.fileHandleForReading.readToEnd() ?? Data()
      process.waitUntilExit()
      let complaint = String(decoding: try Data(contentsOf: complaints), as: UTF8.self)
      return Answer(status: process.terminationStatus, output: data, complaint: complaint)
    } catch {
      throw .damaged(path: executable.path, detail: "it does not run")
    }
  }
}

extension GitProgram.Answer {
  /// The first line of what git complained about, which names the cause.
  var detail: String {
    complaint.split(separator: "\n").first.map(String.init) ?? "it stopped with status \(status) and said nothing"
  }
}
