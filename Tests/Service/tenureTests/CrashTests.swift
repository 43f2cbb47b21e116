import AccessGraph
import EventLog
import Foundation
import Governance
import JSON
import Temporal
import TestSupport
import Testing

/// kill −9 at random moments, while clients record what was acknowledged; `ops/crash` does the same for longer.
@Suite(.serialized) struct CrashTests {
  @Test(arguments: [UInt64(1), 2])
  func `what was acknowledged is recorded once, whatever is killed`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let service = try KilledService()
    defer { service.end() }
    let clients = Clients(count: 3, service: service, seed: seed)
    for _ in 0..<8 {
      clients.waitForAnswers(1 + random.below(25))
      switch random.pick(["server", "backend", "both"]) {
      case "server": service.killServer()
      case "backend": service.killBackend(&random)
      default:
        service.killServer()
        service.killPostgres()
      }
      try service.startIfEnded()
    }
    clients.waitForAnswers(10)
    let answers = try clients.finish()
    #expect(answers.count > 8)
    try check(answers, of: service, seed)
    #expect(try service.run(["verify"]).status == 0)
    let rebuilt = try service.run(["rebuild"])
    #expect(rebuilt.status == 0, "seed \(seed): \(rebuilt.output)")
  }

  @Test func `a server that is asked to stop answers what it took, and PostgreSQL stops with its last user`() throws {
    let service = try KilledService()
    defer { service.end() }
    let clients = Clients(count: 3, service: service, seed: 3)
    clients.waitForAnswers(20)
    #expect(service.stopServer() == 0)
    #expect(!service.isPostgresRunning)
    try service.startIfEnded()
    clients.waitForAnswers(5)
    try check(try clients.finish(), of: service, 3)
    #expect(service.isPostgresRunning)
    #expect(service.stopServer() == 0)
    #expect(!service.isPostgresRunning)
  }

  /// Every answer is in the log as it was given, nothing else is, and the graph says what the log says.
  private func check(_ answers: [String: Clients.Answer], of service: KilledService, _ seed: UInt64) throws {
    let events = try service.log()
    #expect(events.map(\.position) == Array(1...Int64(events.count)), "seed \(seed)")
    var recorded: [String: [Int64]] = [:]
    for event in events { recorded[event.commandID ?? "", default: []].append(event.position) }
    for (key, answer) in answers {
      #expect(recorded[key, default: []] == answer.events, "seed \(seed), \(key): \(answer.text)")
    }
    let strange = recorded.keys.filter { $0.hasPrefix("client-") && answers[$0] == nil }
    #expect(strange.isEmpty, "seed \(seed)")
    let view = Viewpoint(at: try #require(events.last).recordedAt, asKnownAt: Int64(events.count))
    let expected = NaiveLog(events).view(view).who(.access(action: "read", resource: "org/a")).map(\.identity)
    #expect(!expected.isEmpty)
    #expect(try service.holders(minimumPosition: events.count) == expected, "seed \(seed)")
  }
}

/// `tenure serve` on a data directory of its own, killed and started again; clients wait here until it serves.
private final class KilledService: @unchecked Sendable {
  private let folder: URL
  private let program: URL
  /// Guards the two below.
  private let condition = NSCondition()
  private var process: Process?
  private var currentPort: Int?

