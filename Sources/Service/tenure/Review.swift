import API
import AccessGraph
import EventLog
import Governance
import JSON
import Jobs
import Temporal

extension Subcommand {
  static let review = Subcommand(
    name: "review", summary: "opens access reviews, decides their items, signs them off, and reports them",
    usage: """
      review open (--policy P | --reviewers RULES [--scope S] [--roles R,…] [--groups G,…] [--identities I,…] [--privileged])
                        [--escalation P,…] [--days N] [--remind-days 7,1] [--at-deadline keep|lock|revoke]
                        [--executes at_close|at_once] [--signs-off P,…] [--id ID] [--by WHO]
          tenure review items ID [--reviewer WHO] [--decision-state undecided|changed|decided|ended] [--recommendation keep|revoke]
                        [--principal P] [--role R] [--group G] [--at T] [--as-known-at POSITION|T]
          tenure review assign ID ITEM --to WHO --by WHO
          tenure review decide ID ITEM keep|revoke|reduce|delegate --by WHO [--reason TEXT] [--to WHO]
                        [--role R] [--scope S] [--until T]
          tenure review decide ID all keep|revoke --by WHO --reason TEXT [--principal P] [--role R] [--group G]
                        [--recommendation keep|revoke]
          tenure review remind ID
          tenure review sign-off ID --by WHO
          tenure review close ID [--by WHO] [--reason TEXT]
          tenure review report ID [--at T] [--as-known-at POSITION|T]
          tenure review list [--state open|closed|completed]

      RULES are owner, manager, identity:ID or group:ID, separated by commas: the first that leads to somebody who may decides.
      ITEM is a number of the list, or assignment:ID or 'membership:GROUP KIND:ID'; a list's text goes to the item's end.
      Exit status 1: the step was refused; of a report: something is undecided, failed, or not as it was frozen.
      """
  ) { arguments in
    switch try arguments.word("what to do (open, items, assign, decide, remind, sign-off, close, report or list)") {
    case "open": return try open(&arguments)
    case "items": return try items(&arguments)
    case "assign": return try assign(&arguments)
    case "decide": return try decide(&arguments)
    case "remind": return try remind(&arguments)
    case "sign-off": return try step(.signedOff, &arguments)
    case "close": return try close(&arguments)
    case "report": return try report(&arguments)
    case "list": return try list(&arguments)
    case let other: throw UsageError("there is no tenure review \(other); see tenure review --help")
    }
  }

  // MARK: Steps

  private static func open(_ arguments: inout Arguments) throws -> ExitStatus {
    var members: JSONObject = ["type": "review.open"]
    for name in ["policy", "scope", "by"] { if let text = arguments.option(name) { members[name] = .string(text) } }
    for name in ["reviewers", "roles", "groups", "identities", "escalation"] { members[name] = arguments.list(name) }
    members["signs_off"] = arguments.list("signs-off")
    if arguments.flag("privileged") { members["privileged"] = true }
    if let days = try arguments.integer("days", in: 1...3_650) { members["days_to_decide"] = .integer(Int64(days)) }
    if let texts = arguments.list("remind-days")?.arrayValue {
      members["remind_days"] = .array(
        try texts.map { text throws(UsageError) in
          guard let day = text.stringValue.flatMap({ Int64($0) }) else { throw UsageError("--remind-days must be numbers") }
          return .integer(day)
        })
    }
    if let text = arguments.option("at-deadline") { members["at_deadline"] = .string(text) }
    if let text = arguments.option("executes") { members["executes"] = .string(text) }
    let id = arguments.option("id")
    return try send(&arguments) { _ in [try RequestIntake.command(members, id: id)] }
  }

  private static func step(_ step: ReviewStep, _ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the review's id")
    let by = try arguments.required("by")
    return try send(&arguments) { _ in [Command(.review(id: id, step, by: by, nil, nil))] }
  }

  private static func close(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the review's id")
    let by = arguments.option("by")
    return try send(&arguments, executing: true) { _ in [Command(.review(id: id, .closed, by: by, nil, nil))] }
  }

  private static func remind(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the review's id")
    return try send(&arguments) { questions in
      guard let reminder = try questions.reminder(of: id) else { throw CommandError("there is no review \(id)") }
      return [Command(.review(id: id, .reminded, by: nil, reminder, nil))]
    }
  }

