import AccessGraph
import EventLog
import Governance
import Temporal

/// What the rows of a report are found with: the question, and the tenant that it is asked of.
struct ReportContext: Sendable {
  let question: ReportQuestion
  let questions: Questions

  var tenant: Tenant { questions.tenant }
  var view: Viewpoint { Viewpoint(at: question.at, asKnownAt: question.asKnownAt) }
  /// The stretch; of a report about a moment all time up to it.
  var during: Interval { question.during ?? Interval(from: .earliest, to: nil) }
  /// The last instant of the stretch, as far as it has come.
  var end: Instant { during.to.map { min($0.adding(microseconds: -1), question.at) } ?? question.at }

  /// A parameter; nil where it is left out.
  func parameter(_ name: String) -> String? { question.parameters[name] }

  /// A parameter that the report cannot do without.
  func required(_ name: String) -> String {
    guard let value = question.parameters[name] else { preconditionFailure("\(name) was checked when the question was read") }
    return value
  }

  /// Lends the graph, as known at the question's position.
  func read<Answer>(_ body: (AccessGraph, GraphWorld) throws -> Answer) throws -> Answer {
    try tenant.read { graph in try body(graph, graph.world(asKnownAt: question.asKnownAt)) }
  }

  /// The ids of all entities of a kind that ever were, in byte order.
  func ids(of kind: EntityKind) throws -> [String] { try tenant.read { $0.ids(of: kind) } }

  /// All entities of some kinds that ever were, as texts of kind and id: kind by kind, in byte order.
  func entities(of kinds: [EntityKind]) throws -> [String] {
    try kinds.flatMap { kind in try ids(of: kind).map { Entity(kind, $0).description } }
  }

  /// The events at some positions, by position; one round trip.
  func events(at positions: some Sequence<Int64>) throws -> [Int64: Event] {
    let sorted = Set(positions).sorted()
    return Dictionary(uniqueKeysWithValues: try tenant.events(at: sorted).map { ($0.event.position, $0.event) })
  }
}

/// A number that the report and the log must agree on, each counted by itself.
public struct ControlTotal: Hashable, Sendable {
  /// What is counted.
  public var name: String
  /// As the report has it.
  public var report: Int64
  /// As PostgreSQL counts it, in the log or in the relation rows.
  public var log: Int64

  /// Whether they agree.
  public var agrees: Bool { report == log }
}

/// Totals of what exists.
extension ReportContext {
  /// How many entities exist at the moment: by the graph, and by the relation rows.
  func total(of kind: EntityKind) throws -> ControlTotal {
    let ids = try ids(of: kind)
    var found: Int64 = 0
    for slice in stride(from: 0, to: ids.count, by: Self.idsPerSlice) {
      found += try read { _, world in
        Int64(ids[slice..<min(slice + Self.idsPerSlice, ids.count)].count { world.exists(Entity(kind, $0), at: question.at) })
      }
    }
    return ControlTotal(
      name: "\(kind.rawValue) existing at the moment", report: found,
      log: try tenant.count(of: kind, existingAt: question.at, asKnownAt: question.asKnownAt))
  }

  /// Ids looked at while the graph is held: some milliseconds.
  private static let idsPerSlice = 1_000
}