  init() throws {
    folder = FileManager.default.temporaryDirectory.appending(path: "tenure-crash-test-\(UUID().uuidString)")
    let start = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? Bundle.main.executablePath ?? ""
    let above = sequence(first: URL(filePath: start)) { $0.deletingLastPathComponent() }.prefix(5)
    program = try #require(
      above.map { $0.appending(path: "tenure") }.first { FileManager.default.isExecutableFile(atPath: $0.path) },
      "the tests need the built `tenure` beside the test bundle")
    let declared = folder.appending(path: "declared")
    try FileManager.default.createDirectory(at: declared, withIntermediateDirectories: true)
    try FileManager.default.setAttributes([.posixPermissions: 0o711], ofItemAtPath: folder.path)
    let yaml = """
      groups:
        staff: {}
      roles:
        reader: {permissions: [{actions: [read]}]}
      assignments:
        - {id: all, principal: group:staff, role: reader, scope: org}
      """
    try Data(yaml.utf8).write(to: declared.appending(path: "organisation.yaml"))
    let applied = try run(["apply", declared.path])
    try #require(applied.status == 0, "\(applied.output)")
    try startIfEnded()
  }

  /// Runs another command on the same data directory to its end.
  func run(_ words: [String]) throws -> (status: Int32, output: String) {
    let (process, output) = (Process(), Pipe())
    process.executableURL = program
    process.arguments = words + ["--data", folder.path]
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  /// The exported log, decoded.
  func log() throws -> [Event] {
    let exported = try run(["log", "--export", "-"])
    try #require(exported.status == 0)
    return try exported.output.split(separator: "\n").enumerated().map { index, line in
      try EventCodec.decode(Array(line.utf8), at: Int64(index) + 1)
    }
  }

  /// Starts the server unless it runs; returns when it has said its port.
  func startIfEnded() throws {
    if condition.withLock({ process?.isRunning == true }) { return }
    let (started, output) = (Process(), Pipe())
    started.executableURL = program
    started.arguments = ["serve", "--port", "0", "--data", folder.path]
    started.standardInput = FileHandle.nullDevice
    started.standardOutput = output
    started.standardError = FileHandle.nullDevice
    try started.run()
    var text = ""
    while !text.contains("/v1") {
      let part = output.fileHandleForReading.availableData
      try #require(!part.isEmpty, "tenure serve ended before it served: \(text)")
      text += String(decoding: part, as: UTF8.self)
    }
    let port = try #require(text.firstMatch(of: /127\.0\.0\.1:(\d+)/).flatMap { Int($0.output.1) })
    condition.withLock {
      (process, currentPort) = (started, port)
      condition.broadcast()
    }
  }

  /// The port, once there is a server.
  var port: Int {
    condition.withLock {
      while true {
        if let currentPort { return currentPort }
        condition.wait()
      }
    }
  }

  func killServer() { _ = endServer(SIGKILL) }

  /// Asks the server to stop; its exit status.
  func stopServer() -> Int32 { endServer(SIGTERM) }

  private func endServer(_ number: Int32) -> Int32 {
    let ended = condition.withLock {
      currentPort = nil
      return process
    }
    guard let ended else { return -1 }
    kill(ended.processIdentifier, number)
    ended.waitUntilExit()
    return ended.terminationStatus
  }

  /// Who may read now, as the server says once it knows that position.
  func holders(minimumPosition: Int) throws -> [String] {
    let answer = try #require(
      try curl([
        "--header", "Tenure-Min-Position: \(minimumPosition)",
        "http://127.0.0.1:\(port)/v1/access/who?action=read&resource=org/a&limit=1000",
      ]))
    return answer["identities"]?.arrayValue?.compactMap { $0["identity"]?.stringValue } ?? []
  }

  /// What curl is answered, as JSON; nil where there was no answer.
  func curl(_ words: [String]) throws -> JSONValue? {
    let (process, output) = (Process(), Pipe())
    process.executableURL = URL(filePath: "/usr/bin/curl")
    process.arguments = ["--silent", "--max-time", "30"] + words
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    try process.run()
    let bytes = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else { return nil }
    return try JSONValue(parsing: Array(bytes))
  }

  // MARK: PostgreSQL's processes

  private var postmaster: pid_t? {
    let text = try? String(contentsOf: folder.appending(path: "postgres/postmaster.pid"), encoding: .utf8)
    return text?.split(separator: "\n").first.flatMap { pid_t($0) }
  }

  var isPostgresRunning: Bool { postmaster.map { kill($0, 0) == 0 } ?? false }

  func killPostgres() {
    if let postmaster { kill(postmaster, SIGKILL) }
  }

  /// Kills one of the processes that serve a connection; PostgreSQL then ends all of them and recovers.
  func killBackend(_ random: inout SeededGenerator) {
    guard let postmaster,
      let children = try? String(contentsOfFile: "/proc/\(postmaster)/task/\(postmaster)/children", encoding: .utf8)
    else { return }
    let backends = children.split(separator: " ").compactMap { pid_t($0) }.filter { child in
      (try? String(contentsOfFile: "/proc/\(child)/cmdline", encoding: .utf8))?.contains("tenure_service") == true
    }
    if !backends.isEmpty { kill(random.pick(backends), SIGKILL) }
  }

  /// Ends everything that still runs, and removes the data.
  func end() {
    _ = endServer(SIGTERM)
    killPostgres()
    try? FileManager.default.removeItem(at: folder)
  }
}

