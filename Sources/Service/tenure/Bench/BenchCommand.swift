import EventLog
import Foundation

extension Subcommand {
  static let bench = Subcommand(
    name: "bench", summary: "measures this program against its peers, and generates organisations of any size",
    usage: """
      bench run [ROW …] --data DIR --scripts DIR [--python PATH] [--quick]
          tenure bench rows                      names the rows
          tenure bench generate --seed N --events N [--identities N]
                                                 makes an organisation in a tenant, the same one for a seed
          tenure bench scale --data DIR --output DIR [--up-to N]
                                                 time and memory from 10 k to 10 M events, as a table and as curves
          tenure bench memory --events N         folds a generated history and says how many bytes are resident
      """
  ) { arguments in
    switch try arguments.word("what to do (run, rows, scale, generate, memory)") {
    case "run": return try runRows(&arguments)
    case "rows":
      try arguments.finish()
      try Output.standard.writeText(BenchRow.all.map { "\($0.name)\t\($0.summary)\n" }.joined())
      return .yes
    case "generate": return try generate(&arguments)
    case "memory":
      let events = try arguments.events()
      try arguments.finish()
      try Output.standard.writeText("\(try MemoryChild.run(events: events))\n")
      return .yes
    case "scale":
      let data = URL(fileURLWithPath: try arguments.required("data")).path
      let output = URL(fileURLWithPath: try arguments.required("output")).path
      let limit = try arguments.integer("up-to", in: Scale.counts[0]...GenerationLimits.events)
      try arguments.finish()
      try Scale.run(data: data, output: output, upTo: limit ?? GenerationLimits.events)
      return .yes
    case "point":
      let events = try arguments.events()
      let data = URL(fileURLWithPath: try arguments.required("data")).path
      try arguments.finish()
      try Scale.point(events: events, data: data)
      return .yes
    case let other: throw UsageError("bench cannot \(other)")
    }
  }

  private static func runRows(_ arguments: inout Arguments) throws -> ExitStatus {
    let size: BenchSize = arguments.flag("quick") ? .quick : .full
    let data = try arguments.required("data")
    let scripts = try arguments.required("scripts")
    let python = arguments.option("python")
    var names: [String] = []
    while let name = arguments.word() { names.append(name) }
    try arguments.finish()
    for name in names where !BenchRow.all.contains(where: { $0.name == name }) {
      throw UsageError("there is no row \(name); see tenure bench rows")
    }
    let rows = BenchRow.all.filter { names.isEmpty || names.contains($0.name) }
    let context = try BenchContext(
      size: size, data: URL(fileURLWithPath: data).path, scripts: URL(fileURLWithPath: scripts).path, python: python)
    defer { context.close() }
    var figures: [BenchFigure] = []
    var failures: [String] = []
    let progress = Progress("rows")
    for (index, row) in rows.enumerated() {
      progress.advance(Int64(index), of: Int64(rows.count))
      // What cannot be measured is no reason to lose what was.
      do { figures += try row.measure(context) } catch { failures.append("row \(row.name): \(error)") }
    }
    let missed = figures.count(where: \.isMissed)
    let verdict =
      figures.isEmpty
      ? "nothing was measured" : missed == 0 ? "every target is met" : "\(missed) target\(missed == 1 ? " is" : "s are") missed"
    try Output.standard.writeText(
      BenchMachine.description + "\n" + (try context.durability())
        + "\n\(size.name) size, medians of \(Measuring.runs) interleaved runs\n\n" + BenchTable.text(figures) + "\n" + verdict
        + "\n")
    guard failures.isEmpty else { throw CommandError(failures.joined(separator: "\n")) }
    return missed == 0 ? .yes : .no
  }

  private static func generate(_ arguments: inout Arguments) throws -> ExitStatus {
    let seed = try arguments.integer("seed", in: 0...Int.max) ?? Int(BenchSize.seed)
    let events = try arguments.events()
    let identities = try arguments.integer("identities", in: 20...GenerationLimits.identities)
    let name = arguments.tenantName()
    let place = try Session.place(&arguments)
    try arguments.finish()
    let plan = OrganisationPlan(
      seed: UInt64(seed), identities: identities, events: events, probes: GenerationLimits.probes)
    let clock = StoryClock()
    let session = try Session.open(place, settings: EventStore.Settings(clock: clock.wallClock))
    defer { session.close() }
    let tenant = try session.store.findOrCreate(tenant: name)
    var organisation = Organisation(plan)
    let progress = Progress("generating")
    while true {
      // A second run of the same plan sends the same keys, and so records nothing twice.
      let told = try organisation.append(to: tenant, clock)
      if told == 0 { break }
      progress.advance(Int64(organisation.position), of: Int64(plan.events))
    }
    try Output.standard.writeText(
      "tenant \(name): \(plan.identities) identities, \(organisation.position) events of seed \(seed); "
        + "the log is at position \(tenant.head.position)\n")
    return .yes
  }
}

/// What can be generated.
enum GenerationLimits {
  /// Events of one history: ten million are what is measured; beyond it positions still fit, and patience may not.
  static let events = 100_000_000
  /// Identities are numbered with 32 bits beside their places.
  static let identities = 50_000_000
  /// The probes of an organisation that a person generates; those that are too large for it are left out.
  static let probes = [0, 30, 3_000, 100_000]
}

extension Arguments {
  fileprivate mutating func events() throws -> Int {
    guard let events = try integer("events", in: 1...GenerationLimits.events) else { throw UsageError("--events is missing") }
    return events
  }
}

/// The machine that figures come from.
enum BenchMachine {
  static var description: String {
    let processor =
      (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n")
      .first { $0.hasPrefix("model name") }?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) }
    let memory = ProcessInfo.processInfo.physicalMemory >> 30
    return "\(processor ?? "unknown processor"), \(ProcessInfo.processInfo.activeProcessorCount) cores, \(memory) GiB, "
      + ProcessInfo.processInfo.operatingSystemVersionString
  }
}
