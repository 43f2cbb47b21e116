import Connectors
import EventLog
import Foundation
import Governance
import JSON
import Temporal

extension Subcommand {
  static let importing = Subcommand(
    name: "import", summary: "brings in what exists: a Peribolos configuration's history in git, an AWS CloudTrail, usage",
    usage: """
      import peribolos BUNDLE-OR-REPOSITORY [--source NAME] [--skip-invalid] [--tenant NAME]
          tenure import cloudtrail DIR-OR-FILE… [--baseline FILE] [--skip-invalid] [--tenant NAME]
            delivery files (.json, .json.gz); FILE is what get-account-authorization-details says
          tenure import usage FILE… --source NAME [--tenant NAME]
            NDJSON as POST /v1/usage takes it; a FILE - is the standard input. Importing again changes nothing.
      """
  ) { arguments in
    switch try arguments.word("what to import (peribolos, cloudtrail or usage)") {
    case "peribolos": return try importPeribolos(&arguments)
    case "cloudtrail": return try importCloudTrail(&arguments)
    case "usage": return try importUsage(&arguments)
    case let other: throw UsageError("there is no import from \(other); there are peribolos, cloudtrail and usage")
    }
  }

  private static func importPeribolos(_ arguments: inout Arguments) throws -> ExitStatus {
    let path = try arguments.word("the bundle or repository")
    let name = arguments.option("source") ?? PeribolosImport.defaultName(for: path)
    let skips = arguments.flag("skip-invalid")
    let format = try arguments.format()
    let tenantName = arguments.tenantName()
    let place = try Session.place(&arguments)
    try arguments.finish()
    // What can be wrong without the database is found before it is started.
    let recorder = Recorder(id: "tenure import", authentication: "local")
    let importing = try PeribolosImport(name: name, recordedBy: recorder, skipsInvalid: skips)
    let history = try GitHistory(at: path)
    let session = try Session.open(place)
    defer { session.close() }
    let tenant = try session.store.findOrCreate(tenant: tenantName)
    let progress = Progress("importing")
    let report = try importing.run(history, into: TenantDestination(tenant)) { done, total in
      progress.advance(Int64(done), of: Int64(total))
    }
    switch format {
    case .json: try Output.standard.writeBytes(report.json(position: tenant.head.position).canonicalBytes() + [0x0A])
    case .text: try Output.standard.writeBytes(Array(report.text(tenant: tenantName, position: tenant.head.position).utf8))
    }
    if report.isStopped, let last = report.invalid.last {
      throw CommandError("stopped at \(last); what came before it stays; --skip-invalid goes on and records a coverage gap")
    }
    return report.invalid.isEmpty ? .yes : .uncertain
  }
}

extension ImportReport {
  func text(tenant: String, position: Int64) -> String {
    var text = "\(source) into tenant \(tenant): \(commits) commits, \(known) known before, \(read) read now, "
    text += "\(recorded) recorded as \(events) events; the log is at position \(position)\n"
    if let readTo { text += "covered to the last commit read, \(readTo)\n" }
    if backwards > 0 { text += "\(backwards) commits were dated before their parents and count at their parents' instants\n" }
    if voided > 0 { text += "\(voided) retirements by other imports are contradicted by this history, and were voided\n" }
    for warning in warnings { text += "note: \(warning)\n" }
    for collision in collisions { text += "collision: \(collision.fact) belongs to \(collision.source) and was left alone\n" }
    for commit in invalid { text += "invalid: \(commit)\n" }
    return text
  }

  func json(position: Int64) -> JSONValue {
    var object: JSONObject = [
      "source": .string(source), "commits": .integer(Int64(commits)), "known": .integer(Int64(known)),
      "read": .integer(Int64(read)), "recorded": .integer(Int64(recorded)), "events": .integer(Int64(events)),
      "backwards": .integer(Int64(backwards)), "voided": .integer(Int64(voided)), "position": .integer(position),
      "is_stopped": .bool(isStopped),
      "warnings": .array(warnings.map { .string($0) }),
      "collisions": .array(collisions.map { ["fact": .string("\($0.fact)"), "source": .string($0.source)] }),
    ]
    object["read_to"] = readTo.map { .string($0.description) } ?? .null
    object["invalid"] = .array(
      invalid.map { commit in
        [
          "commit": .string(commit.commit), "file": .string(commit.path), "line": .integer(Int64(commit.line)),
          "message": .string(commit.message),
        ]
      })
    return .object(object)
  }
}
