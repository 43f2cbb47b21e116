import AccessGraph
import EventLog
import Postgres
import Relations
import Temporal

extension BenchRow {
  static let who = BenchRow(
    name: "who", summary: "who, against hand-tuned SQL and the SQL functions over the same relation tables"
  ) { context in
    let tenant = try context.questioned()
    let view = context.view(tenant)
    let connection = try context.connectAsSuperuser()
    let probes = context.size.questions.probes
    context.say("interning the relation tables for the hand-tuned peer")
    let tuned = try HandTunedSQL(
      tenant: tenant.id, resources: probes.map(OrganisationNames.probeScope), on: connection)
    let functions = try context.connectAsSuperuser()
    let targets: [Target] = [.atLeast(50), .atLeast(50), .atLeast(30), .atLeast(20)]
    return try zip(probes, targets).flatMap { size, target in
      context.say("who, an answer of \(size)")
      let question = WhoQuestion(
        tenant: tenant, size: size, view: view, tuned: tuned, functions: functions, seconds: context.size.questionSeconds)
      try question.compare()
      return try question.measure(target)
    }
  }
}

/// One `who` question, asked of everybody.
private struct WhoQuestion {
  let tenant: Tenant
  let size: Int
  let view: Viewpoint
  let tuned: HandTunedSQL
  let functions: Connection
  let seconds: Double

  var action: String { OrganisationNames.probeAction }
  var resource: String { OrganisationNames.probeScope(size) }
  var subject: WhoSubject { .access(action: action, resource: resource) }

  /// Everybody's answers are the same, and as large as they should be.
  func compare() throws {
    let (ours, count) = try tenant.read { graph in
      (Adapters.whoNames(graph, subject, view), Adapters.whoNumbers(graph, subject, view))
    }
    let theirs = try SQLQuestions.who(
      tenant: tenant.name, action: action, resource: resource, from: view, on: functions
    ).map(\.identity)
    guard ours == theirs else {
      throw AnswersDiffer("who on \(resource): \(ours.count) here, \(theirs.count) by tenure.who_had_access")
    }
    let named = try tuned.names(action: action, resource: resource, at: view.at)
    guard ours == named else {
      throw AnswersDiffer("who on \(resource): \(ours.count) here, \(named.count) by hand-tuned SQL")
    }
    let numbers = try tuned.numbers(action: action, resource: resource, at: view.at)
    let array = try tuned.array(action: action, resource: resource, at: view.at)
    guard count == ours.count, numbers == count, array == count, count == size else {
      throw AnswersDiffer("who on \(resource): \(count), \(numbers) and \(array) numbers, where \(size) were generated")
    }
  }

  func measure(_ target: Target) throws -> [BenchFigure] {
    let medians = try Measuring.interleaved([
      { try perCall { try tenant.read { Measuring.consume(Adapters.whoNumbers($0, subject, view)) } } },
      { try perCall { Measuring.consume(try tuned.numbers(action: action, resource: resource, at: view.at)) } },
      { try perCall { try tenant.read { Measuring.consume(Adapters.whoNames($0, subject, view)) } } },
      { try perCall { Measuring.consume(try tuned.names(action: action, resource: resource, at: view.at)) } },
      {
        try perCall {
          Measuring.consume(
            try SQLQuestions.who(tenant: tenant.name, action: action, resource: resource, from: view, on: functions))
        }
      },
      { try perCall { Measuring.consume(try tuned.array(action: action, resource: resource, at: view.at)) } },
    ])
    // The peer may take whichever form is quicker for this size.
    let numbers = min(medians[1], medians[5])
    let form = medians[1] <= medians[5] ? "integers as rows" : "integers as one array"
    let what = "answer of " + Quantity.grouped(Double(size))
    return [
      BenchFigure(
        "who", what + ", numbers", ours: .seconds(medians[0]), peer: .seconds(numbers), "hand-tuned SQL, \(form)",
        ratio: numbers / medians[0], target: target),
      BenchFigure(
        "who", what + ", sorted names", ours: .seconds(medians[2]), peer: .seconds(medians[3]), "hand-tuned SQL, names",
        ratio: medians[3] / medians[2]),
      BenchFigure(
        "who", what + ", sorted names", ours: .seconds(medians[2]), peer: .seconds(medians[4]), "tenure.who_had_access",
        ratio: medians[4] / medians[2]),
    ]
  }

  private func perCall(_ body: () throws -> Void) throws -> Double {
    try Measuring.secondsPerCall(atLeast: seconds) { _ in try body() }
  }
}
