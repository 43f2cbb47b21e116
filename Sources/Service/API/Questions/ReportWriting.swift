import AccessGraph
import Governance
public import JSON
import Temporal

/// A report made of lists of rows, so that it can be written page by page.
protocol ListReport: Report {
  /// The lists in the order of writing.
  var lists: [(name: String, count: Int)] { get }
  /// Writes the members before the lists.
  func writeHead(to writer: inout JSONWriter)
  /// Writes one row of a list.
  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter)
}

extension ListReport {
  /// Writes the members from one row on, counted through all lists, as far as the page goes.
  ///
  /// - Returns: the row that the next page begins with; nil at the end. At least one row is written, so that pages advance.
  func writeMembers(to writer: inout JSONWriter, from first: Int = 0, page: PageSize? = nil) -> Int? {
    writeHead(to: &writer)
    let start = writer.bytes.count
    var offset = 0
    var next: Int?
    for (list, (name, count)) in lists.enumerated() {
      writer.key(name)
      writer.beginArray()
      for index in max(0, min(first - offset, count))..<count where next == nil {
        let row = offset + index
        if let page, page.isFull(rows: row - first, bytes: writer.bytes.count - start) {
          next = row
        } else {
          writeRow(index, of: list, to: &writer)
        }
      }
      writer.endArray()
      offset += count
    }
    return next
  }

  func writeWhole(to writer: inout JSONWriter) {
    writer.beginObject()
    _ = writeMembers(to: &writer)
    writer.endObject()
  }
}

/// How far a page goes.
struct PageSize: Sendable {
  /// Rows of a page where the caller says nothing.
  static let usualRows = 100
  /// The most rows of a page: one page is one slice of work.
  static let mostRows = 10_000
  /// Bytes after which a page ends: what one answer may hold in memory.
  static let bytes = 1 << 20

  var rows = usualRows

  func isFull(rows: Int, bytes: Int) -> Bool { rows > 0 && (rows >= self.rows || bytes >= Self.bytes) }
}

extension WhoReport: ListReport {
  /// Writes the report.
  public func write(to writer: inout JSONWriter) { writeWhole(to: &writer) }

  var lists: [(name: String, count: Int)] {
    [("identities", holders.count), ("eligible", eligible.count), ("becoming", becoming.ways.count)]
  }

  func writeHead(to writer: inout JSONWriter) {
    subject.write(to: &writer)
    writer.write(view, position, coverage)
    if !becoming.isWhole { writer.member("becoming_is_whole", false) }
  }

  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter) {
    if list == 1 { return eligible[index].write(to: &writer) }
    if list == 2 { return becoming.ways[index].write(to: &writer) }
    let holder = holders[index]
    writer.beginObject()
    writer.member("identity", holder.identity)
    writer.member("status", holder.status.rawValue)
    writer.member("without_entitlement", holder.isWithoutEntitlement)
    if holder.isExternal { writer.member("external", true) }
    writer.endObject()
  }
}

extension WhoDuringReport: ListReport {
  /// Writes the report.
  public func write(to writer: inout JSONWriter) { writeWhole(to: &writer) }

  var lists: [(name: String, count: Int)] { [("identities", holders.count), ("becoming", becoming.ways.count)] }

  func writeHead(to writer: inout JSONWriter) {
    subject.write(to: &writer)
    writer.write(during, asKnownAt, position, coverage)
    writer.writeNotAnswered()
    if !becoming.isWhole { writer.member("becoming_is_whole", false) }
  }

  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter) {
    if list == 1 { return becoming.ways[index].write(to: &writer) }
    let holder = holders[index]
    writer.beginObject()
    writer.member("identity", holder.identity)
    writer.member("allowed", holder.allowed)
    writer.member("conditional", holder.conditional)
    writer.member("unknown", holder.unknown)
    if holder.isExternal { writer.member("external", true) }
    writer.endObject()
  }
}

extension WhatReport: ListReport {
  /// Writes the report.
  public func write(to writer: inout JSONWriter) { writeWhole(to: &writer) }

  var lists: [(name: String, count: Int)] {
    [("rights", rights.count), ("eligible", eligible.count), ("becoming", becoming.ways.count)]
  }

  func writeHead(to writer: inout JSONWriter) {
    writer.member("question", "what")
    writer.member("identity", identity)
    writer.member("identity_known", isKnown)
    writer.write(view, position, coverage)
    if !becoming.isWhole { writer.member("becoming_is_whole", false) }
  }

  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter) {
    if list == 1 { return eligible[index].write(to: &writer) }
    if list == 2 { return becoming.ways[index].write(to: &writer) }
    writer.beginObject()
    rights[index].right.write(to: &writer)
    rights[index].remainder.write(to: &writer)
    writer.member("without_entitlement", rights[index].isWithoutEntitlement)
    writer.endObject()
  }
}

