import API
import EventLog
import Foundation
import Governance
import Jobs
import Postgres
import Server

/// What a command works with: the database, kept running, and the store on it.
struct Session {
  let store: EventStore
  private let database: Database

  /// Opens the place that `--database`, `DATABASE_URL` or `--data` names.
  static func open(_ arguments: inout Arguments, settings: EventStore.Settings = EventStore.Settings()) throws -> Session {
    try open(try place(&arguments), settings: settings)
  }

  static func open(_ place: DatabasePlace, settings: EventStore.Settings = EventStore.Settings()) throws -> Session {
    let progress = Progress("starting")
    var settings = settings
    settings.alarm = { alarm in
      try? FileHandle.standardError.write(contentsOf: Data("tenure: ALARM: \(alarm)\n".utf8))
    }
    let database = try Database(place) { progress.say($0) }
    do {
      return Session(store: try EventStore(database.conninfo, settings: settings), database: database)
    } catch {
      database.close()
      throw error
    }
  }

  static func place(_ arguments: inout Arguments) throws -> DatabasePlace {
    let environment = ProcessInfo.processInfo.environment
    let data = arguments.option("data")
    if let conninfo = arguments.option("database") {
      if data != nil { throw UsageError("--data and --database name two places; give one") }
      return .external(conninfo)
    }
    if let data { return .embedded(dataDirectory: URL(fileURLWithPath: data).path) }
    if let conninfo = environment["DATABASE_URL"], !conninfo.isEmpty { return .external(conninfo) }
    return .embedded(dataDirectory: try Database.defaultDataDirectory(environment))
  }

  /// The tenant of that name, which must exist.
  func tenant(_ name: String) throws -> Tenant {
    if let tenant = try store.find(tenant: name) { return tenant }
    let known = try store.tenantNames()
    throw CommandError(
      "there is no tenant \(name); "
        + (known.isEmpty ? "tenure import makes one" : "there are \(known.joined(separator: ", "))"))
  }

  /// Keeps an embedded server running while the watch lives; what goes wrong is told on stderr.
  func watch() -> DatabaseWatch? {
    database.watch { problem in
      try? FileHandle.standardError.write(contentsOf: Data("tenure: ALARM: \(problem)\n".utf8))
    }
  }

  /// A connection of its own, for work that holds one long.
  func connect(as name: String = "tenure") throws -> Connection {
    try Connection(database.conninfo, applicationName: name)
  }

  /// Runs the jobs of all tenants when they are due; what goes wrong is told on stderr.
  func scheduler() throws -> Scheduler {
    let conninfo = database.conninfo
    return try Scheduler(store: store, process: Self.process) {
      try Connection(conninfo, applicationName: "tenure jobs")
    } alarm: {
      Self.tell($0)
    }
  }

  /// Tells on stderr what an operator must know of the jobs.
  static func tell(_ alarm: JobAlarm) {
    try? FileHandle.standardError.write(contentsOf: Data("tenure: ALARM: \(alarm)\n".utf8))
  }

  /// This process as the history of jobs names it.
  static var process: String { "\(ProcessInfo.processInfo.hostName)/\(ProcessInfo.processInfo.processIdentifier)" }

  func close() {
    store.close()
    database.close()
  }
}

/// A command that could not do its work.
struct CommandError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

extension Arguments {
  mutating func tenantName() -> String { option("tenant") ?? "default" }
}

/// Runs a body with a session on what the arguments name, and closes it whatever happens.
func withSession<T>(
  _ arguments: inout Arguments, settings: EventStore.Settings = EventStore.Settings(),
  _ body: (Session, inout Arguments) throws -> T
) throws -> T {
  let session = try Session.open(&arguments, settings: settings)
  defer { session.close() }
  return try body(session, &arguments)
}

extension Tenant {
  /// Records a command of this program; false where a rule refuses it, which is printed as answers are.
  func accepts(_ command: Command, from recorder: String, format: OutputFormat) throws -> Bool {
    try accepts(all: [command], from: recorder, format: format)
  }

  /// The same for a batch.
  ///
  /// - Parameter renewed: what is left of the batch where something changed before it was decided. The default is that it is refused.
  func accepts(
    all commands: [Command], from recorder: String, format: OutputFormat, renewed: (([Command]) throws -> [Command])? = nil
  ) throws -> Bool {
    var sent: [Command]?
    do {
      _ = try submitAndWait(attempts: renewed == nil ? 1 : FindingApplication.mostAttempts) {
        let batch = try sent.map { try renewed?($0) ?? $0 } ?? commands
        sent = batch
        return RequestIntake.submission(batch, recordedBy: recorder)
      }
      return true
    } catch {
      let refusal: Refusal
      switch error {
      case SubmissionFailure.refused(let why): refusal = why
      case let why as Refusal: refusal = why
      default: throw error
      }
      try Output.standard.writeRefusal(refusal.description, format: format, refusal)
      return false
    }
  }
}
