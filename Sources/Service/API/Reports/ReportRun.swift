import AccessGraph
import Cryptography
import EventLog
import Governance
import Temporal
import Usage

/// One run of a report: its rows, slice by slice, in bounded memory.
///
/// The moment and the position are fixed, so a run gives the same rows whenever it is made; what else is recorded meanwhile lies
/// above its position.
struct ReportRun {
  /// Events of one page.
  private static let eventsPerPage = 500
  /// Ended assignments of one page.
  private static let endingsPerPage = 500
  /// Entries of usage of one page.
  private static let usagePerPage = 1_000

  let report: AuditReport
  let context: ReportContext
  /// Rows given so far.
  private(set) var rowCount: Int64 = 0
  /// Keys or positions looked at, and how many there are.
  private(set) var progress: (done: Int64, total: Int64)

  private var keys: [String] = []
  /// The types still to be read, and the position read up to.
  private var types: [String?] = []
  private var position: Int64 = 0
  private var usagePlace: DailyUsagePlace?
  private var endingPlace: EndingPlace?
  /// Events that were taken, and those left out for being voided.
  private var taken: Int64 = 0
  private var voided: Int64 = 0
  private var sampled: [ReportRow]?
  /// The events that the rows named.
  private var named: NamedEvents?

  /// A run that has found its keys and no row yet.
  init(_ report: AuditReport, _ context: ReportContext) throws {
    self.report = report
    self.context = context
    if report.countsEvents, let column = report.columns.firstIndex(of: "event") {
      named = NamedEvents(column: column, through: context.question.asKnownAt)
    }
    switch report.rows {
    case .keys(let list, _, _):
      keys = try list(context)
      progress = (0, Int64(keys.count))
    case .events(let types, _):
      self.types = types
      progress = (0, context.question.asKnownAt * Int64(types.count))
    case .usage, .openEndings: progress = (0, 1)
    case .log:
      types = [nil]
      progress = (0, context.question.asKnownAt)
    }
  }

  /// The next rows, perhaps none; nil at the end.
  mutating func next() throws -> [ReportRow]? {
    let rows = context.question.sample == nil ? try nextOfAll() : try nextOfSample()
    rowCount += Int64(rows?.count ?? 0)
    return rows
  }

  private mutating func nextOfAll() throws -> [ReportRow]? {
    let rows = try nextRows()
    if let rows { named?.note(rows) }
    return rows
  }

  private mutating func nextRows() throws -> [ReportRow]? {
    switch report.rows {
    case .keys(_, let perSlice, let rows):
      let first = Int(progress.done)
      guard first < keys.count else { return nil }
      let slice = Array(keys[first..<min(first + perSlice, keys.count)])
      progress.done += Int64(slice.count)
      return try rows(context, slice)
    case .events(_, let rows): return try nextPage(leavingOutVoided: true, rows)
    case .usage(let rows): return try nextUsage(rows)
    case .openEndings(let rows): return try nextEndings(rows)
    case .log(let rows): return try nextPage(leavingOutVoided: false, rows)
    }
  }

  private mutating func nextUsage(_ rows: (ReportContext, [DailyUsage]) throws -> [ReportRow]) throws -> [ReportRow]? {
    guard progress.done < progress.total else { return nil }
    // The stretch ends before its end; the moment itself is known.
    let end = min(context.during.to?.adding(microseconds: -1) ?? context.question.at, context.question.at)
    let days = UsageDay(of: min(context.during.from, end))...UsageDay(of: end)
    if usagePlace == nil {
      try context.tenant.withConnection { try UsageRollUp.rollUpMarkedDays(of: context.tenant.id, on: $0) }
    }
    let page = try UsageStore(context.tenant).daily(days: days, after: usagePlace, limit: Self.usagePerPage)
    usagePlace = page.last.map { DailyUsagePlace($0) }
    if page.count < Self.usagePerPage { progress.done = progress.total }
    return try rows(context, page)
  }

  private mutating func nextEndings(_ rows: (ReportContext, [Fulfilment]) throws -> [ReportRow]) throws -> [ReportRow]? {
    guard progress.done < progress.total else { return nil }
    let page = try context.tenant.fulfilments(
      FulfilmentFilter(.open), at: context.question.at, asKnownAt: context.question.asKnownAt, after: endingPlace,
      limit: Self.endingsPerPage)
    endingPlace = page.next
    if page.next == nil { progress.done = progress.total }
    return try rows(context, page.fulfilments)
  }

  private mutating func nextPage(
    leavingOutVoided: Bool, _ rows: (ReportContext, [RecordedEvent]) throws -> [ReportRow]
  ) throws -> [ReportRow]? {
    guard let type = types.first else { return nil }
    var filter = LogFilter()
    filter.type = type
    filter.through = context.question.asKnownAt
    filter.effectiveFrom = context.question.during?.from
    filter.effectiveTo = context.question.during?.to
    let page = try context.tenant.log(filter, after: position, limit: Self.eventsPerPage)
    let last = page.next ?? context.question.asKnownAt
    progress.done += last - position
    position = last
    if page.next == nil {
      types.removeFirst()
      position = 0
    }
    let standing = try context.read { _, world in
      page.events.filter { !leavingOutVoided || world.event(at: $0.event.position)?.isVoided == false }
    }
    taken += Int64(standing.count)
    voided += Int64(page.events.count - standing.count)
    return try rows(context, standing)
  }

  /// Draws the sample, which looks at all rows once, and gives it whole.
  private mutating func nextOfSample() throws -> [ReportRow]? {
    guard sampled == nil, let sample = context.question.sample else { return nil }
    var drawn: [(index: Int, rank: Digest, row: ReportRow)] = []
    func keep(_ count: Int) {
      drawn.sort { $0.rank.bytes.lexicographicallyPrecedes($1.rank.bytes) }
      drawn.removeLast(max(0, drawn.count - count))
    }
    var index = 0
    while let rows = try nextOfAll() {
      for row in rows {
        drawn.append((index, sample.rank(of: index), row))
        index += 1
      }
      if drawn.count > 2 * sample.size { keep(sample.size) }
    }
    keep(sample.size)
    let rows = drawn.sorted { $0.index < $1.index }.map(\.row)
    sampled = rows
    return rows
  }

  /// Totals that the report and the log must agree on; asked at the end.
  func totals() throws -> [ControlTotal] {
    var totals = try report.totals(context)
    switch report.rows {
    case .keys, .usage, .openEndings: break
    case .events(let types, _): totals.append(try eventTotal(of: types))
    case .log: totals.append(try eventTotal(of: nil))
    }
    // What has no total of its own rests on the log up to its position, and on nothing less.
    if totals.isEmpty {
      let k = context.question.asKnownAt
      let log = try context.tenant.countEvents(ofTypes: nil, during: nil, through: k)
      totals.append(ControlTotal(name: "events up to the position", report: k, log: log))
    }
    if let named { totals.append(try named.total(in: context.tenant)) }
    return totals
  }

  private func eventTotal(of types: [String]?) throws -> ControlTotal {
    let log = try context.tenant.countEvents(
      ofTypes: types, during: context.question.during, through: context.question.asKnownAt)
    return ControlTotal(name: "events in the log, \(voided) of them voided", report: taken + voided, log: log)
  }
}
