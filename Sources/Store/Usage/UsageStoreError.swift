/// Why usage was not recorded; nothing of the batch was stored.
public enum UsageStoreError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A batch has more records than one transaction takes.
  case tooMany(count: Int)
  /// The records of a batch are of more days than one transaction takes.
  case tooManyDays(count: Int)
  /// A record has a field that cannot be stored; records are counted from 0.
  case invalid(record: Int, field: String, problem: String)
  /// The source's name cannot be used.
  case badSource(problem: String)
  /// The days to keep are not a number that can be kept.
  case badWindow(days: Int)
  /// Days were dropped again and again while the batch was being written.
  case unsettled
  /// A row says what this program does not know, such as one of a later version.
  case unreadable

  /// One line for a log or an answer.
  public var description: String {
    switch self {
    case .tooMany(let count):
      "\(count) records are more than the limit of \(UsageLimits.recordsPerBatch) for a batch; send several"
    case .tooManyDays(let count):
      "records of \(count) days are more than the limit of \(UsageLimits.daysPerBatch) days for a batch; send several"
    case .invalid(let record, let field, let problem): "record \(record + 1): \(field) \(problem)"
    case .badSource(let problem): "the source's name \(problem)"
    case .badWindow(let days):
      "usage cannot be kept for \(days) days, only for \(UsageWindow.allowedDays.lowerBound) to \(UsageWindow.allowedDays.upperBound)"
    case .unsettled: "days of usage were dropped while the batch was written; send it again"
    case .unreadable: "a use has an outcome that this program does not know"
    }
  }
}
