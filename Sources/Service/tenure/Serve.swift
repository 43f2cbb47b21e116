import EventLog
import Foundation
import Jobs
import Server

extension Subcommand {
  static let serve = Subcommand(
    name: "serve", summary: "serves the JSON API on loopback",
    usage: """
      serve [--port 8080] [--socket PATH] [--graph-memory SIZE, by default half of the machine's]
                   [--jobs]     also runs the jobs of all tenants when they are due, unless another process does
      """
  ) { arguments in
    let configuration = try arguments.serverConfiguration()
    let settings = try arguments.serverSettings()
    let runsJobs = arguments.flag("jobs")
    let place = try Session.place(&arguments)
    try arguments.finish()
    let session = try Session.open(place, settings: settings)
    defer { session.close() }
    try serve(session, configuration, scheduler: runsJobs ? try session.scheduler() : nil)
    return .yes
  }

  static let migrate = Subcommand(
    name: "migrate", summary: "brings the database to this version's schema",
    usage: "migrate [--database URL of its owner]"
  ) { arguments in
    let place = try Session.place(&arguments)
    try arguments.finish()
    switch place {
    case .external(let conninfo):
      let applied = try Database.migrate(conninfo)
      try Output.standard.writeText(applied.isEmpty ? "nothing to migrate\n" : applied.map { "migrated \($0)\n" }.joined())
    case .embedded:
      let database = try Database(place) { Output.standard.write($0 + "\n") }
      database.close()
      Output.standard.write("the embedded database has this version's schema\n")
    }
    return .yes
  }

  /// Serves until the process is asked to stop.
  static func serve(_ session: Session, _ configuration: Server.Configuration, scheduler: Scheduler? = nil) throws {
    let server = try Server(configuration, store: session.store, scheduler: scheduler)
    Output.standard.write("serving http://127.0.0.1:\(server.port)/v1 (stop with Ctrl-C)\n")
    let watch = session.watch()
    Server.waitForSignal()
    withExtendedLifetime(watch) { server.stop() }
  }
}

/// How much memory graphs may take where nobody says.
enum GraphMemory {
  /// Half of the machine's: the other half is PostgreSQL's cache, which makes what was let go load quickly again.
  static var usual: Int { Int(clamping: ProcessInfo.processInfo.physicalMemory / 2) }
}

extension Arguments {
  mutating func serverConfiguration() throws(UsageError) -> Server.Configuration {
    let port = try integer("port", in: 0...65_535)
    return Server.Configuration(port: port ?? 8080, socket: option("socket"))
  }

  /// The settings of a store that serves.
  mutating func serverSettings() throws(UsageError) -> EventStore.Settings {
    var settings = EventStore.Settings()
    settings.graphMemory = try bytes("graph-memory") ?? GraphMemory.usual
    return settings
  }
}
