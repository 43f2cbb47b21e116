import AccessGraph
import EventLog
import Governance
import Postgres
import Temporal

extension Job {
  /// Opens a review for each `review` policy by whose cadence one is due.
  ///
  /// Its id is the policy's with the moment that it was due, so that it is opened once, whoever else is at it and wherever a run was
  /// killed. Counts: `due`; `opened`; `already`, those that another process opened meanwhile; `empty`, those with nothing to
  /// review, which nobody is asked about.
  public static let openReviews = Job(
    name: OpenReviews.name, summary: "opens the reviews that policies ask for", schedule: .fixed("*/5 * * * *"), catchUp: .once
  ) { try OpenReviews(context: $0).run() }
}

/// One run of the job.
private struct OpenReviews {
  static let name = "open-reviews"
  let context: JobContext

  func run() throws -> JobReport {
    var counts: [String: Int64] = ["due": 0, "opened": 0, "already": 0, "empty": 0]
    // Asked beforehand, so that a tenant without such policies loads no graph.
    let policies = try context.connection.query(
      "SELECT FROM tenure.policies WHERE tenant_id = \(context.tenant.id) AND policy_type = 'review' LIMIT 1")
    if policies.isEmpty { return JobReport(counts: counts) }
    let tenant = try context.openTenant()
    let now = try context.now()
    var refusal: Refusal?
    for (policy, due) in try due(tenant, at: now) where !context.isOver() {
      counts["due", default: 0] += 1
      do throws(SubmissionFailure) {
        try tenant.submitAndWait(
          .ofReviews(
            by: Self.name,
            Command(
              .review(
                id: ReviewID.of(policy, due: due), .opened, by: nil, nil,
                Review(step: .opened, terms: ReviewTerms(policy: policy))))))
        counts["opened", default: 0] += 1
      } catch {
        switch error {
        case .refused(let why) where why.code == .idUsed: counts["already", default: 0] += 1
        case .refused(let why) where why.code == .noChange: counts["empty", default: 0] += 1
        // One that cannot be opened keeps no other from it.
        case .refused(let why): refusal = refusal ?? why
        default: throw error
        }
      }
    }
    if let refusal { throw refusal }
    return JobReport(counts: counts)
  }

  private func due(_ tenant: Tenant, at now: Instant) throws -> [(policy: String, due: Instant)] {
    try tenant.read { graph in
      let world = graph.world(asKnownAt: graph.position)
      var last: [Entity: Instant] = [:]
      for review in world.reviews {
        guard let standing = world.review(review, at: now), let policy = standing.terms.policy else { continue }
        let opened = standing.progress.population.at
        last[.policy(policy)] = max(last[.policy(policy)] ?? opened, opened)
      }
      return world.policies(ofType: .review).compactMap { policy in
        guard let span = world.value(of: .existence(.policy(policy)), at: now), case .policy(let document) = span.value,
          document.type == .review, let rule = try? ReviewRule(document.rule),
          let due = rule.due(since: span.begun.effective, after: last[.policy(policy)], at: now)
        else { return nil }
        return (policy, due)
      }
    }
  }
}

/// The ids of reviews that policies ask for.
enum ReviewID {
  /// The policy's and the moment: `quarterly-2026-10-01T09:00Z`.
  ///
  /// Never changed: by it a review is opened once.
  static func of(_ policy: String, due: Instant) -> String {
    let moment = "-" + due.description.prefix("2026-10-01T09:00".utf8.count) + "Z"
    if policy.utf8.count + moment.utf8.count <= Limits.identifierBytes { return policy + moment }
    return Submission.key(ofJob: "open-reviews", about: policy, end: due)
  }
}

extension Submission {
  /// One step of a review by a job, which is its recorder and the source of its events; that it comes once follows from how the review
  /// stands.
  static func ofReviews(by job: String, _ command: Command) -> Submission {
    let recorder = "tenure job \(job)"
    return Submission(
      mode: .governed, source: recorder, basis: .declared,
      recordedBy: Recorder(id: recorder, authentication: "local"), commands: [command])
  }
}
