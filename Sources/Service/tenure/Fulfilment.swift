import API
import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

extension Subcommand {
  static let fulfilment = Subcommand(
    name: "fulfilment", summary: "whether access that has ended was really taken away, and who says so",
    usage: """
      fulfilment list [--open | --stage all|STAGE] [--assignment ID | --group ID --member KIND:ID] [--since T]
                         [--limit 100] [--at T] [--as-known-at POSITION|T]
          tenure fulfilment confirm ASSIGNMENT | --group ID --member KIND:ID
                            --by WHO --evidence TEXT [--observed-absent] [--ended-at T]

      list shows what is not carried out yet, the oldest first; stages are in_effect, recorded, sent, acknowledged,
      observed_absent, enforced and observed_present, of which only observed_absent and enforced are carried out.
      confirm says that the system concerned acknowledges the end; with --observed-absent, that WHO has looked and it is gone.
      Exit status of list: 0 where there are any, 1 where there are none; of confirm 1 where it is refused.
      """
  ) { arguments in
    switch try arguments.word("what to do (list or confirm)") {
    case "list": return try list(&arguments)
    case "confirm": return try confirm(&arguments)
    case let other: throw UsageError("there is no tenure fulfilment \(other); there are list and confirm")
    }
  }

  /// Rows that `list` shows where nothing is said, and the most that it does.
  private static let usualRows = 100
  private static let mostRows = 100_000

  private static func list(_ arguments: inout Arguments) throws -> ExitStatus {
    let isOpen = arguments.flag("open")
    let stage = arguments.option("stage")
    if isOpen, stage != nil { throw UsageError("--open and --stage exclude each other") }
    guard let stages = FulfilmentFilter.Stages(text: stage ?? "open") else {
      throw UsageError("--stage must be one of \(FulfilmentFilter.Stages.words.joined(separator: ", "))")
    }
    let filter = FulfilmentFilter(
      stages, item: try arguments.ended(), since: try arguments.instant("since"))
    let limit = try arguments.integer("limit", in: 1...mostRows) ?? usualRows
    let (at, known) = (try arguments.instant("at"), try arguments.asKnownAt())
    return try ask(&arguments) { questions in
      var report = try questions.fulfilments(filter, at: at, asKnownAt: known, limit: limit)
      while let next = report.next, report.fulfilments.count < limit {
        let page = try questions.fulfilments(
          filter, at: report.view.at, asKnownAt: .position(report.view.asKnownAt), after: next,
          limit: limit - report.fulfilments.count)
        report.fulfilments += page.fulfilments
        report.next = page.next
      }
      return report
    } text: {
      $0.text
    } status: {
      $0.fulfilments.isEmpty ? .no : .yes
    }
  }

  private static func confirm(_ arguments: inout Arguments) throws -> ExitStatus {
    let item = try arguments.membership() ?? .assignment(try arguments.word("the assignment's id"))
    let claim: FulfilmentConfirmation.Claim = arguments.flag("observed-absent") ? .observedAbsent : .acknowledged
    var members: JSONObject = [
      "type": "fulfilment.confirm", "stage": .string(claim.rawValue),
      "by": .string(try arguments.required("by")), "evidence": .string(try arguments.required("evidence")),
    ]
    switch item {
    case .assignment(let id): members["id"] = .string(id)
    case .membership(let group, let member):
      members["group"] = .string(group)
      members["member"] = .string(member.description)
    }
    let endedAt = try arguments.instant("ended-at")
    return try record(&arguments, as: "tenure fulfilment") { tenant in
      // Where it has not ended, any end is refused, and the refusal says why.
      let end = try endedAt ?? Questions(tenant: tenant).ending(of: item)?.endedAt ?? tenant.now
      members["ended_at"] = .string(end.description)
      return try RequestIntake.command(members, id: nil)
    } report: { questions, _ in
      try questions.fulfilments(FulfilmentFilter(.any, item: item), limit: 1)
    } text: {
      $0.text
    }
  }
}

extension Arguments {
  /// The grant whose end is asked for; nil where none is named.
  fileprivate mutating func ended() throws(UsageError) -> GrantName? {
    let (assignment, membership) = (try assignment(), try membership())
    if assignment != nil, membership != nil { throw UsageError("--assignment and --group exclude each other") }
    return assignment ?? membership
  }

  private mutating func assignment() throws(UsageError) -> GrantName? {
    guard let id = option("assignment") else { return nil }
    if let problem = Limits.problem(identifier: id) { throw UsageError("--assignment \(problem)") }
    return .assignment(id)
  }

  /// The membership that `--group` and `--member` name together.
  fileprivate mutating func membership() throws(UsageError) -> GrantName? {
    let member = option("member")
    guard let group = option("group") else {
      if member != nil { throw UsageError("--member takes a --group") }
      return nil
    }
    if let problem = Limits.problem(identifier: group) { throw UsageError("--group \(problem)") }
    guard let entity = member.flatMap({ Entity(text: $0) }), entity.kind == .identity || entity.kind == .group else {
      throw UsageError("--group takes a --member: identity:ID or group:ID")
    }
    if let problem = Limits.problem(identifier: entity.id) { throw UsageError("--member \(problem)") }
    return .membership(group: group, member: entity)
  }
}

extension FulfilmentListReport {
  fileprivate var text: String {
    let title = "endings at \(view.at), as known at position \(view.asKnownAt)\n"
    if fulfilments.isEmpty { return title + "  none\n" }
    var table = TextTable()
    for fulfilment in fulfilments {
      let (ending, stage) = (fulfilment.ending, fulfilment.stage)
      let age = fulfilment.isExecuted ? "" : "for \(Lapse(from: ending.endedAt, to: view.at))"
      table.add(
        "  " + (ending.item.assignment ?? "membership"), "\(ending.principal)", ending.given,
        "\(ending.reason.words) \(ending.endedAt)", stage == .observedPresent ? "STILL PRESENT" : stage.words, age,
        fulfilment.proof, fulfilment.credentials)
    }
    let more = next.map { "there are more; --since \($0.endedAt) goes on there, --limit shows more at once\n" } ?? ""
    return title + table.text.trimmingLines + more
  }
}

extension GrantEnding {
  /// What was granted: a role on a scope, or to be in a group.
  fileprivate var given: String {
    switch item {
    case .assignment: grant.map { "\($0.role) on \($0.scope)" } ?? ""
    case .membership(let group, _): "in group:\(group)"
    }
  }
}

extension Fulfilment {
  /// What was obtained under it and goes on.
  fileprivate var credentials: String {
    if credentialsAlive.isEmpty { return "" }
    let named = credentialsAlive.prefix(3).joined(separator: ", ")
    let more = credentialsAlive.count > 3 ? " and \(credentialsAlive.count - 3) more" : ""
    return "NOT EXECUTED: \(named)\(more) still alive"
  }

  /// What the stage rests on.
  fileprivate var proof: String {
    if let observed {
      let seen = "event \(observed.position) of \(observed.source) at \(observed.at)"
      return observed.shownBy.map { "shown as \($0) by \(seen)" } ?? "not in \(seen)"
    }
    if let said = vouchedAbsent ?? acknowledged {
      return "event \(said.step.position): \(said.confirmation.by) says “\(said.confirmation.evidence)”"
    }
    if let sentAt { return "delivered \(sentAt)" }
    return recorded.map { "event \($0.position)" } ?? "no event yet"
  }
}

extension EndingReason {
  fileprivate var words: String { rawValue.split(separator: "_").joined(separator: " ") }
}

extension FulfilmentStage {
  fileprivate var words: String { rawValue.split(separator: "_").joined(separator: " ") }
}
