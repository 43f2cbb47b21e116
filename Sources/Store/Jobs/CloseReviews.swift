import AccessGraph
public import EventLog
import Governance
import Temporal

extension Job {
  /// Closes each review whose deadline has passed and that needs no signature any more, and executes what was decided.
  ///
  /// A review that asks for a signature is closed without it once the days for that are over, and says so. What failed is tried again by
  /// each run. Counts: `due`; `closed`; `already`, by another process meanwhile; `executed`; `failed`, executions that a rule
  /// forbids; `completed`.
  public static let closeReviews = Job(
    name: CloseReviews.name, summary: "closes reviews at their deadline and executes what was decided",
    schedule: .fixed("*/5 * * * *"), catchUp: .once
  ) { try CloseReviews(context: $0).run() }
}

/// One run of the job.
private struct CloseReviews {
  static let name = "close-reviews"
  let context: JobContext

  func run() throws -> JobReport {
    var counts: [String: Int64] = ["due": 0, "closed": 0, "already": 0, "executed": 0, "failed": 0, "completed": 0]
    let now = try context.now()
    for review in try context.reviews(in: .open) where !context.isOver() {
      let tenant = try context.openTenant()
      let standing = try tenant.read { $0.world(asKnownAt: $0.position).review(review, at: now) }
      guard let standing else { continue }
      if standing.isDueToClose(at: now) {
        counts["due", default: 0] += 1
        try close(review, tenant, &counts)
      } else if standing.terms.executes == .atOnce {
        try ReviewExecutions(tenant: tenant, recordedBy: "tenure job \(Self.name)", isOver: context.isOver).run(review, &counts)
      }
    }
    for review in try context.reviews(in: .closed) where !context.isOver() {
      let executions = ReviewExecutions(
        tenant: try context.openTenant(), recordedBy: "tenure job \(Self.name)", isOver: context.isOver)
      try executions.run(review, &counts)
    }
    return JobReport(counts: counts)
  }

  private func close(_ review: String, _ tenant: Tenant, _ counts: inout [String: Int64]) throws {
    let command = Command(
      .review(id: review, .closed, by: nil, nil, nil), authority: Authority(reason: "its deadline has passed"))
    do throws(SubmissionFailure) {
      try tenant.submitAndWait(.ofReviews(by: Self.name, command))
      counts["closed", default: 0] += 1
    } catch {
      guard case .refused(let why) = error, why.code == .wrongState else { throw error }
      counts["already", default: 0] += 1
    }
  }
}

/// Executes what was decided in a review, and completes it where nothing is left.
public struct ReviewExecutions {
  /// Items that are executed in one transaction: so long waits who else writes, and so much is left to the next run where one is
  /// killed.
  private static let itemsPerPage = 500

  private let tenant: Tenant
  private let recorder: String
  private let isOver: () -> Bool

  /// Executions in a tenant.
  ///
  /// - Parameters:
  ///   - recorder: who writes them here.
  ///   - isOver: whether to stop at the next good place. The default never is.
  public init(tenant: Tenant, recordedBy recorder: String, isOver: @escaping () -> Bool = { false }) {
    self.tenant = tenant
    self.recorder = recorder
    self.isOver = isOver
  }

  /// Executes; blocks.
  ///
  /// Two at once do nothing twice, for each item is judged when its turn comes.
  ///
  /// - Parameter counts: raised by what was `executed`, `failed` and `completed`.
  /// - Throws: what keeps all of them from being recorded.
  public func run(_ review: String, _ counts: inout [String: Int64]) throws {
    var told: [GrantName] = []
    var rest = try tenant.outstandingItems(of: review)[...]
    while !rest.isEmpty, !isOver() {
      let page = rest.prefix(Self.itemsPerPage)
      rest = rest.dropFirst(page.count)
      let results = try tenant.append(
        page.map { submission(.reviewItem(review: review, $0, .executed, by: nil, nil, nil)) })
      for (item, result) in zip(page, results) {
        // Refused: another process was first, or it fails as it did before.
        if case .success = result { told.append(item) }
      }
    }
    let left = try tenant.outstandingItems(of: review)
    counts["failed", default: 0] += Int64(left.count)
    counts["executed", default: 0] += Int64(Set(told).subtracting(left).count)
    guard left.isEmpty else { return }
    do throws(SubmissionFailure) {
      try tenant.submitAndWait(submission(.review(id: review, .completed, by: nil, nil, nil)))
      counts["completed", default: 0] += 1
    } catch {
      guard case .refused(let why) = error, why.code == .wrongState else { throw error }
    }
  }

  private func submission(_ change: Change) -> Submission {
    Submission(
      mode: .governed, source: recorder, basis: .declared,
      recordedBy: Recorder(id: recorder, authentication: "local"), commands: [Command(change)])
  }
}
