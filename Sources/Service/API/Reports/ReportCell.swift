import JSON
import Temporal

/// One value of a report's row.
enum ReportCell: Hashable, Sendable {
  /// Nothing recorded, or nothing to say.
  case none
  case text(String)
  case integer(Int64)
  case bool(Bool)
  case instant(Instant)
  /// Several texts, in their order.
  case list([String])
  /// A document, such as a condition.
  case document(JSONValue)

  static func text(_ value: String?) -> ReportCell { value.map { .text($0) } ?? .none }
  static func integer(_ value: Int64?) -> ReportCell { value.map { .integer($0) } ?? .none }
  static func instant(_ value: Instant?) -> ReportCell { value.map { .instant($0) } ?? .none }

  /// Whole seconds from an instant to another; negative where the other is earlier.
  static func seconds(from first: Instant?, to second: Instant?) -> ReportCell {
    guard let first, let second else { return .none }
    return .integer(first.distance(to: second) / 1_000_000)
  }
}

/// A row of a report: one cell for each of its columns.
typealias ReportRow = [ReportCell]

extension JSONWriter {
  mutating func write(_ cell: ReportCell) {
    switch cell {
    case .none: null()
    case .text(let text): string(text)
    case .integer(let number): integer(number)
    case .bool(let flag): bool(flag)
    case .instant(let instant): string(instant.description)
    case .list(let texts):
      beginArray()
      for text in texts { string(text) }
      endArray()
    case .document(let document): value(document)
    }
  }
}
