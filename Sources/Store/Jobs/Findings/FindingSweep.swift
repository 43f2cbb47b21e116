import AccessGraph
import EventLog
import Governance
import Temporal

/// One run of a job that flags: what is true now against what is open, and the difference submitted.
///
/// What is true is looked at slice by slice, and what is not open, or says something else, is raised. Only once all of it has been
/// looked at, what was open when the run began and is true no longer is resolved; a run that is cut short resolves nothing. What
/// somebody raised meanwhile is left for the next run. Nothing is kept between runs: killed at any point, what it did is done and
/// the next run does the rest; a second one at the same time is told that the difference is none any more.
///
/// Memory: an id for each thing that is true.
final class FindingSweep {
  /// Findings that one transaction records at most, and one round trip reads: well under a second of work.
  static let findingsPerSlice = 500

  let context: JobContext
  let tenant: Tenant
  /// The present of the run.
  let now: Instant
  private let job: String
  private let rules: [String]
  /// The head when the run began.
  private let position: Int64
  private var trueIDs: Set<String> = []
  private var isWhole = true
  private var counts: [String: Int64] = ["found": 0, "raised": 0, "resolved": 0, "already": 0]
  /// The first refusal that nothing explains.
  private var refusal: Refusal?

  /// A run of a job that answers for some rules: of these it resolves what it does not find.
  init(job: String, rules: [String], context: JobContext) throws {
    self.job = job
    self.rules = rules
    self.context = context
    now = try context.now()
    tenant = try context.openTenant()
    // Others may have appended since this process looked last.
    try tenant.catchUp()
    position = tenant.head.position
  }

  /// The findings of some rule that were open when the run began, accepted ones among them, page by page.
  ///
  /// - Returns: false where the run is over before the last page.
  @discardableResult
  func forEachOpenPage(of rule: String, _ body: ([FindingStanding]) throws -> Void) throws -> Bool {
    var after = ""
    while !context.isOver() {
      let page = try FindingRows(tenant: context.tenant.id, on: context.connection).read(
        FindingFilter(rule: rule, states: [.open, .accepted]), at: now, asKnownAt: position, after: after,
        limit: Self.findingsPerSlice)
      try body(page)
      guard page.count == Self.findingsPerSlice, let last = page.last else { return true }
      after = last.finding.id
    }
    return false
  }

  /// Looks at some things, slice by slice, each under the shared side of the graph's lock for that slice only.
  ///
  /// - Parameters:
  ///   - size: things of a slice; some milliseconds of the graph's time.
  ///   - find: what is true of a slice.
  func look<Thing>(
    at things: [Thing], slice size: Int, _ find: (ArraySlice<Thing>, AccessGraph) throws -> [Finding]
  ) throws {
    var rest = things[...]
    while !rest.isEmpty {
      if context.isOver() {
        isWhole = false
        return
      }
      let slice = rest.prefix(size)
      rest = rest.dropFirst(size)
      try note(try tenant.read { try find(slice, $0) })
    }
  }

  /// Notes that the run was over before all was looked at.
  func cutShort() { isWhole = false }

  /// Takes what is true, and raises what is not open or says something else.
  func note(_ findings: [Finding]) throws {
    // Found by two ways, it is one.
    var rest = findings.filter { trueIDs.insert($0.id).inserted }[...]
    counts["found", default: 0] += Int64(rest.count)
    while !rest.isEmpty {
      let unsaid = try tenant.read { graph in
        let world = graph.world(asKnownAt: graph.position)
        return rest.prefix(Self.findingsPerSlice).compactMap { world.unsaid($0, at: now) }
      }
      rest = rest.dropFirst(Self.findingsPerSlice)
      try submit(unsaid.map { (.findingRaised($0), "found by \(job)") }, as: "raised")
    }
  }

  /// Resolves what is true no longer, unless the run was cut short, and says what the run came to.
  func finish() throws -> JobReport {
    if isWhole {
      for rule in rules {
        try forEachOpenPage(of: rule) { page in
          let over = page.filter { !trueIDs.contains($0.finding.id) }
          try submit(over.map { (.findingResolved(id: $0.finding.id), "what it says is no longer so") }, as: "resolved")
        }
      }
    }
    // Only now: what cannot be recorded keeps nothing else from it.
    if let refusal { throw refusal }
    return JobReport(counts: counts)
  }

  /// Each on its own, so that one that is refused keeps no other from being recorded.
  private func submit(_ changes: [(change: Change, reason: String)], as count: String) throws {
    if changes.isEmpty { return }
    let submissions = changes.map { Submission.byJob(job, Command($0, authority: Authority(reason: $1))) }
    for result in try tenant.append(submissions) {
      switch result {
      case .success: counts[count, default: 0] += 1
      // Another run, or somebody, was first.
      case .failure(let why) where why.code == .noChange || why.code == .notHeld: counts["already", default: 0] += 1
      case .failure(let why): refusal = refusal ?? why
      }
    }
  }
}
