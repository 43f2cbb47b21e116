/// What a figure must reach.
enum Target: Hashable, Sendable {
  case atLeast(Double)
  case atMost(Double)

  func isMet(by value: Double) -> Bool {
    switch self {
    case .atLeast(let bound): value >= bound
    case .atMost(let bound): value <= bound
    }
  }
}

/// What a number counts.
enum Quantity: Sendable {
  case seconds(Double)
  case eventsPerSecond(Double)
  case requestsPerSecond(Double)
  case commandsPerSecond(Double)
  case bytesPerEvent(Double)
  case mebibytes(Double)

  var text: String {
    switch self {
    case .seconds(let seconds): Self.duration(seconds)
    case .eventsPerSecond(let rate): Self.grouped(rate) + " events/s"
    case .requestsPerSecond(let rate): Self.grouped(rate) + " requests/s"
    case .commandsPerSecond(let rate): Self.grouped(rate) + " commands/s"
    case .bytesPerEvent(let bytes): Self.grouped(bytes) + " bytes an event"
    case .mebibytes(let size): Self.grouped(size) + " MiB"
    }
  }

  var number: Double {
    switch self {
    case .seconds(let n), .eventsPerSecond(let n), .requestsPerSecond(let n), .commandsPerSecond(let n),
      .bytesPerEvent(let n), .mebibytes(let n):
      n
    }
  }

  /// A duration with three digits that count.
  static func duration(_ seconds: Double) -> String {
    let magnitude = abs(seconds)
    if magnitude < 1e-6 { return digits(seconds * 1e9) + " ns" }
    if magnitude < 1e-3 { return digits(seconds * 1e6) + " µs" }
    if magnitude < 1 { return digits(seconds * 1e3) + " ms" }
    return digits(seconds) + " s"
  }

  /// Three digits that count.
  static func digits(_ value: Double) -> String {
    let magnitude = abs(value)
    return decimal(value, magnitude < 10 ? 2 : magnitude < 100 ? 1 : 0)
  }

  /// So many places after the point.
  static func decimal(_ value: Double, _ places: Int) -> String {
    guard value.isFinite else { return "–" }
    let scale = [1.0, 10, 100][places]
    let scaled = (abs(value) * scale).rounded()
    let whole = Int(scaled / scale)
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + "\(whole)" }
    let rest = Int(scaled) - whole * Int(scale)
    return sign + "\(whole)." + OrganisationNames.padded(rest, places)
  }

  /// A whole number, thousands apart.
  static func grouped(_ value: Double) -> String {
    guard value.isFinite else { return "–" }
    var digits = String(Int(abs(value).rounded()))
    var groups: [String] = []
    while digits.utf8.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (value < 0 ? "-" : "") + ([digits] + groups).joined(separator: ",")
  }
}

/// One line of the table.
struct BenchFigure: Sendable {
  /// The row of DESIGN.md §10 that it belongs to.
  var row: String
  /// What was measured.
  var what: String
  /// This project's figure, a median.
  var ours: Quantity
  /// The peer's figure, a median of the same interleaved runs; nil where the target is absolute.
  var peer: Quantity?
  /// Who the peer is.
  var peerName: String
  /// How many times better ours is; for a slowdown how many times longer.
  ///
  /// Nil where the target is absolute.
  var ratio: Double?
  /// What the ratio, or our figure where there is none, must reach; nil for what is only reported.
  var target: Target?

  init(
    _ row: String, _ what: String, ours: Quantity, peer: Quantity? = nil, _ peerName: String = "", ratio: Double? = nil,
    target: Target? = nil
  ) {
    self.row = row
    self.what = what
    self.ours = ours
    self.peer = peer
    self.peerName = peerName
    self.ratio = ratio
    self.target = target
  }

  var isMissed: Bool { target.map { !$0.isMet(by: ratio ?? ours.number) } ?? false }

  var cells: [String] {
    [
      row, what, ours.text, peer.map(\.text) ?? "", peerName, ratio.map { Quantity.digits($0) + " ×" } ?? "", targetText,
      target == nil ? "" : isMissed ? "MISSED" : "met",
    ]
  }

  private var targetText: String {
    switch target {
    case nil: ""
    case .atLeast(let bound): "≥ " + text(bound)
    case .atMost(let bound): "≤ " + text(bound)
    }
  }

  private func text(_ bound: Double) -> String {
    if ratio != nil { return (bound == bound.rounded() ? "\(Int(bound))" : Quantity.decimal(bound, 1)) + " ×" }
    switch ours {
    case .seconds: return Quantity.duration(bound)
    case .bytesPerEvent: return "\(Int(bound)) bytes an event"
    default: return Quantity.grouped(bound)
    }
  }
}

/// The one table.
enum BenchTable {
  static let head = ["row", "what", "tenure", "peer", "which", "ratio", "target", ""]

  static func text(_ figures: [BenchFigure]) -> String {
    let rows = [head] + figures.map(\.cells)
    let widths = head.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      var line = row.enumerated().map { index, cell in
        cell + String(repeating: " ", count: widths[index] - cell.count)
      }.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return line + "\n"
    }.joined()
  }
}
