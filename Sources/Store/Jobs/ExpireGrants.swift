import EventLog
import Governance
import JSON
import Postgres
import Temporal

extension Job {
  /// Records `assignment.expired` or `membership.expired` for each grant that came to its own end, once for each end.
  ///
  /// The access has ended without it: the event is evidence, effective at the end and recorded now, so that the time between the
  /// two can be seen. Counts: `due`, the ends found without an event; `recorded`, those recorded now; `already`, those that
  /// another process recorded meanwhile. What is due and neither was no longer an end when it was to be recorded.
  public static let expireGrants = Job(
    name: "expire-grants", summary: "records each assignment and membership that has come to its own end",
    schedule: .fixed("*/5 * * * *"), catchUp: .once
  ) { try ExpireGrants(context: $0).run() }
}

/// One run of the job.
///
/// It looks at ends in their order, from the first that is not settled to the present. An end is *settled* once it is recorded, or
/// seen to be none: cut short by a revocation or removal, by the end of the principal, role or group, moved by an extension. Each run notes how
/// far all ends are settled, and by what position of the log.
///
/// No end is skipped. What is settled can change only through an event that was recorded since; and an event changes the world
/// from its `effective_at` on only, a voiding from that of the event it voids. So all ends before the earliest of these instants are
/// still settled, and the run begins there: wherever a late, backdated or voiding event reaches back to. Where too many events came
/// to look at each, where the relation rows were mended by a rebuild, and where nothing was noted, it begins at the first end
/// there is. Killed between its events and its note, a run has changed nothing that the next would miss: the ends that it recorded
/// are found to be recorded, by an event with the same grant and instant, whoever wrote it and whether voided or not.
private struct ExpireGrants {
  /// Events since the last run of which each is looked at; beyond it looking at all ends is not much dearer.
  static let eventsLookedAt: Int64 = 100_000
  let context: JobContext

  private struct Head {
    let position: Int64
    let generation: Int64
    let recordedAt: Instant?
  }

  /// How far ends are settled.
  struct Settled {
    /// All ends of a kind before this instant are settled; none where there is none.
    var before: [EndPages.Kind: Instant]
    /// The position of the log by which they are.
    var position: Int64
    /// The generation of the relation rows that were read.
    var generation: Int64
  }

  /// What became of the ends of a run.
  private struct Tally {
    var due: Int64 = 0
    var recorded: Int64 = 0
    var already: Int64 = 0
    /// The first refusal that nothing explains.
    var refusal: Refusal?
  }

  func run() throws -> JobReport {
    let head = try readHead()
    // As every question has it: what was recorded is not in the future, whatever this machine's clock says.
    let now = max(context.clock(), head.recordedAt ?? .earliest)
    var tally = Tally()
    let pages = EndPages(context: context, now: now, leavesOutRecorded: true)
    let earliest = try earliestChange(head)
    var settled: [EndPages.Kind: Instant] = [:]
    for kind in EndPages.Kind.allCases {
      let first = earliest.flatMap { earliest in noted?.before[kind].map { min($0, earliest) } } ?? .earliest
      var place = EndPages.Place(end: first)
      var isAtEnd = false
      repeat {
        let page = try pages.page(of: kind, after: place, through: now)
        try record(page.ends, &tally)
        isAtEnd = page.last == nil
        place = page.last ?? place
      } while !isAtEnd && !context.isOver()
      settled[kind] = isAtEnd ? now.next : place.end
    }
    // Only now: an end that cannot be recorded keeps no other from it.
    if let refusal = tally.refusal { throw refusal }
    // The position is that of the beginning: what was recorded while the run went on is looked at by the next.
    let reached = Settled(before: settled, position: head.position, generation: head.generation)
    return JobReport(
      counts: ["due": tally.due, "recorded": tally.recorded, "already": tally.already], reached: reached.json)
  }

  // MARK: Where to begin

  private func readHead() throws -> Head {
    let row = try context.connection.query(
      "SELECT position, generation, recorded_at FROM tenure.head WHERE tenant_id = \(context.tenant.id)")
    guard let row = row.first else { throw EventLogError.headMissing(tenant: context.tenant.name) }
    return Head(
      position: try row.int64(0), generation: try row.int64(1), recordedAt: try row.optionalTimestamp(2).map { Instant($0) })
  }

  /// How far the last run had settled ends; nil where nothing was noted that is of use.
  private var noted: Settled? { context.reached.flatMap { Settled($0) } }

  /// The earliest instant that an event since the last run may have changed, and later than all where none did; nil where it
  /// cannot be told.
  private func earliestChange(_ head: Head) throws -> Instant? {
    guard let settled = noted, settled.generation == head.generation,
      (0...Self.eventsLookedAt).contains(head.position - settled.position)
    else { return nil }
    // Evidence changes no world.
    let earliest = try context.connection.query(
      """
      SELECT min(CASE WHEN e.type = 'event.voided' THEN (
          SELECT v.effective_at FROM tenure.event v
          WHERE v.tenant_id = e.tenant_id AND v.position = substr(e.entity, length('event:') + 1)::int8)
        ELSE e.effective_at END)
      FROM tenure.event e
      WHERE e.tenant_id = \(context.tenant.id) AND e.position > \(settled.position)
        AND e.type NOT IN ('assignment.expired', 'membership.expired', 'finding.raised', 'fulfilment.confirmed')
      """)[0].optionalTimestamp(0)
    return earliest.map { Instant($0) } ?? .latest
  }

  // MARK: Recording

  private func record(_ ended: [EndPages.End], _ tally: inout Tally) throws {
    if ended.isEmpty { return }
    tally.due += Int64(ended.count)
    let tenant = try context.openTenant()
    for result in try tenant.append(ended.map(submission)) {
      switch result {
      case .success(let receipt) where receipt.isReplay: tally.already += 1
      case .success: tally.recorded += 1
      // Moved or cut short since the page was read, by an event that the next run will look at.
      case .failure(let refusal) where refusal.code == .notHeld: continue
      case .failure(let refusal): tally.refusal = tally.refusal ?? refusal
      }
    }
  }

  private func submission(_ ended: EndPages.End) -> Submission {
    .byJob(
      "expire-grants", about: ended.name, end: ended.end,
      Command(ended.expiry, effectiveAt: ended.end, authority: Authority(reason: "came to its own end")))
  }
}

extension ExpireGrants.Settled {
  /// Reads what a run noted; nil where it is something else.
  ///
  /// One from before memberships were looked at says nothing of those.
  fileprivate init?(_ value: JSONValue) {
    guard let position = value["position"]?.integerValue, let generation = value["generation"]?.integerValue else { return nil }
    var before: [EndPages.Kind: Instant] = [:]
    for kind in EndPages.Kind.allCases {
      guard let text = value[kind.noted]?.stringValue else { continue }
      guard let instant = try? Instant(rfc3339: text) else { return nil }
      before[kind] = instant
    }
    self.init(before: before, position: position, generation: generation)
  }

  fileprivate var json: JSONValue {
    var object: JSONObject = ["position": .integer(position), "generation": .integer(generation)]
    for kind in EndPages.Kind.allCases { if let instant = before[kind] { object[kind.noted] = .string(instant.description) } }
    return .object(object)
  }
}

extension EndPages.Kind {
  /// The member of the note; never changed after release.
  fileprivate var noted: String {
    switch self {
    case .assignment: "before"
    case .membership: "memberships_before"
    }
  }
}
