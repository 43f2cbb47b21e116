import EventLog
import Foundation
import Server

extension Subcommand {
  static let start = Subcommand(
    name: "start", summary: "loads the sample organisation, asks it a few questions, and serves the API",
    usage: "start [--once] [--port 8080] [--socket PATH] [--graph-memory SIZE]"
  ) { arguments in
    let configuration = try arguments.serverConfiguration()
    let settings = try arguments.serverSettings()
    let isOnce = arguments.flag("once")
    let name = arguments.tenantName()
    let place = try Session.place(&arguments)
    try arguments.finish()
    // One session holds the database for the whole command: the others come and go on the running server.
    let session = try Session.open(place, settings: settings)
    defer { session.close() }
    try loadSample(place, into: name)
    try askSample(place, of: name)
    if !isOnce { try serve(session, configuration) }
    return .yes
  }

  private static func loadSample(_ place: DatabasePlace, into name: String) throws {
    let clock = SampleOrganisation.Clock()
    let session = try Session.open(place, settings: EventStore.Settings(clock: clock.wallClock))
    defer { session.close() }
    let progress = Progress("loading the sample organisation")
    let loading = try SampleOrganisation.load(into: session.store, clock: clock, tenant: name) { done, total in
      progress.advance(done, of: total)
    }
    switch loading {
    case .loaded(let events):
      Output.standard.write("The sample organisation is loaded into tenant \(name): \(events) events.\n")
    case .alreadyThere(let events): Output.standard.write("The sample organisation is in tenant \(name): \(events) events.\n")
    case .leftAlone:
      Output.standard.write("Tenant \(name) holds something else than the sample organisation, and was left alone.\n")
    }
  }

  private static func askSample(_ place: DatabasePlace, of name: String) throws {
    for question in SampleOrganisation.questions {
      let options = name == "default" ? [] : ["--tenant", name]
      let line = (question.arguments + options).map { $0.contains(" ") ? "'\($0)'" : $0 }.joined(separator: " ")
      Output.standard.write("\n\(question.title)\n\(question.lookFor)\n$ tenure \(line)\n")
      _ = Entrypoint.run(question.arguments + options + place.options)
    }
    Output.standard.write("\n")
  }
}

extension DatabasePlace {
  /// The options that name the place on a command line.
  fileprivate var options: [String] {
    switch self {
    case .embedded(let directory): ["--data", directory]
    case .external(let conninfo): ["--database", conninfo]
    }
  }
}
