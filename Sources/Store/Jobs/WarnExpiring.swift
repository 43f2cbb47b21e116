import Cryptography
import EventLog
import Governance
import JSON
import Postgres
import Temporal

extension Job {
  /// Raises the finding `assignment_expiring` for each assignment that holds and comes to its own end within a day, once for each end.
  ///
  /// So whoever is told of findings has a day to ask for more, and is told again where the end was moved. An assignment that lasts
  /// no longer than a day altogether is not warned of: it was asked for just now. Counts: `found`, the ends that were not
  /// warned of; `raised`, the findings; `already`, those that another process raised meanwhile.
  public static let warnExpiring = Job(
    name: "warn-expiring", summary: "raises a finding for each assignment that comes to its end within a day",
    schedule: .fixed("0 * * * *"), catchUp: .once
  ) { try WarnExpiring(context: $0).run() }
}

/// One run of the job.
///
/// It looks at all ends within the next day, whatever earlier runs saw: that is a piece of an index, and nothing has to be kept. A
/// warning's key makes it come once, whoever else is at it and wherever a run was killed.
private struct WarnExpiring {
  /// How long before its end an assignment is warned of; those that last no longer altogether are not.
  static let warnedBefore: Int64 = 24 * 3_600_000_000
  /// Ends that one statement looks at, and one transaction warns of at most: well under a second of work.
  static let endsPerPage = 1_000
  /// Who raises, and the source of the findings.
  static let recorder = "tenure job warn-expiring"
  /// The rule's name; never changed after release.
  static let rule = "assignment_expiring"

  let context: JobContext

  /// The place of an end in the order of the index.
  private struct Place {
    var end: Instant
    var position: Int64 = 0
    var recordedFrom: Int64 = 0
  }

  /// An assignment that comes to its end, and the key of its warning.
  private struct Expiring {
    let id: String
    let end: Instant
    let key: String

    init(id: String, end: Instant) {
      (self.id, self.end) = (id, end)
      // Hashed, for an id may be as long as a key. Never changed: the same key with another body is refused.
      key = "warn-expiring:\(SHA256.digest(of: [Array(id.utf8), [0], Array(end.description.utf8)]))"
    }
  }

  func run() throws -> JobReport {
    let now = try context.now()
    var counts: [String: Int64] = ["found": 0, "raised": 0, "already": 0]
    var place: Place? = Place(end: now.next)
    while let next = place, !context.isOver() {
      let page = try page(after: next, at: now)
      try raise(try unwarned(page.expiring), &counts)
      place = page.last
    }
    return JobReport(counts: counts)
  }

  /// Looks at the next ends.
  ///
  /// One round trip; some index probes for each end.
  /// - Returns: those that are to be warned of, and the place of the last one looked at; nil where there are no more.
  private func page(after place: Place, at now: Instant) throws -> (expiring: [Expiring], last: Place?) {
    let last = now.adding(microseconds: Self.warnedBefore)
    // The rows of the page first, whatever they are: so the work of one statement is bounded.
    let rows = try context.connection.query(
      """
      WITH page AS MATERIALIZED (
        SELECT * FROM tenure.assignments a
        WHERE a.tenant_id = \(context.tenant.id) AND a.expires_at IS NOT NULL AND a.expires_at <= \(Timestamp(last))
          AND (a.expires_at, a.position, a.recorded_from)
            > (\(Timestamp(place.end)), \(place.position), \(place.recordedFrom))
        ORDER BY a.expires_at, a.position, a.recorded_from LIMIT \(Int64(Self.endsPerPage))
      )
      SELECT p.expires_at, p.position, p.recorded_from, p.id,
        coalesce(
          p.recorded_to IS NULL AND upper(p.valid) = p.expires_at AND p.valid @> \(Timestamp(now))
            AND p.expires_at - p.begun_effective > \(Self.warnedBefore) * interval '1 microsecond', false)
        -- Its role and its principal exist, without a break since before it was granted.
        AND EXISTS (
          SELECT FROM tenure.roles r
          WHERE r.tenant_id = p.tenant_id AND r.id = p.role_id AND r.recorded_to IS NULL AND r.valid @> \(Timestamp(now))
            AND (r.since_effective, r.since_position) <= (p.begun_effective, p.begun_position))
        AND CASE p.principal_kind
          WHEN 'identity' THEN EXISTS (
            SELECT FROM tenure.identities i
            WHERE i.tenant_id = p.tenant_id AND i.id = p.principal AND i.recorded_to IS NULL AND i.valid @> \(Timestamp(now))
              AND (i.since_effective, i.since_position) <= (p.begun_effective, p.begun_position))
          ELSE EXISTS (
            SELECT FROM tenure.groups g
            WHERE g.tenant_id = p.tenant_id AND g.id = p.principal AND g.recorded_to IS NULL AND g.valid @> \(Timestamp(now))
              AND (g.since_effective, g.since_position) <= (p.begun_effective, p.begun_position))
          END
      FROM page p ORDER BY p.expires_at, p.position, p.recorded_from
      """)
    var expiring: [Expiring] = []
    var looked: Place?
    for row in rows {
      let place = Place(end: Instant(try row.timestamp(0)), position: try row.int64(1), recordedFrom: try row.int64(2))
      if try row.bool(4) { expiring.append(Expiring(id: try row.string(3), end: place.end)) }
      looked = place
    }
    return (expiring, rows.count < Self.endsPerPage ? nil : looked)
  }

  /// Those that nobody was warned of: asked beforehand, so that a run with nothing to say loads no graph.
  private func unwarned(_ expiring: [Expiring]) throws -> [Expiring] {
    if expiring.isEmpty { return [] }
    let warned = try context.connection.query(
      "SELECT command_id FROM tenure.command WHERE tenant_id = \(context.tenant.id) AND command_id = ANY (\(expiring.map(\.key)))"
    ).map { try $0.string(0) }
    let keys = Set(warned)
    return expiring.filter { !keys.contains($0.key) }
  }

  private func raise(_ expiring: [Expiring], _ counts: inout [String: Int64]) throws {
    if expiring.isEmpty { return }
    counts["found", default: 0] += Int64(expiring.count)
    let tenant = try context.openTenant()
    var refusal: Refusal?
    for result in try tenant.append(expiring.map(submission)) {
      switch result {
      case .success(let receipt): counts[receipt.isReplay ? "already" : "raised", default: 0] += 1
      case .failure(let why): refusal = refusal ?? why
      }
    }
    if let refusal { throw refusal }
  }

  private func submission(_ expiring: Expiring) -> Submission {
    let finding = Finding(
      rule: Self.rule, subject: Entity(.assignment, expiring.id), evidence: ["expires_at": .string(expiring.end.description)])
    return Submission(
      commandID: expiring.key, mode: .governed, source: Self.recorder, basis: .declared,
      recordedBy: Recorder(id: Self.recorder, authentication: "local"),
      commands: [Command(.findingRaised(finding), authority: Authority(reason: "comes to its own end within a day"))])
  }
}
