import AccessGraph
import EventLog
import Governance
import JSON
import Temporal

extension Job {
  /// Finds ends of assignments and memberships that nobody recorded, and endings of them that nobody has seen carried out.
  ///
  /// Counts as of every job that flags.
  public static let flagEndings = Job(
    name: FlagEndings.name, summary: "finds ended grants that were not recorded, or were not seen to be gone",
    schedule: .fixed("30 2 * * *"), catchUp: .once
  ) { try FlagEndings(context: $0).run() }
}

/// One run of the job.
private struct FlagEndings {
  static let name = "flag-endings"
  static let rules = [unrecorded, unobserved]
  private static let unrecorded = "expired_unrecorded"
  private static let unobserved = "ending_not_observed"

  let context: JobContext

  func run() throws -> JobReport {
    let sweep = try FindingSweep(job: Self.name, rules: Self.rules, context: context)
    let windows = try sweep.tenant.read { FindingWindows(in: $0.world(asKnownAt: $0.position), at: sweep.now) }
    try findUnrecorded(sweep, windows)
    try findUnobserved(sweep, windows)
    return try sweep.finish()
  }

  /// Ends that the job `expire-grants` should have recorded.
  private func findUnrecorded(_ sweep: FindingSweep, _ windows: FindingWindows) throws {
    let last = sweep.now.adding(microseconds: -windows.daysAnywhere(Self.unrecorded).lowerBound * 86_400_000_000)
    let pages = EndPages(context: context, now: sweep.now, leavesOutRecorded: true)
    for kind in EndPages.Kind.allCases {
      var place: EndPages.Place? = EndPages.Place(end: .earliest)
      while let next = place {
        if context.isOver() { return sweep.cutShort() }
        let page = try pages.page(of: kind, after: next, through: last)
        let aged = page.ends.filter { $0.end <= windows.begin(Self.unrecorded, scope: $0.scope, before: sweep.now) }
        try sweep.note(aged.map { $0.finding(Self.unrecorded) })
        place = page.last
      }
    }
  }

  /// Endings that no reading has shown to be carried out, nobody's confirmation of his own looking, nor our own check.
  private func findUnobserved(_ sweep: FindingSweep, _ windows: FindingWindows) throws {
    let position = sweep.tenant.head.position
    var place: EndingPlace?
    repeat {
      if context.isOver() { return sweep.cutShort() }
      let page = try sweep.tenant.fulfilments(
        FulfilmentFilter(.open), at: sweep.now, asKnownAt: position, after: place, limit: FindingSweep.findingsPerSlice)
      let aged = page.fulfilments.filter { fulfilment in
        let ending = fulfilment.ending
        return ending.endedAt <= windows.begin(Self.unobserved, scope: ending.grant?.scope ?? "*", before: sweep.now)
      }
      try sweep.note(aged.map(Self.unobserved(_:)))
      place = page.next
    } while place != nil
  }

  private static func unobserved(_ fulfilment: Fulfilment) -> Finding {
    let ending = fulfilment.ending
    var evidence: JSONObject = [
      "ended_at": .string(ending.endedAt.description), "because": .string(ending.reason.rawValue),
      "stage": .string(fulfilment.stage.rawValue), "source": .string(ending.source),
    ]
    switch ending.item {
    case .assignment(let id):
      evidence["principal"] = .string(ending.principal.description)
      if let grant = ending.grant {
        evidence["role"] = .string(grant.role)
        evidence["scope"] = .string(grant.scope)
      }
      return Finding(rule: unobserved, subject: Entity(.assignment, id), evidence: .object(evidence))
    case .membership(let group, let member):
      evidence["member"] = .string(member.description)
      return Finding(rule: unobserved, subject: .group(group), evidence: .object(evidence))
    }
  }
}
