/// A length of time between two instants, written for people.
public struct Lapse: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// The length in microseconds; negative where the second instant is the earlier one.
  public let microseconds: Int64

  /// Makes a lapse of so many microseconds.
  public init(microseconds: Int64) {
    self.microseconds = microseconds
  }

  /// The lapse from one instant to another.
  public init(from: Instant, to: Instant) {
    microseconds = from.distance(to: to)
  }

  /// Whether the left lapse is shorter than the right one; negative lapses are the shortest.
  public static func < (left: Lapse, right: Lapse) -> Bool {
    left.microseconds < right.microseconds
  }

  /// The lapse in its largest unit and the one below it, cut off there: `6 days 3 h`, `2 h`, `45 s`, `less than 1 s`.
  ///
  /// Days are 24 hours. A negative lapse has a minus sign in front.
  public var description: String {
    let sign = microseconds < 0 ? "-" : ""
    let seconds = microseconds.magnitude / 1_000_000
    if seconds == 0 { return microseconds == 0 ? "0 s" : "less than 1 s" }
    let units: [(size: UInt64, name: (UInt64) -> String)] = [
      (86_400, { $0 == 1 ? "1 day" : "\($0) days" }), (3600, { "\($0) h" }), (60, { "\($0) min" }), (1, { "\($0) s" }),
    ]
    let first = units.firstIndex { seconds >= $0.size } ?? units.count - 1
    let (count, rest) = seconds.quotientAndRemainder(dividingBy: units[first].size)
    let text = sign + units[first].name(count)
    guard first + 1 < units.count, rest >= units[first + 1].size else { return text }
    return text + " " + units[first + 1].name(rest / units[first + 1].size)
  }
}