extension WhatDuringReport: ListReport {
  /// Writes the report.
  public func write(to writer: inout JSONWriter) { writeWhole(to: &writer) }

  var lists: [(name: String, count: Int)] { [("rights", rights.count), ("becoming", becoming.ways.count)] }

  func writeHead(to writer: inout JSONWriter) {
    writer.member("question", "what")
    writer.member("identity", identity)
    writer.member("identity_known", isKnown)
    writer.write(during, asKnownAt, position, coverage)
    writer.writeNotAnswered()
    if !becoming.isWhole { writer.member("becoming_is_whole", false) }
  }

  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter) {
    if list == 1 { return becoming.ways[index].write(to: &writer) }
    writer.beginObject()
    rights[index].right.write(to: &writer)
    writer.member("status", rights[index].status.rawValue)
    writer.member("held", rights[index].held)
    writer.member("conditional", rights[index].conditional)
    writer.member("denied", rights[index].denied)
    writer.endObject()
  }
}

extension DiffReport: ListReport {
  /// Writes the report.
  public func write(to writer: inout JSONWriter) { writeWhole(to: &writer) }

  var lists: [(name: String, count: Int)] {
    [("gained", difference.gained.count), ("lost", difference.lost.count), ("changed", difference.changed.count)]
  }

  func writeHead(to writer: inout JSONWriter) {
    writer.member("question", "diff")
    writer.member("resource", resource)
    writer.member("identity", identity)
    for (name, view, coverage) in [("from", first, firstCoverage), ("to", second, coverage)] {
      writer.key(name)
      writer.beginObject()
      writer.member("at", view.at)
      writer.member("as_known_at", view.asKnownAt)
      writer.write(coverage)
      writer.endObject()
    }
    writer.member("position", position)
  }

  func writeRow(_ index: Int, of list: Int, to writer: inout JSONWriter) {
    guard list == 2 else { return (list == 0 ? difference.gained : difference.lost)[index].write(to: &writer) }
    writer.beginObject()
    difference.changed[index].now.writeMembers(to: &writer)
    writer.key("before")
    writer.beginObject()
    difference.changed[index].before.write(to: &writer)
    writer.endObject()
    writer.endObject()
  }
}

// MARK: What reports have in common

extension JSONWriter {
  mutating func write(_ view: Viewpoint, _ position: Int64, _ coverage: Coverage) {
    write(view, position)
    write(coverage)
  }

  mutating func write(_ view: Viewpoint, _ position: Int64) {
    member("at", view.at)
    member("as_known_at", view.asKnownAt)
    member("position", position)
  }

  mutating func write(_ during: Interval, _ asKnownAt: Int64, _ position: Int64, _ coverage: Coverage) {
    member("from", during.from)
    member("to", during.to)
    member("as_known_at", asKnownAt)
    member("position", position)
    write(coverage)
  }

  mutating func write(_ coverage: Coverage) {
    key("coverage")
    beginObject()
    member("sources", coverage.sources.map { .string($0) })
    member("complete", coverage.isComplete)
    member("reason", coverage.reason)
    endObject()
  }
}

extension WhoSubject {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.member("question", "who")
    switch self {
    case .access(let action, let resource):
      writer.member("action", action)
      writer.member("resource", resource)
    case .role(let role): writer.member("role", role)
    case .group(let group): writer.member("group", group)
    case .privileged: writer.member("privileged", true)
    }
  }
}

extension Right {
  /// Writes the members of the right as it was granted.
  func write(to writer: inout JSONWriter) {
    writer.member("action", action)
    if let unknownRole { writer.member("unknown_role", unknownRole) }
    writer.member("resource", resource)
    writer.member("scope", scope)
    writer.member("conditions", conditions)
    if effect == .deny { writer.member("effect", effect.rawValue) }
  }
}

extension Remainder {
  /// Writes the members of what is left.
  func write(to writer: inout JSONWriter) {
    writer.member("status", status.rawValue)
    writer.member("open_conditions", openConditions)
    writer.key("restricted_by")
    writer.beginArray()
    for denial in restrictedBy { writer.write(denial) }
    writer.endArray()
  }
}

extension Entitlement {
  func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writeMembers(to: &writer)
    writer.endObject()
  }

  func writeMembers(to writer: inout JSONWriter) {
    writer.member("identity", identity)
    right.write(to: &writer)
    remainder.write(to: &writer)
  }
}
