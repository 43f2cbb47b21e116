import AccessGraph
import EventLog
import Foundation
import JSON

extension BenchRow {
  /// Decisions asked for in turn: too many to be one cached answer.
  static let checkQuestions = 400
  /// Connections that keep both cores busy.
  private static let connections = 32
  /// The mean pause of a connection between two requests at half load; wrk counts whole milliseconds.
  ///
  /// At each answer wrk looks through the pauses of all connections: with four times the pause, and the connections that make
  /// the same load then, what it measures is twice as much its own time, of the constant too.
  static let pauseMilliseconds = 5

  static let check = BenchRow(
    name: "check", summary: "check over HTTP, against the same listener answering a POST of the same body with a constant"
  ) { context in
    let tenant = try context.questioned()
    var view = context.view(tenant)
    view.at = tenant.now  // as a request without a moment asks
    context.say("check: comparing \(checkQuestions) decisions with the SQL functions")
    let questions = try CheckQuestions.make(
      tenant, count: checkQuestions, view: view, on: try context.connectAsSuperuser())
    let file = context.data + "/check-bodies.txt"
    try questions.map {
      Adapters.checkBody($0.identity, action: $0.action, resource: $0.resource) + "\n"
    }.joined().write(toFile: file, atomically: true, encoding: .utf8)
    let server = try BenchServer(context)
    defer { server.stop() }
    try compareOverHTTP(questions, tenant, server)

    let seconds = context.size.rateSeconds
    var environment = ["BENCH_TENANT": tenant.name, "BENCH_BODIES": file, "BENCH_PATH": Adapters.checkPath]
    context.say("check over HTTP, then the constant, in turn")
    let medians = try Measuring.interleaved([
      { try server.load("check.lua", connections: connections, seconds: seconds, environment: environment).requestsPerSecond },
      {
        try server.load(
          "check.lua", connections: connections, seconds: seconds, isConstant: true, environment: environment
        ).requestsPerSecond
      },
    ])
    environment["BENCH_PAUSE"] = "\(pauseMilliseconds)"
    let needed = max(1, Int(medians[0] / 2 * Double(pauseMilliseconds) / 1000))
    var rates: [Double] = []
    var p99s: [Double] = []
    var constantP99s: [Double] = []
    for _ in 0..<Measuring.runs {
      let load = try server.load("check.lua", connections: needed, seconds: seconds, environment: environment)
      rates.append(load.requestsPerSecond)
      p99s.append(load.p99Seconds)
      // How much of it is the load generator's and the scheduler's, the constant shows.
      constantP99s.append(
        try server.load(
          "check.lua", connections: needed, seconds: seconds, isConstant: true, environment: environment
        ).p99Seconds)
    }
    let share = Int((Measuring.median(rates) / medians[0] * 100).rounded())
    let perCheck = try Measuring.secondsPerCall(atLeast: context.size.questionSeconds) { call in
      let question = questions[call % questions.count]
      try tenant.read {
        Measuring.consume(
          Adapters.check($0, question.identity, action: question.action, resource: question.resource, view))
      }
    }
    return [
      BenchFigure(
        "check", "\(connections) connections over HTTP", ours: .requestsPerSecond(medians[0]),
        peer: .requestsPerSecond(medians[1]), "the listener with a constant", ratio: medians[0] / medians[1],
        target: .atLeast(0.6)),
      BenchFigure(
        "check", "p99 at \(share) % of that load", ours: .seconds(Measuring.median(p99s)),
        peer: .seconds(Measuring.median(constantP99s)), "the constant, as many connections and pauses",
        target: .atMost(0.002)),
      BenchFigure("check", "one decision in this process", ours: .seconds(perCheck)),
    ]
  }

  /// What the wire says is what was compared.
  private static func compareOverHTTP(_ questions: [CheckQuestion], _ tenant: Tenant, _ server: BenchServer) throws {
    for question in [questions.first(where: \.isAllowed), questions.first { !$0.isAllowed }].compactMap({ $0 }) {
      let said = try ChildProgram.run(
        "/usr/bin/env",
        [
          "curl", "-sS", "-H", "Tenure-Tenant: \(tenant.name)", "-H", "Content-Type: application/json", "-d",
          Adapters.checkBody(question.identity, action: question.action, resource: question.resource),
          "http://127.0.0.1:\(server.port)\(Adapters.checkPath)",
        ])
      let status = try JSONValue(parsing: Array(said.utf8))["status"]?.stringValue
      guard (status == "allowed") == question.isAllowed else {
        throw AnswersDiffer("check over HTTP said \(status ?? said) of \(question)")
      }
    }
  }
}
