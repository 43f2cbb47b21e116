import EventLog

/// The events that the rows of a report name, each once, to be counted against the log.
///
/// A bit for each position up to that of the report, whatever rows there are: 1.2 MB for ten million events.
struct NamedEvents {
  /// Events that the log is asked for at once.
  private static let positionsPerPage = 10_000

  private let column: Int
  private let last: Int64
  private var bits: [UInt64]
  /// Rows that name no position up to the last: none of these can be in the log as it was known.
  private var beyond: Int64 = 0

  /// None as yet, of a column of positions.
  init(column: Int, through last: Int64) {
    (self.column, self.last) = (column, last)
    bits = Array(repeating: 0, count: Int(last / 64) + 1)
  }

  /// Notes the events of rows; a row that names none is none.
  mutating func note(_ rows: [ReportRow]) {
    for row in rows {
      guard case .integer(let position) = row[column] else { continue }
      if (1...max(1, last)).contains(position) {
        bits[Int(position / 64)] |= 1 << UInt64(position % 64)
      } else {
        beyond += 1
      }
    }
  }

  /// How many there are, against those of them that the log has; a round trip for each page of positions.
  func total(in tenant: Tenant) throws -> ControlTotal {
    var count: Int64 = 0
    var inLog: Int64 = 0
    var page: [Int64] = []
    func ask() throws {
      inLog += try tenant.countEvents(at: page, through: last)
      count += Int64(page.count)
      page.removeAll(keepingCapacity: true)
    }
    for (index, word) in bits.enumerated() {
      var rest = word
      while rest != 0 {
        page.append(Int64(index * 64 + rest.trailingZeroBitCount))
        rest &= rest - 1
      }
      if page.count >= Self.positionsPerPage { try ask() }
    }
    try ask()
    return ControlTotal(name: "events named in the rows, each once", report: count + beyond, log: inLog)
  }
}
