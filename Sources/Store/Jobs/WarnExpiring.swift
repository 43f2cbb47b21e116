import EventLog
import Governance
import JSON
import Postgres
import Temporal

extension Job {
  /// Raises the finding `assignment_expiring` or `membership_expiring` for each grant that holds and comes to its own end within a
  /// day, once for each end.
  ///
  /// So whoever is told of findings has a day to ask for more, and is told again where the end was moved. A grant that lasts
  /// no longer than a day altogether is not warned of: it was asked for just now. Counts: `found`, the ends that were not
  /// warned of; `raised`, the findings; `already`, those that another process raised meanwhile; `resolved`, the warnings of ends
  /// that have come, or are none any more.
  public static let warnExpiring = Job(
    name: WarnExpiring.name, summary: "raises a finding for each assignment and membership that comes to its end within a day",
    schedule: .fixed("0 * * * *"), catchUp: .once
  ) { try WarnExpiring(context: $0).run() }
}

/// One run of the job.
///
/// It looks at all ends within the next day, whatever earlier runs saw: that is a piece of an index, and nothing has to be kept. A
/// warning's key makes it come once, whoever else is at it and wherever a run was killed.
private struct WarnExpiring {
  /// How long before its end a grant is warned of; those that last no longer altogether are not.
  static let warnedBefore: Int64 = 24 * 3_600_000_000
  /// The job's name.
  static let name = "warn-expiring"

  let context: JobContext

  func run() throws -> JobReport {
    let now = try context.now()
    var counts: [String: Int64] = ["found": 0, "raised": 0, "already": 0, "resolved": 0]
    let pages = EndPages(context: context, now: now, leavesOutRecorded: false)
    let last = now.adding(microseconds: Self.warnedBefore)
    for kind in EndPages.Kind.allCases {
      var place: EndPages.Place? = EndPages.Place(end: now.next)
      while let next = place, !context.isOver() {
        let page = try pages.page(of: kind, after: next, through: last)
        try raise(try unwarned(page.ends.filter { $0.begun.distance(to: $0.end) > Self.warnedBefore }), &counts)
        place = page.last
      }
    }
    for kind in EndPages.Kind.allCases { try resolve(kind, now, &counts) }
    return JobReport(counts: counts)
  }

  /// Resolves the warnings of ends that are not ahead any more.
  private func resolve(_ kind: EndPages.Kind, _ now: Instant, _ counts: inout [String: Int64]) throws {
    var after = ""
    while !context.isOver() {
      // Whether the role and the principal are still there is not looked at: then the end comes, and this is over as well.
      let ids = try context.connection.query(
        """
        SELECT f.id FROM tenure.findings f
        WHERE f.tenant_id = \(context.tenant.id) AND f.id > \(max(after, kind.warning + ":")) AND f.id < \(kind.warning + ";")
          AND f.recorded_to IS NULL AND f.begins AND f.valid @> \(Timestamp(now))
          AND NOT EXISTS (
            SELECT FROM \(unsafe: kind.table) a
            WHERE a.tenant_id = f.tenant_id AND \(unsafe: kind.isWarnedOf) AND a.recorded_to IS NULL
              AND a.valid @> \(Timestamp(now)) AND a.expires_at = (f.evidence ->> 'expires_at')::timestamptz)
        ORDER BY f.id LIMIT \(Int64(EndPages.endsPerPage))
        """
      ).map { try $0.string(0) }
      guard let last = ids.last else { return }
      after = last
      let over = ids.map { id in
        Submission.byJob(
          Self.name, Command(.findingResolved(id: id), authority: Authority(reason: "the end has come, or is another one")))
      }
      for result in try context.openTenant().append(over) {
        switch result {
        case .success: counts["resolved", default: 0] += 1
        case .failure(let why) where why.code == .notHeld: counts["already", default: 0] += 1
        case .failure(let why): throw why
        }
      }
    }
  }

  /// Those that nobody was warned of: asked beforehand, so that a run with nothing to say loads no graph.
  private func unwarned(_ expiring: [EndPages.End]) throws -> [EndPages.End] {
    if expiring.isEmpty { return [] }
    let keys = expiring.map(key)
    let warned = try context.connection.query(
      "SELECT command_id FROM tenure.command WHERE tenant_id = \(context.tenant.id) AND command_id = ANY (\(keys))"
    ).map { try $0.string(0) }
    let known = Set(warned)
    return zip(expiring, keys).filter { !known.contains($0.1) }.map(\.0)
  }

  private func key(of expiring: EndPages.End) -> String {
    Submission.key(ofJob: Self.name, about: expiring.name, end: expiring.end)
  }

  private func raise(_ expiring: [EndPages.End], _ counts: inout [String: Int64]) throws {
    if expiring.isEmpty { return }
    counts["found", default: 0] += Int64(expiring.count)
    let tenant = try context.openTenant()
    var refusal: Refusal?
    for result in try tenant.append(expiring.map(submission)) {
      switch result {
      case .success(let receipt): counts[receipt.isReplay ? "already" : "raised", default: 0] += 1
      // Raised under no key of this job's.
      case .failure(let why) where why.code == .noChange: counts["already", default: 0] += 1
      case .failure(let why): refusal = refusal ?? why
      }
    }
    if let refusal { throw refusal }
  }

  private func submission(_ expiring: EndPages.End) -> Submission {
    .byJob(
      Self.name, about: expiring.name, end: expiring.end,
      Command(.findingRaised(expiring.warning), authority: Authority(reason: "comes to its own end within a day")))
  }
}
