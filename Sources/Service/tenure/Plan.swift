import AccessGraph
import Connectors
import EventLog
import Foundation
import Governance
import JSON

extension Subcommand {
  static let plan = Subcommand(
    name: "plan", summary: "prints the commands and the effective access that a declared directory would add and remove",
    usage: planUsage("plan")
  ) { arguments in
    try withPlan(&arguments) { planned, format in
      try Output.standard.writeBytes(planned.output(format))
      if planned.trial.refusal != nil { return .no }
      return .yes
    }
  }

  static let apply = Subcommand(
    name: "apply", summary: "carries out what plan prints, as one atomic batch",
    usage: planUsage("apply")
  ) { arguments in
    try withPlan(&arguments) { planned, format in
      try Output.standard.writeBytes(planned.output(format))
      guard !planned.plan.isEmpty else { return .yes }
      let submission = planned.directory.submission(
        of: planned.plan, by: Recorder(id: "tenure apply", authentication: "local"))
      do {
        let receipt = try planned.tenant.submitAndWait(submission)
        if format == .text { Output.standard.write("applied; the log is at position \(receipt.position)\n") }
        return .yes
      } catch SubmissionFailure.refused(let refusal) {
        throw CommandError("refused, and nothing was applied: \(refusal)")
      }
    }
  }

  private static func planUsage(_ name: String) -> String {
    """
    \(name) DIR [--source NAME] [--reason TEXT] [--unapproved] [--tenant NAME]
        --unapproved says that what an elevation policy governs is changed without a request; it takes a reason, and is found
    """
  }

  private static func withPlan(
    _ arguments: inout Arguments, _ body: (Planned, OutputFormat) throws -> ExitStatus
  ) throws -> ExitStatus {
    let path = try arguments.word("the directory")
    let source = arguments.option("source") ?? URL(fileURLWithPath: path).lastPathComponent
    let authority = Authority(reason: arguments.option("reason"))
    let isUnapproved = arguments.flag("unapproved")
    let format = try arguments.format()
    let name = arguments.tenantName()
    let place = try Session.place(&arguments)
    try arguments.finish()
    let directory = try DeclaredDirectory(at: path, name: source)
    let session = try Session.open(place)
    defer { session.close() }
    let tenant = try session.store.findOrCreate(tenant: name)
    let plan = try directory.plan(in: tenant, authority: authority, isUnapproved: isUnapproved)
    let trial = try PlanTrial(plan, in: tenant, source: directory.source, at: tenant.now)
    return try body(Planned(directory: directory, tenant: tenant, plan: plan, trial: trial), format)
  }
}

/// A plan with what it would come to.
private struct Planned {
  let directory: DeclaredDirectory
  let tenant: Tenant
  let plan: Plan
  let trial: PlanTrial

  func output(_ format: OutputFormat) -> [UInt8] {
    switch format {
    case .text: Array(text.utf8)
    case .json: json.canonicalBytes() + [0x0A]
    }
  }

  private var text: String {
    var text = "\(directory.source), \(directory.files.count) files, position \(tenant.head.position)\n"
    for command in plan.commands { text += "  \(command.verb.name)  \(command.change.data.canonicalText)\n" }
    for collision in plan.collisions { text += "collision: \(collision.fact) belongs to \(collision.source); left alone\n" }
    for entity in plan.kept { text += "kept: \(entity), which another source holds\n" }
    if let refusal = trial.refusal { text += "refused at command \(refusal.command + 1): \(refusal.refusal)\n" }
    text += "effective access\n"
    return text + trial.difference.text + "\(plan.commands.count) commands; entitlements: \(trial.difference.summary)\n"
  }

  private var json: JSONValue {
    func list(_ entitlements: [Entitlement]) -> JSONValue {
      .array(entitlements.map { ["identity": .string($0.identity), "right": .string($0.right.text($0.remainder))] })
    }
    var object: JSONObject = [
      "source": .string(directory.source), "position": .integer(tenant.head.position),
      "commands": .array(plan.commands.map(\.json)),
      "collisions": .array(plan.collisions.map { ["fact": .string("\($0.fact)"), "source": .string($0.source)] }),
      "kept": .array(plan.kept.map { .string($0.description) }), "gained": list(trial.difference.gained),
      "lost": list(trial.difference.lost), "changed": list(trial.difference.changed.map(\.now)),
    ]
    object["refusal"] =
      trial.refusal.map { command, refusal in
        [
          "command": .integer(Int64(command)), "code": .string(refusal.code.rawValue), "pointer": .string(refusal.pointer),
          "message": .string(refusal.message),
        ]
      } ?? .null
    return .object(object)
  }
}
