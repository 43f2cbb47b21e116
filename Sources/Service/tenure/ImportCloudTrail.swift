import Connectors
import EventLog
import Governance
import JSON
import Temporal
import Usage

extension Subcommand {
  /// `tenure import cloudtrail`, behind its second word.
  static func importCloudTrail(_ arguments: inout Arguments) throws -> ExitStatus {
    var places = [try arguments.word("the folder or files of the trail")]
    while let place = arguments.word() { places.append(place) }
    let baseline = arguments.option("baseline")
    let skips = arguments.flag("skip-invalid")
    let format = try arguments.format()
    let tenantName = arguments.tenantName()
    let place = try Session.place(&arguments)
    try arguments.finish()
    // What can be wrong without the database is found before it is started.
    let importing = try CloudTrailImport(
      places, baseline: baseline, recordedBy: Recorder(id: "tenure import", authentication: "local"), skipsInvalid: skips)
    let session = try Session.open(place)
    defer { session.close() }
    let tenant = try session.store.findOrCreate(tenant: tenantName)
    var stage: (CloudTrailImport.Stage, Progress)?
    let report = try importing.run(into: TenantDestination(tenant), usage: TenantUsage(tenant)) { now, done, total in
      if stage?.0 != now { stage = (now, Progress(now.rawValue)) }
      stage?.1.advance(Int64(done), of: Int64(total))
    }
    switch format {
    case .json: try Output.standard.writeBytes(report.json(position: tenant.head.position).canonicalBytes() + [0x0A])
    case .text: try Output.standard.writeText(report.text(tenant: tenantName, position: tenant.head.position))
    }
    return report.invalid.isEmpty ? .yes : .uncertain
  }
}

extension CloudTrailReport {
  func text(tenant: String, position: Int64) -> String {
    var text =
      "\(records) records of \(accounts.map { "aws/\($0)" }.joined(separator: ", ")) in \(files) files into tenant \(tenant)"
    if let from, let to { text += ", \(from) to \(to)" }
    text += "\n\(recorded) recorded now as \(events) events, \(known) known before; the log is at position \(position)\n"
    text += "usage: \(usage.new) new, \(usage.repeated) known before"
    if usage.conflicting > 0 { text += ", \(usage.conflicting) known with another content" }
    if usage.tooOld > 0 { text += ", \(usage.tooOld) older than what the tenant keeps" }
    text += "\n"
    if duplicates > 0 { text += "\(duplicates) records came again in these files and count once\n" }
    if let baseline { text += "the baseline is taken for the state at \(baseline)\n" }
    if let keptDays { text += "usage is kept for \(keptDays) days from now on, so that these records stay\n" }
    for (remark, count) in remarks.sorted(by: { $0.key < $1.key }) { text += "not understood: \(remark) (\(count))\n" }
    for error in invalid { text += "invalid: \(error)\n" }
    return text
  }

  func json(position: Int64) -> JSONValue {
    var object: JSONObject = [
      "accounts": .array(accounts.map { .string($0) }), "files": .integer(Int64(files)), "records": .integer(Int64(records)),
      "duplicates": .integer(Int64(duplicates)), "recorded": .integer(Int64(recorded)), "events": .integer(Int64(events)),
      "known": .integer(Int64(known)), "position": .integer(position),
      "usage": [
        "new": .integer(Int64(usage.new)), "repeated": .integer(Int64(usage.repeated)),
        "conflicting": .integer(Int64(usage.conflicting)), "too_old": .integer(Int64(usage.tooOld)),
      ],
      "not_understood": .object(
        JSONObject(remarks.sorted { $0.key < $1.key }.map { ($0.key, .integer(Int64($0.value))) })),
      "invalid": .array(
        invalid.map {
          ["file": .string($0.path), "record": $0.record.map { .integer(Int64($0)) } ?? .null, "message": .string($0.problem)]
        }),
    ]
    object["from"] = from.map { .string($0.description) } ?? .null
    object["to"] = to.map { .string($0.description) } ?? .null
    object["baseline"] = baseline.map { .string($0) } ?? .null
    object["kept_days"] = keptDays.map { .integer(Int64($0)) } ?? .null
    return .object(object)
  }
}
