import AccessGraph
import EventLog
import Foundation
import Postgres
import Temporal

/// One measurement at one number of events.
struct ScalePoint {
  var name: String
  var seconds: Double
  /// The most memory that this process had resident meanwhile.
  var peakBytes: Double
  /// Of a question, how large its answers are on the average: what its time may grow with; 0 where there are none.
  var answers: Double

  /// As a child process says it, one line a measurement.
  var line: String { "\(name)\t\(seconds)\t\(peakBytes)\t\(answers)\n" }

  init(_ name: String, seconds: Double, peakBytes: Double, answers: Double = 0) {
    self.name = name
    self.seconds = seconds
    self.peakBytes = peakBytes
    self.answers = answers
  }

  init?(line: Substring) {
    let parts = line.split(separator: "\t")
    guard parts.count == 4, let seconds = Double(parts[1]), let peak = Double(parts[2]), let answers = Double(parts[3])
    else { return nil }
    self.init(String(parts[0]), seconds: seconds, peakBytes: peak, answers: answers)
  }
}

/// The same measurements from 10 k to 10 M events.
enum Scale {
  static let counts = [10_000, 100_000, 1_000_000, 10_000_000]
  /// Measurements that are about the whole log; the others are one question each.
  private static let wholes = ["append", "rebuild", "start"]

  /// Measures each count in a process and a database of its own, prints the table, and draws the curves.
  static func run(data: String, output: String, upTo limit: Int) throws {
    let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    var points: [(events: Int, point: ScalePoint)] = []
    for events in counts where events <= limit {
      let directory = data + "/\(events)"
      defer { try? FileManager.default.removeItem(atPath: directory) }
      Progress("scale").say("\(events) events")
      let said = try ChildProgram.run(
        executable, ["bench", "point", "--events", "\(events)", "--data", directory])
      let found = said.split(separator: "\n").compactMap { ScalePoint(line: $0) }
      guard !found.isEmpty else { throw ChildFailure(description: "tenure bench point said \(said)") }
      points += found.map { (events, $0) }
    }
    let table = table(points)
    try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
    try draw(points, in: output)
    try table.write(toFile: output + "/scale.txt", atomically: true, encoding: .utf8)
    try Output.standard.writeText(BenchMachine.description + "\n\n" + table + "\ncurves in \(output)\n")
  }

  private static func table(_ points: [(events: Int, point: ScalePoint)]) -> String {
    var table = TextTable()
    table.add("events", "what", "time", "events/s", "mean answer", "peak memory")
    for (events, point) in points {
      let rate = wholes.contains(point.name) ? Quantity.grouped(Double(events) / point.seconds) : ""
      table.add(
        Quantity.grouped(Double(events)), point.name, Quantity.duration(point.seconds), rate,
        point.answers > 0 ? Quantity.grouped(point.answers) : "",
        Quantity.mebibytes(point.peakBytes / 1_048_576).text)
    }
    return table.text
  }

  private static func draw(_ points: [(events: Int, point: ScalePoint)], in output: String) throws {
    var names: [String] = []
    for (_, point) in points where !names.contains(point.name) { names.append(point.name) }
    func curves(_ names: [String], _ value: (ScalePoint) -> Double) -> [Curves.Curve] {
      names.map { name in
        Curves.Curve(
          name: name, points: points.filter { $0.point.name == name }.map { (Double($0.events), value($0.point)) })
      }
    }
    let questions = names.filter { !wholes.contains($0) }
    // Questions need next to nothing beside the graph: the largest of them stands for all.
    let largest = Dictionary(grouping: points.filter { questions.contains($0.point.name) }, by: \.events).map { events, found in
      (x: Double(events), y: (found.map(\.point.peakBytes).max() ?? 0) / 1_048_576)
    }.sorted { $0.x < $1.x }
    let pictures = [
      ("questions", Curves(title: "One question", label: Quantity.duration, curves: curves(questions) { $0.seconds })),
      ("wholes", Curves(title: "The whole log", label: Quantity.duration, curves: curves(wholes) { $0.seconds })),
      (
        "memory",
        Curves(
          title: "Peak memory of the process", label: { Quantity.grouped($0) + " MiB" },
          curves: curves(wholes) { $0.peakBytes / 1_048_576 } + [Curves.Curve(name: "questions", points: largest)])
      ),
    ]
    for (name, picture) in pictures {
      try picture.svg.write(toFile: "\(output)/\(name).svg", atomically: true, encoding: .utf8)
    }
  }

  /// What a child process does: generates so many events into a database of its own, and measures.
  static func point(events: Int, data: String) throws {
    // The size does not matter here: the context gives the database and the tools.
    let context = try BenchContext(size: .quick, data: data, scripts: data, python: nil)
    defer { context.close() }
    let probe = 30
    let plan = OrganisationPlan(seed: BenchSize.seed, events: events, probes: [probe])
    func measure(_ name: String, answers: Double = 0, _ body: () throws -> Double) throws {
      ProcessMemory.forgetPeak()
      let seconds = try body()
      let point = ScalePoint(name, seconds: seconds, peakBytes: Double(ProcessMemory.peak), answers: answers)
      try Output.standard.writeText(point.line)
    }
    let tenant = try context.store.findOrCreate(tenant: "scale")
    var organisation: Organisation? = Organisation(plan)
    try measure("append") {
      try Measuring.seconds { while let told = try organisation?.append(to: tenant, context.clock), told > 0 {} }
    }
    organisation = nil
    try context.settle()
    let connection = try context.connectAsSuperuser()
    let asked = AskedOrganisation(tenant: tenant, identities: plan.identities, probe: probe)
    for question in TimedQuestion.all {
      try question.compare(asked, 4, connection)
      // Asked once before it is timed: the first page of a snapshot puts all names in order.
      let answers = try tenant.read { question.meanSize($0, asked) }
      try measure(question.name, answers: answers) {
        try Measuring.secondsPerCall(atLeast: context.size.questionSeconds, calls: BenchRow.variations) { call in
          try tenant.read { Measuring.consume(question.ask($0, asked, call % BenchRow.variations)) }
        }
      }
    }
    try measure("rebuild") {
      try Measuring.seconds {
        Measuring.consume(try Adapters.fold(tenant: tenant.id, through: tenant.head.position, on: connection))
      }
    }
    try measure("start") {
      let store = try EventStore(context.service)
      defer { store.close() }
      return try Measuring.seconds { Measuring.consume(try store.find(tenant: "scale")) }
    }
  }
}
