import AccessGraph
public import EventLog
public import JSON
import Temporal
public import Usage

/// Rows of usage, the newest first.
public struct UsageReport: Report {
  /// The rows.
  public var rows: [StoredUsage]
  /// Whether there may be more.
  public var hasMore: Bool
  /// The head that it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("position", position)
    writer.list("usage", rows) { $1.writeMembers(to: &$0) }
    writer.member("is_whole", !hasMore)
    writer.endObject()
  }
}

/// Usage by identity, action, resource and day.
public struct DailyUsageReport: Report {
  /// The entries.
  public var entries: [DailyUsage]
  /// Whether there may be more.
  public var hasMore: Bool
  /// The head that it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("position", position)
    writer.list("days", entries) { $1.writeMembers(to: &$0) }
    writer.member("is_whole", !hasMore)
    writer.endObject()
  }
}

/// Usage by identity, action, resource and day, with the grants that covered it.
public struct CoveredUsageReport: Report {
  /// The entries.
  public var entries: [CoveredUsage]
  /// Whether there may be more.
  public var hasMore: Bool
  /// Up to which position the graph was asked.
  public var asKnownAt: Int64
  /// The head that it was read at.
  public var position: Int64

  /// Writes the report.
  public func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("as_known_at", asKnownAt)
    writer.member("position", position)
    writer.list("paths", entries) { $1.writeMembers(to: &$0) }
    writer.member("is_whole", !hasMore)
    writer.endObject()
  }
}

extension Questions {
  /// The tenant's usage.
  private var usage: UsageStore { UsageStore(tenant) }

  /// Rows of usage, the newest first.
  public func usage(_ filter: UsageFilter, before place: UsagePlace? = nil, limit: Int) throws -> UsageReport {
    var rows: [StoredUsage] = []
    while rows.count < limit {
      let asked = min(limit - rows.count, UsageStore.maximumPage)
      let page = try usage.rows(filter, before: rows.last?.place ?? place, limit: asked)
      rows += page
      if page.count < asked { return UsageReport(rows: rows, hasMore: false, position: tenant.head.position) }
    }
    return UsageReport(rows: rows, hasMore: true, position: tenant.head.position)
  }

  /// Usage by day, of what an identity did, an action or a resource.
  public func dailyUsage(_ filter: UsageFilter, after place: DailyUsagePlace? = nil, limit: Int) throws -> DailyUsageReport {
    let entries = try usage.daily(
      of: filter.identity.map { [$0] }, action: filter.action, resource: filter.resource, days: filter.days, after: place,
      limit: limit)
    return DailyUsageReport(entries: entries, hasMore: entries.count == limit, position: tenant.head.position)
  }

  /// Usage by day with the grants that covered it.
  public func usagePaths(
    _ filter: UsageFilter, asKnownAt: AsKnownAt = .head, after place: DailyUsagePlace? = nil, limit: Int
  ) throws -> CoveredUsageReport {
    let (k, position) = try ask(nil, asKnownAt) { graph, view in (view.asKnownAt, graph.position) }
    let entries = try usage.covered(
      of: filter.identity.map { [$0] }, days: filter.days, asKnownAt: k, after: place, limit: limit)
    return CoveredUsageReport(entries: entries, hasMore: entries.count == limit, asKnownAt: k, position: position)
  }
}

extension UsageFilter {
  /// The days that it touches.
  fileprivate var days: ClosedRange<UsageDay> {
    let first = UsageDay(of: from ?? .earliest)
    let last = UsageDay(of: to?.adding(microseconds: -1) ?? .latest)
    return first...max(first, last)
  }
}

extension StoredUsage {
  func writeMembers(to writer: inout JSONWriter) {
    for member in record.json {
      writer.key(member.name)
      writer.value(member.value)
    }
    writer.member("source", source)
    writer.member("recorded_at", recordedAt)
  }
}

extension DailyUsage {
  func writeMembers(to writer: inout JSONWriter) {
    writer.member("identity", identity)
    writer.member("action", action)
    writer.member("resource", resource)
    writer.member("day", String(day.start.description.prefix(10)))
    writer.member("uses", uses)
    writer.member("denied", denied)
    writer.member("failed", failed)
    writer.member("first_used", firstUsed)
    writer.member("last_used", lastUsed)
    writer.member("first_permitted", firstPermitted)
    writer.member("last_permitted", lastPermitted)
  }
}

extension CoveredUsage {
  func writeMembers(to writer: inout JSONWriter) {
    usage.writeMembers(to: &writer)
    writer.key("first")
    first.write(to: &writer)
    writer.key("last")
    last.write(to: &writer)
  }
}

extension UsageCover {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("at", at)
    writer.member("word", word.rawValue)
    writer.member("reason", reason)
    writer.member("assignments", assignments.map { .string($0) })
    writer.member("is_whole", !isTruncated)
    writer.endObject()
  }
}

extension UsageReceipt {
  /// The receipt's members.
  public var json: JSONObject {
    [
      "new": .integer(Int64(new)), "repeated": .integer(Int64(repeated)), "conflicting": .integer(Int64(conflicting)),
      "too_old": .integer(Int64(tooOld)),
    ]
  }
}
