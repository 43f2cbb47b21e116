import API
import Foundation
import Governance
import JSON

/// The reader of standard output has gone; nothing is wrong.
struct ClosedOutput: Error {}

/// How an answer is printed.
enum OutputFormat: String, CaseIterable {
  /// For people; may change.
  case text
  /// For programs; stable.
  case json
}

/// Standard output.
struct Output {
  static let standard = Output()

  /// Writes, best effort; for remarks only, never for an answer.
  func write(_ text: String) { try? writeBytes(Array(text.utf8)) }

  /// Writes all of an answer.
  ///
  /// - Throws: what `writeBytes` throws.
  func writeText(_ text: String) throws { try writeBytes(Array(text.utf8)) }

  /// Writes a report as an answer.
  ///
  /// - Throws: what `writeBytes` throws.
  func write<R: Report>(_ report: R, _ format: OutputFormat, text: (R) -> String) throws {
    switch format {
    case .json: try writeBytes(report.json() + [UInt8(ascii: "\n")])
    case .text: try writeText(text(report))
    }
  }

  /// Writes that something was refused, as an answer: `refused: …`, or `{"refused": {"message": …}}` with the code and pointer of
  /// a rule's refusal.
  ///
  /// - Throws: what `writeBytes` throws.
  func writeRefusal(_ text: String, format: OutputFormat, _ refusal: Refusal? = nil) throws {
    switch format {
    case .text: try writeText("refused: \(text)\n")
    case .json:
      var members: JSONObject = ["message": .string(refusal?.message ?? text)]
      if let refusal {
        members["code"] = .string(refusal.code.rawValue)
        members["pointer"] = .string(refusal.pointer)
      }
      try writeBytes(JSONValue.object(["refused": .object(members)]).canonicalBytes() + [UInt8(ascii: "\n")])
    }
  }

  /// Writes all bytes.
  ///
  /// - Throws: `ClosedOutput` where the reader has gone, else a `CommandError`: an answer that is cut off must not look whole.
  func writeBytes(_ bytes: [UInt8]) throws {
    try FileHandle.standardOutput.writeAll(Data(bytes), to: "the standard output")
  }
}

extension FileHandle {
  /// Writes all bytes to what is called `name` in an error.
  ///
  /// - Throws: `ClosedOutput` where it is a pipe whose reader has gone, else a `CommandError` with the cause.
  func writeAll(_ bytes: Data, to name: String) throws {
    do { try write(contentsOf: bytes) } catch {
      let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
      if cause?.code == Int(EPIPE) { throw ClosedOutput() }
      throw CommandError("cannot write to \(name): \((cause ?? error as NSError).localizedDescription)")
    }
  }
}

extension Arguments {
  mutating func format() throws(UsageError) -> OutputFormat {
    guard let text = option("format") else { return .text }
    guard let format = OutputFormat(rawValue: text) else { throw UsageError("--format must be text or json") }
    return format
  }
}

/// Rows of text in aligned columns.
struct TextTable {
  private var rows: [[String]] = []

  mutating func add(_ cells: String...) { rows.append(cells) }

  mutating func add(cells: [String]) { rows.append(cells) }

  mutating func add(row cells: [String]) { rows.append(cells) }

  var isEmpty: Bool { rows.isEmpty }

  /// The rows, two spaces between columns, the last column as it is.
  var text: String {
    let columns = rows.map(\.count).max() ?? 0
    let widths = (0..<columns).map { column in rows.map { $0.count > column ? $0[column].count : 0 }.max() ?? 0 }
    return rows.map { row in
      let cells = row.enumerated().map { index, cell in
        index == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[index] - cell.count)
      }
      return cells.joined(separator: "  ") + "\n"
    }.joined()
  }
}
