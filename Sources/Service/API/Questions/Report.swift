public import JSON

/// An answer with everything that it rests on, which writes itself as JSON.
public protocol Report: Sendable {
  /// Writes the one object that HTTP and `--format json` give; its members are stable.
  func write(to writer: inout JSONWriter)
}

extension Report {
  /// The report as the bytes of one JSON object.
  public func json() -> [UInt8] {
    var writer = JSONWriter(reserving: usualReportBytes)
    write(to: &writer)
    return writer.take()
  }
}

/// The bytes to reserve for a report: one decision fits, so that it is written without moving.
private let usualReportBytes = 512

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
