import EventLog
import Foundation
import Governance
import Postgres
import Server

/// What the process says when it ends; DESIGN.md §9.
enum ExitStatus: Int32 {
  case yes = 0
  case no = 1
  case usage = 2
  case failure = 3
  /// Conditional, unknown or incomplete.
  case uncertain = 4
}

/// One subcommand: its name, one line about it, its options, and what it does.
struct Subcommand: Sendable {
  let name: String
  let summary: String
  let usage: String
  let run: @Sendable (inout Arguments) throws -> ExitStatus

  static let all: [Subcommand] = [
    .start, .serve, .migrate, .importing, .plan, .apply, .check, .who, .what, .why, .timeline, .diff, .snapshot, .find, .sod,
    .request, .review, .fulfilment, .credential, .log, .report, .rerun, .verify, .rebuild, .job, .webhook, .bench, .usage,
    .finding,
    .incident,
  ]

  /// Options that every command understands.
  static let commonUsage = """
      --tenant NAME     the organisation (default: default)
      --data DIR        the data directory of the embedded database (default: $XDG_DATA_HOME/tenure)
      --database URL    a PostgreSQL of your own instead (or DATABASE_URL)
      --format FORMAT   text (default) or json, which is stable
    """
}

@main
enum Entrypoint {
  static func main() {
    signal(SIGPIPE, SIG_IGN)  // a reader that stops early, such as `head`, is no failure: the write's error is handled
    // A closed standard descriptor would go to the next socket that is opened, and the answer would be written into that.
    let held = [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO].filter { fcntl($0, F_GETFD) < 0 }
      .map { _ in FileHandle(forReadingAtPath: "/dev/null") }
    withExtendedLifetime(held) { exit(run(Array(CommandLine.arguments.dropFirst())).rawValue) }
  }

  static func run(_ words: [String]) -> ExitStatus {
    let name = words.first ?? "help"
    do {
      if name == "help" || name == "--help" {
        try Output.standard.writeText(overview)
        return words.isEmpty ? .usage : .yes
      }
      guard let command = Subcommand.all.first(where: { $0.name == name }) else {
        complain("there is no command \(name); see tenure help")
        return .usage
      }
      var arguments = try Arguments(words.dropFirst())
      if arguments.flag("help") {
        try Output.standard.writeText("\(command.summary)\n\n  tenure \(command.usage)\n\n\(Subcommand.commonUsage)\n")
        return .yes
      }
      return try command.run(&arguments)
    } catch let error as UsageError {
      complain("\(error.description); see tenure \(name) --help")
      return .usage
    } catch is ClosedOutput {
      return .yes
    } catch {
      complain("\(error)")
      return .failure
    }
  }

  /// Best effort: where not even this can be written, the exit status still says it.
  private static func complain(_ text: String) {
    try? FileHandle.standardError.write(contentsOf: Data("tenure: \(text)\n".utf8))
  }

  private static var overview: String {
    let width = Subcommand.all.map(\.name.count).max() ?? 0
    let list = Subcommand.all.map { "  \($0.name.padding(toLength: width + 2, withPad: " ", startingAt: 0))\($0.summary)\n" }
    return """
      Who had access to what, when, through which path and by whose authority.

      \(list.joined())
      tenure COMMAND --help says more. Exit status: 0 yes, 1 no, 2 usage, 3 failure, 4 conditional, unknown or incomplete.

      """
  }
}
