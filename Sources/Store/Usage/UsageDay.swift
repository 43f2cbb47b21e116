import Postgres
public import Temporal

/// A day in UTC, by which usage is parted and rolled up.
public struct UsageDay: Hashable, Comparable, Sendable {
  /// Microseconds of a day.
  static let microseconds: Int64 = 86_400_000_000

  /// Its first instant.
  public let start: Instant

  /// The day that an instant lies in.
  public init(of instant: Instant) {
    let number = instant.microseconds
    let rest = number % Self.microseconds
    start = Instant(microseconds: number - (rest < 0 ? rest + Self.microseconds : rest))
  }

  /// The first instant after it.
  public var end: Instant { start.adding(microseconds: Self.microseconds) }

  /// The day so many days later, earlier if negative.
  func adding(days: Int) -> UsageDay { UsageDay(of: start.adding(microseconds: Int64(days) * Self.microseconds)) }

  /// Whether the left day is before the right one.
  public static func < (left: UsageDay, right: UsageDay) -> Bool { left.start < right.start }
}

extension Instant {
  init(_ timestamp: Timestamp) { self.init(microseconds: timestamp.microsecondsSinceUnixEpoch) }
  var timestamp: Timestamp { Timestamp(microsecondsSinceUnixEpoch: microseconds) }
}