  private static func assign(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the review's id")
    let named = try arguments.word("the item")
    let (reviewer, by) = (try arguments.required("to"), try arguments.required("by"))
    return try send(&arguments, about: named) { questions in
      let item = try questions.item(named, of: id).frozen.item
      return [Command(.reviewItem(review: id, item, .assigned, by: by, ReviewItemOrder(reviewer: reviewer), nil))]
    }
  }

  private static func decide(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the review's id")
    let named = try arguments.word("the item, or all")
    let choice = try arguments.word("the decision").choice(ReviewChoice.self, "the decision")
    let by = try arguments.required("by")
    if named == "all" { return try decideAll(of: id, choice, by: by, &arguments) }
    let reviewer = arguments.option("to")
    var reduction = ReviewReduction(role: arguments.option("role"), scope: arguments.option("scope"))
    reduction.expiresAt = try arguments.instant("until")
    let isReduced = reduction != ReviewReduction()
    return try send(&arguments, about: named) { questions in
      let row = try questions.item(named, of: id)
      let order = ReviewItemOrder(
        digest: row.present?.digest, choice: choice, reviewer: reviewer, reduction: isReduced ? reduction : nil)
      return [Command(.reviewItem(review: id, row.frozen.item, .decided, by: by, order, nil))]
    }
  }

  private static func decideAll(
    of id: String, _ choice: ReviewChoice, by: String, _ arguments: inout Arguments
  ) throws -> ExitStatus {
    guard choice == .keep || choice == .revoke else { throw UsageError("all can be kept or revoked") }
    let filter = try arguments.filter()
    var (first, isBegun): (Int?, Bool) = (1, false)
    // All decisions about several are more than a batch may take where the review is large.
    return try sendAll(&arguments) { questions in
      guard let number = first else { return nil }
      guard let found = try questions.decisions(inAll: filter, of: id, choice, by: by, authority: Authority(), from: number)
      else { throw CommandError("there is no review \(id)") }
      if found.commands.isEmpty, !isBegun { throw CommandError("there is nothing that \(by) could decide") }
      (first, isBegun) = (found.next, true)
      return found.commands.isEmpty ? nil : found.commands
    }
  }

  /// Sends the commands in one batch, and shows the review as it then stands.
  ///
  /// - Parameters:
  ///   - named: the one item that they are about, which is shown instead: the rest of the review may be large.
  ///   - executing: whether what was decided is executed besides.
  private static func send(
    _ arguments: inout Arguments, about named: String? = nil, executing: Bool = false,
    _ commands: @escaping (Questions) throws -> [Command]
  ) throws -> ExitStatus {
    var isSent = false
    return try sendAll(&arguments, about: named, executing: executing) { questions in
      if isSent { return nil }
      isSent = true
      return try commands(questions)
    }
  }

