import API
import AccessGraph
import EventLog
import Foundation
import Relations
import Synchronization
import Temporal

extension BenchRow {
  /// Callers whose appends are timed while something else runs: few, so that the cores are not simply full.
  private static let appenders = 4

  static let snapshot = BenchRow(
    name: "snapshot", summary: "appends while a full snapshot of the same tenant streams, against the same appends alone"
  ) { context in
    let load = try context.commandLoad()
    let tenant = load.tenant
    let view = Viewpoint(at: BenchContext.lastMoment, asKnownAt: tenant.head.position)
    let whole = Questions(tenant: tenant)
    var entitlements = 0
    var first = try whole.snapshot(resource: nil, at: view.at, asKnownAt: .position(view.asKnownAt))
    while let slice = try first.next() { entitlements += slice.count }
    guard entitlements > 0 else { throw AnswersDiffer("the snapshot is empty") }
    context.say("appends alone, then beside a snapshot of \(entitlements) entitlements, in turn")
    let before = ProcessMemory.resident
    let streamed = Mutex(0)
    let medians = try compare(load, seconds: Double(context.size.rateSeconds)) { goesOn in
      while goesOn() {
        var snapshot = try whole.snapshot(resource: nil, at: view.at, asKnownAt: .position(view.asKnownAt))
        while goesOn(), let slice = try snapshot.nextSlice() { streamed.withLock { $0 += slice.count } }
      }
    }
    let growth = Double(ProcessMemory.resident - before) / 1_048_576
    let megabytes = Double(streamed.withLock { $0 }) / 1_048_576
    return [
      BenchFigure(
        "snapshot", "p99 of appends while it streams", ours: .seconds(medians.1), peer: .seconds(medians.0), "appends alone",
        ratio: medians.1 / medians.0, target: .atMost(2)),
      BenchFigure(
        "snapshot", "growth of memory over \(Quantity.grouped(megabytes)) MiB streamed", ours: .mebibytes(max(0, growth))),
    ]
  }

  static let isolation = BenchRow(
    name: "isolation", summary: "appends of one tenant while another is rebuilt, against the same appends alone"
  ) { context in
    let load = try context.commandLoad()
    let other = try context.tenant(
      "rebuilt", OrganisationPlan(seed: BenchSize.seed, events: context.size.churnEvents))
    let id = other.id
    let conninfo = context.service
    context.say("appends alone, then beside the rebuild of another tenant, in turn")
    let medians = try compare(load, seconds: Double(context.size.rateSeconds)) { goesOn in
      while goesOn() {
        let report = try Adapters.rebuild(tenant: id, conninfo: conninfo)
        guard report.isClean else { throw AnswersDiffer("a rebuild of what was just appended found differences") }
      }
    }
    return [
      BenchFigure(
        "isolation", "p99 of appends while another tenant is rebuilt", ours: .seconds(medians.1), peer: .seconds(medians.0),
        "appends alone", ratio: medians.1 / medians.0, target: .atMost(2))
    ]
  }

  /// The p99 of appends alone and beside something, medians of interleaved runs; what runs beside lasts as long as they do.
  private static func compare(
    _ load: CommandLoad, seconds: Double, beside: @escaping @Sendable (_ goesOn: @Sendable () -> Bool) throws -> Void
  ) throws -> (Double, Double) {
    let medians = try Measuring.interleaved([
      { Measuring.percentile(try load.latencies(callers: appenders, seconds: seconds), 0.99) },
      {
        let other = Companion(beside)
        let latencies = Result { try load.latencies(callers: appenders, seconds: seconds) }
        try other.stop()
        return Measuring.percentile(try latencies.get(), 0.99)
      },
    ])
    return (medians[0], medians[1])
  }
}

/// Work that goes on beside what is timed, until it is stopped.
private final class Companion: Sendable {
  private let isOver = Atomic<Bool>(false)
  private let work: Mutex<Aside<Result<Void, any Error>>?> = Mutex(nil)

  init(_ body: @escaping @Sendable (_ goesOn: @Sendable () -> Bool) throws -> Void) {
    let aside = Aside<Result<Void, any Error>> { [self] in
      Result { try body { !self.isOver.load(ordering: .relaxed) } }
    }
    work.withLock { $0 = aside }
  }

  /// Waits for its end; throws what it threw.
  func stop() throws {
    isOver.store(true, ordering: .relaxed)
    try work.withLock { $0 }?.wait().get()
  }
}