/// Threads that send one command after another, each again with the same key until the answer is definite.
private final class Clients: @unchecked Sendable {
  struct Answer {
    let text: String
    /// The positions acknowledged; none where it was refused.
    let events: [Int64]
  }

  private let service: KilledService
  private let group = DispatchGroup()
  /// Guards all below.
  private let condition = NSCondition()
  private var answers: [String: Answer] = [:]
  private var failure: (any Error)?
  private var isStopped = false

  init(count: Int, service: KilledService, seed: UInt64) {
    self.service = service
    for client in 0..<count {
      Thread.detachNewThread(in: group) {
        do {
          try self.work(client, SeededGenerator(seed: seed * 100 + UInt64(client)))
        } catch {
          self.condition.withLock {
            self.failure = error
            self.condition.broadcast()
          }
        }
      }
    }
  }

  /// Waits for that many more answers.
  func waitForAnswers(_ count: Int) {
    condition.withLock {
      let goal = answers.count + count
      while answers.count < goal, failure == nil { condition.wait() }
    }
  }

  func finish() throws -> [String: Answer] {
    condition.withLock { isStopped = true }
    group.wait()
    return try condition.withLock {
      if let failure { throw failure }
      return answers
    }
  }

  private func work(_ client: Int, _ seeded: SeededGenerator) throws {
    var random = seeded
    var people: [String] = []
    for serial in 1... {
      if condition.withLock({ isStopped }) { return }
      let command: String
      if people.isEmpty || random.chance(1, in: 3) {
        people.append("p\(client)-\(serial)")
        let (id, name) = (
          people[people.count - 1], #"{"name": "Näme \#(serial)", "email": "\#(client).\#(serial)@example.org"}"#
        )
        command = #"""
          {"type": "identity.register", "id": "\#(id)", "kind": "person", "attributes": \#(name)},
          {"type": "membership.add", "group": "staff", "member": "identity:\#(id)"}
          """#
      } else {
        let verb = random.pick(["suspend", "resume", "retire"])
        command = #"{"type": "identity.\#(verb)", "id": "\#(random.pick(people))"}"#
      }
      let key = "client-\(client)-\(serial)"
      let answer = try definiteAnswer(key, #"{"commands": [\#(command)]}"#)
      condition.withLock {
        answers[key] = answer
        condition.broadcast()
      }
    }
  }

  private func definiteAnswer(_ key: String, _ body: String) throws -> Answer {
    while true {
      let answer = try service.curl([
        "--header", "Content-Type: application/json", "--header", "Idempotency-Key: \(key)", "--data-binary", body,
        "http://127.0.0.1:\(service.port)/v1/commands",
      ])
      // No answer, or "not now".
      guard let answer, answer["status"] != .integer(503) else { continue }
      let positions = answer["events"]?.arrayValue?.compactMap(\.integerValue) ?? []
      // A refusal is an answer too; anything else is a failure of the service.
      let refusals: [JSONValue] = [.integer(404), .integer(409), .integer(422)]
      try #require(!positions.isEmpty || refusals.contains(answer["status"] ?? .null), "\(key): \(answer)")
      return Answer(text: "\(answer)", events: positions)
    }
  }
}

extension Thread {
  /// Runs a body on a thread of its own, not on the pool that runs the tests.
  fileprivate static func detachNewThread(in group: DispatchGroup, _ body: @escaping @Sendable () -> Void) {
    group.enter()
    detachNewThread {
      body()
      group.leave()
    }
  }
}
