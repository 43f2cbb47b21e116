import Foundation
import TestSupport
import Testing

/// The built `tenure`, run as a process of its own, as people run it.
struct TenureProgram {
  /// What a run answered.
  struct Answer {
    let status: Int32
    let output: String
    let complaint: String
  }

  private let executable: URL

  /// Finds the program beside the test bundle, where the package manager puts both.
  init() throws {
    let starts = CommandLine.arguments.filter { $0.hasSuffix(".xctest") } + [Bundle.main.executablePath ?? ""]
    let candidates = starts.flatMap { start in
      sequence(first: URL(fileURLWithPath: start).deletingLastPathComponent()) { $0.deletingLastPathComponent() }.prefix(4)
    }
    executable = try #require(
      candidates.map { $0.appendingPathComponent("tenure") }.first { FileManager.default.isExecutableFile(atPath: $0.path) },
      "the tests of the command need the built `tenure` beside the test bundle")
  }

  /// Runs it to its end; `output` takes the place of the pipe that the answer is otherwise read from.
  func run(_ arguments: [String], output: FileHandle? = nil) throws -> Answer {
    let running = try start(arguments, output: output)
    return try running.finish()
  }

  /// A run that goes on while others are started.
  struct Running {
    fileprivate let process: Process
    fileprivate let folder: URL

    /// Whether it has not ended yet.
    var isRunning: Bool { process.isRunning }

    var processIdentifier: Int32 { process.processIdentifier }

    /// Sends it a signal, such as SIGKILL.
    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    func finish() throws -> Answer {
      process.waitUntilExit()
      defer { try? FileManager.default.removeItem(at: folder) }
      func text(_ name: String) throws -> String {
        String(decoding: try Data(contentsOf: folder.appendingPathComponent(name)), as: UTF8.self)
      }
      return Answer(status: process.terminationStatus, output: try text("output"), complaint: try text("complaint"))
    }
  }

  /// Both streams go to files, so that neither pipe can fill up while the other is read.
  func start(_ arguments: [String], output: FileHandle? = nil) throws -> Running {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("command-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let process = Process()
    process.executableURL = executable
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.filter { $0.key != "DATABASE_URL" }
    process.standardInput = FileHandle.nullDevice
    let (answer, complaint) = (folder.appendingPathComponent("output"), folder.appendingPathComponent("complaint"))
    try Data().write(to: answer)
    try Data().write(to: complaint)
    process.standardOutput = try output ?? FileHandle(forWritingTo: answer)
    process.standardError = try FileHandle(forWritingTo: complaint)
    try process.run()
    return Running(process: process, folder: folder)
  }
}

/// A folder of a test's own, gone with this object.
final class ScratchFolder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appendingPathComponent("command-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appendingPathComponent(name).path }

  func write(_ text: String, to name: String) throws { try Data(text.utf8).write(to: url.appendingPathComponent(name)) }

  /// A git repository whose commits, each a day after the one before, have these contents of `org.yaml`.
  func repository(_ contents: [String]) throws -> String {
    try git(["init", "--quiet", "--initial-branch=main", "."], day: 0)
    for (day, content) in contents.enumerated() {
      try write(content, to: "org.yaml")
      try commit(day: day)
    }
    return url.path
  }

  /// Commits what lies in the folder now.
  func commit(day: Int) throws {
    try git(["add", "--all"], day: day)
    try git(["commit", "--quiet", "--message", "Change \(day) (#\(day))"], day: day)
  }

  private func git(_ arguments: [String], day: Int) throws {
    let date = "\(1_704_067_200 + day * 86_400) +0000"  // from 2024-01-01
    try run(
      ["git", "-c", "user.name=Ann Author", "-c", "user.email=ann@example.com"] + arguments,
      ["GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date])
  }

  /// Runs another program in the folder; it must succeed.
  func run(_ words: [String], _ environment: [String: String] = [:]) throws {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = words
    process.currentDirectoryURL = url
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    process.environment = environment.merging(["PATH": path, "HOME": url.path]) { $1 }
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(words)")
  }
}