  /// The same with batch after batch, until there are no more.
  private static func sendAll(
    _ arguments: inout Arguments, about named: String? = nil, executing: Bool = false,
    _ next: (Questions) throws -> [Command]?
  ) throws -> ExitStatus {
    let authority = Authority(reason: arguments.option("reason"), ticket: try arguments.reviewTicket())
    let format = try arguments.format()
    let name = arguments.tenantName()
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let tenant = try session.tenant(name)
      let questions = Questions(tenant: tenant)
      var review = ""
      while var batch = try next(questions) {
        for index in batch.indices { batch[index].authority = authority }
        review = batch[0].change.entity.id
        let isOfMany = batch.count > 1
        let renewed: (([Command]) throws -> [Command])? = isOfMany ? { try questions.stillAsSeen($0) } : nil
        guard try tenant.accepts(all: batch, from: "tenure review", format: format, renewed: renewed) else { return .no }
      }
      if executing {
        var counts: [String: Int64] = [:]
        try ReviewExecutions(tenant: tenant, recordedBy: "tenure review").run(review, &counts)
      }
      try show(review, named, questions, format)
      return .yes
    }
  }

  private static func show(_ review: String, _ named: String?, _ questions: Questions, _ format: OutputFormat) throws {
    if let named {
      guard let page = try questions.reviewItem(named, of: review) else {
        throw CommandError("the step was recorded and cannot be read")
      }
      return try Output.standard.write(page, format) { $0.text }
    }
    guard let report = try questions.review(review) else { throw CommandError("the step was recorded and cannot be read") }
    try Output.standard.write(report, format) { $0.text }
  }

  // MARK: Reading

  private static func list(_ arguments: inout Arguments) throws -> ExitStatus {
    let state = try arguments.option("state").map { try $0.choice(ReviewState.self, "--state") }
    return try ask(&arguments) {
      try $0.reviews(state: state)
    } text: {
      $0.text
    } status: {
      $0.reviews.isEmpty ? .no : .yes
    }
  }

  private static func items(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the review's id")
    var filter = try arguments.filter()
    filter.reviewer = arguments.option("reviewer")
    filter.decisionState = try arguments.option("decision-state").map { try $0.choice(DecisionState.self, "--decision-state") }
    let asked = filter
    return try read(id, asked, &arguments) { items in
      var isAny = false
      while let some = try items.next() {
        if some.isEmpty { continue }
        isAny = true
        try Output.standard.writeText(some.map { $0.text + "\n" }.joined())
      }
      if !isAny { try Output.standard.writeText("no items\n") }
    } status: {
      $0.items == 0 ? .no : .yes
    }
  }

  private static func report(_ arguments: inout Arguments) throws -> ExitStatus {
    let id = try arguments.word("the review's id")
    return try read(id, nil, &arguments) { items in
      // What it comes to stands before the items, and is known once all were looked at.
      var whole = items
      while try whole.next() != nil {}
      try Output.standard.writeText(whole.report.text + "\n")
      while let some = try items.next() { try Output.standard.writeText(some.table(whole.review)) }
    } status: {
      $0.completion == 100 && $0.count(.failed) == 0 ? .yes : .no
    }
  }

  /// Reads a review's items and writes them slice by slice: a large review is never in memory as a whole.
  private static func read(
    _ id: String, _ filter: ReviewFilter?, _ arguments: inout Arguments, text: (inout ReviewItems) throws -> Void,
    status: (ReviewSummary) -> ExitStatus
  ) throws -> ExitStatus {
    let (at, known) = (try arguments.instant("at"), try arguments.asKnownAt())
    let format = try arguments.format()
    let name = arguments.tenantName()
    return try withSession(&arguments) { session, arguments in
      try arguments.finish()
      let questions = Questions(tenant: try session.tenant(name))
      guard var items = try questions.reviewItems(of: id, filter, at: at, asKnownAt: known) else {
        throw CommandError("there was no review \(id) then")
      }
      switch format {
      case .json:
        while let bytes = try items.nextBytes() { try Output.standard.writeBytes(bytes) }
        try Output.standard.writeText("\n")
      case .text: try text(&items)
      }
      return items.review.isVerified ? status(items.summary) : .no
    }
  }
}

extension Questions {
  /// An item by its number in the list, or by its text.
  fileprivate func item(_ named: String, of review: String) throws -> ReviewRow {
    guard let page = try reviewItem(named, of: review), let item = page.items.first else {
      throw CommandError("there is no item \(named) in review \(review)")
    }
    return item.row
  }
}

extension Arguments {
  /// An option that is a list, separated by commas.
  fileprivate mutating func list(_ name: String) -> JSONValue? {
    option(name).map { text in
      .array(text.split(separator: ",", omittingEmptySubsequences: false).map { .string(String($0)) })
    }
  }

  fileprivate mutating func filter() throws -> ReviewFilter {
    var filter = ReviewFilter()
    filter.principal = try option("principal").map { text throws(UsageError) in
      guard let entity = Entity(text: text), entity.kind == .identity || entity.kind == .group else {
        throw UsageError("--principal must begin with identity: or group:")
      }
      return entity
    }
    (filter.role, filter.group) = (option("role"), option("group"))
    filter.recommendation = try option("recommendation").map { try $0.choice(ReviewChoice.self, "--recommendation") }
    return filter
  }

  fileprivate mutating func reviewTicket() throws(UsageError) -> Ticket? {
    guard let text = option("ticket") else { return nil }
    let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { throw UsageError("--ticket must have the form SYSTEM:KEY") }
    return Ticket(system: parts[0], key: parts[1])
  }
}

extension String {
  fileprivate func choice<T: RawRepresentable & CaseIterable>(_ type: T.Type, _ what: String) throws(UsageError) -> T
  where T.RawValue == String {
    guard let value = T(rawValue: self) else {
      throw UsageError("\(what) must be one of \(T.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    return value
  }
}
