import API
import EventLog
import Governance
import JSON
import Temporal
import Usage

extension Subcommand {
  static let usage = Subcommand(
    name: "usage", summary: "what identities did, from where and with what, and which grants covered it",
    usage: """
      usage [--identity ID] [--action NAME] [--resource PATH] [--address A] [--credential ID] [--session ID]
            [--from T] [--to T] [--limit 100]          each use, the newest first
          tenure usage --by-day [--identity ID] [--action NAME] [--resource PATH] [--from T] [--to T] [--limit 100]
                                                       by identity, action, resource and day; of days too whose rows are gone
          tenure usage --by-grant [--identity ID] [--from T] [--to T] [--as-known-at POSITION|T] [--limit 100]
                                                       the same with the assignments that covered the first and the last use
          tenure usage keep [DAYS]                     how many days rows are kept

      Of --by-grant: covered; conditional; no_known_path: no grant gave it; denied: the graph denies it; unknown: not covered by a
      source, or not known who. Exit status: 0 where there is any, 1 where there is none.
      """
  ) { arguments in
    if let word = arguments.word() {
      guard word == "keep" else { throw UsageError("there is no tenure usage \(word); there is keep") }
      return try keep(&arguments)
    }
    let isByDay = arguments.flag("by-day")
    let isByGrant = arguments.flag("by-grant")
    if isByDay, isByGrant { throw UsageError("--by-day and --by-grant exclude each other") }
    var filter = try arguments.usageFilter()
    let limit = try arguments.integer("limit", in: 1...mostRows) ?? usualRows
    if isByGrant {
      if filter.action != nil || filter.resource != nil { throw UsageError("--by-grant takes --identity, --from and --to") }
      return try showPaths(filter, limit, &arguments)
    }
    if isByDay { return try showDays(filter, limit, &arguments) }
    filter.address = arguments.option("address")
    filter.credential = arguments.option("credential")
    filter.session = arguments.option("session")
    return try ask(&arguments) { [filter] in
      try $0.usage(filter, limit: limit)
    } text: {
      $0.text
    } status: {
      $0.rows.isEmpty ? .no : .yes
    }
  }

  /// Rows that are shown where nothing is said, and the most that are.
  private static let usualRows = 100
  private static let mostRows = 10_000

  private static func showDays(_ filter: UsageFilter, _ limit: Int, _ arguments: inout Arguments) throws -> ExitStatus {
    try ask(&arguments) {
      try $0.dailyUsage(filter, limit: limit)
    } text: {
      $0.text
    } status: {
      $0.entries.isEmpty ? .no : .yes
    }
  }

  private static func showPaths(_ filter: UsageFilter, _ limit: Int, _ arguments: inout Arguments) throws -> ExitStatus {
    let known = try arguments.asKnownAt()
    return try ask(&arguments) {
      try $0.usagePaths(filter, asKnownAt: known, limit: limit)
    } text: {
      $0.text
    } status: {
      $0.entries.isEmpty ? .no : .yes
    }
  }

  private static func keep(_ arguments: inout Arguments) throws -> ExitStatus {
    let text = arguments.word()
    let name = arguments.tenantName()
    let range = UsageWindow.allowedDays
    let days = try text.map { text throws(UsageError) in
      guard let days = Int(text), range.contains(days) else {
        throw UsageError("DAYS must be an integer between \(range.lowerBound) and \(range.upperBound)")
      }
      return days
    }
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let store = UsageStore(try session.tenant(name))
      if let days { try store.keep(days: days) }
      try Output.standard.writeText("rows of usage are kept for \(try store.keptDays()) days, their roll-up for good\n")
      return .yes
    }
  }
}

extension Arguments {
  fileprivate mutating func usageFilter() throws(UsageError) -> UsageFilter {
    var filter = UsageFilter(
      identity: option("identity"), action: option("action"), resource: option("resource"), from: try instant("from"))
    filter.to = try instant("to", endOfDay: true)
    if let from = filter.from, let to = filter.to, to <= from { throw UsageError("--from must be earlier than --to") }
    return filter
  }
}

private let moreRows = "there are more; --limit shows more at once, --from and --to others\n"

extension UsageReport {
  fileprivate var text: String {
    if rows.isEmpty { return "no usage\n" }
    var table = TextTable()
    for row in rows {
      let record = row.record
      let outcome = record.errorCode.map { "\(record.outcome.rawValue) (\($0))" } ?? record.outcome.rawValue
      table.add(
        record.at.description, record.identity, record.actionText, record.resource ?? "-", record.address ?? "-",
        record.session ?? record.credential ?? "-", outcome)
    }
    return table.text + (hasMore ? moreRows : "")
  }
}

extension UsageRecord {
  /// The action, and what the source calls it where that is another name.
  fileprivate var actionText: String {
    guard let sourceAction, !sourceAction.isExactly(action) else { return action }
    return "\(action) (\(sourceAction))"
  }
}

extension DailyUsageReport {
  fileprivate var text: String {
    if entries.isEmpty { return "no usage\n" }
    var table = TextTable()
    for entry in entries {
      table.add(
        entry.dayText, entry.identity, entry.action, entry.resource ?? "-", entry.countText,
        "\(entry.firstUsed) … \(entry.lastUsed)")
    }
    return table.text + (hasMore ? moreRows : "")
  }
}

extension CoveredUsageReport {
  fileprivate var text: String {
    if entries.isEmpty { return "no usage\n" }
    var table = TextTable()
    for entry in entries {
      let usage = entry.usage
      let isSame = entry.first.word == entry.last.word && entry.first.assignments == entry.last.assignments
      let cover = isSame ? entry.last.text : "first \(entry.first.text); last \(entry.last.text)"
      table.add(usage.dayText, usage.identity, usage.action, usage.resource ?? "-", usage.countText, cover)
    }
    return table.text + (hasMore ? moreRows : "")
  }
}

extension DailyUsage {
  fileprivate var dayText: String { String(day.start.description.prefix(10)) }

  fileprivate var countText: String {
    let others = [(denied, "denied"), (failed, "failed")].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    return "\(uses)×" + (others.isEmpty ? "" : ", \(others.joined(separator: ", "))")
  }
}

extension UsageCover {
  fileprivate var text: String {
    let why = reason.map { reason in reason.isExactly("no_path") ? "" : " (\(reason))" } ?? ""
    let by = assignments.isEmpty ? "" : ": \(assignments.joined(separator: ", "))\(isTruncated ? ", …" : "")"
    return word.rawValue + why + by
  }
}
