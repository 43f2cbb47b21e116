import EventLog
import Governance
import Postgres
import Temporal

extension Job {
  /// Records `request.lapsed` for each request that nobody decided or claimed in time, once.
  ///
  /// It has lapsed without it: the event is evidence, effective when it lapsed and recorded now. Counts: `due`, those found;
  /// `recorded`, those recorded now; `already`, those that another process recorded meanwhile.
  public static let lapseRequests = Job(
    name: "lapse-requests", summary: "records each request that nobody decided or claimed in time",
    schedule: .fixed("*/5 * * * *"), catchUp: .once
  ) { try LapseRequests(context: $0).run() }
}

/// One run of the job: what waits and should not any more is found by an index, and leaves it by being recorded.
private struct LapseRequests {
  /// Requests that one statement looks at, and one transaction records at most.
  static let requestsPerPage = 1_000
  let context: JobContext

  private struct Lapsed {
    let id: String
    let end: Instant
  }

  func run() throws -> JobReport {
    var counts: [String: Int64] = ["due": 0, "recorded": 0, "already": 0]
    var refusal: Refusal?
    var after: Lapsed?
    repeat {
      let page = try page(after: after)
      after = page.count < Self.requestsPerPage ? nil : page.last
      counts["due", default: 0] += Int64(page.count)
      if page.isEmpty { break }
      for result in try context.openTenant().append(page.map(submission)) {
        switch result {
        case .success(let receipt): counts[receipt.isReplay ? "already" : "recorded", default: 0] += 1
        // Decided since the page was read, by an approval that was on its way.
        case .failure(let refused) where refused.code == .notHeld: continue
        case .failure(let refused): refusal = refusal ?? refused
        }
      }
    } while after != nil && !context.isOver()
    // Only now: a request that cannot be recorded keeps no other from it.
    if let refusal { throw refusal }
    return JobReport(counts: counts)
  }

  /// The next requests that should not wait any more.
  private func page(after last: Lapsed?) throws -> [Lapsed] {
    let now = Timestamp(try context.now())
    let rows = try context.connection.query(
      """
      SELECT id, request_expires_at FROM tenure.requests
      WHERE tenant_id = \(context.tenant.id) AND recorded_to IS NULL AND upper_inf(valid)
        AND state IN ('pending', 'approved') AND request_expires_at <= \(now)
        AND (request_expires_at, id) > (\(Timestamp(last?.end ?? .earliest)), \(last?.id ?? ""))
      ORDER BY request_expires_at, id LIMIT \(Int64(Self.requestsPerPage))
      """)
    return try rows.map { Lapsed(id: try $0.string(0), end: Instant(try $0.timestamp(1))) }
  }

  private func submission(_ lapsed: Lapsed) -> Submission {
    .byJob(
      "lapse-requests", about: lapsed.id, end: lapsed.end,
      Command(
        .request(id: lapsed.id, .lapsed, by: nil, nil), effectiveAt: lapsed.end,
        authority: Authority(reason: "nobody decided or claimed it in time")))
  }
}
