import JSON
import Temporal

/// The files that a report is written as.
public enum ReportFormat: String, CaseIterable, Sendable {
  case csv, json

  /// The media type of the file.
  public var mediaType: String {
    switch self {
    case .csv: "text/csv; charset=utf-8; header=present"
    case .json: "application/json"
    }
  }
}

/// Writes the rows of one report in one format, piece by piece.
struct ReportEncoder {
  private let format: ReportFormat
  private let columns: [String]
  private var json = JSONWriter()
  private var csv: [UInt8] = []

  /// An encoder that has written what comes before the rows.
  init(_ format: ReportFormat, report name: String, columns: [String]) {
    self.format = format
    self.columns = columns
    switch format {
    case .csv: writeLine(columns.map { .text($0) })
    case .json:
      json.beginObject()
      json.member("report", name)
      json.key("rows")
      json.beginArray()
    }
  }

  /// Writes one row.
  mutating func write(_ row: ReportRow) {
    precondition(row.count == columns.count, "a row has a cell for each column")
    switch format {
    case .csv: writeLine(row)
    case .json:
      json.beginObject()
      for (column, cell) in zip(columns, row) {
        json.key(column)
        json.write(cell)
      }
      json.endObject()
    }
  }

  /// Writes what comes after the rows.
  mutating func finish() {
    guard format == .json else { return }
    json.endArray()
    json.endObject()
    json.endLine()
  }

  /// The bytes written since the last time.
  mutating func take() -> [UInt8] {
    switch format {
    case .json: return json.take()
    case .csv:
      defer { csv = [] }
      return csv
    }
  }

  /// One record of RFC 4180: fields apart by commas, CR LF behind it.
  private mutating func writeLine(_ row: ReportRow) {
    for (index, cell) in row.enumerated() {
      if index > 0 { csv.append(UInt8(ascii: ",")) }
      writeField(cell)
    }
    csv += [UInt8(ascii: "\r"), UInt8(ascii: "\n")]
  }

  private mutating func writeField(_ cell: ReportCell) {
    switch cell {
    case .none: return
    case .integer(let number): csv += Array(String(number).utf8)
    case .bool(let flag): csv += Array((flag ? "true" : "false").utf8)
    case .instant(let instant): csv += Array(instant.description.utf8)
    case .text(let text): writeText(text)
    case .list(let texts): writeText(texts.joined(separator: "; "))
    case .document(let document):
      var writer = JSONWriter()
      writer.value(document)
      writeText(String(decoding: writer.take(), as: UTF8.self))
    }
  }

  /// A text that a spreadsheet must not take for a formula: what begins like one gets an apostrophe before it.
  ///
  /// As OWASP's page on CSV injection has it: `=`, `+`, `-`, `@`, tabulator, carriage return and line feed begin one, also behind
  /// spaces, which some programs skip.
  private mutating func writeText(_ text: String) {
    let first = text.unicodeScalars.first { $0 != " " }
    let isFormula = first.map { "=+-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}".unicodeScalars.contains($0) } ?? false
    let bytes = Array((isFormula ? "'" + text : text).utf8)
    let quote = UInt8(ascii: "\"")
    // A leading apostrophe of the text's own needs no doubling: the manifest's JSON file has the text as it is.
    guard bytes.contains(where: { $0 == quote || $0 == UInt8(ascii: ",") || $0 == 13 || $0 == 10 }) else {
      csv += bytes
      return
    }
    csv.append(quote)
    for byte in bytes {
      if byte == quote { csv.append(quote) }
      csv.append(byte)
    }
    csv.append(quote)
  }
}
